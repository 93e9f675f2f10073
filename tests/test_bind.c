/* Patterns against shapes: what is bound walks the elements the text means, and
 * what is refused is refused with the right words and places. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/bind/bind.h"
#include "support/bound_eval.h"

static const es_kind E = ES_KIND_EINSUM, A = ES_KIND_REARRANGE, R = ES_KIND_REDUCE,
                     P = ES_KIND_REPEAT;

/* ---- meaning ----------------------------------------------------------------------- */

static void check_same(const bound_case *c, const char *text, const char *shapes) {
  int64_t n, m;
  double *parts = bound_by_parts(c, 0, &n), *meaning = bound_by_meaning(c, &m);
  cr_assert_eq(n, m);
  for (int64_t i = 0; i < n; i++)
    cr_assert(parts[i] == meaning[i], "%s over %s: element %lld is %g, meant %g", text, shapes,
              (long long)i, parts[i], meaning[i]);
  free(parts);
  free(meaning);
}

static void check_shape(const bound_case *c, const char *text, const char *expected) {
  char shape[256] = "";
  const es_output *o = &c->bound->out[0];
  for (int i = 0; i < o->rank; i++)
    snprintf(shape + strlen(shape), sizeof shape - strlen(shape), "%s%lld", i ? "," : "",
             (long long)o->shape[i]);
  cr_assert_str_eq(shape, expected, "%s: shape (%s), expected (%s)", text, shape, expected);
}

typedef struct good {
  es_kind kind;
  const char *text, *shapes, *sizes, *shape;
} good;

static void check_good(const good *rows, size_t n, const es_options *options) {
  for (size_t i = 0; i < n; i++) {
    bound_case c;
    bound_open(&c, rows[i].kind, rows[i].text, rows[i].shapes, rows[i].sizes, options);
    cr_assert_eq(c.status, ES_OK, "%s: %s", rows[i].text, c.error.message);
    check_shape(&c, rows[i].text, rows[i].shape);
    check_same(&c, rows[i].text, rows[i].shapes);
    bound_close(&c);
  }
}
#define CHECK_GOOD(rows, options) check_good(rows, sizeof rows / sizeof *rows, options)

Test(bind, notation) {
  const good rows[] = {
      {E, "b c h w, o c -> b o h w", "2,3,2,4 5,3", "", "2,5,2,4"},
      {E, "b c (2*ho+kh-1)?0 (2*wo+kw-1)?0, o c kh kw -> b o ho wo", "1,2,7,6 3,2,3,3", "",
       "1,3,4,3"},
      {E, "b (g c) (h+kh) (w+kw), (g o) c kh kw -> b (g o) h w", "2,4,5,4 6,2,3,2", "", "2,6,3,3"},
      {R, "b c (2*h+kh) (2*w+kw) -> b c h w | max", "1,2,5,6", "kh=2 kw=2", "1,2,2,3"},
      {E, "batch... d, k d -> batch... k", "2,3,4 5,4", "", "2,3,5"},
      {E, "batch... d, k d -> batch... k", "4 5,4", "", "5"},
      {E, "b i i -> b", "2,3,3", "", "2"},
      {E, "i -> i i", "3", "", "3,3"},
      {E, "i, j -> (i+j)", "3 4", "", "6"},
      {E, "bWHklgs,klgsS->bWHgS", "1,2,2,2,1,2,2 2,1,2,2,3", "", "1,2,2,2,3"},
      {E, "ij, jk -> ik", "2,3 3,4", "", "2,4"},
      {E, "...ij, ...jk -> ...ik", "5,2,3 3,4", "", "5,2,4"},
      {E, "...ij, ...jk -> ...ik", "5,1,2,3 6,3,4", "", "5,6,2,4"},
      {E, "x1, y -> x1 y", "2 3", "", "2,3"},
      {E, "b (g c) -> b g c", "2,6", "g=3", "2,3,2"},
      {E, "i->", "4", "", ""},
      {E, ", i -> i", "- 3", "", "3"},
      {E, "i i j, j -> i", "3,3,2 2", "", "3"},
      {E, "b 3 _ -> b", "2,3,4", "", "2"},
      {E, "b -> b 1 2", "3", "", "3,1,2"},
      {E, "a () -> () a", "3,1", "", "1,3"},
      {E, "(g (2*h+k)) g h k -> g", "0,0,2,3", "", "0"},
      {E, "(g ((2*h+k) w)) g h k w -> g", "0,0,2,3,2", "", "0"},
      {E, "(2*h+k) h k -> k", "9,0,3", "", "3"},
  };
  CHECK_GOOD(rows, NULL);
}

Test(bind, formulas) {
  const good rows[] = {
      {E, "b i, o i -> b o", "2,3 4,3", "", "2,4"},
      {E, "b c (2*n+3*k-1)?0, o c k -> b o n", "2,2,11 3,2,3", "", "2,3,4"},
      {E, "b (g c) (n+k), (g o) c k -> b (g o) n", "1,4,6 6,2,3", "", "1,6,4"},
      {E, "b c (2*ho+3*kh-1)?0 (2*wo+3*kw-1)?0, o c kh kw -> b o ho wo", "1,2,8,9 2,2,2,3", "",
       "1,2,4,3"},
      {E, "b (g c) h w, (g c) o r q -> b (g o) (h r) (w q)", "1,4,2,3 4,2,2,2", "g=2", "1,4,4,6"},
      {E, "b i n g d, b j n d -> b n g i j", "1,2,2,2,3 1,4,2,3", "", "1,2,2,2,4"},
      {E, "b h i j, b h j d -> b i (h d)", "1,2,3,4 1,2,4,2", "", "1,3,4"},
      {E, "b c ho wo kh kw -> b c (2*ho+kh-1) (2*wo+kw-1)", "1,1,3,3,3,3", "", "1,1,5,5"},
      {E, "b c h w, c o kh kw -> b o (2*h+kh) (2*w+kw)", "1,2,2,3 2,2,3,3", "", "1,2,5,7"},
      {E, "(W k), k -> W", "8 2", "", "4"},
      {E, "(W+k), k -> W", "8 3", "", "6"},
      {E, "b (W k) (H l) (C m), k l m -> b W H C", "1,4,2,4 2,2,2", "", "1,2,1,2"},
      {E, "b o (i+kh-2)?0 w, o kh -> b o i w", "1,2,4,2 2,3", "", "1,2,6,2"},
      {E, "b (W k) (H l) (g s), k l g s S -> b W H (g S)", "1,4,2,4 2,1,2,2,3", "", "1,2,2,6"},
      {A, "b (g k) h w -> b (k g) h w", "1,6,2,2", "g=2", "1,6,2,2"},
      {A, "b c (h k) (w l) -> b (c k l) h w", "1,3,4,2", "k=2 l=2", "1,12,2,1"},
      {P, "c g -> c (f g)", "2,3", "f=2", "2,6"},
      {E, "b (g c) h w, (g o) c -> b (o g) h w", "1,4,2,2 6,2", "", "1,6,2,2"},
      {E, "b c ho wo kh kw, b o ho wo -> o c kh kw", "1,2,2,2,2,2 1,3,2,2", "", "3,2,2,2"},
  };
  CHECK_GOOD(rows, NULL);
}

/* mean divides by the whole window: pads count. */
Test(bind, mean_counts_pads) {
  bound_case c;
  bound_open(&c, R, "(2*h+kh-1)?0 -> h | mean", "5", "kh=3", NULL);
  cr_assert_eq(c.status, ES_OK, "%s", c.error.message);
  cr_assert_eq(c.bound->part[0].mean_count, 3);
  int64_t n;
  double *out = bound_by_parts(&c, 0, &n);
  cr_assert_eq(n, 3);
  cr_assert_eq(out[0], (c.data[0][0] + c.data[0][1]) / 3);
  free(out);
  bound_close(&c);
}

/* Strides that need not touch memory: a convolution is two strides over one axis. */
Test(bind, unfold_is_a_view) {
  bound_case c;
  bound_open(&c, A, "b (2*h+3*k) -> b h k", "2,11", "k=2", NULL);
  cr_assert_eq(c.status, ES_OK, "%s", c.error.message);
  const es_part *p = &c.bound->part[0];
  cr_assert_eq(c.bound->n_parts, 1);
  cr_assert_eq(p->n_constraints, 0);
  cr_assert_eq(p->in_walk[0].n, 3);
  cr_assert_eq(p->in_walk[0].stride[0], 11);
  cr_assert_eq(p->in_walk[0].stride[1], 2);
  cr_assert_eq(p->in_walk[0].stride[2], 3);
  cr_assert_eq(c.bound->out[0].shape[1], 4);
  bound_close(&c);
}

