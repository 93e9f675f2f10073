/* A session and the texts it runs: what is said of them, and how. */
#ifndef SC_RUNNER_H
#define SC_RUNNER_H

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
  const struct sc_command *commands; /* that it knows, ended by one without a name */
  bool json, keep_going, color, timing, no_hints;
  sc_progress progress;
  es_status status; /* of the first failure */
  bool quit;        /* .quit was given */
  int files;        /* that run: scripts load scripts */
  uint64_t seed;    /* at its start */
  sc_logged *logged;
  size_t n_logged, logged_cap;
} sc_runner;

/* A text to run. text[len] is NUL. first_line counts from 1. */
typedef struct sc_source {
  const char *name;
  const char *text;
  size_t len, first_line;
  sc_span command, rest; /* of the command that runs: where it and what follows its name stand */
  /* Text that a command made: what stands there at quoted, it took from the rest of the command
   * that was typed. */
  const struct sc_source *typed;
  size_t quoted;
} sc_source;

/* A command of the prompt. */
typedef struct sc_command {
  const char *name;      /* without the dot */
  const char *arguments; /* as .help shows them; "" for none */
  const char *help;      /* one line */
  /* rest: what follows the name, without blanks around it; may be written to. False
   * after an error, which was reported. */
  bool (*run)(sc_runner *r, const sc_source *source, char *rest);
  const char *words; /* that its arguments may be, blanks between; NULL */
} sc_command;

/* The line of a byte of the text. */
size_t sc_line_number(const sc_source *source, size_t offset);
/* Reports what failed in a statement of the source, and clears it. */
void sc_report_fault(sc_runner *r, const sc_source *source, sc_span statement);
/* Reports what is wrong with a command. Returns false. */
bool sc_fail_command(sc_runner *r, const sc_source *command, es_status status, const char *message);
/* An error that has no place in a text. */
void sc_report(sc_runner *r, const char *name, es_status status, const char *message);

/* Keeps a statement for .export. */
void sc_runner_log(sc_runner *r, const char *text, size_t len, size_t number, bool silent);
void sc_runner_close(sc_runner *r); /* and its session */

/* 0 ok, 1 runtime or files, 3 syntax, 4 shape or type, 5 memory or limit, 130. */
int sc_exit_code(es_status status);

/* Writes to stdout and flushes. A closed pipe ends the program quietly; any other
 * failure with exit code 1. */
void sc_emit(const sc_buffer *text);
/* What a command says; with --json it is the value of an object. */
void sc_tell(const sc_runner *r, const sc_buffer *text);

#endif
