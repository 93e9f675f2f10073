/* The algebra of views against lists of numbers: a tensor holds its own places, view after
 * view is taken of it, and each must show what enumeration says. Then the constructor
 * itself, on any numbers. */
#include <string.h>

#include "base/view.h"
#include "base/wide.h"
#include "tests/fuzz/fuzz.h"

enum { RANK = 5, MOST = 512, STEPS = 8, LIMIT = 1 << 22 };

/* What a view shows, C order. */
typedef struct model {
  int rank;
  int64_t shape[RANK], n;
  int value[MOST];
  bool copied; /* since then equal numbers are not equal places */
} model;

/* ---- the same operation on a list -------------------------------------------------------- */

/* One axis of the source as a function of an index of the result: start + sum step * index. */
typedef struct walk {
  int rank;
  int64_t shape[RANK];
  int64_t start[RANK], step[RANK][RANK]; /* [source axis], [source axis][result axis] */
} walk;

static walk identity(const model *m) {
  walk w = {.rank = m->rank};
  memcpy(w.shape, m->shape, sizeof w.shape);
  for (int i = 0; i < m->rank; i++) w.step[i][i] = 1;
  return w;
}

static bool follow(const model *m, const walk *w, model *out) {
  int64_t index[RANK] = {0};
  out->rank = w->rank;
  out->copied = m->copied;
  out->n = 1;
  memcpy(out->shape, w->shape, sizeof w->shape);
  for (int i = 0; i < w->rank; i++) out->n *= w->shape[i];
  if (out->n > MOST) return false;
  for (int64_t k = 0; k < out->n; k++) {
    int64_t at = 0;
    for (int s = 0; s < m->rank; s++) {
      int64_t i = w->start[s];
      for (int a = 0; a < w->rank; a++) i += w->step[s][a] * index[a];
      REQUIRE(i >= 0 && i < m->shape[s], "the model leaves its axis");
      at = at * m->shape[s] + i;
    }
    out->value[k] = m->value[at];
    for (int a = w->rank - 1; a >= 0 && ++index[a] == w->shape[a]; a--) index[a] = 0;
  }
  return true;
}

/* Axis `to` of the result goes; those behind it move up. */
static void drop_axis(walk *w, int axis) {
  for (int a = axis; a + 1 < w->rank; a++) {
    w->shape[a] = w->shape[a + 1];
    for (int s = 0; s < RANK; s++) w->step[s][a] = w->step[s][a + 1];
  }
  w->rank--;
  for (int s = 0; s < RANK; s++) w->step[s][w->rank] = 0;
}

/* ---- one step on both ----------------------------------------------------------------------- */

typedef struct pair {
  es_tensor *t;
  walk w;
  bool refused; /* the model says that this must fail */
} pair;

static void take_slice(es_ctx *ctx, fuzz_bytes *b, const es_tensor *x, int axis, pair *p) {
  int64_t n = p->w.shape[axis];
  int64_t start = fuzz_below(b, 16) - 8, stop = fuzz_below(b, 16) - 8, step = fuzz_below(b, 7) - 3;
  p->t = es_slice(ctx, x, axis, start, stop, step);
  p->refused = step == 0;
  if (!step) return;
  /* Python's rule. */
  int64_t low = step < 0 ? -1 : 0, high = step < 0 ? n - 1 : n;
  start = start < 0 ? start + n : start, stop = stop < 0 ? stop + n : stop;
  start = start < low ? low : start > high ? high : start;
  stop = stop < low ? low : stop > high ? high : stop;
  int64_t count = 0;
  for (int64_t i = start; step > 0 ? i < stop : i > stop; i += step) count++;
  p->w.start[axis] = start, p->w.step[axis][axis] = step, p->w.shape[axis] = count;
}

static void take_permuted(es_ctx *ctx, fuzz_bytes *b, const es_tensor *x, pair *p) {
  int axes[RANK];
  bool seen[RANK] = {false};
  walk from = p->w;
  memset(p->w.step, 0, sizeof p->w.step);
  for (int i = 0; i < from.rank; i++) {
    int a = axes[i] = fuzz_below(b, from.rank);
    p->refused |= seen[a];
    seen[a] = true;
    p->w.shape[i] = from.shape[a];
    p->w.step[a][i] = 1;
  }
  p->t = es_permute(ctx, x, axes);
}

static void take_diagonal(es_ctx *ctx, fuzz_bytes *b, const es_tensor *x, pair *p) {
  int a0 = fuzz_below(b, p->w.rank), a1 = fuzz_below(b, p->w.rank);
  int64_t offset = fuzz_below(b, 8) - 4;
  p->t = es_diagonal(ctx, x, offset, a0, a1);
  p->refused = a0 == a1;
  if (p->refused) return;
  int64_t s0 = offset < 0 ? -offset : 0, s1 = offset > 0 ? offset : 0;
  int64_t n0 = p->w.shape[a0] - s0, n1 = p->w.shape[a1] - s1, n = n0 < n1 ? n0 : n1;
  drop_axis(&p->w, a0 > a1 ? a0 : a1);
  drop_axis(&p->w, a0 > a1 ? a1 : a0);
  p->w.shape[p->w.rank] = n < 0 ? 0 : n;
  p->w.step[a0][p->w.rank] = p->w.step[a1][p->w.rank] = 1;
  p->w.start[a0] = s0, p->w.start[a1] = s1;
  p->w.rank++;
}

