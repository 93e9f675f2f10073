#include <criterion/criterion.h>
#include <stdio.h>

#include "engine/problem.h"

static es_arena arena;
static void arena_open(void) {
  es_allocator heap = es_allocator_default();
  es_arena_init(&arena, &heap);
}
static void arena_close(void) { es_arena_free(&arena); }

TestSuite(problem, .init = arena_open, .fini = arena_close);

static es_problem *make(int n_out, int rank, const int64_t *extent, const int64_t *out,
                        const int64_t *in) {
  es_problem *p = es_problem_new(&arena, rank, 1, 0);
  cr_assert(p != NULL);
  p->n_out = n_out;
  p->reduce = rank > n_out ? ES_REDUCE_SUM : ES_REDUCE_NONE;
  p->compute = p->in[0].dtype = p->out.dtype = ES_F32;
  for (int a = 0; a < rank; a++) {
    p->extent[a] = extent[a];
    p->out.stride[a] = out[a];
    p->in[0].stride[a] = in[a];
  }
  return p;
}

static void expect(const es_problem *p, int n_out, int rank, const int64_t *extent,
                   const int64_t *out, const int64_t *in) {
  char text[1024];
  es_problem_print(p, text, sizeof text);
  cr_assert(p->rank == rank && p->n_out == n_out, "%s", text);
  for (int a = 0; a < rank; a++)
    cr_assert(p->extent[a] == extent[a] && p->out.stride[a] == out[a] &&
                  p->in[0].stride[a] == in[a],
              "axis %d of\n%s", a, text);
}

#define I64(...) ((const int64_t[]){__VA_ARGS__})

Test(problem, a_contiguous_copy_is_one_axis) {
  es_problem *p = make(3, 3, I64(2, 3, 4), I64(12, 4, 1), I64(12, 4, 1));
  es_problem_canonicalise(p);
  expect(p, 1, 1, I64(24), I64(1), I64(1));
}

Test(problem, axes_of_extent_one_vanish) {
  es_problem *p = make(3, 5, I64(1, 3, 1, 4, 1), I64(7, 9, 7, 0, 0), I64(99, 4, 99, 1, 99));
  es_problem_canonicalise(p);
  expect(p, 1, 2, I64(3, 4), I64(9, 0), I64(4, 1));
}

Test(problem, output_axes_are_sorted_and_reduced_ones_are_not) {
  es_problem *p = make(2, 4, I64(2, 3, 5, 4), I64(1, 4, 0, 0), I64(3, 1, 7, 100));
  es_problem_canonicalise(p);
  expect(p, 2, 4, I64(3, 2, 5, 4), I64(4, 1, 0, 0), I64(1, 3, 7, 100));
  p = make(2, 4, I64(2, 3, 5, 4), I64(1, 4, 0, 0), I64(3, 1, 7, 100));
  p->reduce = ES_REDUCE_MAX; /* order does not matter: largest stride first */
  es_problem_canonicalise(p);
  expect(p, 2, 4, I64(3, 2, 4, 5), I64(4, 1, 0, 0), I64(1, 3, 100, 7));
}

Test(problem, reversed_output_axes_are_walked_from_the_other_end) {
  es_problem *p = make(1, 2, I64(5, 3), I64(-2, 0), I64(4, 1));
  p->n_constraints = 1;
  p->constraint = &(es_constraint){-1, 6, (int64_t[]){2, -1}};
  p->out.offset = 8;
  es_problem_canonicalise(p);
  expect(p, 1, 2, I64(5, 3), I64(2, 0), I64(-4, 1));
  cr_assert_eq(p->out.offset, 0);
  cr_assert_eq(p->in[0].offset, 16);
  cr_assert(p->constraint[0].base == 7 && p->constraint[0].coef[0] == -2 &&
            p->constraint[0].coef[1] == -1);
}

