/* Expressions: atoms, what follows them (attributes, subscripts, calls), and operators by
 * precedence climbing. */
#include <stdlib.h>
#include <string.h>

#include "repl/language/literal.h"
#include "repl/language/parse_format.h"
#include "repl/language/parser.h"

static void take_text(sc_parser *p, sc_node *made, sc_span from) {
  sc_parse_set_text(p, made, sc_parse_text(p, from), from.length);
}

static bool expect(sc_parser *p, sc_token_kind kind) {
  if (sc_parse_accept(p, kind)) return true;
  sc_parse_fail_unexpected(p, sc_token_text(kind));
  return false;
}

static sc_node *string(sc_parser *p) {
  sc_buffer all = {0};
  sc_span start = p->token.span, last = start;
  while (p->token.kind == SC_T_STRING) {
    const char *problem;
    last = p->token.span;
    char *bytes = sc_alloc(last.length + 1);
    size_t n = sc_literal_string(sc_parse_text(p, last), last.length, bytes, &problem);
    sc_put(&all, bytes, n);
    free(bytes);
    if (problem) {
      sc_buffer_free(&all);
      return sc_parse_fail(p, last, "%s", problem);
    }
    sc_parse_advance(p);
  }
  sc_node *made = sc_parse_node(p, SC_N_STRING, sc_span_join(start, last), 0, NULL);
  sc_parse_set_text(p, made, sc_text(&all), all.len);
  sc_buffer_free(&all);
  return made;
}

sc_node *sc_parse_star_expression(sc_parser *p) {
  sc_span start = p->token.span;
  if (!sc_parse_accept(p, SC_T_STAR)) return sc_parse_expression(p);
  sc_node *kid = sc_parse_expression(p);
  return kid ? sc_parse_node(p, SC_N_STAR, sc_span_join(start, kid->span), 1, &kid) : NULL;
}

/* The items between brackets that are open already, up to and with close. */
static sc_node *sequence(sc_parser *p, sc_span start, sc_token_kind close) {
  sc_list items = {0};
  bool comma = false;
  if (!sc_parse_enter(p)) return NULL;
  while (p->token.kind != close && p->token.kind != SC_T_END) {
    if (!sc_parse_push(p, &items, sc_parse_star_expression(p))) return NULL;
    if (close == SC_T_CLOSE_DICT) {
      if (!expect(p, SC_T_COLON) || !sc_parse_push(p, &items, sc_parse_expression(p))) return NULL;
    }
    comma = sc_parse_accept(p, SC_T_COMMA);
    if (!comma) break;
  }
  sc_span end = p->token.span;
  if (p->token.kind != close) {
    if (p->token.kind == SC_T_END) return sc_parse_fail(p, start, "this bracket is not closed");
    return sc_parse_fail_unexpected(p, close == SC_T_CLOSE        ? "',' or ')'"
                                       : close == SC_T_CLOSE_LIST ? "',' or ']'"
                                                                  : "',' or '}'");
  }
  sc_parse_advance(p);
  p->nesting--;
  if (close == SC_T_CLOSE && items.n == 1 && !comma && items.items[0]->kind != SC_N_STAR)
    return items.items[0];
  sc_node_kind kind = close == SC_T_CLOSE        ? SC_N_TUPLE
                      : close == SC_T_CLOSE_LIST ? SC_N_LIST
                                                 : SC_N_DICT;
  return sc_parse_node(p, kind, sc_span_join(start, end), items.n, items.items);
}

static sc_node *constant(sc_parser *p, sc_node_kind kind, int64_t value) {
  sc_node *made = sc_parse_node(p, kind, p->token.span, 0, NULL);
  if (made) made->i = value;
  sc_parse_advance(p);
  return made;
}

static sc_node *number(sc_parser *p) {
  sc_span span = p->token.span;
  bool integer = p->token.kind == SC_T_INT;
  sc_node *made = sc_parse_node(p, integer ? SC_N_INT : SC_N_FLOAT, span, 0, NULL);
  if (!made) return NULL;
  if (!integer)
    made->f = sc_literal_float(sc_parse_text(p, span), span.length);
  else if (!sc_literal_int(sc_parse_text(p, span), span.length, &made->i))
    return sc_parse_fail(p, span,
                         "this integer does not fit 64 bits; write it with a point for "
                         "a float");
  sc_parse_advance(p);
  return made;
}

/* ---- f-strings ---------------------------------------------------------------------- */

