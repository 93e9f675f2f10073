#include <string.h>

#include "einstride/io.h"
#include "engine/tensor/tensor.h"
#include "io/npy.h"

/* What is wrong with the arguments, in every build. */
static es_status check_save(es_ctx *ctx, const char *path, const char *const *names,
                            es_tensor *const *xs, int64_t n) {
  if (!ctx) return ES_E_VALUE;
  if (!path || n < 0 || (n > 0 && (!names || !xs)))
    return es_ctx_failf(ctx, ES_E_VALUE, "es_save_npz: %s",
                        n < 0 ? "the number of tensors is negative"
                              : "the path, names or tensors are NULL");
  for (int64_t i = 0; i < n; i++) {
    if (!xs[i]) return es_ctx_fail_null(ctx, "es_save_npz");
    if (!names[i])
      return es_ctx_failf(ctx, ES_E_VALUE, "es_save_npz: name %lld is NULL", (long long)i);
  }
  return ES_OK;
}

#ifdef ES_HAVE_ZLIB

#include <inttypes.h>

#include "io/deflate.h"
#include "io/zip.h"

/* ---- reading -------------------------------------------------------------------------- */

/* A stored entry, with the check sum a zip keeps of it. */
typedef struct stored {
  es_source source;
  es_source *from;
  uint32_t crc;
} stored;

static es_status stored_read(es_source *source, void *out, size_t n, es_error *error) {
  stored *s = (stored *)source;
  ES_TRY(es_source_read(s->from, out, n, error));
  s->crc = es_crc32(s->crc, out, n);
  return ES_OK;
}

static es_status check_crc(const es_zip_entry *e, uint32_t crc, const char *shown,
                           es_error *error) {
  if (crc == e->crc) return ES_OK;
  return es_fail(error, ES_E_FORMAT, "", ES_NOWHERE,
                 "'%s' is damaged: its check sum is %08" PRIx32 ", the archive says %08" PRIx32,
                 shown, crc, e->crc);
}

static es_tensor *decode_entry(es_ctx *ctx, es_file *file, const es_zip_entry *e, es_error *error) {
  char entry[ES_SHOWN_NAME], shown[2 * ES_SHOWN_NAME];
  es_text t = es_text_init(shown, sizeof shown);
  es_show_name(e->name, strlen(e->name), entry);
  es_text_printf(&t, "%s: %s", file->shown, entry);
  es_file_seek(file, e->data, e->packed);
  es_tensor *x = NULL;
  uint32_t crc = 0;
  if (e->deflated) {
    es_inflate z;
    if (es_inflate_open(&z, &file->source, ES_DEFLATE_RAW, e->size, &ctx->allocator, error) !=
        ES_OK)
      return NULL;
    z.source.name = shown;
    x = es_npy_decode(ctx, &z.source, error);
    crc = z.crc;
    es_inflate_close(&z);
  } else {
    stored s = {.source = {.read = stored_read, .name = shown, .left = e->size, .exact = true},
                .from = &file->source};
    x = es_npy_decode(ctx, &s.source, error);
    crc = s.crc;
  }
  if (x && check_crc(e, crc, shown, error) != ES_OK) return NULL;
  return x;
}

/* Names without ".npy", in a buffer that outlives the call. */
static es_status give_names(es_ctx *ctx, const es_zip_entry *entries, int64_t n, const char **names,
                            es_error *error) {
  size_t total = 0;
  for (int64_t i = 0; i < n; i++) total += strlen(entries[i].name) + 1;
  char *at = es_ctx_scratch(ctx, total);
  if (!at) return es_wire_blame(ctx, error);
  for (int64_t i = 0; i < n; i++) {
    size_t len = strlen(entries[i].name);
    if (len > 4 && !strcmp(entries[i].name + len - 4, ".npy")) len -= 4;
    memcpy(at, entries[i].name, len);
    at[len] = 0;
    names[i] = at;
    at += len + 1;
  }
  return ES_OK;
}

