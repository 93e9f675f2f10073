/* Calls as C. The letters of a format, in the order of the arguments:
 *   t tensor  I tensors, count  d dtype  i int  l int64_t  f double  o bool  s text
 *   S rank, shape  P axes of the tensor before  A axes, count  E dtype, rank, shape, data
 *   u unary  b binary  r reducer  z sizes  O options, out  V layer, values */
#include "repl/language/trace.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "repl/text/number.h"

sc_trace *sc_trace_on;

void sc_trace_fail(sc_trace *trace, const char *message) {
  if (trace->failed) return;
  trace->failed = true;
  snprintf(trace->message, sizeof trace->message, "%s", message);
}

const char *sc_trace_name(sc_trace *trace, const es_tensor *t) {
  for (size_t i = trace->n; i-- > 0;)
    if (trace->made[i].tensor == t) return trace->made[i].name;
  sc_trace_fail(trace, "it reads a tensor whose making has no C form here");
  return NULL;
}

/* ---- arguments ------------------------------------------------------------------------ */

static void put_int(sc_buffer *out, int64_t v) {
  if (v == ES_ALL)
    sc_puts(out, "ES_ALL");
  else
    sc_printf(out, "%lld", (long long)v);
}

static void put_ints(sc_buffer *out, int64_t n, const int64_t *v) {
  sc_puts(out, "(const int64_t[]){");
  for (int64_t i = 0; i < n; i++) {
    if (i) sc_puts(out, ", ");
    put_int(out, v[i]);
  }
  sc_puts(out, n ? "}" : "0}");
}

static void put_shape(sc_buffer *out, int rank, const int64_t *shape) {
  if (!rank) {
    sc_puts(out, "0, NULL");
    return;
  }
  sc_puts(out, "ES_SHAPE(");
  for (int i = 0; i < rank; i++) sc_printf(out, i ? ", %lld" : "%lld", (long long)shape[i]);
  sc_puts(out, ")");
}

static void put_axes(sc_buffer *out, int n, const int *axes) {
  if (!axes) {
    sc_puts(out, "NULL");
    return;
  }
  sc_puts(out, "(const int[]){");
  for (int i = 0; i < n; i++) sc_printf(out, i ? ", %d" : "%d", axes[i]);
  sc_puts(out, n ? "}" : "0}");
}

static void put_double(sc_buffer *out, double v) {
  char text[SC_NUMBER_BYTES];
  sc_number_repr(v, ES_F64, text);
  sc_puts(out, isnan(v) ? "(double)NAN" : !isinf(v) ? text : v < 0 ? "-INFINITY" : "INFINITY");
}

void sc_put_c_string(sc_buffer *out, const char *text, size_t len) {
  sc_puts(out, "\"");
  for (const char *p = text; p < text + len; p++)
    if (*p == '"' || *p == '\\')
      sc_printf(out, "\\%c", *p);
    else if (*p == '?') /* no trigraphs */
      sc_puts(out, "\\?");
    else if (*p == '\n' || *p == '\t')
      sc_puts(out, *p == '\n' ? "\\n" : "\\t");
    else if ((unsigned char)*p < 0x20 || *p == 0x7f)
      sc_printf(out, "\\%03o", (unsigned)(unsigned char)*p);
    else
      sc_put(out, p, 1);
  sc_puts(out, "\"");
}

static void put_text(sc_buffer *out, const char *text) { sc_put_c_string(out, text, strlen(text)); }

static void put_dtype(sc_buffer *out, es_dtype dtype) {
  static const char *const names[ES_DTYPE_COUNT] = {
#define NAME(name, value, text, bytes) "ES_" #name,
      ES_DTYPE_LIST(NAME)
#undef NAME
  };
  sc_puts(out, dtype == ES_DTYPE_AUTO ? "ES_DTYPE_AUTO" : names[dtype]);
}