/* The expression at a place inside of the string. The lexer wants a text that ends there. */
static sc_node *inner(sc_parser *p, sc_span span) {
  sc_parser part = *p;
  char *text = sc_arena_alloc(p->arena, span.offset + span.length + 1);
  memcpy(text, p->lexer.text, span.offset + span.length);
  text[span.offset + span.length] = '\0';
  part.lexer = (sc_lexer){text, span.offset + span.length, span.offset, 1};
  sc_parse_advance(&part);
  sc_node *made = part.token.kind == SC_T_END ? NULL : sc_parse_expression(&part);
  if (!part.failed && (!made || part.token.kind != SC_T_END))
    sc_parse_fail(&part, span, "between { and } one expression stands");
  if (!part.failed) return made;
  p->limit |= part.limit;
  return sc_parse_fail(p, part.where, "%s", part.message);
}

static sc_node *format(sc_parser *p) {
  sc_format f;
  sc_list values = {0};
  sc_span value;
  if (!sc_format_begin(p, &f)) return NULL;
  bool ok = sc_parse_enter(p);
  while (ok && sc_format_next(p, &f, &value))
    ok = sc_parse_push(p, &values, inner(p, value)) && sc_format_close(p, &f, value);
  sc_node *made = sc_format_end(p, &f, &values);
  if (made) p->nesting--;
  return made;
}

/* ---- atoms --------------------------------------------------------------------------- */

static sc_node *atom(sc_parser *p) {
  sc_span span = p->token.span;
  switch (p->token.kind) {
  case SC_T_NAME: {
    sc_node *made = sc_parse_node(p, SC_N_NAME, span, 0, NULL);
    take_text(p, made, span);
    sc_parse_advance(p);
    return made;
  }
  case SC_T_INT:
  case SC_T_FLOAT: return number(p);
  case SC_T_STRING: return string(p);
  case SC_T_FSTRING: return format(p);
  case SC_T_NONE: return constant(p, SC_N_NONE, 0);
  case SC_T_TRUE: return constant(p, SC_N_BOOL, 1);
  case SC_T_FALSE: return constant(p, SC_N_BOOL, 0);
  case SC_T_ELLIPSIS: return constant(p, SC_N_ELLIPSIS, 0);
  case SC_T_OPEN: sc_parse_advance(p); return sequence(p, span, SC_T_CLOSE);
  case SC_T_OPEN_LIST: sc_parse_advance(p); return sequence(p, span, SC_T_CLOSE_LIST);
  case SC_T_OPEN_DICT: sc_parse_advance(p); return sequence(p, span, SC_T_CLOSE_DICT);
  default: return sc_parse_fail_unexpected(p, "a value");
  }
}

/* ---- postfix: attributes, subscripts, calls ---------------------------------------- */

static sc_node *argument(sc_parser *p) {
  sc_span start = p->token.span;
  if (sc_parse_accept(p, SC_T_STAR) || p->token.kind == SC_T_POWER) {
    bool twice = sc_parse_accept(p, SC_T_POWER);
    sc_node *kid = sc_parse_expression(p);
    return kid ? sc_parse_node(p, twice ? SC_N_DOUBLE_STAR : SC_N_STAR,
                               sc_span_join(start, kid->span), 1, &kid)
               : NULL;
  }
  sc_node *value = sc_parse_expression(p);
  if (!value || value->kind != SC_N_NAME || !sc_parse_accept(p, SC_T_ASSIGN)) return value;
  sc_node *given = sc_parse_expression(p);
  if (!given) return NULL;
  sc_node *made = sc_parse_node(p, SC_N_KEYWORD, sc_span_join(start, given->span), 1, &given);
  take_text(p, made, value->span);
  return made;
}

static sc_node *call(sc_parser *p, sc_node *callee) {
  sc_list parts = {0};
  sc_span open = p->token.span;
  sc_parse_advance(p);
  if (!sc_parse_enter(p) || !sc_parse_push(p, &parts, callee)) return NULL;
  while (p->token.kind != SC_T_CLOSE && p->token.kind != SC_T_END) {
    if (!sc_parse_push(p, &parts, argument(p))) return NULL;
    if (!sc_parse_accept(p, SC_T_COMMA)) break;
  }
  sc_span end = p->token.span;
  if (p->token.kind == SC_T_END) return sc_parse_fail(p, open, "this bracket is not closed");
  if (p->token.kind != SC_T_CLOSE) return sc_parse_fail_unexpected(p, "',' or ')'");
  sc_parse_advance(p);
  p->nesting--;
  return sc_parse_node(p, SC_N_CALL, sc_span_join(callee->span, end), parts.n, parts.items);
}

