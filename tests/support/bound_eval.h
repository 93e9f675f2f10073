/* Two slow ways to evaluate a bound expression in double, for tests of the bind
 * stage: by its parts, as the executor would, and straight from the meaning of
 * the terms, knowing nothing of strides, parts or constraints. */
#ifndef ES_TESTS_BOUND_EVAL_H
#define ES_TESTS_BOUND_EVAL_H

#include "engine/bind/bound.h"

/* An expression, its operands filled with distinct small integers, its bound. */
typedef struct bound_case {
  es_arena arena;
  es_pattern *pattern;
  int n;
  es_array in[8];
  int64_t shape[8][8];
  double *data[8];
  es_bound *bound;
  es_status status;
  es_error error;
} bound_case;

/* shapes: "2,3 4 -" (a dash is a scalar); sizes: "h=2 w=3" or "". Parses and binds;
 * status and error tell how it went. */
void bound_open(bound_case *c, es_kind kind, const char *text, const char *shapes,
                const char *sizes, const es_options *options);
void bound_close(bound_case *c);

/* Output o as a new C order array of *count elements; free() it. Elements that no
 * part writes are the identity where the output is filled first, else NaN. An
 * element that two parts write is NaN too. */
double *bound_by_parts(const bound_case *c, int output, int64_t *count);
/* The same from the terms. No '^'. */
double *bound_by_meaning(const bound_case *c, int64_t *count);

#endif
