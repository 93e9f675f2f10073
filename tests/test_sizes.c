/* The system of sizes: what follows, in which order, and that no size, however
 * large, traps or wraps. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/wide.h"
#include "engine/bind/bind.h"
#include "support/bound_eval.h"

static int64_t size_of(const bound_case *c, const char *name) {
  for (int i = 0; i < c->bound->n_labels; i++)
    if (!strcmp(c->bound->label[i].name, name)) return c->bound->label[i].extent;
  return -1;
}

static void check_size(const char *text, const char *shapes, const char *sizes, const char *name,
                       int64_t expected) {
  bound_case c;
  bound_open(&c, ES_KIND_EINSUM, text, shapes, sizes, NULL);
  cr_assert_eq(c.status, ES_OK, "%s over %s: %s", text, shapes, c.error.message);
  cr_assert_eq(size_of(&c, name), expected, "%s over %s: %s is %lld", text, shapes, name,
               (long long)size_of(&c, name));
  bound_close(&c);
}

/* Plain loop: the largest n such that every read stays inside the padded axis. */
static int64_t positions(int64_t length, int64_t s, int64_t d, int64_t k, int64_t p) {
  int64_t n = 0;
  while (s * n + d * (k - 1) <= length + 2 * p - 1) n++;
  return n;
}

Test(sizes, windows) {
  for (int s = 1; s <= 3; s++)
    for (int d = 1; d <= 3; d++)
      for (int p = 0; p <= 2; p++)
        for (int k = 1; k <= 3; k++)
          for (int length = 0; length <= 9; length++) {
            char text[64], shapes[32];
            snprintf(text, sizeof text, "(%d*h+%d*k-%d)?0, k -> h", s, d, p);
            snprintf(shapes, sizeof shapes, "%d %d", length, k);
            bound_case c;
            bound_open(&c, ES_KIND_EINSUM, text, shapes, "", NULL);
            if (c.status == ES_OK)
              cr_assert_eq(size_of(&c, "h"), positions(length, s, d, k, p), "%s over %s", text,
                           shapes);
            else /* not even one window fits, by more than a step */
              cr_assert(c.status == ES_E_RANGE && length + 2 * p < d * (k - 1) + 1,
                        "%s over %s: %s", text, shapes, c.error.message);
            bound_close(&c);
          }
}

Test(sizes, examples_of_windows) {
  check_size("(2*h+k-1)?0, k -> h", "7 3", "", "h", 4); /* PyTorch's rule */
  check_size("(2*h+k), k -> h", "7 3", "", "h", 3);
  check_size("(2*h+k), k -> h", "8 3", "", "h", 3); /* an unused tail */
  check_size("(h+k+2), k -> h", "8 3", "", "h", 4);
  check_size("(2*h+k) h -> k", "9,3", "", "k", 5); /* the window may be the unknown */
  check_size("(h-k+2), k -> h", "6 3", "", "h", 4);
  check_size("(h-k)?0, k -> h", "5 3", "", "h", 7);
  check_size("(h+k-1)?0, k -> h", "5 3", "h=2", "h", 2);          /* a given size wins */
  check_size("(2*h+k), k, h -> h", "9 3 2", "", "h", 2);          /* so does an axis of its own */
  check_size("(2*h+k), k, (h g) -> h g", "9 3 4", "g=2", "h", 2); /* and a group */
}

Test(sizes, rounds) {
  check_size("(a b), (b c), (c d) -> a b c d", "6 15 20", "a=2", "d", 4);
  check_size("(c d), (b c), (a b) -> a b c d", "20 15 6", "a=2", "d", 4);
  check_size("((a b) c) -> a b c", "24", "a=2 c=4", "b", 3);
  check_size("((a b) (c d)), d -> a b c", "48 4", "a=2 b=3", "c", 2);
  check_size("(g (2*h+k)), k -> g h", "14 3", "g=2", "h", 3);
  check_size("(x ^ y) -> y", "7", "x=3", "y", 4);
  check_size("(x ^ y ^ 2) -> y", "7", "x=3", "y", 2);
  check_size("(a b) -> a b", "0", "a=3", "b", 0);
  check_size("(a a) b -> a b", "9,2", "a=3", "a", 3);
}

