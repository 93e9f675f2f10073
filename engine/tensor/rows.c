#include "engine/tensor/rows.h"

#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/fpenv.h"
#include "base/text.h"
#include "engine/kernels/move.h"

/* ---- moving without conversion ------------------------------------------------ */

static inline __attribute__((always_inline)) void move_sized(char *out, int64_t out_stride,
                                                             const char *in, int64_t in_stride,
                                                             int64_t n, size_t size) {
  int64_t bytes = (int64_t)size;
  if (out_stride == 1 && in_stride == 1) {
    memcpy(out, in, (size_t)n * size);
    return;
  }
  for (int64_t i = 0; i < n; i++)
    memcpy(out + i * out_stride * bytes, in + i * in_stride * bytes, size);
}

static void move(size_t size, void *out, int64_t out_stride, const void *in, int64_t in_stride,
                 int64_t n) {
  switch (size) { /* a constant size makes each memcpy one load and one store */
  case 1: move_sized(out, out_stride, in, in_stride, n, 1); break;
  case 2: move_sized(out, out_stride, in, in_stride, n, 2); break;
  case 4: move_sized(out, out_stride, in, in_stride, n, 4); break;
  case 8: move_sized(out, out_stride, in, in_stride, n, 8); break;
  default: move_sized(out, out_stride, in, in_stride, n, 16); break;
  }
}

/* ---- rows -------------------------------------------------------------------------- */

static void merge_axes(es_rows *r, int rank, const int64_t *shape, const int64_t *strides) {
  r->rank = 0;
  for (int i = 0; i < rank; i++) {
    if (shape[i] == 1) continue;
    int last = r->rank - 1;
    int64_t step;
    if (last >= 0 && es_mul_i64(strides[i], shape[i], &step) && r->strides[last] == step) {
      r->shape[last] *= shape[i];
      r->strides[last] = strides[i];
    } else {
      r->shape[r->rank] = shape[i];
      r->strides[r->rank++] = strides[i];
    }
  }
  if (r->rank == 0) {
    r->rank = 1;
    r->shape[0] = 1;
    r->strides[0] = 1;
  }
}

void es_rows_init(es_rows *r, const es_kernels *kernels, const void *data, es_dtype dtype, int rank,
                  const int64_t *shape, const int64_t *strides, es_dtype compute) {
  r->data = (char *)(uintptr_t)data; /* written only by es_rows_write */
  r->dtype = dtype;
  r->compute = compute;
  merge_axes(r, rank, shape, strides);
  r->direct = dtype == compute && r->rank == 1 && r->strides[0] == 1;
  r->far = r->direct && r->shape[0] >= ES_MOVE_PAST / (int64_t)es_dtype_size(dtype);
  r->load = dtype == compute ? NULL : kernels->elementwise->load[compute][dtype];
  r->store = dtype == compute ? NULL : kernels->elementwise->store[compute][dtype];
  r->stream = NULL;
}

void es_rows_to(es_rows *r, const es_kernels *kernels) {
  bool dense = r->rank == 1 && r->strides[0] == 1;
  if (!dense || r->shape[0] < ES_MOVE_PAST / (int64_t)es_dtype_size(r->dtype)) return;
  r->direct = false;
  r->stream = kernels->move->stream;
}

void es_rows_of(es_rows *rows, const es_tensor *t, es_dtype compute) {
  es_rows_init(rows, t->ctx->kernels, es_tensor_at(t), t->view.dtype, t->view.rank, t->view.shape,
               t->view.strides, compute);
}

/* A place in the walk: the index along every axis and the offset they make. */
typedef struct cursor {
  int64_t index[ES_MAX_RANK], offset;
} cursor;

static void seek(cursor *c, const es_rows *r, int64_t at) {
  c->offset = 0;
  for (int i = r->rank - 1; i > 0; i--) {
    c->index[i] = at % r->shape[i];
    at /= r->shape[i];
    c->offset += c->index[i] * r->strides[i];
  }
  c->index[0] = at;
  c->offset += at * r->strides[0];
}

/* Moves n elements on, which stay within the innermost axis or end it. */
static void advance(cursor *c, const es_rows *r, int64_t n) {
  int i = r->rank - 1;
  c->index[i] += n;
  c->offset += n * r->strides[i];
  for (; i > 0 && c->index[i] == r->shape[i]; i--) {
    c->offset += r->strides[i - 1] - r->shape[i] * r->strides[i];
    c->index[i] = 0;
    c->index[i - 1]++;
  }
}

static int64_t run_length(const cursor *c, const es_rows *r, int64_t left) {
  int64_t run = r->shape[r->rank - 1] - c->index[r->rank - 1];
  return run < left ? run : left;
}

/* The first of n elements, which out holds, to the others. */
static void repeat(char *out, int64_t n, int64_t size) {
  for (int64_t done = 1; done < n; done *= 2)
    memcpy(out + done * size, out, (size_t)((n - done < done ? n - done : done) * size));
}

