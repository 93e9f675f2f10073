/* From parts of a bound to nests: what lower_*.c share. */
#ifndef ES_ENGINE_NEST_H
#define ES_ENGINE_NEST_H

#include "base/text.h"
#include "engine/lower/builder.h"
#include "engine/order/path.h"

/* Of a nest: an input, a padded copy or an intermediate. */
typedef struct es_operand {
  int slot;
  es_walk walk;
} es_operand;

/* One step of a path. */
typedef struct es_nest {
  int n_in;
  const es_operand **in;
  es_operand out;
  int output; /* index of the output array written; -1: an intermediate */
  bool adds;  /* to what the output holds */
} es_nest;

/* ---- lower_nest.c -------------------------------------------------------- */

/* Appends the steps of a nest over what b->extent says of its labels. */
es_status es_builder_add_nest(es_builder *b, const es_part *part, const es_nest *n);
/* Whether some constraint of the part speaks of the label. */
bool es_part_constrains(const es_part *part, int32_t label);
/* Whether a constraint speaks of labels that have axes, all of them. */
bool es_builder_applies(const es_builder *b, const es_label_constraint *c);

/* ---- lower_formula.c ------------------------------------------------------- */

/* What put writes of a thing, in the plan's arena. NULL: memory is out, as where put says false. */
typedef bool es_builder_put(es_text *t, es_builder *b, const void *of);
const char *es_builder_text(es_builder *b, es_builder_put *put, const void *of);
/* The bytes that a nest reads and writes, operand by operand and then the output, as a formula
 * in the names of its labels; in the plan's arena. NULL: memory is out. */
const char *es_builder_bytes_formula(es_builder *b, const es_nest *n);

/* ---- lower_share.c ---------------------------------------------------------- */

/* Which steps of a path compute what an earlier one did. */
typedef struct es_shared {
  const int *first; /* [steps] the earlier step, or -1; NULL: there are none */
  int n_in;
  const void *kind; /* how the labels of both correspond */
} es_shared;

/* Looks for them, and takes them where all that lives longer then still fits into room. name:
 * of the path's labels in the bound. */
es_status es_builder_share(es_builder *b, const es_part *part, const es_path *path,
                           const int32_t *name, double room, es_shared *shared);
/* The result of such a step, which is that of an earlier one, by its own labels. */
es_status es_shared_value(es_builder *b, const es_shared *shared, int step,
                          const es_operand *values, es_operand *out);

/* ---- lower_path.c ------------------------------------------------------------ */

/* All steps of one part of an output. */
es_status es_builder_part(es_builder *b, const es_part *part);

#endif
