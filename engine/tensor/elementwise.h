/* Types of elementwise operations: NumPy's rules, and where they stop. */
#ifndef ES_ENGINE_ELEMENTWISE_H
#define ES_ENGINE_ELEMENTWISE_H

#include "einstride.h"

/* in: the type operands are converted to in mind (arithmetic happens in its compute
 * type); rows: what the kernel writes; out: of the result. */
typedef struct es_signature {
  es_dtype in, rows, out;
} es_signature;

/* Over operands of (promoted) type d. False where the type has no rule; otherwise the
 * kernel table may still have none. */
bool es_unary_types(es_unary_op op, es_dtype d, es_signature *s);
bool es_binary_types(es_binary_op op, es_dtype d, es_signature *s);
es_signature es_activation_types(es_dtype d);
/* An array with a number: the type both are taken as, and that of the number. */
void es_scalar_types(es_dtype array, bool integral, es_dtype *common, es_dtype *scalar);

#endif