static void put_operator(sc_buffer *out, bool unary, int op) {
#define NAME(name, text) "ES_" #name,
  static const char *const one[] = {ES_UNARY_LIST(NAME)}, *const two[] = {ES_BINARY_LIST(NAME)};
#undef NAME
  sc_puts(out, unary ? one[op] : two[op]);
}

static void put_reducer(sc_buffer *out, es_reducer r) {
  static const char *const names[ES_REDUCER_COUNT] = {"NONE", "SUM", "PROD", "MAX",      "MIN",
                                                      "MEAN", "ANY", "ALL",  "LOGSUMEXP"};
  sc_printf(out, "ES_REDUCE_%s", names[r]);
}

static void put_tensor(sc_trace *trace, sc_buffer *out, const es_tensor *t) {
  const char *name = t ? sc_trace_name(trace, t) : "NULL";
  sc_puts(out, name ? name : "?");
}

static void put_tensors(sc_trace *trace, sc_buffer *out, es_tensor *const *in, int64_t n) {
  sc_puts(out, n ? "ES_IN(" : "NULL, 0");
  for (int64_t i = 0; i < n; i++) {
    if (i) sc_puts(out, ", ");
    put_tensor(trace, out, in[i]);
  }
  if (n) sc_puts(out, ")");
}

static void put_sizes(sc_buffer *out, const es_axis_size *sizes) {
  if (!sizes || !sizes->name) {
    sc_puts(out, "NULL");
    return;
  }
  sc_puts(out, "ES_SIZES(");
  for (int i = 0; sizes[i].name; i++)
    sc_printf(out, "%s{\"%s\", %lld}", i ? ", " : "", sizes[i].name, (long long)sizes[i].size);
  sc_puts(out, ")");
}

static void put_options(sc_buffer *out, const es_options *o) {
  static const char *const readings[] = {"AUTO", "LETTERS", "NAMES"};
  static const char *const broadcasts[] = {"AUTO", "STRICT", "STRETCH"};
  sc_puts(out, "&(es_options){.sizes = ");
  put_sizes(out, o->sizes);
  if (o->reading) sc_printf(out, ", .reading = ES_READ_%s", readings[o->reading]);
  if (o->broadcast) sc_printf(out, ", .broadcast = ES_BROADCAST_%s", broadcasts[o->broadcast]);
  if (o->reducer) {
    sc_puts(out, ", .reducer = ");
    put_reducer(out, o->reducer);
  }
  if (o->out_shape) {
    sc_puts(out, ", .out_shape = ");
    put_ints(out, o->out_rank, o->out_shape);
    sc_printf(out, ", .out_rank = %d", o->out_rank);
  }
  if (o->has_out_dtype) {
    sc_puts(out, ", .has_out_dtype = true, .out_dtype = ");
    put_dtype(out, o->out_dtype);
  }
  if (o->wrap) sc_puts(out, ", .wrap = true");
  if (o->precise) sc_puts(out, ", .precise = true");
  if (o->strategy) {
    sc_puts(out, ", .strategy = ");
    put_text(out, o->strategy);
  }
  if (o->effort != 0) {
    sc_puts(out, ", .effort = ");
    put_double(out, o->effort);
  }
  if (o->order_seed) sc_printf(out, ", .order_seed = %llu", (unsigned long long)o->order_seed);
  sc_puts(out, "}, NULL");
}

