#include "engine/bind/binder.h"

#include <string.h>

/* Operands of all parts together: each costs a walk. */
enum { MAX_WALKS = 1 << 20 };

es_status es_bind_overflow(es_binder *b, es_span span) {
  return es_fail(b->error, ES_E_OVERFLOW, "M1", span, "the positions of '%s' do not fit 64 bits",
                 es_words_span(es_bind_pattern(b), span).text);
}

es_status es_bind_new_label(es_binder *b, const char *name, int64_t extent, int32_t *label) {
  es_bound *r = b->bound;
  es_label *list = es_arena_grow(b->arena, r->label, r->n_labels, &b->label_room, sizeof *list);
  if (!list) return es_fail_nomem(b->error);
  r->label = list;
  *label = r->n_labels;
  r->label[r->n_labels++] = (es_label){name, extent, ES_ROLE_REDUCED};
  return ES_OK;
}

es_status es_bind_add_part(es_binder *b, const es_part *part) {
  es_bound *r = b->bound;
  b->n_walks += part->n_in;
  if (b->n_walks > MAX_WALKS)
    return es_fail(b->error, ES_E_LIMIT, "M1", b->axes->out[part->output].span,
                   "the output falls into pieces that read over %d operands together", MAX_WALKS);
  es_part *list = es_arena_grow(b->arena, r->part, r->n_parts, &b->part_room, sizeof *list);
  if (!list) return es_fail_nomem(b->error);
  r->part = list;
  r->part[r->n_parts++] = *part;
  return ES_OK;
}
