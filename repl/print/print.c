#include "repl/print/print.h"

#include <string.h>

#include "repl/language/functions.h"
#include "repl/language/variables.h"
#include "repl/print/print_elements.h"
#include "repl/text/number.h"

static const sc_style styles[] = {
    [SC_PLAIN] = {"", "", false, false, false, false, "⋯"},
    [SC_NUMPY] = {"array(", ")", true, true, false, false, "..."},
    [SC_JAX] = {"DeviceArray(", ")", true, true, false, false, "..."},
    [SC_TORCH] = {"tensor(", ")", true, true, false, true, "..."},
    [SC_MXNET] = {"\n", "", false, false, true, false, "..."},
};

static const char *numpy_name(es_dtype dtype) {
  static const char *const names[ES_DTYPE_COUNT] = {
      "bool",    "uint8",    "int8",    "int16",   "int32",     "int64",
      "float16", "bfloat16", "float32", "float64", "complex64", "complex128"};
  return names[dtype];
}

/* Types that the library's repr leaves unsaid. */
static bool usual(sc_flavour flavour, es_dtype dtype) {
  if (flavour == SC_JAX) return false;
  return dtype == ES_BOOL || dtype == ES_I64 || dtype == (flavour == SC_TORCH ? ES_F32 : ES_F64);
}

void sc_print_tensor(sc_buffer *out, const sc_session *s, const sc_value *v, bool repr) {
  sc_style style = styles[v->flavour];
  es_tensor *t = v->tensor;
  bool wrapped = repr || v->flavour == SC_TORCH || v->flavour == SC_MXNET;
  if (!wrapped) { /* print(x) of NumPy and JAX: the brackets alone */
    style.open = style.close = "";
    style.comma = style.names_dtype = false;
  }
  sc_puts(out, style.open);
  size_t indent = v->flavour == SC_MXNET ? 0 : strlen(style.open);
  sc_print_elements(out, s, t, &style, indent);
  if (wrapped && v->flavour == SC_MXNET) {
    sc_puts(out, "\n<NDArray ");
    for (int i = 0; i < es_rank(t); i++)
      sc_printf(out, i ? "x%lld" : "%lld", (long long)es_shape(t)[i]);
    sc_puts(out, " @cpu(0)>");
  }
  if (style.names_dtype && !usual(v->flavour, es_dtype_of(t)))
    sc_printf(out, ", dtype=%s%s", v->flavour == SC_TORCH ? "torch." : "",
              numpy_name(es_dtype_of(t)));
  sc_puts(out, style.close);
}

/* ---- Python's text of other values --------------------------------------------------- */

static void print_string(sc_buffer *out, const sc_value *v) {
  char quote = memchr(v->text, '\'', v->len) && !memchr(v->text, '"', v->len) ? '"' : '\'';
  sc_put(out, &quote, 1);
  for (size_t i = 0; i < v->len; i++) {
    char c = v->text[i];
    if (c == '\n')
      sc_puts(out, "\\n");
    else if (c == '\t')
      sc_puts(out, "\\t");
    else if (c == '\r')
      sc_puts(out, "\\r");
    else if (c == '\\' || c == quote)
      sc_printf(out, "\\%c", c);
    else if ((unsigned char)c < 0x20 || c == 0x7f)
      sc_printf(out, "\\x%02x", (unsigned char)c);
    else if (c == '\xc2' && i + 1 < v->len && (unsigned char)v->text[i + 1] < 0xa0)
      sc_printf(out, "\\x%02x", (unsigned char)v->text[++i]); /* U+0080 to U+009F: controls */
    else
      sc_put(out, &c, 1);
  }
  sc_put(out, &quote, 1);
}

static void print_items(sc_buffer *out, const sc_session *s, const sc_value *v) {
  const char *brackets = v->kind == SC_TUPLE ? "()" : v->kind == SC_DICT ? "{}" : "[]";
  sc_put(out, brackets, 1);
  for (int64_t i = 0; i < v->n; i++) {
    bool value = v->kind == SC_DICT && i % 2;
    if (i) sc_puts(out, value ? ": " : ", ");
    sc_print_value(out, s, v->items[i], true);
  }
  if (v->kind == SC_TUPLE && v->n == 1) sc_puts(out, ",");
  sc_put(out, brackets + 1, 1);
}

/* Recursion is bounded by the depth of values. */
void sc_print_value(sc_buffer *out, const sc_session *s, const sc_value *v, bool quoted) {
  char number[SC_NUMBER_BYTES];
  switch (v->kind) {
  case SC_NONE: sc_puts(out, "None"); break;
  case SC_BOOL: sc_puts(out, v->i ? "True" : "False"); break;
  case SC_INT: sc_printf(out, "%lld", (long long)v->i); break;
  case SC_FLOAT:
    sc_number_repr(v->f, ES_F64, number);
    sc_puts(out, number);
    break;
  case SC_STRING:
    if (quoted)
      print_string(out, v);
    else
      sc_put(out, v->text, v->len);
    break;
  case SC_ELLIPSIS: sc_puts(out, "Ellipsis"); break;
  case SC_SLICE:
    sc_puts(out, "slice");
    print_items(out, s, v);
    break;
  case SC_TUPLE:
  case SC_LIST:
  case SC_DICT: print_items(out, s, v); break;
  case SC_DTYPE: sc_puts(out, es_dtype_name(v->dtype)); break;
  case SC_TENSOR: sc_print_tensor(out, s, v, quoted); break;
  case SC_SPACE: sc_printf(out, "<name space %s>", v->space->path); break;
  case SC_FUNCTION:
  case SC_PARTIAL:
    sc_printf(out, "<%s %s>", v->kind == SC_FUNCTION ? "function" : "layer",
              v->function ? v->function->name : v->op->name);
    break;
  }
}