static es_status load_entries(es_ctx *ctx, es_file *file, const es_zip_entry *entries, int64_t n,
                              const char **names, es_tensor **out, es_error *error) {
  ES_TRY(give_names(ctx, entries, n, names, error));
  if (es_scope_push(ctx) != ES_OK) return es_wire_blame(ctx, error);
  int64_t done = 0;
  for (; done < n; done++) {
    out[done] = es_retain(decode_entry(ctx, file, &entries[done], error));
    if (!out[done]) break;
  }
  es_scope_pop(ctx);
  /* All of them come to the caller's scope, or none. */
  for (int64_t i = 0; i < done; i++) {
    if (done == n)
      es_scope_own(ctx, out[i]);
    else
      es_release(out[i]);
  }
  return done == n ? ES_OK : error->status;
}

static es_status load_archive(es_ctx *ctx, const char *path, const char **names, es_tensor **out,
                              int64_t cap, int64_t *count, es_error *error) {
  es_file file;
  es_arena arena;
  es_zip_entry *entries = NULL;
  ES_TRY(es_file_open(&file, path, error));
  es_arena_init(&arena, &ctx->allocator);
  es_status status = es_zip_read(&file, &arena, &entries, count, error);
  if (status == ES_OK)
    status = load_entries(ctx, &file, entries, *count < cap ? *count : cap, names, out, error);
  es_arena_free(&arena);
  es_file_close(&file);
  return status;
}

int64_t es_load_npz(es_ctx *ctx, const char *path, const char **names, es_tensor **out,
                    int64_t cap) {
  es_error error;
  int64_t count = 0;
  if (!path || (cap > 0 && (!names || !out))) {
    if (ctx) es_ctx_failf(ctx, ES_E_VALUE, "es_load_npz: the path, names or out are NULL");
    return -1;
  }
  for (int64_t i = 0; i < cap; i++) names[i] = NULL, out[i] = NULL;
  if (!ctx) return -1;
  if (load_archive(ctx, path, names, out, cap, &count, &error) == ES_OK) return count;
  for (int64_t i = 0; i < cap; i++) names[i] = NULL, out[i] = NULL;
  es_ctx_fail(ctx, &error, NULL, 0);
  return -1;
}

/* ---- writing -------------------------------------------------------------------------- */

typedef struct packer {
  es_save_file *save;
  es_zip_entry *entry;
  z_stream *stream; /* NULL: stored */
  uint8_t out[16384];
} packer;

static es_status deflate_all(packer *p, int flush, es_error *error) {
  for (;;) {
    p->stream->next_out = p->out;
    p->stream->avail_out = sizeof p->out;
    int code = deflate(p->stream, flush);
    size_t n = sizeof p->out - p->stream->avail_out;
    ES_TRY(es_save_write(p->save, p->out, n, error));
    if (flush == Z_FINISH ? code == Z_STREAM_END : p->stream->avail_out != 0) return ES_OK;
  }
}

static es_status pack(void *to, const void *bytes, size_t n, es_error *error) {
  packer *p = to;
  p->entry->crc = es_crc32(p->entry->crc, bytes, n);
  if (!p->stream) return es_save_write(p->save, bytes, n, error);
  const uint8_t *at = bytes;
  enum { PIECE = 1 << 20 }; /* zlib counts in 32 bits */
  while (n) {
    uInt piece = n < PIECE ? (uInt)n : PIECE;
    p->stream->next_in = (Bytef *)(uintptr_t)at;
    p->stream->avail_in = piece;
    ES_TRY(deflate_all(p, Z_NO_FLUSH, error));
    at += piece, n -= piece;
  }
  return ES_OK;
}

static es_status pack_tensor(es_ctx *ctx, packer *p, const es_tensor *x, es_error *error) {
  es_zip_entry *e = p->entry;
  ES_TRY(es_npy_measure(x, &e->size, error));
  ES_TRY(es_zip_write_header(p->save, e, error));
  ES_TRY(es_npy_encode(ctx, x, pack, p, error));
  if (p->stream) ES_TRY(deflate_all(p, Z_FINISH, error));
  e->packed = p->save->written - e->data;
  return es_zip_patch_header(p->save, e, error);
}

