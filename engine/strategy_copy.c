/* One operand moved as bits: permutations, slices, windows, repeats. */
#include "base/text.h"
#include "engine/ctx.h"
#include "engine/cursor.h"
#include "engine/kernels/stream.h"
#include "engine/strategy.h"

/* ROWS: operand and output are dense along one axis. TILES: the output along j, the
 * operand along i; blocks are transposed. ELEMENTS: neither. */
typedef enum way { ROWS, TILES, ELEMENTS } way;

typedef struct copy {
  way way;
  int64_t size; /* bytes of an element */
  es_axes outer;
  int64_t in_at, out_at; /* elements to the start of the walks */
  int64_t n, m;          /* extents along j and i (1 without i) */
  int64_t in_j, out_j, out_i;
  int64_t n_piece, m_piece, n_pieces, m_pieces;
  es_transpose_block transpose;
} copy;

/* n elements of size bytes, strides in elements. */
static void move_elements(char *out, int64_t out_step, const char *in, int64_t in_step, int64_t n,
                          int64_t size) {
  switch (size) {
  case 1:
    for (int64_t i = 0; i < n; i++) out[i * out_step] = in[i * in_step];
    break;
  case 2:
    for (int64_t i = 0; i < n; i++) memcpy(out + 2 * i * out_step, in + 2 * i * in_step, 2);
    break;
  case 4:
    for (int64_t i = 0; i < n; i++) memcpy(out + 4 * i * out_step, in + 4 * i * in_step, 4);
    break;
  case 8:
    for (int64_t i = 0; i < n; i++) memcpy(out + 8 * i * out_step, in + 8 * i * in_step, 8);
    break;
  default:
    for (int64_t i = 0; i < n; i++) memcpy(out + 16 * i * out_step, in + 16 * i * in_step, 16);
  }
}

static void move_piece(const copy *c, char *out, const char *in, int64_t j, int64_t i) {
  int64_t n = c->n - j < c->n_piece ? c->n - j : c->n_piece;
  int64_t m = c->m - i < c->m_piece ? c->m - i : c->m_piece;
  in += (j * c->in_j + i) * c->size;
  out += (j * c->out_j + i * c->out_i) * c->size;
  if (c->way == ROWS)
    memcpy(out, in, (size_t)(n * c->size));
  else if (c->way == TILES)
    c->transpose(out, c->out_i, in, c->in_j, m, n);
  else
    move_elements(out, c->out_j, in, c->in_j, n, c->size);
}

/* Units count pieces along j, within pieces along i, within outer positions. */
static es_status task(const es_step *step, const es_run_args *args, int64_t from, int64_t to) {
  const copy *c = step->data;
  const es_problem *p = step->problem;
  const char *in = (const char *)args->base[p->in[0].slot] + c->in_at * c->size;
  char *out = (char *)args->base[p->out.slot] + c->out_at * c->size;
  es_cursor at;
  int64_t each = c->n_pieces * c->m_pieces, piece = from % each;
  es_cursor_seek(&c->outer, &at, from / each);
  for (int64_t unit = from; unit < to; unit++) {
    move_piece(c, out + at.at[0] * c->size, in + at.at[1] * c->size,
               piece % c->n_pieces * c->n_piece, piece / c->n_pieces * c->m_piece);
    if (++piece == each) {
      piece = 0;
      es_cursor_next(&c->outer, &at);
    }
  }
  return ES_OK;
}

static es_status run(const es_step *step, const es_run_args *args) {
  const copy *c = step->data;
  return es_step_split(step, args, c->outer.count * c->n_pieces * c->m_pieces, task);
}

static void print(const es_step *step, char *buf, size_t cap) {
  static const char *const name[] = {"rows", "transposed tiles", "elements"};
  const copy *c = step->data;
  es_text t = es_text_init(buf, cap);
  es_text_printf(&t, "copy %s, %lld times %lldx%lld of %lld bytes", name[c->way],
                 (long long)c->outer.count, (long long)c->m, (long long)c->n, (long long)c->size);
}