static void take_unfolded(es_ctx *ctx, fuzz_bytes *b, const es_tensor *x, int axis, pair *p) {
  int64_t size = fuzz_below(b, 5), step = fuzz_below(b, 4), dilation = fuzz_below(b, 4);
  p->t = es_unfold_axis(ctx, x, axis, size, step, dilation);
  int64_t rest = p->w.shape[axis] - dilation * (size - 1) - 1;
  p->refused = size < 1 || step < 1 || dilation < 1 || rest < 0;
  if (p->refused) return;
  p->w.shape[axis] = rest / step + 1;
  p->w.step[axis][axis] = step;
  p->w.shape[p->w.rank] = size;
  p->w.step[axis][p->w.rank] = dilation;
  p->w.rank++;
}

static void take_broadcast(es_ctx *ctx, fuzz_bytes *b, const es_tensor *x, pair *p) {
  int more = fuzz_below(b, 3), rank = p->w.rank + more;
  int64_t shape[2 * RANK];
  walk from = p->w;
  memset(p->w.step, 0, sizeof p->w.step);
  if (rank > RANK) rank = from.rank, more = 0;
  for (int i = 0; i < rank; i++) {
    int64_t n = i < more ? 1 : from.shape[i - more];
    shape[i] = fuzz_below(b, 3) ? n : fuzz_below(b, 4);
    if (i < more) continue;
    p->refused |= n != 1 && shape[i] != n;
    p->w.step[i - more][i] = n != 1;
  }
  p->w.rank = rank;
  memcpy(p->w.shape, shape, (size_t)rank * sizeof *shape);
  p->t = es_broadcast_to(ctx, x, rank, shape);
}

static void take(es_ctx *ctx, fuzz_bytes *b, const es_tensor *x, pair *p) {
  int op = fuzz_below(b, 9), rank = p->w.rank, axis = rank ? fuzz_below(b, rank) : 0;
  if (!rank && op < 8) op = 7;
  switch (op) {
  case 0: take_slice(ctx, b, x, axis, p); break;
  case 1: take_permuted(ctx, b, x, p); break;
  case 2: take_diagonal(ctx, b, x, p); break;
  case 3: take_unfolded(ctx, b, x, axis, p); break;
  case 4: {
    int64_t n = p->w.shape[axis], at = fuzz_below(b, 12) - 6;
    p->t = es_select(ctx, x, axis, at);
    p->refused = at >= n || at < -n;
    p->w.start[axis] = at < 0 ? at + n : at;
    drop_axis(&p->w, axis);
    break;
  }
  case 5:
    p->t = es_flip(ctx, x, axis - rank);
    p->w.start[axis] = p->w.shape[axis] - 1, p->w.step[axis][axis] = -1;
    break;
  case 6:
    p->t = es_squeeze(ctx, x, axis);
    if (p->w.shape[axis] == 1)
      drop_axis(&p->w, axis);
    else
      p->refused = !p->t; /* as the engine likes: PyTorch's rule or an error */
    break;
  case 7:
    p->t = es_unsqueeze(ctx, x, 0);
    memmove(p->w.shape + 1, p->w.shape, (size_t)rank * sizeof *p->w.shape);
    p->w.shape[0] = 1;
    for (int s = 0; s < rank; s++) {
      memmove(p->w.step[s] + 1, p->w.step[s], (size_t)rank * sizeof **p->w.step);
      p->w.step[s][0] = 0;
    }
    p->w.rank++;
    break;
  default: take_broadcast(ctx, b, x, p);
  }
}

/* ---- judgement ---------------------------------------------------------------------------------
 */

static void check(es_ctx *ctx, const es_tensor *t, const model *m) {
  int value[MOST];
  REQUIRE(es_rank(t) == m->rank, "%d axes, not %d", es_rank(t), m->rank);
  for (int i = 0; i < m->rank; i++)
    REQUIRE(es_shape(t)[i] == m->shape[i], "axis %d is %lld, not %lld", i,
            (long long)es_shape(t)[i], (long long)m->shape[i]);
  REQUIRE(es_read(ctx, t, ES_I32, value, m->n) == ES_OK, "%s", es_error_text(ctx));
  for (int64_t k = 0; k < m->n; k++)
    REQUIRE(value[k] == m->value[k], "element %lld is %d, not %d", (long long)k, value[k],
            m->value[k]);
  bool seen[MOST] = {false}, twice = false;
  for (int64_t k = 0; k < m->n; k++) {
    twice |= seen[m->value[k]];
    seen[m->value[k]] = true;
  }
  REQUIRE(m->copied || !(twice && es_is_writable(t)), "an element is visited twice, and writable");
}