static es_status save_entry(es_ctx *ctx, es_save_file *save, es_zip_entry *e, const es_tensor *x,
                            es_error *error) {
  packer p = {.save = save, .entry = e};
  if (!e->deflated) return pack_tensor(ctx, &p, x, error);
  z_stream stream = {
      .zalloc = es_zlib_alloc, .zfree = es_zlib_free, .opaque = (void *)&ctx->allocator};
  const int memory = 8; /* zlib's own default */
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, ES_DEFLATE_RAW, memory,
                   Z_DEFAULT_STRATEGY) != Z_OK)
    return es_fail_nomem(error);
  p.stream = &stream;
  es_status status = pack_tensor(ctx, &p, x, error);
  deflateEnd(&stream);
  return status;
}

static es_status name_entries(const char *path, es_arena *arena, const char *const *names,
                              int64_t n, bool compress, es_zip_entry *entries, es_error *error) {
  for (int64_t i = 0; i < n; i++) {
    size_t len = strlen(names[i]);
    char *name = es_arena_array(arena, len + sizeof ".npy", 1);
    if (!name) return es_fail_nomem(error);
    memcpy(name, names[i], len);
    memcpy(name + len, ".npy", sizeof ".npy");
    entries[i] = (es_zip_entry){.name = name, .deflated = compress};
  }
  char shown[ES_SHOWN_NAME];
  es_show_name(path, strlen(path), shown);
  return es_zip_check_names(shown, entries, n, arena, error);
}

static es_status save_all(es_ctx *ctx, es_arena *arena, const char *path, const char *const *names,
                          es_tensor *const *xs, int64_t n, bool compress, es_error *error) {
  es_zip_entry *entries = ES_NEW_N(arena, es_zip_entry, n);
  if (!entries) return es_fail_nomem(error);
  ES_TRY(name_entries(path, arena, names, n, compress, entries, error));
  es_save_file save;
  ES_TRY(es_save_begin(&save, path, error));
  es_status status = ES_OK;
  for (int64_t i = 0; i < n && status == ES_OK; i++)
    status = save_entry(ctx, &save, &entries[i], xs[i], error);
  if (status == ES_OK) status = es_zip_write_directory(&save, entries, n, error);
  return es_save_end(&save, status, error);
}

es_status es_save_npz(es_ctx *ctx, const char *path, const char *const *names, es_tensor *const *xs,
                      int64_t n, bool compress) {
  es_error error;
  es_arena arena;
  ES_TRY(check_save(ctx, path, names, xs, n));
  es_arena_init(&arena, &ctx->allocator);
  es_status status = save_all(ctx, &arena, path, names, xs, n, compress, &error);
  es_arena_free(&arena);
  return status == ES_OK ? ES_OK : es_ctx_fail(ctx, &error, NULL, 0);
}

#else /* !ES_HAVE_ZLIB */

static const char no_zlib[] = "a .npz needs zlib, which this build lacks (Debian: zlib1g-dev)";

int64_t es_load_npz(es_ctx *ctx, const char *path, const char **names, es_tensor **out,
                    int64_t cap) {
  (void)path;
  for (int64_t i = 0; i < cap && names && out; i++) names[i] = NULL, out[i] = NULL;
  if (ctx) es_ctx_failf(ctx, ES_E_UNSUPPORTED, "%s", no_zlib);
  return -1;
}

es_status es_save_npz(es_ctx *ctx, const char *path, const char *const *names, es_tensor *const *xs,
                      int64_t n, bool compress) {
  (void)compress;
  ES_TRY(check_save(ctx, path, names, xs, n));
  return es_ctx_failf(ctx, ES_E_UNSUPPORTED, "%s", no_zlib);
}

#endif
