#include "engine/program_sizes.h"

#include <string.h>

#include "base/text.h"
#include "engine/bind/axis_table.h"

es_status es_compiler_find_size(es_compiler *c, const char *name, es_known_size **size) {
  es_name_id id = es_names_intern(&c->names, name, strlen(name), ES_NOWHERE);
  if (id == ES_NO_NAME) return es_fail_nomem(c->b->error);
  if (c->names.room > c->size_room) {
    es_known_size *sizes = ES_NEW_N(c->b->scratch, es_known_size, c->names.room);
    if (!sizes) return es_fail_nomem(c->b->error);
    if (c->size_room) memcpy(sizes, c->size, (size_t)c->size_room * sizeof *sizes);
    c->size = sizes;
    c->size_room = c->names.room;
  }
  *size = &c->size[id];
  return ES_OK;
}

es_status es_compiler_take_sizes(es_compiler *c, const es_axis_size *list, bool given) {
  for (; list && list->name; list++) {
    es_known_size *s = NULL;
    ES_TRY(es_compiler_find_size(c, list->name, &s));
    if (s->known && s->size != list->size)
      return es_fail(c->b->error, ES_E_EXTENT, "S10", ES_NOWHERE,
                     "'%.64s' is given as %lld, and is %lld in the program", list->name,
                     (long long)list->size, (long long)s->size);
    *s = (es_known_size){true, given, s->used, list->size, -1};
  }
  return ES_OK;
}

es_status es_compiler_list_sizes(es_compiler *c, const es_pattern *pattern, es_axis_size **list) {
  *list = ES_NEW_N(c->b->scratch, es_axis_size, pattern->n_names + 1);
  if (!*list) return es_fail_nomem(c->b->error);
  int n = 0;
  for (int i = 0; i < pattern->n_names; i++) {
    es_known_size *s = NULL;
    ES_TRY(es_compiler_find_size(c, pattern->names[i], &s));
    s->used = true;
    if (s->known) (*list)[n++] = (es_axis_size){pattern->names[i], s->size};
  }
  return ES_OK;
}

es_status es_compiler_note_sizes(es_compiler *c, const es_bound *bound, int32_t node) {
  const es_axes *axes = bound->axes;
  for (int i = 0; i < bound->pattern->n_names; i++) {
    const es_axis_name *name = &axes->name[i];
    es_known_size *s = NULL;
    if (name->role != ES_NAME_AXIS || name->label < 0) continue;
    ES_TRY(es_compiler_find_size(c, bound->pattern->names[i], &s));
    if (!s->known) *s = (es_known_size){true, false, true, bound->size[name->label], node};
  }
  return ES_OK;
}

es_status es_compiler_check_sizes(es_compiler *c) {
  for (int i = 0; i < c->names.n; i++)
    if (c->size[i].given && !c->size[i].used)
      return es_fail(c->b->error, ES_E_NAME, "S10", ES_NOWHERE,
                     "a size is given for '%.64s', which no statement of the program uses",
                     c->names.text[i]);
  return ES_OK;
}

es_status es_compiler_blame_sizes(es_compiler *c, const es_value_node *node, es_status status) {
  es_error *error = c->b->error;
  if (!error || status != ES_E_EXTENT) return es_compiler_blame(c, node, status);
  size_t len = strlen(error->message);
  es_text t = es_text_init(error->message + len, sizeof error->message - len);
  bool first = true;
  for (int i = 0; i < node->pattern->n_names; i++) {
    es_known_size *s = NULL;
    if (es_compiler_find_size(c, node->pattern->names[i], &s) != ES_OK || !s->known || s->node < 0)
      continue;
    const es_value_node *by = &c->program->node[s->node];
    es_text_printf(&t, "%s '%s' is %lld%s%s%s", first ? "; above," : ",", node->pattern->names[i],
                   (long long)s->size, *by->target ? " (by '" : "", by->target,
                   *by->target ? "')" : "");
    first = false;
  }
  return es_compiler_blame(c, node, status);
}
