#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

#include "criterion/criterion.h"

enum { SKIPPED = 77 }; /* the exit code that ctest knows, too */

static runner_test *tests, **last = &tests;
static bool failed;

void runner_add(runner_test *test) {
  *last = test;
  last = &test->next;
}

void runner_fail(bool fatal, const char *file, int line, const char *what, const char *fmt, ...) {
  va_list args;
  fprintf(stderr, "%s:%d: not so: %s:", file, line, what);
  va_start(args, fmt);
  vfprintf(stderr, fmt, args);
  va_end(args);
  fputc('\n', stderr);
  failed = true;
  if (fatal) _exit(1);
}

void runner_skip(const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  vfprintf(stderr, fmt, args);
  va_end(args);
  fputc('\n', stderr);
  _exit(SKIPPED);
}

void runner_log(const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  vfprintf(stderr, fmt, args);
  va_end(args);
  fputc('\n', stderr);
}

static const runner_options *suite_options(const char *suite) {
  static const runner_options none;
  for (const runner_test *t = tests; t; t = t->next)
    if (!t->name && !strcmp(t->suite, suite)) return &t->options;
  return &none;
}

static void run_here(const runner_test *t) {
  const runner_options *suite = suite_options(t->suite);
  if (suite->init) suite->init();
  if (t->options.init) t->options.init();
  t->run();
  if (t->options.fini) t->options.fini();
  if (suite->fini) suite->fini();
  /* exit, so that handlers of the tests run and the sanitizer has its say. */
  exit(failed);
}

/* The wait status of a process that ran t. */
static int run_apart(const runner_test *t) {
  int status = 0;
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) run_here(t);
  if (child < 0 || waitpid(child, &status, 0) != child) {
    perror("a process for a test");
    exit(1);
  }
  return status;
}

/* Suites that call what tests call have one of their own. */
__attribute__((weak)) int main(void) {
  int run = 0, bad = 0, skipped = 0;
  for (const runner_test *t = tests; t; t = t->next) {
    if (!t->name) continue;
    int status = run_apart(t);
    run++;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) continue;
    if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED) {
      skipped++;
      continue;
    }
    bad++;
    if (WIFSIGNALED(status))
      fprintf(stderr, "%s::%s: %s\n", t->suite, t->name, strsignal(WTERMSIG(status)));
    else
      fprintf(stderr, "%s::%s: exit code %d\n", t->suite, t->name, WEXITSTATUS(status));
  }
  fprintf(stderr, "%d tests, %d failed, %d skipped\n", run, bad, skipped);
  return bad != 0;
}
