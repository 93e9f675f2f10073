/* + - * / // % ** @ and comparisons, over numbers, tensors, sequences and strings.
 * Numbers follow Python; tensors follow the library. */
#include <math.h>
#include <string.h>

#include "repl/language/functions.h"

static const struct {
  sc_token_kind token;
  es_binary_op op;
} tensor_ops[] = {
    {SC_T_PLUS, ES_ADD},       {SC_T_MINUS, ES_SUB},   {SC_T_STAR, ES_MUL},  {SC_T_SLASH, ES_DIV},
    {SC_T_FLOOR, ES_FLOORDIV}, {SC_T_PERCENT, ES_MOD}, {SC_T_POWER, ES_POW}, {SC_T_EQ, ES_EQ},
    {SC_T_NE, ES_NE},          {SC_T_LT, ES_LT},       {SC_T_LE, ES_LE},     {SC_T_GT, ES_GT},
    {SC_T_GE, ES_GE},
};

/* Of booleans the same as and, or, xor; tensors of integers have no bitwise rule. */
static const struct {
  sc_token_kind token;
  es_binary_op op;
} bit_ops[] = {{SC_T_BIT_AND, ES_AND}, {SC_T_BIT_OR, ES_OR}, {SC_T_BIT_XOR, ES_XOR}};

static void *fail_operands(sc_session *s, sc_token_kind op, const sc_value *a, const sc_value *b,
                           sc_span where) {
  if (op == SC_T_PERCENT && a->kind == SC_STRING)
    return sc_fail(s, ES_E_DTYPE, where, "'%%' formats no strings; write f'{x:.3f}'");
  return sc_fail(s, ES_E_DTYPE, where, "%s has no meaning between %s and %s", sc_token_text(op),
                 sc_kind_name(a->kind), sc_kind_name(b->kind));
}

/* ---- numbers -------------------------------------------------------------------- */

static void *fail_wide(sc_session *s, sc_span where) {
  return sc_fail(s, ES_E_OVERFLOW, where,
                 "the result does not fit 64 bits; write one operand "
                 "with a point for a float");
}

/* base ** exponent for exponent >= 0 */
static bool int_power(int64_t base, int64_t exponent, int64_t *out) {
  int64_t result = 1;
  while (exponent > 0) {
    if ((exponent & 1) && __builtin_mul_overflow(result, base, &result)) return false;
    exponent >>= 1;
    if (exponent && __builtin_mul_overflow(base, base, &base)) return false;
  }
  *out = result;
  return true;
}

static sc_value *int_binary(sc_session *s, sc_token_kind op, int64_t a, int64_t b, sc_span where) {
  int64_t r = 0;
  bool wide = false;
  if ((op == SC_T_FLOOR || op == SC_T_PERCENT || op == SC_T_SLASH) && b == 0)
    return sc_fail(s, ES_E_VALUE, where, "division by zero");
  switch (op) {
  case SC_T_PLUS: wide = __builtin_add_overflow(a, b, &r); break;
  case SC_T_MINUS: wide = __builtin_sub_overflow(a, b, &r); break;
  case SC_T_STAR: wide = __builtin_mul_overflow(a, b, &r); break;
  case SC_T_SLASH: return sc_float(s, (double)a / (double)b);
  case SC_T_FLOOR:
    if (b == -1)
      wide = __builtin_sub_overflow((int64_t)0, a, &r);
    else
      r = a / b - (a % b != 0 && (a < 0) != (b < 0));
    break;
  case SC_T_PERCENT:
    r = b == -1 ? 0 : a % b;
    if (r && (r < 0) != (b < 0)) r += b;
    break;
  case SC_T_POWER:
    if (b < 0) return sc_float(s, pow((double)a, (double)b));
    wide = !int_power(a, b, &r);
    break;
  case SC_T_BIT_AND: r = a & b; break;
  case SC_T_BIT_OR: r = a | b; break;
  case SC_T_BIT_XOR: r = a ^ b; break;
  case SC_T_LEFT:
  case SC_T_RIGHT:
    if (b < 0) return sc_fail(s, ES_E_VALUE, where, "a shift by %lld bits", (long long)b);
    if (op == SC_T_RIGHT)
      r = a >> (b < 63 ? b : 63);
    else
      wide = a && (b > 62 || __builtin_mul_overflow(a, (int64_t)1 << b, &r));
    break;
  case SC_T_EQ: return sc_bool(s, a == b);
  case SC_T_NE: return sc_bool(s, a != b);
  case SC_T_LT: return sc_bool(s, a < b);
  case SC_T_LE: return sc_bool(s, a <= b);
  case SC_T_GT: return sc_bool(s, a > b);
  case SC_T_GE: return sc_bool(s, a >= b);
  default: return sc_fail(s, ES_E_DTYPE, where, "%s needs tensors", sc_token_text(op));
  }
  return wide ? fail_wide(s, where) : sc_int(s, r);
}

