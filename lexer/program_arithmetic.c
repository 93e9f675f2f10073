/* Arithmetic of programs: recursive descent; depth is bounded by ES_MAX_NESTING. */
#include "lexer/program_reader.h"

#include <string.h>

#include "base/text.h"

static es_status add_binary(es_reader *r, es_binary_op op, int32_t a, int32_t b, int64_t from,
                            int32_t *index) {
  es_value_node n = {.kind = ES_VALUE_BINARY,
                     .op = op,
                     .n_in = 2,
                     .in = (int32_t[]){a, b},
                     .span = {from, r->at - from}};
  return es_reader_add(r, n, index);
}

static es_status read_number(es_reader *r, es_token t, int32_t *index) {
  es_value_node n = {.kind = ES_VALUE_NUMBER, .integral = t.kind == ES_TOKEN_INT, .span = t.span};
  if (!es_parse_double(r->text + t.span.offset, (size_t)t.span.length, &n.number) ||
      (n.integral && !(n.number < 0x1p53))) /* 2^53 may be 2^53 + 1, rounded */
    return es_reader_fail(r, t.span.offset, t.span.offset + t.span.length, "L6",
                          "a whole number here is less than 2^53");
  r->at += t.span.length;
  return es_reader_add(r, n, index);
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

static es_status no_function(es_reader *r, es_span name) {
  es_quote quote;
  es_fail(r->error, ES_E_NAME, "", name,
          "there is no function '%s' in programs; elementwise functions, relu, gelu, softmax, "
          "layer_norm and the like are, all else is a pattern",
          es_parse_quote(&quote, r->text, name));
  return es_program_place(r->text, r->target, r->error, ES_E_NAME);
}

/* "dim = -1" among the arguments. */
static es_status read_keyword(es_reader *r, es_token name, const callee *f, double *value) {
  es_quote quote;
  const char *given = es_parse_quote(&quote, r->text, name.span);
  if (!f->keyword || strcmp(given, f->keyword) != 0) {
    es_fail(r->error, ES_E_NAME, "", name.span, "there is no keyword '%s' here%s%s", given,
            f->keyword ? "; there is " : "", f->keyword ? f->keyword : "");
    return es_program_place(r->text, r->target, r->error, ES_E_NAME);
  }
  bool negative = es_reader_accept(r, '-');
  es_reader_skip(r, false);
  es_token t = es_reader_token(r, r->at);
  if (t.kind != ES_TOKEN_INT && t.kind != ES_TOKEN_NUMBER)
    return es_reader_unexpected(r, "a number");
  es_parse_double(r->text + t.span.offset, (size_t)t.span.length, value);
  if (negative) *value = -*value;
  r->at += t.span.length;
  bool whole = *value == (double)(int)*value;
  return strcmp(given, "dim") != 0 || whole
             ? ES_OK
             : es_reader_fail(r, t.span.offset, r->at, "", "dim is a whole number");
}

static es_status read_arguments(es_reader *r, es_value_node *n, const callee *f, int32_t *in) {
  while (!es_reader_accept(r, ')')) {
    es_reader_skip(r, false);
    es_token name = es_reader_token(r, r->at);
    int64_t from = r->at;
    if (name.kind == ES_TOKEN_NAME) {
      r->at += name.span.length;
      if (es_reader_accept(r, '=')) {
        ES_TRY(read_keyword(r, name, f, &n->number));
        if (!es_reader_accept(r, ',')) return es_reader_expect(r, ')', "')'");
        continue;
      }
      r->at = from;
    }
    if (n->n_in == f->most) return es_reader_unexpected(r, "')': there are no more operands");
    ES_TRY(es_reader_sum(r, &in[n->n_in++]));
    if (!es_reader_accept(r, ',')) {
      ES_TRY(es_reader_expect(r, ')', "',' or ')'"));
      break;
    }
  }
  return n->n_in < f->least ? es_reader_unexpected(r, "more operands before this") : ES_OK;
}

static es_status deeper(es_reader *r) {
  if (++r->depth <= ES_MAX_NESTING) return ES_OK;
  return es_reader_fail(r, r->at, r->at + 1, "L3", "brackets nest at most 64 deep");
}

static es_status read_call(es_reader *r, es_span name, int32_t *index) {
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
    ES_TRY(es_reader_add(r, zero, &in[n.n_in++]));
  }
  n.in = in;
  return es_reader_add(r, n, index);
}

