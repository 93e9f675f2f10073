/* Contraction: what is asked for ahead. The kernels ask for one line every few steps, so that
 * memory and arithmetic overlap; a burst of requests would hold up their own loads. */
#include "engine/strategies/gemm_block.h"

typedef struct lines {
  const char **list;
  int64_t n;
} lines;

static inline void add(lines *to, const char *from, int64_t bytes) {
  const char *line = from - (uintptr_t)from % ES_ALIGN, *end = from + bytes, **list = to->list;
  int64_t n = to->n;
  for (; line < end && n < ES_GEMM_FETCH; line += ES_ALIGN) list[n++] = line;
  to->n = n;
}

/* Some parts of n runs, of so many bytes each, but for those that are absent. */
static void add_part(lines *to, const char *base, const int64_t *run, int64_t n, int64_t bytes,
                     int64_t part, int64_t some, int64_t parts) {
  for (int64_t i = n * part / parts; i < n * (part + some) / parts; i++)
    if (run[i] != ES_GEMM_ABSENT) add(to, base + run[i], bytes);
}

/* C of the rows and columns that are stored next. */
static void add_c(lines *to, const es_gemm_plan *g, const es_gemm_block *b, int64_t i, int m,
                  int64_t j, int64_t n) {
  const int64_t *row = b->c_rows + i, *col = b->c_cols + j, *line = g->along_c ? row : col;
  int64_t count = g->along_c ? m : n;
  int64_t low = g->along_c ? col[0] : row[0], high = g->along_c ? col[n - 1] : row[m - 1];
  for (int64_t q = 0; q < count; q++) {
    if (high - low < 4 * ES_ALIGN * ES_GEMM_ACROSS && high >= low) {
      add(to, b->c + line[q] + low, high - low + 1);
    } else {
      add(to, b->c + line[q] + low, 1);
      add(to, b->c + line[q] + high, 1);
    }
  }
}

/* Whether what lies step bytes apart, k times, are neighbours of size bytes. */
static bool along(int64_t step, int64_t k, int64_t size) { return k < 2 || step == size; }

/* A share of the panels that are packed after the unit of panel at. */
static void add_y(lines *to, const es_gemm_run *r, const es_gemm_block *b, int64_t at) {
  const es_gemm_plan *g = r->g;
  int64_t unit = es_gemm_unit(g), next = at - at % unit + unit, n = 0;
  if (next >= b->panels || !b->y_k) return;
  if (g->u < 0) {
    es_gemm_panel q = es_gemm_panel_of(g, b, next);
    const int64_t *cols = b->y_cols + q.j;
    int64_t size = (int64_t)es_dtype_size(g->y.dtype);
    if (q.n > 1 && es_gemm_spacing(cols, q.n, (size_t)size) == 1)
      add_part(to, b->y + cols[0], b->y_k, b->k, q.n * size, 0, 1, 1);
    else if (along(b->y_step, b->k, size))
      add_part(to, b->y + b->y_k[0], cols, q.n, b->k * size, 0, 1, 1);
    return;
  }
  for (int64_t i = next; i < next + g->run_panels; i++) n += es_gemm_panel_of(g, b, i).n;
  int64_t j = es_gemm_panel_of(g, b, next).j, from = b->k * (at % unit) / unit,
          end = b->k * (at % unit + 1) / unit;
  for (int64_t p = from; p < end; p++)
    for (int64_t q = 0; q < n; q++)
      add(to, b->y + b->y_cols[j + q] + b->y_k[p], g->u_part * (int64_t)g->each);
}

/* The next panel of a Y that is read in place. */
static void add_next_y(lines *to, const es_gemm_run *r, const es_gemm_block *b, int64_t at) {
  if (at + 1 >= b->to) return;
  es_gemm_panel q = es_gemm_panel_of(r->g, b, at + 1);
  add_part(to, b->y + b->y_cols[q.j], b->y_k, b->k, q.n * (int64_t)r->g->each, 0, 1, 1);
}

/* The share of panels at, … at + some - 1 of the m rows of X from row i on, where they lie in
 * runs; others are left alone. */
static void add_x(lines *to, const es_gemm_run *r, const es_gemm_block *b, int64_t i, int64_t m,
                  int64_t at, int64_t some) {
  int64_t part = at - b->from, parts = b->to - b->from;
  int64_t size = (int64_t)es_dtype_size(r->g->x.dtype);
  const int64_t *rows = b->x_rows + i;
  if (along(b->x_step, b->k, size))
    add_part(to, b->x + b->x_k[0], rows, m, b->k * size, part, some, parts);
  else if (m > 1 && es_gemm_spacing(rows, m, (size_t)size) == 1)
    add_part(to, b->x + rows[0], b->x_k, b->k, m * size, part, some, parts);
}

int64_t es_gemm_fetch(const es_gemm_run *r, const es_gemm_block *b, int64_t i, int m, int64_t at,
                      int64_t some, const char **list) {
  const es_gemm_plan *g = r->g;
  lines to = {.list = list};
  bool more = at + some < b->to, last = g->add_c || b->k0 + b->k == b->box->k.count;
  int64_t next_i = more ? i : i + m, next_m = es_gemm_smaller(m, b->m - next_i);
  if (g->fetch_c && last && next_m > 0) {
    es_gemm_panel next = es_gemm_panel_of(g, b, more ? at + some : b->from);
    if (!(next.in_place & ES_GEMM_C_HERE)) /* there the kernel asks for it */
      add_c(&to, g, b, next_i, (int)next_m, next.j, next.n);
  }
  if (g->stream_y) add_y(&to, r, b, at);
  if (g->v >= 0) add_next_y(&to, r, b, at);
  if (g->fetch_x && i + m < b->m && !(g->keep_x && b->from))
    add_x(&to, r, b, i + m, es_gemm_smaller(m, b->m - i - m), at, some);
  return to.n;
}
