/* Operators by precedence climbing. */
#include "repl/language/parse.h"

static sc_node *unary(sc_parser *p);

static sc_node *power(sc_parser *p) {
  sc_node *base = sc_parse_postfix(p);
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
