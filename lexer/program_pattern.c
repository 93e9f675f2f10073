/* A pattern in a program is handed to es_parse with the names of its operands blanked
 * out, so that places in it stay places in the text. */
#include "lexer/program_reader.h"

#include <string.h>

/* Where the pattern that starts here ends: at ']' inside brackets, else at the end of a
 * line that does not ask for more, or at ';'. */
static int64_t pattern_end(const es_reader *r) {
  char last = '\0';
  for (int64_t i = r->at; i < r->len; i++) {
    char c = r->text[i];
    if (c == '#') {
      while (i + 1 < r->len && r->text[i + 1] != '\n') i++;
    } else if (c == ';' || c == ']' || (c == '\n' && !r->depth && !strchr(",>|:", last))) {
      return i;
    } else if (c != ' ' && c != '\t' && c != '\r' && c != '\n') {
      last = c;
    }
  }
  return r->len;
}

static void blank(char *copy, int64_t from, int64_t to) {
  memset(copy + from, ' ', (size_t)(to - from));
}

typedef struct operands {
  int n, room;
  int32_t *node;
} operands;

/* "NAME ':'" at the start of a term: the operand, blanked out of the copy, which starts
 * at `start` of the text. */
static es_status read_operand(es_reader *r, char *copy, int64_t start, operands *list) {
  es_reader_skip(r, true);
  es_token t = es_reader_token(r, r->at);
  bool named = t.kind == ES_TOKEN_NAME;
  if (named) {
    int64_t from = r->at;
    r->at += t.span.length;
    es_reader_skip(r, true);
    named = es_reader_peek(r) == ':';
    if (!named) r->at = from;
  }
  if (!named) return es_reader_unexpected(r, "the name of an operand and ':', as in 'x: b c'");
  r->at++;
  blank(copy, t.span.offset - start, r->at - start);
  es_name_id id;
  ES_TRY(es_reader_intern(r, t.span, &id));
  int32_t index = r->means[id].value;
  if (index < 0) ES_TRY(es_reader_input(r, id, t.span, &index));
  int32_t *node = es_arena_grow(r->arena, list->node, list->n, &list->room, sizeof *node);
  if (!node) return es_fail_nomem(r->error);
  list->node = node;
  list->node[list->n++] = index;
  return ES_OK;
}

/* Operands up to the arrow. */
static es_status read_operands(es_reader *r, char *copy, int64_t start, int64_t end,
                               operands *list) {
  bool inputs = true;
  int depth = 0;
  ES_TRY(read_operand(r, copy, start, list));
  while (r->at < end) {
    if (es_reader_peek(r) == '#') es_reader_skip(r, true);
    char c = es_reader_peek(r);
    depth += (c == '(') - (c == ')');
    bool arrow = (c == '-' && r->at + 1 < end && r->text[r->at + 1] == '>') ||
                 (end - r->at >= 3 && !memcmp(r->text + r->at, "→", 3));
    r->at++;
    if (arrow || c == '|') inputs = false;
    if (c == ',' && inputs && depth == 0) ES_TRY(read_operand(r, copy, start, list));
  }
  return ES_OK;
}

/* Names of the axes are sizes in the arithmetic that follows. */
static es_status note_axes(es_reader *r, const es_pattern *pattern) {
  for (int i = 0; i < pattern->n_names; i++) {
    es_name_id id;
    const char *name = pattern->names[i];
    ES_TRY(es_reader_number(r, name, strlen(name), pattern->name_spans[i], &id));
    r->means[id].axis = true;
  }
  return ES_OK;
}

es_status es_reader_pattern(es_reader *r, int32_t *index) {
  es_reader_skip(r, true);
  int64_t start = r->at, end = pattern_end(r);
  while (end > start && strchr(" \t\r\n", r->text[end - 1])) end--;
  char *copy = es_arena_copy_text(r->arena, r->text + start, (size_t)(end - start));
  if (!copy) return es_fail_nomem(r->error);
  for (char *at = copy; (at = strchr(at, '#')) != NULL;) /* comments */
    while (*at && *at != '\n') *at++ = ' ';
  operands list = {0};
  ES_TRY(read_operands(r, copy, start, end, &list));
  es_value_node n = {.kind = ES_VALUE_PATTERN,
                     .n_in = list.n,
                     .in = list.node,
                     .span = {start, end - start},
                     .target = r->target};
  es_status status = es_parse(r->arena, ES_KIND_EINSUM, copy, (size_t)(end - start), r->reading,
                              &n.pattern, r->error);
  if (status != ES_OK) return es_program_blame(r->program, &n, r->error, status);
  r->at = end;
  ES_TRY(note_axes(r, n.pattern));
  return es_reader_add(r, n, index);
}
