/* Ctrl-C: once stops what runs, twice within two seconds leaves with 130. */
#ifndef SC_INTERRUPT_H
#define SC_INTERRUPT_H

#include <stdbool.h>

extern volatile int sc_interrupted; /* set by the handler; cleared by who has seen it */

/* Installs the handler, and ignores SIGPIPE so that writes report it. */
void sc_interrupt_install(void);
/* What the handler does before it leaves the program (a terminal to put right);
 * must be safe in a signal handler. */
void sc_interrupt_at_exit(void (*restore)(void));
/* es_config.cancel */
bool sc_interrupt_cancel(void *user);

#endif
