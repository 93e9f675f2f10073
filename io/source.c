#include "io/source.h"

#include <inttypes.h>
#include <string.h>

es_status es_source_read(es_source *source, void *out, size_t n, es_error *error) {
  if (n > source->left)
    return es_fail(error, ES_E_FORMAT, "", ES_NOWHERE,
                   "'%s' ends early: %zu more bytes were expected, %" PRIu64 " are there",
                   source->name, n, source->left);
  ES_TRY(source->read(source, out, n, error));
  source->left -= n;
  return ES_OK;
}

es_status es_source_expect(const es_source *source, uint64_t count, es_error *error) {
  if (count > source->left)
    return es_fail(error, ES_E_FORMAT, "", ES_NOWHERE,
                   "'%s' is too short: its header asks for %" PRIu64 " bytes of data, %s%" PRIu64
                   " can follow; the file was cut or its header is wrong",
                   source->name, count, source->exact ? "" : "at most ", source->left);
  if (source->exact && count < source->left)
    return es_fail(error, ES_E_FORMAT, "", ES_NOWHERE,
                   "'%s' is too long: its header asks for %" PRIu64 " bytes of data, %" PRIu64
                   " follow",
                   source->name, count, source->left);
  return ES_OK;
}

es_status es_source_finish(es_source *source, es_error *error) {
  if (source->exact && source->left)
    return es_fail(error, ES_E_FORMAT, "", ES_NOWHERE, "'%s' has %" PRIu64 " bytes after its data",
                   source->name, source->left);
  return source->finish ? source->finish(source, error) : ES_OK;
}

static es_status memory_read(es_source *source, void *out, size_t n, es_error *error) {
  (void)error;
  es_memory_source *memory = (es_memory_source *)source;
  if (n) memcpy(out, memory->at, n);
  memory->at += n;
  return ES_OK;
}

void es_memory_open(es_memory_source *memory, const char *name, const void *bytes, size_t len) {
  *memory = (es_memory_source){
      .source = {.read = memory_read, .name = name, .left = len, .exact = true}, .at = bytes};
}

void es_show_name(const char *name, size_t len, char shown[ES_SHOWN_NAME]) {
  /* Each byte may take four columns; the end of a path tells more than its start. */
  enum { KEEP = (ES_SHOWN_NAME - 4) / 4 };
  es_text t = es_text_init(shown, ES_SHOWN_NAME);
  es_text_escape(&t, name, len);
  if (t.len < ES_SHOWN_NAME) return;
  size_t skip = len - KEEP;
  while (skip < len && ((unsigned char)name[skip] & 0xc0) == 0x80) skip++;
  t = es_text_init(shown, ES_SHOWN_NAME);
  es_text_puts(&t, "...");
  es_text_escape(&t, name + skip, len - skip);
}
