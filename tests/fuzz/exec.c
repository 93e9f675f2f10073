/* Expressions of the whole grammar, made of the input's bytes, run by the engine and by the
 * oracle: values are compared to the bit. Half of them first with failing allocations, where any
 * error will do but a wrong value. */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/support/expressions.h"

/* Many short inputs find more than a few long ones, so one in sixteen may be larger; ./dev
 * differential runs large ones. A few points far apart beside an array are read from a copy with
 * all between them, which takes a hundred times as long as the rest of an input: such copies have
 * less room. */
enum { LIMIT = 1 << 26, COPY_LIMIT = 1 << 18, POINTS = 100, ELEMENTS = 1 << 8, LARGER = 4 };

static bool may_copy(const expr_maker *m) { return strchr(m->text, '?'); }

/* The right value or, where an allocation failed or fuzz_enough had enough, that error. */
static void compute(es_ctx *ctx, const expr_maker *m, const expr_meaning *e, fuzz_heap *heap,
                    uint8_t failure) {
  expr_tally tally = {0};
  es_scope_push(ctx);
  fuzz_heap_fail(heap, failure);
  es_tensor *got = expr_compute(ctx, m);
  fuzz_heap_obey(heap);
  es_status status = es_ctx_error(ctx)->status;
  REQUIRE((got != NULL) == (status == ES_OK), "'%s': %s", m->text, es_status_name(status));
  /* An expression of few points may still have many steps, and each asks whether to go on. */
  bool excused = status == ES_E_CANCELLED || (heap->struck && status == ES_E_NOMEM);
  excused |= status == ES_E_LIMIT && may_copy(m);
  bool right = excused || expr_judge(ctx, m, e, got, &tally);
  /* So may the reading of its values. */
  REQUIRE(right || es_ctx_error(ctx)->status == ES_E_CANCELLED, "%s", tally.why);
  es_clear_error(ctx);
  es_scope_pop(ctx);
}

/* By all bytes, so that what is bred from an input is drawn anew. */
static bool drawn(const uint8_t *bytes, size_t len) {
  uint8_t all = 0;
  for (size_t i = 0; i < len; i++) all ^= bytes[i];
  return all % 16 == 0;
}

void fuzz_one(const uint8_t *bytes, size_t len) {
  static expr_maker m; /* large; expr_make sets what is read */
  static expr_meaning e;
  fuzz_bytes b = {bytes, len};
  fuzz_heap heap;
  expr_tally tally = {0};
  const uint8_t failure = fuzz_byte(&b) & 1 ? fuzz_byte(&b) : 0;
  const int factor = drawn(bytes, len) ? LARGER : 1;
  fuzz_heap_open(&heap, 0);
  es_ctx *ctx = fuzz_context(&heap, LIMIT, &b);
  m.bytes = b.at, m.left = b.left, m.state = 1, m.most = factor * ELEMENTS;
  if (expr_make(&m)) {
    if (may_copy(&m)) es_set_max_bytes(ctx, COPY_LIMIT);
    bool defined = expr_understand(&m, factor * POINTS, &e, &tally);
    REQUIRE(!*tally.why, "%s", tally.why);
    if (defined && failure) compute(ctx, &m, &e, &heap, failure);
    if (defined) compute(ctx, &m, &e, &heap, 0);
    expr_forget(&e);
  }
  es_ctx_destroy(ctx);
  fuzz_heap_close(&heap);
}