static sc_value *float_binary(sc_session *s, sc_token_kind op, double a, double b, sc_span where) {
  if ((op == SC_T_FLOOR || op == SC_T_PERCENT || op == SC_T_SLASH) && b == 0)
    return sc_fail(s, ES_E_VALUE, where, "division by zero");
  switch (op) {
  case SC_T_PLUS: return sc_float(s, a + b);
  case SC_T_MINUS: return sc_float(s, a - b);
  case SC_T_STAR: return sc_float(s, a * b);
  case SC_T_SLASH: return sc_float(s, a / b);
  case SC_T_FLOOR: return sc_float(s, floor(a / b));
  case SC_T_PERCENT: {
    double r = fmod(a, b);
    return sc_float(s, r != 0 && (r < 0) != (b < 0) ? r + b : r);
  }
  case SC_T_POWER: return sc_float(s, pow(a, b));
  case SC_T_EQ: return sc_bool(s, a == b);
  case SC_T_NE: return sc_bool(s, a != b);
  case SC_T_LT: return sc_bool(s, a < b);
  case SC_T_LE: return sc_bool(s, a <= b);
  case SC_T_GT: return sc_bool(s, a > b);
  case SC_T_GE: return sc_bool(s, a >= b);
  default: return sc_fail(s, ES_E_DTYPE, where, "%s needs tensors", sc_token_text(op));
  }
}

/* ---- tensors ---------------------------------------------------------------------- */

/* A two-operand call as far as result types go: see sc_return. */
static sc_value *settled(sc_session *s, sc_value *operands[2], es_tensor *t, sc_span where) {
  sc_call call = {.span = where, .n = 2, .values = operands};
  sc_flavour flavour = SC_PLAIN;
  for (int i = 0; i < 2 && !flavour; i++)
    if (operands[i]->kind == SC_TENSOR) flavour = operands[i]->flavour;
  sc_args args = {.s = s, .call = &call, .span = where, .flavour = flavour};
  return sc_return(&args, t);
}

static sc_value *settle(sc_session *s, sc_value *a, sc_value *b, es_tensor *t, sc_span where) {
  sc_value *operands[2] = {a, b}, *v = settled(s, operands, t, where);
  if (v) sc_inherit_axes(v, a);
  if (v) sc_inherit_axes(v, b);
  return v;
}

static bool small_int(const sc_value *v) { /* exact as a double */
  return v->kind == SC_FLOAT || (v->i > -(1LL << 53) && v->i < 1LL << 53);
}

static bool is_data(const sc_value *v) {
  return v->kind == SC_TENSOR || sc_is_number(v) || sc_is_sequence(v);
}

sc_value *sc_tensor_binary(sc_session *s, es_binary_op op, sc_value *a, sc_value *b,
                           sc_span where) {
  sc_value *scalar = sc_is_number(b) ? b : a, *other = scalar == b ? a : b;
  if (other->kind == SC_TENSOR && sc_is_number(scalar) && small_int(scalar)) {
    es_tensor *t = es_binary_scalar(s->es, op, other->tensor, sc_as_double(scalar),
                                    scalar->kind != SC_FLOAT, scalar == a);
    return settle(s, a, b, t, where);
  }
  es_tensor *x = sc_to_tensor(s, where, a, SC_PLAIN, ES_DTYPE_AUTO);
  es_tensor *y = x ? sc_to_tensor(s, where, b, SC_PLAIN, ES_DTYPE_AUTO) : NULL;
  return y ? settle(s, a, b, es_binary(s->es, op, x, y), where) : NULL;
}

