/* Recursive descent over the statements of a program; the grammar is section
 * 'Programs' of docs/GRAMMAR.md. A pattern inside is handed to es_parse with the names
 * of its operands blanked out, so that places in it stay places in the text. */
#include <string.h>

#include "base/checked.h"
#include "base/text.h"
#include "lexer/parse.h"
#include "lexer/program.h"

enum { BUCKETS = 1024 };

typedef struct reader {
  es_graph *program;
  es_arena *arena;
  es_error *error;
  es_reading reading;
  const char *text;
  int64_t len, at;
  int depth;          /* of brackets: line ends inside are blanks */
  const char *target; /* of the statement; "" for none */
  es_names names;
  struct meaning { /* [room] of each name */
    int32_t value; /* the node it stands for, or -1 */
    bool axis;     /* of an earlier pattern */
    int size;      /* 1 + where it stands in program->size; 0: it is no size */
  } * means;
  int room;
  int node_room, in_room, size_room;
  int32_t *bucket; /* [BUCKETS] first node of a hash, or -1 */
} reader;

static es_status fail(reader *r, int64_t from, int64_t to, const char *rule, const char *what,
                      const char *found) {
  es_fail(r->error, ES_E_SYNTAX, rule, (es_span){from, to > from ? to - from : 1}, "%s%s%s", what,
          found ? ", found " : "", found ? found : "");
  return es_program_place(r->text, r->target, r->error);
}

/* ---- characters ------------------------------------------------------------------- */

static char peek(const reader *r) { return r->at < r->len ? r->text[r->at] : '\0'; }

/* Blanks, comments, and line ends where the statement cannot end. */
static void skip_blanks(reader *r, bool lines) {
  for (; r->at < r->len; r->at++) {
    char c = r->text[r->at];
    if (c == '#') {
      while (r->at + 1 < r->len && r->text[r->at + 1] != '\n') r->at++;
    } else if (c != ' ' && c != '\t' && c != '\r' && !(c == '\n' && (lines || r->depth))) {
      return;
    }
  }
}

static bool accept(reader *r, char c) {
  skip_blanks(r, false);
  if (peek(r) != c) return false;
  r->at++;
  return true;
}

static es_token token_at(const reader *r, int64_t at) {
  es_lexer lexer = {r->text, (size_t)r->len, (size_t)at};
  return es_lexer_next(&lexer);
}

/* What stands here, for a message. */
static es_status unexpected(reader *r, const char *expected) {
  skip_blanks(r, false);
  char what[160];
  es_text t = es_text_init(what, sizeof what);
  es_text_printf(&t, "expected %s", expected);
  if (r->at >= r->len) {
    int64_t last = r->len ? r->len - 1 : 0;
    return fail(r, last, last + (r->len > 0), "L7", what, "the end of the text");
  }
  if (peek(r) == '\n') return fail(r, r->at, r->at + 1, "L7", what, "the end of the line");
  es_token token = token_at(r, r->at);
  if (token.span.length == 0) token.span = (es_span){r->at, 1};
  es_quote quote;
  char found[sizeof quote.text + 2];
  es_text f = es_text_init(found, sizeof found);
  es_text_printf(&f, "'%s'", es_parse_quote(&quote, r->text, token.span));
  return fail(r, token.span.offset, token.span.offset + token.span.length, "L7", what, found);
}

static es_status expect(reader *r, char c, const char *expected) {
  return accept(r, c) ? ES_OK : unexpected(r, expected);
}

/* ---- names and nodes --------------------------------------------------------------- */

static es_status number_name(reader *r, const char *text, size_t len, es_span span,
                             es_name_id *id) {
  *id = es_names_intern(&r->names, text, len, span);
  if (*id == ES_NO_NAME) return es_fail_nomem(r->error);
  while (r->room < r->names.room) { /* as the table of names grows */
    int room = r->names.room;
    struct meaning *means = ES_NEW_N(r->arena, struct meaning, room);
    if (!means) return es_fail_nomem(r->error);
    if (r->room) memcpy(means, r->means, (size_t)r->room * sizeof *means);
    for (int i = r->room; i < room; i++) means[i].value = -1;
    r->means = means;
    r->room = room;
  }
  return ES_OK;
}

