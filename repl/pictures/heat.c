#include "repl/pictures/heat.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_READ = 1 << 24 }; /* elements of one picture */

/* ---- cells ----------------------------------------------------------------------------- */

/* Of what is no number the cell shows that, else the mean of the elements it covers. */
static double cover(const double *x, int64_t pitch, int64_t y0, int64_t y1, int64_t x0,
                    int64_t x1) {
  double sum = 0, special = 0;
  bool any = false;
  for (int64_t i = y0; i < y1; i++)
    for (int64_t j = x0; j < x1; j++) {
      double v = x[i * pitch + j];
      if (isfinite(v))
        sum += v / (double)((y1 - y0) * (x1 - x0));
      else if (!any || isnan(v))
        special = v, any = true;
    }
  return any ? special : sum;
}

static void count(sc_heat *h, const double *x, int64_t n) {
  h->low = INFINITY;
  h->high = -INFINITY;
  for (int64_t i = 0; i < n; i++) {
    h->n_nan += isnan(x[i]) != 0;
    h->n_inf += isinf(x[i]) && x[i] > 0;
    h->n_minus_inf += isinf(x[i]) && x[i] < 0;
    if (!isfinite(x[i])) continue;
    h->low = fmin(h->low, x[i]);
    h->high = fmax(h->high, x[i]);
  }
  h->diverging = h->low < 0 && h->high > 0;
}

static void fill(sc_heat *h, const double *x) {
  h->cell = sc_alloc((uint64_t)(h->panels * h->height * h->width) * sizeof *h->cell);
  for (int64_t p = 0; p < h->panels; p++)
    for (int64_t i = 0; i < h->height; i++)
      for (int64_t j = 0; j < h->width; j++)
        h->cell[(p * h->height + i) * h->width + j] =
            cover(x + p * h->rows * h->columns, h->columns, i * h->rows / h->height,
                  (i + 1) * h->rows / h->height, j * h->columns / h->width,
                  (j + 1) * h->columns / h->width);
}

/* The panels of t, flat. NULL after an error. */
static es_tensor *panels_of(sc_session *s, sc_span where, es_tensor *t, sc_heat *h) {
  const int64_t shape[] = {h->all_panels, h->rows, h->columns};
  t = es_reshape(s->es, t, 3, shape);
  if (t && h->panels < h->all_panels) t = es_slice(s->es, t, 0, 0, h->panels, 1);
  return t ? t : sc_fail_engine(s, where);
}

/* Whether a tensor has numbers that a scale can hold. */
static bool check(sc_session *s, sc_span where, const es_tensor *t) {
  if (es_dtype_of(t) >= ES_C64)
    sc_fail(s, ES_E_DTYPE, where,
            "complex numbers have no place on a scale; take real, imag or abs");
  else if (es_size(t) == 0)
    sc_fail(s, ES_E_EMPTY, where, "there is nothing to show: the tensor is empty");
  return !s->fault.set;
}

bool sc_heat_make(sc_session *s, sc_span where, es_tensor *t, int64_t most_panels, int64_t height,
                  int64_t width, sc_heat *h) {
  int rank = es_rank(t);
  *h = (sc_heat){.dtype = es_dtype_of(t), .rows = 1, .columns = 1, .all_panels = 1};
  if (!check(s, where, t)) return false;
  h->leading = rank > 2 ? rank - 2 : 0;
  for (int i = 0; i < rank; i++) h->shape[i] = es_shape(t)[i];
  if (rank > 0) h->columns = h->shape[rank - 1];
  if (rank > 1) h->rows = h->shape[rank - 2];
  for (int i = 0; i < h->leading; i++) h->all_panels *= h->shape[i];
  h->panels = h->all_panels < most_panels ? h->all_panels : most_panels;
  h->height = h->rows < height ? h->rows : height;
  h->width = h->columns < width ? h->columns : width;
  int64_t n = h->panels * h->rows * h->columns;
  if (n > MOST_READ) {
    sc_fail(s, ES_E_LIMIT, where,
            "a picture shows at most %d elements, here are %lld: show a slice", (int)MOST_READ,
            (long long)n);
    return false;
  }
  t = panels_of(s, where, t, h);
  if (!t) return false;
  double *x = sc_alloc((uint64_t)n * sizeof *x);
  bool ok = es_read(s->es, t, ES_F64, x, n) == ES_OK;
  if (ok) {
    count(h, x, n);
    fill(h, x);
  } else {
    sc_fail_engine(s, where);
  }
  free(x);
  return ok;
}