Test(bind, stretching) {
  const good letters[] = {
      {E, "ij,jk->ik", "2,1 3,4", "", "2,4"},
      {E, "ij,ij->ij", "1,3 2,1", "", "2,3"},
      {E, "i,i->", "1 4", "", ""},
      {E, "...i,i->...i", "2,1 5", "", "2,5"},
      {E, "ij->ij", "1,3", "i=4", "4,3"},
  };
  CHECK_GOOD(letters, NULL);
  const good names[] = {{E, "a b, b c -> a c", "2,1 3,4", "", "2,4"}};
  CHECK_GOOD(names, &(es_options){.broadcast = ES_BROADCAST_STRETCH});
  const good ellipsis[] = {{E, "... a, ... a -> ...", "1,4,2 3,1,2", "", "3,4"},
                           {E, "x... a, x... a -> x... a", "2 3,4,2", "", "3,4,2"}};
  CHECK_GOOD(ellipsis, &(es_options){.reading = ES_READ_NAMES});
}

Test(bind, implicit_output) {
  const good rows[] = {
      {E, "ba", "2,3", "", "3,2"},
      {E, "ij,jk", "2,3 3,4", "", "2,4"},
      {E, "...i,i", "2,3 3", "", "2"},
      {E, "b a", "2,3", "", "2,3"},
      {E, "b (g c), c", "2,6 3", "", "2,2"},
      {E, "ii", "3,3", "", ""},
      {E, "\xce\xb8k,Wk", "2,3 4,3", "", "4,2"},
  };
  CHECK_GOOD(rows, NULL);
}

Test(bind, several_ellipses) {
  const good rows[] = {
      {E, "a... b..., a... -> b...", "2,3,4 2,3", "", "4"},
      {E, "a... b..., b..., c... a... -> c...", "2,3,4 4 5,2,3", "", "5"},
      {E, "a... b..., a..., b... -> a... b...", "2,3,4 2,3 4", "", "2,3,4"},
  };
  CHECK_GOOD(rows, &(es_options){.reading = ES_READ_NAMES});
}

Test(bind, padding_with_values) {
  const good rows[] = {
      {A, "(h-1)?5 -> h", "3", "", "5"},
      {A, "(h)?0 -> h", "3", "h=5", "5"},
      {A, "b (h)?edge -> b (h)", "2,3", "h=5", "2,5"},
      {E, "(g ((h+k-1)?wrap w)), k -> g h w", "12 3", "g=2 w=2", "2,3,2"},
      {A, "b (h-2)?edge -> b h", "2,3", "", "2,7"},
      {A, "(h-4)?reflect (w-5)?wrap -> h w", "3,2", "", "11,12"},
      {E, "b (g (2*h+k-1)?edge), k -> b g h", "2,10 3", "g=2", "2,2,3"},
      {E, "(h+k-1)?wrap (w+l-1)?0, k l -> h w", "4,3 3,3", "", "4,3"},
      {E, "(h+k-1)?-2.5, k -> h", "4 3", "", "4"},
  };
  CHECK_GOOD(rows, NULL);
}

Test(bind, parameters) {
  const good rows[] = {
      {E, "(h-k+K-1), k -> h", "6 3", "K=3", "4"},
      {E, "(i-j+T-1), j -> i", "7 4", "T=4 i=4", "4"},
      {E, "(s*h+d*k-p)?0, k -> h", "9 3", "s=2 d=2 p=1", "4"},
      {R, "(2*h+kh) -> h | sum", "7", "kh=3", "3"},
      {E, "(h-k)?0, k -> h", "5 3", "", "7"},    /* full convolution */
      {E, "(h-k)?0, k -> h", "5 3", "h=5", "5"}, /* causal */
      {E, "(h+k-1)?0, k -> h", "5 3", "", "5"},  /* same */
      {E, "(h+1)?0 -> h", "4", "", "4"},
  };
  CHECK_GOOD(rows, NULL);
}

/* ---- joining and splitting ------------------------------------------------------------- */

static void check_values(const bound_case *c, int output, int64_t n, const double *expected) {
  int64_t count;
  double *out = bound_by_parts(c, output, &count);
  cr_assert_eq(count, n);
  for (int64_t i = 0; i < n; i++)
    cr_assert(out[i] == expected[i], "element %lld is %g, expected %g", (long long)i, out[i],
              expected[i]);
  free(out);
}

Test(bind, concatenation) {
  bound_case c;
  bound_open(&c, E, "b x, b y -> b (x ^ y)", "2,1 2,2", "", NULL);
  cr_assert_eq(c.status, ES_OK, "%s", c.error.message);
  cr_assert_eq(c.bound->n_parts, 2);
  const double *x = c.data[0], *y = c.data[1];
  check_values(&c, 0, 6, (double[]){x[0], y[0], y[1], x[1], y[2], y[3]});
  bound_close(&c);
  bound_open(&c, E, "x, y, -> (x ^ y)", "1 2 -", "", NULL); /* the scalar scales both */
  cr_assert_eq(c.status, ES_OK, "%s", c.error.message);
  check_values(&c, 0, 3,
               (double[]){c.data[0][0] * c.data[2][0], c.data[1][0] * c.data[2][0],
                          c.data[1][1] * c.data[2][0]});
  bound_close(&c);
  bound_open(&c, E, "x -> (x ^ x)", "2", "", NULL);
  cr_assert_eq(c.status, ES_OK, "%s", c.error.message);
  check_values(&c, 0, 4, (double[]){c.data[0][0], c.data[0][1], c.data[0][0], c.data[0][1]});
  bound_close(&c);
}

Test(bind, splitting) {
  bound_case c;
  bound_open(&c, E, "b (x ^ y) -> b x, y b", "2,3", "x=1", NULL);
  cr_assert_eq(c.status, ES_OK, "%s", c.error.message);
  const double *d = c.data[0];
  check_values(&c, 0, 2, (double[]){d[0], d[3]});
  check_values(&c, 1, 4, (double[]){d[1], d[4], d[2], d[5]});
  bound_close(&c);
  bound_open(&c, E, "(x ^ y) -> (y ^ x)", "5", "y=2", NULL); /* a rotation */
  cr_assert_eq(c.status, ES_OK, "%s", c.error.message);
  d = c.data[0];
  check_values(&c, 0, 5, (double[]){d[3], d[4], d[0], d[1], d[2]});
  bound_close(&c);
  bound_open(&c, E, "((b (x ^ y)) c) -> (c y) b", "12", "b=2 c=2 y=1", NULL);
  cr_assert_eq(c.status, ES_OK, "%s", c.error.message);
  d = c.data[0];
  check_values(&c, 0, 4, (double[]){d[4], d[10], d[5], d[11]});
  bound_close(&c);
  bound_open(&c, E, "x, y -> ((x ^ 1 ^ y) 1)", "1 2", "", NULL); /* nothing fills the 1 */
  cr_assert_eq(c.status, ES_E_NAME, "%s", c.error.message);
  bound_close(&c);
  bound_open(&c, E, "x, y, z -> (x ^ (a (y ^ z)))", "1 1 2", "a=2", NULL);
  cr_assert_eq(c.status, ES_OK, "%s", c.error.message);
  cr_assert_eq(c.bound->n_parts, 3);
  d = c.data[1];
  const double *e = c.data[2];
  check_values(&c, 0, 7, (double[]){c.data[0][0], d[0], e[0], e[1], d[0], e[0], e[1]});
  bound_close(&c);
  bound_open(&c, E, "(x ^ 2) -> x", "5", "", NULL); /* the size follows */
  cr_assert_eq(c.status, ES_OK, "%s", c.error.message);
  check_values(&c, 0, 3, c.data[0]);
  bound_close(&c);
}

/* ---- types -------------------------------------------------------------------------------- */

typedef struct typed {
  es_kind kind;
  const char *text;
  es_reducer reducer;
  es_dtype in, out, compute;
  es_reducer reduce;
  es_inner combine;
} typed;

static es_status bind_typed(bound_case *c, es_kind kind, const char *text, es_dtype a, es_dtype b,
                            const es_options *options) {
  memset(c, 0, sizeof *c);
  es_allocator al = es_allocator_default();
  es_arena_init(&c->arena, &al);
  const int64_t shape[] = {3};
  es_array in[2] = {{.dtype = a, .rank = 1, .shape = shape},
                    {.dtype = b, .rank = 1, .shape = shape}};
  c->status = es_parse(&c->arena, kind, text, strlen(text), ES_READ_AUTO, &c->pattern, &c->error);
  cr_assert_eq(c->status, ES_OK, "%s", c->error.message);
  return c->status = es_bind(&c->arena, c->pattern, in, c->pattern->n_in, NULL, options, &c->bound,
                             &c->error);
}

