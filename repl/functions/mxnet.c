/* MXNet's convolution: nd.Convolution over data, mx.sym.Convolution over shapes. */
#include <stdio.h>
#include <string.h>

#include "repl/functions/plan.h"
#include "repl/functions/tables.h"
#include "repl/language/functions.h"

enum { DATA, WEIGHT, BIAS, KERNEL, NUM_FILTER, NUM_GROUP, STRIDE, DILATE, PAD };
#define WINDOW_PARAMS                                                                              \
  "kernel num_filter num_group? stride? dilate? pad? no_bias? layout? workspace? name?"

/* What both forms share, read and checked. */
typedef struct convolution {
  int axes; /* spatial: 1, 2 or 3 */
  int64_t kernel[ES_MAX_RANK], stride[ES_MAX_RANK], dilate[ES_MAX_RANK], pad[ES_MAX_RANK];
  int64_t filters, groups;
} convolution;

static bool per_axis(sc_args *a, int i, int axes, int64_t otherwise, int64_t *out) {
  int n = 0;
  if (a->value[i] && !sc_arg_sizes(a, i, out, &n)) return false;
  if (a->value[i] && n != axes && n != 1) {
    sc_fail(a->s, ES_E_COUNT, a->at[i], "expected %d numbers, one a kernel axis, found %d", axes,
            n);
    return false;
  }
  for (int k = n; k < axes; k++) out[k] = n ? out[0] : otherwise;
  return true;
}

static bool read_window(sc_args *a, convolution *c) {
  if (!sc_arg_sizes(a, KERNEL, c->kernel, &c->axes) || !sc_arg_int(a, NUM_FILTER, 0, &c->filters) ||
      !sc_arg_int(a, NUM_GROUP, 1, &c->groups))
    return false;
  if (c->axes < 1 || c->axes > 3) {
    sc_fail(a->s, ES_E_RANK, a->at[KERNEL], "kernel has %d axes; 1, 2 and 3 are possible", c->axes);
    return false;
  }
  if (c->groups < 1 || c->filters < 1 || c->filters % c->groups) {
    sc_fail(a->s, ES_E_VALUE, a->span,
            "num_filter = %lld is not a positive multiple of num_group = "
            "%lld",
            (long long)c->filters, (long long)c->groups);
    return false;
  }
  return per_axis(a, STRIDE, c->axes, 1, c->stride) && per_axis(a, DILATE, c->axes, 1, c->dilate) &&
         per_axis(a, PAD, c->axes, 0, c->pad);
}

/* input_channels = num_group * weight_channels, and the rest of weight's shape. */
static bool check_weight(sc_args *a, const convolution *c, const es_tensor *x, const es_tensor *w) {
  int rank = c->axes + 2;
  if (es_rank(x) != rank || es_rank(w) != rank) {
    sc_fail(a->s, ES_E_RANK, a->span,
            "a kernel with %d axes needs data and weight with %d axes, "
            "found %d and %d",
            c->axes, rank, es_rank(x), es_rank(w));
    return false;
  }
  const int64_t *xs = es_shape(x), *ws = es_shape(w);
  if (xs[1] != c->groups * ws[1]) {
    sc_fail(a->s, ES_E_EXTENT, a->span,
            "input_channels = num_group * weight_channels must hold: "
            "data has %lld channels, num_group * weight_channels is %lld * %lld = %lld",
            (long long)xs[1], (long long)c->groups, (long long)ws[1],
            (long long)(c->groups * ws[1]));
    return false;
  }
  if (ws[0] != c->filters) {
    sc_fail(a->s, ES_E_EXTENT, a->at[NUM_FILTER], "num_filter is %lld, but weight has %lld filters",
            (long long)c->filters, (long long)ws[0]);
    return false;
  }
  for (int i = 0; i < c->axes; i++)
    if (ws[2 + i] != c->kernel[i]) {
      sc_fail(a->s, ES_E_EXTENT, a->at[KERNEL],
              "kernel is %lld long on axis %d, but weight has %lld "
              "there",
              (long long)c->kernel[i], i, (long long)ws[2 + i]);
      return false;
    }
  return true;
}

