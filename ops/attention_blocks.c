/* A task is a block of queries of one head. It visits the keys block by block and keeps,
 * for each query, the largest score so far and the sum of exp(score - largest); when a
 * larger one comes, what was summed is scaled down (online softmax: Milakov, Gimelshein,
 * 2018, arXiv:1805.02867; Dao et al., 2022, arXiv:2205.14135). The queries of a block
 * lie side by side in every buffer, so that each step is arithmetic on whole rows:
 *
 *   turned [d][queries], scores [keys][queries], result [e][queries]
 */
#include "ops/attention_blocks.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "base/checked.h"
#include "base/fpenv.h"
#include "engine/cache.h"
#include "engine/exec.h"
#include "engine/tensor/rows.h"

enum {
  QUERIES = 128, /* most of a block: its scores fill 64 KiB in f32 */
  KEYS = 128,    /* of a block: fixed, since the order of summation depends on it */
};

typedef enum operand { QUERY, KEY, VALUE, MASK, OUT, OPERANDS } operand;

/* [1]: for the last block of queries (first index) and of keys (second). */
typedef struct plans {
  es_plan *turn_query[2], *turn_out[2];
  es_plan *scores[2][2], *values[2][2], *turn_mask[2][2];
} plans;

typedef enum row { MOST, MOST_NEXT, SUM, SUM_NEXT, SHIFT, FACTOR, FREE, SCALE, NEVER, ROWS } row;

/* What a thread's memory holds. */
typedef enum place {
  TURNED,    /* [d][queries] the block's queries, scaled */
  SCORES,    /* [keys][queries] */
  ALLOWED,   /* [keys][queries] of the mask */
  RESULT,    /* [e][queries] */
  MORE,      /* [e][queries] of one block of keys */
  VECTORS,   /* [ROWS][queries] */
  WORKSPACE, /* of the plans */
  PLACES
} place;

typedef struct run {
  es_ctx *ctx;
  const es_attention *a;
  const es_elementwise_kernels *kernels;
  es_dtype type;
  int64_t each;          /* bytes of an element */
  int64_t m, n, d, e;    /* queries, keys; lengths of a key and of a value */
  int64_t height, width; /* queries and keys of a block */
  int64_t pitch;         /* elements between the rows of a buffer */
  int64_t row_blocks, key_blocks;
  es_array view[OPERANDS];
  plans plan;
  int64_t at[PLACES], total; /* bytes of a thread's memory */
  char *memory;
  atomic_int status;
  es_error error; /* of the first that failed */
} run;

typedef struct block {
  run *r;
  char *memory;
  char *data[OPERANDS]; /* of the head */
  int64_t i, rows, j, keys;
  bool last_rows, last_keys;
} block;

/* ---- rows of queries --------------------------------------------------------------------- */

static char *row_at(const block *b, place p, int64_t i) {
  return b->memory + b->r->at[p] + i * b->r->pitch * b->r->each;
}

static void binary(const block *b, es_binary_op op, char *out, const char *x, const char *y) {
  b->r->kernels->binary[b->r->type][op](out, x, y, b->rows);
}

/* exp(x - y) through the row free. */
static void exp_difference(const block *b, char *out, const char *x, const char *y) {
  char *free = row_at(b, VECTORS, FREE);
  binary(b, ES_SUB, free, x, y);
  b->r->kernels->unary[b->r->type][ES_EXP](out, free, b->rows);
}

static void fill(const block *b, char *out, int64_t n, double value) {
  if (b->r->type == ES_F32)
    for (int64_t i = 0; i < n; i++) ((float *)out)[i] = (float)value;
  else
    for (int64_t i = 0; i < n; i++) ((double *)out)[i] = value;
}

/* x where it is not from, else to. */
static void replace(const block *b, char *out, const char *x, double from, double to) {
  const float *x4 = (const float *)x;
  const double *x8 = (const double *)x;
  if (b->r->type == ES_F32)
    for (int64_t i = 0; i < b->rows; i++)
      ((float *)out)[i] = x4[i] == (float)from ? (float)to : x4[i];
  else
    for (int64_t i = 0; i < b->rows; i++) ((double *)out)[i] = x8[i] == from ? to : x8[i];
}

