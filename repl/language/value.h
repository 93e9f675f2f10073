/* Values of the script language. */
#ifndef SC_VALUE_H
#define SC_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "einstride.h"
#include "einstride/layers.h"
#include "repl/language/syntax.h"
#include "repl/text/buffer.h"

typedef enum sc_kind {
  SC_NONE,
  SC_BOOL,
  SC_INT,
  SC_FLOAT,
  SC_STRING,
  SC_ELLIPSIS,
  SC_SLICE,
  SC_TUPLE,
  SC_LIST,
  SC_DICT,
  SC_DTYPE,
  SC_TENSOR,
  SC_SPACE,    /* a name space: np, torch.nn, … */
  SC_FUNCTION, /* of the tables, or a layer */
  SC_PARTIAL   /* a function with its parameters: torch.nn.Unfold(kernel_size=2) */
} sc_kind;

/* The library whose habits a tensor follows: how it prints, which types new values
 * get, how reshape reads 0 and -1. Results inherit it. */
typedef enum sc_flavour { SC_PLAIN = 0, SC_NUMPY, SC_JAX, SC_TORCH, SC_MXNET } sc_flavour;

struct sc_function;
struct sc_space;

typedef struct sc_value {
  sc_kind kind;
  int refs;
  uint64_t number;    /* counts the values of a session */
  int depth;          /* of tuples in tuples; bounded */
  sc_flavour flavour; /* TENSOR; FUNCTION and PARTIAL: of the name space it came from */
  union {
    int64_t i; /* BOOL, INT */
    double f;
    struct {
      char *text; /* STRING */
      size_t len;
    };
    struct {
      struct sc_value **items; /* TUPLE, LIST; SLICE: start, stop, step; DICT: keys and values */
      int64_t n;
    };
    es_dtype dtype;
    struct {
      es_tensor *tensor;
      char *axes; /* names of the axes, a tab between, or NULL; owned */
    };
    const struct sc_space *space;
    struct {
      const struct sc_function *function; /* or NULL and */
      const es_op *op;
      struct sc_value *bound;    /* PARTIAL: positional arguments, a TUPLE */
      struct sc_value *keywords; /* PARTIAL: DICT */
    };
  };
} sc_value;

#define SC_MAX_VALUE_DEPTH 64

/* An elementwise result has the axes of the operand that has its shape. */
void sc_inherit_axes(sc_value *v, const sc_value *operand);

sc_value *sc_value_retain(sc_value *v);
void sc_value_release(sc_value *v);

/* "a tensor", "a string": for messages. */
const char *sc_kind_name(sc_kind kind);
static inline bool sc_is_sequence(const sc_value *v) {
  return v->kind == SC_TUPLE || v->kind == SC_LIST;
}
static inline bool sc_is_number(const sc_value *v) {
  return v->kind == SC_BOOL || v->kind == SC_INT || v->kind == SC_FLOAT;
}
static inline double sc_as_double(const sc_value *v) {
  return v->kind == SC_FLOAT ? v->f : (double)v->i;
}
bool sc_holds_tensor(const sc_value *v); /* in any depth, or is one */
bool sc_text_is(const sc_value *v, const char *text);
sc_value *sc_dict_get(const sc_value *dict, const char *key); /* NULL: absent */

#endif
