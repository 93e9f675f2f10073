/* One row an elementwise operation of the library, and the other names of some. */
#include "repl/functions/tables.h"
#include "repl/language/functions.h"

static sc_value *unary(sc_args *a) {
  es_tensor *x = sc_arg_tensor(a, 0);
  sc_value *v = x ? sc_return(a, es_unary(a->s->es, (es_unary_op)a->function->code, x)) : NULL;
  if (v) sc_inherit_axes(v, a->value[0]);
  return v;
}

static sc_value *binary(sc_args *a) {
  sc_value *v = sc_tensor_binary(a->s, (es_binary_op)a->function->code, a->value[0], a->value[1],
                                 a->span);
  if (v && !v->flavour) v->flavour = a->flavour;
  return v;
}

/* abs(-3) is a number. */
static sc_value *absolute(sc_args *a) {
  const sc_value *v = a->value[0];
  if (v->kind == SC_FLOAT) return sc_float(a->s, __builtin_fabs(v->f));
  if (sc_is_number(v))
    return v->i < 0 ? sc_negative(a->s, a->value[0], a->span) : sc_int(a->s, v->i);
  return unary(a);
}

/* As NumPy: times the power of ten, to the even neighbour, divided by it again. */
static sc_value *rounded(sc_args *a) {
  static const double tens[] = {1,   1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
  enum { MOST = sizeof tens / sizeof *tens - 1 };
  es_ctx *es = a->s->es;
  int64_t decimals;
  if (!sc_arg_int(a, 1, 0, &decimals)) return NULL;
  if (decimals < 0 || decimals > MOST)
    return sc_fail(a->s, ES_E_RANGE, a->at[1], "decimals is 0 to %d, not %lld", MOST,
                   (long long)decimals);
  es_tensor *x = sc_arg_tensor(a, 0);
  if (!x || !decimals || es_dtype_of(x) < ES_F16) return x ? unary(a) : NULL;
  es_tensor *t = es_binary_scalar(es, ES_MUL, x, tens[decimals], false, false);
  if (t) t = es_unary(es, ES_ROUND, t);
  if (t) t = es_binary_scalar(es, ES_DIV, t, tens[decimals], false, false);
  sc_value *v = sc_return(a, t);
  if (v) sc_inherit_axes(v, a->value[0]);
  return v;
}

/* A number beside a tensor takes the tensor's type, unless that would lose it. */
static es_tensor *choice(sc_args *a, int i, const sc_value *other) {
  const sc_value *v = a->value[i];
  es_dtype dtype = ES_DTYPE_AUTO;
  if (sc_is_number(v) && other->kind == SC_TENSOR) {
    es_dtype t = es_dtype_of(other->tensor);
    if (v->kind == SC_FLOAT ? t >= ES_F16 : v->kind == SC_BOOL || t != ES_BOOL) dtype = t;
  }
  return sc_to_tensor(a->s, a->at[i], v, a->flavour, dtype);
}

static sc_value *where(sc_args *a) {
  es_tensor *condition = sc_arg_tensor(a, 0);
  es_tensor *x = condition ? choice(a, 1, a->value[2]) : NULL;
  es_tensor *y = x ? choice(a, 2, a->value[1]) : NULL;
  return y ? sc_return(a, es_where(a->s->es, condition, x, y)) : NULL;
}

static sc_value *clip(sc_args *a) {
  sc_value *v = a->value[0];
  if (v->kind != SC_TENSOR) {
    es_tensor *t = sc_arg_tensor(a, 0);
    if (!t) return NULL;
    v = sc_tensor(a->s, t, a->flavour);
  }
  if (a->value[1]) v = sc_tensor_binary(a->s, ES_MAXIMUM, v, a->value[1], a->span);
  if (v && a->value[2]) v = sc_tensor_binary(a->s, ES_MINIMUM, v, a->value[2], a->span);
  return v;
}

#define ROWS (SC_IN_METHOD | SC_IN_BARE | SC_IN_ARRAYS)
#define ES_UNARY_ROW(op, text) {text, ROWS, "x|input", unary, ES_##op, "Elementwise " text "."},
#define ES_BINARY_ROW(op, text)                                                                    \
  {text, ROWS, "a|x|x1|input b|y|x2|other", binary, ES_##op, "Elementwise " text ", broadcast."},

const sc_function sc_functions_elementwise[] = {
    {"abs", ROWS, "x|input", absolute, ES_ABS, "Absolute value."},
    {"round", ROWS, "x|input decimals?", rounded, ES_ROUND,
     "To the even neighbour, or to so many decimals."},
    ES_UNARY_LIST(ES_UNARY_ROW)
        ES_BINARY_LIST(ES_BINARY_ROW){"absolute", ROWS, "x|input", absolute, ES_ABS, "As abs."},
    {"neg", ROWS, "x|input", unary, ES_NEG, "As negative."},
    {"sub", ROWS, "a|input b|other", binary, ES_SUB, "As subtract."},
    {"mul", ROWS, "a|input b|other", binary, ES_MUL, "As multiply."},
    {"div", ROWS, "a|input b|other", binary, ES_DIV, "As divide."},
    {"true_divide", ROWS, "a|input b|other", binary, ES_DIV, "As divide."},
    {"mod", ROWS, "a|input b|other", binary, ES_MOD, "As remainder."},
    {"pow", ROWS, "a|input b|exponent", binary, ES_POW, "As power."},
    {"atan2", ROWS, "a|input b|other", binary, ES_ATAN2, "As arctan2."},
    {"eq", ROWS, "a|input b|other", binary, ES_EQ, "As equal."},
    {"ne", ROWS, "a|input b|other", binary, ES_NE, "As not_equal."},
    {"lt", ROWS, "a|input b|other", binary, ES_LT, "As less."},
    {"le", ROWS, "a|input b|other", binary, ES_LE, "As less_equal."},
    {"gt", ROWS, "a|input b|other", binary, ES_GT, "As greater."},
    {"ge", ROWS, "a|input b|other", binary, ES_GE, "As greater_equal."},
    {"where", SC_IN_BARE | SC_IN_ARRAYS, "condition x|input y|other", where, 0,
     "x where the condition holds, else y; all broadcast."},
    {"clip", ROWS, "x|input min|a_min? max|a_max?", clip, 0, "Elements held between two bounds."},
    {"clamp", ROWS, "x|input min? max?", clip, 0, "As clip."},
    {NULL, 0, NULL, NULL, 0, NULL}};
