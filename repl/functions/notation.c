/* The notation: einsum, rearrange, reduce, repeat, pack, unpack, parse_shape. */
#include <string.h>

#include "repl/functions/tables.h"
#include "repl/language/functions.h"

/* The pattern as a C string; remembered for error messages. */
static const char *pattern_of(sc_args *a, const sc_value *v, sc_span where) {
  if (v->kind == SC_TENSOR && a->value[0] && a->value[0]->kind == SC_STRING)
    return sc_fail(a->s, ES_E_DTYPE, where, "the tensor comes first here: %s(x, '…')",
                   a->function->name);
  if (v->kind != SC_STRING)
    return sc_fail(a->s, ES_E_DTYPE, where, "the pattern must be a string, found %s",
                   sc_kind_name(v->kind));
  if (strlen(v->text) != v->len)
    return sc_fail(a->s, ES_E_SYNTAX, where, "a NUL byte has no place in a pattern");
  a->s->pattern = v->text;
  a->s->pattern_len = v->len;
  return v->text;
}

/* Keywords as sizes of axes; NULL after an error. */
static es_axis_size *sizes_of(sc_args *a) {
  es_axis_size *sizes = sc_scratch(a->s, (size_t)(a->n_extra + 1) * sizeof *sizes);
  for (int64_t i = 0; i < a->n_extra; i++) {
    sizes[i].name = a->extra_names[i];
    if (!sc_to_int(a->s, a->extra_at[i], a->extra[i], "the size of an axis", &sizes[i].size))
      return NULL;
  }
  return sizes;
}

static bool reducer_named(sc_args *a, int i, es_reducer *out) {
  const char *name;
  *out = ES_REDUCE_NONE;
  if (!a->value[i]) return true;
  if (a->value[i]->kind == SC_FUNCTION && a->value[i]->function) /* reduce(x, p, mean) */
    name = a->value[i]->function->name;
  else if (!sc_arg_text(a, i, &name))
    return false;
  for (int r = 1; r < ES_REDUCER_COUNT; r++)
    if (!strcmp(name, es_reducer_name((es_reducer)r))) *out = (es_reducer)r;
  if (*out) return true;
  sc_fail(a->s, ES_E_VALUE, a->at[i],
          "'%.40s' is no reducer; there are sum prod max min mean any "
          "all logsumexp",
          name);
  return false;
}

/* v, with the names that the pattern gives its axes. */
static sc_value *named(sc_args *a, sc_value *v, es_kind kind, const char *text,
                       es_reading reading) {
  if (!a->s->shapes_only) sc_palette_keep(&a->s->palette, text, strlen(text));
  if (v) v->axes = sc_output_axes(a->s->es, kind, text, strlen(text), reading, es_rank(v->tensor));
  return v;
}

/* ---- einsum ----------------------------------------------------------------------- */

enum { OUT_DTYPE, OUT_SHAPE, READING, BROADCAST, WRAP, PRECISE, REDUCER, STRATEGY, IGNORED };
#define EINSUM_OPTIONS                                                                             \
  "out_dtype|dtype? shape|out_shape? reading? broadcast? wrap? precise? reducer? strategy? "       \
  "optimize|precision?"

static bool choose(sc_args *a, int i, const char *const names[3], int *out) {
  const char *text;
  *out = 0;
  if (!sc_arg_text(a, i, &text)) return false;
  for (int k = 0; text && k < 3; k++)
    if (!strcmp(text, names[k])) *out = k;
  if (!text || *out || !strcmp(text, names[0])) return true;
  sc_fail(a->s, ES_E_VALUE, a->at[i], "expected '%s', '%s' or '%s', found '%.40s'", names[0],
          names[1], names[2], text);
  return false;
}

