#include "engine/strategies/stream.h"

#include <math.h>
#include <stdlib.h>

#include "base/dtype.h"

/* ---- types ------------------------------------------------------------------ */

static bool logical(const es_problem *p) {
  return p->combine == ES_INNER_AND || p->combine == ES_INNER_OR;
}

es_dtype es_stream_type(const es_problem *p) {
  bool folds = p->rank > p->n_out && !es_problem_any_order(p);
  bool product = p->n_in == 2 && p->combine == ES_INNER_MUL &&
                 (p->reduce == ES_REDUCE_SUM || p->reduce == ES_REDUCE_MEAN);
  if (p->reduce == ES_REDUCE_LOGSUMEXP) return ES_F64;
  if (!folds || product) return p->compute;
  return p->compute == ES_F32 ? ES_F64 : p->compute == ES_C64 ? ES_C128 : p->compute;
}

/* Means of integers are stored from a quotient. */
static es_dtype stored_from(const es_problem *p, es_dtype type) {
  return p->reduce == ES_REDUCE_MEAN && type == ES_I64 ? ES_F64 : type;
}

static bool needs_truth(const es_problem *p) {
  bool all_bool = true;
  for (int i = 0; i < p->n_in; i++) all_bool &= p->in[i].dtype == ES_BOOL;
  if (p->n_in == 1)
    return !all_bool && (logical(p) || p->reduce == ES_REDUCE_ANY || p->reduce == ES_REDUCE_ALL);
  if (logical(p)) return false;
  return p->reduce == ES_REDUCE_ANY || p->reduce == ES_REDUCE_ALL;
}

bool es_stream_applicable(const es_problem *p, const es_kernels *kernels) {
  es_dtype type = es_stream_type(p);
  const es_stream_kernels *k = kernels->stream;
  if (!k || !kernels->elementwise) return false;
  if (p->n_constraints || p->rank > ES_MAX_RANK || p->n_in >= ES_CURSOR_SIDES) return false;
  for (int i = 0; i < p->n_in; i++)
    if (!kernels->elementwise->load[type][p->in[i].dtype]) return false;
  if (!kernels->elementwise->store[stored_from(p, type)][p->out.dtype]) return false;
  if (p->n_in > 1 && !k->combine[p->combine][type]) return false;
  if (needs_truth(p) && !k->truth[type]) return false;
  if (p->alpha == 1 && p->beta == 0) return true;
  /* A step that may hand over to the loops must not have read what it overwrote. */
  return type != ES_I64 && p->out.dtype >= ES_F16 &&
         (p->beta == 0 || kernels->elementwise->load[type][p->out.dtype]);
}

/* ---- integers: do 64 bits hold? ------------------------------------------------------ */

/* Nothing is added or multiplied. */
static bool only_selects(const es_problem *p) {
  bool selects = p->n_in == 1 || logical(p) || p->combine == ES_INNER_MAX ||
                 p->combine == ES_INNER_MIN;
  return selects && p->reduce != ES_REDUCE_SUM && p->reduce != ES_REDUCE_MEAN &&
         p->reduce != ES_REDUCE_PROD;
}

/* From the largest magnitude of each operand. */
static bool fits(const es_problem *p, const double *magnitude) {
  double bound = magnitude[0], taps = es_problem_taps(p);
  for (int i = 1; i < p->n_in; i++) {
    if (p->combine == ES_INNER_MUL)
      bound *= magnitude[i];
    else if (p->combine == ES_INNER_ADD)
      bound += magnitude[i];
    else
      bound = fmax(bound, magnitude[i]);
  }
  /* Also what is only met on the way: a product with zero still came from somewhere. */
  for (int i = 0; i < p->n_in; i++)
    if (magnitude[i] >= 0x1p63 && !only_selects(p)) return false;
  if (p->reduce == ES_REDUCE_SUM || p->reduce == ES_REDUCE_MEAN) bound *= taps;
  if (p->reduce == ES_REDUCE_PROD && bound > 1) bound = pow(bound, taps);
  return bound < 0x1p62; /* a bit to spare for the rounding of these products */
}

static bool exact_by_type(const es_problem *p) {
  double magnitude[ES_CURSOR_SIDES];
  if (only_selects(p)) return true;
  for (int i = 0; i < p->n_in; i++) {
    int64_t low, high;
    es_dtype_int_range(p->in[i].dtype, &low, &high);
    magnitude[i] = fmax(-(double)low, (double)high);
  }
  return fits(p, magnitude);
}

