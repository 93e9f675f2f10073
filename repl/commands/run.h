/* Texts through a session: statements out of them, values and errors to the
 * streams. */
#ifndef SC_RUN_H
#define SC_RUN_H

#include "repl/commands/progress.h"
#include "repl/language/session.h"

/* A statement that ran, for .export. */
typedef struct sc_logged {
  char *text;
  size_t line;
  bool silent;
} sc_logged;

typedef struct sc_runner {
  sc_session session;
  bool json, keep_going, color, timing, no_hints;
  sc_progress progress;
  es_status status; /* of the first failure */
  bool quit;        /* .quit was given */
  sc_logged *logged;
  size_t n_logged, logged_cap;
} sc_runner;

/* A text to run. text[len] is NUL. first_line counts from 1. */
typedef struct sc_source {
  const char *name;
  const char *text;
  size_t len, first_line;
} sc_source;

/* False after an error, unless keep_going. */
bool sc_run(sc_runner *r, const sc_source *source);
/* The same for a line from a person: '.command' and '?name' are understood too. */
bool sc_run_line(sc_runner *r, const sc_source *source);
/* An error that has no place in a text. */
void sc_report(sc_runner *r, const char *name, es_status status, const char *message);

void sc_runner_close(sc_runner *r); /* and its session */

/* 0 ok, 1 runtime or files, 3 syntax, 4 shape or type, 5 memory or limit, 130. */
int sc_exit_code(es_status status);

/* Writes to stdout and flushes. A closed pipe ends the program quietly; any other
 * failure with exit code 1. */
void sc_emit(const sc_buffer *text);

#endif
