/* Random small expressions of the whole grammar, evaluated by the engine and by the
 * oracle, compared to the bit. EINSTRIDE_SEED and EINSTRIDE_CASES of the environment
 * choose another run. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/expressions.h"

static uint64_t from_environment(const char *name, uint64_t otherwise) {
  const char *text = getenv(name);
  return text ? strtoull(text, NULL, 10) : otherwise;
}

Test(differential, random_expressions) {
  static expr_maker m;
  m.state = from_environment("EINSTRIDE_SEED", 20261121);
  int wanted = (int)from_environment("EINSTRIDE_CASES", 60000);
  es_ctx *ctx = es_ctx_create(NULL);
  expr_tally t = {0};
  while (t.compared < wanted) {
    if (expr_make(&m)) cr_assert(expr_compare(ctx, &m, 4000, &t), "%s", t.why);
    if (!expr_roll(&m, 100)) es_set_threads(ctx, 1 + (int)expr_roll(&m, 3));
  }
  fprintf(stderr,
          "%d compared, %d elements; %d leave their axis, %d empty, %d overflow, %d skipped\n",
          t.compared, t.elements, t.leaves, t.empty, t.overflow, t.skipped);
  es_ctx_destroy(ctx);
}