/* ---- a block of keys ------------------------------------------------------------------------ */

/* The element of an operand in row i and column j of the head. */
static char *element(const block *b, operand o, int64_t i, int64_t j) {
  const es_array *v = &b->r->view[o];
  int64_t offset = i * v->strides[v->rank - 2] + j * v->strides[v->rank - 1];
  return b->data[o] + offset * (int64_t)es_dtype_size(v->dtype);
}

static es_status execute(const block *b, const es_plan *plan, const char *x, const char *y,
                         char *out) {
  es_error error;
  es_array in[2] = {es_plan_array(plan, 0, x), es_plan_array(plan, 1, y)};
  es_array to = es_plan_array(plan, plan->n_in, out);
  es_status status = es_plan_execute(NULL, plan, in, plan->n_in, &to, 1,
                                     b->memory + b->r->at[WORKSPACE], &error);
  int none = ES_OK;
  if (status != ES_OK && atomic_compare_exchange_strong(&b->r->status, &none, (int)status))
    b->r->error = error;
  return status;
}

/* Scores of what may not be seen become -inf. */
static void hide(const block *b) {
  const run *r = b->r;
  char *free = row_at(b, VECTORS, FREE);
  es_dtype dtype = r->view[MASK].dtype;
  for (int64_t j = 0; j < b->keys; j++) {
    char *score = row_at(b, SCORES, j);
    int64_t before = r->a->is_causal ? b->j + j - b->i : 0;
    if (before > 0) fill(b, score, before < b->rows ? before : b->rows, -INFINITY);
    if (!r->a->mask) continue;
    const char *mask = b->memory + r->at[ALLOWED] + j * r->pitch * (int64_t)es_dtype_size(dtype);
    if (dtype == ES_BOOL)
      es_rows_choose((size_t)r->each, free, (const uint8_t *)mask, score, row_at(b, VECTORS, NEVER),
                     b->rows);
    else
      binary(b, ES_ADD, free, score, mask);
    memcpy(score, free, (size_t)(b->rows * r->each));
  }
}

/* Turns scores into exp(score - most) and adds them to the sums. What was summed for
 * an earlier most is to be scaled by FACTOR. */
static void weigh(const block *b) {
  char *most = row_at(b, VECTORS, MOST), *next = row_at(b, VECTORS, MOST_NEXT);
  char *sum = row_at(b, VECTORS, SUM), *sum_next = row_at(b, VECTORS, SUM_NEXT);
  char *shift = row_at(b, VECTORS, SHIFT), *factor = row_at(b, VECTORS, FACTOR);
  const char *largest = most;
  for (int64_t j = 0; j < b->keys; j++) {
    char *to = j % 2 ? shift : next;
    binary(b, ES_MAXIMUM, to, largest, row_at(b, SCORES, j));
    largest = to;
  }
  if (largest != next) memcpy(next, largest, (size_t)(b->rows * b->r->each));
  replace(b, shift, next, -INFINITY, 0); /* nothing seen: exp(-inf - 0) is 0 */
  exp_difference(b, factor, most, shift);
  memcpy(most, next, (size_t)(b->rows * b->r->each));
  binary(b, ES_MUL, sum_next, sum, factor);
  for (int64_t j = 0; j < b->keys; j++) {
    char *score = row_at(b, SCORES, j);
    exp_difference(b, score, score, shift);
    binary(b, ES_ADD, j % 2 ? sum_next : sum, j % 2 ? sum : sum_next, score);
  }
  if (b->keys % 2 == 0) memcpy(sum, sum_next, (size_t)(b->rows * b->r->each));
}

/* RESULT = RESULT * FACTOR + MORE */
static void gather(const block *b) {
  char *free = row_at(b, VECTORS, FREE);
  for (int64_t c = 0; c < b->r->e; c++) {
    binary(b, ES_MUL, free, row_at(b, RESULT, c), row_at(b, VECTORS, FACTOR));
    binary(b, ES_ADD, row_at(b, RESULT, c), free, row_at(b, MORE, c));
  }
}

