/* Memory that ends at every piece that parsing and binding ask of an arena, which asks the
 * allocator for blocks only: each time the answer is ES_E_NOMEM, and nothing else is written. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/arena.h"
#include "engine/bind/bind.h"
#include "lexer/program.h"
#include "support/alloc.h"

enum { WHOLE = 1 << 18, STEP = 16 };

static test_alloc heap;

/* An arena of which left bytes are free, and that gets no more. */
static es_arena almost_full(size_t left) {
  es_arena arena;
  es_allocator hooks = test_alloc_hooks(&heap);
  test_alloc_obey(&heap);
  es_arena_init(&arena, &hooks);
  cr_assert(es_arena_array(&arena, WHOLE, 1));
  arena.used -= left;
  test_alloc_fail(&heap, 1, true);
  return arena;
}

/* What is tried: true once there is memory enough. */
typedef es_status attempt(es_arena *arena, const void *of, es_error *error);

static void with_ever_more(attempt *try, const void *of, const char *what) {
  es_status status = ES_E_NOMEM;
  test_alloc_init(&heap);
  for (size_t left = 0; status == ES_E_NOMEM; left += STEP) {
    cr_assert_lt(left, (size_t)WHOLE, "'%s' never has enough", what);
    for (int wordless = 0; wordless < 2; wordless++) {
      es_error error = {.status = ES_OK};
      es_arena arena = almost_full(left);
      status = try(&arena, of, wordless ? NULL : &error);
      cr_assert(wordless || error.status == status, "'%s' with %zu bytes: %s", what, left,
                error.message);
      es_arena_free(&arena);
      cr_assert_eq(heap.blocks, 0);
    }
  }
  cr_assert_eq(status, ES_OK, "'%s': %s", what, es_status_name(status));
}

/* ---- texts -------------------------------------------------------------------------------- */

typedef struct text {
  es_kind kind;
  const char *text;
} text;

static es_status parse(es_arena *arena, const void *of, es_error *error) {
  const text *t = of;
  es_pattern *pattern;
  es_graph *program;
  return t->kind == ES_KIND_PROGRAM
             ? es_program_parse(arena, t->text, strlen(t->text), ES_READ_AUTO, &program, error)
             : es_parse(arena, t->kind, t->text, strlen(t->text), ES_READ_AUTO, &pattern, error);
}

static const text texts[] = {
    {ES_KIND_EINSUM, "ij,jk->ik"},
    {ES_KIND_EINSUM, "...ij,...jk"},
    {ES_KIND_EINSUM, "b c (2*h+kh-1)?0 (w+kw-1)?edge, o c kh kw -> b o h w | (max, +)"},
    {ES_KIND_EINSUM, "a (b c ((d e) f)) ... 3 _, (x ^ y ^ z) -> a b (c d) ..., e"},
    {ES_KIND_EINSUM, "a b c d e f g h i j k l m n o p q r s t u v w x y z -> z y x w | mean"},
    {ES_KIND_REARRANGE, "b (h p) (w q) c -> b (h w) (p q c)"},
    {ES_KIND_REDUCE, "b (h p) w -> b h | logsumexp"},
    {ES_KIND_REPEAT, "a b -> a (b r) s"},
    {ES_KIND_PACK, "a * b"},
    {ES_KIND_SHAPE, "a _ ... 3"},
    {ES_KIND_PROGRAM, "y = x"},
    {ES_KIND_PROGRAM, "a=1;b=2;c=3;d=4;e=5;f=6;g=7;h=8;i=9;j=10;y = x"},
    {ES_KIND_PROGRAM, "n = 3; g = x: b c, w: c o -> b o # comment\nh = relu(g + [bias: o -> o 1])"},
    {ES_KIND_PROGRAM, "a, b = x: i (a ^ b) -> i a, i b; y = -a * 2 / (b - 1) + exp(a)\n z = y"},
    {ES_KIND_PROGRAM, "s = softmax([q: b i d, k: b j d -> b i j], dim=-1)\n"
                      "o = s: b i j, v: b j d -> b i d\nm = maximum(o, 0.5)\no, m"},
};

Test(scarce, texts) {
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    es_arena arena;
    es_error error;
    es_allocator hooks = es_allocator_default();
    es_arena_init(&arena, &hooks);
    cr_assert_eq(parse(&arena, &texts[i], &error), ES_OK, "'%s': %s", texts[i].text, error.message);
    es_arena_free(&arena);
    with_ever_more(parse, &texts[i], texts[i].text);
  }
}

/* ---- binding ------------------------------------------------------------------------------ */

