/* Words for the errors of the stages that know names. */
#ifndef ES_ENGINE_AXIS_WORDS_H
#define ES_ENGINE_AXIS_WORDS_H

#include "engine/bind/axis_table.h"

/* A piece of the pattern as the user wrote it, escaped and cut to fit. */
typedef struct es_words {
  char text[96];
} es_words;
es_words es_words_span(const es_pattern *pattern, es_span span);
es_words es_words_text(const char *text);
typedef struct es_words_of_shape {
  char text[160];
} es_words_of_shape;
es_words_of_shape es_words_shape(int rank, const int64_t *shape);
/* The name nearest to name among those with all of the places; NULL when none is
 * near enough to be what was meant. */
const char *es_names_nearest(const es_axes *axes, const char *name, unsigned places);

#endif
