/* .diagram, .show, .explain: functions of the language, with options for files. */
#include <string.h>

#include "repl/command.h"

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

/* Runs function(rest), with what an option such as --svg FILE asks for. formats are the
 * options there are, blanks between; otherwise is added when none is given. */
static bool call(sc_runner *r, const sc_source *source, const char *function, char *rest,
                 const char *formats, const char *otherwise, const char *example) {
  char *option = find_option(rest), *path = NULL;
  sc_buffer text = {0};
  bool ok = false;
  if (option) {
    *option = '\0';
    trim(rest);
    option += 2;
    path = option + strcspn(option, " \t=");
    if (*path) *path++ = '\0';
    path += strspn(path, " \t");
    size_t n = strlen(path);
    if (n > 1 && strchr("'\"", *path) && path[n - 1] == *path) { /* quotes are not needed */
      path[n - 1] = '\0';
      path++;
    }
  }
  const char *known = option ? strstr(formats, option) : NULL;
  size_t length = option ? strlen(option) : 0;
  if (option &&
      !(known && length && strchr(" ", known[length]) && (known == formats || known[-1] == ' '))) {
    sc_printf(&text, "there is no option --%.40s; the formats are %s: %s", option, formats,
              example);
    sc_report(r, source->name, ES_E_VALUE, sc_text(&text));
  } else if (!*rest) {
    sc_printf(&text, "something to draw is missing: %s", example);
    sc_report(r, source->name, ES_E_SYNTAX, sc_text(&text));
  } else if (option && !*path && (!strcmp(option, "svg") || !strcmp(option, "png"))) {
    sc_printf(&text, "--%s needs the name of a file: %s", option, example);
    sc_report(r, source->name, ES_E_SYNTAX, sc_text(&text));
  } else {
    sc_printf(&text, "%s(%s, %s", function, rest, option ? "format=" : otherwise);
    if (option) put_literal(&text, option);
    if (option && *path) {
      sc_puts(&text, ", file=");
      put_literal(&text, path);
    }
    sc_puts(&text, ")");
    sc_source made = {source->name, sc_text(&text), text.len, source->first_line};
    ok = sc_run(r, &made);
  }
  sc_buffer_free(&text);
  return ok;
}

static const char *drawn(const sc_runner *r) {
  return r->session.color && !r->json ? "format='color'" : "format='text'";
}

bool sc_command_diagram(sc_runner *r, const sc_source *source, char *rest) {
  return call(r, source, "diagram", rest, "svg", drawn(r),
              ".diagram 'h w -> (w h)', or that with --svg FILE");
}

bool sc_command_show(sc_runner *r, const sc_source *source, char *rest) {
  return call(r, source, "show", rest, "svg png", drawn(r),
              ".show x, .show x --svg FILE or .show x --png FILE");
}

bool sc_command_explain(sc_runner *r, const sc_source *source, char *rest) {
  return call(r, source, "explain", rest, "svg dot json", drawn(r),
              ".explain 'ij, jk -> ik', (3, 4), (4, 5), or that with --svg FILE, --dot or --json");
}