/* first: index of OUT_DTYPE among the row's parameters */
static bool options_of(sc_args *a, int first, es_options *o) {
  static const char *const readings[] = {"auto", "letters", "names"};
  static const char *const broadcasts[] = {"auto", "strict", "stretch"};
  int reading, broadcast;
  es_dtype dtype;
  if (!sc_arg_dtype(a, first + OUT_DTYPE, ES_DTYPE_AUTO, &dtype) ||
      !choose(a, first + READING, readings, &reading) ||
      !choose(a, first + BROADCAST, broadcasts, &broadcast) ||
      !sc_arg_bool(a, first + WRAP, false, &o->wrap) ||
      !sc_arg_bool(a, first + PRECISE, a->s->precise, &o->precise) ||
      !reducer_named(a, first + REDUCER, &o->reducer) ||
      !sc_arg_text(a, first + STRATEGY, &o->strategy))
    return false;
  if (reading) o->reading = (es_reading)reading;
  o->broadcast = (es_broadcast)broadcast;
  o->has_out_dtype = dtype != ES_DTYPE_AUTO;
  o->out_dtype = dtype;
  if (a->value[first + OUT_SHAPE]) {
    int64_t *shape = sc_scratch(a->s, ES_MAX_RANK * sizeof *shape);
    if (!sc_arg_sizes(a, first + OUT_SHAPE, shape, &o->out_rank)) return false;
    o->out_shape = shape;
  }
  return (o->sizes = sizes_of(a)) != NULL;
}

/* How many terms stand right of '->': commas there, without the reducer's. */
static int64_t outputs_of(const char *text) {
  const char *arrow = strstr(text, "->"), *wide = strstr(text, "\u2192");
  const char *at = arrow ? arrow + 2 : wide ? wide + 3 : "";
  int64_t n = 1;
  for (; *at && *at != '|'; at++) n += *at == ',';
  return n;
}

static sc_value *return_all(sc_args *a, sc_kind kind, es_tensor *const *out, int64_t n) {
  sc_value **items = sc_scratch(a->s, (size_t)n * sizeof *items);
  for (int64_t i = 0; i < n; i++)
    if (!(items[i] = sc_return(a, out[i]))) return NULL;
  return sc_sequence(a->s, kind, n, items);
}

static sc_value *split(sc_args *a, const char *text, es_tensor *const *in, int64_t n,
                       const es_axis_size *sizes) {
  int64_t count = outputs_of(text);
  if (count > ES_MAX_OPERANDS) count = ES_MAX_OPERANDS;
  es_tensor **out = sc_scratch(a->s, (size_t)count * sizeof *out);
  if (es_split(a->s->es, text, in, n, sizes, out, count) != ES_OK) return sc_return(a, NULL);
  return return_all(a, SC_TUPLE, out, count);
}

/* The pattern comes first or last. code: the reading. */
static sc_value *einsum(sc_args *a) {
  es_options options = {.reading = (es_reading)a->function->code};
  if (a->n_rest < 1)
    return sc_fail(a->s, ES_E_COUNT, a->span, "einsum needs a pattern and tensors");
  bool first = a->rest[0]->kind == SC_STRING;
  int64_t last = a->n_rest - 1;
  const char *text = pattern_of(a, a->rest[first ? 0 : last], a->rest_at[first ? 0 : last]);
  if (!text) return NULL;
  if (first) {
    a->rest++;
    a->rest_at++;
  }
  a->n_rest--;
  es_tensor **in = sc_scratch(a->s, ES_MAX_OPERANDS * sizeof *in);
  int64_t n;
  if (!sc_rest_tensors(a, in, ES_MAX_OPERANDS, &n) || !options_of(a, 1, &options)) return NULL;
  if (outputs_of(text) > 1) return split(a, text, in, n, options.sizes);
  options.effort = a->s->effort;
  options.order_seed = a->s->order_seed;
  return named(a, sc_return(a, es_einsum_into(a->s->es, text, in, n, &options, NULL)),
               ES_KIND_EINSUM, text, options.reading);
}

/* ---- einops ------------------------------------------------------------------------ */

enum { REARRANGE, REPEAT };

