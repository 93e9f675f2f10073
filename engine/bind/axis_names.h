/* What each name of a pattern is: an axis, an ellipsis or a parameter. */
#ifndef ES_ENGINE_AXIS_NAMES_H
#define ES_ENGINE_AXIS_NAMES_H

#include "engine/bind/axis_table.h"

/* Places of every name, the sizes given, and with both what is a parameter. */
es_status es_names_read(es_arena *arena, es_axes *axes, const es_axis_size *sizes, es_error *error);

#endif
