#include "io/zip.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
  LOCAL = 30, /* bytes of the fixed parts of each record */
  CENTRAL = 46,
  END = 22,
  END64 = 56,
  LOCATOR64 = 20,
  ZIP64_TAG = 1,
  FLAG_ENCRYPTED = 1,
  FLAG_UTF8 = 1 << 11,
  STORED = 0,
  DEFLATED = 8
};

static const uint8_t local_sign[4] = "PK\3\4", central_sign[4] = "PK\1\2", end_sign[4] = "PK\5\6",
                     end64_sign[4] = "PK\6\6", locator_sign[4] = "PK\6\7";

static bool signed_as(const uint8_t *at, const uint8_t sign[4]) { return !memcmp(at, sign, 4); }

static es_status damaged(const es_file *file, es_error *error, const char *what) {
  return es_fail(error, ES_E_FORMAT, "", ES_NOWHERE, "'%s' is not a sound zip archive: %s",
                 file->shown, what);
}

/* ---- reading: the end records -------------------------------------------------------- */

typedef struct directory {
  uint64_t offset, bytes, count;
  uint64_t end; /* where the end records begin */
} directory;

/* The end record is the last one whose comment reaches exactly to the end. */
static es_status find_end(const es_file *file, es_arena *arena, uint8_t end[END], uint64_t *at,
                          es_error *error) {
  size_t span = file->size < END + 65535 ? (size_t)file->size : END + 65535;
  if (span < END) return damaged(file, error, "it is too short");
  uint8_t *tail = es_arena_array(arena, span, 1);
  if (!tail) return es_fail_nomem(error);
  ES_TRY(es_file_read_at(file, file->size - span, tail, span, error));
  for (size_t i = span - END + 1; i-- > 0;)
    if (signed_as(tail + i, end_sign) && es_le16(tail + i + 20) == span - END - i) {
      memcpy(end, tail + i, END);
      *at = file->size - span + i;
      return ES_OK;
    }
  return damaged(file, error, "its end record is missing; the file was cut");
}

static es_status find_end64(const es_file *file, uint64_t end, directory *dir, es_error *error) {
  uint8_t locator[LOCATOR64], record[END64];
  if (end < LOCATOR64) return ES_OK;
  ES_TRY(es_file_read_at(file, end - LOCATOR64, locator, LOCATOR64, error));
  if (!signed_as(locator, locator_sign)) return ES_OK;
  uint64_t at = es_le64(locator + 8);
  if (at > end - LOCATOR64 || end - LOCATOR64 - at < END64)
    return damaged(file, error, "its zip64 end record lies outside the file");
  ES_TRY(es_file_read_at(file, at, record, END64, error));
  if (!signed_as(record, end64_sign))
    return damaged(file, error, "its zip64 end record is missing");
  if (es_le32(record + 16) || es_le32(record + 20) || es_le64(record + 24) != es_le64(record + 32))
    return damaged(file, error, "it spans several disks");
  *dir = (directory){.offset = es_le64(record + 48),
                     .bytes = es_le64(record + 40),
                     .count = es_le64(record + 32),
                     .end = at};
  return ES_OK;
}

static es_status find_directory(const es_file *file, es_arena *arena, directory *dir,
                                es_error *error) {
  uint8_t end[END] = {0};
  uint64_t at = 0;
  ES_TRY(find_end(file, arena, end, &at, error));
  if (es_le16(end + 4) || es_le16(end + 6) || es_le16(end + 8) != es_le16(end + 10))
    return damaged(file, error, "it spans several disks");
  *dir = (directory){.offset = es_le32(end + 16),
                     .bytes = es_le32(end + 12),
                     .count = es_le16(end + 10),
                     .end = at};
  ES_TRY(find_end64(file, at, dir, error));
  if (dir->offset > dir->end || dir->bytes != dir->end - dir->offset)
    return damaged(file, error, "its directory does not end where the end record begins");
  if (dir->count > dir->bytes / CENTRAL)
    return damaged(file, error, "it counts more entries than its directory can hold");
  return ES_OK;
}

/* ---- reading: entries ------------------------------------------------------------------ */