static sc_value *convolve(sc_args *a) {
  convolution c;
  es_tensor *x = sc_arg_tensor(a, DATA), *w = x ? sc_arg_tensor(a, WEIGHT) : NULL, *bias = NULL;
  if (!w || (a->value[BIAS] && !(bias = sc_arg_tensor(a, BIAS)))) return NULL;
  if (!read_window(a, &c) || !check_weight(a, &c, x, w)) return NULL;
  const es_value values[] = {{.type = ES_PARAM_TENSOR, .tensor = x},
                             {.type = ES_PARAM_TENSOR, .tensor = w},
                             {.type = bias ? ES_PARAM_TENSOR : ES_PARAM_NONE, .tensor = bias},
                             {.type = ES_PARAM_INTS, .n = c.axes, .ints = c.stride},
                             {.type = ES_PARAM_PADDING, .n = c.axes, .ints = c.pad},
                             {.type = ES_PARAM_INTS, .n = c.axes, .ints = c.dilate},
                             {.type = ES_PARAM_INT, .i = c.groups}};
  static const char *const layers[] = {"conv1d", "conv2d", "conv3d"};
  return sc_return(a, es_op_call(a->s->es, es_op_find(layers[c.axes - 1]), values));
}

/* ---- symbols: shapes without data ---------------------------------------------- */

/* A symbol keeps its keywords; its name is among them. */
static sc_value *symbol(sc_args *a) {
  const sc_call *call = a->call;
  sc_value **pairs = sc_scratch(a->s, (size_t)call->n_named * 2 * sizeof *pairs);
  for (int64_t i = 0; i < call->n_named; i++) {
    pairs[2 * i] = sc_string(a->s, call->names[i], strlen(call->names[i]));
    pairs[2 * i + 1] = call->named[i];
  }
  sc_value *keywords = sc_sequence(a->s, SC_DICT, 2 * call->n_named, pairs);
  sc_value *bound = sc_sequence(a->s, SC_TUPLE, 0, NULL);
  if (!keywords || !bound) return NULL;
  sc_value *v = sc_plain(a->s, SC_PARTIAL);
  v->function = a->function;
  v->flavour = SC_MXNET;
  v->depth = keywords->depth + 1;
  v->bound = sc_value_retain(bound);
  v->keywords = sc_value_retain(keywords);
  return v;
}

static const char *symbol_name(const sc_value *symbol) {
  const sc_value *name = sc_dict_get(symbol->keywords, "name");
  return name && name->kind == SC_STRING ? name->text : "convolution0";
}

static bool is_convolution(const sc_value *v) {
  return v->function && !strcmp(v->function->name, "Convolution");
}

static sc_value *name_list(sc_args *a, int n, const char *const *suffixes) {
  sc_value *items[3];
  const sc_value *v = a->value[0];
  for (int i = 0; i < n; i++) {
    char name[160];
    snprintf(name, sizeof name, "%.120s%s", i == 0 && n == 3 ? "data" : symbol_name(v),
             suffixes[i]);
    items[i] = sc_string(a->s, name, strlen(name));
  }
  return sc_sequence(a->s, SC_LIST, n, items);
}

static sc_value *list_arguments(sc_args *a) {
  if (!is_convolution(a->value[0])) return name_list(a, 1, (const char *const[]){""});
  return name_list(a, 3, (const char *const[]){"", "_weight", "_bias"});
}

static sc_value *list_outputs(sc_args *a) {
  return name_list(a, 1, (const char *const[]){is_convolution(a->value[0]) ? "_output" : ""});
}

/* The pattern of a convolution over c->axes axes. */
static void write_pattern(int axes, char *text, size_t cap) {
  size_t n = (size_t)snprintf(text, cap, "b (g c)");
  for (int i = 0; i < axes; i++)
    n += (size_t)snprintf(text + n, cap - n, " (s%d*o%d+d%d*k%d-p%d)?0", i, i, i, i, i);
  n += (size_t)snprintf(text + n, cap - n, ", (g o) c");
  for (int i = 0; i < axes; i++) n += (size_t)snprintf(text + n, cap - n, " k%d", i);
  n += (size_t)snprintf(text + n, cap - n, " -> b (g o)");
  for (int i = 0; i < axes; i++) n += (size_t)snprintf(text + n, cap - n, " o%d", i);
}