static bool at_bound_end(const sc_parser *p) {
  return p->token.kind == SC_T_COLON || p->token.kind == SC_T_COMMA ||
         p->token.kind == SC_T_CLOSE_LIST;
}

/* expression, or start:stop:step with any of the three left out */
static sc_node *subscript_item(sc_parser *p) {
  sc_node *bounds[3] = {NULL, NULL, NULL};
  sc_span start = p->token.span, last = start;
  if (!at_bound_end(p)) {
    bounds[0] = sc_parse_star_expression(p);
    if (!bounds[0] || p->token.kind != SC_T_COLON) return bounds[0];
  }
  for (int i = 1; i < 3 && p->token.kind == SC_T_COLON; i++) {
    last = p->token.span;
    sc_parse_advance(p);
    if (at_bound_end(p)) continue;
    bounds[i] = sc_parse_expression(p);
    if (!bounds[i]) return NULL;
    last = bounds[i]->span;
  }
  return sc_parse_node(p, SC_N_SLICE, sc_span_join(start, last), 3, bounds);
}

static sc_node *subscript(sc_parser *p, sc_node *object) {
  sc_list items = {0};
  bool comma = false;
  sc_span open = p->token.span;
  sc_parse_advance(p);
  if (!sc_parse_enter(p)) return NULL;
  while (p->token.kind != SC_T_CLOSE_LIST && p->token.kind != SC_T_END) {
    if (!sc_parse_push(p, &items, subscript_item(p))) return NULL;
    comma = sc_parse_accept(p, SC_T_COMMA);
    if (!comma) break;
  }
  sc_span end = p->token.span;
  if (p->token.kind == SC_T_END) return sc_parse_fail(p, open, "this bracket is not closed");
  if (!expect(p, SC_T_CLOSE_LIST)) return NULL;
  if (!items.n)
    return sc_parse_fail(p, sc_span_join(open, end), "an index is missing between [ and ]");
  p->nesting--;
  sc_node *index = items.n == 1 && !comma && items.items[0]->kind != SC_N_STAR
                       ? items.items[0]
                       : sc_parse_node(p, SC_N_TUPLE, sc_span_join(open, end), items.n,
                                       items.items);
  return sc_parse_node(p, SC_N_SUBSCRIPT, sc_span_join(object->span, end), 2,
                       (sc_node *[]){object, index});
}

static sc_node *postfix(sc_parser *p) {
  sc_node *made = atom(p);
  while (made) {
    if (p->token.kind == SC_T_OPEN) {
      made = call(p, made);
    } else if (p->token.kind == SC_T_OPEN_LIST) {
      made = subscript(p, made);
    } else if (sc_parse_accept(p, SC_T_DOT)) {
      sc_span name = p->token.span;
      if (!expect(p, SC_T_NAME)) return NULL;
      made = sc_parse_node(p, SC_N_ATTRIBUTE, sc_span_join(made->span, name), 1, &made);
      take_text(p, made, name);
    } else {
      break;
    }
  }
  return made;
}

/* ---- operators ------------------------------------------------------------------------ */

static sc_node *unary(sc_parser *p);

static sc_node *power(sc_parser *p) {
  sc_node *base = postfix(p);
  if (!base || !sc_parse_accept(p, SC_T_POWER)) return base;
  if (!sc_parse_enter(p)) return NULL;
  sc_node *exponent = unary(p); /* binds to the right: 2 ** -1, 2 ** 3 ** 2 */
  p->nesting--;
  if (!exponent) return NULL;
  sc_node *made = sc_parse_node(p, SC_N_BINARY, sc_span_join(base->span, exponent->span), 2,
                                (sc_node *[]){base, exponent});
  if (made) made->op = SC_T_POWER;
  return made;
}

static sc_node *prefixed(sc_parser *p, sc_node_kind kind, sc_node *(*operand)(sc_parser *)) {
  sc_span start = p->token.span;
  sc_parse_advance(p);
  if (!sc_parse_enter(p)) return NULL;
  sc_node *kid = operand(p);
  p->nesting--;
  return kid ? sc_parse_node(p, kind, sc_span_join(start, kid->span), 1, &kid) : NULL;
}

