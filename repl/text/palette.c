#include "repl/text/palette.h"

#include <stdlib.h>
#include <string.h>

int sc_palette_find(const sc_palette *p, const char *name, size_t len) {
  int i = 0;
  while (i < p->n && (strncmp(p->name[i], name, len) != 0 || p->name[i][len])) i++;
  return i;
}

void sc_palette_keep(sc_palette *p, const char *text, size_t len) {
  enum { MOST = 256 };
  es_label_place places[MOST];
  int64_t n = es_text_labels(text, len, ES_KIND_EINSUM, ES_READ_AUTO, places, MOST);
  for (int64_t i = 0; i < n && i < MOST; i++) {
    const char *name = text + places[i].offset;
    size_t bytes = (size_t)places[i].length;
    if (bytes > ES_MAX_NAME || sc_palette_find(p, name, bytes) < p->n) continue;
    if (p->n == p->cap) {
      p->cap = p->cap ? 2 * p->cap : 32;
      p->name = sc_grow(p->name, (size_t)p->cap * sizeof *p->name);
    }
    memcpy(p->name[p->n], name, bytes);
    p->name[p->n++][bytes] = '\0';
  }
}

void sc_palette_free(sc_palette *p) {
  free(p->name);
  *p = (sc_palette){0};
}

/* Of the 256: hues apart from each other, of middle lightness, readable on black and
 * on white. */
const char *sc_palette_color(int place) {
  static const char *const colors[SC_PALETTE_COLORS] = {
      "\033[38;5;33m",  "\033[38;5;208m", "\033[38;5;35m",  "\033[38;5;170m",
      "\033[38;5;178m", "\033[38;5;37m",  "\033[38;5;167m", "\033[38;5;105m",
      "\033[38;5;106m", "\033[38;5;205m", "\033[38;5;137m", "\033[38;5;73m"};
  return colors[place % SC_PALETTE_COLORS];
}

void sc_put_label(sc_buffer *out, const sc_palette *p, const char *name, size_t len) {
  es_label_place places[ES_MAX_RANK];
  size_t at = 0;
  int64_t n = p ? es_text_labels(name, len, ES_KIND_EINSUM, ES_READ_NAMES, places, ES_MAX_RANK) : 0;
  for (int64_t i = 0; i < n && i < ES_MAX_RANK; i++) {
    size_t from = (size_t)places[i].offset, bytes = (size_t)places[i].length;
    sc_put(out, name + at, from - at);
    sc_puts(out, sc_palette_color(sc_palette_find(p, name + from, bytes)));
    sc_put(out, name + from, bytes);
    sc_puts(out, "\033[39m");
    at = from + bytes;
  }
  sc_put(out, name + at, len - at);
}

/* ---- axes of a result ---------------------------------------------------------------- */

/* One axis of a canonical term: up to the next blank outside of parentheses. */
static size_t axis_length(const char *at) {
  int depth = 0;
  size_t n = 0;
  for (; at[n] && at[n] != ',' && at[n] != '|' && (at[n] != ' ' || depth); n++)
    depth += at[n] == '(' ? 1 : at[n] == ')' ? -1 : 0;
  return n;
}

static int count_axes(const char *at, int *dots) {
  int n = 0;
  for (size_t len; (len = axis_length(at)) > 0; at += len, at += *at == ' ') {
    n++;
    if (len >= 3 && !strncmp(at + len - 3, "...", 3)) *dots = n;
  }
  return *at == ',' ? -1 : n; /* several outputs */
}

static void put_axes(sc_buffer *out, const char *at, int rank, int n, int dots) {
  for (int i = 1, axis = 0; i <= n; i++) {
    size_t len = axis_length(at);
    int hidden = i == dots ? rank - n + 1 : 1;      /* axes that '...' stands for */
    bool named = i == dots ? hidden == 1 && len > 3 /* b... over one axis is b */
                           : (*at < '0' || *at > '9') && len && strncmp(at, "()", 2) != 0;
    for (int k = 0; k < hidden; k++) {
      if (axis++) sc_puts(out, "\t");
      sc_put(out, at, named ? len - (i == dots ? 3 : 0) : 0);
    }
    at += len;
    at += *at == ' ';
  }
}

char *sc_output_axes(es_ctx *es, es_kind kind, const char *text, size_t len, es_reading reading,
                     int rank) {
  es_error error;
  es_expr *expr = es_expr_parse(es, kind, text, len, reading, &error);
  if (!expr) return NULL;
  size_t size = es_expr_print(expr, NULL, 0) + 1;
  char *canonical = sc_alloc(size);
  es_expr_print(expr, canonical, size);
  es_expr_release(expr);
  sc_buffer out = {0};
  const char *arrow = strstr(canonical, "->");
  if (arrow) {
    const char *at = arrow + 2 + strspn(arrow + 2, " ");
    int dots = 0, n = count_axes(at, &dots);
    if (n > 0 && (dots ? rank >= n - 1 : rank == n)) put_axes(&out, at, rank, n, dots);
  }
  free(canonical);
  return out.bytes; /* NULL for no axes */
}

char *sc_layer_axes(es_ctx *es, const char *expression, int rank) {
  char *axes = strchr(expression, ';') ? NULL
                                       : sc_output_axes(es, ES_KIND_EINSUM, expression,
                                                        strlen(expression), ES_READ_NAMES, rank);
  char *to = axes;
  for (char *at = axes; at && *at;) {
    size_t len = strcspn(at, "\t"), plain = strcspn(at, "+-*^?");
    bool more = at[len] == '\t';
    if (plain >= len) {
      memmove(to, at, len);
      to += len;
    }
    if (more) *to++ = '\t';
    at += len + more;
  }
  if (axes) *to = '\0';
  return axes;
}