Test(bind, types) {
  const typed rows[] = {
      {E, "i->", 0, ES_F16, ES_F16, ES_F32, ES_REDUCE_SUM, ES_INNER_MUL},
      {E, "i->", 0, ES_I8, ES_I8, ES_I64, ES_REDUCE_SUM, ES_INNER_MUL},
      {E, "i,i->", 0, ES_BOOL, ES_BOOL, ES_I64, ES_REDUCE_ANY, ES_INNER_AND},
      {R, "i -> ", ES_REDUCE_SUM, ES_BOOL, ES_I64, ES_I64, ES_REDUCE_SUM, ES_INNER_MUL},
      {R, "i -> ", ES_REDUCE_PROD, ES_U8, ES_I64, ES_I64, ES_REDUCE_PROD, ES_INNER_MUL},
      {R, "i -> ", ES_REDUCE_MAX, ES_U8, ES_U8, ES_I64, ES_REDUCE_MAX, ES_INNER_MUL},
      {R, "i -> ", ES_REDUCE_MEAN, ES_I32, ES_F64, ES_I64, ES_REDUCE_MEAN, ES_INNER_MUL},
      {R, "i -> ", ES_REDUCE_MEAN, ES_BF16, ES_BF16, ES_F32, ES_REDUCE_MEAN, ES_INNER_MUL},
      {R, "i -> ", ES_REDUCE_ANY, ES_F32, ES_BOOL, ES_F32, ES_REDUCE_ANY, ES_INNER_MUL},
      {R, "i -> ", ES_REDUCE_LOGSUMEXP, ES_I16, ES_F64, ES_F64, ES_REDUCE_LOGSUMEXP, ES_INNER_MUL},
      {A, "i -> i", 0, ES_BF16, ES_BF16, ES_F32, ES_REDUCE_SUM, ES_INNER_MUL},
      {E, "i, i -> | (max,+)", 0, ES_F32, ES_F32, ES_F32, ES_REDUCE_MAX, ES_INNER_ADD},
      {E, "i, i -> | (sum,+)", 0, ES_C64, ES_C64, ES_C64, ES_REDUCE_SUM, ES_INNER_ADD},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bound_case c;
    es_options o = {.reducer = rows[i].reducer};
    cr_assert_eq(bind_typed(&c, rows[i].kind, rows[i].text, rows[i].in, rows[i].in, &o), ES_OK,
                 "%s: %s", rows[i].text, c.error.message);
    cr_assert_eq(c.bound->out[0].dtype, rows[i].out, "%s row %zu", rows[i].text, i);
    cr_assert_eq(c.bound->compute, rows[i].compute, "%s row %zu", rows[i].text, i);
    cr_assert_eq(c.bound->reduce, rows[i].reduce, "%s row %zu", rows[i].text, i);
    cr_assert_eq(c.bound->combine, rows[i].combine, "%s row %zu", rows[i].text, i);
    bound_close(&c);
  }
}