static es_status intern(reader *r, es_span span, es_name_id *id) {
  const char *text = r->text + span.offset;
  int64_t end = span.offset + span.length;
  if (text[0] == '_' || text[span.length - 1] == '_')
    return fail(r, span.offset, end, "L4", "an underscore stands only inside a name", NULL);
  if (span.length > ES_MAX_NAME)
    return fail(r, span.offset, end, "L6", "a name has at most 64 bytes", NULL);
  return number_name(r, text, (size_t)span.length, span, id);
}

static uint32_t hash_node(const es_value_node *n) {
  uint64_t bits = 0;
  memcpy(&bits, &n->number, sizeof bits);
  uint64_t h = (uint64_t)n->kind * 31 + (uint64_t)n->op + (bits ^ bits >> 29);
  for (int i = 0; i < n->n_in; i++) h = (h ^ (uint64_t)n->in[i]) * 0x9e3779b97f4a7c15u;
  if (n->pattern) h ^= (uint64_t)n->pattern->n_names << 17 ^ (uint64_t)n->pattern->n_in;
  return (uint32_t)(h ^ h >> 32);
}

static bool same(const es_value_node *a, const es_value_node *b) {
  if (a->kind != b->kind || a->op != b->op || a->n_in != b->n_in || a->name != b->name)
    return false;
  if (memcmp(&a->number, &b->number, sizeof a->number) || a->integral != b->integral) return false;
  if (a->n_in && memcmp(a->in, b->in, (size_t)a->n_in * sizeof *a->in)) return false;
  return !a->pattern || es_pattern_equal(a->pattern, b->pattern);
}

