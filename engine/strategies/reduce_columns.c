#include <stdlib.h>

#include "engine/strategies/reduce.h"

/* The next reduced points, at most limit: rows of the two last axes that steps
 * describes, and where each operand's begin (at). The cursor moves past them. */
static int64_t next_rows(const es_axes *taps, es_cursor *c, int64_t limit, es_steps *steps,
                         int64_t *at) {
  int last = taps->n - 1, sides = taps->n_sides;
  const int64_t *in0 = taps->stride + last * sides + 1, *in1 = in0 - sides;
  int64_t n0 = taps->extent[last], n1 = 1;
  for (int i = 0; i + 1 < sides; i++) at[i] = c->at[1 + i];
  *steps = (es_steps){.a0 = in0[0], .b0 = sides > 2 ? in0[1] : 0};
  if (last > 0 && c->index[last] == 0 && n0 <= limit) {
    n1 = taps->extent[last - 1] - c->index[last - 1];
    if (n1 > limit / n0) n1 = limit / n0;
    steps->a1 = in1[0];
    steps->b1 = sides > 2 ? in1[1] : 0;
    es_cursor_move(taps, c, last - 1, n1);
  } else {
    n0 -= c->index[last];
    if (n0 > limit) n0 = limit;
    es_cursor_move(taps, c, last, n0);
  }
  steps->n1 = n1;
  steps->n0 = n0;
  return n1 * n0;
}

static bool in_place(const es_stream *s, int i, int64_t n) {
  return s->in[i].dtype == s->type && (s->in[i].step == 1 || n == 1);
}

static const void *address(const es_stream *s, const es_run_args *args, int i, int64_t at) {
  return (const char *)args->base[s->in[i].slot] + (s->in[i].offset + at) * s->in[i].size;
}

/* Reduced points whose rows are taken in one go: the accumulators go through registers
 * once for all of them, but each row is a stream of its own, which caches and TLB must
 * hold beside those of the next rows, fetched ahead. Rows a multiple of 4 KiB apart meet in few
 * sets of the first-level cache: four of 2 KiB read 64 MiB half as fast again as sixteen. */
static int64_t rows_at_once(const es_reduction *r, int64_t n) {
  const es_stream *s = &r->s;
  const int64_t step = llabs(r->taps.stride[(r->taps.n - 1) * r->taps.n_sides + 1]);
  const bool meet = step > n && step * s->in[0].size % 4096 == 0;
  int64_t rows = meet ? (8 << 10) / (n * s->in[0].size) : (32 << 10) / (n * s->size);
  return rows < 4 ? 4 : rows > 128 ? 128 : rows;
}

/* ---- folds ------------------------------------------------------------------- */

/* Kernel that takes the rows of the only operand as they lie, or NULL. */
static es_fold_rows direct_fold(const es_reduction *r, es_fold fold, int64_t n) {
  const es_stream *s = &r->s;
  if (s->n_in > 1 || s->truth || (s->in[0].step != 1 && n > 1)) return NULL;
  if (s->in[0].dtype == s->type) return s->kernels->stream->fold_rows[fold][s->type];
  bool widens = s->in[0].dtype == ES_F32 && s->type == ES_F64 && fold == ES_FOLD_SUM;
  return widens ? s->kernels->stream->widen_rows : NULL;
}

void es_reduce_columns(const es_reduction *r, const es_run_args *args, es_fold fold,
                       const int64_t *at, int64_t n, void *acc, void *low, const double *shift) {
  const es_stream *s = &r->s;
  es_fold_rows direct = shift ? NULL : direct_fold(r, fold, n);
  es_fold_rows rows = s->kernels->stream->fold_rows[fold][s->type];
  es_stream_row row, spare[2];
  es_cursor c;
  es_steps steps;
  int64_t here[ES_CURSOR_SIDES], along[ES_CURSOR_SIDES], limit = direct ? rows_at_once(r, n) : 1;
  for (int i = 0; i < s->n_in; i++) along[i] = s->in[i].step;
  es_cursor_seek(&r->taps, &c, 0);
  for (int64_t k = 0; k < r->taps.count && !es_reduce_stops(r, args);) {
    k += next_rows(&r->taps, &c, limit, &steps, here);
    for (int i = 0; i < s->n_in; i++) here[i] += at[i];
    if (direct) {
      direct(acc, low, address(s, args, 0, here[0]), n, &steps);
      continue;
    }
    const void *x = es_stream_combine(s, args, here, along, n, &row, spare);
    if (shift) {
      for (int64_t i = 0; i < n; i++) row.f64[i] = ((const double *)x)[i] - shift[i];
      s->kernels->elementwise->unary[ES_F64][ES_EXP](&spare[0], &row, n);
      x = &spare[0];
    }
    rows(acc, low, x, n, &(es_steps){.n1 = 1, .n0 = 1});
  }
}

/* ---- sums of products ------------------------------------------------------------ */

/* One chain: acc = 0, then multiply-adds over the next count reduced points. */
static void chain(const es_reduction *r, const es_run_args *args, const int64_t *at, int64_t n,
                  int64_t count, es_cursor *c, void *acc) {
  const es_stream *s = &r->s;
  const es_stream_kernels *k = s->kernels->stream;
  es_stream_row spare[2];
  es_steps steps;
  int64_t here[ES_CURSOR_SIDES];
  /* a is an operand with a row; b may be one value for all of it. */
  int a = s->in[0].step == 0 && s->in[1].step != 0, b = 1 - a;
  bool b_row = s->in[b].step != 0, direct = in_place(s, a, n) && in_place(s, b, b_row ? n : 1);
  es_mad_rows mad = b_row ? k->mad_rows[s->type] : k->mad_scalar[s->type];
  memset(acc, 0, (size_t)(n * s->size));
  while (count > 0) {
    count -= next_rows(&r->taps, c, direct ? count : 1, &steps, here);
    if (direct) {
      if (a) steps = (es_steps){steps.n1, steps.n0, steps.b1, steps.b0, steps.a1, steps.a0};
      mad(acc, address(s, args, a, at[a] + here[a]), address(s, args, b, at[b] + here[b]), n,
          &steps);
      continue;
    }
    const void *x = es_stream_fetch(s, args, a, at[a] + here[a], s->in[a].step, n, &spare[0]);
    const void *y = es_stream_fetch(s, args, b, at[b] + here[b], s->in[b].step, b_row ? n : 1,
                                    &spare[1]);
    mad(acc, x, y, n, &(es_steps){.n1 = 1, .n0 = 1});
  }
}

void es_reduce_product_columns(const es_reduction *r, const es_run_args *args, const int64_t *at,
                               int64_t n, void *acc) {
  const es_stream *s = &r->s;
  es_stream_row part;
  es_cursor c;
  es_cursor_seek(&r->taps, &c, 0);
  int64_t left = r->taps.count, first = left < r->chain ? left : r->chain;
  chain(r, args, at, n, first, &c, acc);
  while ((left -= first) > 0 && !es_reduce_stops(r, args)) {
    first = left < r->chain ? left : r->chain;
    chain(r, args, at, n, first, &c, &part);
    s->kernels->stream->combine[ES_INNER_ADD][s->type](acc, acc, 1, &part, 1, n);
  }
}