Test(bind, types_without_a_rule) {
  const struct {
    es_kind kind;
    const char *text;
    es_dtype in;
    es_options options;
    es_status status;
    const char *says;
  } rows[] = {
      {R, "i ->", ES_C64, {.reducer = ES_REDUCE_MAX}, ES_E_DTYPE, "c64"},
      {R, "i ->", ES_C128, {.reducer = ES_REDUCE_ANY}, ES_E_DTYPE, "any"},
      {E, "i, i -> | (sum,min)", ES_C64, {0}, ES_E_DTYPE, "min"},
      {E, "i->", ES_F32, {.wrap = true}, ES_E_DTYPE, "wrap"},
      {E, "i->", ES_F32, {.has_out_dtype = true, .out_dtype = ES_I32}, ES_E_DTYPE, "f32"},
      {E, "i->", ES_C64, {.has_out_dtype = true, .out_dtype = ES_F64}, ES_E_DTYPE, "c64"},
      {E, "i->", ES_I32, {.has_scale = true, .alpha = 0.5}, ES_E_VALUE, "alpha 0.5"},
      {E, "i->", ES_I32, {.has_scale = true, .alpha = NAN}, ES_E_VALUE, "alpha"},
      {E, "i->", ES_I32, {.reducer = ES_REDUCER_COUNT}, ES_E_VALUE, "reducer"},
      {E, "i -> | sum", ES_I32, {.reducer = ES_REDUCE_MAX}, ES_E_VALUE, "sum"},
      {R, "i ->", ES_I32, {0}, ES_E_VALUE, "logsumexp"},
      {E, "i->", ES_BOOL, {.has_scale = true, .alpha = 2}, ES_E_DTYPE, "bool"},
      {E, "i->", ES_I32, {.has_scale = true, .alpha = 1e300}, ES_E_VALUE, "whole"},
      {A, "i -> i", ES_I32, {.reducer = ES_REDUCE_MAX}, ES_E_VALUE, "reduce"},
      {E, "i->", ES_I32, {.broadcast = 9}, ES_E_VALUE, "broadcast"},
      {E, "i->", ES_I32, {.has_out_dtype = true, .out_dtype = 77}, ES_E_VALUE, "77"},
      {A, "(i-1)?300 -> i", ES_U8, {0}, ES_E_DTYPE, "300"},
      {A, "(i-1)?0.5 -> i", ES_I32, {0}, ES_E_DTYPE, "0.5"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bound_case c;
    es_status status = bind_typed(&c, rows[i].kind, rows[i].text, rows[i].in, rows[i].in,
                                  &rows[i].options);
    cr_assert_eq(status, rows[i].status, "row %zu %s: %s", i, rows[i].text, c.error.message);
    cr_assert(strstr(c.error.message, rows[i].says), "row %zu: %s", i, c.error.message);
    bound_close(&c);
  }
}

Test(bind, whole_scales_on_integers) {
  bound_case c;
  es_options o = {.has_scale = true, .alpha = 2, .beta = -3};
  cr_assert_eq(bind_typed(&c, E, "i->", ES_I32, ES_I32, &o), ES_OK, "%s", c.error.message);
  cr_assert(c.bound->alpha == 2 && c.bound->beta == -3);
  bound_close(&c);
}

/* ---- the caller's output -------------------------------------------------------------------- */

static es_status bind_out(bound_case *c, const char *text, const es_array *in,
                          const es_array *out) {
  memset(c, 0, sizeof *c);
  es_allocator al = es_allocator_default();
  es_arena_init(&c->arena, &al);
  es_parse(&c->arena, E, text, strlen(text), ES_READ_NAMES, &c->pattern, &c->error);
  return es_bind(&c->arena, c->pattern, in, 1, out, NULL, &c->bound, &c->error);
}

Test(bind, output_array) {
  const int64_t in_shape[] = {2, 3}, shape[] = {6}, strides[] = {-2}, zero[] = {0}, wrong[] = {5};
  es_array in = {.dtype = ES_F32, .rank = 2, .shape = in_shape};
  es_array out = {.dtype = ES_F64, .rank = 1, .shape = shape, .strides = strides};
  bound_case c;
  cr_assert_eq(bind_out(&c, "a b -> (b a)", &in, &out), ES_OK, "%s", c.error.message);
  const es_walk *w = &c.bound->part[0].out_walk; /* an axis of the caller splits by strides */
  cr_assert_eq(w->n, 2);
  cr_assert_eq(w->stride[0], -2); /* a */
  cr_assert_eq(w->stride[1], -4); /* b */
  cr_assert_eq(c.bound->out[0].dtype, ES_F64);
  cr_assert_eq(c.bound->compute, ES_F64);
  bound_close(&c);
  out.strides = zero;
  cr_assert_eq(bind_out(&c, "a b -> (b a)", &in, &out), ES_E_READONLY);
  bound_close(&c);
  out.strides = NULL;
  out.shape = wrong;
  cr_assert_eq(bind_out(&c, "a b -> (b a)", &in, &out), ES_E_EXTENT);
  cr_assert(strstr(c.error.message, "5") && strstr(c.error.message, "6"), "%s", c.error.message);
  bound_close(&c);
  out.rank = 0;
  cr_assert_eq(bind_out(&c, "a b -> (b a)", &in, &out), ES_E_RANK);
  bound_close(&c);
  es_options i64 = {.has_out_dtype = true, .out_dtype = ES_I64};
  out = (es_array){.dtype = ES_F64, .rank = 1, .shape = shape};
  bind_out(&c, "a b -> (b a)", &in, &out);
  cr_assert_eq(es_bind(&c.arena, c.pattern, &in, 1, &out, &i64, &c.bound, &c.error), ES_E_VALUE);
  cr_assert(strstr(c.error.message, "f64") && strstr(c.error.message, "i64"), "%s",
            c.error.message);
  bound_close(&c);
  out = (es_array){.dtype = ES_I32, .rank = 1, .shape = shape};
  cr_assert_eq(bind_out(&c, "a b -> (b a)", &in, &out), ES_E_DTYPE);
  bound_close(&c);
}

Test(bind, refuses_unsound_arrays) {
  const int64_t shape[] = {2, -1}, large[] = {INT64_MAX, 2}, far[] = {3, 3},
                steps[] = {INT64_MAX / 2, 9};
  const es_array rows[] = {
      {.dtype = ES_F32, .rank = 2, .shape = shape},
      {.dtype = ES_F32, .rank = 65, .shape = shape},
      {.dtype = ES_F32, .rank = -1, .shape = shape},
      {.dtype = (es_dtype)99, .rank = 2, .shape = far},
      {.dtype = ES_F32, .rank = 2, .shape = NULL},
      {.dtype = ES_F32, .rank = 2, .shape = large},
      {.dtype = ES_F32, .rank = 2, .shape = far, .strides = steps},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bound_case c;
    es_status status = bind_out(&c, "a b -> b", &rows[i], NULL);
    cr_assert(status == ES_E_VALUE || status == ES_E_OVERFLOW, "row %zu: %d", i, (int)status);
    cr_assert_eq(c.error.operand, 0);
    cr_assert_null(c.bound);
    bound_close(&c);
  }
}

/* ---- rejections --------------------------------------------------------------------------------
 */

typedef struct bad {
  es_kind kind;
  const char *text, *shapes, *sizes;
  es_status status;
  const char *rule;
  int operand;
  const char *place, *place2; /* the text under the carets, "" for none */
  const char *says, *also;
} bad;

static void check_place(const bad *row, int64_t offset, int64_t length, const char *expected) {
  cr_assert_eq(length, (int64_t)strlen(expected), "%s: %lld bytes from %lld, expected '%s'",
               row->text, (long long)length, (long long)offset, expected);
  cr_assert(!strncmp(row->text + offset, expected, (size_t)length), "%s: place %lld, expected '%s'",
            row->text, (long long)offset, expected);
}

static void check_bad(const bad *rows, size_t n) {
  for (size_t i = 0; i < n; i++) {
    const bad *row = &rows[i];
    bound_case c;
    bound_open(&c, row->kind, row->text, row->shapes, row->sizes, NULL);
    cr_assert_eq(c.status, row->status, "%s: status %d, %s", row->text, (int)c.status,
                 c.error.message);
    cr_assert_str_eq(c.error.rule, row->rule, "%s: %s, %s", row->text, c.error.rule,
                     c.error.message);
    cr_assert_eq(c.error.operand, row->operand, "%s: operand %d", row->text, c.error.operand);
    check_place(row, c.error.offset, c.error.length, row->place);
    check_place(row, c.error.offset2, c.error.length2, row->place2);
    cr_assert(strstr(c.error.message, row->says), "%s: %s", row->text, c.error.message);
    cr_assert(strstr(c.error.message, row->also), "%s: %s", row->text, c.error.message);
    bound_close(&c);
  }
}
#define CHECK_BAD(rows) check_bad(rows, sizeof rows / sizeof *rows)

Test(bind, rejects_by_names) {
  const bad rows[] = {
      {A, "b c_in -> b i 1", "2,3", "", ES_E_NAME, "S1", -1, "c_in", "i", "left only", "same name"},
      {A, "height w -> heigth w", "2,3", "", ES_E_NAME, "S1", -1, "height", "",
       "did you mean 'heigth'", ""},
      {A, "h w -> h", "2,3", "", ES_E_NAME, "S1", -1, "w", "", "left only", "reduce"},
      {A, "h -> h w", "2", "w=3", ES_E_NAME, "S1", -1, "w", "", "right only", "repeat"},
      {A, "h h -> h", "2,2", "", ES_E_NAME, "S1", -1, "h", "h", "twice", "einsum"},
      {A, "h _ -> h", "2,2", "", ES_E_NAME, "S1", -1, "_", "", "left only", "reduce"},
      {A, "... h -> h", "2,2", "", ES_E_NAME, "S1", -1, "...", "", "left only", "reduce"},
      {A, "h 2 -> h", "3,2", "", ES_E_NAME, "S2", -1, "2", "", "use reduce", "found 2"},
      {A, "h -> h 3", "3", "", ES_E_NAME, "S2", -1, "3", "", "use repeat", "found 3"},
      {R, "h w -> h ww | sum", "2,3", "", ES_E_NAME, "S3", -1, "ww", "", "'ww'", "no input"},
      {P, "h w -> h 3", "2,3", "", ES_E_NAME, "S4", -1, "w", "", "left only", "reduce"},
      {P, "h -> h copies", "2", "", ES_E_NAME, "S4", -1, "copies", "", "copies=...", "no size"},
      {P, "h 2 -> h", "2,2", "", ES_E_NAME, "S4", -1, "2", "", "cannot vanish", ""},
      {E, "i j -> ... i j", "2,3", "", ES_E_NAME, "S5", -1, "...", "", "right only", ""},
      {E, "(a ...) -> a ...", "2", "", ES_E_NAME, "S5", -1, "...", "", "parentheses", ""},
      {E, "a c -> b... a", "2,2", "", ES_E_NAME, "S5", -1, "b", "", "right only", "b..."},
      {R, "batch... batch -> batch | sum", "2,2", "", ES_E_NAME, "S5", -1, "batch", "", "rename",
       ""},
      {E, "i j -> i k", "2,3", "", ES_E_NAME, "S11", -1, "k", "", "'k'", "no input"},
      {E, "rows cols -> row", "2,3", "", ES_E_NAME, "S11", -1, "row", "", "did you mean 'rows'",
       ""},
      {E, "ij,jk->ik", "2,3 3,4 4,5", "", ES_E_COUNT, "S11", -1, "ij,jk->ik", "",
       "2 terms, 3 operands were given", ""},
      {E, "i,j", "2", "", ES_E_COUNT, "S11", -1, "i,j", "", "2 terms, 1 operand was given", ""},
      {E, "(x ^ y) -> 2", "5", "x=2", ES_E_NAME, "S11", -1, "2", "", "names no part of the '^'",
       "'2'"},
      {E, "(x ^ y), z (u ^ v) -> x", "5 2,3", "x=2 u=1", ES_E_NAME, "S11", 1, "z (u ^ v)", "",
       "no piece", ""},
      {E, "(x ^ y) -> x y", "5", "x=2", ES_E_NAME, "S11", 0, "(x ^ y)", "", "exactly one",
       "several"},
      {E, "x -> (x ^ 2)", "5", "", ES_E_NAME, "S11", -1, "2", "", "no operand", ""},
      {E, "x, y -> x | sum", "5 6", "z=3", ES_E_NAME, "S10", -1, "", "", "'z'", "does not use"},
      {R, "x... -> x... | sum", "5", "x=5", ES_E_NAME, "S10", -1, "x", "", "several axes", ""},
      {E, "(s*h) -> h", "5", "", ES_E_UNDETERMINED, "S9", -1, "s", "", "s=...", "factor"},
      {E, "s (s*h) -> h", "5,5", "s=2", ES_E_NAME, "S9", -1, "s", "", "rename", "factor"},
  };
  CHECK_BAD(rows);
}

Test(bind, rejects_by_ranks) {
  const bad rows[] = {
      {E, "b c h, c -> b", "2,3,4,5 3", "", ES_E_RANK, "S6", 0, "b c h", "", "has 4 axes",
       "(2, 3, 4, 5)"},
      {E, "bhwc, kh kw c o -> b o", "1,2,3,4 1,1,4,2", "", ES_E_RANK, "S6", 0, "bhwc", "",
       "write 'b h w c'", "asks for 1"},
      {E, "foo, bar ->", "3 4", "", ES_E_RANK, "S6", 0, "foo", "", "names reading", "asks for 3"},
      {E, "foo, bar ->", "3,3 4", "", ES_E_RANK, "S6", 0, "foo", "", "has 2 axes", ""},
      {E, "i, a b ... c -> i", "2 2,3", "", ES_E_RANK, "S6", 1, "a b ... c", "", "at least 3",
       "has 2 axes"},
      {E, "a1... b1..., a1..., b1... -> a1...", "2,3,4 2 3", "", ES_E_RANK, "S6", 0, "a1... b1...",
       "", "has 3 axes", "asks for 2"},
      {R, "a... b... -> a... b... | sum", "2,3", "", ES_E_UNDETERMINED, "S9", 0, "a... b...", "",
       "ellipsis", ""},
      {R, "a... a... -> a... | sum", "2,2", "", ES_E_SYNTAX, "L2", -1, "a...", "a...", "twice", ""},
  };
  CHECK_BAD(rows);
}

Test(bind, rejects_by_sizes) {
  const bad rows[] = {
      {E, "a b, b c -> a c", "2,3 4,5", "", ES_E_EXTENT, "S7", 1, "b", "b",
       "'b' is 3 at axis 1 of operand 0", "4 at axis 0 of operand 1"},
      {E, "ij,jk->ik", "2,3 4,5", "", ES_E_EXTENT, "S7", 1, "j", "j", "'j' is 3", "4 at axis 0"},
      {E, "a b, b -> a", "2,3 1", "", ES_E_EXTENT, "S7", 1, "b", "b", "size 1 stretches", ""},
      {E, "a 3 -> a", "2,4", "", ES_E_EXTENT, "S7", 0, "3", "", "the text says 3", "has 4"},
      {A, "h (w 2) -> h w 1", "2,7", "", ES_E_NAME, "S2", -1, "2", "", "reduce", ""},
      {R, "h (w 2) -> h w | sum", "2,7", "", ES_E_EXTENT, "S8", 0, "(w 2)", "",
       "7 is not a multiple of 2", "axis 1 of operand 0"},
      {E, "(a b) -> a b", "6", "a=0", ES_E_EXTENT, "S8", 0, "(a b)", "", "by zero", "6"},
      {E, "(a b) -> a b", "0", "a=0", ES_E_UNDETERMINED, "S9", 0, "(a b)", "",
       "'b' does not follow", "'(a b)' = 0"},
      {E, "(a b) -> a b", "12", "", ES_E_UNDETERMINED, "S9", 0, "(a b)", "",
       "'a', 'b' do not follow", "'(a b)' = 12"},
      {E, "(h+k) -> h", "12", "", ES_E_UNDETERMINED, "S9", 0, "(h+k)", "", "'(h+k)' over 12", ""},
      {E, "(a b) -> a b", "12", "a=3 b=5", ES_E_EXTENT, "S10", 0, "(a b)", "", "3*5 = 15",
       "has 12"},
      {E, "a -> a", "12", "a=3", ES_E_EXTENT, "S10", 0, "a", "a", "a=3 was given", "12"},
      {E, "a -> a", "12", "a=3 a=4", ES_E_EXTENT, "S10", -1, "a", "", "3 and 4", ""},
      {E, "a b, (a b) -> a", "2,3 7", "", ES_E_EXTENT, "S7", 1, "(a b)", "b", "2*3 = 6", "has 7"},
      {E, "(h-k) h -> h", "7,3", "", ES_E_UNDETERMINED, "S9", 0, "(h-k)", "", "'k' does not",
       "k=..."},
      {E, "(g (2*h+k)) h k -> g", "14,2,3", "", ES_E_UNDETERMINED, "S9", 0, "(g (2*h+k))", "",
       "'g'", ""},
      {E, "() a -> a", "2,3", "", ES_E_EXTENT, "S7", 0, "()", "", "has 2", "is 1"},
      {E, "(x ^ y) -> x", "3", "x=5", ES_E_EXTENT, "S10", 0, "(x ^ y)", "", "has 3", ""},
      {E, "ii->i", "3,4", "", ES_E_EXTENT, "S12", 0, "i", "i", "axis 0 has 3", "axis 1 has 4"},
      {E, "ii->i", "1,4", "", ES_E_EXTENT, "S12", 0, "i", "i", "has 1", "has 4"},
      {E, "i,ii->i", "4 4,1", "", ES_E_EXTENT, "S12", 1, "i", "i", "operand 1", "has 1"},
      {E, "b -> b c", "3", "c=-2", ES_E_VALUE, "S10", -1, "c", "", "-2", ""},
  };
  CHECK_BAD(rows);
}

Test(bind, rejects_reads_outside) {
  const bad rows[] = {
      {E, "(2*h+k-1), k -> h", "7 3", "", ES_E_RANGE, "S13", 0, "(2*h+k-1)", "", "elements -1 to",
       "?0"},
      {E, "(h+k), k -> h", "7 3", "h=6", ES_E_RANGE, "S13", 0, "(h+k)", "", "elements 0 to 7",
       "has 7"},
      {E, "(h+k), k -> h", "3 7", "", ES_E_RANGE, "S13", 0, "(h+k)", "", "needs 7 elements",
       "has 3"},
      {E, "(h-1)?edge -> h", "0", "h=2", ES_E_RANGE, "S13", 0, "?edge", "(h-1)?edge", "empty axis",
       ""},
      {E, "((h-1)?edge ^ y) -> h, y", "5", "h=3 y=2", ES_E_UNSUPPORTED, "S13", -1, "?edge",
       "(h-1)?edge", "pad the parts apart", ""},
      {E, "(g (h-1)) -> g h", "6", "g=2 h=3", ES_E_RANGE, "S13", 0, "(h-1)", "",
       "reads elements -1", ""},
      {R, "(h-3)?0 -> h | max", "2", "", ES_E_EMPTY, "S15", -1, "h", "", "padding", "max"},
      {R, "(3*h+5*k-7)?0 -> h | max", "2", "k=2 h=4", ES_E_EMPTY, "S15", -1, "h", "", "padding",
       "max"},
      {R, "a b -> a | max", "2,0", "", ES_E_EMPTY, "S15", -1, "b", "", "'b'", "max"},
      {E, "a b -> b | (min,+)", "0,3", "", ES_E_EMPTY, "S15", -1, "a", "", "'a'", "min"},
      {E, "a -> (2*a) | max", "3", "", ES_E_EMPTY, "S15", -1, "(2*a)", "", "without a point", ""},
      {E, "a b -> (2*a+b) | mean", "3,2", "", ES_E_VALUE, "", -1, "(2*a+b)", "", "sum of ones", ""},
  };
  CHECK_BAD(rows);
  bound_case c; /* an empty output asks for nothing */
  bound_open(&c, R, "a b -> a | max", "0,0", "", NULL);
  cr_assert_eq(c.status, ES_OK, "%s", c.error.message);
  bound_close(&c);
}

Test(bind, rejects_sizes_and_places_past_64_bits) {
  const bad rows[] = {
      {E, "(9223372036854775807*h+9223372036854775807*h) -> h", "5", "", ES_E_OVERFLOW, "M1", -1,
       "9223372036854775807*h", "", "factors", "do not fit 64 bits"},
      {E, "(s*h) -> h", "5", "s=-9223372036854775808", ES_E_OVERFLOW, "M1", -1, "s*h", "",
       "factors", ""},
      {E, "(9223372036854775807*h+k) h k -> h", "5,3,2", "", ES_E_OVERFLOW, "M1", -1,
       "(9223372036854775807*h+k)", "", "positions", ""},
      {E, "(9223372036854775807*g+h), g -> h", "5 9", "", ES_E_OVERFLOW, "M1", -1,
       "(9223372036854775807*g+h)", "", "positions", ""},
      {E, "h g -> (9223372036854775807*h+9223372036854775807*g)", "3,3", "", ES_E_OVERFLOW, "M1",
       -1, "(9223372036854775807*h+9223372036854775807*g)", "", "64 bits", ""},
      {E, "(a b) -> a b", "6", "a=9223372036854775807 b=9223372036854775807", ES_E_OVERFLOW, "M1",
       0, "(a b)", "", "does not fit", ""},
      {E, "-> a b", "-", "a=9223372036854775807 b=2", ES_E_OVERFLOW, "M1", -1, "a b", "",
       "(9223372036854775807, 2)", ""},
      {E, "a b -> b", "0,2305843009213693952", "", ES_E_OVERFLOW, "M1", 0, "", "",
       "(0, 2305843009213693952)", ""},
      {E, "a -> a b", "0", "b=576460752303423488", ES_E_OVERFLOW, "M1", -1, "a b", "",
       "(0, 576460752303423488)", ""},
      {E, "-> (a b)", "-", "a=9223372036854775807 b=2", ES_E_OVERFLOW, "M1", -1, "(a b)", "",
       "does not fit", ""},
      {E, "(h-9223372036854775807-1) -> h", "5", "", ES_E_OVERFLOW, "M1", -1, "1", "",
       "do not fit 64 bits", "factors"},
      {E, "(h+2*P) -> h", "5", "P=9223372036854775807", ES_E_OVERFLOW, "M1", -1, "(h+2*P)", "",
       "do not fit 64 bits", ""},
      {E, "(h-s*k), k -> h", "5 3", "s=-9223372036854775808", ES_E_OVERFLOW, "M1", -1, "s*k", "",
       "do not fit 64 bits", "factors"},
      {E, "(h-9223372036854775807)?edge -> h", "3", "h=3", ES_E_OVERFLOW, "M1", -1,
       "(h-9223372036854775807)?edge", "", "positions", ""},
      {E, "(h-9223372036854775807)?edge -> h", "3", "", ES_E_OVERFLOW, "M1", -1,
       "(h-9223372036854775807)?edge", "", "positions", ""},
      {E, "(4611686018427387904*h+k) w -> h k w", "8,8", "h=1", ES_E_OVERFLOW, "M1", -1,
       "(4611686018427387904*h+k)", "", "positions", ""},
      {E, "(g (4611686018427387904*h+k)) w -> g h k w", "8,8", "h=1 g=1", ES_E_OVERFLOW, "M1", -1,
       "(4611686018427387904*h+k)", "", "positions", ""},
      {E, "((4611686018427387904*h+k) ^ y) w -> h k w, y w", "8,8", "h=1 k=6 y=2", ES_E_OVERFLOW,
       "M1", -1, "(4611686018427387904*h+k)", "", "positions", ""},
  };
  CHECK_BAD(rows);
}

Test(bind, rejects_more_axes_than_a_tensor_has) {
  char text[256] = "... -> ...";
  for (int i = 0; i < 60; i++) strcat(text, " 1");
  bound_case c;
  bound_open(&c, E, text, "2,2,2,2,2,2,2", "", NULL);
  cr_assert_eq(c.status, ES_E_LIMIT, "%s", c.error.message);
  cr_assert(strstr(c.error.message, "67 axes"), "%s", c.error.message);
  bound_close(&c);
}

/* 300 labels a piece, many pieces: refused before it fills the memory. */
Test(bind, rejects_too_many_pieces) {
  char text[4096] = "a -> ";
  for (int i = 0; i < 17; i++) strcat(text, "(a ^ a) ");
  bound_case c;
  bound_open(&c, E, text, "2", "", NULL);
  cr_assert_eq(c.status, ES_E_LIMIT, "%s", c.error.message);
  bound_close(&c);
}

/* An operand of one term quoted at length is cut at a code point. */
Test(bind, quotes_are_cut) {
  char text[512] = "a (";
  for (int i = 0; i < 60; i++) strcat(text, "\xce\xb8\xce\xb8 ");
  strcat(text, ") -> a");
  bound_case c;
  bound_open(&c, E, text, "2", "", NULL);
  cr_assert_eq(c.status, ES_E_RANK, "%s", c.error.message);
  cr_assert(strstr(c.error.message, "\xce\xb8...'") || strstr(c.error.message, "\xce\xb8 ...'"),
            "%s", c.error.message);
  bound_close(&c);
}

Test(bind, shape_of_the_output_asked_for) {
  const int64_t wrong[] = {3, 5}, open[] = {-1, 4}, bad_size[] = {-2, 4};
  bound_case c;
  bound_open(&c, E, "a b -> b a", "4,3", "", &(es_options){.out_shape = open, .out_rank = 2});
  cr_assert_eq(c.status, ES_OK, "%s", c.error.message);
  bound_close(&c);
  bound_open(&c, E, "a b -> b a", "4,3", "", &(es_options){.out_shape = wrong, .out_rank = 2});
  cr_assert_eq(c.status, ES_E_EXTENT, "%s", c.error.message);
  cr_assert(strstr(c.error.message, "out_shape has 5 at axis 1, the pattern gives 4"), "%s",
            c.error.message);
  bound_close(&c);
  bound_open(&c, E, "a b -> b a", "4,3", "", &(es_options){.out_shape = open, .out_rank = 1});
  cr_assert_eq(c.status, ES_E_RANK, "%s", c.error.message);
  bound_close(&c);
  bound_open(&c, E, "a b -> b a", "4,3", "", &(es_options){.out_shape = bad_size, .out_rank = 2});
  cr_assert_eq(c.status, ES_E_VALUE, "%s", c.error.message);
  bound_close(&c);
}

Test(bind, prints) {
  bound_case c;
  char text[4096];
  bound_open(&c, E, "b (2*h+k-1)?0 (w+l)?edge, k l -> b h w", "1,8,4 3,2", "w=4", NULL);
  cr_assert_eq(c.status, ES_OK, "%s", c.error.message);
  size_t n = es_bound_print(c.bound, "xv", text, sizeof text);
  cr_assert_eq(n, strlen(text));
  cr_assert(strstr(text, "b  1  output\nh  4  output\nk  3  reduced\nw  4  output\n"), "%s", text);
  cr_assert(strstr(text, "(2*h+k-1)?0: reads -1..7, outside absent"), "%s", text);
  cr_assert(strstr(text, "where 0 <= -1 +2*h +1*k < 8"), "%s", text);
  cr_assert(strstr(text, "operand 0 is padded: 0+1+0 0+8+0 0+4+1"), "%s", text);
  cr_assert_eq(es_bound_print(c.bound, "xv", NULL, 0), n);
  bound_close(&c);
  bound_open(&c, E, "(2*h+k) (x ^ y) -> (3*h+k-1) x", "8,3", "k=3 x=1", NULL);
  cr_assert_eq(c.status, ES_OK, "%s", c.error.message);
  es_bound_print(c.bound, "x", text, sizeof text);
  cr_assert(strstr(text, "the last 1 unused"), "%s", text);
  cr_assert(strstr(text, "(x ^ y)"), "%s", text);
  cr_assert(strstr(text, "outside dropped"), "%s", text);
  bound_close(&c);
}

Test(bind, patterns_without_a_plan) {
  bound_case c;
  bound_open(&c, ES_KIND_PACK, "a * b", "2,3,4", "", NULL);
  cr_assert_eq(c.status, ES_E_VALUE, "%s", c.error.message);
  bound_close(&c);
}

Test(bind, moves_do_not_add) {
  const bad rows[] = {
      {A, "h k -> (h+k)", "3,2", "", ES_E_NAME, "S1", -1, "(h+k)", "", "only moves", ""},
      {A, "x, y, z -> (x ^ y) z", "1 2 3", "", ES_E_COUNT, "S11", -1, "(x ^ y) z", "",
       "one operand", "einsum"},
  };
  CHECK_BAD(rows);
  const good moves[] = {{A, "h -> (2*h)", "3", "", "5"}, {A, "h 1 -> h", "3,1", "", "3"}};
  CHECK_GOOD(moves, NULL);
}

/* ---- edges of the rules --------------------------------------------------------------------- */

Test(bind, nested_joins) {
  bound_case c;
  bound_open(&c, E, "x, y, z -> ((x ^ y) ^ z)", "1 2 3", "", NULL);
  cr_assert_eq(c.status, ES_OK, "%s", c.error.message);
  cr_assert_eq(c.bound->n_parts, 3); /* no part stands for x and for y apart from each other */
  check_values(&c, 0, 6,
               (double[]){c.data[0][0], c.data[1][0], c.data[1][1], c.data[2][0], c.data[2][1],
                          c.data[2][2]});
  bound_close(&c);
  bound_open(&c, E, "(x ^ y) -> x, (y ^ x)", "5", "x=2", NULL);
  cr_assert_eq(c.status, ES_OK, "%s", c.error.message);
  check_values(&c, 0, 2, (double[]){c.data[0][0], c.data[0][1]});
  check_values(&c, 1, 5,
               (double[]){c.data[0][2], c.data[0][3], c.data[0][4], c.data[0][0], c.data[0][1]});
  bound_close(&c);
}

Test(bind, rejects_outputs_that_choose_badly) {
  const bad rows[] = {
      {E, "(x ^ y ^ z) a -> a x y z", "3,2", "x=1 y=1", ES_E_NAME, "S11", 0, "(x ^ y ^ z)", "",
       "exactly one part", "found several"},
      {E, "(x ^ y) (u ^ v) -> x", "3,2", "x=1 u=1", ES_E_NAME, "S11", 0, "(u ^ v)", "",
       "exactly one part", "found none"},
      {E, "(a (u ^ v)) (x ^ y) -> x", "6,2", "a=2 u=1 x=1", ES_E_NAME, "S11", 0, "(u ^ v)", "",
       "exactly one part", "found none"},
      {E, "x y, y, x -> (x ^ y)", "2,3 3 2", "", ES_E_NAME, "S11", 0, "x y", "",
       "operand 0 takes part in no piece", ""},
  };
  CHECK_BAD(rows);
}

/* 1,000 operands in each of 2,048 pieces. */
Test(bind, rejects_too_many_operands_of_pieces) {
  enum { OPERANDS = 1000 };
  static es_array in[OPERANDS];
  char text[4096] = "a";
  for (int i = 1; i < OPERANDS; i++) strcat(text, ",");
  strcat(text, " ->");
  for (int i = 0; i < 11; i++) strcat(text, " (a ^ a)");
  const int64_t two = 2;
  for (int i = 0; i < OPERANDS; i++) in[i] = (es_array){.dtype = ES_F32};
  in[0].rank = 1, in[0].shape = &two;
  bound_case c = {.status = ES_OK};
  es_allocator al = es_allocator_default();
  es_arena_init(&c.arena, &al);
  cr_assert_eq(es_parse(&c.arena, E, text, strlen(text), ES_READ_NAMES, &c.pattern, &c.error),
               ES_OK, "%s", c.error.message);
  cr_assert_eq(es_bind(&c.arena, c.pattern, in, OPERANDS, NULL, NULL, &c.bound, &c.error),
               ES_E_LIMIT, "%s", c.error.message);
  cr_assert(strstr(c.error.message, "pieces that read over 1048576 operands"), "%s",
            c.error.message);
  bound_close(&c);
}

/* Two bytes 2^63 - 1 apart: their own places fit, what is stepped over does not. */
Test(bind, strides_at_the_end_of_64_bits) {
  static const struct {
    const char *text;
    es_axis_size sizes[3];
  } rows[] = {
      {"(g (h-1)?edge) -> g h", {{"g", 1}, {NULL, 0}}},
      {"(g (i (h-1)?edge)) -> g i h", {{"g", 1}, {"i", 1}, {NULL, 0}}},
      {"(a b) -> b a", {{"a", 1}, {NULL, 0}}},
      {"(x ^ y) -> x, y", {{"x", 2}, {NULL, 0}}},
  };
  const int64_t shape = 2, stride = INT64_MAX, one_two[] = {1, 2};
  const es_array far = {.dtype = ES_U8, .rank = 1, .shape = &shape, .strides = &stride};
  const es_array near = {.dtype = ES_U8, .rank = 2, .shape = one_two};
  bound_case c;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bind_out(&c, rows[i].text, &far, NULL);
    es_options o = {.sizes = rows[i].sizes};
    cr_assert_eq(es_bind(&c.arena, c.pattern, &far, 1, NULL, &o, &c.bound, &c.error), ES_E_OVERFLOW,
                 "%s: %s", rows[i].text, c.error.message);
    cr_assert(strstr(c.error.message, "do not fit 64 bits"), "%s", c.error.message);
    bound_close(&c);
  }
  cr_assert_eq(bind_out(&c, "a b -> (a b)", &near, &far), ES_E_OVERFLOW, "%s", c.error.message);
  bound_close(&c);
  cr_assert_eq(bind_out(&c, "i -> i", &far, NULL), ES_OK, "%s", c.error.message);
  bound_close(&c);
}

