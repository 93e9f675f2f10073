/* Characters, names and nodes of a program that is read. */
#include "lexer/program_reader.h"

#include <string.h>

#include "base/text.h"

es_status es_reader_fail(es_reader *r, int64_t from, int64_t to, const char *rule,
                         const char *what) {
  es_span where = {from, to - from};
  return es_program_place(r->text, r->target, r->error,
                          es_fail(r->error, ES_E_SYNTAX, rule, where, "%s", what));
}

/* ---- characters ------------------------------------------------------------------- */

char es_reader_peek(const es_reader *r) { return r->at < r->len ? r->text[r->at] : '\0'; }

/* Blanks, comments, and line ends where the statement cannot end. */
void es_reader_skip(es_reader *r, bool lines) {
  for (; r->at < r->len; r->at++) {
    char c = r->text[r->at];
    if (c == '#') {
      while (r->at + 1 < r->len && r->text[r->at + 1] != '\n') r->at++;
    } else if (c != ' ' && c != '\t' && c != '\r' && !(c == '\n' && (lines || r->depth))) {
      return;
    }
  }
}

bool es_reader_accept(es_reader *r, char c) {
  es_reader_skip(r, false);
  if (es_reader_peek(r) != c) return false;
  r->at++;
  return true;
}

es_token es_reader_token(const es_reader *r, int64_t at) {
  es_lexer lexer = {r->text, (size_t)r->len, (size_t)at};
  return es_lexer_next(&lexer);
}

es_status es_reader_unexpected(es_reader *r, const char *expected) {
  es_reader_skip(r, false);
  es_span where = {r->at, 1};
  char message[320];
  es_text t = es_text_init(message, sizeof message);
  es_text_printf(&t, "expected %s, found ", expected);
  if (r->at >= r->len) {
    es_text_puts(&t, "the end of the text");
    where.offset = r->len ? r->len - 1 : 0;
  } else {
    es_quote quote;
    where = es_reader_token(r, r->at).span;
    es_text_printf(&t, "'%s'", es_parse_quote(&quote, r->text, where));
  }
  return es_reader_fail(r, where.offset, where.offset + where.length, "L7", message);
}

es_status es_reader_expect(es_reader *r, char c, const char *expected) {
  return es_reader_accept(r, c) ? ES_OK : es_reader_unexpected(r, expected);
}

/* ---- names and nodes --------------------------------------------------------------- */

es_status es_reader_number(es_reader *r, const char *text, size_t len, es_span span,
                           es_name_id *id) {
  *id = es_names_intern(&r->names, text, len, span);
  if (*id == ES_NO_NAME) return es_fail_nomem(r->error);
  while (r->room < r->names.room) { /* as the table of names grows */
    int room = r->names.room;
    struct es_meaning *means = ES_NEW_N(r->arena, struct es_meaning, room);
    if (!means) return es_fail_nomem(r->error);
    if (r->room) memcpy(means, r->means, (size_t)r->room * sizeof *means);
    for (int i = r->room; i < room; i++) means[i].value = -1;
    r->means = means;
    r->room = room;
  }
  return ES_OK;
}

es_status es_reader_intern(es_reader *r, es_span span, es_name_id *id) {
  const char *text = r->text + span.offset;
  int64_t end = span.offset + span.length;
  if (text[0] == '_' || text[span.length - 1] == '_')
    return es_reader_fail(r, span.offset, end, "L4", "an underscore stands only inside a name");
  if (span.length > ES_MAX_NAME)
    return es_reader_fail(r, span.offset, end, "L6", "a name has at most 64 bytes");
  return es_reader_number(r, text, (size_t)span.length, span, id);
}

static uint32_t hash_node(const es_value_node *n) {
  uint64_t bits = 0;
  memcpy(&bits, &n->number, sizeof bits);
  uint64_t h = (uint64_t)n->kind * 31 + (uint64_t)n->op + (bits ^ bits >> 29);
  for (int i = 0; i < n->n_in; i++) h = (h ^ (uint64_t)n->in[i]) * 0x9e3779b97f4a7c15u;
  if (n->pattern) h ^= (uint64_t)n->pattern->n_names << 17 ^ (uint64_t)n->pattern->n_in;
  return (uint32_t)(h ^ h >> 32);
}

/* Of one bucket. */
static bool same(const es_value_node *a, const es_value_node *b) {
  if (a->kind != b->kind || a->op != b->op || a->n_in != b->n_in || a->name != b->name)
    return false;
  if (memcmp(&a->number, &b->number, sizeof a->number) || a->integral != b->integral) return false;
  if (a->n_in && memcmp(a->in, b->in, (size_t)a->n_in * sizeof *a->in)) return false;
  return !a->pattern || es_pattern_equal(a->pattern, b->pattern);
}

/* The node equal to this one, or a new one. in is copied. */
es_status es_reader_add(es_reader *r, es_value_node n, int32_t *index) {
  es_graph *p = r->program;
  int32_t *head = &r->bucket[hash_node(&n) % ES_READER_BUCKETS];
  for (*index = *head; *index >= 0; *index = p->node[*index].next)
    if (same(&p->node[*index], &n)) return ES_OK;
  es_value_node *nodes = es_arena_grow(r->arena, p->node, p->n, &r->node_room, sizeof *nodes);
  int32_t *in = ES_NEW_N(r->arena, int32_t, n.n_in);
  if (!nodes || !in) return es_fail_nomem(r->error);
  if (n.n_in) memcpy(in, n.in, (size_t)n.n_in * sizeof *in);
  p->node = nodes;
  for (int i = 0; i < n.n_in; i++) {
    nodes[in[i]].uses++;
    nodes[in[i]].elementwise += es_value_elementwise(&n);
  }
  n.in = in;
  n.target = r->target;
  n.next = *head;
  nodes[p->n] = n;
  *index = *head = p->n++;
  return ES_OK;
}

es_status es_reader_input(es_reader *r, es_name_id id, es_span span, int32_t *index) {
  es_graph *p = r->program;
  es_value_node n = {.kind = ES_VALUE_INPUT, .name = r->names.text[id], .span = span};
  ES_TRY(es_reader_add(r, n, index));
  int32_t *in = es_arena_grow(r->arena, p->in, p->n_in, &r->in_room, sizeof *in);
  if (!in) return es_fail_nomem(r->error);
  p->in = in;
  p->in[p->n_in++] = *index;
  r->means[id].value = *index;
  return ES_OK;
}