static void put_value(sc_trace *trace, sc_buffer *out, const es_value *v) {
  static const char *const modes[] = {"NUMBERS", "SAME", "VALID"};
  switch (v->type) {
  case ES_PARAM_NONE: sc_puts(out, "{0}"); return;
  case ES_PARAM_TENSOR:
    sc_puts(out, "{.type = ES_PARAM_TENSOR, .tensor = ");
    put_tensor(trace, out, v->tensor);
    break;
  case ES_PARAM_INT: sc_printf(out, "{.type = ES_PARAM_INT, .i = %lld", (long long)v->i); break;
  case ES_PARAM_BOOL: sc_printf(out, "{.type = ES_PARAM_BOOL, .i = %lld", (long long)v->i); break;
  case ES_PARAM_FLOAT:
    sc_puts(out, "{.type = ES_PARAM_FLOAT, .f = ");
    put_double(out, v->f);
    break;
  case ES_PARAM_TEXT:
    sc_puts(out, "{.type = ES_PARAM_TEXT, .text = ");
    put_text(out, v->text);
    break;
  case ES_PARAM_INTS:
  case ES_PARAM_PADDING:
    sc_printf(out, "{.type = ES_PARAM_%s, .n = %d", v->type == ES_PARAM_INTS ? "INTS" : "PADDING",
              v->n);
    if (v->mode) sc_printf(out, ", .mode = ES_PAD_%s", modes[v->mode]);
    if (v->ints) sc_puts(out, ", .ints = "), put_ints(out, v->n, v->ints);
    if (v->high) sc_puts(out, ", .high = "), put_ints(out, v->n, v->high);
    break;
  }
  sc_puts(out, "}");
}

static void put_layer(sc_trace *trace, sc_buffer *out, const es_op *op, const es_value *values) {
  sc_printf(out, "es_op_find(\"%s\"), (const es_value[]){", op->name);
  for (int i = 0; i < op->n_params; i++) {
    if (i) sc_puts(out, ", ");
    put_value(trace, out, &values[i]);
  }
  sc_puts(out, "}");
}

static void put_data(sc_trace *trace, sc_buffer *out, es_dtype dtype, int rank,
                     const int64_t *shape, const void *data) {
  enum { MOST = 10000 };
  int64_t n = 1;
  for (int i = 0; i < rank; i++) n = n <= MOST ? n * shape[i] : n;
  if (n > MOST || (dtype != ES_I64 && dtype != ES_F64)) {
    sc_trace_fail(trace, "its numbers are too many to be written out; load them from a file");
    return;
  }
  put_dtype(out, dtype);
  sc_puts(out, ", ");
  put_shape(out, rank, shape);
  sc_puts(out, dtype == ES_I64 ? ", (const int64_t[]){" : ", (const double[]){");
  for (int64_t i = 0; i < n; i++) {
    if (i) sc_puts(out, ", ");
    if (dtype == ES_I64)
      sc_printf(out, "INT64_C(%lld)", (long long)((const int64_t *)data)[i]);
    else
      put_double(out, ((const double *)data)[i]);
  }
  sc_puts(out, n ? "}" : "0}");
}

/* ---- calls -------------------------------------------------------------------------------- */

static void put_argument(sc_trace *trace, sc_buffer *out, char letter, va_list *args,
                         const es_tensor **last) {
  switch (letter) {
  case 't': put_tensor(trace, out, *last = va_arg(*args, const es_tensor *)); break;
  case 'i': {
    int v = va_arg(*args, int);
    if (v == ES_NO_AXIS)
      sc_puts(out, "ES_NO_AXIS");
    else
      sc_printf(out, "%d", v);
    break;
  }
  case 'l': put_int(out, va_arg(*args, int64_t)); break;
  case 'f': put_double(out, va_arg(*args, double)); break;
  case 'o': sc_puts(out, va_arg(*args, int) ? "true" : "false"); break;
  case 's': put_text(out, va_arg(*args, const char *)); break;
  case 'd': put_dtype(out, (es_dtype)va_arg(*args, int)); break;
  case 'u': put_operator(out, true, va_arg(*args, int)); break;
  case 'b': put_operator(out, false, va_arg(*args, int)); break;
  case 'r': put_reducer(out, (es_reducer)va_arg(*args, int)); break;
  case 'z': put_sizes(out, va_arg(*args, const es_axis_size *)); break;
  case 'O': put_options(out, va_arg(*args, const es_options *)); break;
  case 'P': put_axes(out, es_rank(*last), va_arg(*args, const int *)); break;
  case 'S': {
    int rank = va_arg(*args, int);
    put_shape(out, rank, va_arg(*args, const int64_t *));
    break;
  }
  case 'A': {
    const int *axes = va_arg(*args, const int *);
    int n = va_arg(*args, int);
    put_axes(out, n, axes);
    sc_printf(out, ", %d", axes ? n : 0);
    break;
  }
  case 'I': {
    es_tensor *const *in = va_arg(*args, es_tensor *const *);
    put_tensors(trace, out, in, va_arg(*args, int64_t));
    break;
  }
  case 'E': {
    es_dtype dtype = (es_dtype)va_arg(*args, int);
    int rank = va_arg(*args, int);
    const int64_t *shape = va_arg(*args, const int64_t *);
    put_data(trace, out, dtype, rank, shape, va_arg(*args, const void *));
    break;
  }
  case 'V': {
    const es_op *op = va_arg(*args, const es_op *);
    put_layer(trace, out, op, va_arg(*args, const es_value *));
    break;
  }
  default: break;
  }
}

