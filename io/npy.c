#include "io/npy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/dtype.h"
#include "einstride/io.h"

static const char magic[6] = "\x93NUMPY";
static const char host_order = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? '>' : '<';

/* ---- types: NumPy's kind letter and size ------------------------------------ */

static const struct {
  char kind;
  int size;
  es_dtype dtype;
} types[] = {
    {'b', 1, ES_BOOL}, {'i', 1, ES_I8},  {'i', 2, ES_I16}, {'i', 4, ES_I32},   {'i', 8, ES_I64},
    {'u', 1, ES_U8},   {'u', 2, ES_I32}, {'u', 4, ES_I64}, {'u', 8, ES_I64},   {'f', 2, ES_F16},
    {'f', 4, ES_F32},  {'f', 8, ES_F64}, {'c', 8, ES_C64}, {'c', 16, ES_C128},
};
enum { TYPES = sizeof types / sizeof *types };

static es_status refuse_type(const char *descr, const char *name, es_error *error) {
  const char *why = strchr(descr, 'O')
                        ? "objects are Python pickles, which can run any code: save numbers"
                    : strchr(descr, 'V') ? "raw bytes have no number type (bfloat16 is saved this "
                                           "way: save float32)"
                                         : "it reads bool, integers, f2, f4, f8, c8 and c16";
  return es_fail(error, ES_E_DTYPE, "", ES_NOWHERE,
                 "'%s' has dtype '%s', which einstride does not read: %s", name, descr, why);
}

static es_status parse_descr(const char *descr, const char *name, es_wire *wire, es_error *error) {
  const char *s = descr;
  char order = '=';
  if (*s && strchr("<>=|", *s)) order = *s++;
  if (order == '=') order = host_order;
  size_t digits = *s ? strlen(s + 1) : 0;
  int size = digits == 1 ? s[1] - '0' : digits == 2 ? (s[1] - '0') * 10 + s[2] - '0' : 0;
  for (int i = 0; i < TYPES; i++) {
    if (types[i].kind != *s || types[i].size != size) continue;
    if (order == '|' && size > 1)
      return es_fail(error, ES_E_FORMAT, "", ES_NOWHERE,
                     "'%s' has dtype '%s': a type of %d bytes needs a byte order, '<' or '>'", name,
                     descr, size);
    *wire = (es_wire){.dtype = types[i].dtype,
                      .size = size,
                      .is_unsigned = *s == 'u' && size > 1,
                      .big_endian = order == '>'};
    return ES_OK;
  }
  return refuse_type(descr, name, error);
}

/* ---- the header: a Python dict with three keys -------------------------------- */

typedef struct header {
  es_wire wire;
  bool fortran;
  int rank;
  int64_t shape[ES_MAX_RANK];
} header;

typedef struct cursor {
  const char *at, *end;
  const char *name;
  es_error *error;
} cursor;

static es_status malformed(const cursor *c, const char *expected) {
  char found[64];
  size_t rest = (size_t)(c->end - c->at);
  es_text t = es_text_init(found, sizeof found);
  es_text_escape(&t, c->at, rest < 12 ? rest : 12);
  return es_fail(c->error, ES_E_FORMAT, "", ES_NOWHERE,
                 "'%s' has a bad .npy header: expected %s, found \"%s\"", c->name, expected, found);
}

static void skip_space(cursor *c) {
  while (c->at < c->end && strchr(" \t\r\n", *c->at) && *c->at) c->at++;
}

static bool take(cursor *c, char byte) {
  skip_space(c);
  if (c->at == c->end || *c->at != byte) return false;
  c->at++;
  return true;
}

static es_status take_string(cursor *c, char *out, size_t cap, const char *expected) {
  skip_space(c);
  if (c->at == c->end || (*c->at != '\'' && *c->at != '"')) return malformed(c, expected);
  char quote = *c->at;
  const char *first = c->at + 1, *last = memchr(first, quote, (size_t)(c->end - first));
  if (!last) return malformed(c, "a closed string");
  es_text t = es_text_init(out, cap);
  es_text_escape(&t, first, (size_t)(last - first));
  if (t.len >= cap) return malformed(c, expected);
  c->at = last + 1;
  return ES_OK;
}

static bool take_word(cursor *c, const char *word) {
  skip_space(c);
  size_t len = strlen(word);
  if ((size_t)(c->end - c->at) < len || memcmp(c->at, word, len)) return false;
  c->at += len;
  return true;
}

static es_status take_extent(cursor *c, int64_t *out) {
  const char *first = c->at;
  int64_t value = 0;
  for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++)
    if (!es_mad_i64(*c->at - '0', value, 10, &value)) return malformed(c, "an extent below 2^63");
  if (c->at == first) return malformed(c, "an extent, a number of 0 or more");
  if (c->at < c->end && *c->at == 'L') c->at++; /* a long of Python 2 */
  *out = value;
  return ES_OK;
}

