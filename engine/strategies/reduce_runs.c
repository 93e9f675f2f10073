#include <stdlib.h>

#include "engine/strategies/gemm.h"
#include "engine/strategies/reduce.h"

/* The longest run of reduced points along the last axis, at most limit: its length,
 * and where each operand's begins. The cursor moves past it. */
static int64_t next_run(const es_axes *taps, es_cursor *c, int64_t limit, int64_t *at) {
  int last = taps->n - 1;
  for (int i = 0; i + 1 < taps->n_sides; i++) at[i] = c->at[1 + i];
  int64_t n = taps->extent[last] - c->index[last];
  if (n > limit) n = limit;
  es_cursor_move(taps, c, last, n);
  return n;
}

/* Points folded before cancel is asked for again, and one thread's share of a single run. */
enum { LONGEST_RUN = 1 << 17 };

/* ---- folds ------------------------------------------------------------------- */

/* Kernel that takes the runs of the only operand as they lie, or NULL. */
static es_fold_runs direct_fold(const es_reduction *r, es_fold fold, int64_t step) {
  const es_stream *s = &r->s;
  if (s->n_in > 1 || s->truth || step != 1) return NULL;
  if (s->in[0].dtype == s->type) return s->kernels->stream->fold_runs[fold][s->type];
  bool widens = s->in[0].dtype == ES_F32 && s->type == ES_F64 && fold == ES_FOLD_SUM;
  return widens ? s->kernels->stream->widen_runs : NULL;
}

/* One output. */
static void fold_runs(const es_reduction *r, const es_run_args *args, es_fold fold,
                      const int64_t *at, void *acc, void *low, const double *shift) {
  const es_stream *s = &r->s;
  const int64_t *step = r->taps.stride + (r->taps.n - 1) * r->taps.n_sides + 1;
  es_fold_runs direct = shift ? NULL : direct_fold(r, fold, step[0]);
  es_fold_runs run = s->kernels->stream->fold_runs[fold][s->type];
  es_stream_row row, spare[2];
  es_cursor c;
  int64_t here[ES_CURSOR_SIDES];
  es_cursor_seek(&r->taps, &c, 0);
  for (int64_t k = 0, n; k < r->taps.count && !es_reduce_stops(r, args); k += n) {
    n = next_run(&r->taps, &c, direct ? LONGEST_RUN : ES_ROW, here);
    for (int i = 0; i < s->n_in; i++) here[i] += at[i];
    if (direct) {
      const es_stream_side *side = &s->in[0];
      direct(acc, low, (const char *)args->base[side->slot] + (side->offset + here[0]) * side->size,
             n, 1, 0);
      continue;
    }
    const void *x = es_stream_combine(s, args, here, step, n, &row, spare);
    if (shift) {
      for (int64_t i = 0; i < n; i++) row.f64[i] = ((const double *)x)[i] - *shift;
      s->kernels->elementwise->unary[ES_F64][ES_EXP](&spare[0], &row, n);
      x = &spare[0];
    }
    run(acc, low, x, n, 1, 0);
  }
}

void es_reduce_runs(const es_reduction *r, const es_run_args *args, es_fold fold, const int64_t *at,
                    int64_t n, void *acc, void *low, const double *shift) {
  const es_stream *s = &r->s;
  es_fold_runs direct =
      shift ? NULL : direct_fold(r, fold, r->taps.stride[(r->taps.n - 1) * r->taps.n_sides + 1]);
  if (direct && r->taps.n == 1 && r->taps.count <= LONGEST_RUN) {
    const es_stream_side *side = &s->in[0];
    direct(acc, low, (const char *)args->base[side->slot] + (side->offset + at[0]) * side->size,
           r->taps.count, n, side->step);
    return;
  }
  int64_t here[ES_CURSOR_SIDES];
  for (int64_t j = 0; j < n; j++) {
    for (int i = 0; i < s->n_in; i++) here[i] = at[i] + j * s->in[i].step;
    fold_runs(r, args, fold, here, (char *)acc + j * s->size, (char *)low + j * s->size,
              shift ? shift + j : NULL);
  }
}

