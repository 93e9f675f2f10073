/* print, str and format. */
#include <string.h>

#include "repl/functions/tables.h"
#include "repl/language/functions.h"
#include "repl/print/print.h"

/* In a C program tensors are shown, each on a line of its own. */
static void trace_print(sc_args *a, const char *separator, const char *end) {
  sc_buffer text = {0};
  for (int64_t i = 0; i < a->n_rest; i++) {
    if (i) sc_puts(&text, separator);
    if (a->rest[i]->kind == SC_TENSOR) {
      sc_trace_print(sc_trace_on, sc_text(&text), text.len);
      text.len = 0;
      sc_trace_show(sc_trace_on, a->rest[i]->tensor);
    } else if (sc_holds_tensor(a->rest[i])) {
      sc_trace_fail(sc_trace_on, "it prints tensors inside of a tuple, a list or a dict");
    } else {
      sc_print_value(&text, a->s, a->rest[i], false);
    }
  }
  bool shown = a->n_rest && a->rest[a->n_rest - 1]->kind == SC_TENSOR && !strcmp(end, "\n");
  if (!shown) sc_puts(&text, end);
  sc_trace_print(sc_trace_on, sc_text(&text), text.len);
  sc_buffer_free(&text);
}

static sc_value *print(sc_args *a) {
  const char *separator, *end;
  sc_buffer text = {0};
  if (!sc_arg_text(a, 1, &separator) || !sc_arg_text(a, 2, &end)) return NULL;
  for (int64_t i = 0; i < a->n_rest; i++) {
    if (i) sc_puts(&text, separator ? separator : " ");
    sc_print_value(&text, a->s, a->rest[i], false);
  }
  sc_puts(&text, end ? end : "\n");
  if (sc_trace_on) trace_print(a, separator ? separator : " ", end ? end : "\n");
  if (!a->s->shapes_only) fwrite(sc_text(&text), 1, text.len, a->s->out);
  sc_buffer_free(&text);
  return sc_none(a->s);
}

static sc_value *str(sc_args *a) {
  sc_buffer text = {0};
  sc_print_value(&text, a->s, a->value[0], false);
  sc_value *v = sc_string(a->s, sc_text(&text), text.len);
  sc_buffer_free(&text);
  return v;
}

/* ---- '{} and {}'.format(a, b) ---------------------------------------------------------- */

/* Python's ">8.3f": where the value stands, in how many columns, with how many digits. */
typedef struct spec {
  char align, kind; /* kind: one of "defgs%", or 0 */
  bool zeros;
  int width, digits; /* digits -1: not given */
} spec;

static int read_count(const char **at, const char *end) {
  int n = 0;
  for (; *at < end && **at >= '0' && **at <= '9'; ++*at)
    if (n < 1000) n = 10 * n + (**at - '0');
  return n < 1000 ? n : 1000;
}

/* text: what stands between { and }. */
static bool read_spec(const char *text, size_t len, spec *out) {
  const char *end = text + len;
  *out = (spec){.digits = -1};
  if (len > 1 && *text == '!' && strchr("rs", text[1])) text += 2;
  if (text == end) return true;
  if (*text++ != ':') return false;
  if (text < end && strchr("<>^", *text)) out->align = *text++;
  out->zeros = text < end && *text == '0';
  out->width = read_count(&text, end);
  if (text < end && *text == '.') {
    text++;
    out->digits = read_count(&text, end);
    if (out->digits > 100) out->digits = 100;
  }
  if (text < end && strchr("defgs%", *text)) out->kind = *text++;
  return text == end;
}

