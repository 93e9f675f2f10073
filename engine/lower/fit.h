/* Whether a plan fits into the limit of memory. */
#ifndef ES_ENGINE_FIT_H
#define ES_ENGINE_FIT_H

#include "engine/lower/builder.h"

/* Gives back the memory of what other attempts found, and takes anew what is in use. */
void es_fit_settle(es_fit *fit, const es_ctx *ctx);
void es_fit_end(es_fit *fit);
/* What intermediates between so many operands may still take of the context's memory; 0 where they
 * are to take as little as may be. */
double es_builder_room(const es_builder *b, int operands);
/* Makes this attempt the one that takes least; where it has searched for an order before, ends it
 * for such a one. */
es_status es_builder_seek_least(es_builder *b);
/* Ends this attempt: no order within its room was found. */
es_status es_builder_give_up(es_builder *b);
/* Whether a workspace of so many bytes fits. Where an order was searched for, the results count
 * too, unless they are the caller's own: with the limit that would do the whole call works. */
es_status es_builder_admit(es_builder *b, uint64_t bytes);
/* Words what does not fit into a limit. exact: fit->least is the least that would do. */
es_status es_fit_refuse(const es_fit *fit, int64_t limit, bool exact, es_error *error);

#endif
