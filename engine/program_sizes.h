/* The sizes of axes, which hold from one statement of a program to the next. */
#ifndef ES_ENGINE_PROGRAM_SIZES_H
#define ES_ENGINE_PROGRAM_SIZES_H

#include "engine/compiler.h"

/* The entry of a name, made where there is none. */
es_status es_compiler_find_size(es_compiler *c, const char *name, es_known_size **size);
/* Sizes from the text, or given by the caller. */
es_status es_compiler_take_sizes(es_compiler *c, const es_axis_size *list, bool given);
/* What is known of the names of a pattern, as a list for binding. */
es_status es_compiler_list_sizes(es_compiler *c, const es_pattern *pattern, es_axis_size **list);
/* What binding a pattern, which is node, has found. */
es_status es_compiler_note_sizes(es_compiler *c, const es_bound *bound, int32_t node);
/* Every size that the caller gave was of use. */
es_status es_compiler_check_sizes(es_compiler *c);
/* es_compiler_blame for what binding refused: of a clash with a size that another statement
 * fixed it says which. */
es_status es_compiler_blame_sizes(es_compiler *c, const es_value_node *node, es_status status);

#endif
