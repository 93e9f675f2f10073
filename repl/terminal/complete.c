#include "repl/terminal/complete.h"

#include <stdlib.h>
#include <string.h>

#include "repl/commands/help_text.h"
#include "repl/commands/settings.h"
#include "repl/commands/signature.h"
#include "repl/commands/table.h"
#include "repl/language/functions.h"
#include "repl/language/variables.h"
#include "repl/terminal/highlight.h"
#include "repl/terminal/scan.h"

typedef struct query {
  sc_session *s;
  const char *text;
  const char *word; /* NUL-terminated */
  size_t len;
  sc_candidates *out;
} query;

/* head + name, if it begins with the word. */
static void offer(query *q, const char *head, const char *name, const char *tail) {
  sc_buffer whole = {0};
  sc_printf(&whole, "%s%s%s", head, name, tail);
  sc_candidates *c = q->out;
  if (strncmp(whole.bytes, q->word, q->len) != 0) {
    sc_buffer_free(&whole);
    return;
  }
  if (c->n == c->cap) {
    c->cap = c->cap ? 2 * c->cap : 64;
    c->text = sc_grow(c->text, (size_t)c->cap * sizeof *c->text);
  }
  c->text[c->n++] = whole.bytes;
}

static int by_text(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

void sc_candidates_sort(sc_candidates *c) {
  int kept = 0;
  if (c->n) qsort(c->text, (size_t)c->n, sizeof *c->text, by_text);
  for (int i = 0; i < c->n; i++)
    if (kept && !strcmp(c->text[kept - 1], c->text[i]))
      free(c->text[i]);
    else
      c->text[kept++] = c->text[i];
  c->n = kept;
}

void sc_candidates_free(sc_candidates *c) {
  for (int i = 0; i < c->n; i++) free(c->text[i]);
  free(c->text);
  *c = (sc_candidates){0};
}

/* ---- names ------------------------------------------------------------------------------ */

static void offer_functions(query *q, const char *head, unsigned in) {
  const sc_function *f;
  for (int i = 0; (f = sc_function_at(q->s, i)); i++)
    if (f->in & in) offer(q, head, f->name, "");
  bool layers = in & (SC_IN_BARE | SC_IN_METHOD | SC_IN_FUNCTIONAL | SC_IN_ARRAYS);
  for (int i = 0; layers && i < es_op_count(); i++) {
    const es_op *op = es_op_at(i);
    bool method = op->n_params && op->params[0].type == ES_PARAM_TENSOR;
    if (in != SC_IN_METHOD || method) offer(q, head, op->name, "");
  }
}

static void offer_variables(query *q) {
  for (size_t i = 0; i < q->s->n_variables; i++) offer(q, "", q->s->variables[i].name, "");
}

/* Members of what stands before the last dot of the word. */
static void offer_members(query *q) {
  static const char *const attributes[] = {"shape",  "strides", "ndim", "size", "dtype", "itemsize",
                                           "nbytes", "T",       "mT",   "real", "imag"};
  size_t dot = (size_t)(strrchr(q->word, '.') - q->word);
  char head[160];
  if (dot + 2 > sizeof head) return;
  memcpy(head, q->word, dot + 1);
  head[dot] = '\0';
  const sc_value *v = sc_variable_get(q->s, head);
  const sc_space *space = v ? v->kind == SC_SPACE ? v->space : NULL : sc_space_find(head);
  head[dot] = '.';
  head[dot + 1] = '\0';
  if (space) {
    offer_functions(q, head, space->in);
    for (int i = 0; sc_space_at(i); i++) { /* np.random below np */
      const char *path = sc_space_at(i)->path;
      size_t len = strlen(space->path);
      if (!strncmp(path, space->path, len) && path[len] == '.' && !strchr(path + len + 1, '.'))
        offer(q, head, path + len + 1, "");
    }
    for (int d = 0; (space->in & SC_IN_ARRAYS) && d < ES_DTYPE_COUNT; d++)
      offer(q, head, es_dtype_name((es_dtype)d), "");
    return;
  }
  offer_functions(q, head, v && v->kind == SC_DICT ? SC_IN_DICT : SC_IN_METHOD);
  for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++)
    if (!v || v->kind == SC_TENSOR) offer(q, head, attributes[i], "");
}

static void offer_row_keywords(query *q, const sc_function *f) {
  char name[64];
  for (int i = 0; sc_param_name(f->params, i, name, sizeof name); i++) offer(q, "", name, "=");
}

/* The parameters of the function whose call the word stands in; labels of its pattern,
 * which may be given sizes. */