/* NumPy's matmul, by rank. */
static sc_value *matmul(sc_session *s, sc_value *a, sc_value *b, sc_span where) {
  es_tensor *x = sc_to_tensor(s, where, a, SC_PLAIN, ES_DTYPE_AUTO);
  es_tensor *y = x ? sc_to_tensor(s, where, b, SC_PLAIN, ES_DTYPE_AUTO) : NULL;
  if (!y) return NULL;
  if (!es_rank(x) || !es_rank(y))
    return sc_fail(s, ES_E_RANK, where, "'@' multiplies matrices and vectors; use '*' for numbers");
  const char *text = es_rank(x) == 1   ? es_rank(y) == 1 ? "n, n ->" : "n, ... n p -> ... p"
                     : es_rank(y) == 1 ? "... m n, n -> ... m"
                                       : "... m n, ... n p -> ... m p";
  s->pattern = text;
  s->pattern_len = strlen(text);
  sc_value *operands[2] = {a, b};
  sc_value *result = settled(s, operands, es_einsum(s->es, text, ES_IN(x, y), NULL), where);
  s->pattern = NULL;
  return result;
}

static bool is_truth(const sc_value *v) {
  return v->kind == SC_BOOL || (v->kind == SC_TENSOR && es_dtype_of(v->tensor) == ES_BOOL);
}

static sc_value *tensor_binary(sc_session *s, sc_token_kind token, sc_value *a, sc_value *b,
                               sc_span where) {
  if (token == SC_T_AT) return matmul(s, a, b, where);
  for (size_t i = 0; i < sizeof bit_ops / sizeof *bit_ops; i++)
    if (bit_ops[i].token == token && is_truth(a) && is_truth(b))
      return sc_tensor_binary(s, bit_ops[i].op, a, b, where);
  for (size_t i = 0; i < sizeof tensor_ops / sizeof *tensor_ops; i++)
    if (tensor_ops[i].token == token) return sc_tensor_binary(s, tensor_ops[i].op, a, b, where);
  if (token == SC_T_LEFT || token == SC_T_RIGHT)
    return sc_fail(s, ES_E_DTYPE, where, "%s has no meaning for tensors: write x %s 2 ** n",
                   sc_token_text(token), token == SC_T_LEFT ? "*" : "//");
  if (token == SC_T_BIT_AND || token == SC_T_BIT_OR || token == SC_T_BIT_XOR)
    return sc_fail(s, ES_E_DTYPE, where,
                   "%s joins tensors of booleans, such as x > 0; bits of integers have no "
                   "operators",
                   sc_token_text(token));
  return fail_operands(s, token, a, b, where);
}

/* ---- sequences and strings ----------------------------------------------------------- */

static bool equal(const sc_value *a, const sc_value *b) { /* depth is bounded */
  if (sc_is_number(a) && sc_is_number(b))
    return a->kind == SC_FLOAT || b->kind == SC_FLOAT ? sc_as_double(a) == sc_as_double(b)
                                                      : a->i == b->i;
  if (a->kind != b->kind) return false;
  switch (a->kind) {
  case SC_STRING: return a->len == b->len && !memcmp(a->text, b->text, a->len);
  case SC_DTYPE: return a->dtype == b->dtype;
  case SC_TENSOR: return a->tensor == b->tensor;
  case SC_TUPLE:
  case SC_LIST:
  case SC_DICT:
  case SC_SLICE:
    if (a->n != b->n) return false;
    for (int64_t i = 0; i < a->n; i++)
      if (!equal(a->items[i], b->items[i])) return false;
    return true;
  default: return a->kind == SC_NONE || a->kind == SC_ELLIPSIS || a == b;
  }
}

#define LONGEST_REPEAT 1000000

static sc_value *repeat(sc_session *s, sc_value *v, int64_t times, sc_span where) {
  int64_t n = v->kind == SC_STRING ? (int64_t)v->len : v->n, total;
  if (times < 0) times = 0;
  if (__builtin_mul_overflow(n, times, &total) || total > LONGEST_REPEAT)
    return sc_fail(s, ES_E_LIMIT, where, "%lld copies of %lld items exceed %d; use a tensor",
                   (long long)times, (long long)n, LONGEST_REPEAT);
  if (v->kind == SC_STRING) {
    char *text = sc_scratch(s, (size_t)total + 1);
    for (int64_t i = 0; i < total; i++) text[i] = v->text[i % n];
    return sc_string(s, text, (size_t)total);
  }
  sc_value **items = sc_scratch(s, (size_t)total * sizeof *items);
  for (int64_t i = 0; i < total; i++) items[i] = v->items[i % n];
  return sc_sequence(s, v->kind, total, items);
}

static sc_value *join(sc_session *s, const sc_value *a, const sc_value *b) {
  if (a->kind == SC_STRING) {
    char *text = sc_scratch(s, a->len + b->len + 1);
    memcpy(text, a->text, a->len);
    memcpy(text + a->len, b->text, b->len);
    return sc_string(s, text, a->len + b->len);
  }
  sc_value **items = sc_scratch(s, (size_t)(a->n + b->n) * sizeof *items);
  for (int64_t i = 0; i < a->n; i++) items[i] = a->items[i];
  for (int64_t i = 0; i < b->n; i++) items[a->n + i] = b->items[i];
  return sc_sequence(s, a->kind, a->n + b->n, items);
}