static sc_node *unary(sc_parser *p) {
  if (p->token.kind == SC_T_MINUS) return prefixed(p, SC_N_NEGATIVE, unary);
  if (p->token.kind == SC_T_PLUS) return prefixed(p, SC_N_POSITIVE, unary);
  if (p->token.kind == SC_T_BIT_NOT) return prefixed(p, SC_N_INVERT, unary);
  return power(p);
}

enum {
  OR_LEVEL = 1,
  AND_LEVEL,
  NOT_LEVEL,
  COMPARE_LEVEL,
  BIT_OR_LEVEL,
  BIT_XOR_LEVEL,
  BIT_AND_LEVEL,
  SHIFT_LEVEL,
  SUM_LEVEL,
  PRODUCT_LEVEL
};

static int level_of(sc_token_kind kind) {
  switch (kind) {
  case SC_T_OR: return OR_LEVEL;
  case SC_T_AND: return AND_LEVEL;
  case SC_T_BIT_OR: return BIT_OR_LEVEL;
  case SC_T_BIT_XOR: return BIT_XOR_LEVEL;
  case SC_T_BIT_AND: return BIT_AND_LEVEL;
  case SC_T_LEFT:
  case SC_T_RIGHT: return SHIFT_LEVEL;
  case SC_T_IN:
  case SC_T_EQ:
  case SC_T_NE:
  case SC_T_LT:
  case SC_T_LE:
  case SC_T_GT:
  case SC_T_GE: return COMPARE_LEVEL;
  case SC_T_PLUS:
  case SC_T_MINUS: return SUM_LEVEL;
  case SC_T_STAR:
  case SC_T_SLASH:
  case SC_T_FLOOR:
  case SC_T_PERCENT:
  case SC_T_AT: return PRODUCT_LEVEL;
  default: return 0;
  }
}

static sc_node *operators(sc_parser *p, int least);

static sc_node *not_operand(sc_parser *p) { return operators(p, NOT_LEVEL); }

/* A comparison, or 'not in', where one may stand; SC_T_END: none. */
static sc_token_kind comparison(const sc_parser *p) {
  if (p->token.kind == SC_T_NOT) return SC_T_NOT;
  return level_of(p->token.kind) == COMPARE_LEVEL ? p->token.kind : SC_T_END;
}

/* left < a, left < a <= b, left not in a. Each operand is evaluated once. */
static sc_node *comparisons(sc_parser *p, sc_node *left) {
  sc_list operands = {0};
  char ops[256];
  sc_parse_push(p, &operands, left);
  for (sc_token_kind op; (op = comparison(p)) != SC_T_END;) {
    sc_parse_advance(p);
    if (op == SC_T_NOT && !sc_parse_accept(p, SC_T_IN))
      return sc_parse_fail_unexpected(p, "'in' after 'not'");
    if (operands.n == (int)sizeof ops)
      return sc_parse_fail(p, p->token.span, "more than %zu comparisons in a row", sizeof ops - 1);
    ops[operands.n - 1] = (char)op;
    if (!sc_parse_push(p, &operands, operators(p, COMPARE_LEVEL + 1))) return NULL;
  }
  sc_node *right = operands.items[operands.n - 1];
  sc_node *made = sc_parse_node(p, SC_N_COMPARE, sc_span_join(left->span, right->span), operands.n,
                                operands.items);
  sc_parse_set_text(p, made, ops, (size_t)operands.n - 1);
  return made;
}

static sc_node *operators(sc_parser *p, int least) {
  sc_node *left = p->token.kind == SC_T_NOT && least <= NOT_LEVEL
                      ? prefixed(p, SC_N_NOT, not_operand)
                      : unary(p);
  while (left) {
    sc_token op = p->token;
    if (least <= COMPARE_LEVEL && comparison(p) != SC_T_END) {
      left = comparisons(p, left);
      continue;
    }
    int level = level_of(op.kind);
    if (!level || level < least) return left;
    sc_parse_advance(p);
    sc_node *right = operators(p, level + 1);
    if (!right) return NULL;
    sc_node_kind kind = op.kind == SC_T_OR ? SC_N_OR : op.kind == SC_T_AND ? SC_N_AND : SC_N_BINARY;
    left = sc_parse_node(p, kind, sc_span_join(left->span, right->span), 2,
                         (sc_node *[]){left, right});
    if (left) left->op = op.kind;
  }
  return NULL;
}

sc_node *sc_parse_expression(sc_parser *p) { return operators(p, OR_LEVEL); }