static es_status visit_keys(const block *b) {
  const plans *p = &b->r->plan;
  char *scores = row_at(b, SCORES, 0);
  ES_TRY(execute(b, p->scores[b->last_rows][b->last_keys], element(b, KEY, b->j, 0),
                 row_at(b, TURNED, 0), scores));
  if (b->r->a->mask)
    ES_TRY(execute(b, p->turn_mask[b->last_rows][b->last_keys], element(b, MASK, b->i, b->j), NULL,
                   row_at(b, ALLOWED, 0)));
  hide(b);
  weigh(b);
  ES_TRY(execute(b, p->values[b->last_rows][b->last_keys], scores, element(b, VALUE, b->j, 0),
                 row_at(b, b->j ? MORE : RESULT, 0)));
  if (b->j) gather(b);
  return ES_OK;
}

/* ---- a block of queries --------------------------------------------------------------------- */

static es_status turn_query(const block *b) {
  const run *r = b->r;
  char *free = row_at(b, VECTORS, FREE), *scale = row_at(b, VECTORS, SCALE);
  ES_TRY(execute(b, r->plan.turn_query[b->last_rows], element(b, QUERY, b->i, 0), NULL,
                 row_at(b, TURNED, 0)));
  fill(b, scale, b->rows, r->a->scale);
  for (int64_t c = 0; c < r->d; c++) {
    binary(b, ES_MUL, free, row_at(b, TURNED, c), scale);
    memcpy(row_at(b, TURNED, c), free, (size_t)(b->rows * r->each));
  }
  return ES_OK;
}

static es_status visit_queries(block *b) {
  const run *r = b->r;
  char *sum = row_at(b, VECTORS, SUM), *divisor = row_at(b, VECTORS, FACTOR);
  fill(b, row_at(b, VECTORS, MOST), b->rows, -INFINITY);
  fill(b, row_at(b, VECTORS, NEVER), b->rows, -INFINITY);
  fill(b, sum, b->rows, 0);
  for (int64_t c = 0; c < r->e && r->n == 0; c++) fill(b, row_at(b, RESULT, c), b->rows, 0);
  ES_TRY(turn_query(b));
  int64_t seen = r->a->is_causal && b->i + b->rows < r->n ? b->i + b->rows : r->n;
  for (b->j = 0; b->j < seen; b->j += r->width) {
    b->last_keys = b->j + r->width >= r->n;
    b->keys = b->last_keys ? r->n - b->j : r->width;
    if (es_ctx_cancelled(r->ctx)) return ES_E_CANCELLED;
    ES_TRY(visit_keys(b));
  }
  replace(b, divisor, sum, 0, 1);
  for (int64_t c = 0; c < r->e; c++)
    binary(b, ES_DIV, row_at(b, MORE, c), row_at(b, RESULT, c), divisor);
  return execute(b, r->plan.turn_out[b->last_rows], row_at(b, MORE, 0), NULL,
                 element(b, OUT, b->i, 0));
}

static void task(void *arg, int64_t index, int worker) {
  run *r = arg;
  block b = {.r = r, .memory = r->memory + r->total * worker};
  int64_t head = index / r->row_blocks;
  if (atomic_load_explicit(&r->status, memory_order_relaxed) != ES_OK) return;
  b.i = index % r->row_blocks * r->height;
  b.last_rows = b.i + r->height >= r->m;
  b.rows = b.last_rows ? r->m - b.i : r->height;
  for (int o = 0; o < OPERANDS; o++) b.data[o] = r->view[o].data;
  for (int axis = r->view[OUT].rank - 3; axis >= 0; axis--) {
    int64_t at = head % r->view[OUT].shape[axis];
    head /= r->view[OUT].shape[axis];
    for (int o = 0; o < OPERANDS; o++)
      if (b.data[o])
        b.data[o] += at * r->view[o].strides[axis] * (int64_t)es_dtype_size(r->view[o].dtype);
  }
  es_fpenv environment = es_fpenv_enter();
  es_status status = visit_queries(&b);
  if (status == ES_E_CANCELLED || status == ES_E_LIMIT) atomic_store(&r->status, ES_E_CANCELLED);
  es_fpenv_leave(environment);
}