/* An output of its own size far beside what is written: the walks' places do not fit. */
Test(bind, sums_into_places_past_64_bits) {
  const int64_t shape[] = {8, 2}, five = 5;
  const es_array in = {.dtype = ES_F32, .rank = 2, .shape = shape};
  const es_options o = {.out_shape = &five, .out_rank = 1};
  const char *text = "h k -> (h+k+6917529027641081856)";
  bound_case c;
  bind_out(&c, text, &in, NULL);
  cr_assert_eq(es_bind(&c.arena, c.pattern, &in, 1, NULL, &o, &c.bound, &c.error), ES_E_OVERFLOW,
               "%s", c.error.message);
  cr_assert(strstr(c.error.message, "the positions of '(h+k+6917529027641081856)' do not fit"),
            "%s", c.error.message);
  bound_close(&c);
}

Test(bind, more_indices_that_leave_than_the_first_list_holds) {
  const good rows[] = {
      {E,
       "(a-1)?0 (b-1)?0 (c-1)?0 (d-1)?0 (e-1)?0, (f-1)?0 (g-1)?0 (h-1)?0 (i-1)?0 -> a b c d e f g "
       "h",
       "1,1,1,1,1 1,1,1,1", "", "3,3,3,3,3,3,3,3"},
  };
  CHECK_GOOD(rows, NULL);
}

