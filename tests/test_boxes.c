/* Boxes of random constraints against enumeration: every output element in exactly
 * one box, every present point exactly once, no absent one. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "engine/boxes.h"

enum { MAX_AXES = 5, MAX_POINTS = 200000 };

static uint64_t state = 7;
static int below(int n) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (int)((uint32_t)(state >> 33) % (uint32_t)n);
}

static es_arena arena;
static void arena_open(void) {
  es_allocator heap = es_allocator_default();
  es_arena_init(&arena, &heap);
}

/* Operand 0 and the output in C order over all, over the output axes: an offset names a
 * point, an output element. */
static es_problem *numbered(int rank, int n_out, const int64_t *extent, int n_constraints) {
  es_problem *p = es_problem_new(&arena, rank, 1, n_constraints);
  cr_assert(p != NULL);
  p->n_out = n_out;
  p->reduce = rank > n_out ? ES_REDUCE_SUM : ES_REDUCE_NONE;
  p->compute = p->in[0].dtype = p->out.dtype = ES_F32;
  p->out.slot = 1;
  int64_t step = 1;
  for (int a = rank - 1; a >= 0; a--) {
    p->extent[a] = extent[a];
    p->in[0].stride[a] = step;
    step *= extent[a] ? extent[a] : 1;
  }
  step = 1;
  for (int a = n_out - 1; a >= 0; a--) {
    p->out.stride[a] = step;
    step *= extent[a] ? extent[a] : 1;
  }
  return p;
}

static bool next_point(const es_problem *p, int64_t *index) {
  for (int a = p->rank - 1; a >= 0; a--) {
    if (++index[a] < p->extent[a]) return true;
    index[a] = 0;
  }
  return false;
}

static int64_t offset(const es_problem *p, const es_side *side, const int64_t *index) {
  int64_t at = side->offset;
  for (int a = 0; a < p->rank; a++) at += side->stride[a] * index[a];
  return at;
}

static bool present(const es_problem *p, const int64_t *index) {
  for (int c = 0; c < p->n_constraints; c++) {
    int64_t x = p->constraint[c].base;
    for (int a = 0; a < p->rank; a++) x += p->constraint[c].coef[a] * index[a];
    if (x < 0 || x >= p->constraint[c].extent) return false;
  }
  return true;
}

/* Adds step to point[i] for every present point, and to output[i] for every output
 * element (once, from its first point, or at all where it has none). */
static void mark(const es_problem *p, int8_t *point, int8_t *output, int8_t step) {
  int64_t index[MAX_AXES + 1] = {0};
  es_problem outputs = *p;
  outputs.rank = p->n_out;
  if (es_problem_outputs(p) == 0) return;
  do output[offset(&outputs, &p->out, index)] += step;
  while (next_point(&outputs, index));
  if (es_problem_taps(p) == 0) return;
  do
    if (present(p, index)) {
      int64_t at = offset(p, &p->in[0], index);
      cr_assert(at >= 0 && at < MAX_POINTS);
      point[at] += step;
    }
  while (next_point(p, index));
}

static int64_t places(const es_problem *p) {
  int64_t n = 1;
  for (int a = 0; a < p->rank; a++) n *= p->extent[a] ? p->extent[a] : 1;
  return n;
}

static void check_boxes(const es_problem *p) {
  static int8_t point[MAX_POINTS], output[MAX_POINTS];
  int n_boxes;
  es_problem **boxes;
  es_status status;
  char text[2048];
  es_problem_print(p, text, sizeof text);
  cr_assert(es_problem_boxes(&arena, p, 4096, &n_boxes, &boxes, &status), "%s", text);
  memset(point, 0, (size_t)places(p));
  memset(output, 0, (size_t)places(p));
  mark(p, point, output, 1);
  for (int i = 0; i < n_boxes; i++) {
    const char *wrong = es_problem_check(boxes[i]);
    cr_assert(!wrong, "%s", wrong);
    cr_assert_eq(boxes[i]->n_constraints, 0);
    mark(boxes[i], point, output, -1);
  }
  for (int64_t i = 0; i < places(p); i++)
    cr_assert(point[i] == 0 && output[i] == 0, "place %d: point %d, output %d\n%s", (int)i,
              point[i], output[i], text);
}

