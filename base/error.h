/* Filling an es_error. All wording happens while names are still known. */
#ifndef ES_BASE_ERROR_H
#define ES_BASE_ERROR_H

#include "einstride.h"

/* A piece of the pattern text, in bytes. length 0: no place. */
typedef struct es_span {
  int64_t offset;
  int64_t length;
} es_span;

/* The span from the start of a to the end of b. */
static inline es_span es_span_join(es_span a, es_span b) {
  return (es_span){a.offset, b.offset + b.length - a.offset};
}

/* Fills *error (unless NULL) and returns status, so that a caller can write
 * `return es_fail(…)`. rule is "S7" or "". The message is cut at a code point
 * when too long; user text in it must have been escaped. */
es_status es_fail(es_error *error, es_status status, const char *rule, es_span where,
                  const char *fmt, ...) ES_PRINTF(5, 6);
es_status es_fail2(es_error *error, es_status status, const char *rule, es_span where,
                   es_span where2, const char *fmt, ...) ES_PRINTF(6, 7);
/* Out of memory; the one error that must not need memory. */
es_status es_fail_nomem(es_error *error);
/* At a call compilers and analysers see which status comes back: nearly always a constant that is
 * not ES_OK. */
static inline es_status es_failed(es_status returned, es_status status) {
  (void)returned;
  return status;
}
#define es_fail(error, status, ...) es_failed((es_fail)(error, status, __VA_ARGS__), status)
#define es_fail2(error, status, ...) es_failed((es_fail2)(error, status, __VA_ARGS__), status)
#define es_fail_nomem(error) es_failed((es_fail_nomem)(error), ES_E_NOMEM)
static inline es_status es_blame(es_error *error, int operand, es_status status) {
  if (error) error->operand = operand;
  return status;
}

#define ES_NOWHERE ((es_span){0, 0})
/* Propagates a failed es_status. */
#define ES_TRY(call)                                                                               \
  do {                                                                                             \
    es_status es_try_status_ = (call);                                                             \
    if (es_try_status_ != ES_OK) return es_try_status_;                                            \
  } while (0)

#endif
