/* pack, unpack and parse_shape: what einops does around a pattern of whole axes.
 * Reshapes and joins of existing functions; no nest of their own. */
#include <string.h>

#include "base/checked.h"
#include "base/text.h"
#include "engine/ctx.h"
#include "engine/limits.h"
#include "engine/tensor/tensor.h"
#include "lexer/ast.h"

typedef struct reading { /* a parsed term and the call it serves */
  es_ctx *ctx;
  const char *text;
  es_arena arena;
  es_pattern *pattern;
  es_term term;
  int star; /* axes before '*' */
} reading;

static es_status fail(const reading *r, const es_error *error) {
  return es_ctx_fail(r->ctx, error, r->text, strlen(r->text));
}

static es_status open_reading(reading *r, es_ctx *ctx, es_kind kind, const char *text) {
  es_error error;
  *r = (reading){.ctx = ctx, .text = text};
  es_arena_init(&r->arena, &ctx->allocator);
  if (es_ctx_parse(ctx, &r->arena, kind, text, strlen(text), ES_READ_NAMES, &r->pattern, &error) !=
      ES_OK)
    return fail(r, &error);
  r->term = r->pattern->in[0];
  while (r->star < r->term.n && r->term.items[r->star].kind != ES_ITEM_STAR) r->star++;
  for (int i = 0; i < r->term.n; i++)
    for (int j = 0; j < i; j++) {
      const es_item *a = &r->term.items[j], *b = &r->term.items[i];
      if (a->kind != ES_ITEM_NAME || b->kind != ES_ITEM_NAME || a->name != b->name) continue;
      es_fail2(&error, ES_E_NAME, "S1", b->span, a->span, "axis '%s' occurs twice",
               r->pattern->names[b->name]);
      return fail(r, &error);
    }
  return ES_OK;
}

static void close_reading(reading *r) { es_arena_free(&r->arena); }

static const char *item_name(const reading *r, int item) {
  return r->pattern->names[r->term.items[item].name];
}

/* ---- pack -------------------------------------------------------------------------- */

/* Named axes of input i against those of input 0. */
static es_status check_named(const reading *r, const es_tensor *first, const es_tensor *x,
                             int64_t i) {
  es_error error;
  int named = r->term.n - 1;
  if (x->view.rank < named) {
    char shape[256];
    es_text t = es_text_init(shape, sizeof shape);
    es_text_shape(&t, x->view.rank, x->view.shape);
    es_fail(&error, ES_E_RANK, "S6", r->term.span,
            "operand %lld has %d %s, shape %s, but the pattern names %d", (long long)i,
            x->view.rank, x->view.rank == 1 ? "axis" : "axes", shape, named);
    error.operand = (int32_t)i;
    return fail(r, &error);
  }
  for (int a = 0; a < r->term.n; a++) {
    if (a == r->star) continue;
    int64_t mine = x->view.shape[a < r->star ? a : x->view.rank - (r->term.n - a)];
    int64_t its = first->view.shape[a < r->star ? a : first->view.rank - (r->term.n - a)];
    if (mine == its) continue;
    es_fail(&error, ES_E_EXTENT, "S7", r->term.items[a].span,
            "'%s' is %lld in operand 0, and %lld in operand %lld", item_name(r, a), (long long)its,
            (long long)mine, (long long)i);
    error.operand = (int32_t)i;
    return fail(r, &error);
  }
  return ES_OK;
}

/* x with its packed axes merged into one; the packed shape goes to the caller. */
static es_tensor *merge_packed(const reading *r, const es_tensor *x, int64_t *packed, int *rank) {
  int before = r->star, after = r->term.n - 1 - r->star, middle = x->view.rank - before - after;
  int64_t shape[ES_MAX_RANK], size = 1; /* a term has no more axes either */
  memcpy(shape, x->view.shape, sizeof *shape * (size_t)before);
  memcpy(shape + before + 1, x->view.shape + before + middle, sizeof *shape * (size_t)after);
  es_count_i64(middle, x->view.shape + before, &size); /* part of a sound shape */
  shape[before] = size;
  memcpy(packed, x->view.shape + before, sizeof *packed * (size_t)middle);
  *rank = middle;
  return es_reshape(r->ctx, x, before + after + 1, shape);
}