static es_status read_name(es_reader *r, es_token t, int32_t *index) {
  r->at += t.span.length;
  if (es_reader_accept(r, '(')) return read_call(r, t.span, index);
  r->at = t.span.offset + t.span.length;
  es_name_id id;
  ES_TRY(es_reader_intern(r, t.span, &id));
  *index = r->means[id].value;
  if (*index >= 0) return ES_OK;
  if (!r->means[id].axis) return es_reader_input(r, id, t.span, index);
  es_value_node n = {.kind = ES_VALUE_SIZE, .name = r->names.text[id], .span = t.span};
  return es_reader_add(r, n, index);
}

static es_status read_primary(es_reader *r, int32_t *index) {
  es_reader_skip(r, true);
  if (es_reader_peek(r) == '(' || es_reader_peek(r) == '[') {
    bool pattern = es_reader_peek(r) == '[';
    ES_TRY(deeper(r));
    r->at++;
    ES_TRY(pattern ? es_reader_pattern(r, index) : es_reader_sum(r, index));
    ES_TRY(es_reader_expect(r, pattern ? ']' : ')', pattern ? "']'" : "')'"));
    r->depth--;
    return ES_OK;
  }
  es_token t = es_reader_token(r, r->at);
  if (t.kind == ES_TOKEN_INT || t.kind == ES_TOKEN_NUMBER) return read_number(r, t, index);
  if (t.kind == ES_TOKEN_NAME) return read_name(r, t, index);
  return es_reader_unexpected(r, "a value: a name, a number, f(…), (…) or [pattern]");
}

static es_status read_factor(es_reader *r, int32_t *index) {
  es_reader_skip(r, true);
  int64_t from = r->at;
  if (es_reader_accept(r, '-')) {
    int32_t a;
    ES_TRY(deeper(r));
    ES_TRY(read_factor(r, &a));
    r->depth--;
    es_value_node n = {
        .kind = ES_VALUE_UNARY, .op = ES_NEG, .n_in = 1, .in = &a, .span = {from, r->at - from}};
    return es_reader_add(r, n, index);
  }
  ES_TRY(read_primary(r, index));
  es_reader_skip(r, false);
  if (r->at + 1 >= r->len || strncmp(r->text + r->at, "**", 2) != 0) return ES_OK;
  r->at += 2;
  int32_t b;
  ES_TRY(deeper(r));
  ES_TRY(read_factor(r, &b));
  r->depth--;
  return add_binary(r, ES_POW, *index, b, from, index);
}

static es_status read_product(es_reader *r, int32_t *index) {
  es_reader_skip(r, true);
  int64_t from = r->at;
  ES_TRY(read_factor(r, index));
  for (;;) {
    es_binary_op op = es_reader_accept(r, '*')   ? ES_MUL
                      : es_reader_accept(r, '/') ? ES_DIV
                                                 : ES_BINARY_COUNT;
    if (op == ES_BINARY_COUNT) return ES_OK;
    int32_t b;
    ES_TRY(read_factor(r, &b));
    ES_TRY(add_binary(r, op, *index, b, from, index));
  }
}

es_status es_reader_sum(es_reader *r, int32_t *index) {
  es_reader_skip(r, true);
  int64_t from = r->at;
  ES_TRY(read_product(r, index));
  for (;;) {
    es_binary_op op = es_reader_accept(r, '+')   ? ES_ADD
                      : es_reader_accept(r, '-') ? ES_SUB
                                                 : ES_BINARY_COUNT;
    if (op == ES_BINARY_COUNT) return ES_OK;
    int32_t b;
    ES_TRY(read_product(r, &b));
    ES_TRY(add_binary(r, op, *index, b, from, index));
  }
}
