/* .npy from memory: a tensor that is written and read back the same, or an error. What a
 * file asks for is never more than what it brings. */
#include <string.h>

#include "einstride/io.h"
#include "tests/fuzz/fuzz.h"

enum { LIMIT = 1 << 20 };

/* Written, and read again, x is the same bytes. */
static void check_tensor(es_ctx *ctx, const es_tensor *x, size_t len) {
  size_t element = es_dtype_size(es_dtype_of(x));
  REQUIRE((uint64_t)es_size(x) * element <= (uint64_t)len * 2 + 64, "%lld elements of %zu bytes",
          (long long)es_size(x), len);
  size_t need = es_npy_write(ctx, x, NULL, 0), again_need;
  REQUIRE(need, "it cannot be written: %s", es_error_text(ctx));
  char *first = malloc(need), *second = malloc(need);
  REQUIRE(first && second && es_npy_write(ctx, x, first, need) == need, "another length");
  es_tensor *again = es_npy_read(ctx, first, need);
  REQUIRE(again, "what was written is refused: %s", es_error_text(ctx));
  REQUIRE(es_rank(again) == es_rank(x) && es_dtype_of(again) == es_dtype_of(x), "rank or type");
  again_need = es_npy_write(ctx, again, second, need);
  REQUIRE(again_need == need && !memcmp(first, second, need), "other bytes");
  free(first);
  free(second);
}

void fuzz_one(const uint8_t *bytes, size_t len) {
  fuzz_bytes b = {bytes, len};
  fuzz_heap heap;
  fuzz_heap_open(&heap, 0);
  uint8_t failure = fuzz_byte(&b);
  es_ctx *ctx = fuzz_context(&heap, LIMIT, &b);
  fuzz_heap_fail(&heap, failure);
  es_tensor *x = es_npy_read(ctx, b.at, b.left);
  fuzz_heap_obey(&heap);
  if (!x && es_ctx_error(ctx)->status == ES_E_NOMEM && heap.struck) {
    es_clear_error(ctx);
    x = es_npy_read(ctx, b.at, b.left);
  }
  if (x)
    check_tensor(ctx, x, b.left);
  else
    fuzz_check_error(es_ctx_error(ctx), NULL, 0);
  REQUIRE(*es_error_text(ctx) == 0 || !x, "a tensor and an error");
  es_ctx_destroy(ctx);
  fuzz_heap_close(&heap);
}