/* Largest magnitude among the elements a side walks over. */
static double magnitude_of(const es_problem *p, const es_side *side, const es_kernels *kernels,
                           const es_run_args *args) {
  int64_t extent[ES_MAX_RANK], stride[ES_MAX_RANK], n = 1, step = 0;
  int row = -1;
  es_axes axes = {.n_sides = 1, .extent = extent, .stride = stride, .count = 1};
  for (int a = 0; a < p->rank; a++)
    if (side->stride[a] != 0 && (row < 0 || llabs(side->stride[a]) < llabs(side->stride[row])))
      row = a;
  for (int a = 0; a < p->rank; a++) {
    if (side->stride[a] == 0 || a == row) continue;
    extent[axes.n] = p->extent[a];
    stride[axes.n++] = side->stride[a];
    axes.count *= p->extent[a];
  }
  if (row >= 0) n = p->extent[row], step = side->stride[row];
  int64_t low = 0, high = 0, size = (int64_t)es_dtype_size(side->dtype);
  es_cursor c;
  es_stream_row buffer;
  es_cursor_seek(&axes, &c, 0);
  for (int64_t i = 0; i < axes.count; i++, es_cursor_next(&axes, &c))
    for (int64_t j = 0; j < n; j += ES_ROW) {
      int64_t m = n - j < ES_ROW ? n - j : ES_ROW;
      const char *from = (const char *)args->base[side->slot] +
                         (side->offset + c.at[0] + j * step) * size;
      kernels->elementwise->load[ES_I64][side->dtype](&buffer, from, step, m);
      kernels->stream->fold_runs[ES_FOLD_MAX][ES_I64](&high, NULL, &buffer, m, 1, 0);
      kernels->stream->fold_runs[ES_FOLD_MIN][ES_I64](&low, NULL, &buffer, m, 1, 0);
    }
  return fmax(-(double)low, (double)high);
}

bool es_stream_exact_by_value(const es_problem *p, const es_kernels *kernels,
                              const es_run_args *args) {
  double magnitude[ES_CURSOR_SIDES];
  if (es_problem_points(p) == 0) return true;
  for (int i = 0; i < p->n_in; i++) magnitude[i] = magnitude_of(p, &p->in[i], kernels, args);
  return fits(p, magnitude);
}

/* ---- a stream -------------------------------------------------------------------- */

static int log2_size(es_dtype dtype) {
  int log = 0;
  while ((size_t)1 << log < es_dtype_size(dtype)) log++;
  return log;
}

void es_stream_init(es_stream *s, const es_problem *p, const es_kernels *kernels, int axis) {
  es_dtype type = es_stream_type(p);
  *s = (es_stream){.kernels = kernels,
                   .type = type,
                   .size = (int64_t)es_dtype_size(type),
                   .n_in = p->n_in,
                   .combine = p->combine,
                   .truth = needs_truth(p)};
  for (int i = 0; i <= p->n_in; i++) {
    const es_side *from = i < p->n_in ? &p->in[i] : &p->out;
    es_stream_side *to = i < p->n_in ? &s->in[i] : &s->out;
    *to = (es_stream_side){.dtype = from->dtype,
                           .slot = from->slot,
                           .offset = from->offset,
                           .step = axis < 0 ? 1 : from->stride[axis],
                           .size = (int64_t)es_dtype_size(from->dtype),
                           .load = kernels->elementwise->load[type][from->dtype],
                           .gather = kernels->stream->gather[log2_size(from->dtype)]};
  }
  es_class cls = es_dtype_class(p->out.dtype);
  bool cuts = p->wrap && type == ES_I64 && cls == ES_CLASS_INT;
  s->store = kernels->elementwise->store[stored_from(p, type)][p->out.dtype];
  s->plain = p->alpha == 1 && p->beta == 0 && p->reduce != ES_REDUCE_MEAN && !cuts;
  s->scan = type == ES_I64 && !p->wrap && !exact_by_type(p);
}

/* ---- rows of operands --------------------------------------------------------- */

const void *es_stream_fetch(const es_stream *s, const es_run_args *args, int i, int64_t at,
                            int64_t step, int64_t n, void *row) {
  const es_stream_side *side = &s->in[i];
  const char *from = (const char *)args->base[side->slot] + (side->offset + at) * side->size;
  if (side->dtype == s->type && (step == 1 || n == 1)) return from;
  if (side->dtype == s->type) {
    side->gather(row, from, step, n);
  } else if (step < 2 || step > 4) {
    side->load(row, from, step, n);
  } else {
    es_stream_row near;
    side->gather(&near, from, step, n);
    side->load(row, &near, 1, n);
  }
  return row;
}

