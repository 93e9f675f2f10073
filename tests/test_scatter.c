/* Affine outputs: the gather over residues against the sum the text means. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/bound_eval.h"

static void check(const char *text, const char *shapes, const char *sizes,
                  const es_options *options) {
  bound_case c;
  bound_open(&c, ES_KIND_EINSUM, text, shapes, sizes, options);
  cr_assert_eq(c.status, ES_OK, "%s over %s with %s: %s", text, shapes, sizes, c.error.message);
  int64_t n, m;
  double *parts = bound_by_parts(&c, 0, &n), *meaning = bound_by_meaning(&c, &m);
  cr_assert_eq(n, m);
  for (int64_t i = 0; i < n; i++)
    cr_assert(parts[i] == meaning[i], "%s over %s with %s: element %lld is %g, meant %g", text,
              shapes, sizes, (long long)i, parts[i], meaning[i]);
  free(parts);
  free(meaning);
  bound_close(&c);
}

/* Every stride, dilation, padding, window and length up to small bounds. */
Test(scatter, fold_1d) {
  for (int s = 1; s <= 4; s++)
    for (int d = 1; d <= 3; d++)
      for (int p = 0; p <= 2; p++)
        for (int k = 0; k <= 4; k++)
          for (int n = 0; n <= 4; n++) {
            char text[64], shape[32];
            snprintf(text, sizeof text, "h k -> (%d*h+%d*k-%d)", s, d, p);
            snprintf(shape, sizeof shape, "%d,%d", n, k);
            check(text, shape, "", NULL);
          }
}

Test(scatter, target_size_given) {
  for (int64_t extent = 0; extent <= 12; extent++) {
    es_options o = {.out_shape = &extent, .out_rank = 1};
    check("h k -> (2*h+k-1)", "4,3", "", &o);
    check("h k -> (3*h+2*k)", "3,3", "", &o);
    check("i j -> (i-j)", "3,4", "", &o);
    check("i -> (2*i-3)", "5", "", &o);
    check("i -> (7-2*i)", "5", "", &o);
    check("i, j -> (6*i+4*j)", "3 3", "", &o);
    check("i j k -> (4*i+6*j+9*k-5)", "3,2,2", "", &o);
  }
}

/* (n-1)s + d(k-1) + 1 - 2p, and the start where it is positive. */
Test(scatter, target_size) {
  const struct {
    const char *text, *shape;
    int64_t size;
  } rows[] = {
      {"h k -> (2*h+k)", "3,3", 7}, {"h k -> (2*h+k-1)", "3,3", 5}, {"h k -> (h+3*k)", "4,2", 7},
      {"h -> (h+2)", "3", 5},       {"h -> (2*h)", "3", 5},         {"h k -> (h-k)", "5,3", 3},
      {"h k -> (h-k+2)", "5,3", 7}, {"h -> (h-9)", "3", 0},         {"h k -> (2*h+k)", "1,1", 1},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bound_case c;
    bound_open(&c, ES_KIND_EINSUM, rows[i].text, rows[i].shape, "", NULL);
    cr_assert_eq(c.status, ES_OK, "%s: %s", rows[i].text, c.error.message);
    cr_assert_eq(c.bound->out[0].shape[0], rows[i].size, "%s: %lld", rows[i].text,
                 (long long)c.bound->out[0].shape[0]);
    bound_close(&c);
  }
}