static bool applicable(const es_problem *p, const es_plan_env *env) {
  if (!env->kernels->stream || p->n_in != 1 || p->rank != p->n_out || p->n_constraints)
    return false;
  if (p->in[0].dtype != p->out.dtype || p->rank > ES_MAX_RANK) return false;
  if (p->alpha != 1 || p->beta != 0) return false;
  if (p->reduce == ES_REDUCE_MEAN && (p->mean_count != 1 || p->compute == ES_I64)) return false;
  /* Truth values stay as they are, other values would become 0 or 1. */
  bool truth = p->reduce == ES_REDUCE_ANY || p->reduce == ES_REDUCE_ALL ||
               p->combine == ES_INNER_AND || p->combine == ES_INNER_OR;
  return !truth || p->out.dtype == ES_BOOL;
}

/* The axis along which the operand is dense, or -1. */
static int dense_axis(const es_problem *p, int j) {
  for (int a = 0; a < p->rank; a++)
    if (a != j && p->in[0].stride[a] == 1) return a;
  return -1;
}

static way way_of(const es_problem *p, int *j, int *i) {
  *j = p->rank - 1, *i = -1;
  if (*j < 0 || p->out.stride[*j] != 1) return ELEMENTS;
  if (p->in[0].stride[*j] == 1) return ROWS;
  *i = dense_axis(p, *j);
  return *i < 0 ? ELEMENTS : TILES;
}

/* Memory moves at some 10 GB/s; rows shorter than a line pay for the call, elements
 * one by one for each. */
static double cost(const es_problem *p, const es_plan_env *env) {
  (void)env;
  int j, i;
  way w = way_of(p, &j, &i);
  double points = es_problem_points(p), n = j < 0 ? 1 : (double)p->extent[j];
  double bytes = points * (double)es_dtype_size(p->out.dtype);
  double seconds = 40e-9 + bytes * 0.04e-9;
  if (points == 0) return seconds;
  if (w == ELEMENTS) return seconds + points * 1e-9 + points / n * 8e-9;
  if (w == TILES) return seconds + points * 0.3e-9;
  return seconds + points / n * 8e-9;
}

static es_status make(const es_problem *p, const es_plan_env *env, es_step *step) {
  copy *c = ES_NEW(env->arena, copy);
  if (!c) return ES_E_NOMEM;
  int j, i, list[ES_MAX_RANK], n = 0, log2_size = 0;
  c->way = way_of(p, &j, &i);
  for (int a = 0; a < p->rank; a++)
    if (a != j && a != i) list[n++] = a;
  if (!es_axes_make(env->arena, p, list, n, &c->outer)) return ES_E_NOMEM;
  c->size = (int64_t)es_dtype_size(p->out.dtype);
  while ((int64_t)1 << log2_size < c->size) log2_size++;
  c->transpose = env->kernels->stream->transpose[log2_size];
  c->in_at = p->in[0].offset;
  c->out_at = p->out.offset;
  c->n = j < 0 ? 1 : p->extent[j];
  c->m = i < 0 ? 1 : p->extent[i];
  c->in_j = j < 0 ? 0 : p->in[0].stride[j];
  c->out_j = j < 0 ? 0 : p->out.stride[j];
  c->out_i = i < 0 ? 0 : p->out.stride[i];
  /* Tiles of 16 KiB: both sides stay in the first-level cache. */
  c->m_piece = c->m < 64 ? c->m : 64;
  c->n_piece = c->way != TILES ? 1 << 16 : 4096 / (c->m_piece > 0 ? c->m_piece : 1);
  c->n_pieces = (c->n + c->n_piece - 1) / c->n_piece;
  c->m_pieces = c->m_piece > 0 ? (c->m + c->m_piece - 1) / c->m_piece : 0;
  step->run = run;
  step->data = c;
  return ES_OK;
}

const es_strategy es_strategy_copy = {
    .name = "copy", .applicable = applicable, .cost = cost, .make = make, .print = print};
