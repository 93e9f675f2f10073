/* Kernels: pointers, strides, counts. One const table per vector width; each
 * table is one translation unit that includes the templates (isa16.c, isa32.c,
 * isa64.c). Kernels take only base. */
#ifndef ES_ENGINE_KERNELS_H
#define ES_ENGINE_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "base/dtype.h"

/* Filled by the owners of the templates; see the comment at each type. */
struct es_kernels;

const struct es_kernels *es_kernels_select(es_isa isa); /* NULL: not on this processor */

#endif
