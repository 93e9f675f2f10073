#include "repl/commands/command_draw.h"

#include <string.h>

#include "repl/commands/run.h"

/* The first "--" of text that stands outside of quotes and brackets; NULL for none. */
static char *find_option(char *text) {
  char quote = 0;
  int depth = 0;
  for (char *p = text; *p; p++) {
    if (quote) {
      if (*p == '\\' && p[1])
        p++;
      else if (*p == quote)
        quote = 0;
    } else if (*p == '\'' || *p == '"') {
      quote = *p;
    } else if (strchr("([{", *p) || strchr(")]}", *p)) {
      depth += strchr("([{", *p) ? 1 : -1;
    } else if (!strncmp(p, "--", 2) && depth <= 0 && (p == text || strchr(" \t", p[-1])) &&
               ((p[2] | 0x20) >= 'a' && (p[2] | 0x20) <= 'z')) {
      return p;
    }
  }
  return NULL;
}

static void trim(char *text) {
  size_t n = strlen(text);
  while (n && strchr(" \t", text[n - 1])) text[--n] = '\0';
}

/* As a string of the script. */
static void put_literal(sc_buffer *out, const char *text) {
  sc_puts(out, "'");
  for (; *text; text++) {
    if (*text == '\'' || *text == '\\') sc_puts(out, "\\");
    sc_put(out, text, 1);
  }
  sc_puts(out, "'");
}

typedef struct request {
  const char *function, *formats, *example; /* formats: the options there are, blanks between */
  char *option, *path;                      /* as they were given; NULL */
} request;

/* Cuts "--svg FILE" off the end of rest. */
static void cut_option(request *q, char *rest) {
  char *option = find_option(rest), *path;
  if (option) {
    *option = '\0';
    q->option = option + 2;
    path = q->option + strcspn(q->option, " \t=");
    if (*path) *path++ = '\0';
    path += strspn(path, " \t");
    size_t n = strlen(path);
    if (n > 1 && strchr("'\"", *path) && path[n - 1] == *path) { /* quotes are not needed */
      path[n - 1] = '\0';
      path++;
    }
    q->path = *path ? path : NULL;
  }
  trim(rest);
}

static bool is_format(const request *q) {
  size_t length = strlen(q->option);
  for (const char *at = q->formats; *at; at += strcspn(at, " "), at += *at == ' ')
    if (strcspn(at, " ") == length && !strncmp(at, q->option, length)) return true;
  return false;
}

/* What is wrong with a request; false: nothing. */
static bool put_fault(sc_buffer *text, const request *q, const char *rest) {
  if (q->option && !is_format(q))
    sc_printf(text, "there is no option --%.40s here: %s", q->option, q->example);
  else if (!*rest)
    sc_printf(text, "something to draw is missing: %s", q->example);
  else if (q->option && !q->path && (!strcmp(q->option, "svg") || !strcmp(q->option, "png")))
    sc_printf(text, "--%s needs the name of a file: %s", q->option, q->example);
  return text->len > 0;
}

/* Runs function(rest, …), with what an option asks for, else with otherwise. */
static bool call(sc_runner *r, const sc_source *source, request q, char *rest,
                 const char *otherwise) {
  sc_buffer text = {0};
  cut_option(&q, rest);
  bool ok = !put_fault(&text, &q, rest);
  if (ok) {
    sc_buffer before = {0};
    sc_printf(&before, "%s(", q.function);
    sc_printf(&text, ", %s", q.option ? "format=" : otherwise);
    if (q.option) put_literal(&text, q.option);
    if (q.path) {
      sc_puts(&text, ", file=");
      put_literal(&text, q.path);
    }
    sc_puts(&text, ")");
    ok = sc_run_around(r, source, sc_text(&before), strlen(rest), sc_text(&text));
    sc_buffer_free(&before);
  } else {
    sc_fail_command(r, source, ES_E_SYNTAX, sc_text(&text));
  }
  sc_buffer_free(&text);
  return ok;
}

static const char *drawn(const sc_runner *r) {
  return r->session.color && !r->json ? "format='color'" : "format='text'";
}

bool sc_command_diagram(sc_runner *r, const sc_source *source, char *rest) {
  static const request q = {"diagram", "svg", ".diagram 'h w -> (w h)', or that with --svg FILE",
                            NULL, NULL};
  return call(r, source, q, rest, drawn(r));
}

bool sc_command_show(sc_runner *r, const sc_source *source, char *rest) {
  static const request q = {"show", "svg png", ".show x, .show x --svg FILE or .show x --png FILE",
                            NULL, NULL};
  return call(r, source, q, rest, drawn(r));
}

bool sc_command_explain(sc_runner *r, const sc_source *source, char *rest) {
  static const request q = {
      "explain", "svg dot json",
      ".explain 'ij, jk -> ik', (3, 4), (4, 5), or that with --svg FILE, --dot or --json", NULL,
      NULL};
  return call(r, source, q, rest, drawn(r));
}