/* ---- sums of products: one chain a lane ------------------------------------------ */

/* Lanes: of f32; of f64 half as many. Chains that must be copied are, a stretch at a
 * time (f64: half as much). */
enum { LANES = 16 * ES_CHAINS_TWICE, STRETCH = 128 };

/* Bytes ahead of a chain that are asked for, 0: none. Of operands that come from memory, chains of
 * rows far apart lose the processor's own prefetch; and so do many chains of a run, k_step points
 * apart: there it is the next group of them. In caches asking takes longer than it saves. */
static int64_t ahead_of(const es_reduction *r, int64_t k_step) {
  enum { APART = 512 };
  if (!r->far) return 0;
  const int64_t width = r->s.kernels->stream->lanes[r->s.type];
  if (k_step) return k_step * width * r->s.size;
  int64_t step = llabs(r->s.in[r->s.in[1].step == 0 ? 0 : 1].step) * r->s.size;
  return step < APART ? step * width : APART;
}

/* Chains that are run together, of two operands that both move or of one_b. */
static int64_t width_of(const es_reduction *r, bool one_b) {
  return r->s.kernels->stream->lanes[r->s.type] * (one_b && !r->far ? ES_CHAINS_TWICE : 1);
}

typedef struct lanes {
  const void *in[2][LANES];
  /* Of chains that do not lie in memory as a unit-stride run of the right type. */
  _Alignas(ES_ALIGN) char copy[2][LANES][STRETCH * 4];
} lanes;

/* Where operand i's n points from reduced point k on lie. */
static const void *chain_of(const es_reduction *r, const es_run_args *args, int i, int64_t at,
                            int64_t k, int64_t n, char *copy) {
  const es_stream *s = &r->s;
  const es_axes *taps = &r->taps;
  int last = taps->n - 1;
  int64_t step = taps->stride[last * taps->n_sides + 1 + i], here[ES_CURSOR_SIDES], m;
  if (r->whole[i])
    return (const char *)args->base[s->in[i].slot] + (s->in[i].offset + at + k) * s->size;
  es_cursor c;
  es_cursor_seek(taps, &c, k);
  for (int64_t done = 0; done < n; done += m) {
    m = next_run(taps, &c, n - done, here);
    char *to = copy + done * s->size;
    const void *x = es_stream_fetch(s, args, i, at + here[i], step, m, to);
    if (x != to) memcpy(to, x, (size_t)(m * s->size));
  }
  return copy;
}

/* Chains of n points: lane l is output j + l * j_step from reduced point k + l * k_step
 * on. Lanes past count repeat the last. part[l] gets the sums. */
static void run_lanes(const es_reduction *r, const es_run_args *args, const int64_t *at, int64_t j,
                      int64_t j_step, int64_t k, int64_t k_step, int64_t count, int64_t n,
                      void *part) {
  const es_stream *s = &r->s;
  lanes l;
  /* An operand that does not move with the output is one for all lanes. */
  int b = s->in[1].step == 0 ? 1 : 0;
  bool one_b = s->in[b].step == 0 && k_step == 0;
  const int64_t width = width_of(r, one_b);
  int64_t stretch = r->whole[0] && r->whole[1] ? n : STRETCH * 4 / s->size;
  memset(part, 0, (size_t)(width * s->size));
  for (int64_t done = 0; done < n; done += stretch) {
    int64_t m = n - done < stretch ? n - done : stretch;
    for (int i = 0; i < 2; i++)
      for (int64_t v = 0; v < width; v++) {
        if (v >= count || (v > 0 && one_b && i == b)) {
          l.in[i][v] = l.in[i][v - 1];
          continue;
        }
        int64_t here = at[i] + (j + v * j_step) * s->in[i].step;
        l.in[i][v] = chain_of(r, args, i, here, k + v * k_step + done, m, l.copy[i][v]);
      }
    s->kernels->stream->mad_chains[s->type](part, l.in[1 - b], l.in[b], one_b, count, m,
                                            ahead_of(r, k_step));
  }
}

