/* Memory beside forbidden pages: a load or a store outside of a block ends the program,
 * or, where the block does not touch the page, is found by guard_check. */
#ifndef TESTS_SUPPORT_GUARD_H
#define TESTS_SUPPORT_GUARD_H

#include <stdatomic.h>

#include "einstride.h"

typedef struct guard {
  char *data;
  size_t bytes;
  char *pages; /* forbidden | data and filler | forbidden */
  size_t mapped;
} guard;

/* At the end the last byte touches the page behind, else the first one that before. NULL
 * data: no memory. */
guard guard_make(size_t bytes, bool at_end);
/* False: bytes of the filler around the data have changed. */
bool guard_check(const guard *g);
void guard_free(guard *g);

/* For es_config.allocator: all blocks end at a forbidden page, but for what alignment
 * leaves over, which is checked when they are freed. *damaged counts. */
es_allocator guard_allocator(_Atomic int64_t *damaged);

#endif