static es_tensor *pack(const reading *r, es_tensor *const *in, int64_t n, int64_t *shapes,
                       int *ranks) {
  es_error error;
  es_tensor **merged = es_alloc(&r->ctx->allocator, (size_t)n * sizeof *merged);
  if (!merged) {
    es_fail_nomem(&error);
    fail(r, &error);
    return NULL;
  }
  es_tensor *result = NULL;
  bool ok = true;
  for (int64_t i = 0; i < n && ok; i++) {
    ok = check_named(r, in[0], in[i], i) == ES_OK;
    merged[i] = ok ? merge_packed(r, in[i], shapes + i * ES_MAX_RANK, &ranks[i]) : NULL;
    ok = merged[i] != NULL;
  }
  if (ok) result = es_concat(r->ctx, merged, n, r->star);
  es_free(&r->ctx->allocator, merged, (size_t)n * sizeof *merged);
  return result;
}

es_tensor *es_pack(es_ctx *ctx, const char *text, es_tensor *const *in, int64_t n, int64_t *shapes,
                   int *ranks) {
  if (!ctx) return NULL;
  bool missing = !text || !in || !shapes || !ranks || n < 1 || n > ES_MAX_OPERANDS;
  for (int64_t i = 0; i < n && !missing; i++) missing = !in[i];
  if (missing) {
    es_ctx_fail_null(ctx, "es_pack");
    return NULL;
  }
  reading r;
  es_tensor *result = NULL;
  if (es_scope_push(ctx) != ES_OK) return NULL;
  if (open_reading(&r, ctx, ES_KIND_PACK, text) == ES_OK) result = pack(&r, in, n, shapes, ranks);
  close_reading(&r);
  return es_scope_pop_keep(ctx, result);
}

/* ---- unpack ------------------------------------------------------------------------ */

/* Length of each piece along the packed axis, the one -1 among all shapes solved
 * for: *open_piece and *open_axis say where it is (-1: nowhere). */
static es_status piece_lengths(const reading *r, int64_t whole, const int64_t *shapes,
                               const int *ranks, int64_t n, int64_t *length, int64_t *open_extent) {
  es_error error;
  es_span star = r->term.items[r->star].span;
  int64_t open = -1, sum = 0;
  for (int64_t i = 0; i < n; i++) {
    const int64_t *shape = shapes + i * ES_MAX_RANK;
    length[i] = 1;
    for (int a = 0; a < ranks[i]; a++) {
      bool unknown = shape[a] == -1;
      if (unknown && open >= 0) {
        es_fail(&error, ES_E_UNDETERMINED, "S14", star,
                "two sizes are -1, in the shapes %lld and %lld; only one can be found",
                (long long)open, (long long)i);
        return fail(r, &error);
      }
      if (unknown)
        open = i;
      else if (shape[a] < 0 || !es_mul_i64(length[i], shape[a], &length[i])) {
        es_fail(&error, ES_E_VALUE, "S14", star, "shape %lld has the size %lld", (long long)i,
                (long long)shape[a]);
        return fail(r, &error);
      }
    }
    if (open != i && !es_add_i64(sum, length[i], &sum)) sum = INT64_MAX;
  }
  int64_t left = whole - sum;
  if (open < 0 ? left == 0 : left >= 0 && length[open] > 0 && left % length[open] == 0) {
    *open_extent = open < 0 ? 0 : left / length[open];
    if (open >= 0) length[open] = left;
    return ES_OK;
  }
  if (open < 0)
    es_fail(&error, ES_E_EXTENT, "S14", star,
            "the shapes add up to %lld elements, the packed axis %d has %lld", (long long)sum,
            r->star, (long long)whole);
  else
    es_fail(
        &error, ES_E_EXTENT, "S14", star,
        "the packed axis %d has %lld elements; the other shapes take %lld, and what is left is no "
        "multiple of the %lld of shape %lld besides its -1",
        r->star, (long long)whole, (long long)sum, (long long)length[open], (long long)open);
  return fail(r, &error);
}