static void offer_keywords(query *q, const sc_scan *scan, int bracket) {
  sc_span span;
  const sc_function *f;
  const es_op *op;
  char name[128];
  if (!sc_scan_callee(scan, bracket, &span) || span.length >= sizeof name) return;
  memcpy(name, q->text + span.offset, span.length);
  name[span.length] = '\0';
  if (!sc_callee_find(q->s, name, &f, &op)) return;
  if (f) offer_row_keywords(q, f);
  for (int i = 0; !f && i < op->n_params; i++) offer(q, "", op->params[i].name, "=");
}

static void offer_labels(query *q, const sc_scan *scan, int token, const char *tail) {
  enum { MOST = 256 };
  es_label_place places[MOST];
  es_kind kind;
  es_reading reading;
  if (!sc_is_pattern(scan, q->text, token, &kind, &reading)) return;
  sc_span inside = sc_scan_inside(scan, q->text, token);
  const char *at = q->text + inside.offset;
  int64_t n = es_text_labels(at, inside.length, kind, reading, places, MOST);
  for (int64_t i = 0; i < n && i < MOST; i++) {
    char name[ES_MAX_NAME + 1];
    size_t len = (size_t)places[i].length;
    bool here = places[i].length == (int64_t)q->len &&
                at + places[i].offset == q->text + inside.offset + inside.length - q->len;
    if (len >= sizeof name || (here && !*tail)) continue; /* not the word itself */
    memcpy(name, at + places[i].offset, len);
    name[len] = '\0';
    offer(q, "", name, tail);
  }
}

static void offer_names(query *q, const sc_scan *scan) {
  int bracket = scan->open;
  if (strchr(q->word, '.')) {
    offer_members(q);
    return;
  }
  offer_variables(q);
  offer_functions(q, "", SC_IN_BARE);
  for (int i = 0; sc_space_at(i); i++)
    if (!strchr(sc_space_at(i)->path, '.')) offer(q, "", sc_space_at(i)->path, "");
  if (bracket < 0) return;
  offer_keywords(q, scan, bracket);
  for (int i = bracket + 1; i < scan->n; i++)
    if (scan->token[i].kind == SC_T_STRING && scan->token[i].parent == bracket)
      offer_labels(q, scan, i, "=");
}

/* ---- the place ----------------------------------------------------------------------------- */

static bool takes_file(const sc_scan *scan, const char *text, int token) {
  static const char *const names[] = {"load", "save", "savez", "savez_compressed"};
  sc_span callee;
  if (!sc_scan_callee(scan, scan->token[token].parent, &callee)) return false;
  const char *name = text + callee.offset, *dot = memrchr(name, '.', callee.length);
  size_t len = callee.length - (dot ? (size_t)(dot + 1 - name) : 0);
  if (dot) name = dot + 1;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strlen(names[i]) == len && !memcmp(names[i], name, len)) return true;
  return false;
}

static bool is_command(const char *text) {
  text += strspn(text, " ");
  return *text == '.' || *text == '?';
}

/* ---- commands ------------------------------------------------------------------------------ */

/* The command of a line, the word that ends before its last one, and that one's place. */
typedef struct command_place {
  const sc_command *command;
  const char *before;
  size_t before_len;
  int argument; /* from 0; -1 in the name itself */
} command_place;

static command_place place_of(const char *text) {
  command_place p = {.argument = -1};
  text += strspn(text, " ");
  for (const char *next; text[strcspn(text, " ")]; text = next) {
    size_t len = strcspn(text, " ");
    next = text + len + strspn(text + len, " ");
    for (const sc_command *c = sc_all_commands; p.argument < 0 && *text == '.' && c->name; c++)
      if (strlen(c->name) == len - 1 && !strncmp(c->name, text + 1, len - 1)) p.command = c;
    p.argument++;
    p.before = text;
    p.before_len = len;
  }
  return p;
}

static bool is_word(const command_place *p, const char *word) {
  return p->before_len == strlen(word) && !memcmp(p->before, word, p->before_len);
}

static bool file_command(const char *text) {
  command_place p = place_of(text);
  if (!p.command) return false;
  if (is_word(&p, "--svg") || is_word(&p, "--png")) return true;
  if (!strcmp(p.command->name, "load")) return p.argument == 0;
  bool second = !strcmp(p.command->name, "save") || !strcmp(p.command->name, "export");
  return second && p.argument == 1;
}

/* Whether its arguments are those of a function. */
static bool takes_values(const sc_command *c) { return strchr("'x", c->arguments[0]) != NULL; }

