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
  if (r->n_labels == b->label_room) {
    int room = 2 * b->label_room + 8;
    es_label *list = ES_NEW_N(b->arena, es_label, room);
    if (!list) return es_fail_nomem(b->error);
    if (r->n_labels) memcpy(list, r->label, (size_t)r->n_labels * sizeof *list);
    r->label = list;
    b->label_room = room;
  }
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
  if (r->n_parts == b->part_room) {
    int room = b->part_room ? 2 * b->part_room : 4;
    es_part *list = ES_NEW_N(b->arena, es_part, room);
    if (!list) return es_fail_nomem(b->error);
    if (r->n_parts) memcpy(list, r->part, (size_t)r->n_parts * sizeof *list);
    r->part = list;
    b->part_room = room;
  }
  r->part[r->n_parts++] = *part;
  return ES_OK;
}