/* The value without its padding; false after an error. */
static bool put_value(sc_args *a, sc_buffer *out, const spec *how, sc_value *v) {
  bool floats = how->kind && strchr("efg%", how->kind) != NULL;
  if (v->kind == SC_TENSOR && how->kind && es_size(v->tensor) == 1) {
    sc_call call = {.span = a->span};
    if (!(v = sc_method_call(a->s, v, "item", &call))) return false;
  }
  if ((floats && !sc_is_number(v)) || (how->kind == 'd' && v->kind != SC_INT && v->kind != SC_BOOL))
    return sc_fail(a->s, ES_E_DTYPE, a->span, "{:%c} formats %s, found %s", how->kind,
                   floats ? "a number" : "an integer", sc_kind_name(v->kind));
  int digits = how->digits < 0 ? 6 : how->digits;
  double number = sc_is_number(v) ? sc_as_double(v) : 0;
  bool general = how->kind == 'g' || (!how->kind && how->digits >= 0 && v->kind == SC_FLOAT);
  if (general)
    sc_printf(out, "%.*g", digits, number);
  else if (how->kind == 'e')
    sc_printf(out, "%.*e", digits, number);
  else if (floats)
    sc_printf(out, "%.*f", digits, how->kind == '%' ? 100 * number : number);
  else
    sc_print_value(out, a->s, v, false);
  if (how->kind == '%') sc_puts(out, "%");
  return true;
}

static bool put_formatted(sc_args *a, sc_buffer *out, const spec *how, sc_value *v) {
  sc_buffer word = {0};
  bool ok = put_value(a, &word, how, v), number = sc_is_number(v) || v->kind == SC_TENSOR;
  size_t columns = sc_columns(sc_text(&word), word.len), width = (size_t)how->width;
  size_t room = width > columns ? width - columns : 0;
  char align = how->align ? how->align : number && how->kind != 's' ? '>' : '<';
  size_t before = align == '>' ? room : align == '^' ? room / 2 : 0;
  size_t sign = how->zeros && word.len && *sc_text(&word) == '-';
  sc_put(out, sc_text(&word), sign);
  sc_fill(out, how->zeros && number ? '0' : ' ', before);
  sc_put(out, sc_text(&word) + sign, word.len - sign);
  sc_fill(out, ' ', room - before);
  sc_buffer_free(&word);
  return ok;
}

/* One {…} of a format; *at moves behind it. */
static bool put_field(sc_args *a, sc_buffer *out, size_t *at, int64_t *used) {
  const sc_value *v = a->value[0];
  const char *start = v->text + *at + 1, *close = memchr(start, '}', v->len - *at - 1);
  spec how;
  if (!close || !read_spec(start, (size_t)(close - start), &how)) {
    sc_fail(a->s, ES_E_UNSUPPORTED, a->span,
            "between { and } a width, digits and a kind may stand, such as {:8.3f}");
    return false;
  }
  if (*used == a->n_rest) {
    sc_fail(a->s, ES_E_COUNT, a->span, "there are more {} than values");
    return false;
  }
  *at = (size_t)(close - v->text) + 1;
  return put_formatted(a, out, &how, a->rest[(*used)++]);
}

static sc_value *format(sc_args *a) {
  const sc_value *v = a->value[0];
  sc_buffer text = {0};
  int64_t used = 0;
  bool ok = true;
  for (size_t i = 0; i < v->len && ok;) {
    bool sign = v->text[i] == '{' || v->text[i] == '}';
    bool twice = sign && i + 1 < v->len && v->text[i + 1] == v->text[i];
    if (v->text[i] == '{' && !twice) {
      ok = put_field(a, &text, &i, &used);
    } else {
      sc_put(&text, &v->text[i], 1);
      i += twice ? 2 : 1;
    }
  }
  sc_value *made = ok ? sc_string(a->s, sc_text(&text), text.len) : NULL;
  sc_buffer_free(&text);
  return made;
}

const sc_function sc_functions_text[] = {
    {"print", SC_IN_BARE, "values* sep? end?", print, 0,
     "Writes its values; tensors as NumPy does."},
    {"str", SC_IN_BARE, "x", str, 0, "The text that print writes."},
    {"format", SC_IN_TEXT, "text values*", format, 0,
     "'{} {:.3f}'.format(a, b), or f'{a} {b:.3f}'."},
    {NULL, 0, NULL, NULL, 0, NULL}};
