/* Functions of the script language: tables of rows, found by name and name space,
 * called with arguments that were bound to the row's parameters. */
#ifndef SC_FUNCTIONS_H
#define SC_FUNCTIONS_H

#include "repl/language/make.h"

/* Where a row can be found; bits. */
enum {
  SC_IN_BARE = 1,
  SC_IN_METHOD = 2, /* x.name(…): x is the first parameter */
  SC_IN_NUMPY = 4,
  SC_IN_JAX = 8,
  SC_IN_TORCH = 16,
  SC_IN_FUNCTIONAL = 32, /* torch.nn.functional, jax.nn */
  SC_IN_MODULES = 64,    /* torch.nn */
  SC_IN_MXNET = 128,
  SC_IN_EINOPS = 256,
  SC_IN_RANDOM = 512,
  SC_IN_SYMBOL = 1024,
  SC_IN_STRIDES = 2048, /* np.lib.stride_tricks */
  SC_IN_LINALG = 4096,
  SC_IN_TEXT = 8192, /* methods of strings, dicts, modules and symbols */
  SC_IN_DICT = 16384,
  SC_IN_PARTIAL = 32768,
  SC_IN_ARRAYS = SC_IN_NUMPY | SC_IN_JAX | SC_IN_TORCH | SC_IN_MXNET,
  SC_IN_ALL = SC_IN_BARE | SC_IN_METHOD | SC_IN_ARRAYS
};

typedef struct sc_space {
  const char *path; /* "torch.nn" */
  unsigned in;
  sc_flavour flavour;
} sc_space;

/* A call as it was written. */
typedef struct sc_call {
  sc_span span;
  int64_t n;
  sc_value **values;
  sc_span *spans;
  int64_t n_named;
  const char **names;
  sc_value **named;
  sc_span *named_spans;
} sc_call;

#define SC_MAX_PARAMS 16

typedef struct sc_args {
  sc_session *s;
  const sc_function *function;
  const sc_call *call;
  sc_span span;
  sc_flavour flavour;             /* of the name space, else of the first tensor given */
  sc_value *value[SC_MAX_PARAMS]; /* NULL: not given, or None */
  sc_span at[SC_MAX_PARAMS];
  int64_t n_rest; /* of a parameter "name*" */
  sc_value **rest;
  sc_span *rest_at;
  int64_t n_extra; /* keywords that are no parameters, when the row ends with "**" */
  const char **extra_names;
  sc_value **extra;
  sc_span *extra_at;
} sc_args;

struct sc_function {
  const char *name;
  unsigned in;
  /* Parameters, blanks between: "x axis|dim? sizes* **". '|' separates names of
   * the same parameter, '?' may be left out, '*' takes all further positional
   * arguments, a last "**" admits any other keyword. */
  const char *params;
  sc_value *(*run)(sc_args *a);
  int code; /* what distinguishes rows that share run */
  const char *help;
};

const sc_function *sc_function_find(const sc_session *s, const char *name, unsigned in);
/* All rows of the session: index 0, 1, … until NULL. */
const sc_function *sc_function_at(const sc_session *s, int index);
const sc_space *sc_space_find(const char *path);
const sc_space *sc_space_at(int index); /* NULL past the last */
/* A function, dtype or inner name space of a name space; NULL and no error when absent. */
sc_value *sc_space_member(sc_session *s, const sc_space *space, const char *name);
/* "numpy", "torch.nn": what an import may name; NULL past the last. */
const char *sc_module_at(int index);
/* A name that is no variable. NULL and no error when absent. */
sc_value *sc_name_lookup(sc_session *s, const char *name);
/* Fails with the nearest name that exists. */
void *sc_fail_no_member(sc_session *s, sc_span where, const sc_space *space, const char *name);

/* Calls a row, a layer, or any callable value. */
sc_value *sc_function_call(sc_session *s, const sc_function *f, sc_flavour flavour,
                           const sc_call *call);
sc_value *sc_layer_call(sc_session *s, const es_op *op, sc_flavour flavour, const sc_call *call);
sc_value *sc_value_call(sc_session *s, sc_value *callee, const sc_call *call);
/* x.name(…) */
sc_value *sc_method_call(sc_session *s, sc_value *object, const char *name, const sc_call *call);
/* The layer of a module name: PixelShuffle is pixel_shuffle. */
const es_op *sc_layer_of_module(const char *name);

