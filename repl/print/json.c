#include "repl/print/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "repl/language/functions.h"
#include "repl/print/print.h"
#include "repl/text/number.h"

static void put_string(sc_buffer *out, const char *text, size_t len) {
  sc_puts(out, "\"");
  for (size_t i = 0; i < len;) {
    uint32_t c = 0;
    int n = sc_utf8(text + i, len - i, &c);
    if (!n)
      sc_puts(out, "\\ufffd"); /* a byte that is no text */
    else if (c == '"' || c == '\\')
      sc_printf(out, "\\%c", (char)c);
    else if (c == '\n')
      sc_puts(out, "\\n");
    else if (c < 0x20 || c == 0x7f)
      sc_printf(out, "\\u%04x", (unsigned)c);
    else
      sc_put(out, text + i, (size_t)n);
    i += n ? (size_t)n : 1;
  }
  sc_puts(out, "\"");
}

static void put_number(sc_buffer *out, double v, es_dtype dtype) {
  char text[SC_NUMBER_BYTES];
  sc_number_repr(v, dtype, text);
  if (isfinite(v))
    sc_puts(out, text);
  else
    sc_printf(out, "\"%s\"", text);
}

static bool put_data(sc_buffer *out, sc_session *s, es_tensor *t) {
  es_dtype dtype = es_dtype_of(t);
  int64_t n = es_size(t);
  bool whole = dtype <= ES_I64, complex = dtype >= ES_C64;
  double *floats = whole ? NULL : sc_alloc((uint64_t)n * (complex ? 2 : 1) * sizeof *floats);
  int64_t *ints = whole ? sc_alloc((uint64_t)n * sizeof *ints) : NULL;
  bool ok = es_read(s->es, t,
                    whole     ? ES_I64
                    : complex ? ES_C128
                              : ES_F64,
                    whole ? (void *)ints : (void *)floats, n) == ES_OK;
  for (int64_t i = 0; i < n && ok; i++) {
    if (i) sc_puts(out, ",");
    if (dtype == ES_BOOL)
      sc_puts(out, ints[i] ? "true" : "false");
    else if (whole)
      sc_printf(out, "%lld", (long long)ints[i]);
    else if (!complex)
      put_number(out, floats[i], dtype);
    else { /* a complex number is a pair */
      sc_puts(out, "[");
      put_number(out, floats[2 * i], dtype);
      sc_puts(out, ",");
      put_number(out, floats[2 * i + 1], dtype);
      sc_puts(out, "]");
    }
  }
  free(floats);
  free(ints);
  if (!ok) sc_fail_engine(s, (sc_span){0, 0});
  return ok;
}

static bool put_tensor(sc_buffer *out, sc_session *s, es_tensor *t) {
  sc_printf(out, "\"dtype\":\"%s\",\"shape\":[", es_dtype_name(es_dtype_of(t)));
  for (int i = 0; i < es_rank(t); i++)
    sc_printf(out, i ? ",%lld" : "%lld", (long long)es_shape(t)[i]);
  sc_puts(out, "],\"data\":[");
  bool ok = put_data(out, s, t);
  sc_puts(out, "]");
  return ok;
}

static bool put_plain(sc_buffer *out, sc_session *s, const sc_value *v);

static bool put_dict(sc_buffer *out, sc_session *s, const sc_value *v) {
  bool ok = true;
  sc_puts(out, "{");
  for (int64_t i = 0; i < v->n && ok; i += 2) {
    if (i) sc_puts(out, ",");
    put_string(out, v->items[i]->text, v->items[i]->len);
    sc_puts(out, ":");
    ok = put_plain(out, s, v->items[i + 1]);
  }
  sc_puts(out, "}");
  return ok;
}

/* A value inside "value": what JSON has a form for, else its text. */
static bool put_plain(sc_buffer *out, sc_session *s, const sc_value *v) {
  bool ok = true;
  sc_buffer text = {0};
  switch (v->kind) {
  case SC_NONE: sc_puts(out, "null"); break;
  case SC_BOOL: sc_puts(out, v->i ? "true" : "false"); break;
  case SC_INT: sc_printf(out, "%lld", (long long)v->i); break;
  case SC_FLOAT: put_number(out, v->f, ES_F64); break;
  case SC_STRING: put_string(out, v->text, v->len); break;
  case SC_DICT: ok = put_dict(out, s, v); break;
  case SC_TUPLE:
  case SC_LIST:
    sc_puts(out, "[");
    for (int64_t i = 0; i < v->n && ok; i++) {
      if (i) sc_puts(out, ",");
      ok = put_plain(out, s, v->items[i]);
    }
    sc_puts(out, "]");
    break;
  case SC_TENSOR:
    sc_puts(out, "{");
    ok = put_tensor(out, s, v->tensor);
    sc_puts(out, "}");
    break;
  default:
    sc_print_value(&text, s, v, false);
    put_string(out, sc_text(&text), text.len);
    sc_buffer_free(&text);
  }
  return ok;
}

/* What stands between the braces of an object, without time. Recursion is bounded
 * by the depth of values. */
static bool put_object(sc_buffer *out, sc_session *s, const sc_value *v) {
  sc_puts(out, "\"ok\":true,");
  if (v->kind == SC_TENSOR) return put_tensor(out, s, v->tensor);
  if (!sc_is_sequence(v)) {
    sc_puts(out, "\"value\":");
    return put_plain(out, s, v);
  }
  bool ok = true;
  sc_puts(out, "\"items\":[");
  for (int64_t i = 0; i < v->n && ok; i++) {
    sc_puts(out, i ? ",{" : "{");
    ok = put_object(out, s, v->items[i]);
    sc_puts(out, "}");
  }
  sc_puts(out, "]");
  return ok;
}

bool sc_json_value(sc_buffer *out, sc_session *s, const sc_value *v, double seconds) {
  sc_puts(out, "{");
  bool ok = put_object(out, s, v);
  sc_printf(out, ",\"time_s\":%.9f}\n", seconds);
  return ok;
}

void sc_json_text(sc_buffer *out, const char *text, size_t len) {
  sc_puts(out, "{\"ok\":true,\"value\":");
  put_string(out, text, len);
  sc_puts(out, "}\n");
}

void sc_json_fault(sc_buffer *out, const es_error *error, const char *text, size_t len,
                   int64_t offset, int64_t length) {
  sc_printf(out, "{\"ok\":false,\"status\":\"%s\",\"message\":", es_status_name(error->status));
  put_string(out, error->message, strlen(error->message));
  sc_puts(out, ",\"text\":");
  put_string(out, text, len);
  sc_printf(out, ",\"offset\":%lld,\"length\":%lld,\"operand\":%d", (long long)offset,
            (long long)length, error->operand);
  if (error->rule[0]) {
    sc_puts(out, ",\"rule\":");
    put_string(out, error->rule, strlen(error->rule));
  }
  if (error->length2 > 0)
    sc_printf(out, ",\"offset2\":%lld,\"length2\":%lld", (long long)error->offset2,
              (long long)error->length2);
  sc_puts(out, "}\n");
}