static es_tensor *piece(const reading *r, const es_tensor *x, int64_t start, int64_t length,
                        const int64_t *packed, int rank, int64_t open_extent) {
  int before = r->star, after = r->term.n - 1 - r->star;
  int64_t shape[ES_MAX_RANK];
  memcpy(shape, x->view.shape, sizeof *shape * (size_t)before);
  for (int a = 0; a < rank; a++) shape[before + a] = packed[a] == -1 ? open_extent : packed[a];
  memcpy(shape + before + rank, x->view.shape + before + 1, sizeof *shape * (size_t)after);
  es_tensor *slice = es_slice(r->ctx, x, before, start, start + length, 1);
  return slice ? es_reshape(r->ctx, slice, before + rank + after, shape) : NULL;
}

/* Before a shape is read. */
static es_status check_ranks(const reading *r, const int *ranks, int64_t n) {
  int most = ES_MAX_RANK - (r->term.n - 1);
  for (int64_t i = 0; i < n; i++)
    if (ranks[i] < 0 || ranks[i] > most)
      return es_ctx_failf(r->ctx, ES_E_RANK,
                          "shape %lld has %d axes; 0 … %d are allowed beside the %d of the pattern",
                          (long long)i, ranks[i], most, r->term.n - 1);
  return ES_OK;
}

static es_status unpack(const reading *r, const es_tensor *x, const int64_t *shapes,
                        const int *ranks, int64_t n, es_tensor **out) {
  es_error error;
  if (x->view.rank != r->term.n) {
    char shape[256];
    es_text t = es_text_init(shape, sizeof shape);
    es_text_shape(&t, x->view.rank, x->view.shape);
    es_fail(&error, ES_E_RANK, "S6", r->term.span,
            "the pattern has %d axes, the tensor %d, shape %s", r->term.n, x->view.rank, shape);
    return fail(r, &error);
  }
  ES_TRY(check_ranks(r, ranks, n));
  int64_t *length = es_alloc(&r->ctx->allocator, (size_t)n * sizeof *length);
  if (!length) {
    es_fail_nomem(&error);
    return fail(r, &error);
  }
  int64_t open_extent = 0, start = 0;
  es_status status = piece_lengths(r, x->view.shape[r->star], shapes, ranks, n, length,
                                   &open_extent);
  for (int64_t i = 0; i < n && status == ES_OK; i++) {
    out[i] = piece(r, x, start, length[i], shapes + i * ES_MAX_RANK, ranks[i], open_extent);
    if (!out[i]) status = r->ctx->error.status;
    start += length[i];
  }
  es_free(&r->ctx->allocator, length, (size_t)n * sizeof *length);
  return status;
}

/* The pieces outlive the scope that their making used up. */
static void keep_outputs(es_ctx *ctx, es_tensor **out, int64_t n, bool keep) {
  for (int64_t i = 0; i < n; i++)
    if (keep)
      es_retain(out[i]);
    else
      out[i] = NULL;
  es_scope_pop(ctx);
  for (int64_t i = 0; i < n && keep; i++) es_scope_own(ctx, out[i]);
}

