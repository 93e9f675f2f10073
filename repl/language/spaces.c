/* Names that are no variables: functions, layers, dtypes, name spaces. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "repl/language/functions.h"

static const sc_space spaces[] = {
    {"np", SC_IN_NUMPY, SC_NUMPY},
    {"np.random", SC_IN_RANDOM, SC_NUMPY},
    {"np.linalg", SC_IN_LINALG, SC_NUMPY},
    {"np.lib", 0, SC_NUMPY},
    {"np.lib.stride_tricks", SC_IN_STRIDES, SC_NUMPY},
    {"jnp", SC_IN_JAX, SC_JAX},
    {"jax", 0, SC_JAX},
    {"jax.nn", SC_IN_FUNCTIONAL, SC_JAX},
    {"jax.random", SC_IN_RANDOM, SC_JAX},
    {"torch", SC_IN_TORCH, SC_TORCH},
    {"torch.nn", SC_IN_MODULES, SC_TORCH},
    {"torch.nn.functional", SC_IN_FUNCTIONAL, SC_TORCH},
    {"mx", 0, SC_MXNET},
    {"mx.nd", SC_IN_MXNET, SC_MXNET},
    {"mx.sym", SC_IN_SYMBOL, SC_MXNET},
    {"einops", SC_IN_EINOPS, SC_PLAIN},
    {"random", SC_IN_RANDOM, SC_PLAIN},
};

/* Other ways to write a space, resolved until none applies. */
static const struct {
  const char *name, *path;
} aliases[] = {
    {"numpy", "np"},
    {"jax.numpy", "jnp"},
    {"F", "torch.nn.functional"},
    {"nn", "torch.nn"},
    {"nn.functional", "torch.nn.functional"},
    {"nd", "mx.nd"},
    {"mxnet", "mx"},
    {"mx.symbol", "mx.sym"},
    {"sym", "mx.sym"},
    {"mx.ndarray", "mx.nd"},
};

/* The path with its first alias replaced; false when none applies. */
static bool replace_alias(char *path, size_t cap) {
  for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
    size_t len = strlen(aliases[i].name);
    if (strncmp(path, aliases[i].name, len) || (path[len] && path[len] != '.')) continue;
    char rest[128];
    snprintf(rest, sizeof rest, "%s", path + len);
    return (size_t)snprintf(path, cap, "%s%s", aliases[i].path, rest) < cap;
  }
  return false;
}

const sc_space *sc_space_find(const char *name) {
  char path[128];
  if ((size_t)snprintf(path, sizeof path, "%s", name) >= sizeof path) return NULL;
  for (int rounds = 0; rounds < 3; rounds++) {
    for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++)
      if (!strcmp(spaces[i].path, path)) return &spaces[i];
    if (!replace_alias(path, sizeof path)) break;
  }
  return NULL;
}

const sc_space *sc_space_at(int index) {
  return index < (int)(sizeof spaces / sizeof *spaces) ? &spaces[index] : NULL;
}

const char *sc_module_at(int index) {
  int n = (int)(sizeof spaces / sizeof *spaces);
  if (index < n) return spaces[index].path;
  return index - n < (int)(sizeof aliases / sizeof *aliases) ? aliases[index - n].name : NULL;
}

const sc_function *sc_function_at(const sc_session *s, int index) {
  for (const sc_function *const *table = s->functions; *table; table++)
    for (const sc_function *f = *table; f->name; f++)
      if (index-- == 0) return f;
  return NULL;
}

const sc_function *sc_function_find(const sc_session *s, const char *name, unsigned in) {
  for (const sc_function *const *table = s->functions; *table; table++)
    for (const sc_function *f = *table; f->name; f++)
      if ((f->in & in) && !strcmp(f->name, name)) return f;
  return NULL;
}

const es_op *sc_layer_of_module(const char *name) {
  for (int i = 0; i < es_op_count(); i++) {
    const es_op *op = es_op_at(i);
    const char *a = op->name, *b = name;
    while (*a && *b) {
      if (*a == '_') a++;
      if (tolower((unsigned char)*a) != tolower((unsigned char)*b)) break;
      a++, b++;
    }
    if (!*a && !*b) return op;
  }
  return NULL;
}