typedef struct call {
  text text;
  int n, rank[3];
  int64_t shape[3][5];
  const es_axis_size sizes[4];
  const es_pattern *pattern;
} call;

static es_status bind(es_arena *arena, const void *of, es_error *error) {
  const call *c = of;
  es_array in[3];
  es_bound *bound;
  es_options options = {.sizes = c->sizes};
  for (int i = 0; i < c->n; i++)
    in[i] = (es_array){.dtype = ES_F32, .rank = c->rank[i], .shape = c->shape[i]};
  return es_bind(arena, c->pattern, in, c->n, NULL, &options, &bound, error);
}

static call calls[] = {
    {{ES_KIND_EINSUM, "ij,jk->ik"}, 2, {2, 2}, {{2, 3}, {3, 4}}, {{NULL, 0}}, NULL},
    {{ES_KIND_EINSUM, "...ij,...jk"}, 2, {3, 4}, {{5, 2, 3}, {4, 1, 3, 4}}, {{NULL, 0}}, NULL},
    {{ES_KIND_EINSUM, "b c (2*h+kh-1)?0 (w+kw-1)?edge, o c kh kw -> b o h w"},
     2,
     {4, 4},
     {{2, 3, 8, 8}, {4, 3, 3, 3}},
     {{NULL, 0}},
     NULL},
    {{ES_KIND_EINSUM, "b (h p) c, (x ^ y) -> b (p c) h x, y b"},
     2,
     {3, 1},
     {{2, 6, 3}, {5}},
     {{"p", 2}, {"x", 3}, {NULL, 0}},
     NULL},
    {{ES_KIND_EINSUM, "... i, ... j -> i (j ...)"},
     2,
     {3, 3},
     {{2, 2, 3}, {2, 2, 4}},
     {{NULL, 0}},
     NULL},
    {{ES_KIND_REARRANGE, "b (h p) (w q) c -> b (h w) (p q c)"},
     1,
     {4},
     {{2, 4, 6, 3}},
     {{"p", 2}, {"q", 3}, {NULL, 0}},
     NULL},
    {{ES_KIND_REPEAT, "a b -> a (b r) s"}, 1, {2}, {{2, 3}}, {{"r", 2}, {"s", 4}, {NULL, 0}}, NULL},
    {{ES_KIND_EINSUM, "b o h -> b (2*h+kh-1) o"},
     1,
     {3},
     {{2, 3, 4}},
     {{"kh", 3}, {NULL, 0}},
     NULL},
    {{ES_KIND_EINSUM, "a 3 _ -> a 1 2"}, 1, {3}, {{2, 3, 4}}, {{NULL, 0}}, NULL},
    {{ES_KIND_EINSUM, "h -> (2*h)"}, 1, {1}, {{3}}, {{NULL, 0}}, NULL},
    {{ES_KIND_EINSUM, "h k -> (h-1) k"}, 1, {2}, {{5, 2}}, {{NULL, 0}}, NULL},
    {{ES_KIND_EINSUM, "(h-1)?0 k l -> (2*h+3*k+5*l)"}, 1, {3}, {{4, 3, 2}}, {{NULL, 0}}, NULL},
    {{ES_KIND_EINSUM, "(a-1)?0 (c+d-1)?0, a b c, b -> (a+b+c) (2*a+b)"},
     3,
     {2, 3, 1},
     {{4, 3}, {4, 3, 2}, {3}},
     {{"d", 3}, {NULL, 0}},
     NULL},
    {{ES_KIND_EINSUM, "h k -> (4*h+2*k)"}, 1, {2}, {{4, 3}}, {{NULL, 0}}, NULL},
    {{ES_KIND_REDUCE, "(g (2*h+k-1)?0) -> g h | max"},
     1,
     {1},
     {{12}},
     {{"g", 2}, {"k", 3}, {NULL, 0}},
     NULL},
};

Test(scarce, bindings) {
  es_arena arena;
  es_allocator hooks = es_allocator_default();
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    call *c = &calls[i];
    es_error error;
    es_pattern *pattern;
    es_arena_init(&arena, &hooks);
    cr_assert_eq(es_parse(&arena, c->text.kind, c->text.text, strlen(c->text.text), ES_READ_AUTO,
                          &pattern, &error),
                 ES_OK, "%s", error.message);
    c->pattern = pattern;
    cr_assert_eq(bind(&arena, c, &error), ES_OK, "'%s': %s", c->text.text, error.message);
    with_ever_more(bind, c, c->text.text);
    es_arena_free(&arena);
  }
}