/* ---- the line of facts ---------------------------------------------------------------- */

static bool statistic(const sc_session *s, es_tensor *t, es_reducer r, double *out) {
  es_tensor *one = es_reduce_axes(s->es, r, t, NULL, 0, false);
  if (one && es_read(s->es, one, ES_F64, out, 1) == ES_OK) return true;
  es_clear_error(s->es);
  return false;
}

void sc_put_bytes(sc_buffer *out, double bytes) {
  static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  size_t unit = 0;
  for (; bytes >= 1024 && unit + 1 < sizeof units / sizeof *units; unit++) bytes /= 1024;
  sc_printf(out, "%.4g %s", bytes, units[unit]);
}

void sc_put_type(sc_buffer *out, const sc_palette *palette, const sc_value *v) {
  const char *name = v->axes ? v->axes : "";
  sc_printf(out, "%s[", es_dtype_name(es_dtype_of(v->tensor)));
  for (int i = 0; i < es_rank(v->tensor); i++) {
    size_t len = strcspn(name, "\t");
    if (i) sc_puts(out, " ");
    if (len) sc_put_label(out, palette, name, len);
    sc_printf(out, len ? ":%lld" : "%lld", (long long)es_shape(v->tensor)[i]);
    name += len + (name[len] != '\0');
  }
  sc_puts(out, "]");
}

static void put_fact(sc_buffer *out, const char *name, double value, bool whole) {
  sc_printf(out, "  %s ", name);
  if (value != value) /* its sign says nothing */
    sc_puts(out, "nan");
  else
    sc_printf(out, whole ? "%.0f" : "%.6g", value);
}

static void put_facts(sc_buffer *out, const sc_session *s, const sc_value *v) {
  es_tensor *t = v->tensor;
  es_dtype dtype = es_dtype_of(t);
  double low, mean, high;
  sc_put_type(out, s->color ? &s->palette : NULL, v);
  if (!es_rank(t)) return;
  if (es_size(t) && dtype != ES_BOOL && dtype < ES_C64 && statistic(s, t, ES_REDUCE_MIN, &low) &&
      statistic(s, t, ES_REDUCE_MEAN, &mean) && statistic(s, t, ES_REDUCE_MAX, &high)) {
    put_fact(out, "min", low, dtype <= ES_I64);
    put_fact(out, "mean", mean, false);
    put_fact(out, "max", high, dtype <= ES_I64);
  }
  sc_puts(out, "  ");
  sc_put_bytes(out, (double)es_size(t) * (double)es_dtype_size(dtype));
  if (sc_is_view(s, v)) sc_puts(out, " view");
}

static bool holds_tensor(const sc_value *v) {
  for (int64_t i = 0; (sc_is_sequence(v) || v->kind == SC_DICT) && i < v->n; i++)
    if (v->items[i]->kind == SC_TENSOR) return true;
  return false;
}

static void put_brief(sc_buffer *out, const sc_session *s, const sc_value *v, int depth) {
  if (v->kind == SC_TENSOR) {
    sc_put_type(out, NULL, v);
  } else if (sc_is_sequence(v) && v->n && depth < 2) {
    enum { MOST = 6 };
    sc_puts(out, v->kind == SC_TUPLE ? "(" : "[");
    for (int64_t i = 0; i < v->n && i <= MOST; i++) {
      if (i) sc_puts(out, ", ");
      if (i == MOST)
        sc_puts(out, "⋯");
      else
        put_brief(out, s, v->items[i], depth + 1);
    }
    sc_puts(out, v->kind == SC_TUPLE ? v->n == 1 ? ",)" : ")" : "]");
  } else if (v->kind == SC_DICT) {
    enum { MOST = 16 };
    sc_puts(out, "{");
    for (int64_t i = 0; i < v->n && i <= 2 * MOST; i += 2) {
      if (i) sc_puts(out, ", ");
      if (i < 2 * MOST) sc_print_value(out, s, v->items[i], true);
      sc_puts(out, i < 2 * MOST ? ": " : "⋯");
      if (i < 2 * MOST) put_brief(out, s, v->items[i + 1], depth + 1);
    }
    sc_puts(out, "}");
  } else {
    sc_print_value(out, s, v, true);
  }
}

void sc_put_brief(sc_buffer *out, const sc_session *s, const sc_value *v) {
  put_brief(out, s, v, 0);
}

void sc_show(sc_buffer *out, sc_session *s, const sc_value *v) {
  if (v->kind == SC_NONE) return;
  if (v->kind == SC_DICT && holds_tensor(v)) { /* an archive: what is in it */
    sc_put_brief(out, s, v);
    sc_puts(out, "\n");
    return;
  }
  if (holds_tensor(v)) { /* several results: each as if it stood alone */
    for (int64_t i = 0; i < v->n; i++) sc_show(out, s, v->items[i]);
    return;
  }
  if (v->kind == SC_TENSOR) {
    put_facts(out, s, v);
    sc_puts(out, es_rank(v->tensor) ? "\n" : "  ");
    sc_value plain = *v;
    if (!es_rank(v->tensor)) plain.flavour = SC_PLAIN;
    sc_print_tensor(out, s, &plain, true);
  } else { /* a text of several lines is meant to be read as such */
    bool lines = v->kind == SC_STRING && memchr(v->text, '\n', v->len);
    sc_print_value(out, s, v, !lines);
  }
  if (!out->len || out->bytes[out->len - 1] != '\n') sc_puts(out, "\n");
}
