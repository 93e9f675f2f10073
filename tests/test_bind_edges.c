/* Binding where sums come to the ends of 64 bits, and where a list of words is cut: each is
 * refused in time and in place, or bound as if the numbers were small. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/bind/bind.h"
#include "support/bound_eval.h"

static const es_kind E = ES_KIND_EINSUM, R = ES_KIND_REDUCE, P = ES_KIND_REPEAT;

#define MOST "9223372036854775807"
#define HALF "4611686018427387904" /* 2^62 */

typedef struct row {
  es_kind kind;
  const char *text, *shapes, *sizes;
  int rank; /* of out_shape; 0: none is given */
  int64_t out[2];
  es_status status;
  const char *says;
} row;

static void open_row(bound_case *c, const row *r) {
  es_options o = {.out_shape = r->rank ? r->out : NULL, .out_rank = r->rank};
  bound_open(c, r->kind, r->text, r->shapes, r->sizes, &o);
  cr_assert_eq(c->status, r->status, "%s: %s", r->text, c->error.message);
}

static void check(const row *rows, size_t n) {
  for (size_t i = 0; i < n; i++) {
    bound_case c;
    open_row(&c, &rows[i]);
    cr_assert(strstr(c.error.message, rows[i].says), "%s: %s", rows[i].text, c.error.message);
    bound_close(&c);
  }
}
#define CHECK(rows) check(rows, sizeof rows / sizeof *rows)

Test(bind_edges, indices_of_inputs) {
  const row rows[] = {
      {E, "(x+y+" MOST "), y -> x", "0 2", "", 0, {0}, ES_E_OVERFLOW, "the positions of"},
      {E, "(x+2*y+" MOST "), y -> x", "0 3", "", 0, {0}, ES_E_OVERFLOW, "the positions of"},
      {E, "(x+" MOST ") -> x", "0", "", 0, {0}, ES_E_RANGE, "needs " MOST " elements"},
      {E, "(-" MOST "*h-h) -> h", "5", "", 0, {0}, ES_E_OVERFLOW, "the factors of"},
      {E, "(h-" MOST "*k), k -> h", "5 3", "", 0, {0}, ES_E_OVERFLOW, "the positions of"},
  };
  CHECK(rows);
}

/* The target of a sum, and the size of what no element is read for. */
Test(bind_edges, sizes) {
  const row rows[] = {
      {E, "a -> (a-" MOST ")", "5", "", 0, {0}, ES_E_OVERFLOW, "does not fit 64 bits"},
      {E, "a -> (a+" MOST ")", "1", "", 0, {0}, ES_E_OVERFLOW, "does not fit 64 bits"},
      {E, "(g (4*h+k)) -> g h k", "0", "g=0 h=" HALF " k=1", 0, {0}, ES_E_OVERFLOW, "'(4*h+k)'"},
      {P, "a -> ((" HALF " 4) a)", "2", "", 0, {0}, ES_E_OVERFLOW, "'(" HALF " 4)'"},
      {E, "((a ^ b) c), b -> a b c", "6 2", "", 0, {0}, ES_E_UNDETERMINED, "'a', 'c' do not"},
  };
  CHECK(rows);
}

/* Three equations are enough of a hint. */
Test(bind_edges, of_many_equations_three_are_told) {
  const row r = {
      E, "(a b) (c d) (e f) (g h) -> a b c d e f g h", "4,4,4,4", "", 0, {0}, ES_E_UNDETERMINED,
      ""};
  bound_case c;
  open_row(&c, &r);
  cr_assert(strstr(c.error.message, "'(a b)' = 4, '(c d)' = 4, '(e f)' = 4. Give"), "%s",
            c.error.message);
  bound_close(&c);
}

/* A product of too many parts to be written out is told by its value. */
Test(bind_edges, of_many_parts_the_product_is_told) {
  char text[200] = "(";
  for (int i = 0; i < 64; i++) strcat(text, "1 ");
  strcat(text, ") ->");
  const row r = {E, text, "2", "", 0, {0}, ES_E_EXTENT, ""};
  bound_case c;
  open_row(&c, &r);
  cr_assert(strstr(c.error.message, "is 1 by its parts, but axis 0 of operand 0 has 2"), "%s",
            c.error.message);
  bound_close(&c);
}

/* A number in the text stretches no axis, whatever the names do. */
Test(bind_edges, numbers_do_not_stretch) {
  bound_case c;
  es_options o = {.broadcast = ES_BROADCAST_STRETCH};
  bound_open(&c, E, "3 a, a -> a", "1,4 1", "", &o);
  cr_assert_eq(c.status, ES_E_EXTENT, "%s", c.error.message);
  cr_assert(strstr(c.error.message, "the text says 3, axis 0 of operand 0 has 1"), "%s",
            c.error.message);
  bound_close(&c);
  bound_open(&c, E, "3 a, a -> a", "3,4 1", "", &o);
  cr_assert_eq(c.status, ES_OK, "%s", c.error.message);
  bound_close(&c);
}