/* ---- plans ------------------------------------------------------------------------------------
 */

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* A block of an operand as a matrix. */
typedef struct matrix {
  es_dtype dtype;
  int64_t shape[2], strides[2];
} matrix;

static matrix part(const run *r, operand o, int64_t rows, int64_t columns) {
  const es_array *v = &r->view[o];
  return (matrix){v->dtype, {rows, columns}, {v->strides[v->rank - 2], v->strides[v->rank - 1]}};
}
static matrix buffer(const run *r, es_dtype dtype, int64_t rows, int64_t columns) {
  return (matrix){dtype, {rows, columns}, {r->pitch, 1}};
}

static es_plan *plan_for(run *r, const char *text, int n_in, const matrix *in, matrix out) {
  es_array array[2], to = {NULL, out.dtype, 2, out.shape, out.strides};
  for (int i = 0; i < n_in; i++)
    array[i] = (es_array){NULL, in[i].dtype, 2, in[i].shape, in[i].strides};
  es_options options = {.alone = true};
  es_plan *plan;
  es_error error;
  if (es_cache_plan(r->ctx, ES_KIND_EINSUM, text, strlen(text), array, n_in, NULL, &to, &options,
                    &plan, &error) != ES_OK) {
    es_ctx_fail(r->ctx, &error, text, strlen(text));
    return NULL;
  }
  int64_t bytes = (int64_t)plan->workspace;
  if (bytes > r->at[WORKSPACE]) r->at[WORKSPACE] = bytes;
  return plan;
}

static bool plan_keys(run *r, int last_rows, int64_t rows, int last_keys, int64_t keys) {
  plans *p = &r->plan;
  matrix turned = buffer(r, r->type, r->d, rows), scores = buffer(r, r->type, keys, rows);
  matrix allowed = buffer(r, r->view[MASK].dtype, keys, rows), mask = {0};
  matrix pair[2] = {part(r, KEY, keys, r->d), turned};
  p->scores[last_rows][last_keys] = plan_for(r, "j d, d i -> j i", 2, pair, scores);
  pair[0] = scores, pair[1] = part(r, VALUE, keys, r->e);
  p->values[last_rows][last_keys] = plan_for(r, "j i, j e -> e i", 2, pair,
                                             buffer(r, r->type, r->e, rows));
  if (!p->scores[last_rows][last_keys] || !p->values[last_rows][last_keys]) return false;
  if (!r->a->mask) return true;
  mask = part(r, MASK, rows, keys);
  p->turn_mask[last_rows][last_keys] = plan_for(r, "i j -> j i", 1, &mask, allowed);
  return p->turn_mask[last_rows][last_keys] != NULL;
}

static bool plan_rows(run *r, int last_rows, int64_t rows) {
  matrix query = part(r, QUERY, rows, r->d), result = buffer(r, r->type, r->e, rows);
  r->plan.turn_query[last_rows] = plan_for(r, "i d -> d i", 1, &query,
                                           buffer(r, r->type, r->d, rows));
  r->plan.turn_out[last_rows] = plan_for(r, "e i -> i e", 1, &result, part(r, OUT, rows, r->e));
  if (!r->plan.turn_query[last_rows] || !r->plan.turn_out[last_rows]) return false;
  bool whole = r->key_blocks < 2 || plan_keys(r, last_rows, rows, 0, r->width);
  return whole &&
         (r->n == 0 || plan_keys(r, last_rows, rows, 1, r->n - (r->key_blocks - 1) * r->width));
}

static bool make_plans(run *r) {
  return (r->row_blocks < 2 || plan_rows(r, 0, r->height)) &&
         plan_rows(r, 1, r->m - (r->row_blocks - 1) * r->height);
}