static sc_value *rearrange(sc_args *a) {
  const char *text = pattern_of(a, a->value[1], a->at[1]);
  es_tensor *x = text ? sc_arg_tensor(a, 0) : NULL;
  const es_axis_size *sizes = x ? sizes_of(a) : NULL;
  if (!sizes) return NULL;
  if (outputs_of(text) > 1) return split(a, text, ES_IN(x), sizes);
  bool repeats = a->function->code == REPEAT;
  return named(a,
               sc_return(a, repeats ? es_repeat(a->s->es, text, x, sizes)
                                    : es_rearrange(a->s->es, text, x, sizes)),
               repeats ? ES_KIND_REPEAT : ES_KIND_REARRANGE, text, ES_READ_NAMES);
}

static sc_value *reduce(sc_args *a) {
  es_reducer reducer;
  const char *text = pattern_of(a, a->value[1], a->at[1]);
  es_tensor *x = text && reducer_named(a, 2, &reducer) ? sc_arg_tensor(a, 0) : NULL;
  const es_axis_size *sizes = x ? sizes_of(a) : NULL;
  if (!sizes) return NULL;
  return named(a, sc_return(a, es_reduce(a->s->es, text, reducer, x, sizes)), ES_KIND_REDUCE, text,
               ES_READ_NAMES);
}

static sc_value *repeat(sc_args *a) {
  int axis;
  int64_t times;
  if (a->value[1]->kind == SC_STRING) return rearrange(a);
  es_tensor *x = sc_arg_tensor(a, 0);
  if (!x || !sc_arg_int(a, 1, 1, &times) || !sc_arg_axis(a, 2, ES_NO_AXIS, &axis)) return NULL;
  return sc_repeat_entries(a, x, times, axis);
}

static sc_value *pack(sc_args *a) {
  const char *text = pattern_of(a, a->value[1], a->at[1]);
  if (!text) return NULL;
  a->rest = &a->value[0];
  a->rest_at = &a->at[0];
  a->n_rest = 1;
  es_tensor **in = sc_scratch(a->s, ES_MAX_OPERANDS * sizeof *in);
  int64_t n;
  if (!sc_rest_tensors(a, in, ES_MAX_OPERANDS, &n)) return NULL;
  int64_t *shapes = sc_scratch(a->s, (size_t)n * ES_MAX_RANK * sizeof *shapes);
  int *ranks = sc_scratch(a->s, (size_t)n * sizeof *ranks);
  sc_value *packed = sc_return(a, es_pack(a->s->es, text, in, n, shapes, ranks));
  if (!packed) return NULL;
  sc_value **items = sc_scratch(a->s, (size_t)n * sizeof *items);
  for (int64_t i = 0; i < n; i++)
    items[i] = sc_shape_tuple(a->s, ranks[i], shapes + i * ES_MAX_RANK);
  sc_value *list = sc_sequence(a->s, SC_LIST, n, items);
  return list ? sc_sequence(a->s, SC_TUPLE, 2, (sc_value *[]){packed, list}) : NULL;
}

static sc_value *unpack(sc_args *a) {
  const char *text = pattern_of(a, a->value[2], a->at[2]);
  es_tensor *x = text ? sc_arg_tensor(a, 0) : NULL;
  if (!x) return NULL;
  const sc_value *list = a->value[1];
  if (!sc_is_sequence(list) || list->n > ES_MAX_OPERANDS)
    return sc_fail(a->s, ES_E_DTYPE, a->at[1], "the packed shapes are a list of shapes, found %s",
                   sc_kind_name(list->kind));
  int64_t n = list->n;
  int64_t *shapes = sc_scratch(a->s, (size_t)n * ES_MAX_RANK * sizeof *shapes);
  int *ranks = sc_scratch(a->s, (size_t)n * sizeof *ranks);
  for (int64_t i = 0; i < n; i++)
    if (!sc_to_sizes(a->s, a->at[1], list->items[i], "a packed shape", shapes + i * ES_MAX_RANK,
                     &ranks[i]))
      return NULL;
  es_tensor **out = sc_scratch(a->s, (size_t)n * sizeof *out);
  if (es_unpack(a->s->es, text, x, shapes, ranks, n, out) != ES_OK) return sc_return(a, NULL);
  return return_all(a, SC_LIST, out, n);
}

