#include "tests/fuzz/fuzz.h"

#include <string.h>

/* ---- doors: libFuzzer's, and options of the sanitizers ---------------------------- */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  fuzz_one(bytes, len);
  return 0;
}

/* A large quarantine costs more than it finds: inputs are short. So do long stacks of what was
 * allocated: an input that is found runs again with ASAN_OPTIONS=malloc_context_size=30. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) {
  return "quarantine_size_mb=1:max_malloc_fill_size=256:malloc_context_size=2:allocator_may_return_"
         "null=1";
}

/* ---- bytes ------------------------------------------------------------------------- */

uint8_t fuzz_byte(fuzz_bytes *b) {
  if (!b->left) return 0;
  b->left--;
  return *b->at++;
}

int fuzz_below(fuzz_bytes *b, int n) { return fuzz_byte(b) % n; }

int64_t fuzz_word(fuzz_bytes *b) {
  uint64_t word = 0;
  for (int i = 0; i < 8; i++) word |= (uint64_t)fuzz_byte(b) << 8 * i;
  return (int64_t)word;
}

int64_t fuzz_size(fuzz_bytes *b) {
  static const int64_t edges[] = {32767,
                                  32768,
                                  65536,
                                  ((int64_t)1 << 31) - 1,
                                  (int64_t)1 << 31,
                                  1 << 30,
                                  3037000499,
                                  3037000500,
                                  (int64_t)1 << 32,
                                  ((int64_t)1 << 32) + 1,
                                  (int64_t)1 << 61,
                                  (int64_t)1 << 62,
                                  INT64_MAX - 1,
                                  INT64_MAX,
                                  ((int64_t)1 << 62) - 1};
  int edge = fuzz_byte(b);
  if (edge < 224) return edge % 12;
  if (edge < 239) return edges[edge - 224];
  if (edge < 250) return edge;
  return fuzz_word(b);
}

/* ---- memory ------------------------------------------------------------------------ */

static void *take(fuzz_heap *heap, size_t size) {
  heap->calls++;
  bool chosen = heap->calls == heap->fail_at || (heap->fail_after && heap->calls > heap->fail_at);
  if (heap->fail_at && chosen) {
    heap->struck = true;
    return NULL;
  }
  void *block;
  /* The exact size, so that the sanitizer sees the first byte behind it. */
  if (posix_memalign(&block, 64, size) != 0) return NULL;
  heap->blocks++;
  return block;
}

static void *change(void *user, void *ptr, size_t old_size, size_t new_size) {
  fuzz_heap *heap = user;
  void *block = new_size ? take(heap, new_size) : NULL;
  if (!ptr || (new_size && !block)) return block;
  if (block) memcpy(block, ptr, old_size < new_size ? old_size : new_size);
  heap->blocks--;
  free(ptr);
  return block;
}

void fuzz_heap_open(fuzz_heap *heap, uint8_t decision) {
  *heap = (fuzz_heap){.calls = 0};
  fuzz_heap_fail(heap, decision);
}

void fuzz_heap_fail(fuzz_heap *heap, uint8_t decision) {
  heap->calls = 0;
  heap->struck = false;
  heap->fail_at = decision & 127;
  heap->fail_after = decision > 127;
}

void fuzz_heap_obey(fuzz_heap *heap) { heap->fail_at = 0; }

void fuzz_heap_close(fuzz_heap *heap) {
  REQUIRE(heap->blocks == 0, "%lld blocks are left", (long long)heap->blocks);
}

es_allocator fuzz_heap_hooks(fuzz_heap *heap) { return (es_allocator){change, heap}; }

/* ---- requirements -------------------------------------------------------------------- */

static void check_place(int64_t offset, int64_t length, size_t len) {
  REQUIRE(offset >= 0 && length >= 0 && (uint64_t)offset + (uint64_t)length <= len,
          "%lld+%lld of %zu", (long long)offset, (long long)length, len);
}

void fuzz_check_error(const es_error *error, const char *text, size_t len) {
  REQUIRE(error->status > ES_OK && error->status <= ES_E_INTERNAL, "%d", (int)error->status);
  REQUIRE(error->status != ES_E_INTERNAL, "%s", error->message);
  REQUIRE(memchr(error->message, 0, sizeof error->message) && error->message[0], "no sentence");
  REQUIRE(memchr(error->rule, 0, sizeof error->rule), "no end of the rule");
  if (!text) return;
  if (error->length) check_place(error->offset, error->length, len);
  if (error->length2) check_place(error->offset2, error->length2, len);
  FUZZ_CHECK_PRINT(es_error_render(error, text, len, buf, cap));
}
