/* es_load and es_save: which format a file has. */
#include <string.h>

#include "einstride/io.h"
#include "io/file.h"
#include "io/idx.h"
#include "io/npy.h"
#ifdef ES_HAVE_PNG
#include "io/image.h"
#endif
#ifdef ES_HAVE_ZLIB
#include "io/deflate.h"
#endif

/* ---- loading ------------------------------------------------------------------- */

static es_tensor *load_gzip(es_ctx *ctx, es_file *file, es_error *error) {
#ifdef ES_HAVE_ZLIB
  es_inflate inflater;
  es_tensor *x = NULL;
  if (es_inflate_open(&inflater, &file->source, ES_DEFLATE_GZIP, UINT64_MAX, &ctx->allocator,
                      error) == ES_OK) {
    x = es_idx_decode(ctx, &inflater.source, error);
    es_inflate_close(&inflater);
  }
  return x;
#else
  (void)ctx;
  es_fail(error, ES_E_UNSUPPORTED, "", ES_NOWHERE,
          "'%s' is compressed with gzip, and this build has no zlib (Debian: zlib1g-dev)",
          file->shown);
  return NULL;
#endif
}

static es_tensor *load_png(es_ctx *ctx, es_file *file, es_error *error) {
#ifdef ES_HAVE_PNG
  return es_image_decode(ctx, &file->source, error);
#else
  (void)ctx;
  es_fail(error, ES_E_UNSUPPORTED, "", ES_NOWHERE,
          "'%s' is a PNG image, and this build has no libpng (Debian: libpng-dev)", file->shown);
  return NULL;
#endif
}

/* Numbers written out begin so, and words. */
static bool is_text(const uint8_t *bytes, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (bytes[i] >= 0x7f || (bytes[i] < 0x20 && !strchr("\t\r\n", bytes[i]))) return false;
  return true;
}

static es_tensor *load_by_content(es_ctx *ctx, es_file *file, es_error *error) {
  uint8_t first[4] = {0xff, 0xff, 0xff, 0xff};
  size_t n = file->size < sizeof first ? (size_t)file->size : sizeof first;
  if (es_file_read_at(file, 0, first, n, error) != ES_OK) return NULL;
  if (!memcmp(first, "\x93NUM", 4)) return es_npy_decode(ctx, &file->source, error);
  if (!memcmp(first, "\x89PNG", 4)) return load_png(ctx, file, error);
  if (!memcmp(first, "\x1f\x8b", 2)) return load_gzip(ctx, file, error);
  if (n == sizeof first && es_idx_detect(first)) return es_idx_decode(ctx, &file->source, error);
  if (!memcmp(first, "PK\3\4", 4) || !memcmp(first, "PK\5\6", 4))
    es_fail(error, ES_E_FORMAT, "", ES_NOWHERE,
            "'%s' is a zip archive, which may hold many arrays: read it with es_load_npz",
            file->shown);
  else if (!n)
    es_fail(error, ES_E_FORMAT, "", ES_NOWHERE, "'%s' is empty", file->shown);
  else if (is_text(first, n))
    es_fail(error, ES_E_FORMAT, "", ES_NOWHERE,
            "'%s' is a text; in Python np.save('x.npy', np.loadtxt(…)) makes a file of it that is "
            "read here",
            file->shown);
  else
    es_fail(error, ES_E_FORMAT, "", ES_NOWHERE,
            "'%s' is none of .npy, IDX, gzip-compressed IDX and PNG: it starts with the bytes "
            "%02x %02x %02x %02x",
            file->shown, first[0], first[1], first[2], first[3]);
  return NULL;
}

es_tensor *es_load(es_ctx *ctx, const char *path) {
  es_file file;
  es_error error;
  es_tensor *x = NULL;
  if (!ctx) return NULL;
  if (!path) return es_ctx_failf(ctx, ES_E_VALUE, "es_load: the path is NULL"), NULL;
  if (es_file_open(&file, path, &error) == ES_OK) {
    x = load_by_content(ctx, &file, &error);
    es_file_close(&file);
  }
  return x ? x : es_ctx_fail_tensor(ctx, &error);
}

/* ---- saving -------------------------------------------------------------------- */

typedef es_status (*encoder)(es_ctx *ctx, const es_tensor *x, es_save_file *save, es_error *error);

static es_status put_in_file(void *to, const void *bytes, size_t n, es_error *error) {
  return es_save_write(to, bytes, n, error);
}

static es_status encode_npy(es_ctx *ctx, const es_tensor *x, es_save_file *save, es_error *error) {
  return es_npy_encode(ctx, x, put_in_file, save, error);
}

static es_status encode_png(es_ctx *ctx, const es_tensor *x, es_save_file *save, es_error *error) {
#ifdef ES_HAVE_PNG
  return es_image_encode(ctx, x, save, error);
#else
  (void)ctx, (void)x;
  return es_fail(error, ES_E_UNSUPPORTED, "", ES_NOWHERE,
                 "cannot save '%s': this build has no libpng (Debian: libpng-dev)", save->shown);
#endif
}

static bool ends_with(const char *path, const char *ending) {
  size_t n = strlen(path), m = strlen(ending);
  return n > m && !strcmp(path + n - m, ending);
}

static es_status save(es_ctx *ctx, const char *path, const es_tensor *x, es_error *error) {
  encoder encode = ends_with(path, ".npy")   ? encode_npy
                   : ends_with(path, ".png") ? encode_png
                                             : NULL;
  if (!encode) {
    char shown[ES_SHOWN_NAME];
    es_show_name(path, strlen(path), shown);
    return es_fail(error, ES_E_VALUE, "", ES_NOWHERE,
                   "'%s' does not say its format: a tensor is saved as .npy or .png, several as "
                   ".npz through es_save_npz",
                   shown);
  }
  es_save_file file;
  ES_TRY(es_save_begin(&file, path, error));
  return es_save_end(&file, encode(ctx, x, &file, error), error);
}

es_status es_save(es_ctx *ctx, const char *path, const es_tensor *x) {
  es_error error;
  if (!ctx) return ES_E_VALUE;
  if (!x) return es_ctx_fail_null(ctx, "es_save");
  if (!path) return es_ctx_failf(ctx, ES_E_VALUE, "es_save: the path is NULL");
  es_status status = save(ctx, path, x, &error);
  return status == ES_OK ? ES_OK : es_ctx_fail(ctx, &error, NULL, 0);
}