static es_status take_shape(cursor *c, header *h) {
  if (!take(c, '(')) return malformed(c, "a shape such as (2, 3)");
  bool comma = true;
  while (!take(c, ')')) {
    if (!comma) return malformed(c, "',' or ')' in the shape");
    if (h->rank == ES_MAX_RANK) return malformed(c, "a shape of at most 64 axes");
    ES_TRY(take_extent(c, &h->shape[h->rank]));
    h->rank++;
    comma = take(c, ',');
    if (!comma && h->rank == 1) return malformed(c, "',' after the only extent of the shape");
  }
  return ES_OK;
}

static es_status take_value(cursor *c, const char *key, header *h, char *descr, size_t cap) {
  if (!strcmp(key, "descr")) {
    skip_space(c);
    if (c->at < c->end && *c->at == '[')
      return es_fail(c->error, ES_E_DTYPE, "", ES_NOWHERE,
                     "'%s' holds records with named fields; save each field as an array of its own",
                     c->name);
    return take_string(c, descr, cap, "a dtype such as '<f4'");
  }
  if (!strcmp(key, "fortran_order")) {
    h->fortran = take_word(c, "True");
    return h->fortran || take_word(c, "False") ? ES_OK : malformed(c, "True or False");
  }
  return take_shape(c, h);
}

static es_status parse_header(cursor *c, header *h) {
  static const char *const keys[3] = {"descr", "fortran_order", "shape"};
  bool seen[3] = {false, false, false};
  char key[32], descr[64];
  if (!take(c, '{')) return malformed(c, "'{'");
  bool comma = true;
  while (!take(c, '}')) {
    if (!comma) return malformed(c, "',' or '}'");
    ES_TRY(take_string(c, key, sizeof key, "'descr', 'fortran_order' or 'shape'"));
    int k = 0;
    while (k < 3 && strcmp(key, keys[k])) k++;
    if (k == 3 || seen[k]) return malformed(c, "each of 'descr', 'fortran_order', 'shape' once");
    seen[k] = true;
    if (!take(c, ':')) return malformed(c, "':' after the key");
    ES_TRY(take_value(c, key, h, descr, sizeof descr));
    comma = take(c, ',');
  }
  skip_space(c);
  if (c->at != c->end) return malformed(c, "only spaces after the '}'");
  if (!seen[0] || !seen[1] || !seen[2])
    return malformed(c, "all of 'descr', 'fortran_order' and 'shape'");
  return parse_descr(descr, c->name, &h->wire, c->error);
}

/* Magic, version, length: 2 bytes in version 1, 4 in versions 2 and 3. */
static es_status read_length(es_source *source, uint32_t *length, es_error *error) {
  uint8_t bytes[8], wide[4] = {0};
  ES_TRY(es_source_read(source, bytes, sizeof bytes, error));
  if (memcmp(bytes, magic, sizeof magic))
    return es_fail(error, ES_E_FORMAT, "", ES_NOWHERE,
                   "'%s' is not a .npy file: it does not start with \\x93NUMPY", source->name);
  if (bytes[6] < 1 || bytes[6] > 3 || bytes[7] != 0)
    return es_fail(error, ES_E_FORMAT, "", ES_NOWHERE,
                   "'%s' is a .npy file of version %d.%d; versions 1.0, 2.0 and 3.0 are known",
                   source->name, bytes[6], bytes[7]);
  ES_TRY(es_source_read(source, wide, bytes[6] == 1 ? 2 : 4, error));
  *length = es_le32(wide);
  if (*length > ES_NPY_MAX_HEADER)
    return es_fail(error, ES_E_FORMAT, "", ES_NOWHERE,
                   "'%s' has a .npy header of %" PRIu32 " bytes; at most %d are read", source->name,
                   *length, ES_NPY_MAX_HEADER);
  return ES_OK;
}

es_tensor *es_npy_decode(es_ctx *ctx, es_source *source, es_error *error) {
  char text[ES_NPY_MAX_HEADER];
  uint32_t length = 0;
  header h = {.rank = 0};
  if (read_length(source, &length, error) != ES_OK) return NULL;
  if (es_source_read(source, text, length, error) != ES_OK) return NULL;
  cursor c = {text, text + length, source->name, error};
  if (parse_header(&c, &h) != ES_OK) return NULL;
  if (!h.fortran || h.rank < 2) return es_wire_read(ctx, source, h.wire, h.rank, h.shape, error);

  /* Fortran order is C order of the axes reversed; the result is a view of that. */
  int64_t reversed[ES_MAX_RANK];
  int axes[ES_MAX_RANK];
  for (int i = 0; i < h.rank; i++) {
    axes[i] = h.rank - 1 - i;
    reversed[i] = h.shape[axes[i]];
  }
  if (es_scope_push(ctx) != ES_OK) return es_wire_blame(ctx, error), NULL;
  es_tensor *x = es_wire_read(ctx, source, h.wire, h.rank, reversed, error);
  es_tensor *y = es_permute(ctx, x, axes);
  if (y) return es_scope_pop_keep(ctx, y);
  if (x) es_wire_blame(ctx, error);
  es_scope_pop(ctx);
  return NULL;
}

