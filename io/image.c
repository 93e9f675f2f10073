#ifdef ES_HAVE_PNG

#include "io/image.h"

#include <inttypes.h>
#include <png.h>
#include <string.h>

#include "io/sized.h"
#include "io/wire.h"

/* Everything that must survive libpng's longjmp lives here, not in locals. */
typedef struct job {
  es_ctx *ctx;
  es_error *error; /* filled by the callback that failed; status OK: libpng failed */
  es_source *source;
  es_save_file *save;
  const char *name;
  png_structp png;
  png_infop info;
  uint32_t width, height;
  int channels;
  int passes;
  uint8_t *pixels;       /* while reading */
  const uint8_t *output; /* while writing */
} job;

static png_voidp allocate(png_structp png, png_alloc_size_t size) {
  job *j = png_get_mem_ptr(png);
  int64_t bytes = (uint64_t)size < INT64_MAX ? (int64_t)size : INT64_MAX;
  if (es_ctx_admit_bytes(j->ctx, bytes, "decoding a PNG", j->error) != ES_OK) return NULL;
  void *block = es_sized_alloc(&j->ctx->allocator, size);
  if (!block) es_fail_nomem(j->error);
  return block;
}

static void deallocate(png_structp png, png_voidp ptr) {
  const job *j = png_get_mem_ptr(png);
  es_sized_free(&j->ctx->allocator, ptr);
}

/* Errors come back through the jump; warnings of a file that can be read are not ours. */
static void on_error(png_structp png, png_const_charp text) {
  job *j = png_get_error_ptr(png);
  if (j->error->status == ES_OK) {
    char shown[ES_SHOWN_NAME];
    es_show_name(text, strlen(text), shown);
    es_fail(j->error, ES_E_FORMAT, "", ES_NOWHERE, "'%s' is not a sound PNG file: %s", j->name,
            shown);
  }
  png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text) { (void)png, (void)text; }

static void read_bytes(png_structp png, png_bytep out, size_t n) {
  job *j = png_get_io_ptr(png);
  if (es_source_read(j->source, out, n, j->error) != ES_OK) png_error(png, "");
}

static void write_bytes(png_structp png, png_bytep bytes, size_t n) {
  job *j = png_get_io_ptr(png);
  if (es_save_write(j->save, bytes, n, j->error) != ES_OK) png_error(png, "");
}

static void flush_bytes(png_structp png) { (void)png; }

/* Each stage of libpng runs under its own jump target and returns here. */
static es_status guarded(job *j, void (*stage)(job *j)) {
  if (setjmp(png_jmpbuf(j->png))) return j->error->status;
  stage(j);
  return ES_OK;
}

/* ---- reading ------------------------------------------------------------------- */

/* Inflate gives at most 1032 bytes for one: a file too small for its size holds no
 * image, and is refused before memory is asked for. The least a row takes is one
 * bit a pixel and a byte. */
static bool plausible(const job *j) {
  uint64_t least = ((uint64_t)j->width / 8 + 1) * j->height;
  return least / 1032 <= j->source->left;
}

static void check_header(job *j) {
  j->width = png_get_image_width(j->png, j->info);
  j->height = png_get_image_height(j->png, j->info);
  if (png_get_bit_depth(j->png, j->info) == 16)
    es_fail(j->error, ES_E_UNSUPPORTED, "", ES_NOWHERE,
            "'%s' has 16 bits a sample; PNG is read as u8, so save it with 8, or as .npy", j->name);
  else if (!plausible(j))
    es_fail(j->error, ES_E_FORMAT, "", ES_NOWHERE,
            "'%s' claims %" PRIu32 " x %" PRIu32 " pixels, more than its bytes can hold", j->name,
            j->width, j->height);
  if (j->error->status != ES_OK) png_error(j->png, "");
}

static void read_header(job *j) {
  enum { LARGEST = 0x7fffffff, CHUNKS = 100, CHUNK_BYTES = 8 << 20 };
  png_set_user_limits(j->png, LARGEST, LARGEST);
  png_set_chunk_cache_max(j->png, CHUNKS);
  png_set_chunk_malloc_max(j->png, CHUNK_BYTES);
  png_set_read_fn(j->png, j, read_bytes);
  png_read_info(j->png, j->info);
  check_header(j);
  /* Palettes become RGB, 1, 2 and 4 bits become 8, transparency becomes alpha. */
  png_set_expand(j->png);
  j->passes = png_set_interlace_handling(j->png);
  png_read_update_info(j->png, j->info);
  j->channels = png_get_channels(j->png, j->info);
}

static void read_pixels(job *j) {
  size_t row = (size_t)j->width * (size_t)j->channels;
  for (int pass = 0; pass < j->passes; pass++)
    for (uint32_t y = 0; y < j->height; y++) png_read_row(j->png, j->pixels + y * row, NULL);
  png_read_end(j->png, NULL);
}

