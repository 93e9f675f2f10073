/* The statements of a program; the grammar is docs/PROGRAMS.md. */
#include "lexer/program_reader.h"

#include <string.h>

/* NAME ':' ahead: a pattern, without brackets. */
static bool pattern_ahead(es_reader *r) {
  int64_t from = r->at;
  es_reader_skip(r, true);
  es_token t = es_reader_token(r, r->at);
  r->at += t.span.length;
  bool pattern = t.kind == ES_TOKEN_NAME && es_reader_accept(r, ':');
  r->at = from;
  return pattern;
}

/* "a, b" here: how many names, and where they stand; 0 where something else does. */
static es_status read_targets(es_reader *r, es_span **span, int *n, bool *assigns) {
  int room = 0;
  int64_t from = r->at;
  *n = 0;
  *span = NULL;
  do {
    es_reader_skip(r, *n > 0); /* a line that ends with ',' asks for more */
    es_token t = es_reader_token(r, r->at);
    if (t.kind != ES_TOKEN_NAME) break;
    es_span *spans = es_arena_grow(r->arena, *span, *n, &room, sizeof *spans);
    if (!spans) return es_fail_nomem(r->error);
    *span = spans;
    (*span)[(*n)++] = t.span;
    r->at += t.span.length;
  } while (es_reader_accept(r, ','));
  *assigns = *n > 0 && es_reader_accept(r, '=');
  es_reader_skip(r, false);
  bool names = *assigns || (*n > 0 && (es_reader_peek(r) == ';' || es_reader_peek(r) == '\n' ||
                                       r->at >= r->len));
  if (!names) *n = 0;
  if (!names) r->at = from;
  return ES_OK;
}

static es_status set_results(es_reader *r, int n, const es_span *span, const int32_t *node) {
  es_graph *p = r->program;
  p->n_out = n;
  p->out = ES_NEW_N(r->arena, int32_t, n);
  p->out_name = ES_NEW_N(r->arena, const char *, n);
  if (!p->out || !p->out_name) return es_fail_nomem(r->error);
  for (int i = 0; i < n; i++) {
    p->out[i] = node[i];
    p->out_name[i] = span ? es_arena_copy_text(r->arena, r->text + span[i].offset,
                                               (size_t)span[i].length)
                          : "result";
    if (!p->out_name[i]) return es_fail_nomem(r->error);
  }
  return ES_OK;
}

/* A whole number that has a name is a size in all patterns. */
static es_status note_size(es_reader *r, es_name_id id, es_span span, const es_value_node *node) {
  es_graph *p = r->program;
  if (node->kind != ES_VALUE_NUMBER || !node->integral) return ES_OK;
  int at = r->means[id].size - 1;
  if (at >= 0 && p->size[at].size == (int64_t)node->number) return ES_OK;
  if (at >= 0)
    return es_reader_fail(r, span.offset, span.offset + span.length, "S7",
                          "this size has another value above; a size is one for the whole program");
  /* One more is kept free: {NULL, 0} ends the list. */
  es_axis_size *sizes = es_arena_grow(r->arena, p->size, p->n_sizes + 1, &r->size_room,
                                      sizeof *sizes);
  if (!sizes) return es_fail_nomem(r->error);
  p->size = sizes;
  p->size[p->n_sizes++] = (es_axis_size){r->names.text[id], (int64_t)node->number};
  p->size[p->n_sizes] = (es_axis_size){NULL, 0};
  r->means[id].size = p->n_sizes;
  return ES_OK;
}

/* What the targets stand for: the value, or the outputs of a pattern. */
static es_status read_values(es_reader *r, int n, const es_span *span, int32_t *node) {
  int64_t from = r->at;
  ES_TRY(pattern_ahead(r) ? es_reader_pattern(r, &node[0]) : es_reader_sum(r, &node[0]));
  const es_value_node *first = &r->program->node[node[0]];
  int outputs = first->kind == ES_VALUE_PATTERN && first->pattern->n_out > 1 ? first->pattern->n_out
                                                                             : 1;
  if (n != outputs)
    return es_program_place(
        r->text, r->target, r->error,
        es_fail(r->error, ES_E_COUNT, "S11",
                span ? es_span_join(span[0], span[n - 1]) : (es_span){from, r->at - from},
                "%d name%s for %d value%s", n, n == 1 ? "" : "s", outputs,
                outputs == 1 ? "" : "s"));
  for (int i = 1; i < n; i++) {
    es_value_node part = {.kind = ES_VALUE_OUTPUT,
                          .op = i,
                          .n_in = 1,
                          .in = node,
                          .span = r->program->node[node[0]].span};
    ES_TRY(es_reader_add(r, part, &node[i]));
  }
  return ES_OK;
}

