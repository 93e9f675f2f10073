/* The context of a target. Apart from the rest: targets without one are linked without the engine,
 * whose counters libFuzzer would go through for every input. */
#include "tests/fuzz/fuzz.h"

bool fuzz_enough(void *user) {
  int *questions = user;
  return ++*questions > 64;
}

es_ctx *fuzz_context(fuzz_heap *heap, int64_t limit, fuzz_bytes *decisions) {
  static const es_isa isas[] = {ES_ISA_AUTO, ES_ISA_V16, ES_ISA_V32, ES_ISA_V64};
  static int questions;
  questions = 0;
  int decision = fuzz_byte(decisions);
  es_config config = {.allocator = fuzz_heap_hooks(heap),
                      .threads = 1,
                      .isa = isas[decision & 3],
                      .max_bytes = limit,
                      .max_cached_plans = decision & 4 ? -1 : 0,
                      .cancel = fuzz_enough,
                      .user = &questions};
  es_ctx *ctx = es_ctx_create(&config);
  REQUIRE(ctx || heap->struck, "a context needs little");
  es_clear_error(ctx); /* a width that this processor lacks */
  return ctx;
}
