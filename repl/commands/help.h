/* ?name: the tables of functions, layers and commands, and the texts of repl/help/. */
#ifndef SC_HELP_H
#define SC_HELP_H

#include "repl/commands/run.h"

/* An entry of the texts. In them it is a line "= NAME NAME…" and what follows: sentences,
 * then an example, ">>> " lines with their output. Of a layer the output alone is there: the
 * lines stand in its table. */
typedef struct sc_help_entry {
  const char *names, *text;
  size_t names_len, text_len;
} sc_help_entry;

/* Entry number index; false past the last. */
bool sc_help_at(int index, sc_help_entry *entry);
bool sc_help_find(const char *name, sc_help_entry *entry);

/* Prints what there is about a name, a symbol, a .command or a topic. False after an error. */
bool sc_describe(sc_runner *r, const sc_source *source, const char *name);
/* '.help', '.help name', '.functions'. */
bool sc_command_help(sc_runner *r, const sc_source *source, char *rest);
bool sc_command_functions(sc_runner *r, const sc_source *source, char *rest);

/* The name that explains what an error is about; NULL for none. */
const char *sc_help_topic(const sc_fault *fault);
/* "write einsum(…)": the line to write for a name that other libraries have; NULL for none. */
const char *sc_help_instead(const sc_fault *fault, size_t *len);

#endif