/* Of n elements that fit into int64, which one is it? A reshape keeps the order. */
static es_tensor *reshape(es_ctx *ctx, fuzz_bytes *b, const es_tensor *x, model *m) {
  int64_t shape[RANK], left = m->n;
  int rank = fuzz_below(b, RANK - 1);
  for (int i = 0; i < rank; i++) {
    int64_t n = 1 + fuzz_below(b, 6);
    shape[i] = left % n == 0 ? n : 1;
    left /= shape[i];
  }
  shape[rank++] = left;
  es_tensor *t = es_reshape(ctx, x, rank, shape);
  m->copied |= t && es_data(t) != es_data(x);
  m->rank = rank;
  memcpy(m->shape, shape, (size_t)rank * sizeof *shape);
  return t;
}

static void views_of_views(fuzz_bytes *b, es_ctx *ctx, fuzz_heap *heap, uint8_t failure) {
  static model m, next;
  m.copied = false;
  m.rank = fuzz_below(b, 4);
  m.n = 1;
  for (int i = 0; i < m.rank; i++) m.n *= m.shape[i] = fuzz_below(b, 8);
  for (int k = 0; k < m.n; k++) m.value[k] = k;
  es_tensor *x = es_ramp(ctx, ES_I32, m.rank, m.shape);
  for (int step = 0; x && step < STEPS && b->left && m.rank < RANK - 1; step++) {
    if (failure) fuzz_heap_fail(heap, failure);
    pair p = {.w = identity(&m)};
    es_tensor *t;
    bool known = true;
    if (fuzz_below(b, 10) == 9) {
      next = m;
      p.t = t = reshape(ctx, b, x, &next);
    } else {
      take(ctx, b, x, &p);
      t = p.t;
      known = p.refused || follow(&m, &p.w, &next);
    }
    fuzz_heap_obey(heap);
    if (!known) return;
    es_status status = es_ctx_error(ctx)->status;
    if (t) {
      REQUIRE(!p.refused, "step %d must fail", step);
      check(ctx, t, &next);
      m = next, x = t;
    } else {
      REQUIRE(p.refused || (status == ES_E_NOMEM && heap->struck), "%s", es_error_text(ctx));
      fuzz_check_error(es_ctx_error(ctx), NULL, 0);
      es_clear_error(ctx);
    }
  }
}

/* Any numbers: no view that leaves its storage, on paper with 128 bits. */
static void construct(fuzz_bytes *b) {
  int64_t length = fuzz_size(b) & INT64_MAX, offset = fuzz_size(b), shape[RANK], strides[RANK];
  int rank = fuzz_below(b, RANK + 1);
  int how = fuzz_byte(b);
  const es_i128 far_away = (es_i128)1 << 100; /* beyond any storage; sums of it fit */
  es_i128 low = offset, high = offset;
  bool empty = false;
  for (int i = 0; i < rank; i++) {
    shape[i] = fuzz_size(b), strides[i] = fuzz_size(b);
    if (how >> i & 1 && strides[i] > INT64_MIN) strides[i] = -strides[i];
    empty |= shape[i] == 0;
    es_i128 reach = (es_i128)strides[i] * ((es_i128)shape[i] - 1);
    if (reach > far_away) reach = far_away;
    if (reach < -far_away) reach = -far_away;
    if (shape[i] > 0) *(reach < 0 ? &low : &high) += reach;
  }
  es_view v;
  es_error error;
  if (es_view_make(ES_F64, length, offset, rank, shape, strides, true, &v, &error) != ES_OK) {
    fuzz_check_error(&error, NULL, 0);
    return;
  }
  for (int i = 0; i < rank; i++) REQUIRE(v.shape[i] == shape[i] && shape[i] >= 0, "axis %d", i);
  REQUIRE(empty || (low >= 0 && high < length), "it leaves its storage");
  REQUIRE(v.offset >= 0 && (empty || v.offset < length), "offset %lld", (long long)v.offset);
  int64_t first, last;
  if (es_view_reach(rank, v.shape, v.strides, &first, &last))
    REQUIRE(v.offset + first >= 0 && v.offset + last < length, "its reach leaves its storage");
}

void fuzz_one(const uint8_t *bytes, size_t len) {
  fuzz_bytes b = {bytes, len};
  if (fuzz_below(&b, 4) == 0) {
    construct(&b);
    return;
  }
  fuzz_heap heap;
  fuzz_heap_open(&heap, 0);
  uint8_t failure = fuzz_byte(&b);
  es_ctx *ctx = fuzz_context(&heap, LIMIT, &b);
  views_of_views(&b, ctx, &heap, failure);
  es_ctx_destroy(ctx);
  fuzz_heap_close(&heap);
}
