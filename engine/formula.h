/* Sums of products as text, "2·i·j + k": read, gathered, divided. */
#ifndef ES_FORMULA_H
#define ES_FORMULA_H

#include "base/text.h"

enum { ES_FORMULA_TERMS = 32, ES_FORMULA_FACTORS = 64 };

typedef struct es_factor { /* a name or an index in parentheses, in the text it was read from */
  const char *text;
  size_t len;
} es_factor;

typedef struct es_product {
  int64_t times; /* the product of its numbers */
  int n;
  es_factor factor[ES_FORMULA_FACTORS];
} es_product;

typedef struct es_sum {
  int n;
  es_product term[ES_FORMULA_TERMS];
} es_sum;

/* A sum of formulas on its way to text. Terms of the same names become one; those behind the
 * first ES_FORMULA_TERMS are written as they come. */
typedef struct es_sum_text {
  es_text text;
  bool gathers;
  es_sum sum; /* borrows the formulas */
} es_sum_text;

/* As es_text_init: at most cap bytes of buf are written. */
void es_sum_text_init(es_sum_text *s, char *buf, size_t cap);
/* formula must stay where it is until the end. */
void es_sum_text_add(es_sum_text *s, const char *formula);
/* Writes "0" where nothing was added. Returns the length of the whole. */
size_t es_sum_text_end(es_sum_text *s);

#endif