static sc_value *parse_shape(sc_args *a) {
  const char *text = pattern_of(a, a->value[1], a->at[1]);
  es_tensor *x = text ? sc_arg_tensor(a, 0) : NULL;
  if (!x) return NULL;
  const char *names[ES_MAX_RANK];
  int64_t sizes[ES_MAX_RANK];
  sc_value *items[2 * ES_MAX_RANK];
  int64_t n = es_parse_shape(a->s->es, text, x, names, sizes, ES_MAX_RANK);
  if (n < 0) return sc_return(a, NULL);
  for (int64_t i = 0; i < n; i++) {
    items[2 * i] = sc_string(a->s, names[i], strlen(names[i]));
    items[2 * i + 1] = sc_int(a->s, sizes[i]);
  }
  return sc_sequence(a->s, SC_DICT, 2 * n, items);
}

/* NumPy's dot: '@' but for numbers, and for more than two axes on the right, where it pairs the
 * last axis with the last but one and multiplies all others out. */
static sc_value *dot(sc_args *a) {
  es_tensor *x = sc_arg_tensor(a, 0), *y = x ? sc_arg_tensor(a, 1) : NULL;
  if (!y) return NULL;
  if (es_rank(y) > 2)
    return sc_fail(a->s, ES_E_UNSUPPORTED, a->span,
                   "dot takes at most two axes on the right, found %d; einsum says which axes are "
                   "summed",
                   es_rank(y));
  bool number = !es_rank(x) || !es_rank(y);
  return sc_binary(a->s, number ? SC_T_STAR : SC_T_AT, a->value[0], a->value[1], a->span);
}

#define EINOPS (SC_IN_BARE | SC_IN_EINOPS)

const sc_function sc_functions_notation[] = {
    {"einsum", SC_IN_EINOPS, "operands* " EINSUM_OPTIONS " **", einsum, ES_READ_NAMES,
     "einops.einsum(x, w, 'b c h w, o c -> b o h w'): the pattern reads names."},
    {"einsum", SC_IN_BARE | SC_IN_ARRAYS, "operands* " EINSUM_OPTIONS " **", einsum, ES_READ_AUTO,
     "einsum('b c (h+kh) (w+kw), o c kh kw -> b o h w', x, w): the pattern comes first or last; "
     "other keywords give sizes of axes."},
    {"rearrange", EINOPS, "x|tensor pattern **", rearrange, REARRANGE,
     "rearrange(x, 'b (g c) h w -> b g c h w', g=2): axes split, merged and reordered; a view "
     "where strides allow."},
    {"reduce", EINOPS, "x|tensor pattern reduction? **", reduce, 0,
     "reduce(x, 'b c h w -> b c', 'mean'): the axes that are missing right are reduced."},
    {"repeat", EINOPS | SC_IN_NUMPY | SC_IN_JAX, "x|tensor pattern|repeats axis? **", repeat,
     REPEAT, "repeat(x, 'h w -> h w c', c=3) makes new axes; repeat(x, 2, axis=0) is NumPy's."},
    {"dot", SC_IN_METHOD | SC_IN_NUMPY | SC_IN_JAX | SC_IN_MXNET, "a|x b|other", dot, 0,
     "NumPy's: of vectors the inner product, of matrices their product, as a @ b."},
    {"pack", EINOPS, "tensors pattern", pack, 0,
     "packed, shapes = pack([x, y], 'b * c'): tensors put side by side along one axis."},
    {"unpack", EINOPS, "x|tensor shapes|packed_shapes pattern", unpack, 0,
     "unpack(packed, shapes, 'b * c') undoes pack."},
    {"parse_shape", EINOPS, "x|tensor pattern", parse_shape, 0,
     "parse_shape(x, 'b c _ _'): a dict of the sizes named."},
    {NULL, 0, NULL, NULL, 0, NULL}};