void sc_heat_free(sc_heat *h) { free(h->cell); }

void sc_heat_number(double v, char text[32]) {
  snprintf(text, 32, v == trunc(v) && fabs(v) < 1e9 ? "%.0f" : "%.4g", v == 0 ? 0 : v);
}

void sc_heat_title(const sc_heat *h, int64_t panel, char *text, size_t cap) {
  int64_t place[ES_MAX_RANK];
  size_t len = 0;
  text[0] = '\0';
  for (int i = h->leading - 1; i >= 0; i--) {
    place[i] = panel % h->shape[i];
    panel /= h->shape[i];
  }
  const char *axis = h->axes ? h->axes : "";
  for (int i = 0; i < h->leading && len + ES_MAX_NAME + 24 < cap; i++) {
    int n = (int)strcspn(axis, "\t");
    if (n > ES_MAX_NAME) n = 0; /* a group */
    len += (size_t)snprintf(text + len, cap - len, "%s%.*s%s%lld%s", i ? ", " : "[", n, axis,
                            n ? " " : "", (long long)place[i], i + 1 == h->leading ? "]" : "");
    axis += strcspn(axis, "\t");
    axis += *axis == '\t';
  }
}

/* ---- colours ----------------------------------------------------------------------------- */

/* viridis of matplotlib (CC0) and ColorBrewer's RdBu, both at nine places. */
static const sc_rgb rising[] = {{68, 1, 84},    {71, 44, 122},  {59, 81, 139},
                                {44, 113, 142}, {33, 144, 141}, {39, 173, 129},
                                {92, 200, 99},  {170, 220, 50}, {253, 231, 37}};
static const sc_rgb signs[] = {{33, 102, 172},  {67, 147, 195},  {146, 197, 222},
                               {209, 229, 240}, {247, 247, 247}, {253, 219, 199},
                               {244, 165, 130}, {214, 96, 77},   {178, 24, 43}};
enum { STOPS = sizeof rising / sizeof *rising };

double sc_heat_place(const sc_heat *h, double v) {
  double reach = fmax(fabs(h->low), fabs(h->high)); /* equal steps on both sides of 0 */
  double low = h->diverging ? -reach : h->low, high = h->diverging ? reach : h->high;
  /* Halves: the difference of two doubles may overflow. */
  double place = high > low ? (v / 2 - low / 2) / (high / 2 - low / 2) : 0.5;
  return place < 0 ? 0 : place > 1 ? 1 : place;
}

static unsigned char mix(int a, int b, double t) { return (unsigned char)lround(a + (b - a) * t); }

sc_rgb sc_heat_color(const sc_heat *h, double v) {
  if (isnan(v)) return (sc_rgb){255, 0, 255};
  if (isinf(v)) return v > 0 ? (sc_rgb){255, 128, 0} : (sc_rgb){0, 0, 0};
  const sc_rgb *stop = h->diverging ? signs : rising;
  double place = sc_heat_place(h, v) * (STOPS - 1);
  int i = (int)place < STOPS - 1 ? (int)place : STOPS - 2;
  double t = place - i;
  return (sc_rgb){mix(stop[i].r, stop[i + 1].r, t), mix(stop[i].g, stop[i + 1].g, t),
                  mix(stop[i].b, stop[i + 1].b, t)};
}