/* max and min where an index may leave its axis for all of its taps. */
Test(bind, windows_without_a_tap) {
  static const struct {
    const char *text, *shapes, *sizes;
    bool covered; /* or not told before the run */
  } rows[] = {
      {"(h+5*k-2)?0 -> h | max", "3", "h=1 k=2", false}, /* -2 and 3 */
      {"(h+5*k-1)?0 -> h | max", "3", "h=1 k=2", false}, /* -1 and 4 */
      {"(h+5*k-2)?0 -> h | max", "4", "h=1 k=2", true},  /* -2 and 3, of 4 */
      {"(h+5*k-2)?0 -> h | min", "5", "h=3 k=2", true},
      {"(h+5*k-2)?0 -> h | min", "3", "h=3 k=2", false},        /* the first of three */
      {"(h+k)?0 -> h | max", "3", "h=4 k=2", false},            /* the last, by one */
      {"(h+w+5*k-2)?0 -> h w | max", "3", "h=1 w=2 k=2", true}, /* two labels: not told */
      {"(h+5*k+5*l-2)?0 -> h | max", "3", "h=1 k=2 l=2", true},
      {"(h-10*k)?0 -> h | max", "5", "h=5 k=2", true},
      {"(h+10*k)?0 -> h | max", "5", "h=5 k=2", true},
      {"(2*h-10*k-1)?0 -> h | max", "5", "h=3 k=2", false},
      {"(2*h+w+k)?0 -> h w | max", "5", "h=2 w=2 k=3", true},
      {"(h+k+l-1)?0 -> h | max", "3", "h=4 k=2 l=2", true},
      {"(h+9223372036854775807*k-9223372036854775807)?0 -> h | max", "3", "h=2 k=2", true},
      {"(2*h+9223372036854775806*k-9223372036854775805)?0 -> h | max", "3", "h=2 k=2", false},
      {"(5*k-2)?0 a -> a | max", "4,2", "k=2", true},                   /* one place */
      {"(h-4194304*k)?0 -> h | max", "1048581", "h=1048581 k=2", true}, /* more than are tried */
      {"(h+9223372036854775807-4611686018427387904*k-4611686018427387904*l-4611686018427387904*m)?"
       "0 -> h | max",
       "5", "h=1 k=2 l=2 m=2", true},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bound_case c;
    bound_open(&c, R, rows[i].text, rows[i].shapes, rows[i].sizes, NULL);
    cr_assert_eq(c.status, rows[i].covered ? ES_OK : ES_E_EMPTY, "%s of %s, %s: %s", rows[i].text,
                 rows[i].shapes, rows[i].sizes, c.error.message);
    if (!rows[i].covered)
      cr_assert(strstr(c.error.message, "wholly in the padding, along 'h'"), "%s", c.error.message);
    bound_close(&c);
  }
  const bad constant[] = {{R, "(0-1)?0 a -> a | max", "3,2", "", ES_E_EMPTY, "S15", -1, "", "",
                           "max over a window that lies wholly in the padding: it has no value",
                           ""}};
  CHECK_BAD(constant);
}