/* Sums into an axis that the caller sizes, where what is solved for leaves 64 bits. */
Test(bind_edges, sums_into_an_axis) {
  const row rows[] = {
      /* the steps from the axis back to the label */
      {E, "a -> (a-9223372036854775000)", "4", "", 1, {2000}, ES_E_OVERFLOW, "the positions of"},
      /* the same where every point is tested */
      {E, "a b -> (a+b-" MOST ")", "0,2", "", 1, {5}, ES_E_OVERFLOW, "the positions of"},
      /* the stride of an axis of one element */
      {E, "a b, c -> (a+" MOST "*b) c", "2,1 3", "", 0, {0}, ES_E_OVERFLOW, "the positions of"},
      /* a factor of the second axis once the first is solved: -2^63, -2^64; its range; its low end
       */
      {E, "a b c -> (a+2*b+c) (" HALF "*a)", "2,1,2", "", 2, {4, 3}, ES_E_OVERFLOW, "positions"},
      {E, "a c -> (a+4*c) (" HALF "*a)", "9,2", "", 2, {4, 3}, ES_E_OVERFLOW, "positions"},
      {E, "a c -> (a+c) (" HALF "*a)", "2,2", "", 2, {10, 3}, ES_E_OVERFLOW, "positions"},
      {E, "a c -> (a+c) (" HALF "*a)", "4,3", "", 2, {1, 3}, ES_E_OVERFLOW, "positions"},
      /* beyond the last point of a piece with a label of its own */
      {R, "h k -> (2*h+3*k) | max", "5,2", "", 1, {100}, ES_E_EMPTY, "padding, along 'k/2'"},
  };
  CHECK(rows);
}

static void check_meaning(const row *r) {
  bound_case c;
  int64_t n, m;
  open_row(&c, r);
  double *parts = bound_by_parts(&c, 0, &n), *meaning = bound_by_meaning(&c, &m);
  cr_assert_eq(n, m);
  for (int64_t i = 0; i < n; i++)
    cr_assert_eq(parts[i], meaning[i], "%s: %lld", r->text, (long long)i);
  free(parts);
  free(meaning);
  bound_close(&c);
}

/* Trimmed to the axis, at both ends, which leaves no gap, or at one, which does. */
Test(bind_edges, sums_into_an_axis_of_another_size) {
  const row rows[] = {
      {E, "a -> (a-1)", "5", "", 1, {3}, ES_OK, ""},
      {E, "a -> (a-1)", "5", "", 1, {10}, ES_OK, ""},
      {E, "a -> (3-a)", "5", "", 1, {3}, ES_OK, ""},
      {E, "a b c -> (a+2*b+c) (3*a)", "3,1,2", "", 2, {4, 3}, ES_OK, ""},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) check_meaning(&rows[i]);
  bound_case c;
  for (int i = 0; i < 2; i++) {
    open_row(&c, &rows[i]);
    cr_assert_eq(c.bound->out[0].fill_first, i == 1);
    bound_close(&c);
  }
}

/* A range that fits once the first axis is solved, and not as it stands: it is left out. */
Test(bind_edges, prints_no_range_past_64_bits) {
  const row r = {E, "a c -> (a+c) (" HALF "*a)", "4,2", "", 2, {1, 3}, ES_OK, ""};
  char text[2048];
  bound_case c;
  open_row(&c, &r);
  es_bound_print(c.bound, "xv", text, sizeof text);
  cr_assert(strstr(text, "(" HALF "*a)\n") && strstr(text, "(a+c): writes 0..4"), "%s", text);
  bound_close(&c);
}

/* Parts of '^' that an operand rules out by the first name of its group. */
Test(bind_edges, groups_that_hold_names_of_two_parts) {
  const row rows[] = {{E,
                       "(a c), a, c -> (a ^ c)",
                       "6 2 3",
                       "",
                       0,
                       {0},
                       ES_E_NAME,
                       "operand 0 takes part in no piece"}};
  CHECK(rows);
}

/* Beside the padding alone, along a label that is not in the text. */
Test(bind_edges, words_about_a_label_that_is_not_in_the_text) {
  const row r = {R, "(h-3)?0 -> (h-1) | max", "2", "", 1, {3}, ES_E_EMPTY, ""};
  bound_case c;
  open_row(&c, &r);
  cr_assert(strstr(c.error.message, "padding, along 'h'"), "%s", c.error.message);
  cr_assert(c.error.offset == ES_NOWHERE.offset && c.error.length == 0);
  bound_close(&c);
}

/* Strides of an array without elements reach nowhere, but places in bytes are computed with them.
 */
Test(bind_edges, strides_over_nothing) {
  const int64_t shape[] = {0, 3}, fine[] = {INT64_MAX / 4 - 8, 7}, wild[] = {INT64_MAX, 1};
  es_array in = {.dtype = ES_F32, .rank = 2, .shape = shape, .strides = fine};
  es_array out = {.dtype = ES_F32, .rank = 2, .shape = shape, .strides = fine};
  bound_case c;
  bound_open(&c, E, "a b -> a b", "0,3", "", NULL);
  cr_assert_eq(es_bind(&c.arena, c.pattern, &in, 1, &out, NULL, &c.bound, &c.error), ES_OK, "%s",
               c.error.message);
  out.strides = wild;
  cr_assert_eq(es_bind(&c.arena, c.pattern, &in, 1, &out, NULL, &c.bound, &c.error), ES_E_VALUE);
  cr_assert(strstr(c.error.message, "reach beyond 64 bits"), "%s", c.error.message);
  in.strides = wild;
  cr_assert_eq(es_bind(&c.arena, c.pattern, &in, 1, NULL, NULL, &c.bound, &c.error), ES_E_VALUE);
  bound_close(&c);
}