/* Is a among the items of b: of a sequence, the names of a dict, the elements of a
 * tensor; or a part of a string? */
static sc_value *contains(sc_session *s, sc_value *a, sc_value *b, sc_span where) {
  if (b->kind == SC_STRING && a->kind == SC_STRING)
    return sc_bool(s, memmem(b->text, b->len, a->text, a->len) != NULL);
  if (b->kind == SC_DICT && a->kind == SC_STRING)
    return sc_bool(s, sc_dict_get(b, a->text) != NULL);
  if (sc_is_sequence(b)) {
    bool found = false;
    for (int64_t i = 0; i < b->n && !found; i++) found = equal(a, b->items[i]);
    return sc_bool(s, found);
  }
  if (b->kind != SC_TENSOR || !is_data(a)) return fail_operands(s, SC_T_IN, a, b, where);
  sc_value *same = sc_tensor_binary(s, ES_EQ, a, b, where);
  es_tensor *any = same ? es_reduce_axes(s->es, ES_REDUCE_ANY, same->tensor, NULL, 0, false) : NULL;
  uint8_t found;
  if (!same) return NULL;
  if (!any || es_read(s->es, any, ES_BOOL, &found, 1) != ES_OK) return sc_fail_engine(s, where);
  return sc_bool(s, found);
}

static bool holds_items(const sc_value *v) { return sc_is_sequence(v) || v->kind == SC_STRING; }

sc_value *sc_binary(sc_session *s, sc_token_kind op, sc_value *a, sc_value *b, sc_span where) {
  if (op == SC_T_IN) return contains(s, a, b, where);
  bool truths = a->kind == SC_BOOL && b->kind == SC_BOOL;
  if (truths && (op == SC_T_BIT_AND || op == SC_T_BIT_OR || op == SC_T_BIT_XOR))
    return sc_bool(s, op == SC_T_BIT_AND  ? a->i & b->i
                      : op == SC_T_BIT_OR ? a->i | b->i
                                          : a->i ^ b->i);
  if (a->kind == SC_TENSOR || b->kind == SC_TENSOR) {
    if (is_data(a) && is_data(b)) return tensor_binary(s, op, a, b, where);
  } else if (sc_is_number(a) && sc_is_number(b)) {
    return a->kind == SC_FLOAT || b->kind == SC_FLOAT
               ? float_binary(s, op, sc_as_double(a), sc_as_double(b), where)
               : int_binary(s, op, a->i, b->i, where);
  }
  if (op == SC_T_EQ || op == SC_T_NE) return sc_bool(s, equal(a, b) == (op == SC_T_EQ));
  if (op == SC_T_PLUS && holds_items(a) && a->kind == b->kind) return join(s, a, b);
  if (op == SC_T_STAR && holds_items(a) && (b->kind == SC_INT || b->kind == SC_BOOL))
    return repeat(s, a, b->i, where);
  if (op == SC_T_STAR && holds_items(b) && (a->kind == SC_INT || a->kind == SC_BOOL))
    return repeat(s, b, a->i, where);
  return fail_operands(s, op, a, b, where);
}

sc_value *sc_negative(sc_session *s, sc_value *v, sc_span where) {
  if (v->kind == SC_FLOAT) return sc_float(s, -v->f);
  if (sc_is_number(v)) return int_binary(s, SC_T_MINUS, 0, v->i, where);
  if (v->kind == SC_TENSOR)
    return sc_result(s, where, es_unary(s->es, ES_NEG, v->tensor), v->flavour);
  return sc_fail(s, ES_E_DTYPE, where, "'-' needs a number or a tensor, found %s",
                 sc_kind_name(v->kind));
}

sc_value *sc_invert(sc_session *s, sc_value *v, sc_span where) {
  if (v->kind == SC_INT || v->kind == SC_BOOL) return sc_int(s, ~v->i);
  if (v->kind == SC_TENSOR && es_dtype_of(v->tensor) == ES_BOOL)
    return sc_result(s, where, es_unary(s->es, ES_NOT, v->tensor), v->flavour);
  return sc_fail(s, ES_E_DTYPE, where, "'~' needs an integer or a tensor of booleans, found %s",
                 sc_kind_name(v->kind));
}