Test(bind, repeats_do_not_add) {
  const bad rows[] = {{P, "h k -> (h+k)", "3,2", "", ES_E_NAME, "S4", -1, "(h+k)", "",
                       "several elements would meet in one: repeat only moves them", ""},
                      {A, "(s*h) a -> h b", "4,2", "s=2", ES_E_NAME, "S1", -1, "a", "b",
                       "'a' stands on the left only and 'b' on the right only", ""}};
  CHECK_BAD(rows);
}

Test(bind, scales_fills_and_types_at_their_limits) {
  static const struct {
    es_dtype dtype;
    double alpha, beta;
    es_status status;
  } scales[] = {{ES_I32, 0x1p62, -0x1p62, ES_OK},  {ES_I32, 0x1p63, 0, ES_E_VALUE},
                {ES_I32, 1, -0x1p63, ES_E_VALUE},  {ES_I32, 1, NAN, ES_E_VALUE},
                {ES_I32, 1, INFINITY, ES_E_VALUE}, {ES_F32, 0.5, 0x1p63, ES_OK},
                {ES_I32, 2, 0.5, ES_E_VALUE},      {ES_BOOL, 2, 0, ES_E_DTYPE}};
  static const struct {
    es_dtype dtype;
    const char *text;
    es_status status;
  } fills[] = {{ES_I8, "(h-1)?-128 -> h", ES_OK},
               {ES_I8, "(h-1)?-129 -> h", ES_E_DTYPE},
               {ES_I8, "(h-1)?127 -> h", ES_OK},
               {ES_I8, "(h-1)?128 -> h", ES_E_DTYPE},
               {ES_U8, "(h-1)?-1 -> h", ES_E_DTYPE},
               {ES_U8, "(h-1)?0.5 -> h", ES_E_DTYPE},
               {ES_I64, "(h-1)?9223372036854775808 -> h", ES_E_DTYPE},
               {ES_I64, "(h-1)?-9223372036854775808 -> h", ES_OK},
               {ES_F16, "(h-1)?0.5 -> h", ES_OK}};
  static const struct {
    es_dtype dtype, precise;
  } computed[] = {{ES_F32, ES_F64}, {ES_F64, ES_F64}, {ES_C64, ES_C128}, {ES_I32, ES_I64}};
  bound_case c;
  for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
    es_options o = {.has_scale = true, .alpha = scales[i].alpha, .beta = scales[i].beta};
    cr_assert_eq(bind_typed(&c, E, "i->", scales[i].dtype, scales[i].dtype, &o), scales[i].status,
                 "scale %zu: %s", i, c.error.message);
    bound_close(&c);
  }
  for (size_t i = 0; i < sizeof fills / sizeof *fills; i++) {
    cr_assert_eq(bind_typed(&c, E, fills[i].text, fills[i].dtype, fills[i].dtype, NULL),
                 fills[i].status, "%s: %s", fills[i].text, c.error.message);
    bound_close(&c);
  }
  for (size_t i = 0; i < sizeof computed / sizeof *computed; i++) {
    es_options o = {.precise = true, .has_out_dtype = true, .out_dtype = ES_DTYPE_AUTO};
    cr_assert_eq(bind_typed(&c, E, "i->", computed[i].dtype, computed[i].dtype, &o), ES_OK, "%s",
                 c.error.message);
    cr_assert_eq(c.bound->compute, computed[i].precise);
    cr_assert_eq(c.bound->out[0].dtype, computed[i].dtype, "AUTO asks for no other type");
    bound_close(&c);
  }
  /* The type that is asked for is the one of the array. */
  const int64_t shape = 3;
  const es_array in = {.dtype = ES_F32, .rank = 1, .shape = &shape},
                 out = {.dtype = ES_F64, .rank = 1, .shape = &shape};
  es_options f64 = {.has_out_dtype = true, .out_dtype = ES_F64};
  bind_out(&c, "i -> i", &in, &out);
  cr_assert_eq(es_bind(&c.arena, c.pattern, &in, 1, &out, &f64, &c.bound, &c.error), ES_OK, "%s",
               c.error.message);
  bound_close(&c);
}