void sc_trace_call(es_tensor *made, const char *function, const char *format, es_ctx *es, ...) {
  sc_trace *trace = sc_trace_on;
  const es_tensor *last = NULL;
  sc_buffer name = {0};
  va_list args;
  (void)es;
  if (!made) return;
  sc_printf(&name, "t%d", ++trace->temporaries);
  sc_printf(&trace->lines, "  es_tensor *%s = %s(es", name.bytes, function);
  va_start(args, es);
  for (const char *p = format; *p; p++) {
    sc_puts(&trace->lines, ", ");
    put_argument(trace, &trace->lines, *p, &args, &last);
  }
  va_end(args);
  sc_puts(&trace->lines, ");\n");
  if (trace->n == trace->cap) {
    trace->cap = trace->cap ? 2 * trace->cap : 64;
    trace->made = sc_grow(trace->made, trace->cap * sizeof *trace->made);
  }
  trace->made[trace->n++] = (struct sc_traced){es_retain(made), name.bytes};
}

void sc_trace_print(sc_trace *trace, const char *text, size_t len) {
  if (!len) return;
  sc_puts(&trace->lines, "  fputs(");
  sc_put_c_string(&trace->lines, text, len);
  sc_puts(&trace->lines, ", stdout);\n");
}

void sc_trace_show(sc_trace *trace, const es_tensor *t) {
  const char *name = sc_trace_name(trace, t);
  if (name) sc_printf(&trace->lines, "  show(es, %s);\n", name);
}

void sc_trace_seed(sc_trace *trace, uint64_t seed) {
  sc_printf(&trace->lines, "  es_set_seed(es, %lluu);\n", (unsigned long long)seed);
}

void sc_trace_assign(sc_trace *trace, const es_tensor *to, const es_tensor *from) {
  const char *left = sc_trace_name(trace, to), *right = sc_trace_name(trace, from);
  if (left && right) sc_printf(&trace->lines, "  es_assign(es, %s, %s);\n", left, right);
}

bool sc_trace_plain(const es_options *o) {
  return !o->reading && !o->broadcast && !o->reducer && !o->out_shape && !o->has_out_dtype &&
         !o->wrap && !o->precise && !o->strategy && o->effort == 0 && !o->order_seed;
}

void sc_trace_lose(sc_trace *trace, const es_tensor *t) {
  for (size_t i = 0; i < trace->n; i++) {
    if (trace->made[i].tensor != t) continue;
    es_release(trace->made[i].tensor);
    trace->made[i].tensor = NULL;
  }
}

void sc_trace_forget(sc_trace *trace, size_t n) {
  while (trace->n > n) {
    struct sc_traced *last = &trace->made[--trace->n];
    es_release(last->tensor);
    free(last->name);
  }
}
