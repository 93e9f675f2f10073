#include "engine/tensor/tensor.h"

#include <string.h>

#include "base/checked.h"
#include "base/dtype.h"
#include "engine/ctx.h"
#include "engine/limits.h"

/* ---- scopes ------------------------------------------------------------------ */

struct es_scope {
  es_scope *outer;
  es_tensor *first; /* newest first; the scope holds one count of each */
};

es_status es_scope_push(es_ctx *ctx) {
  if (!ctx) return ES_E_VALUE;
  es_scope *scope = ctx->spare_scope;
  ctx->spare_scope = NULL;
  if (!scope && !(scope = es_alloc(&ctx->allocator, sizeof *scope))) {
    es_error error;
    es_fail_nomem(&error);
    return es_ctx_fail(ctx, &error, NULL, 0);
  }
  *scope = (es_scope){ctx->scope, NULL};
  ctx->scope = scope;
  return ES_OK;
}

static void empty_scope(es_scope *scope) {
  for (es_tensor *t = scope->first; t;) {
    es_tensor *next = t->next;
    t->next = NULL;
    es_release(t);
    t = next;
  }
  scope->first = NULL;
}

void es_scope_end(es_ctx *ctx) {
  es_scope *scope = ctx->scope;
  empty_scope(scope);
  ctx->scope = scope->outer;
  es_free(&ctx->allocator, ctx->spare_scope, sizeof *scope);
  ctx->spare_scope = scope;
}

/* The outermost scope stays open: it is emptied. */
void es_scope_pop(es_ctx *ctx) {
  if (!ctx) return;
  if (ctx->scope->outer)
    es_scope_end(ctx);
  else
    empty_scope(ctx->scope);
}

void es_scope_own(es_ctx *ctx, es_tensor *t) {
  t->next = ctx->scope->first;
  ctx->scope->first = t;
}

void es_scope_disown(es_ctx *ctx, es_tensor *t) {
  ctx->scope->first = t->next;
  es_release(t);
}

es_tensor *es_scope_pop_keep(es_ctx *ctx, es_tensor *t) {
  if (!ctx) return NULL;
  es_tensor **link = &ctx->scope->first;
  while (*link && *link != t) link = &(*link)->next;
  bool here = *link != NULL;
  if (here) *link = t->next;
  es_scope_pop(ctx);
  if (here) es_scope_own(ctx, t);
  return t;
}

/* ---- counts ------------------------------------------------------------------ */

/* In a context of shapes alone an address stands for elements that nothing touches.
 * The header of an own storage, padded so that the elements behind it are aligned. */
enum { HEADER = (sizeof(es_storage) + ES_ALIGN - 1) / ES_ALIGN * ES_ALIGN };

static es_storage *storage_new(es_ctx *ctx, int64_t bytes) {
  bool own = !ctx->config.shapes_only;
  es_storage *s = es_alloc(&ctx->allocator, HEADER + (own ? (size_t)bytes : 0));
  if (!s) return NULL;
  *s = (es_storage){
      .ctx = ctx, .data = (char *)s + HEADER, .bytes = bytes, .writable = true, .own = own};
  s->count = 1;
  es_ctx_hold_object(ctx);
  return s;
}

static void storage_release(es_storage *s) {
  if (--s->count) return;
  es_ctx *ctx = s->ctx;
  if (s->release) s->release(s->user);
  es_free(&ctx->allocator, s, HEADER + (s->own ? (size_t)s->bytes : 0));
  es_ctx_drop_object(ctx);
}

/* A handle holds shape and strides of ES_MAX_RANK axes, more than a kilobyte; the
 * most frequent call of all, making a small result, should not wait for one. */
enum { MAX_SPARES = 64 };

/* A handle without a storage yet; its one count is the caller's. */
static es_tensor *handle_new(es_ctx *ctx) {
  es_tensor *t = ctx->spare;
  if (t) {
    ctx->spare = t->next;
    ctx->spares--;
  } else {
    t = es_alloc(&ctx->allocator, sizeof *t);
    if (!t) return NULL;
  }
  t->ctx = ctx;
  t->storage = NULL;
  t->next = NULL;
  t->count = 1;
  es_ctx_hold_object(ctx);
  return t;
}

static void handle_free(es_tensor *t) {
  es_ctx *ctx = t->ctx;
  if (ctx->closed || ctx->spares == MAX_SPARES) {
    es_free(&ctx->allocator, t, sizeof *t);
  } else {
    t->next = ctx->spare;
    ctx->spare = t;
    ctx->spares++;
  }
  es_ctx_drop_object(ctx);
}

void es_handles_free(es_ctx *ctx) {
  while (ctx->spare) {
    es_tensor *t = ctx->spare;
    ctx->spare = t->next;
    es_free(&ctx->allocator, t, sizeof *t);
  }
  ctx->spares = 0;
  es_free(&ctx->allocator, ctx->spare_scope, sizeof *ctx->spare_scope);
  ctx->spare_scope = NULL;
}

es_tensor *es_retain(es_tensor *t) {
  if (t) t->count++;
  return t;
}

void es_release(es_tensor *t) {
  if (!t || --t->count) return;
  if (t->storage) storage_release(t->storage);
  handle_free(t);
}

/* ---- making -------------------------------------------------------------------- */

static es_tensor *fail_nomem(es_ctx *ctx) {
  es_error error;
  es_fail_nomem(&error);
  return es_ctx_fail_tensor(ctx, &error);
}