const void *es_rows_read(const es_rows *r, int64_t first, int64_t n, void *row) {
  int64_t size = (int64_t)es_dtype_size(r->dtype), wide = (int64_t)es_dtype_size(r->compute);
  int64_t stride = r->strides[r->rank - 1];
  if (r->far) es_move_ask(r->data + first * size + ES_MOVE_AHEAD, n * size);
  if (r->direct) return r->data + first * size;
  cursor c;
  seek(&c, r, first);
  if (!r->load && stride == 1 && run_length(&c, r, n) == n) return r->data + c.offset * size;
  for (int64_t done = 0; done < n;) {
    int64_t run = run_length(&c, r, n - done), read = stride ? run : 1;
    char *out = (char *)row + done * wide;
    const char *in = r->data + c.offset * size;
    if (r->load)
      r->load(out, in, stride, read);
    else
      move((size_t)size, out, 1, in, stride, read);
    if (read < run) repeat(out, run, wide);
    done += run;
    advance(&c, r, run);
  }
  return row;
}

static int64_t stream_row(const es_rows *r, int64_t first, int64_t n, const void *row) {
  int64_t size = (int64_t)es_dtype_size(r->dtype);
  es_row_buffer stored;
  if (r->store) {
    int64_t done = r->store(stored.bytes, 1, row, n);
    if (done < n) return done;
    row = stored.bytes;
  }
  r->stream(r->data + first * size, row, n * size);
  return n;
}

int64_t es_rows_write(const es_rows *r, int64_t first, int64_t n, const void *row) {
  if (r->stream) return stream_row(r, first, n, row);
  int64_t size = (int64_t)es_dtype_size(r->dtype), wide = (int64_t)es_dtype_size(r->compute);
  int64_t stride = r->strides[r->rank - 1];
  cursor c;
  seek(&c, r, first);
  for (int64_t done = 0; done < n;) {
    int64_t run = run_length(&c, r, n - done);
    const char *in = (const char *)row + done * wide;
    char *out = r->data + c.offset * size;
    if (!r->store) {
      if (in != out) move((size_t)size, out, stride, in, 1, run);
    } else {
      int64_t stored = r->store(out, stride, in, run);
      if (stored < run) return done + stored;
    }
    done += run;
    advance(&c, r, run);
  }
  return n;
}

/* ---- many rows ---------------------------------------------------------------------- */

/* Elements of one task: enough that handing it to a thread does not count. */
enum { BLOCK = 1 << 16 };

typedef struct job {
  es_ctx *ctx;
  es_rows_task task;
  void *arg;
  int64_t count;
  atomic_int_fast64_t failed; /* lowest position, count for none */
  atomic_bool cancelled;
} job;

static void run_rows(job *j, int64_t from, int64_t to) {
  for (int64_t at = from; at < to; at += ES_ROW) {
    int64_t n = to - at < ES_ROW ? to - at : ES_ROW, done = j->task(j->arg, at, n);
    if (done == n) continue;
    int_fast64_t lowest = atomic_load(&j->failed);
    while (at + done < lowest && !atomic_compare_exchange_weak(&j->failed, &lowest, at + done))
      ;
    return;
  }
}

static void run_block(void *arg, int64_t index, int worker) {
  (void)worker;
  job *j = arg;
  int64_t from = index * BLOCK, to = j->count - from < BLOCK ? j->count : from + BLOCK;
  if (atomic_load(&j->cancelled) || from >= atomic_load(&j->failed)) return;
  if (j->count > BLOCK && es_ctx_cancelled(j->ctx)) atomic_store(&j->cancelled, true);
  run_rows(j, from, to);
  j->ctx->kernels->move->finish(); /* of what was written past the caches */
}

static int64_t run_all(es_ctx *ctx, int64_t count, es_rows_task task, void *arg) {
  if (count <= ES_ROW) return count ? task(arg, 0, count) : 0;
  job j = {.ctx = ctx, .task = task, .arg = arg, .count = count};
  atomic_init(&j.failed, count);
  atomic_init(&j.cancelled, false);
  int64_t blocks = (count - 1) / BLOCK + 1;
  es_pool_run(blocks > 1 ? es_ctx_pool(ctx) : NULL, blocks, run_block, &j);
  return atomic_load(&j.cancelled) ? ES_ROWS_CANCELLED : atomic_load(&j.failed);
}

int64_t es_rows_run(es_ctx *ctx, int64_t count, es_rows_task task, void *arg) {
  if (ctx->config.shapes_only) return count;
  es_fpenv environment = es_fpenv_enter();
  int64_t done = run_all(ctx, count, task, arg);
  es_fpenv_leave(environment);
  return done;
}

/* ---- words for errors ------------------------------------------------------------------- */

void es_position_text(int rank, const int64_t *shape, int64_t at, char *buf, size_t cap) {
  int64_t index[ES_MAX_RANK];
  for (int i = rank - 1; i >= 0; i--) {
    index[i] = shape[i] ? at % shape[i] : 0;
    at = shape[i] ? at / shape[i] : 0;
  }
  es_text t = es_text_init(buf, cap);
  es_text_shape(&t, rank, index);
}

void es_scalar_text(es_scalar v, char *buf, size_t cap) {
  char re[32], im[32];
  if (v.cls == ES_CLASS_BOOL || v.cls == ES_CLASS_INT) {
    snprintf(buf, cap, "%lld", (long long)v.i);
    return;
  }
  es_format_double(v.re, false, re);
  es_format_double(v.im, false, im);
  if (v.cls == ES_CLASS_COMPLEX)
    snprintf(buf, cap, "%s%s%sj", re, im[0] == '-' ? "" : "+", im);
  else
    snprintf(buf, cap, "%s", re);
}
