#include "repl/commands/interrupt.h"

#include <signal.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

/* A signal handler has no argument of its own: these are the program's only globals. */
volatile int sc_interrupted;
static volatile time_t last_second;
static void (*volatile restore_terminal)(void);

static void on_interrupt(int signal) {
  (void)signal;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  if (last_second && now.tv_sec - last_second < 2) {
    if (restore_terminal) restore_terminal();
    _exit(130);
  }
  last_second = now.tv_sec;
  sc_interrupted = 1;
}

void sc_interrupt_install(void) {
  struct sigaction action = {.sa_handler = on_interrupt};
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, NULL);
  signal(SIGPIPE, SIG_IGN);
}

void sc_interrupt_at_exit(void (*restore)(void)) { restore_terminal = restore; }

bool sc_interrupt_cancel(void *user) {
  (void)user;
  return sc_interrupted != 0;
}