static es_status assign(es_reader *r, int n, const es_span *span) {
  int32_t *node = ES_NEW_N(r->arena, int32_t, n);
  if (!node) return es_fail_nomem(r->error);
  r->target = es_arena_copy_text(r->arena, r->text + span[0].offset, (size_t)span[0].length);
  if (!r->target) return es_fail_nomem(r->error);
  ES_TRY(read_values(r, n, span, node));
  for (int i = 0; i < n; i++) {
    es_name_id id;
    ES_TRY(es_reader_intern(r, span[i], &id));
    if (n == 1) ES_TRY(note_size(r, id, span[0], &r->program->node[node[0]]));
    r->means[id].value = node[i];
  }
  return set_results(r, n, span, node);
}

/* Values that are no longer named by a statement: the results, which end the text. */
static es_status results(es_reader *r, int n, const es_span *span) {
  int32_t *node = ES_NEW_N(r->arena, int32_t, n + 1);
  if (!node) return es_fail_nomem(r->error);
  for (int i = 0; i < n; i++) {
    es_name_id id;
    ES_TRY(es_reader_intern(r, span[i], &id));
    node[i] = r->means[id].value;
    if (node[i] < 0)
      return es_reader_fail(r, span[i].offset, span[i].offset + span[i].length, "S11",
                            "no statement gives this name a value");
  }
  if (!n) ES_TRY(read_values(r, 1, NULL, node));
  ES_TRY(set_results(r, n ? n : 1, span, node));
  es_reader_skip(r, true);
  while (es_reader_peek(r) == ';') {
    r->at++;
    es_reader_skip(r, true);
  }
  return r->at >= r->len ? ES_OK
                         : es_reader_unexpected(r, "the end: a line without '=' gives the results");
}

static es_status statement(es_reader *r) {
  es_span *span;
  int n;
  bool assigns = false;
  r->target = "";
  ES_TRY(read_targets(r, &span, &n, &assigns));
  if (!assigns) return results(r, n, n ? span : NULL);
  ES_TRY(assign(r, n, span));
  es_reader_skip(r, false);
  if (r->at >= r->len || es_reader_peek(r) == '\n' || es_reader_peek(r) == ';') return ES_OK;
  return es_reader_unexpected(r, "the end of the statement");
}

static es_status program(es_reader *r) {
  for (;;) {
    es_reader_skip(r, true);
    while (es_reader_peek(r) == ';') {
      r->at++;
      es_reader_skip(r, true);
    }
    if (r->at >= r->len) break;
    ES_TRY(statement(r));
  }
  es_graph *p = r->program;
  if (!p->n_out) return es_reader_unexpected(r, "a statement 'NAME = …'");
  for (int i = 0; i < p->n_out; i++) p->node[p->out[i]].uses++;
  return ES_OK;
}

es_status es_program_parse(es_arena *arena, const char *text, size_t len, es_reading reading,
                           es_graph **out, es_error *error) {
  *out = NULL;
  if (len > ES_MAX_TEXT)
    return es_fail(error, ES_E_LIMIT, "L6", (es_span){ES_MAX_TEXT, 1},
                   "the text has %zu bytes; a program has at most %d", len, ES_MAX_TEXT);
  es_graph *p = ES_NEW(arena, es_graph);
  es_reader r = {.program = p,
                 .arena = arena,
                 .error = error,
                 .reading = reading,
                 .target = "",
                 .len = (int64_t)len,
                 .names = {.arena = arena}};
  r.text = es_arena_copy_text(arena, text, len);
  r.bucket = ES_NEW_N(arena, int32_t, ES_READER_BUCKETS);
  if (!p || !r.text || !r.bucket) return es_fail_nomem(error);
  for (int i = 0; i < ES_READER_BUCKETS; i++) r.bucket[i] = -1;
  p->text = r.text;
  p->len = len;
  p->size = es_arena_grow(arena, NULL, 0, &r.size_room, sizeof *p->size);
  if (!p->size) return es_fail_nomem(error);
  ES_TRY(program(&r));
  *out = p;
  return ES_OK;
}