static void release_plans(plans *p) {
  for (int i = 0; i < 2; i++) {
    es_plan_release(p->turn_query[i]);
    es_plan_release(p->turn_out[i]);
    for (int j = 0; j < 2; j++) {
      es_plan_release(p->scores[i][j]);
      es_plan_release(p->values[i][j]);
      es_plan_release(p->turn_mask[i][j]);
    }
  }
}

/* ---- the run -----------------------------------------------------------------------------------
 */

static bool place_rows(run *r, place p, int64_t rows, int64_t size) {
  int64_t bytes;
  r->at[p] = r->total;
  return es_mul_i64(rows, r->pitch * size, &bytes) && es_add_i64(bytes, ES_ALIGN - 1, &bytes) &&
         es_add_i64(r->total, bytes / ES_ALIGN * ES_ALIGN, &r->total);
}

/* Memory of all threads, from the context's scratch. */
static bool make_room(run *r, int threads) {
  int64_t workspace = r->at[WORKSPACE], bytes, mask = r->a->mask ? r->width : 0;
  es_error error;
  bool fits = place_rows(r, TURNED, r->d, r->each) && place_rows(r, SCORES, r->width, r->each) &&
              place_rows(r, ALLOWED, mask, r->each) && place_rows(r, RESULT, r->e, r->each) &&
              place_rows(r, MORE, r->e, r->each) && place_rows(r, VECTORS, ROWS, r->each);
  r->at[WORKSPACE] = r->total;
  fits = fits && es_add_i64(r->total, workspace, &r->total) &&
         es_mul_i64(r->total, threads, &bytes);
  if (!fits) {
    es_fail(&error, ES_E_LIMIT, "M1", ES_NOWHERE,
            "the blocks of attention take more than 2^63 - 1 bytes");
    es_ctx_fail(r->ctx, &error, NULL, 0);
  }
  return fits && (r->memory = es_ctx_scratch(r->ctx, (uint64_t)bytes));
}

/* As few blocks of queries as can be, of equal height; rows of buffers are whole lines,
 * an odd number of them, lest a column of a buffer fall into few sets of a cache. */
static void choose_blocks(run *r) {
  int64_t line = ES_ALIGN / r->each;
  r->row_blocks = (r->m + QUERIES - 1) / QUERIES;
  r->height = (r->m + r->row_blocks - 1) / r->row_blocks;
  r->height = least((r->height + line - 1) / line * line, r->m);
  r->row_blocks = (r->m + r->height - 1) / r->height;
  r->width = KEYS;
  r->key_blocks = (r->n + KEYS - 1) / KEYS;
  r->pitch = ((r->height + line - 1) / line | 1) * line;
}

static es_array described(const es_tensor *t) {
  return t ? es_tensor_array(t) : (es_array){.dtype = ES_BOOL};
}

es_status es_attention_run(es_ctx *ctx, const es_attention *a) {
  if (es_size(a->out) == 0 || ctx->config.shapes_only) return ES_OK;
  run r = {.ctx = ctx,
           .a = a,
           .kernels = ctx->kernels->elementwise,
           .type = es_dtype_of(a->out),
           .view = {described(a->query), described(a->key), described(a->value), described(a->mask),
                    described(a->out)}};
  int rank = es_rank(a->out);
  r.each = (int64_t)es_dtype_size(r.type);
  r.m = es_shape(a->out)[rank - 2], r.e = es_shape(a->out)[rank - 1];
  r.n = es_shape(a->key)[rank - 2], r.d = es_shape(a->key)[rank - 1];
  choose_blocks(&r);
  int64_t tasks = es_size(a->out) / (r.m * r.e) * r.row_blocks;
  es_pool *pool = tasks > 1 ? es_ctx_pool(ctx) : NULL;
  if (make_plans(&r) && make_room(&r, es_pool_threads(pool))) {
    es_pool_run(pool, tasks, task, &r);
    if (r.status == ES_E_CANCELLED) r.status = es_ctx_stopped(ctx, &r.error);
    if (r.status != ES_OK) es_ctx_fail(ctx, &r.error, NULL, 0);
  } else {
    r.status = es_ctx_error(ctx)->status;
  }
  release_plans(&r.plan);
  return (es_status)r.status;
}