es_tensor *es_tensor_new(es_ctx *ctx, es_dtype dtype, int rank, const int64_t *shape, bool zero) {
  if (!ctx) return NULL;
  es_error error;
  if (es_ctx_admit(ctx, rank, shape, dtype, &error) != ES_OK)
    return es_ctx_fail_tensor(ctx, &error);
  int64_t count = 1;
  es_count_i64(rank, shape, &count);
  es_tensor *t = handle_new(ctx);
  if (!t) return fail_nomem(ctx);
  t->storage = storage_new(ctx, count * (int64_t)es_dtype_size(dtype));
  if (!t->storage ||
      es_view_make(dtype, count, 0, rank, shape, NULL, true, &t->view, &error) != ES_OK) {
    bool nomem = !t->storage;
    es_release(t);
    return nomem ? fail_nomem(ctx) : es_ctx_fail_tensor(ctx, &error);
  }
  if (zero && t->storage->own) memset(t->storage->data, 0, (size_t)t->storage->bytes);
  es_scope_own(ctx, t);
  return t;
}

/* A handle on a storage of which the caller gives one count away. */
static es_tensor *handle_on(es_ctx *ctx, es_storage *storage, const es_view *view) {
  es_tensor *t = handle_new(ctx);
  if (!t) {
    storage_release(storage);
    return fail_nomem(ctx);
  }
  t->storage = storage;
  t->view = *view;
  es_scope_own(ctx, t);
  return t;
}

es_tensor *es_tensor_view(es_ctx *ctx, const es_tensor *x, int rank, const int64_t *shape,
                          const int64_t *strides, int64_t offset) {
  es_error error;
  es_view view;
  if (es_ctx_admit_rank(ctx, rank, &error) != ES_OK ||
      es_view_make(x->view.dtype, es_tensor_length(x), offset, rank, shape, strides,
                   x->storage->writable, &view, &error) != ES_OK)
    return es_ctx_fail_tensor(ctx, &error);
  /* A read-only view of writable memory stays read-only in all views of it. */
  view.writable = view.writable && x->view.writable;
  x->storage->count++;
  return handle_on(ctx, x->storage, &view);
}

es_tensor *es_tensor_alias(es_ctx *ctx, const es_tensor *x) {
  x->storage->count++;
  return handle_on(ctx, x->storage, &x->view);
}

static bool wrap_fits(int64_t length, es_dtype dtype, void *data, int64_t *bytes) {
  return length >= 0 && (data || length == 0) &&
         es_mul_i64(length, (int64_t)es_dtype_size(dtype), bytes) && *bytes <= ES_MOST_BYTES;
}

es_tensor *es_tensor_wrap(es_ctx *ctx, es_dtype dtype, void *data, int64_t length, int64_t offset,
                          int rank, const int64_t *shape, const int64_t *strides, bool writable,
                          void (*release)(void *user), void *user) {
  es_error error = {.status = ES_OK};
  es_view view;
  int64_t bytes = 0;
  es_storage *storage = NULL;
  if (!wrap_fits(length, dtype, data, &bytes))
    es_fail(&error, ES_E_VALUE, "", ES_NOWHERE, "es_wrap: %s with a length of %lld elements",
            data ? "memory" : "NULL data", (long long)length);
  else if (es_ctx_admit_rank(ctx, rank, &error) == ES_OK &&
           es_view_make(dtype, length, offset, rank, shape, strides, writable, &view, &error) ==
               ES_OK) {
    storage = es_alloc(&ctx->allocator, HEADER);
    if (!storage) es_fail_nomem(&error);
  }
  if (error.status != ES_OK) {
    if (release) release(user);
    return es_ctx_fail_tensor(ctx, &error);
  }
  *storage = (es_storage){.ctx = ctx,
                          .data = data,
                          .bytes = bytes,
                          .writable = writable,
                          .release = release,
                          .user = user};
  storage->count = 1;
  es_ctx_hold_object(ctx);
  return handle_on(ctx, storage, &view);
}

/* ---- what they are ----------------------------------------------------------------- */

es_dtype es_dtype_of(const es_tensor *t) { return t ? t->view.dtype : ES_DTYPE_AUTO; }
int es_rank(const es_tensor *t) { return t ? t->view.rank : 0; }
const int64_t *es_shape(const es_tensor *t) { return t ? t->view.shape : NULL; }
const int64_t *es_strides(const es_tensor *t) { return t ? t->view.strides : NULL; }

int64_t es_size(const es_tensor *t) {
  int64_t count = 0;
  if (t) es_count_i64(t->view.rank, t->view.shape, &count);
  return count;
}

const void *es_data(const es_tensor *t) {
  return t && !t->ctx->config.shapes_only ? es_tensor_at(t) : NULL;
}

void *es_data_mut(es_tensor *t) {
  return es_is_writable(t) && !t->ctx->config.shapes_only ? es_tensor_at(t) : NULL;
}

bool es_is_writable(const es_tensor *t) { return t && t->view.writable; }

bool es_is_constant(const es_tensor *t) { return t && t->storage->constant != 0; }

bool es_is_contiguous(const es_tensor *t) {
  return t && es_view_contiguous(t->view.rank, t->view.shape, t->view.strides);
}

bool es_is_view(const es_tensor *t) { return t && t->storage->count > 1; }
