/* What pack, unpack and parse_shape refuse, and where the error points. */
#include <stdio.h>
#include <string.h>

#include "support/check.h"

static void said(es_ctx *es, es_status status, const char *says) {
  cr_assert(strstr(es_error_text(es), says), "%s: %s", says, es_error_text(es));
  cr_assert_eq(es_ctx_error(es)->status, status, "%s", es_error_text(es));
  es_clear_error(es);
}

Test(pack, refuses) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = check_ramp(es, ES_F32, ES_SHAPE(2, 3)), *none[] = {NULL};
  int64_t shapes[2 * ES_MAX_RANK];
  int ranks[2];
  cr_assert_null(es_pack(NULL, "a *", ES_IN(x), shapes, ranks));
  cr_assert_null(es_pack(es, "a a *", ES_IN(x), shapes, ranks));
  said(es, ES_E_NAME, "axis 'a' occurs twice");
  cr_assert_null(es_pack(es, "a *", none, 1, shapes, ranks));
  said(es, ES_E_VALUE, "es_pack");
  cr_assert_null(es_pack(es, NULL, ES_IN(x), shapes, ranks));
  said(es, ES_E_VALUE, "es_pack");
  cr_assert_null(es_pack(es, "a *", ES_IN(x), NULL, ranks));
  said(es, ES_E_VALUE, "es_pack");
  cr_assert_null(es_pack(es, "a *", NULL, 0, shapes, ranks));
  said(es, ES_E_VALUE, "es_pack");
  /* one axis more than a tensor has */
  int64_t ones[ES_MAX_RANK];
  char text[1000] = "";
  for (int i = 0; i < ES_MAX_RANK; i++) {
    ones[i] = 1;
    snprintf(text + strlen(text), 16, "a%d ", i);
  }
  strcat(text, "*");
  es_tensor *deep = es_zeros(es, ES_F32, ES_MAX_RANK, ones);
  cr_assert_null(es_pack(es, text, ES_IN(deep), shapes, ranks));
  said(es, ES_E_LIMIT, "a term of more than 64 axes");
  es_ctx_destroy(es);
}

Test(pack, unpack_refuses_before_it_reads_a_shape) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = check_ramp(es, ES_F32, ES_SHAPE(2, 6)), *out[2] = {x, x};
  int64_t shapes[2 * ES_MAX_RANK] = {2};
  shapes[ES_MAX_RANK] = 4;
  static const int wrong[] = {-1, ES_MAX_RANK, 1 << 30, INT32_MAX, INT32_MIN};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    char says[80];
    snprintf(says, sizeof says, "shape 1 has %d axes; 0 … 63 are allowed", wrong[i]);
    cr_assert_eq(es_unpack(es, "a *", x, shapes, (int[]){1, wrong[i]}, 2, out), ES_E_RANK);
    cr_assert(!out[0] && !out[1]);
    said(es, ES_E_RANK, says);
  }
  cr_assert_eq(es_unpack(es, "a b *", x, shapes, (int[]){1, 1}, 2, out), ES_E_RANK);
  said(es, ES_E_RANK, "the pattern has 3 axes, the tensor 2, shape (2, 6)");
  shapes[ES_MAX_RANK] = -2;
  cr_assert_eq(es_unpack(es, "a *", x, shapes, (int[]){1, 1}, 2, out), ES_E_VALUE);
  said(es, ES_E_VALUE, "shape 1 has the size -2");
  shapes[ES_MAX_RANK] = shapes[ES_MAX_RANK + 1] = INT64_C(1) << 40;
  cr_assert_eq(es_unpack(es, "a *", x, shapes, (int[]){1, 2}, 2, out), ES_E_VALUE);
  said(es, ES_E_VALUE, "shape 1 has the size 1099511627776");
  shapes[0] = shapes[ES_MAX_RANK] = INT64_MAX; /* a sum that wraps */
  cr_assert_eq(es_unpack(es, "a *", x, shapes, (int[]){1, 1}, 2, out), ES_E_EXTENT);
  said(es, ES_E_EXTENT, "the shapes add up to 9223372036854775807 elements");
  out[0] = out[1] = x;
  cr_assert_eq(es_unpack(es, "a *", NULL, shapes, (int[]){1, 1}, 2, out), ES_E_VALUE);
  cr_assert(!out[0] && !out[1]);
  said(es, ES_E_VALUE, "es_unpack");
  cr_assert_eq(es_unpack(es, "a *", x, shapes, (int[]){1, 1}, 2, NULL), ES_E_VALUE);
  said(es, ES_E_VALUE, "es_unpack");
  es_ctx_destroy(es);
}

Test(pack, parse_shape_refuses) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = check_ramp(es, ES_F32, ES_SHAPE(2, 6));
  int64_t value[2];
  const char *name[2];
  cr_assert_eq(es_parse_shape(es, NULL, x, name, value, 2), -1);
  said(es, ES_E_VALUE, "es_parse_shape");
  cr_assert_eq(es_parse_shape(es, "a b", NULL, name, value, 2), -1);
  said(es, ES_E_VALUE, "es_parse_shape");
  cr_assert_eq(es_parse_shape(es, "a b", x, NULL, value, 2), -1);
  said(es, ES_E_VALUE, "es_parse_shape");
  cr_assert_eq(es_parse_shape(es, "a b", x, name, value, -1), -1);
  said(es, ES_E_VALUE, "es_parse_shape");
  cr_assert_eq(es_parse_shape(es, "a b ... c", x, name, value, 2), -1);
  said(es, ES_E_RANK, "the pattern has at least 3 axes, the tensor 2, shape (2, 6)");
  cr_assert_eq(es_parse_shape(es, "a b", x, NULL, NULL, 0), 2);
  es_ctx_destroy(es);
}