static sc_value *callable(sc_session *s, const sc_function *f, const es_op *op,
                          sc_flavour flavour) {
  sc_value *v = sc_plain(s, SC_FUNCTION);
  v->function = f;
  v->op = op;
  v->flavour = flavour;
  return v;
}

static sc_value *space_value(sc_session *s, const sc_space *space) {
  sc_value *v = sc_plain(s, SC_SPACE);
  v->space = space;
  return v;
}

static sc_value *constant(sc_session *s, const char *name) {
  if (!strcmp(name, "pi")) return sc_float(s, 3.14159265358979323846);
  if (!strcmp(name, "e")) return sc_float(s, 2.71828182845904523536);
  if (!strcmp(name, "inf")) return sc_float(s, __builtin_inf());
  if (!strcmp(name, "nan")) return sc_float(s, __builtin_nan(""));
  if (!strcmp(name, "newaxis")) return sc_none(s);
  return NULL;
}

sc_value *sc_space_member(sc_session *s, const sc_space *space, const char *name) {
  char path[160];
  snprintf(path, sizeof path, "%s.%s", space->path, name);
  const sc_space *inner = sc_space_find(path);
  if (inner) return space_value(s, inner);
  const sc_function *f = sc_function_find(s, name, space->in);
  if (f) return callable(s, f, NULL, space->flavour);
  if (space->in == SC_IN_MODULES) {
    const es_op *op = isupper((unsigned char)*name) ? sc_layer_of_module(name) : NULL;
    sc_value *v = op ? callable(s, NULL, op, space->flavour) : NULL;
    if (v) v->kind = SC_PARTIAL; /* waits for its parameters: see sc_value_call */
    return v;
  }
  const es_op *op = space->in & (SC_IN_FUNCTIONAL | SC_IN_ARRAYS) ? es_op_find(name) : NULL;
  if (op) return callable(s, NULL, op, space->flavour);
  if (!(space->in & SC_IN_ARRAYS)) return NULL;
  es_dtype dtype = es_dtype_from_name(name);
  return dtype != ES_DTYPE_AUTO ? sc_dtype(s, dtype) : constant(s, name);
}

sc_value *sc_name_lookup(sc_session *s, const char *name) {
  const sc_function *f = sc_function_find(s, name, SC_IN_BARE);
  if (f) return callable(s, f, NULL, SC_PLAIN);
  const es_op *op = es_op_find(name);
  if (op) return callable(s, NULL, op, SC_PLAIN);
  const sc_space *space = sc_space_find(name);
  if (space) return space_value(s, space);
  es_dtype dtype = es_dtype_from_name(name);
  if (dtype != ES_DTYPE_AUTO) return sc_dtype(s, dtype);
  return strcmp(name, "e") && strcmp(name, "newaxis") ? constant(s, name) : NULL;
}

/* Modules that notebooks import and nothing here stands for. */
static bool is_module(const char *name) {
  static const char *const names[] = {"tf",  "tensorflow", "keras",   "scipy", "pd",
                                      "plt", "math",       "os",      "sys",   "time",
                                      "sns", "cupy",       "skimage", "PIL"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (!strcmp(names[i], name)) return true;
  return false;
}

void *sc_fail_no_member(sc_session *s, sc_span where, const sc_space *space, const char *name) {
  unsigned in = space ? space->in : SC_IN_BARE;
  sc_nearest nearest = {name, NULL, 0};
  const sc_function *f;
  for (size_t i = 0; !space && i < s->n_variables; i++) sc_offer(&nearest, s->variables[i].name);
  for (int i = 0; (f = sc_function_at(s, i)); i++)
    if (f->in & in) sc_offer(&nearest, f->name);
  if (in & (SC_IN_BARE | SC_IN_FUNCTIONAL | SC_IN_ARRAYS))
    for (int i = 0; i < es_op_count(); i++) sc_offer(&nearest, es_op_at(i)->name);
  char sentence[160];
  if (space)
    snprintf(sentence, sizeof sentence, "%s has no '%.64s'", space->path, name);
  else
    snprintf(sentence, sizeof sentence,
             is_module(name) ? "%.64s is not here: the name spaces are "
                               "np, torch, F, jnp, einops and nd"
                             : "the name '%.64s' is not defined",
             name);
  return sc_fail_unknown(s, where, sentence, &nearest);
}