Test(scatter, several_axes) {
  check("b c y x k l -> b c (2*y+k-1) (3*x+2*l)", "1,2,3,2,3,2", "", NULL);
  check("y x k l -> (y+k) (x+l)", "3,2,2,4", "", NULL);
  check("i j -> (i+j) (i-j)", "4,3", "", NULL);
  check("i j -> (i+j) (2*i+j)", "4,3", "", NULL);
  check("i j -> i (i+j)", "4,3", "", NULL);
  check("i j -> i (2*i+3*j-4)", "4,3", "", NULL);
  check("i j -> i j (i+j)", "2,3", "", NULL);
  check("i -> (2*i) (3*i+1)", "3", "", NULL);
  check("i j k -> (i+j+k)", "2,3,4", "", NULL);
  check("i j k -> (2*i+3*j+5*k)", "3,3,3", "", NULL);
  check("i j -> (2*i+2*j)", "3,4", "", NULL);
  check("b i j -> (b (i+j))", "2,3,3", "", NULL);
  check("i, j, k -> ((i+j) k)", "3 2 2", "", NULL);
  check("i -> (2*i+j)", "3", "j=2", NULL);  /* j repeats */
  check(" -> (i+j)", "-", "i=3 j=2", NULL); /* a count of points */
  check("i -> (0*i)", "3", "", NULL);
  check("x (h+k-1)?0, k l -> x (2*h+l)", "2,5 3,2", "", NULL);
  check("(h+k-1)?edge, k l -> (2*h+l-1)", "5 3,2", "", NULL);
}

/* Strides past the number of residues that get a part each. */
Test(scatter, long_strides) {
  check("h k -> (1500*h+k)", "2,3", "", NULL);
  check("h k l -> (1500*h+1600*k+1700*l)", "2,2,2", "", NULL);
  check("y x k l -> (70*y+k) (70*x+l)", "2,2,2,2", "", NULL);
}

Test(scatter, other_reducers) {
  es_options max = {.reducer = ES_REDUCE_MAX}, prod = {.reducer = ES_REDUCE_PROD};
  check("h k -> (2*h+k)", "3,3", "", &max);
  check("h k -> (3*h+k)", "3,2", "", &prod);
  bound_case c; /* an element that nothing reaches has no maximum */
  bound_open(&c, ES_KIND_EINSUM, "h k -> (3*h+k)", "3,2", "", &max);
  cr_assert_eq(c.status, ES_E_EMPTY);
  cr_assert_str_eq(c.error.rule, "S15");
  bound_close(&c);
}

/* col2im with a stride: s parts, none of which tests more points than it must. */
Test(scatter, one_part_a_residue) {
  bound_case c;
  bound_open(&c, ES_KIND_EINSUM, "h k -> (2*h+k)", "10,3", "", NULL);
  cr_assert_eq(c.status, ES_OK, "%s", c.error.message);
  cr_assert_eq(c.bound->n_parts, 2);
  cr_assert(!c.bound->out[0].fill_first);
  for (int i = 0; i < 2; i++) {
    cr_assert_eq(c.bound->part[i].out_walk.stride[0], 2);
    int points = 1; /* t even: k is 0 or 2; t odd: k is 1, and h is t/2 */
    const es_walk *w = &c.bound->part[i].in_walk[0];
    for (int k = 0; k < w->n; k++) points *= (int)c.bound->label[w->label[k]].extent;
    cr_assert_eq(points, c.bound->part[i].out_walk.offset ? 10 : 11 * 2);
    cr_assert_eq(c.bound->part[i].n_constraints, c.bound->part[i].out_walk.offset ? 0 : 1);
  }
  bound_close(&c);
  bound_open(&c, ES_KIND_EINSUM, "h k -> (3*h+k)", "4,2", "", NULL);
  cr_assert_eq(c.bound->n_parts, 2); /* residue 2 is never reached */
  cr_assert(c.bound->out[0].fill_first);
  bound_close(&c);
}

/* ---- random expressions ---------------------------------------------------------------- */

typedef struct random_text {
  unsigned state;
  char text[512], shapes[128], sizes[128];
  int extent[5];
} random_text;

static unsigned pick(random_text *r, unsigned n) {
  r->state = r->state * 1664525u + 1013904223u;
  return (r->state >> 10) % n;
}

static void put(char *to, size_t cap, const char *fmt, int value) {
  size_t len = strlen(to);
  snprintf(to + len, cap - len, fmt, value);
}

