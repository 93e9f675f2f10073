/* The graph of a program: what its nodes are called, where they stand. */
#include "lexer/program.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "lexer/parser.h"

bool es_value_elementwise(const es_value_node *node) {
  if (node->kind == ES_VALUE_UNARY || node->kind == ES_VALUE_BINARY) return true;
  return node->kind == ES_VALUE_FUNCTION && node->op <= ES_FUNCTION_WHERE;
}

const char *es_value_name(const es_value_node *node) {
  static const char *const unary[] = {
#define ES_X(name, text) text,
      ES_UNARY_LIST(ES_X)
#undef ES_X
  };
  static const char *const binary[] = {
#define ES_X(name, text) text,
      ES_BINARY_LIST(ES_X)
#undef ES_X
  };
  static const char *const function[] = {
#define ES_X(name, text, ...) text,
      ES_FUNCTION_LIST(ES_X)
#undef ES_X
  };
  switch (node->kind) {
  case ES_VALUE_UNARY: return unary[node->op];
  case ES_VALUE_BINARY: return binary[node->op];
  default: return function[node->op]; /* what else computes; nothing else has a name */
  }
}

es_status es_program_place(const char *text, const char *target, es_error *error,
                           es_status status) {
  if (!error) return status;
  int64_t line = 1, start = 0;
  for (int64_t i = 0; i < error->offset; i++)
    if (text[i] == '\n') {
      line++;
      start = i + 1;
    }
  char message[sizeof error->message];
  es_text t = es_text_init(message, sizeof message);
  es_text_puts(&t, "in ");
  if (*target) es_text_printf(&t, "the statement of '%s', ", target);
  es_text_printf(&t, "line %lld, column %lld: %s", (long long)line,
                 (long long)es_parse_column(text + start, error->offset - start), error->message);
  memcpy(error->message, message, sizeof message);
  return status;
}

es_status es_program_blame(const es_graph *program, const es_value_node *node, es_error *error,
                           es_status status) {
  if (!error) return status;
  bool own = error->length > 0; /* else the whole node is to blame */
  error->offset = own ? error->offset + node->span.offset : node->span.offset;
  if (!own) error->length = node->span.length;
  error->offset2 = error->length2 > 0 ? error->offset2 + node->span.offset : 0;
  return es_program_place(program->text, node->target, error, status);
}

/* ---- printing ---------------------------------------------------------------------- */

static void put_node(es_text *t, const es_graph *p, int32_t index) {
  const es_value_node *node = &p->node[index];
  es_text_printf(t, "%%%d = ", index);
  char number[32];
  switch (node->kind) {
  case ES_VALUE_INPUT: es_text_printf(t, "input %s", node->name); break;
  case ES_VALUE_SIZE: es_text_printf(t, "size %s", node->name); break;
  case ES_VALUE_NUMBER:
    es_format_double(node->number, false, number);
    es_text_puts(t, number);
    break;
  case ES_VALUE_OUTPUT: es_text_printf(t, "output %d of", node->op); break;
  case ES_VALUE_PATTERN: {
    size_t room = t->len < t->cap ? t->cap - t->len : 0;
    t->len += es_pattern_print(node->pattern, room ? t->buf + t->len : NULL, room);
    es_text_puts(t, " of");
    break;
  }
  default: es_text_puts(t, es_value_name(node));
  }
  for (int i = 0; i < node->n_in; i++) es_text_printf(t, " %%%d", node->in[i]);
  es_text_puts(t, "\n");
}

size_t es_program_print(const es_graph *p, char *buf, size_t cap) {
  es_text t = es_text_init(buf, cap);
  for (int32_t i = 0; i < p->n; i++) put_node(&t, p, i);
  for (int i = 0; i < p->n_out; i++)
    es_text_printf(&t, "%s%s: %%%d", i ? ", " : "", p->out_name[i], p->out[i]);
  es_text_puts(&t, "\n");
  return t.len;
}