/* The chains of count outputs from j on, whose points lie side by side: acc = their sums. */
static void whole_lanes(const es_reduction *r, const es_run_args *args, const int64_t *at,
                        int64_t j, int64_t count, char *acc) {
  const es_stream *s = &r->s;
  int b = s->in[1].step == 0 ? 1 : 0;
  bool one_b = s->in[b].step == 0;
  int64_t width = width_of(r, one_b);
  const void *in[2][LANES];
  es_stream_row part;
  for (int i = 0; i < 2; i++) {
    const char *base = (const char *)args->base[s->in[i].slot];
    for (int v = 0; v < width; v++) {
      int64_t lane = j + (v < count ? v : count - 1);
      in[i][v] = base + (s->in[i].offset + at[i] + lane * s->in[i].step) * s->size;
    }
  }
  for (int64_t k = 0; k < r->taps.count && !es_reduce_stops(r, args); k += r->chain) {
    int64_t n = r->taps.count - k < r->chain ? r->taps.count - k : r->chain;
    memset(&part, 0, (size_t)(width * s->size));
    s->kernels->stream->mad_chains[s->type](&part, in[1 - b], in[b], one_b, count, n,
                                            ahead_of(r, 0));
    s->kernels->stream->combine[ES_INNER_ADD][s->type](acc, acc, 1, &part, 1, count);
    for (int i = 0; i < 2 && k + n < r->taps.count; i++)
      for (int v = 0; v < width; v++) in[i][v] = (const char *)in[i][v] + n * s->size;
  }
}

/* acc[j] += part[0] + … would be another order: one by one. */
static void add_parts(const es_stream *s, void *acc, int64_t j, int64_t j_step,
                      const es_stream_row *part, int64_t count) {
  for (int64_t l = 0; l < count; l++, j += j_step) {
    if (s->type == ES_F32)
      ((float *)acc)[j] += part->f32[l];
    else
      ((double *)acc)[j] += part->f64[l];
  }
}

void es_reduce_product_runs(const es_reduction *r, const es_run_args *args, const int64_t *at,
                            int64_t n, void *acc) {
  const es_stream *s = &r->s;
  int64_t width = s->kernels->stream->lanes[s->type], k = 0, chains = r->taps.count / r->chain;
  es_stream_row part;
  memset(acc, 0, (size_t)(n * s->size));
  /* Few outputs: the lanes are the chains of one output. */
  if (n < width && chains > n)
    for (int64_t j = 0; j < n; j++)
      for (int64_t b = 0; b < chains && !es_reduce_stops(r, args); b += width) {
        int64_t count = chains - b < width ? chains - b : width;
        run_lanes(r, args, at, j, 0, b * r->chain, r->chain, count, r->chain, &part);
        add_parts(s, acc, j, 0, &part, count);
        k = chains * r->chain;
      }
  width = width_of(r, s->in[0].step == 0 || s->in[1].step == 0);
  if (k == 0 && r->whole[0] && r->whole[1]) {
    for (int64_t j = 0; j < n; j += width)
      whole_lanes(r, args, at, j, n - j < width ? n - j : width, (char *)acc + j * s->size);
    return;
  }
  for (; k < r->taps.count && !es_reduce_stops(r, args); k += r->chain) {
    int64_t length = r->taps.count - k < r->chain ? r->taps.count - k : r->chain;
    for (int64_t j = 0; j < n; j += width) {
      int64_t count = n - j < width ? n - j : width;
      run_lanes(r, args, at, j, 1, k, 0, count, length, &part);
      add_parts(s, acc, j, 1, &part, count);
    }
  }
}

/* ---- a single output by parts ------------------------------------------------------- */

