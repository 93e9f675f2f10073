/* A context of shapes alone answers as one with elements would, and touches none. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "einstride/io.h"
#include "einstride/layers.h"

static es_ctx *contexts[2]; /* with elements, without */

static void open_both(void) {
  contexts[0] = es_ctx_create(&(es_config){.threads = 1});
  contexts[1] = es_ctx_create(&(es_config){.threads = 1, .shapes_only = true});
}

static void close_both(void) {
  es_ctx_destroy(contexts[0]);
  es_ctx_destroy(contexts[1]);
}

/* One way through the library: views, copies, casts, arithmetic, reductions, the
 * notation, layers whose loops are not plans. */
static es_tensor *chain(es_ctx *es, int step) {
  es_tensor *x = es_randn(es, ES_F32, ES_SHAPE(2, 8, 12, 12));
  es_tensor *w = es_full(es, ES_F32, ES_SHAPE(4, 8, 3, 3), 0.5);
  es_tensor *y = es_einsum(es, "b c (h+kh) (w+kw), o c kh kw -> b o h w", ES_IN(x, w), NULL);
  switch (step) {
  case 0: return y;
  case 1: return es_rearrange(es, "b (g o) h w -> b o (g h) w", y, ES_SIZES({"g", 2}));
  case 2: return es_cast(es, es_permute(es, y, (int[]){3, 1, 0, 2}), ES_F64);
  case 3: return es_binary(es, ES_ADD, y, es_ramp(es, ES_I64, ES_SHAPE(10)));
  case 4: return es_argmax(es, es_reduce_axes(es, ES_REDUCE_MAX, y, NULL, 0, true), 1, false);
  case 5: return es_softmax(es, y, 1);
  case 6: return es_concat(es, ES_IN(y, es_flip(es, y, 2), es_eye(es, ES_F32, 1, 1)), 0);
  case 7: {
    es_tensor *q = es_reshape(es, y, 3, (int64_t[]){8, 25, 4});
    return es_scaled_dot_product_attention(es, q, q, q, NULL, true, 0, false);
  }
  case 8: {
    es_tensor *parts[2];
    es_split(es, "b (x ^ y) h w -> b x h w, b y h w", ES_IN(y), ES_SIZES({"x", 1}), parts, 2);
    return parts[1];
  }
  case 9: return es_einsum(es, "i j, k l -> i l", ES_IN(w, w), NULL);
  default: return NULL;
  }
}

Test(shapes_only, results_have_the_types_and_shapes_of_computed_ones, .init = open_both,
     .fini = close_both) {
  for (int step = 0; step < 10; step++) {
    es_tensor *computed = chain(contexts[0], step), *shaped = chain(contexts[1], step);
    cr_assert_eq(es_ctx_error(contexts[0])->status, es_ctx_error(contexts[1])->status,
                 "step %d: %s", step, es_error_text(contexts[1]));
    cr_assert_str_eq(es_error_text(contexts[0]), es_error_text(contexts[1]));
    cr_assert((computed == NULL) == (shaped == NULL), "step %d", step);
    for (int i = 0; i < 2; i++) es_clear_error(contexts[i]);
    if (!computed) continue;
    cr_assert_eq(es_dtype_of(computed), es_dtype_of(shaped), "step %d", step);
    cr_assert_eq(es_rank(computed), es_rank(shaped), "step %d", step);
    for (int i = 0; i < es_rank(computed); i++) {
      cr_assert_eq(es_shape(computed)[i], es_shape(shaped)[i], "step %d", step);
      cr_assert_eq(es_strides(computed)[i], es_strides(shaped)[i], "step %d", step);
    }
  }
}

Test(shapes_only, elements_take_no_memory, .init = open_both, .fini = close_both) {
  es_ctx *es = contexts[1];
  int64_t before = es_memory_now(es);
  es_tensor *x = es_zeros(es, ES_F32, ES_SHAPE(1000, 1000, 100));
  es_tensor *y = es_einsum(es, "i j c, i k c -> j k", ES_IN(x, x), NULL);
  cr_assert(y && es_shape(y)[0] == 1000, "%s", es_error_text(es));
  cr_assert_lt(es_memory_now(es) - before, 1 << 20);
  /* The limit holds as if they did. */
  cr_assert_eq(es_set_max_bytes(es, 1 << 20), ES_OK);
  cr_assert_null(es_zeros(es, ES_F32, ES_SHAPE(1000, 1000)));
  cr_assert_eq(es_ctx_error(es)->status, ES_E_LIMIT);
}

