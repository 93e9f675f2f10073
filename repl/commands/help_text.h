/* The texts of repl/help/, which are compiled in. */
#ifndef SC_HELP_TEXT_H
#define SC_HELP_TEXT_H

#include "repl/language/session.h"

/* An entry of the texts. In them it is a line "= NAME NAME…" and what follows: sentences,
 * then an example, ">>> " lines with their output. Of a layer the output alone is there: the
 * lines stand in its table. */
typedef struct sc_help_entry {
  const char *names, *text;
  size_t names_len, text_len;
} sc_help_entry;

/* The entry after *entry, of {0} the first; false past the last. */
bool sc_help_next(sc_help_entry *entry);
bool sc_help_find(const char *name, sc_help_entry *entry);

/* The name that explains what an error is about; NULL for none. */
const char *sc_help_topic(const sc_fault *fault);
/* "write einsum(…)": the line to write for a name that other libraries have; NULL for none. */
const char *sc_help_instead(const sc_fault *fault, size_t *len);

#endif