/* ---- writing -------------------------------------------------------------------- */

enum { MAX_HEADER_OUT = 2048 };

/* The whole header, padded so that the data starts at a multiple of 64. */
static es_status make_header(const es_tensor *x, char text[MAX_HEADER_OUT], size_t *length,
                             es_error *error) {
  es_dtype dtype = es_dtype_of(x);
  int k = 0; /* the first row that gives dtype: widened types stand below it */
  while (k < TYPES && types[k].dtype != dtype) k++;
  if (k == TYPES)
    return es_fail(error, ES_E_DTYPE, "", ES_NOWHERE,
                   "NumPy's format has no type for %s; cast it to f32 before saving",
                   es_dtype_name(dtype));
  es_text t = es_text_init(text, MAX_HEADER_OUT);
  es_text_put(&t, magic, sizeof magic);
  es_text_put(&t, "\1\0\0\0", 4);
  es_text_printf(&t, "{'descr': '%c%c%d', 'fortran_order': False, 'shape': ",
                 types[k].size == 1 ? '|' : host_order, types[k].kind, types[k].size);
  es_text_shape(&t, es_rank(x), es_shape(x));
  es_text_puts(&t, ", }");
  while (t.len % 64 != 63) es_text_puts(&t, " ");
  es_text_puts(&t, "\n");
  /* 64 axes of 19 digits and the dict stay below 2048 bytes. */
  es_put_le16((uint8_t *)text + 8, (uint32_t)(t.len - 10));
  *length = t.len;
  return ES_OK;
}

es_status es_npy_measure(const es_tensor *x, uint64_t *bytes, es_error *error) {
  char text[MAX_HEADER_OUT];
  size_t length = 0;
  ES_TRY(make_header(x, text, &length, error));
  /* A broadcast view may have more elements than memory has bytes. */
  int64_t total;
  if (!es_mad_i64((int64_t)length, es_size(x), (int64_t)es_dtype_size(es_dtype_of(x)), &total))
    return es_fail(error, ES_E_OVERFLOW, "", ES_NOWHERE,
                   "a file of %" PRId64 " elements of %s would pass 2^63 bytes", es_size(x),
                   es_dtype_name(es_dtype_of(x)));
  *bytes = (uint64_t)total;
  return ES_OK;
}

es_status es_npy_encode(es_ctx *ctx, const es_tensor *x, es_npy_sink sink, void *to,
                        es_error *error) {
  char text[MAX_HEADER_OUT];
  size_t length = 0;
  ES_TRY(make_header(x, text, &length, error));
  if (es_scope_push(ctx) != ES_OK) return es_wire_blame(ctx, error);
  const es_tensor *c = es_contiguous(ctx, x);
  es_status status = c ? sink(to, text, length, error) : es_wire_blame(ctx, error);
  if (status == ES_OK && es_size(c) && !es_data(c))
    status = es_fail(error, ES_E_UNSUPPORTED, "", ES_NOWHERE,
                     "a context of shapes alone has no elements to write");
  if (status == ES_OK && es_size(c))
    status = sink(to, es_data(c), (size_t)es_size(c) * es_dtype_size(es_dtype_of(c)), error);
  es_scope_pop(ctx);
  return status;
}

es_tensor *es_npy_read(es_ctx *ctx, const void *bytes, size_t len) {
  es_memory_source memory;
  es_error error;
  if (!ctx) return NULL;
  if (!bytes) return es_ctx_failf(ctx, ES_E_VALUE, "es_npy_read: the bytes are NULL"), NULL;
  es_memory_open(&memory, "bytes in memory", bytes, len);
  es_tensor *x = es_npy_decode(ctx, &memory.source, &error);
  return x ? x : es_ctx_fail_tensor(ctx, &error);
}

typedef struct buffer {
  uint8_t *at;
  size_t room;
} buffer;

static es_status put_in_buffer(void *to, const void *bytes, size_t n, es_error *error) {
  (void)error;
  buffer *b = to;
  size_t fit = n < b->room ? n : b->room;
  if (fit) memcpy(b->at, bytes, fit);
  b->at += fit, b->room -= fit;
  return ES_OK;
}

size_t es_npy_write(es_ctx *ctx, const es_tensor *x, void *bytes, size_t cap) {
  if (!ctx) return 0;
  if (!x) return es_ctx_fail_null(ctx, "es_npy_write"), (size_t)0;
  if (cap && !bytes)
    return es_ctx_failf(ctx, ES_E_VALUE, "es_npy_write: the bytes are NULL"), (size_t)0;
  es_error error;
  uint64_t total = 0;
  buffer b = {bytes, cap};
  es_status status = es_npy_measure(x, &total, &error);
  if (status == ES_OK && cap) status = es_npy_encode(ctx, x, put_in_buffer, &b, &error);
  if (status == ES_OK) return (size_t)total;
  es_ctx_fail(ctx, &error, NULL, 0);
  return 0;
}