es_status es_unpack(es_ctx *ctx, const char *text, const es_tensor *x, const int64_t *shapes,
                    const int *ranks, int64_t n, es_tensor **out) {
  if (!ctx || !text || !x || !shapes || !ranks || !out || n < 1 || n > ES_MAX_OPERANDS) {
    for (int64_t i = 0; out && i < n; i++) out[i] = NULL;
    return es_ctx_fail_null(ctx, "es_unpack");
  }
  reading r;
  for (int64_t i = 0; i < n; i++) out[i] = NULL;
  ES_TRY(es_scope_push(ctx));
  es_status status = open_reading(&r, ctx, ES_KIND_UNPACK, text);
  if (status == ES_OK) status = unpack(&r, x, shapes, ranks, n, out);
  close_reading(&r);
  keep_outputs(ctx, out, n, status == ES_OK);
  return status;
}

/* ---- parse_shape ------------------------------------------------------------------- */

/* Axis of the tensor for item i: an ellipsis takes what the others leave. */
static int axis_of_item(const reading *r, const es_tensor *x, int i, int ellipsis) {
  return ellipsis >= 0 && i > ellipsis ? x->view.rank - (r->term.n - i) : i;
}

static es_status check_shape(const reading *r, const es_tensor *x, int ellipsis) {
  es_error error;
  int wanted = r->term.n - (ellipsis >= 0);
  if (ellipsis >= 0 ? x->view.rank < wanted : x->view.rank != wanted) {
    char shape[256];
    es_text t = es_text_init(shape, sizeof shape);
    es_text_shape(&t, x->view.rank, x->view.shape);
    es_fail(&error, ES_E_RANK, "S6", r->term.span,
            "the pattern has %s%d axes, the tensor %d, shape %s", ellipsis >= 0 ? "at least " : "",
            wanted, x->view.rank, shape);
    return fail(r, &error);
  }
  for (int i = 0; i < r->term.n; i++) {
    const es_item *item = &r->term.items[i];
    if (item->kind != ES_ITEM_INT) continue;
    int64_t extent = x->view.shape[axis_of_item(r, x, i, ellipsis)];
    if (extent == item->value) continue;
    es_fail(&error, ES_E_EXTENT, "S7", item->span, "the text says %lld, the axis has %lld",
            (long long)item->value, (long long)extent);
    return fail(r, &error);
  }
  return ES_OK;
}

/* Names are copied to the scratch memory of the context: valid until the next call. */
static int64_t put_names(const reading *r, const es_tensor *x, int ellipsis, const char **names,
                         int64_t *values, int64_t cap) {
  size_t bytes = 1;
  for (int i = 0; i < r->term.n; i++)
    if (r->term.items[i].kind == ES_ITEM_NAME) bytes += strlen(item_name(r, i)) + 1;
  char *at = es_ctx_scratch(r->ctx, bytes);
  if (!at) return -1;
  int64_t n = 0;
  for (int i = 0; i < r->term.n; i++) {
    if (r->term.items[i].kind != ES_ITEM_NAME) continue;
    size_t len = strlen(item_name(r, i)) + 1;
    memcpy(at, item_name(r, i), len);
    if (n < cap) {
      names[n] = at;
      values[n] = x->view.shape[axis_of_item(r, x, i, ellipsis)];
    }
    at += len;
    n++;
  }
  return n;
}

int64_t es_parse_shape(es_ctx *ctx, const char *text, const es_tensor *x, const char **names,
                       int64_t *values, int64_t cap) {
  if (!ctx || !text || !x || cap < 0 || (cap && (!names || !values))) {
    es_ctx_fail_null(ctx, "es_parse_shape");
    return -1;
  }
  reading r;
  int64_t n = -1;
  if (open_reading(&r, ctx, ES_KIND_SHAPE, text) == ES_OK) {
    int ellipsis = r.term.n - 1;
    while (ellipsis >= 0 && r.term.items[ellipsis].kind != ES_ITEM_ELLIPSIS) ellipsis--;
    if (check_shape(&r, x, ellipsis) == ES_OK) n = put_names(&r, x, ellipsis, names, values, cap);
  }
  close_reading(&r);
  return n;
}