const void *es_stream_combine(const es_stream *s, const es_run_args *args, const int64_t *at,
                              const int64_t *step, int64_t n, void *dst, es_stream_row *spare) {
  const es_stream_kernels *k = s->kernels->stream;
  const void *x;
  if (s->n_in == 1) {
    x = es_stream_fetch(s, args, 0, at[0], step[0], n, dst);
  } else {
    bool row = step[0] != 0;
    x = es_stream_fetch(s, args, 0, at[0], step[0], row ? n : 1, &spare[0]);
    for (int i = 1; i < s->n_in; i++) {
      const void *y = es_stream_fetch(s, args, i, at[i], step[i], step[i] ? n : 1, &spare[1]);
      k->combine[s->combine][s->type](dst, x, row, y, step[i] != 0, n);
      x = dst;
      row = true;
    }
  }
  if (!s->truth) return x;
  if (x != dst) memcpy(dst, x, (size_t)(n * s->size));
  k->truth[s->type](dst, n);
  return dst;
}

/* ---- rows of results -------------------------------------------------------------- */

double es_mean_of_integers(es_i128 sum, double count) {
  if (!(count >= 1 && count < 0x1p62)) return es_i128_double(sum) / count;
  if (sum == 0 || (sum >= -((int64_t)1 << 53) && sum <= (int64_t)1 << 53 && count <= 0x1p53))
    return (double)(int64_t)sum / count;
  /* The quotient with more than 62 bits, the remainder kept as a sticky last bit. */
  es_u128 rest = sum < 0 ? -(es_u128)sum : (es_u128)sum;
  int shift = 0;
  while (rest >> 126 == 0) rest <<= 1, shift++;
  es_u128 quotient = es_u128_divide(rest, (uint64_t)count, &rest);
  if (rest != 0) quotient |= 1;
  double result = ldexp(es_u128_double(quotient), -shift);
  return sum < 0 ? -result : result;
}

/* row / count; of integers the row becomes f64. */
static void divide(const es_stream *s, es_stream_row *row, double count, int64_t n) {
  switch (s->type) {
  case ES_I64:
    for (int64_t i = 0; i < n; i++) row->f64[i] = es_mean_of_integers(row->i64[i], count);
    break;
  case ES_F32:
  case ES_C64:
    for (int64_t i = 0; i < n * s->size / 4; i++)
      row->f32[i] = (float)((double)row->f32[i] / count);
    break;
  default:
    for (int64_t i = 0; i < n * s->size / 8; i++) row->f64[i] /= count;
  }
}

/* row = alpha * row + beta * old, real factors; old may be NULL. */
static void scale(const es_stream *s, const es_problem *p, es_stream_row *row,
                  const es_stream_row *old, int64_t n) {
  if (s->type == ES_F32 || s->type == ES_C64) {
    for (int64_t i = 0; i < n * s->size / 4; i++) {
      double v = p->alpha * (double)row->f32[i];
      row->f32[i] = (float)(old ? v + p->beta * (double)old->f32[i] : v);
    }
  } else {
    for (int64_t i = 0; i < n * s->size / 8; i++) {
      double v = p->alpha * row->f64[i];
      row->f64[i] = old ? v + p->beta * old->f64[i] : v;
    }
  }
}

/* Keeps the bits that the output's type has room for. */
static void cut(es_dtype dtype, int64_t *row, int64_t n) {
  int unused = 64 - 8 * (int)es_dtype_size(dtype);
  for (int64_t i = 0; i < n; i++) {
    uint64_t high = (uint64_t)row[i] << unused;
    row[i] = dtype == ES_U8 ? (int64_t)(high >> unused) : (int64_t)high >> unused;
  }
}

bool es_stream_finish(const es_stream *s, const es_problem *p, const es_run_args *args, void *row_,
                      int64_t at, int64_t n) {
  es_stream_row *row = row_, old;
  char *to = (char *)args->base[s->out.slot] + (s->out.offset + at) * s->out.size;
  if (!s->plain) {
    if (p->reduce == ES_REDUCE_MEAN) divide(s, row, p->mean_count, n);
    if (p->beta != 0) s->out.load(&old, to, s->out.step, n);
    if (p->alpha != 1 || p->beta != 0) scale(s, p, row, p->beta != 0 ? &old : NULL, n);
    if (p->wrap && s->type == ES_I64 && p->reduce != ES_REDUCE_MEAN &&
        es_dtype_class(p->out.dtype) == ES_CLASS_INT)
      cut(p->out.dtype, row->i64, n);
  }
  return s->store(to, s->out.step, row, n) == n;
}
