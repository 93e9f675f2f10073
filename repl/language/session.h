/* One run of the script language: its variables, its engine, its error. */
#ifndef SC_SESSION_H
#define SC_SESSION_H

#include <stdio.h>

#include "repl/language/value.h"
#include "repl/text/palette.h"

typedef struct sc_variable {
  char *name;
  sc_value *value;
} sc_variable;

/* What failed and where. where points into the script; the places in error point
 * into pattern, when there is one. */
typedef struct sc_fault {
  bool set;
  es_error error;
  sc_span where;
  char *pattern;
  size_t pattern_len;
  char *shown;        /* text and caret as the engine draws them, when it does */
  const char *callee; /* the innermost function that failed; NULL */
  size_t sentence;    /* bytes of the message before it guesses at the name; 0: it does not */
  char unknown[65];   /* the name that nothing has, "" where that is not what failed */
} sc_fault;

typedef struct sc_function sc_function; /* functions.h */

typedef struct sc_session {
  es_ctx *es;
  const sc_function *const *functions; /* all tables of them, ended by NULL */
  sc_variable *variables;
  size_t n_variables;
  uint64_t n_made; /* values so far */
  sc_value **pool; /* values of the running statement */
  size_t n_pool, pool_cap;
  sc_value *last; /* _ */
  sc_fault fault;
  /* The pattern a running function reads: set by it, so that an error of the
   * engine can be shown in its text. Borrowed from a value of the statement. */
  const char *pattern;
  size_t pattern_len;
  FILE *out;                        /* print(...) */
  size_t width;                     /* columns of a printed line */
  size_t height;                    /* lines a value may take; 0: as many as NumPy prints */
  const volatile int *interrupted;  /* set by a signal handler; may be NULL */
  sc_arena scratch;                 /* arrays of the running statement */
  bool color;                       /* in what is printed on standard output */
  sc_palette palette;               /* labels of what was run */
  double effort;                    /* es_options.effort */
  uint64_t order_seed;              /* es_options.order_seed */
  bool precise;                     /* es_options.precise */
  uint64_t seed;                    /* of rand and randn */
  bool shapes_only;                 /* as its context; nothing is printed and no file is written */
  const struct sc_session *shadows; /* whose variables it sees, by their shapes; NULL */
} sc_session;

/* Zeroed memory until the end of the statement. */
void *sc_scratch(sc_session *s, uint64_t bytes);

/* functions outlives the session; config may be NULL. False when the engine has no memory. */
bool sc_session_open(sc_session *s, const sc_function *const *functions, const es_config *config);
void sc_session_close(sc_session *s);

/* Statement brackets: between them values and tensors collect in the pool. */
bool sc_statement_begin(sc_session *s);
void sc_statement_end(sc_session *s);

/* Drops all variables. */
void sc_session_forget(sc_session *s);

/* Records the first failure. Returns NULL, for `return sc_fail(…)`. */
void *sc_fail(sc_session *s, es_status status, sc_span where, const char *fmt, ...) ES_PRINTF(4, 5);
/* Takes over the sticky error of the engine. Returns NULL. */
void *sc_fail_engine(sc_session *s, sc_span where);
/* Nothing has the name that was looked for: a sentence that says so, and the nearest name found. */
void *sc_fail_unknown(sc_session *s, sc_span where, const char *sentence,
                      const sc_nearest *nearest);
/* The same for an error that came by value. */
void *sc_fail_error(sc_session *s, sc_span where, const es_error *error);
void sc_fault_clear(sc_session *s);

#endif