/* A chain of n groups, solved from its far end: linear, not n rounds of n. */
Test(sizes, long_chains) {
  enum { N = 4000 };
  char *text = malloc(16 * N);
  size_t len = 0;
  es_array *in = calloc(N, sizeof *in);
  const int64_t four = 4;
  for (int i = N; i-- > 0;) {
    len += (size_t)sprintf(text + len, "%s(v%x v%x)", i == N - 1 ? "" : ",", i, i + 1);
    in[i] = (es_array){.dtype = ES_F32, .rank = 1, .shape = &four};
  }
  es_options o = {.sizes = (es_axis_size[]){{"v0", 2}, {NULL, 0}}};
  es_allocator a = es_allocator_default();
  es_arena arena;
  es_error error;
  es_pattern *pattern;
  es_bound *bound;
  es_arena_init(&arena, &a);
  len += (size_t)sprintf(text + len, "->");
  cr_assert_eq(es_parse(&arena, ES_KIND_EINSUM, text, len, ES_READ_NAMES, &pattern, &error), ES_OK,
               "%s", error.message);
  clock_t start = clock();
  cr_assert_eq(es_bind(&arena, pattern, in, N, NULL, &o, &bound, &error), ES_OK, "%s",
               error.message);
  /* 10 ms as measured; a second leaves room for sanitizers, not for n*n. */
  cr_assert_lt((double)(clock() - start) / CLOCKS_PER_SEC, 1.0);
  for (int i = 0; i < bound->n_labels; i++) cr_assert_eq(bound->label[i].extent, 2);
  es_arena_free(&arena);
  free(in);
  free(text);
}

/* ---- sizes at the ends of their range -------------------------------------------------- */

static const int64_t lattice[] = {0,
                                  1,
                                  2,
                                  3,
                                  1 << 15,
                                  INT64_C(2147483647),
                                  INT64_C(2147483649),
                                  INT64_C(4294967296),
                                  INT64_C(4611686018427387904),
                                  INT64_MAX};
enum { LATTICE = sizeof lattice / sizeof *lattice };

/* A walk in 128 bits: from the offset, every index stays inside low..high. */
static bool walk_inside(const es_bound *b, const es_walk *w, es_i128 low, es_i128 high) {
  es_i128 from = w->offset, to = w->offset;
  for (int i = 0; i < w->n; i++) {
    int64_t n = b->label[w->label[i]].extent;
    if (n == 0) return true;
    *(w->stride[i] < 0 ? &from : &to) += (es_i128)w->stride[i] * (n - 1);
  }
  return from >= low && to <= high;
}

static void check_sound(const bound_case *c, const char *text) {
  const es_bound *b = c->bound;
  for (int i = 0; i < b->n_parts; i++) {
    const es_part *p = &b->part[i];
    const es_output *o = &b->out[p->output];
    es_i128 high = 0, count = 1;
    for (int k = 0; k < o->rank; k++) {
      cr_assert_geq(o->shape[k], 0, "%s", text);
      high += (es_i128)o->strides[k] * (o->shape[k] ? o->shape[k] - 1 : 0);
      count *= o->shape[k] ? o->shape[k] : 1;
      cr_assert(count <= INT64_MAX, "%s: a size that wraps", text);
    }
    cr_assert(walk_inside(b, &p->out_walk, 0, high), "%s: the output leaves its array", text);
    for (int k = 0; k < p->n_in && !p->n_constraints && !b->padded[p->in[k]]; k++) {
      const es_array *a = &c->in[p->in[k]];
      es_i128 reach = 0, step = 1;
      for (int j = a->rank; j-- > 0; step *= a->shape[j] ? a->shape[j] : 1)
        reach += a->strides ? 0 : step * (a->shape[j] ? a->shape[j] - 1 : 0);
      cr_assert(walk_inside(b, &p->in_walk[k], 0, reach), "%s: operand %d is left", text, p->in[k]);
    }
  }
}