static es_tensor *decode_under_scope(job *j) {
  if (guarded(j, read_header) != ES_OK) return NULL;
  int64_t shape[3] = {j->height, j->width, j->channels};
  es_tensor *x = es_empty(j->ctx, ES_U8, j->channels == 1 ? 2 : 3, shape);
  if (!x) return es_wire_blame(j->ctx, j->error), NULL;
  j->pixels = es_data_mut(x);
  if (!j->pixels) return x; /* a context of shapes alone */
  if (guarded(j, read_pixels) != ES_OK) return NULL;
  return es_source_finish(j->source, j->error) == ES_OK ? x : NULL;
}

es_tensor *es_image_decode(es_ctx *ctx, es_source *source, es_error *error) {
  *error = (es_error){.status = ES_OK};
  job j = {.ctx = ctx, .error = error, .source = source, .name = source->name};
  if (es_scope_push(ctx) != ES_OK) return es_wire_blame(ctx, error), NULL;
  j.png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &j, on_error, on_warning, &j, allocate,
                                   deallocate);
  if (j.png) j.info = png_create_info_struct(j.png);
  es_tensor *x = j.info ? decode_under_scope(&j) : (es_fail_nomem(error), NULL);
  if (j.png) png_destroy_read_struct(&j.png, &j.info, NULL);
  if (x) return es_scope_pop_keep(ctx, x);
  es_scope_pop(ctx);
  return NULL;
}

/* ---- writing ------------------------------------------------------------------- */

static void write_image(job *j) {
  static const int color[5] = {0, PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA,
                               PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGB_ALPHA};
  size_t row = (size_t)j->width * (size_t)j->channels;
  png_set_write_fn(j->png, j, write_bytes, flush_bytes);
  png_set_IHDR(j->png, j->info, j->width, j->height, 8, color[j->channels], PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(j->png, j->info);
  for (uint32_t y = 0; y < j->height; y++) png_write_row(j->png, j->output + y * row);
  png_write_end(j->png, NULL);
}

static es_status check_image(const es_tensor *x, es_error *error) {
  char text[128];
  es_text t = es_text_init(text, sizeof text);
  es_text_shape(&t, es_rank(x), es_shape(x));
  if (es_dtype_of(x) != ES_U8 && es_dtype_of(x) != ES_BOOL)
    return es_fail(error, ES_E_DTYPE, "", ES_NOWHERE,
                   "a PNG holds u8 and this is %s: scale it to 0..255 and cast it to u8",
                   es_dtype_name(es_dtype_of(x)));
  const int64_t *shape = es_shape(x);
  bool fits = es_rank(x) == 2 || (es_rank(x) == 3 && shape[2] >= 1 && shape[2] <= 4);
  if (!fits)
    return es_fail(error, ES_E_RANK, "", ES_NOWHERE,
                   "an image has shape (h, w) or (h, w, c) with c from 1 to 4, this has %s", text);
  if (shape[0] < 1 || shape[1] < 1 || shape[0] > 0x7fffffff || shape[1] > 0x7fffffff / 4)
    return es_fail(error, ES_E_VALUE, "", ES_NOWHERE, "a PNG cannot have the size of shape %s",
                   text);
  return ES_OK;
}

static es_status encode_under_scope(job *j, const es_tensor *x) {
  /* true shows as white */
  if (es_dtype_of(x) == ES_BOOL)
    x = es_binary_scalar(j->ctx, ES_MUL, es_cast(j->ctx, x, ES_U8), 255, true, false);
  x = es_contiguous(j->ctx, x);
  if (!x) return es_wire_blame(j->ctx, j->error);
  j->output = es_data(x);
  if (!j->output)
    return es_fail(j->error, ES_E_UNSUPPORTED, "", ES_NOWHERE,
                   "a context of shapes alone has no elements to write");
  return guarded(j, write_image);
}

es_status es_image_encode(es_ctx *ctx, const es_tensor *x, es_save_file *save, es_error *error) {
  ES_TRY(check_image(x, error));
  *error = (es_error){.status = ES_OK};
  job j = {.ctx = ctx,
           .error = error,
           .save = save,
           .name = save->shown,
           .height = (uint32_t)es_shape(x)[0],
           .width = (uint32_t)es_shape(x)[1],
           .channels = es_rank(x) == 2 ? 1 : (int)es_shape(x)[2]};
  if (es_scope_push(ctx) != ES_OK) return es_wire_blame(ctx, error);
  j.png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, &j, on_error, on_warning, &j, allocate,
                                    deallocate);
  if (j.png) j.info = png_create_info_struct(j.png);
  es_status status = j.info ? encode_under_scope(&j, x) : es_fail_nomem(error);
  if (j.png) png_destroy_write_struct(&j.png, &j.info);
  es_scope_pop(ctx);
  return status;
}

#else
typedef int es_no_png; /* an empty file is not C */
#endif