static es_problem *random_problem(void) {
  int rank = 1 + below(MAX_AXES), n_out = below(rank + 1);
  int64_t extent[MAX_AXES], points = 1;
  for (int a = 0; a < rank; a++) {
    extent[a] = below(30) == 0 ? 0 : 1 + below(9);
    points *= extent[a] ? extent[a] : 1;
  }
  cr_assert(points < MAX_POINTS);
  es_problem *p = numbered(rank, n_out, extent, below(5));
  for (int c = 0; c < p->n_constraints; c++) {
    es_constraint *k = &p->constraint[c];
    k->base = below(11) - 5;
    k->extent = below(9);
    if (n_out && below(5)) k->coef[below(n_out)] = below(9) - 4;
    if (rank > n_out && below(5)) k->coef[n_out + below(rank - n_out)] = below(9) - 4;
  }
  return p;
}

Test(boxes, cover_every_point_once) {
  for (int i = 0; i < 4000; i++) {
    arena_open();
    check_boxes(random_problem());
    es_arena_free(&arena);
  }
}

/* b c (2*ho+kh-1)?0 (wo+3*kw-2)?0: rows of boxes times columns of boxes. */
Test(boxes, of_a_padded_convolution) {
  arena_open();
  es_problem *p = numbered(5, 2, (int64_t[]){4, 9, 2, 3, 3}, 2);
  p->constraint[0] = (es_constraint){-1, 8, (int64_t[]){2, 0, 0, 1, 0}};
  p->constraint[1] = (es_constraint){-2, 9, (int64_t[]){0, 1, 0, 0, 3}};
  check_boxes(p);
  int n;
  es_problem **boxes;
  es_status status;
  cr_assert(es_problem_boxes(&arena, p, 100, &n, &boxes, &status));
  /* Rows: the first misses a tap. Columns: 0-1, 2-4, 5-7 and 8 differ. */
  cr_assert_eq(n, 8, "%d", n);
  es_arena_free(&arena);
}

Test(boxes, of_long_axes_are_found_without_walking_them) {
  arena_open();
  int64_t n = (int64_t)1 << 40;
  es_problem *p = numbered(2, 1, (int64_t[]){n, 3}, 1);
  p->constraint[0] = (es_constraint){-1, n, (int64_t[]){1, 1}};
  int n_boxes;
  es_problem **boxes;
  es_status status;
  cr_assert(es_problem_boxes(&arena, p, 100, &n_boxes, &boxes, &status));
  cr_assert_eq(n_boxes, 3);
  cr_assert_eq(boxes[1]->extent[0], n - 2);
  cr_assert_eq(boxes[1]->extent[1], 3);
  cr_assert_eq(boxes[2]->extent[0], 1);
  cr_assert_eq(boxes[2]->extent[1], 2);
  es_arena_free(&arena);
}

Test(boxes, refuse_what_is_too_general) {
  arena_open();
  int n;
  es_problem **boxes;
  es_status status;
  es_problem *p = numbered(3, 2, (int64_t[]){4, 4, 3}, 1);
  p->constraint[0] = (es_constraint){0, 4, (int64_t[]){1, 1, 0}};
  cr_assert(!es_problem_boxes(&arena, p, 100, &n, &boxes, &status));
  cr_assert_eq(status, ES_OK);
  p->constraint[0].extent = 7; /* always holds: no obstacle */
  cr_assert(es_problem_boxes(&arena, p, 100, &n, &boxes, &status));
  cr_assert_eq(n, 1);
  p->constraint[0] = (es_constraint){-9, 9, (int64_t[]){0, 0, 0}}; /* never holds */
  cr_assert(es_problem_boxes(&arena, p, 100, &n, &boxes, &status));
  cr_assert(n == 1 && es_problem_taps(boxes[0]) == 0);
  es_problem *wide = numbered(2, 1, (int64_t[]){50, 60}, 1); /* 50 different windows */
  wide->constraint[0] = (es_constraint){-50, 60, (int64_t[]){1, 1}};
  cr_assert(!es_problem_boxes(&arena, wide, 49, &n, &boxes, &status));
  cr_assert(es_problem_boxes(&arena, wide, 50, &n, &boxes, &status));
  cr_assert_eq(n, 50);
  es_arena_free(&arena);
}