Test(problem, axes_tied_by_a_constraint_do_not_merge) {
  es_problem *p = make(2, 2, I64(2, 3), I64(3, 1), I64(3, 1));
  p->n_constraints = 1;
  p->constraint = &(es_constraint){0, 2, (int64_t[]){0, 1}};
  es_problem_canonicalise(p);
  cr_assert_eq(p->rank, 2);
  p->constraint[0].coef[0] = 3;
  es_problem_canonicalise(p);
  cr_assert_eq(p->rank, 1);
}

Test(problem, a_copy_is_deep) {
  es_problem *p = make(1, 2, I64(5, 3), I64(1, 0), I64(4, 1));
  p->out_rank = 1;
  p->out_shape = p->out_strides = I64(5);
  es_problem *copy = es_problem_copy(&arena, p);
  copy->extent[0] = 9;
  copy->in[0].stride[1] = 9;
  cr_assert(p->extent[0] == 5 && p->in[0].stride[1] == 1);
  cr_assert(copy->out_shape != p->out_shape && copy->out_shape[0] == 5);
}

Test(problem, positions_are_named_for_any_strides) {
  static const struct {
    int64_t shape[3], strides[3];
  } arrays[] = {{{2, 3, 4}, {12, 4, 1}},
                {{2, 3, 4}, {1, 2, 6}},
                {{2, 3, 4}, {-12, 4, -1}},
                {{2, 1, 4}, {1, 77, 10}},
                {{3, 3, 3}, {2, 100, 9}}};
  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
    es_problem p = {.out_rank = 3, .out_shape = arrays[i].shape, .out_strides = arrays[i].strides};
    for (int64_t a = 0; a < arrays[i].shape[0]; a++)
      for (int64_t b = 0; b < arrays[i].shape[1]; b++)
        for (int64_t c = 0; c < arrays[i].shape[2]; c++) {
          char want[64], got[64];
          const int64_t *s = arrays[i].strides;
          snprintf(want, sizeof want, "(%d, %d, %d)", (int)a, (int)b, (int)c);
          es_problem_position(&p, a * s[0] + b * s[1] + c * s[2], got, sizeof got);
          cr_assert_str_eq(got, want);
        }
  }
}

Test(problem, sizes) {
  es_problem *p = make(2, 3, I64(10, 20, 5), I64(20, 1, 0), I64(0, 1, 1));
  cr_assert_eq(es_problem_points(p), 1000);
  cr_assert_eq(es_problem_outputs(p), 200);
  cr_assert_eq(es_problem_taps(p), 5);
  cr_assert_eq(es_problem_side_bytes(p, &p->in[0]), 24 * 4); /* windows overlap */
  cr_assert_eq(es_problem_side_bytes(p, &p->out), 200 * 4);
}

Test(problem, unsound_nests_are_told) {
  es_problem *p = make(1, 2, I64(5, 3), I64(1, 0), I64(4, 1));
  cr_assert(!es_problem_check(p));
  p->out.stride[1] = 1;
  cr_assert(es_problem_check(p));
  p->out.stride[1] = 0, p->out.stride[0] = 0;
  cr_assert(es_problem_check(p));
  p->out.stride[0] = 1, p->extent[1] = -1;
  cr_assert(es_problem_check(p));
  p->extent[1] = 3, p->reduce = ES_REDUCE_NONE;
  cr_assert(es_problem_check(p));
  p->reduce = ES_REDUCE_MAX, p->compute = ES_C64;
  cr_assert(es_problem_check(p));
}

Test(problem, prints_whole_or_cut) {
  es_problem *p = make(1, 2, I64(5, 3), I64(1, 0), I64(4, 1));
  char text[512], cut[12];
  size_t n = es_problem_print(p, text, sizeof text);
  cr_assert_eq(n, strlen(text));
  cr_assert(strstr(text, "nest sum in f32, 15 points"), "%s", text);
  cr_assert(strstr(text, "extent: 5 | 3"), "%s", text);
  cr_assert_eq(es_problem_print(p, cut, sizeof cut), n);
  cr_assert_eq(strlen(cut), sizeof cut - 1);
}