/* Values that do not fit 32 bits stand in the zip64 extra field, in this order. */
static es_status read_zip64(const es_file *file, const uint8_t *extra, size_t len, es_zip_entry *e,
                            es_error *error) {
  bool wide_size = e->size == UINT32_MAX, wide_packed = e->packed == UINT32_MAX,
       wide_header = e->header == UINT32_MAX;
  if (!wide_size && !wide_packed && !wide_header) return ES_OK;
  while (len >= 4) {
    size_t n = es_le16(extra + 2);
    if (n > len - 4) break;
    const uint8_t *at = extra + 4, *end = at + n;
    if (es_le16(extra) == ZIP64_TAG) {
      if (n < 8u * (wide_size + wide_packed + wide_header)) break;
      if (wide_size) e->size = es_le64(at), at += 8;
      if (wide_packed) e->packed = es_le64(at), at += 8;
      if (wide_header) e->header = es_le64(at);
      return ES_OK;
    }
    extra = end, len -= 4 + n;
  }
  return damaged(file, error, "the 64-bit sizes of an entry are missing");
}

static es_status check_name(const char *archive, const char *name, size_t len, es_error *error) {
  char shown[ES_SHOWN_NAME];
  es_text whole = es_text_init(NULL, 0); /* only counts: an escape makes it longer */
  es_text_escape(&whole, name, len);
  if (len && len <= ES_ZIP_MAX_NAME && whole.len == len) return ES_OK;
  es_show_name(name, len, shown);
  return es_fail(error, ES_E_FORMAT, "", ES_NOWHERE,
                 "'%s' has an entry named '%s': a name is 1 to %d bytes of printable UTF-8",
                 archive, shown, ES_ZIP_MAX_NAME);
}

/* One record of the directory at bytes[0..left); *used is its length. */
static es_status read_central(const es_file *file, es_arena *arena, const uint8_t *at,
                              uint64_t left, es_zip_entry *e, uint64_t *used, es_error *error) {
  if (left < CENTRAL || !signed_as(at, central_sign))
    return damaged(file, error, "a record of its directory is missing");
  size_t name = es_le16(at + 28), extra = es_le16(at + 30), comment = es_le16(at + 32);
  *used = CENTRAL + name + extra + comment;
  if (*used > left) return damaged(file, error, "a record of its directory is cut");
  const char *text = (const char *)at + CENTRAL;
  ES_TRY(check_name(file->shown, text, name, error));
  e->name = es_arena_copy_text(arena, text, name);
  if (!e->name) return es_fail_nomem(error);
  unsigned flags = es_le16(at + 8), method = es_le16(at + 10);
  if (flags & FLAG_ENCRYPTED)
    return es_fail(error, ES_E_UNSUPPORTED, "", ES_NOWHERE, "'%s': entry '%s' is encrypted",
                   file->shown, e->name);
  if (method != STORED && method != DEFLATED)
    return es_fail(error, ES_E_UNSUPPORTED, "", ES_NOWHERE,
                   "'%s': entry '%s' is compressed with method %u; stored and deflated are read",
                   file->shown, e->name, method);
  e->deflated = method == DEFLATED;
  e->crc = es_le32(at + 16);
  e->packed = es_le32(at + 20);
  e->size = es_le32(at + 24);
  e->header = es_le32(at + 42);
  ES_TRY(read_zip64(file, at + CENTRAL + name, extra, e, error));
  if (!e->deflated && e->packed != e->size)
    return damaged(file, error, "a stored entry has two sizes");
  return ES_OK;
}

/* The local header must agree in method and name, and its bytes lie before the
 * directory. The sizes that count are the directory's. */
static es_status read_local(const es_file *file, const directory *dir, es_arena *arena,
                            es_zip_entry *e, es_error *error) {
  uint8_t at[LOCAL];
  size_t len = strlen(e->name);
  if (e->header > dir->offset || dir->offset - e->header < LOCAL + len)
    return damaged(file, error, "an entry lies outside the file");
  ES_TRY(es_file_read_at(file, e->header, at, LOCAL, error));
  if (!signed_as(at, local_sign) || es_le16(at + 26) != len ||
      es_le16(at + 8) != (e->deflated ? DEFLATED : STORED))
    return damaged(file, error, "an entry differs from its record in the directory");
  char *name = es_arena_array(arena, len, 1);
  if (!name) return es_fail_nomem(error);
  ES_TRY(es_file_read_at(file, e->header + LOCAL, name, len, error));
  if (memcmp(name, e->name, len))
    return damaged(file, error, "an entry has another name in the directory");
  e->data = e->header + LOCAL + len + es_le16(at + 28);
  if (e->data > dir->offset || dir->offset - e->data < e->packed)
    return damaged(file, error, "the data of an entry lie outside the file");
  return ES_OK;
}