/* An index over one to three labels; *reach is what it needs of its axis. */
static void put_index(random_text *r, bool input, int *reach) {
  int n = 1 + (int)pick(r, 3), first = (int)pick(r, 5), constant = (int)pick(r, 5) - 2,
      low = constant;
  char *t = r->text;
  *reach = constant;
  put(t, sizeof r->text, "(", 0);
  for (int i = 0; i < n; i++) {
    int label = (first + i) % 5, factor = 1 + (int)pick(r, 3);
    bool minus = i && pick(r, 4) == 0;
    int span = factor * (r->extent[label] > 0 ? r->extent[label] - 1 : 0);
    put(t, sizeof r->text, i ? (minus ? "-%d*" : "+%d*") : "%d*", factor);
    put(t, sizeof r->text, "%c", 'a' + label);
    *(minus ? &low : reach) += minus ? -span : span;
  }
  if (constant) put(t, sizeof r->text, "%+d", constant);
  put(t, sizeof r->text, ")", 0);
  if (input && (low < 0 || pick(r, 2))) {
    static const char *const fills[] = {"?0", "?0", "?0", "?edge", "?wrap", "?reflect", "?7"};
    put(t, sizeof r->text, fills[pick(r, 7)], 0);
    *reach = 1 + (int)pick(r, 5);
  } else {
    *reach = *reach + 1 > 0 ? *reach + 1 + (int)pick(r, 2) : 1;
  }
}

static void put_axis(random_text *r, bool input, int *size) {
  int a = (int)pick(r, 5), b = (int)pick(r, 5);
  unsigned kind = pick(r, 8);
  if (kind < 4) {
    put(r->text, sizeof r->text, "%c", 'a' + a);
    *size = r->extent[a];
  } else if (kind < 6) {
    put(r->text, sizeof r->text, "(%c ", 'a' + a);
    put(r->text, sizeof r->text, "%c)", 'a' + b);
    *size = r->extent[a] * r->extent[b];
  } else {
    put_index(r, input, size);
  }
}

static void make_random(random_text *r) {
  r->text[0] = r->shapes[0] = r->sizes[0] = 0;
  for (int i = 0; i < 5; i++) {
    r->extent[i] = pick(r, 12) ? 1 + (int)pick(r, 3) : 0;
    put(r->sizes, sizeof r->sizes, i ? " %c" : "%c", 'a' + i);
    put(r->sizes, sizeof r->sizes, "=%d", r->extent[i]);
  }
  int operands = 1 + (int)pick(r, 2);
  /* The first operand holds every label: none of the sizes is unused. */
  put(r->text, sizeof r->text, "(a b) c (d e)", 0);
  put(r->shapes, sizeof r->shapes, "%d,", r->extent[0] * r->extent[1]);
  put(r->shapes, sizeof r->shapes, "%d,", r->extent[2]);
  put(r->shapes, sizeof r->shapes, "%d", r->extent[3] * r->extent[4]);
  for (int i = 0; i < operands; i++) {
    int axes = 1 + (int)pick(r, 3);
    put(r->text, sizeof r->text, ", ", 0);
    put(r->shapes, sizeof r->shapes, " ", 0);
    for (int k = 0; k < axes; k++) {
      int size;
      if (k) put(r->text, sizeof r->text, " ", 0);
      put_axis(r, true, &size);
      put(r->shapes, sizeof r->shapes, k ? ",%d" : "%d", size);
    }
  }
  put(r->text, sizeof r->text, " -> ", 0);
  int axes = (int)pick(r, 4);
  for (int k = 0; k < axes; k++) {
    int size;
    if (k) put(r->text, sizeof r->text, " ", 0);
    put_axis(r, false, &size);
  }
}

Test(scatter, random_expressions) {
  random_text r = {.state = 20240607};
  int bound = 0;
  for (int i = 0; i < 4000; i++) {
    make_random(&r);
    bound_case c;
    bound_open(&c, ES_KIND_EINSUM, r.text, r.shapes, r.sizes, NULL);
    bool read_outside = c.status == ES_E_RANGE; /* an empty axis, or '?' left out */
    cr_assert(c.status == ES_OK || read_outside, "%s over %s with %s: %s", r.text, r.shapes,
              r.sizes, c.error.message);
    bound_close(&c);
    if (read_outside) continue;
    bound++;
    check(r.text, r.shapes, r.sizes, NULL);
  }
  cr_assert_gt(bound, 3000);
}
