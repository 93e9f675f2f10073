#include "repl/terminal/paste.h"

#include <string.h>

typedef enum line_kind {
  PLAIN,
  PYTHON,    /* >>> : lines without a prompt behind it are output */
  NOTEBOOK,  /* In [3]: : lines without a prompt go on, up to Out[3]: */
  CONTINUED, /* ... or, of IPython, ...: */
  OUTPUT,    /* Out[3]: */
  LEFT_OUT   /* $ einstride: how this was begun */
} line_kind;

/* Bytes of "In [3]:", "Out[3]:" at the start of a line; 0: there is none. */
static size_t cell_prompt(const char *at, size_t len, const char *word) {
  size_t n = strlen(word);
  if (len < n || memcmp(at, word, n) != 0) return 0;
  while (n < len && (at[n] == ' ' || (at[n] >= '0' && at[n] <= '9'))) n++;
  return n + 1 < len && at[n] == ']' && at[n + 1] == ':' ? n + 2 : 0;
}

static size_t dots(const char *at, size_t len, bool *ipython) {
  size_t n = 0;
  while (n < len && at[n] == '.') n++;
  *ipython = n >= 3 && n < len && at[n] == ':';
  if (*ipython) return n + 1;
  return n == 3 && (n == len || at[n] == ' ') ? n : 0;
}

/* What a line is, and how many bytes of prompt it begins with. */
static line_kind read_prompt(const char *line, size_t len, line_kind mode, size_t *prompt) {
  size_t blanks = 0, n;
  bool ipython;
  line_kind kind = PLAIN;
  while (blanks < len && line[blanks] == ' ') blanks++;
  const char *at = line + blanks;
  size_t left = len - blanks;
  *prompt = 0;
  if (left >= 3 && !memcmp(at, ">>>", 3)) {
    kind = PYTHON;
    n = 3;
  } else if (left >= 2 && !memcmp(at, "$ ", 2)) {
    if (left >= 11 && !memcmp(at, "$ einstride", 11)) return LEFT_OUT;
    kind = PYTHON;
    n = 1;
  } else if ((n = cell_prompt(at, left, "In [")) != 0) {
    kind = NOTEBOOK;
  } else if ((n = cell_prompt(at, left, "Out[")) != 0) {
    return OUTPUT;
  } else if ((n = dots(at, left, &ipython)) != 0 && (ipython || mode == PYTHON)) {
    kind = CONTINUED;
  } else {
    return PLAIN;
  }
  *prompt = blanks + n;
  if (*prompt < len && line[*prompt] == ' ') ++*prompt;
  return kind;
}

static void put_line(sc_buffer *out, const char *line, size_t len) {
  for (size_t i = 0; i < len; i++) {
    unsigned char c = (unsigned char)line[i];
    if (c == '\t')
      sc_puts(out, "  ");
    else if (c >= 0x20 && c != 0x7f)
      sc_put(out, line + i, 1);
  }
  sc_puts(out, "\n");
}

void sc_paste_clean(const char *text, size_t len, sc_buffer *out) {
  line_kind mode = PLAIN;
  for (size_t at = 0, next; at < len; at = next) {
    size_t end = at, prompt;
    while (end < len && text[end] != '\n' && text[end] != '\r') end++;
    next = end + 1 + (end + 1 < len && text[end] == '\r' && text[end + 1] == '\n');
    line_kind kind = read_prompt(text + at, end - at, mode, &prompt);
    if (kind == LEFT_OUT) continue;
    bool output = kind == OUTPUT || (kind == PLAIN && (mode == PYTHON || mode == OUTPUT));
    if (kind != PLAIN && kind != CONTINUED) mode = kind;
    if (!output) put_line(out, text + at + prompt, end - at - prompt);
  }
  while (out->len && strchr("\n ", out->bytes[out->len - 1])) out->len--;
  if (out->bytes) out->bytes[out->len] = '\0';
}
