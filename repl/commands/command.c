#include "repl/commands/command.h"

#include <stdlib.h>
#include <string.h>

#include "repl/commands/help.h"

static bool run_command(sc_runner *r, const sc_source *source, const char *name, char *rest) {
  sc_nearest nearest = {name, NULL, 0};
  for (const sc_command *c = r->commands; c->name; c++) {
    if (!strcmp(c->name, name)) return c->run(r, source, rest);
    sc_offer(&nearest, c->name);
  }
  sc_buffer text = {0};
  sc_printf(&text, "there is no command '.%.40s'; ", name);
  if (nearest.best)
    sc_printf(&text, "did you mean '.%s'?", nearest.best);
  else
    sc_puts(&text, ".help lists them");
  sc_fail_command(r, source, ES_E_NAME, sc_text(&text));
  sc_buffer_free(&text);
  return false;
}

bool sc_run_command(sc_runner *r, const sc_source *source, sc_span where) {
  sc_source at = *source;
  char *text = sc_copy_text(source->text + where.offset, where.length);
  for (; where.length && strchr(" \t\r\n", text[where.length - 1]);) text[--where.length] = '\0';
  if (*text != '?' && *text != '.') { /* name? */
    at.command = where;
    text[where.length - 1] = '\0';
    bool found = sc_describe(r, &at, text);
    free(text);
    return found;
  }
  size_t name = 1 + (*text == '?' ? strspn(text + 1, " \t") : strcspn(text + 1, " \t"));
  char *rest = text + name + strspn(text + name, " \t");
  at.command = where;
  at.rest = (sc_span){where.offset + (size_t)(rest - text), strlen(rest)};
  bool ok;
  if (*text == '?') {
    ok = sc_describe(r, &at, rest);
  } else {
    text[name] = '\0';
    ok = run_command(r, &at, text + 1, rest);
    fflush(stdout);
  }
  free(text);
  return ok;
}