/* Values that do not exist are no constants. */
Test(shapes_only, constants_are_not_read, .init = open_both, .fini = close_both) {
  const bool constant[2] = {true, true};
  for (int which = 0; which < 2; which++) {
    es_ctx *es = contexts[which];
    es_tensor *x = es_zeros(es, ES_F32, ES_SHAPE(40, 40));
    es_tensor *in[] = {x, es_constant(es, x)};
    es_tensor *y = es_einsum_into(es, "i k, k j -> i j", in, 2, &(es_options){.constant = constant},
                                  NULL);
    cr_assert(y && es_shape(y)[1] == 40, "%s", es_error_text(es));
  }
}

/* The stride of a unit axis that C order would give does not fit: it is 0, and walks nowhere. */
Test(shapes_only, strides_past_64_bits) {
  es_ctx *es = es_ctx_create(&(es_config){.shapes_only = true, .max_bytes = INT64_MAX});
  const int64_t half = INT64_C(1) << 62;
  es_tensor *x = es_slice(es, es_empty(es, ES_U8, ES_SHAPE(half + 1)), 0, 0, INT64_MAX, half);
  cr_assert(x && es_shape(x)[0] == 2, "%s", es_error_text(es));
  es_tensor *y = es_unsqueeze(es, x, 0);
  cr_assert(y && es_strides(y)[0] == 0 && es_strides(y)[1] == half, "%s", es_error_text(es));
  es_ctx_destroy(es);
}

Test(shapes_only, what_needs_values_says_so, .init = open_both, .fini = close_both) {
  es_ctx *es = contexts[1];
  double out[4];
  char path[] = "/tmp/es_shapes_XXXXXX.npy";
  es_tensor *x = es_from_data(es, ES_F64, ES_SHAPE(2, 2), (double[]){1, 2, 3, 4});
  cr_assert_null(es_data(x));
  cr_assert_null(es_data_mut(x));
  cr_assert_eq(es_read(es, x, ES_F64, out, 4), ES_E_UNSUPPORTED);
  es_clear_error(es);
  int file = mkstemps(path, 4);
  cr_assert_geq(file, 0);
  close(file);
  cr_assert_eq(es_save(es, path, x), ES_E_UNSUPPORTED);
  es_clear_error(es);
  /* A file's header is all that is read of it. */
  es_tensor *real = es_zeros(contexts[0], ES_I16, ES_SHAPE(3, 5));
  cr_assert_eq(es_save(contexts[0], path, real), ES_OK);
  es_tensor *loaded = es_load(es, path);
  cr_assert(loaded && es_dtype_of(loaded) == ES_I16 && es_shape(loaded)[1] == 5, "%s",
            es_error_text(es));
  unlink(path);
}

Test(labels, places_and_numbers_of_names) {
  static const struct {
    const char *text, *shown; /* name:number:term, blanks between */
  } rows[] = {
      {"ij,jk->ik", "i:0:0 j:1:0 j:1:1 k:2:1 i:0:-1 k:2:-1 "},
      {"b c (2*h+kh-1)?edge, o c kh -> b (o h), b | max",
       "b:0:0 c:1:0 h:2:0 kh:3:0 o:4:1 c:1:1 kh:3:1 b:0:-1 o:4:-1 h:2:-1 b:0:-2 "},
      {"b (h _ θ", "b:0:0 h:1:0 θ:2:0 "},
      {"aé,日𝒳é->日", "a:0:0 é:1:0 日:2:1 𝒳:3:1 é:1:1 日:2:-1 "},
      {"", ""},
  };
  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    es_label_place at[16];
    char shown[200] = "";
    int64_t n = es_text_labels(rows[r].text, strlen(rows[r].text), ES_KIND_EINSUM, ES_READ_AUTO, at,
                               16);
    for (int64_t i = 0; i < n; i++)
      snprintf(shown + strlen(shown), sizeof shown - strlen(shown), "%.*s:%d:%d ",
               (int)at[i].length, rows[r].text + at[i].offset, (int)at[i].name, (int)at[i].term);
    cr_assert_str_eq(shown, rows[r].shown);
    cr_assert_eq(
        es_text_labels(rows[r].text, strlen(rows[r].text), ES_KIND_EINSUM, ES_READ_AUTO, NULL, 0),
        n);
  }
}