/* Binds call to parameters; false after an error. */
bool sc_bind(sc_args *a, const char *params, const char *name);
/* Writes parameter i of params, its first name, into name[cap]; false past the end. */
bool sc_param_name(const char *params, int i, char *name, size_t cap);
void sc_put_params(sc_buffer *out, const char *params); /* as a signature shows them */

/* ---- arguments as C values; false after an error ------------------------------ */

bool sc_arg_int(sc_args *a, int i, int64_t otherwise, int64_t *out);
bool sc_arg_bool(sc_args *a, int i, bool otherwise, bool *out);
bool sc_arg_float(sc_args *a, int i, double otherwise, double *out);
bool sc_arg_dtype(sc_args *a, int i, es_dtype otherwise, es_dtype *out);
bool sc_arg_text(sc_args *a, int i, const char **out); /* NULL when not given */
/* One axis or several; *n 0 when not given. */
bool sc_arg_axes(sc_args *a, int i, int *axes, int *n);
bool sc_arg_axis(sc_args *a, int i, int otherwise, int *out);
bool sc_arg_sizes(sc_args *a, int i, int64_t *sizes, int *n); /* an integer or a sequence */
/* The rest as sizes: integers, or one sequence of them. */
bool sc_rest_sizes(sc_args *a, int64_t *sizes, int *n);
/* Parameter i as sizes where it is given, else the rest. */
bool sc_given_sizes(sc_args *a, int i, int64_t *sizes, int *n);
/* A tensor; numbers and lists become one. NULL after an error. */
es_tensor *sc_arg_tensor(sc_args *a, int i);

bool sc_truth(sc_session *s, const sc_value *v, sc_span where, bool *out);
bool sc_to_int(sc_session *s, sc_span where, const sc_value *v, const char *what, int64_t *out);
bool sc_to_sizes(sc_session *s, sc_span where, const sc_value *v, const char *what, int64_t *sizes,
                 int *n);
bool sc_to_dtype(sc_session *s, sc_span where, const sc_value *v, sc_flavour flavour,
                 es_dtype *out);
/* dtype AUTO: by the values, in the flavour's default widths. */
es_tensor *sc_to_tensor(sc_session *s, sc_span where, const sc_value *v, sc_flavour flavour,
                        es_dtype dtype);
/* Every tensor in the rest; one list of tensors counts as its items. n at most cap. */
bool sc_rest_tensors(sc_args *a, es_tensor **tensors, int64_t cap, int64_t *n);

es_dtype sc_default_int(sc_flavour flavour);
es_dtype sc_default_float(sc_flavour flavour);

/* The tensor as the call's value, narrowed as its library does (JAX has no 64-bit
 * types unless it was given one); or the engine's error. */
sc_value *sc_return(sc_args *a, es_tensor *tensor);

/* NumPy's repeat: each entry of an axis n times, one after the other; axis
 * ES_NO_AXIS: of the flattened tensor. */
sc_value *sc_repeat_entries(sc_args *a, es_tensor *x, int64_t times, int axis);

/* Operators of the language, for values of any kind. */
sc_value *sc_binary(sc_session *s, sc_token_kind op, sc_value *a, sc_value *b, sc_span where);
/* With a tensor among them, or numbers and lists that become tensors. */
sc_value *sc_tensor_binary(sc_session *s, es_binary_op op, sc_value *a, sc_value *b, sc_span where);
sc_value *sc_negative(sc_session *s, sc_value *a, sc_span where);
sc_value *sc_invert(sc_session *s, sc_value *v, sc_span where); /* ~v */
sc_value *sc_index(sc_session *s, sc_value *object, sc_value *index, sc_span where);
bool sc_index_assign(sc_session *s, sc_value *object, sc_value *index, sc_value *v, sc_span where);
sc_value *sc_attribute(sc_session *s, sc_value *object, const char *name, sc_span where);
#include "repl/language/trace.h" /* what follows calls the library through it */

#endif