/* The output's shape by planning alone. */
static sc_value *planned_shape(sc_args *a, const convolution *c, const int64_t *data,
                               const int64_t *weight) {
  char text[256], names[9][16];
  es_axis_size sizes[11] = {{"g", c->groups}};
  int n = 1;
  write_pattern(c->axes, text, sizeof text);
  for (int i = 0; i < c->axes; i++) {
    const int64_t values[3] = {c->stride[i], c->dilate[i], c->pad[i]};
    for (int k = 0; k < 3; k++, n++) {
      snprintf(names[n - 1], sizeof names[0], "%c%d", "sdp"[k], i);
      sizes[n] = (es_axis_size){names[n - 1], values[k]};
    }
  }
  es_array in[2] = {{NULL, ES_F32, c->axes + 2, data, NULL},
                    {NULL, ES_F32, c->axes + 2, weight, NULL}};
  sc_question q = {.text = text, .in = in, .n = 2, .sizes = sizes, .n_sizes = n};
  es_plan *plan = sc_plan_make(a->s, a->span, &q);
  if (!plan) return NULL;
  sc_value *shape = sc_shape_tuple(a->s, es_plan_rank(plan), es_plan_shape(plan));
  es_plan_release(plan);
  return shape;
}

/* symbol.infer_shape(data=shape): (arguments, outputs, auxiliary states) */
static sc_value *infer_shape(sc_args *a) {
  sc_value *sym = a->value[0];
  int64_t data[ES_MAX_RANK], weight[ES_MAX_RANK] = {0};
  int rank;
  if (!is_convolution(sym))
    return sc_fail(a->s, ES_E_UNSUPPORTED, a->span, "shapes are inferred for mx.sym.Convolution");
  if (!sc_arg_sizes(a, 1, data, &rank)) return NULL;
  /* The symbol's keywords, bound to the parameters of nd.Convolution. */
  int64_t named = sym->keywords->n / 2;
  sc_call call = {.span = a->span, .n_named = named};
  call.names = sc_scratch(a->s, (size_t)named * sizeof *call.names);
  call.named = sc_scratch(a->s, (size_t)named * sizeof *call.named);
  call.named_spans = sc_scratch(a->s, (size_t)named * sizeof *call.named_spans);
  for (int64_t i = 0; i < named; i++) {
    call.names[i] = sym->keywords->items[2 * i]->text;
    call.named[i] = sym->keywords->items[2 * i + 1];
    call.named_spans[i] = a->span;
  }
  sc_args args = {.s = a->s, .function = sym->function, .call = &call, .span = a->span};
  convolution c;
  if (!sc_bind(&args, sym->function->params, "mx.sym.Convolution") || !read_window(&args, &c))
    return NULL;
  if (rank != c.axes + 2)
    return sc_fail(a->s, ES_E_RANK, a->at[1],
                   "a kernel with %d axes needs data with %d axes, found "
                   "%d",
                   c.axes, c.axes + 2, rank);
  if (data[1] % c.groups)
    return sc_fail(a->s, ES_E_EXTENT, a->span,
                   "input_channels = num_group * weight_channels cannot "
                   "hold: %lld channels are not a multiple of num_group = %lld",
                   (long long)data[1], (long long)c.groups);
  weight[0] = c.filters;
  weight[1] = data[1] / c.groups;
  for (int i = 0; i < c.axes; i++) weight[2 + i] = c.kernel[i];
  sc_value *out = planned_shape(a, &c, data, weight);
  if (!out) return NULL;
  sc_value *arguments[3] = {sc_shape_tuple(a->s, rank, data), sc_shape_tuple(a->s, rank, weight),
                            sc_shape_tuple(a->s, 1, &c.filters)};
  sc_value *lists[3] = {sc_sequence(a->s, SC_LIST, 3, arguments),
                        sc_sequence(a->s, SC_LIST, 1, &out), sc_sequence(a->s, SC_LIST, 0, NULL)};
  return sc_sequence(a->s, SC_TUPLE, 3, lists);
}

const sc_function sc_functions_mxnet[] = {
    {"Convolution", SC_IN_MXNET, "data weight bias? " WINDOW_PARAMS, convolve, 0,
     "MXNet's convolution; input_channels = num_group * weight_channels is checked."},
    {"Convolution", SC_IN_SYMBOL, "data? weight? bias? " WINDOW_PARAMS, symbol, 0,
     "A convolution without data; .infer_shape(data=(1, 6, 256, 256)) tells the shapes."},
    {"Variable", SC_IN_SYMBOL, "name", symbol, 0, "A named input."},
    {"infer_shape", SC_IN_PARTIAL, "symbol data", infer_shape, 0,
     "Shapes of (data, weight, bias), of the output, and of nothing else; by planning alone."},
    {"list_arguments", SC_IN_PARTIAL, "symbol", list_arguments, 0, "['data', 'conv_weight', …]."},
    {"list_outputs", SC_IN_PARTIAL, "symbol", list_outputs, 0, "['conv_output']."},
    {NULL, 0, NULL, NULL, 0, NULL}};
