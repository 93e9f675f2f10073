/* What the axes of a program's values are called, and what its elementwise steps read and write in
 * these names. Names may come late, from the last statement: so they are written at the end. */
#ifndef ES_ENGINE_PROGRAM_NAMES_H
#define ES_ENGINE_PROGRAM_NAMES_H

#include "engine/compiler.h"

/* The axes of an input are x.shape[0], … until a pattern names them. NOMEM. */
es_status es_compiler_name_input(es_compiler *c, const char *name, const es_value_of *value);
/* The axes of operands and outputs are what the pattern of the node says. NOMEM. */
es_status es_compiler_name_pattern(es_compiler *c, const es_value_node *node, const es_bound *bound,
                                   const es_value_of *out);
/* The axes along which value is not broadcast to out are those of out, from the last on. */
void es_compiler_tie(es_compiler *c, const es_value_of *value, const es_value_of *out);
/* The group opened last reads value, or, told last, writes it; a SCALAR has its dtype. NOMEM. */
es_status es_compiler_touch(es_compiler *c, const es_value_of *value);
/* Writes the formulas of the groups that were told so. NOMEM. */
es_status es_compiler_write_formulas(es_compiler *c);

#endif