Test(bind, prints_fills_and_nothing) {
  static const struct {
    const char *text, *shapes, *sizes, *says;
  } rows[] = {
      {"(h-1)?wrap -> h", "3", "h=4", "reads -1..2, outside wrapped round"},
      {"(h-1)?reflect -> h", "3", "h=4", "reads -1..2, outside reflected"},
      {"(h-1)?2.5 -> h", "3", "h=4", "reads -1..2, outside a number"},
      {"(h+k) -> h k", "3", "h=0", "reads nothing"},
      {"h k -> (h+k)", "0,3", "", "writes nothing"},
      {"i -> i i", "3", "", "filled first"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bound_case c;
    char text[4096];
    bound_open(&c, E, rows[i].text, rows[i].shapes, rows[i].sizes, NULL);
    cr_assert_eq(c.status, ES_OK, "%s: %s", rows[i].text, c.error.message);
    es_bound_print(c.bound, "xv", text, sizeof text);
    cr_assert(strstr(text, rows[i].says), "%s: %s", rows[i].text, text);
    bound_close(&c);
  }
}

Test(bind, kinds_without_a_plan) {
  static const es_kind kinds[] = {ES_KIND_PACK, ES_KIND_UNPACK, ES_KIND_SHAPE};
  for (int i = 0; i < 3; i++) {
    bound_case c;
    bound_open(&c, kinds[i], i < 2 ? "a *" : "a b", "2,3", "", NULL);
    cr_assert_eq(c.status, ES_E_VALUE, "%s", c.error.message);
    cr_assert(strstr(c.error.message, "call es_pack, es_unpack or es_parse_shape"));
    bound_close(&c);
  }
}

/* Words about arrays of 64 axes are cut, and a hint that would be is left out. */
Test(bind, words_about_many_axes) {
  int64_t large[64], ones[64];
  for (int i = 0; i < 64; i++) large[i] = 1000000, ones[i] = 1;
  es_array in = {.dtype = ES_F32, .rank = 64, .shape = large};
  bound_case c;
  cr_assert_eq(bind_out(&c, "a -> a", &in, NULL), ES_E_OVERFLOW);
  cr_assert(strstr(c.error.message, "(1000000, 1000000, ") && strstr(c.error.message, "...)"), "%s",
            c.error.message);
  bound_close(&c);
  in.shape = ones;
  char text[300] = "";
  for (int i = 0; i < 64; i++) strcat(text, i == 32 ? " \xce\xb1" : "\xce\xb8");
  strcat(text, " ->");
  cr_assert_eq(bind_out(&c, text, &in, NULL), ES_E_RANK, "%s", c.error.message);
  cr_assert(!strstr(c.error.message, "If each letter"), "%s", c.error.message);
  bound_close(&c);
}

Test(bind, rejects_more_axes_than_a_tensor_has_without_an_arrow) {
  char text[600] = "";
  int64_t ones[40];
  for (int i = 0; i < 80; i++)
    snprintf(text + strlen(text), 8, "%sa%d", i == 40 ? ", " : i ? " " : "", i);
  for (int i = 0; i < 40; i++) ones[i] = 1;
  es_array in[2] = {{.dtype = ES_F32, .rank = 40, .shape = ones},
                    {.dtype = ES_F32, .rank = 40, .shape = ones}};
  bound_case c;
  bind_out(&c, text, in, NULL);
  cr_assert_eq(es_bind(&c.arena, c.pattern, in, 2, NULL, NULL, &c.bound, &c.error), ES_E_LIMIT,
               "%s", c.error.message);
  cr_assert(strstr(c.error.message, "80 axes"), "%s", c.error.message);
  bound_close(&c);
}

/* An output larger than what is written: some of its elements have no point. */
Test(bind, outputs_with_elements_that_nothing_reaches) {
  static const struct {
    const char *text, *says;
  } rows[] = {{"h k -> (h+k) | max", "padding"}, {"h k -> (2*h) | max", "without a point"}};
  const int64_t shape[] = {3, 2}, ten = 10, four = 4;
  const es_array in = {.dtype = ES_F32, .rank = 2, .shape = shape};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bound_case c;
    es_options o = {.out_shape = &ten, .out_rank = 1};
    bind_out(&c, rows[i].text, &in, NULL);
    cr_assert_eq(es_bind(&c.arena, c.pattern, &in, 1, NULL, &o, &c.bound, &c.error), ES_E_EMPTY,
                 "%s", c.error.message);
    cr_assert(strstr(c.error.message, rows[i].says), "%s: %s", rows[i].text, c.error.message);
    cr_assert(c.error.offset >= 0 && c.error.length <= (int64_t)strlen(rows[i].text));
    bound_close(&c);
  }
  es_options o = {.out_shape = &four, .out_rank = 1};
  bound_case c;
  bind_out(&c, rows[0].text, &in, NULL);
  cr_assert_eq(es_bind(&c.arena, c.pattern, &in, 1, NULL, &o, &c.bound, &c.error), ES_OK, "%s",
               c.error.message);
  bound_close(&c);
}

/* Whether each place of an output has a tap inside, told before the run: against counting. */
Test(bind, every_small_window_is_told) {
  int refused = 0;
  for (int code = 0; code < 4 * 4 * 3 * 6 * 15 * 13; code++) {
    int rest = code, extent = 1 + rest % 4, h = 1 + (rest /= 4) % 4, k = 1 + (rest /= 4) % 3;
    int s = (rest /= 3) % 6 - 2, d = (rest /= 6) % 15 - 7, first = rest / 15 - 6;
    if (d >= -1 && d <= 1) continue; /* with such a factor a given k would be a number */
    bool all = true;
    for (int i = 0; i < h; i++) {
      bool any = false;
      for (int j = 0; j < k; j++) {
        int at = s * i + d * j + first;
        any |= at >= 0 && at < extent;
      }
      all &= any;
    }
    char text[64], shape[8], sizes[24];
    if (code % 2)
      snprintf(text, sizeof text, "(%d*h%+d*k%+d)?0 -> h | max", s, d, first);
    else
      snprintf(text, sizeof text, "(%d*k%+d*h%+d)?0 -> h | max", d, s, first);
    snprintf(shape, sizeof shape, "%d", extent);
    snprintf(sizes, sizeof sizes, "h=%d k=%d", h, k);
    bound_case c;
    bound_open(&c, R, text, shape, sizes, NULL);
    cr_assert_eq(c.status, all ? ES_OK : ES_E_EMPTY, "%s of %s, %s: %s", text, shape, sizes,
                 c.error.message);
    bound_close(&c);
    refused += !all;
  }
  cr_assert_gt(refused, 10000);
}