static void try_lattice(const char *text, int n, const int64_t *size, bool zero_strides) {
  static const int64_t zero[8];
  bound_case c;
  memset(&c, 0, sizeof c);
  es_allocator al = es_allocator_default();
  es_arena_init(&c.arena, &al);
  cr_assert_eq(
      es_parse(&c.arena, ES_KIND_EINSUM, text, strlen(text), ES_READ_NAMES, &c.pattern, &c.error),
      ES_OK, "%s: %s", text, c.error.message);
  /* Axes take the sizes in turn; what is left over is given to g and k. */
  int at = 0;
  for (c.n = 0; c.n < c.pattern->n_in; c.n++) {
    es_array *a = &c.in[c.n];
    *a = (es_array){.dtype = ES_F32, .rank = c.pattern->in[c.n].n, .shape = c.shape[c.n]};
    for (int k = 0; k < a->rank; k++) c.shape[c.n][k] = size[at++ % n];
    if (zero_strides) a->strides = zero;
  }
  es_axis_size sizes[3] = {{0}};
  int given = 0;
  for (int i = 0; i < c.pattern->n_names; i++)
    if (!strcmp(c.pattern->names[i], "g") || !strcmp(c.pattern->names[i], "k"))
      sizes[given++] = (es_axis_size){c.pattern->names[i], size[at++ % n]};
  es_options o = {.sizes = sizes};
  c.status = es_bind(&c.arena, c.pattern, c.in, c.n, NULL, &o, &c.bound, &c.error);
  if (c.status == ES_OK)
    check_sound(&c, text);
  else
    cr_assert(c.error.message[0] && !c.bound, "%s", text);
  es_arena_free(&c.arena);
}

Test(sizes, lattice) {
  static const char *const texts[] = {
      "a b, b c -> a c",
      "a, b -> (a b)",
      "(a g) b -> (g b) a",
      "((a g) k) -> a g k",
      "(2*h+k-1)?0 -> h",
      "(2*h+3*k) b -> b h k",
      "(h-k+5) -> h",
      "(h-k)?0 -> h",
      "(h+k-1)?edge -> h",
      "(g (h+k-2)?7) -> g h",
      "h -> (2*h+k)",
      "h j -> (3*h+2*j-1)",
      "h -> (h+k)",
      "a b -> (9223372036854775807*a+b)",
      "(9223372036854775807*a+b) b -> a",
      "(a+9223372036854775806) -> a",
      "(a-9223372036854775807)?0 -> a",
      "(x ^ g) -> x",
      "a, b -> (a ^ b)",
      "a a b -> a b",
      "a -> a a",
      "a... b, b -> a...",
      "a 2 b -> b",
      "a b -> b | max",
      "(h+k-1)?0 -> h | max",
  };
  for (size_t t = 0; t < sizeof texts / sizeof *texts; t++)
    for (int i = 0; i < LATTICE; i++)
      for (int j = 0; j < LATTICE; j++)
        for (int k = 0; k < LATTICE; k++) {
          const int64_t size[] = {lattice[i], lattice[j], lattice[k]};
          try_lattice(texts[t], 3, size, false);
          try_lattice(texts[t], 3, size, true);
        }
}

/* ---- allocation failures ------------------------------------------------------------------- */

typedef struct scarce {
  es_allocator base;
  int left; /* allocations before the one that fails */
  int64_t held;
} scarce;

static void *scarce_realloc(void *user, void *ptr, size_t old_size, size_t new_size) {
  scarce *s = user;
  if (new_size && s->left-- == 0) return NULL;
  void *p = s->base.realloc(s->base.user, ptr, old_size, new_size);
  if (p || !new_size) s->held += (int64_t)new_size - (int64_t)old_size;
  return p;
}

Test(sizes, out_of_memory) {
  static const char *const texts[] = {
      "b (g c) (h+k) (w+l), (g o) c k l -> b (g o) h w", "b c y x k l -> b c (2*y+k-1) (2*x+l-1)",
      "b x, b y -> b (x ^ y)", "(h+k-1)?edge, k -> h", "a... b... i i, b... -> a..."};
  static const char *const shapes[] = {"2,4,5,5 6,2,3,3", "1,2,3,3,3,3", "2,3 2,4", "7 3",
                                       "2,3,3,4,4 3"};
  for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
    bound_case c;
    bound_open(&c, ES_KIND_EINSUM, texts[t], shapes[t], "",
               &(es_options){.reading = ES_READ_NAMES});
    cr_assert_eq(c.status, ES_OK, "%s: %s", texts[t], c.error.message);
    for (int left = 0;; left++) {
      scarce s = {es_allocator_default(), left, 0};
      es_allocator a = {scarce_realloc, &s};
      es_arena arena;
      es_bound *bound;
      es_error error = {0};
      es_arena_init(&arena, &a);
      es_status status = es_bind(&arena, c.pattern, c.in, c.n, NULL, NULL, &bound, &error);
      es_arena_free(&arena);
      cr_assert_eq(s.held, 0);
      if (status == ES_OK) break;
      cr_assert_eq(status, ES_E_NOMEM, "%s: %s", texts[t], error.message);
      cr_assert_eq(error.status, ES_E_NOMEM);
      cr_assert_null(bound);
    }
    bound_close(&c);
  }
}