/* What ?name and .help name explain. */
static void offer_topics(query *q, const char *head) {
  const sc_function *f;
  sc_help_entry entry = {0};
  for (int i = 0; (f = sc_function_at(q->s, i)); i++) offer(q, head, f->name, "");
  for (int i = 0; i < es_op_count(); i++) offer(q, head, es_op_at(i)->name, "");
  while (sc_help_next(&entry))
    for (size_t at = 0, len; at < entry.names_len; at += len + 1) {
      char name[64];
      const char *space = memchr(entry.names + at, ' ', entry.names_len - at);
      len = space ? (size_t)(space - entry.names) - at : entry.names_len - at;
      if (len >= sizeof name) continue;
      memcpy(name, entry.names + at, len);
      name[len] = '\0';
      offer(q, head, name, "");
    }
}

static void offer_words(query *q, const char *words) {
  char word[64];
  for (; words && *words; words += strcspn(words, " "), words += *words == ' ') {
    size_t len = strcspn(words, " ");
    memcpy(word, words, len);
    word[len] = '\0';
    offer(q, "", word, "");
  }
}

static void offer_commands(query *q) {
  if (*q->word == '?') {
    offer_topics(q, "?");
    return;
  }
  for (const sc_command *c = sc_all_commands; c->name; c++) offer(q, ".", c->name, "");
}

static void offer_arguments(query *q, const command_place *p) {
  const char *name, *words;
  bool set = !strcmp(p->command->name, "set");
  if (p->argument == 0 || *q->word == '-') offer_words(q, p->command->words);
  if (p->argument == 0 && !strcmp(p->command->name, "help")) offer_topics(q, "");
  for (int i = 0; set && (name = sc_setting_at(i, &words)); i++)
    if (p->argument == 0)
      offer(q, "", name, "");
    else if (p->argument == 1 && is_word(p, name))
      offer_words(q, words);
}

/* "import nu", "from einops import re". False: the line is none. */
static bool offer_imports(query *q, size_t start) {
  const char *text = q->text + strspn(q->text, " "), *name;
  bool from = !strncmp(text, "from ", 5);
  if (!from && strncmp(text, "import ", 7) != 0) return false;
  char path[128];
  size_t len = from ? strcspn(text + 5, " ") : 0;
  const char *of = len && len < sizeof path ? strstr(text + 5, " import ") : NULL;
  if (of && of < q->text + start) {
    memcpy(path, text + 5, len);
    path[len] = '\0';
    const sc_space *space = sc_space_find(path);
    if (space) offer_functions(q, "", space->in);
    return true;
  }
  for (int i = 0; (name = sc_module_at(i)); i++) offer(q, "", name, "");
  return true;
}

void sc_complete(sc_session *s, const char *text, size_t start, size_t end, sc_candidates *out) {
  char *before = sc_copy_text(text, end);
  query q = {s, before, before + start, end - start, out};
  sc_scan scan;
  *out = (sc_candidates){0};
  sc_scan_text(&scan, before, end);
  int last = scan.n - 1;
  command_place place = place_of(before);
  bool first_word = start == strspn(before, " ");
  if (is_command(before) && first_word) {
    offer_commands(&q);
  } else if (scan.in_string) {
    out->files = takes_file(&scan, before, last);
    if (!out->files) offer_labels(&q, &scan, last, "");
  } else if (file_command(before)) {
    out->files = true;
  } else if (place.command && !takes_values(place.command)) {
    offer_arguments(&q, &place);
  } else if (!scan.in_comment && !scan.broken && !offer_imports(&q, start)) {
    if (place.command) offer_arguments(&q, &place);
    offer_names(&q, &scan);
  }
  sc_candidates_sort(out);
  if (out->n == 1 && !is_command(before) && !scan.in_string) {
    const sc_function *f;
    const es_op *op;
    bool variable = sc_variable_get(s, out->text[0]) != NULL;
    if (!variable && sc_callee_find(s, out->text[0], &f, &op)) out->after = '(';
  }
  sc_scan_free(&scan);
  free(before);
}

size_t sc_word_start(const char *text, size_t end) {
  char *before = sc_copy_text(text, end);
  sc_scan scan;
  size_t start = end;
  command_place place = place_of(before);
  sc_scan_text(&scan, before, end);
  bool file = file_command(before) || (scan.in_string && takes_file(&scan, before, scan.n - 1));
  if (scan.in_string && file)
    start = sc_scan_inside(&scan, before, scan.n - 1).offset;
  else if (file)
    while (start > 0 && before[start - 1] != ' ') start--;
  else
    while (start > 0) {
      unsigned char c = (unsigned char)before[start - 1];
      bool option = start > 1 && (before[start - 2] == '-' || before[start] == '-'); /* --svg */
      bool word = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' ||
                  c >= 0x80 || (c == '.' && !scan.in_string) || (c == '?' && start == 1) ||
                  (c == '-' && place.command && (option || !takes_values(place.command)));
      if (!word) break;
      start--;
    }
  sc_scan_free(&scan);
  free(before);
  return start;
}
