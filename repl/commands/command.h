/* The commands of the prompt: one row each, which .help prints and completion reads. */
#ifndef SC_COMMAND_H
#define SC_COMMAND_H

#include "repl/commands/run.h"

typedef struct sc_command {
  const char *name;      /* without the dot */
  const char *arguments; /* as .help shows them; "" for none */
  const char *help;      /* one line */
  /* rest: what follows the name, without blanks around it; may be written to. False
   * after an error, which was reported. */
  bool (*run)(sc_runner *r, const sc_source *source, char *rest);
} sc_command;

/* NULL past the last. */
const sc_command *sc_command_at(int index);
/* '.command' or '?name' at a place of the text. False after an error. */
bool sc_run_command(sc_runner *r, const sc_source *source, sc_span where);

/* Rows that stand in files of their own. */
bool sc_command_diagram(sc_runner *r, const sc_source *source, char *rest);
bool sc_command_show(sc_runner *r, const sc_source *source, char *rest);
bool sc_command_explain(sc_runner *r, const sc_source *source, char *rest);
bool sc_command_tour(sc_runner *r, const sc_source *source, char *rest);

#endif