static int by_header(const void *a, const void *b) {
  const es_zip_entry *x = *(es_zip_entry *const *)a, *y = *(es_zip_entry *const *)b;
  return (x->header > y->header) - (x->header < y->header);
}

static int by_text(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Overlapping entries are how a small archive claims petabytes. */
static es_status check_apart(const es_file *file, es_arena *arena, es_zip_entry *entries,
                             int64_t count, es_error *error) {
  es_zip_entry **order = ES_NEW_N(arena, es_zip_entry *, count);
  if (!order) return es_fail_nomem(error);
  for (int64_t i = 0; i < count; i++) order[i] = &entries[i];
  qsort(order, (size_t)count, sizeof *order, by_header);
  for (int64_t i = 1; i < count; i++)
    if (order[i - 1]->data + order[i - 1]->packed > order[i]->header)
      return damaged(file, error, "two of its entries overlap");
  return ES_OK;
}

es_status es_zip_check_names(const char *archive, const es_zip_entry *entries, int64_t count,
                             es_arena *arena, es_error *error) {
  const char **order = ES_NEW_N(arena, const char *, count);
  if (!order) return es_fail_nomem(error);
  for (int64_t i = 0; i < count; i++) {
    order[i] = entries[i].name;
    ES_TRY(check_name(archive, order[i], strlen(order[i]), error));
  }
  qsort(order, (size_t)count, sizeof *order, by_text);
  for (int64_t i = 1; i < count; i++)
    if (!strcmp(order[i - 1], order[i])) {
      char shown[ES_SHOWN_NAME];
      es_show_name(order[i], strlen(order[i]), shown);
      return es_fail(error, ES_E_FORMAT, "", ES_NOWHERE, "'%s' has two entries named '%s'", archive,
                     shown);
    }
  return ES_OK;
}

es_status es_zip_read(const es_file *file, es_arena *arena, es_zip_entry **entries, int64_t *count,
                      es_error *error) {
  directory dir = {0};
  ES_TRY(find_directory(file, arena, &dir, error));
  uint8_t *bytes = es_arena_array(arena, dir.bytes, 1);
  es_zip_entry *list = ES_NEW_N(arena, es_zip_entry, dir.count);
  if (!bytes || !list) return es_fail_nomem(error);
  ES_TRY(es_file_read_at(file, dir.offset, bytes, (size_t)dir.bytes, error));
  uint64_t at = 0;
  for (uint64_t i = 0; i < dir.count; i++) {
    uint64_t used = 0;
    ES_TRY(read_central(file, arena, bytes + at, (size_t)(dir.bytes - at), &list[i], &used, error));
    ES_TRY(read_local(file, &dir, arena, &list[i], error));
    at += used;
  }
  if (at != dir.bytes) return damaged(file, error, "its directory holds more than its entries");
  ES_TRY(check_apart(file, arena, list, (int64_t)dir.count, error));
  ES_TRY(es_zip_check_names(file->shown, list, (int64_t)dir.count, arena, error));
  *entries = list;
  *count = (int64_t)dir.count;
  return ES_OK;
}

/* ---- writing ------------------------------------------------------------------------- */

/* A deflated entry may end a little larger than it began; 16 MiB are ample for 4 GiB. */
static bool is_wide(const es_zip_entry *e) { return e->size > UINT32_MAX - (16u << 20); }

enum {
  VERSION = 20,
  VERSION64 = 45,
  DOS_DATE_1980 = 1 << 5 | 1,
  LOCAL_EXTRA = 20,
  CENTRAL_EXTRA = 28
};

/* What local header and directory record share: version to name length, 24 bytes. */
static void put_common(uint8_t *p, const es_zip_entry *e, bool wide) {
  es_put_le16(p, wide ? VERSION64 : VERSION);
  es_put_le16(p + 2, FLAG_UTF8);
  es_put_le16(p + 4, e->deflated ? DEFLATED : STORED);
  es_put_le16(p + 6, 0); /* no clock: the same arrays give the same bytes */
  es_put_le16(p + 8, DOS_DATE_1980);
  es_put_le32(p + 10, e->crc);
  es_put_le32(p + 14, wide ? UINT32_MAX : (uint32_t)e->packed);
  es_put_le32(p + 18, wide ? UINT32_MAX : (uint32_t)e->size);
  es_put_le16(p + 22, (uint32_t)strlen(e->name));
}

static size_t make_local(uint8_t p[LOCAL + ES_ZIP_MAX_NAME + LOCAL_EXTRA], const es_zip_entry *e) {
  size_t len = strlen(e->name), extra = is_wide(e) ? LOCAL_EXTRA : 0;
  memcpy(p, local_sign, 4);
  put_common(p + 4, e, is_wide(e));
  es_put_le16(p + 28, (uint32_t)extra);
  memcpy(p + LOCAL, e->name, len);
  if (extra) {
    uint8_t *x = p + LOCAL + len;
    es_put_le16(x, ZIP64_TAG), es_put_le16(x + 2, 16);
    es_put_le64(x + 4, e->size), es_put_le64(x + 12, e->packed);
  }
  return LOCAL + len + extra;
}

es_status es_zip_write_header(es_save_file *save, es_zip_entry *e, es_error *error) {
  uint8_t bytes[LOCAL + ES_ZIP_MAX_NAME + LOCAL_EXTRA];
  e->header = save->written;
  ES_TRY(es_save_write(save, bytes, make_local(bytes, e), error));
  e->data = save->written;
  return ES_OK;
}

es_status es_zip_patch_header(es_save_file *save, const es_zip_entry *e, es_error *error) {
  uint8_t bytes[LOCAL + ES_ZIP_MAX_NAME + LOCAL_EXTRA];
  return es_save_patch(save, e->header, bytes, make_local(bytes, e), error);
}

static es_status write_central(es_save_file *save, const es_zip_entry *e, es_error *error) {
  uint8_t p[CENTRAL + ES_ZIP_MAX_NAME + CENTRAL_EXTRA] = {0};
  size_t len = strlen(e->name);
  bool wide = is_wide(e) || e->header >= UINT32_MAX;
  memcpy(p, central_sign, 4);
  es_put_le16(p + 4, VERSION64);
  put_common(p + 6, e, wide);
  es_put_le16(p + 30, wide ? CENTRAL_EXTRA : 0);
  es_put_le32(p + 42, wide ? UINT32_MAX : (uint32_t)e->header);
  memcpy(p + CENTRAL, e->name, len);
  if (wide) {
    uint8_t *x = p + CENTRAL + len;
    es_put_le16(x, ZIP64_TAG), es_put_le16(x + 2, 24);
    es_put_le64(x + 4, e->size), es_put_le64(x + 12, e->packed), es_put_le64(x + 20, e->header);
  }
  return es_save_write(save, p, CENTRAL + len + (wide ? CENTRAL_EXTRA : 0), error);
}

es_status es_zip_write_directory(es_save_file *save, const es_zip_entry *entries, int64_t count,
                                 es_error *error) {
  uint64_t offset = save->written, n = (uint64_t)count;
  for (int64_t i = 0; i < count; i++) ES_TRY(write_central(save, &entries[i], error));
  uint64_t end = save->written, bytes = end - offset;
  uint8_t p[END64 + LOCATOR64] = {0}, q[END] = {0};
  bool wide = n >= UINT16_MAX || offset >= UINT32_MAX || bytes >= UINT32_MAX;
  if (wide) {
    memcpy(p, end64_sign, 4);
    es_put_le64(p + 4, END64 - 12);
    es_put_le16(p + 12, VERSION64), es_put_le16(p + 14, VERSION64);
    es_put_le64(p + 24, n), es_put_le64(p + 32, n);
    es_put_le64(p + 40, bytes), es_put_le64(p + 48, offset);
    memcpy(p + END64, locator_sign, 4);
    es_put_le64(p + END64 + 8, end);
    es_put_le32(p + END64 + 16, 1);
    ES_TRY(es_save_write(save, p, sizeof p, error));
  }
  memcpy(q, end_sign, 4);
  es_put_le16(q + 8, wide ? UINT16_MAX : (uint32_t)n);
  es_put_le16(q + 10, wide ? UINT16_MAX : (uint32_t)n);
  es_put_le32(q + 12, wide ? UINT32_MAX : (uint32_t)bytes);
  es_put_le32(q + 16, wide ? UINT32_MAX : (uint32_t)offset);
  return es_save_write(save, q, sizeof q, error);
}
