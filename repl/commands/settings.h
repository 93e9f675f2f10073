/* What can be set while a session runs: limits, threads, colours, hints. */
#ifndef SC_SETTINGS_H
#define SC_SETTINGS_H

#include "repl/commands/runner.h"

/* A whole number with an optional unit K, M, G, T (powers of 1024). */
bool sc_read_size(const char *text, bool units, int64_t *out);
/* auto, v16, v32, v64. */
bool sc_read_isa(const char *text, es_isa *out);

/* The name of a setting and the words that it may be, blanks between; NULL past the last. */
const char *sc_setting_at(int index, const char **words);
/* "the time of each statement: on or off"; nothing for a name that no setting has. */
void sc_put_setting(sc_buffer *out, const char *name, size_t len);
/* '.set', '.set name', '.set name value'. False after an error. */
bool sc_settings_command(sc_runner *r, const sc_source *source, char *rest);
/* '.threads 2' is '.set threads 2'. */
bool sc_settings_one(sc_runner *r, const sc_source *source, const char *name, char *value);

#endif