/* The node equal to this one, or a new one. in is copied. */
static es_status add(reader *r, es_value_node n, int32_t *index) {
  es_graph *p = r->program;
  n.hash = hash_node(&n);
  int32_t *head = &r->bucket[n.hash % BUCKETS];
  for (*index = *head; *index >= 0; *index = p->node[*index].next)
    if (p->node[*index].hash == n.hash && same(&p->node[*index], &n)) return ES_OK;
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

static es_status add_input(reader *r, es_name_id id, es_span span, int32_t *index) {
  es_graph *p = r->program;
  es_value_node n = {.kind = ES_VALUE_INPUT, .name = r->names.text[id], .span = span};
  ES_TRY(add(r, n, index));
  int32_t *in = es_arena_grow(r->arena, p->in, p->n_in, &r->in_room, sizeof *in);
  if (!in) return es_fail_nomem(r->error);
  p->in = in;
  p->in[p->n_in++] = *index;
  r->means[id].value = *index;
  return ES_OK;
}

/* ---- patterns ----------------------------------------------------------------------- */

/* Where the pattern that starts here ends: at ']' inside brackets, else at the end of a
 * line that does not ask for more, or at ';'. */
static int64_t pattern_end(const reader *r) {
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
static es_status read_operand(reader *r, char *copy, int64_t start, operands *list) {
  skip_blanks(r, true);
  es_token t = token_at(r, r->at);
  bool named = t.kind == ES_TOKEN_NAME && t.span.offset == r->at;
  if (named) {
    int64_t from = r->at;
    r->at += t.span.length;
    skip_blanks(r, true);
    named = peek(r) == ':';
    if (!named) r->at = from;
  }
  if (!named) return unexpected(r, "the name of an operand and ':', as in 'x: b c'");
  r->at++;
  blank(copy, t.span.offset - start, r->at - start);
  es_name_id id;
  ES_TRY(intern(r, t.span, &id));
  int32_t index = r->means[id].value;
  if (index < 0) ES_TRY(add_input(r, id, t.span, &index));
  int32_t *node = es_arena_grow(r->arena, list->node, list->n, &list->room, sizeof *node);
  if (!node) return es_fail_nomem(r->error);
  list->node = node;
  list->node[list->n++] = index;
  return ES_OK;
}

/* Operands up to the arrow; comments become blanks. */
static es_status read_operands(reader *r, char *copy, int64_t start, int64_t end, operands *list) {
  bool inputs = true;
  int depth = 0;
  ES_TRY(read_operand(r, copy, start, list));
  while (r->at < end) {
    char c = peek(r);
    if (c == '#') {
      int64_t from = r->at;
      while (r->at < end && peek(r) != '\n') r->at++;
      blank(copy, from - start, r->at - start);
      continue;
    }
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
static es_status note_axes(reader *r, const es_pattern *pattern) {
  for (int i = 0; i < pattern->n_names; i++) {
    es_name_id id;
    const char *name = pattern->names[i];
    ES_TRY(number_name(r, name, strlen(name), pattern->name_spans[i], &id));
    r->means[id].axis = true;
  }
  return ES_OK;
}

static es_status read_pattern(reader *r, int32_t *index) {
  skip_blanks(r, true);
  int64_t start = r->at, end = pattern_end(r);
  while (end > start && strchr(" \t\r\n", r->text[end - 1])) end--;
  char *copy = es_arena_copy_text(r->arena, r->text + start, (size_t)(end - start));
  if (!copy) return es_fail_nomem(r->error);
  operands list = {0};
  ES_TRY(read_operands(r, copy, start, end, &list));
  es_value_node n = {.kind = ES_VALUE_PATTERN,
                     .n_in = list.n,
                     .in = list.node,
                     .span = {start, end - start},
                     .target = r->target};
  if (es_parse(r->arena, ES_KIND_EINSUM, copy, (size_t)(end - start), r->reading, &n.pattern,
               r->error) != ES_OK)
    return r->error ? es_program_blame(r->program, &n, r->error) : ES_E_SYNTAX;
  r->at = end;
  ES_TRY(note_axes(r, n.pattern));
  return add(r, n, index);
}

/* ---- arithmetic ---------------------------------------------------------------------- */

static es_status read_sum(reader *r, int32_t *index);

static es_status add_binary(reader *r, es_binary_op op, int32_t a, int32_t b, int64_t from,
                            int32_t *index) {
  es_value_node n = {.kind = ES_VALUE_BINARY,
                     .op = op,
                     .n_in = 2,
                     .in = (int32_t[]){a, b},
                     .span = {from, r->at - from}};
  return add(r, n, index);
}

static es_status read_number(reader *r, es_token t, int32_t *index) {
  es_value_node n = {.kind = ES_VALUE_NUMBER, .integral = t.kind == ES_TOKEN_INT, .span = t.span};
  if (!es_parse_double(r->text + t.span.offset, (size_t)t.span.length, &n.number) ||
      (n.integral && !(n.number <= 0x1p53)))
    return fail(r, t.span.offset, t.span.offset + t.span.length, "L6",
                "a whole number here is at most 2^53", NULL);
  r->at += t.span.length;
  return add(r, n, index);
}

typedef struct callee {
  es_value_kind kind;
  int op, least, most;
  const char *keyword;
  double otherwise;
} callee;

static bool find_function(const char *name, callee *f) {
  static const struct {
    const char *name;
    callee callee;
  } table[] = {
#define ES_X(id, text) {text, {ES_VALUE_UNARY, ES_##id, 1, 1, NULL, 0}},
      ES_UNARY_LIST(ES_X)
#undef ES_X
#define ES_X(id, text) {text, {ES_VALUE_BINARY, ES_##id, 2, 2, NULL, 0}},
          ES_BINARY_LIST(ES_X)
#undef ES_X
#define ES_X(id, text, least, most, keyword, otherwise)                                            \
  {text, {ES_VALUE_FUNCTION, ES_FUNCTION_##id, least, most, keyword, otherwise}},
              ES_FUNCTION_LIST(ES_X)
#undef ES_X
                  {"relu", {ES_VALUE_BINARY, ES_MAXIMUM, 1, 1, NULL, 0}},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (!strcmp(table[i].name, name)) {
      *f = table[i].callee;
      return true;
    }
  return false;
}

static es_status no_function(reader *r, es_span name) {
  es_quote quote;
  es_fail(r->error, ES_E_NAME, "", name,
          "there is no function '%s' in programs; elementwise functions, relu, gelu, softmax, "
          "layer_norm and the like are, all else is a pattern",
          es_parse_quote(&quote, r->text, name));
  return es_program_place(r->text, r->target, r->error);
}

/* "dim = -1" among the arguments. */
static es_status read_keyword(reader *r, es_token name, const callee *f, double *value) {
  es_quote quote;
  const char *given = es_parse_quote(&quote, r->text, name.span);
  if (!f->keyword || strcmp(given, f->keyword) != 0) {
    es_fail(r->error, ES_E_NAME, "", name.span, "there is no keyword '%s' here%s%s", given,
            f->keyword ? "; there is " : "", f->keyword ? f->keyword : "");
    return es_program_place(r->text, r->target, r->error);
  }
  bool negative = accept(r, '-');
  skip_blanks(r, false);
  es_token t = token_at(r, r->at);
  if (t.kind != ES_TOKEN_INT && t.kind != ES_TOKEN_NUMBER) return unexpected(r, "a number");
  es_parse_double(r->text + t.span.offset, (size_t)t.span.length, value);
  if (negative) *value = -*value;
  r->at += t.span.length;
  bool whole = *value == (double)(int)*value;
  return strcmp(given, "dim") != 0 || whole
             ? ES_OK
             : fail(r, t.span.offset, r->at, "", "dim is a whole number", NULL);
}

static es_status read_arguments(reader *r, es_value_node *n, const callee *f, int32_t *in) {
  while (!accept(r, ')')) {
    skip_blanks(r, false);
    es_token name = token_at(r, r->at);
    int64_t from = r->at;
    if (name.kind == ES_TOKEN_NAME) {
      r->at += name.span.length;
      if (accept(r, '=')) {
        ES_TRY(read_keyword(r, name, f, &n->number));
        if (!accept(r, ',')) return expect(r, ')', "')'");
        continue;
      }
      r->at = from;
    }
    if (n->n_in == f->most) return unexpected(r, "')': there are no more operands");
    ES_TRY(read_sum(r, &in[n->n_in++]));
    if (!accept(r, ',')) {
      ES_TRY(expect(r, ')', "',' or ')'"));
      break;
    }
  }
  return n->n_in < f->least ? unexpected(r, "more operands before this") : ES_OK;
}

static es_status deeper(reader *r) {
  if (++r->depth <= ES_MAX_NESTING) return ES_OK;
  return fail(r, r->at, r->at + 1, "L3", "brackets nest at most 64 deep", NULL);
}

static es_status read_call(reader *r, es_span name, int32_t *index) {
  callee f;
  char text[ES_MAX_NAME + 1];
  es_text t = es_text_init(text, sizeof text);
  es_text_put(&t, r->text + name.offset, (size_t)name.length);
  if (t.len > ES_MAX_NAME || !find_function(text, &f)) return no_function(r, name);
  int32_t in[3];
  es_value_node n = {.kind = f.kind, .op = f.op, .number = f.otherwise};
  ES_TRY(deeper(r));
  ES_TRY(read_arguments(r, &n, &f, in));
  r->depth--;
  n.span = (es_span){name.offset, r->at - name.offset};
  if (f.kind == ES_VALUE_BINARY && f.most == 1) { /* relu is the maximum with 0 */
    es_value_node zero = {.kind = ES_VALUE_NUMBER, .integral = true, .span = n.span};
    ES_TRY(add(r, zero, &in[n.n_in++]));
  }
  n.in = in;
  return add(r, n, index);
}

static es_status read_name(reader *r, es_token t, int32_t *index) {
  r->at += t.span.length;
  if (accept(r, '(')) return read_call(r, t.span, index);
  r->at = t.span.offset + t.span.length;
  es_name_id id;
  ES_TRY(intern(r, t.span, &id));
  *index = r->means[id].value;
  if (*index >= 0) return ES_OK;
  if (!r->means[id].axis) return add_input(r, id, t.span, index);
  es_value_node n = {.kind = ES_VALUE_SIZE, .name = r->names.text[id], .span = t.span};
  return add(r, n, index);
}

static es_status read_primary(reader *r, int32_t *index) {
  skip_blanks(r, true);
  if (peek(r) == '(' || peek(r) == '[') {
    bool pattern = peek(r) == '[';
    ES_TRY(deeper(r));
    r->at++;
    ES_TRY(pattern ? read_pattern(r, index) : read_sum(r, index));
    ES_TRY(expect(r, pattern ? ']' : ')', pattern ? "']'" : "')'"));
    r->depth--;
    return ES_OK;
  }
  es_token t = token_at(r, r->at);
  if (t.kind == ES_TOKEN_INT || t.kind == ES_TOKEN_NUMBER) return read_number(r, t, index);
  if (t.kind == ES_TOKEN_NAME) return read_name(r, t, index);
  return unexpected(r, "a value: a name, a number, f(…), (…) or [pattern]");
}

static es_status read_factor(reader *r, int32_t *index) {
  skip_blanks(r, true);
  int64_t from = r->at;
  if (accept(r, '-')) {
    int32_t a;
    ES_TRY(deeper(r));
    ES_TRY(read_factor(r, &a));
    r->depth--;
    es_value_node n = {
        .kind = ES_VALUE_UNARY, .op = ES_NEG, .n_in = 1, .in = &a, .span = {from, r->at - from}};
    return add(r, n, index);
  }
  ES_TRY(read_primary(r, index));
  skip_blanks(r, false);
  if (r->at + 1 >= r->len || strncmp(r->text + r->at, "**", 2) != 0) return ES_OK;
  r->at += 2;
  int32_t b;
  ES_TRY(deeper(r));
  ES_TRY(read_factor(r, &b));
  r->depth--;
  return add_binary(r, ES_POW, *index, b, from, index);
}

static es_status read_product(reader *r, int32_t *index) {
  skip_blanks(r, true);
  int64_t from = r->at;
  ES_TRY(read_factor(r, index));
  for (;;) {
    es_binary_op op = accept(r, '*') ? ES_MUL : accept(r, '/') ? ES_DIV : ES_BINARY_COUNT;
    if (op == ES_BINARY_COUNT) return ES_OK;
    int32_t b;
    ES_TRY(read_factor(r, &b));
    ES_TRY(add_binary(r, op, *index, b, from, index));
  }
}

static es_status read_sum(reader *r, int32_t *index) {
  skip_blanks(r, true);
  int64_t from = r->at;
  ES_TRY(read_product(r, index));
  for (;;) {
    es_binary_op op = accept(r, '+') ? ES_ADD : accept(r, '-') ? ES_SUB : ES_BINARY_COUNT;
    if (op == ES_BINARY_COUNT) return ES_OK;
    int32_t b;
    ES_TRY(read_product(r, &b));
    ES_TRY(add_binary(r, op, *index, b, from, index));
  }
}

/* ---- statements ---------------------------------------------------------------------- */

/* NAME ':' ahead: a pattern, without brackets. */
static bool pattern_ahead(reader *r) {
  int64_t from = r->at;
  skip_blanks(r, true);
  es_token t = token_at(r, r->at);
  r->at += t.span.length;
  bool pattern = t.kind == ES_TOKEN_NAME && accept(r, ':');
  r->at = from;
  return pattern;
}

/* "a, b" here: how many names, and where they stand; 0 where something else does. */
static es_status read_targets(reader *r, es_span **span, int *n, bool *assigns) {
  int room = 0;
  int64_t from = r->at;
  *n = 0;
  *span = NULL;
  do {
    skip_blanks(r, false);
    es_token t = token_at(r, r->at);
    if (t.kind != ES_TOKEN_NAME) break;
    es_span *spans = es_arena_grow(r->arena, *span, *n, &room, sizeof *spans);
    if (!spans) return es_fail_nomem(r->error);
    *span = spans;
    (*span)[(*n)++] = t.span;
    r->at += t.span.length;
  } while (accept(r, ','));
  *assigns = *n > 0 && accept(r, '=');
  skip_blanks(r, false);
  bool names = *assigns || (*n > 0 && (peek(r) == ';' || peek(r) == '\n' || r->at >= r->len));
  if (!names) *n = 0;
  if (!names) r->at = from;
  return ES_OK;
}

static es_status set_results(reader *r, int n, const es_span *span, const int32_t *node) {
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
static es_status note_size(reader *r, es_name_id id, es_span span, const es_value_node *node) {
  es_graph *p = r->program;
  if (node->kind != ES_VALUE_NUMBER || !node->integral) return ES_OK;
  int at = r->means[id].size - 1;
  if (at >= 0 && p->size[at].size == (int64_t)node->number) return ES_OK;
  if (at >= 0)
    return fail(r, span.offset, span.offset + span.length, "S7",
                "this size has another value above; a size is one for the whole program", NULL);
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
static es_status read_values(reader *r, int n, const es_span *span, int32_t *node) {
  int64_t from = r->at;
  ES_TRY(pattern_ahead(r) ? read_pattern(r, &node[0]) : read_sum(r, &node[0]));
  const es_value_node *first = &r->program->node[node[0]];
  int outputs = first->kind == ES_VALUE_PATTERN && first->pattern->n_out > 1 ? first->pattern->n_out
                                                                             : 1;
  if (n != outputs) {
    es_fail(r->error, ES_E_COUNT, "S11",
            span ? es_span_join(span[0], span[n - 1]) : (es_span){from, r->at - from},
            "%d name%s for %d value%s", n, n == 1 ? "" : "s", outputs, outputs == 1 ? "" : "s");
    return es_program_place(r->text, r->target, r->error);
  }
  for (int i = 1; i < n; i++) {
    es_value_node part = {.kind = ES_VALUE_OUTPUT,
                          .op = i,
                          .n_in = 1,
                          .in = node,
                          .span = r->program->node[node[0]].span};
    ES_TRY(add(r, part, &node[i]));
  }
  return ES_OK;
}

static es_status assign(reader *r, int n, const es_span *span) {
  int32_t *node = ES_NEW_N(r->arena, int32_t, n);
  if (!node) return es_fail_nomem(r->error);
  r->target = es_arena_copy_text(r->arena, r->text + span[0].offset, (size_t)span[0].length);
  if (!r->target) return es_fail_nomem(r->error);
  ES_TRY(read_values(r, n, span, node));
  for (int i = 0; i < n; i++) {
    es_name_id id;
    ES_TRY(intern(r, span[i], &id));
    if (n == 1) ES_TRY(note_size(r, id, span[0], &r->program->node[node[0]]));
    r->means[id].value = node[i];
  }
  return set_results(r, n, span, node);
}

/* Values that are no longer named by a statement: the results, which end the text. */
static es_status results(reader *r, int n, const es_span *span) {
  int32_t *node = ES_NEW_N(r->arena, int32_t, n + 1);
  if (!node) return es_fail_nomem(r->error);
  for (int i = 0; i < n; i++) {
    es_name_id id;
    ES_TRY(intern(r, span[i], &id));
    node[i] = r->means[id].value;
    if (node[i] < 0)
      return fail(r, span[i].offset, span[i].offset + span[i].length, "S11",
                  "no statement gives this name a value", NULL);
  }
  if (!n) ES_TRY(read_values(r, 1, NULL, node));
  ES_TRY(set_results(r, n ? n : 1, span, node));
  skip_blanks(r, true);
  while (peek(r) == ';') {
    r->at++;
    skip_blanks(r, true);
  }
  return r->at >= r->len ? ES_OK : unexpected(r, "the end: a line without '=' gives the results");
}

static es_status statement(reader *r) {
  es_span *span;
  int n;
  bool assigns = false;
  r->target = "";
  ES_TRY(read_targets(r, &span, &n, &assigns));
  if (!assigns) return results(r, n, n ? span : NULL);
  ES_TRY(assign(r, n, span));
  skip_blanks(r, false);
  if (r->at >= r->len || peek(r) == '\n' || peek(r) == ';') return ES_OK;
  return unexpected(r, "the end of the statement");
}

static es_status program(reader *r) {
  for (;;) {
    skip_blanks(r, true);
    while (peek(r) == ';') {
      r->at++;
      skip_blanks(r, true);
    }
    if (r->at >= r->len) break;
    ES_TRY(statement(r));
  }
  es_graph *p = r->program;
  if (!p->n_out) return unexpected(r, "a statement 'NAME = …'");
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
  reader r = {.program = p,
              .arena = arena,
              .error = error,
              .reading = reading,
              .target = "",
              .len = (int64_t)len,
              .names = {.arena = arena}};
  r.text = es_arena_copy_text(arena, text, len);
  r.bucket = ES_NEW_N(arena, int32_t, BUCKETS);
  if (!p || !r.text || !r.bucket) return es_fail_nomem(error);
  for (int i = 0; i < BUCKETS; i++) r.bucket[i] = -1;
  p->text = r.text;
  p->len = len;
  p->size = es_arena_grow(arena, NULL, 0, &r.size_room, sizeof *p->size);
  if (!p->size) return es_fail_nomem(error);
  ES_TRY(program(&r));
  *out = p;
  return ES_OK;
}