/* Chains that are run together; whole ones, then perhaps a shorter last one alone. */
static int64_t chain_groups(const es_reduction *r) {
  int64_t width = r->s.kernels->stream->lanes[r->s.type], chains = r->taps.count / r->chain;
  return (chains + width - 1) / width;
}

bool es_reduce_parts_apply(const es_reduction *r) {
  if (r->taps.count < 2 * LONGEST_RUN || r->log_sum_exp) return false;
  return r->product || (r->taps.n == 1 && direct_fold(r, r->fold, r->taps.stride[1]));
}

int64_t es_reduce_parts(const es_reduction *r) {
  if (!r->product) return (r->taps.count + LONGEST_RUN - 1) / LONGEST_RUN;
  return chain_groups(r) + (r->taps.count % r->chain != 0);
}

/* A fold leaves its accumulator and low part, a product the sums of its chains. */
enum { PART_BYTES = 32 };

uint64_t es_reduce_parts_bytes(const es_reduction *r) {
  uint64_t each = PART_BYTES;
  if (r->product) each = (uint64_t)(r->s.kernels->stream->lanes[r->s.type] * r->s.size);
  return (uint64_t)es_reduce_parts(r) * each;
}

static void product_part(const es_reduction *r, const es_run_args *args, int64_t part) {
  const es_stream *s = &r->s;
  int64_t width = s->kernels->stream->lanes[s->type], chains = r->taps.count / r->chain;
  int64_t first = part * width, at[2] = {0, 0};
  bool rest = part == chain_groups(r);
  if (rest) first = chains;
  int64_t count = rest ? 1 : chains - first < width ? chains - first : width;
  run_lanes(r, args, at, 0, 0, first * r->chain, r->chain, count,
            rest ? r->taps.count % r->chain : r->chain,
            (char *)args->workspace + part * width * s->size);
}

static void fold_part(const es_reduction *r, const es_run_args *args, int64_t part) {
  const es_stream_side *side = &r->s.in[0];
  int64_t from = part * LONGEST_RUN, n = r->taps.count - from;
  char *acc = (char *)args->workspace + part * PART_BYTES;
  es_reduce_neutral(r, r->fold, acc, acc + PART_BYTES / 2, 1);
  direct_fold(r, r->fold,
              1)(acc, acc + PART_BYTES / 2,
                 (const char *)args->base[side->slot] + (side->offset + from) * side->size,
                 n < LONGEST_RUN ? n : LONGEST_RUN, 1, 0);
}

void es_reduce_parts_run(const es_reduction *r, const es_run_args *args, int64_t from, int64_t to) {
  for (int64_t part = from; part < to && !es_reduce_stops(r, args); part++)
    (r->product ? product_part : fold_part)(r, args, part);
}

void es_reduce_parts_join(const es_reduction *r, const es_run_args *args, void *acc, void *low) {
  const es_stream *s = &r->s;
  int64_t parts = es_reduce_parts(r), width = s->kernels->stream->lanes[s->type];
  if (r->product) {
    int64_t chains = (r->taps.count + r->chain - 1) / r->chain, groups = chain_groups(r);
    int64_t whole = r->taps.count / r->chain;
    for (int64_t c = 0; c < chains; c++) {
      es_stream_row one;
      int64_t at = c < whole ? c : groups * width;
      memcpy(&one, (const char *)args->workspace + at * s->size, (size_t)s->size);
      add_parts(s, acc, 0, 0, &one, 1);
    }
    return;
  }
  for (int64_t part = 0; part < parts; part++) {
    const char *from = (const char *)args->workspace + part * PART_BYTES;
    s->kernels->stream->fold_runs[r->fold][s->type](acc, low, from, 1, 1, 0);
    if (r->fold != ES_FOLD_SUM2) continue;
    for (int64_t i = 0; i < s->size / 8; i++)
      ((double *)low)[i] += ((const double *)(from + PART_BYTES / 2))[i];
  }
}
