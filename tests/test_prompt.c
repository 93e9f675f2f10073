/* The prompt on a pseudo-terminal: how long it takes, how it is interrupted, how it
 * ends. What it shows is in scripts/prompt.sh. Every wait is for a text. The figures
 * that people feel are printed; the limits are wide, for machines with other work. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "einstride.h"
#include "support/speed.h"

#define PROGRAM ES_BINARY_DIR "/bin/einstride"
#define DRAWN "\033[?25h" /* ends every drawing of the line */

enum { PATIENCE = 20 * TEST_SLACK }; /* times a limit: the machine may be loaded */

typedef struct terminal {
  pid_t child;
  int fd;
  char text[1 << 16]; /* since the last forget */
  size_t len;
} terminal;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static char state[] = "/tmp/es_prompt_XXXXXX";

static void start(terminal *t) {
  struct winsize size = {.ws_row = 24, .ws_col = 80};
  *t = (terminal){0};
  t->child = forkpty(&t->fd, NULL, NULL, &size);
  if (t->child < 0) cr_skip_test("no terminal to be had on this system");
  if (t->child == 0) {
    setenv("TERM", "xterm-256color", 1);
    setenv("XDG_STATE_HOME", state, 1);
    unsetenv("INPUTRC");
    execl(PROGRAM, PROGRAM, "--threads", "1", (char *)NULL);
    _exit(127);
  }
}

/* Reads until text stands in what was written since the last forget. */
static void await(terminal *t, const char *text) {
  double end = now() + 20;
  while (!strstr(t->text, text)) {
    struct pollfd fd = {t->fd, POLLIN, 0};
    int left = (int)((end - now()) * 1e3);
    cr_assert(left > 0 && poll(&fd, 1, left) > 0, "no '%s' in '%s'", text, t->text);
    if (t->len > sizeof t->text / 2) t->len = 0;
    ssize_t n = read(t->fd, t->text + t->len, sizeof t->text - t->len - 1);
    cr_assert_gt(n, 0, "the program ended: '%s'", t->text);
    t->len += (size_t)n;
    t->text[t->len] = '\0';
  }
}

/* The same for first, and then second behind it. */
static void await_both(terminal *t, const char *first, const char *second) {
  await(t, first);
  char *rest = strstr(t->text, first) + strlen(first);
  size_t from = (size_t)(rest - t->text);
  t->len -= from;
  memmove(t->text, rest, t->len + 1);
  await(t, second);
}

static void forget(terminal *t) {
  t->len = 0;
  t->text[0] = '\0';
}

static void type(terminal *t, const char *keys) {
  forget(t);
  cr_assert_eq(write(t->fd, keys, strlen(keys)), (ssize_t)strlen(keys));
}

/* The exit code; what is still written is read, or the program could not end. */
static int finish(terminal *t) {
  char rest[4096];
  int status;
  while (read(t->fd, rest, sizeof rest) > 0)
    ;
  waitpid(t->child, &status, 0);
  close(t->fd);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void set_up(void) {
  if (access(PROGRAM, X_OK) != 0) cr_skip_test("built without the binary");
  signal(SIGPIPE, SIG_IGN);
  cr_assert_not_null(mkdtemp(state));
}

static void tear_down(void) {
  char command[100];
  snprintf(command, sizeof command, "rm -rf %s", state);
  cr_assert_eq(system(command), 0);
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

TestSuite(prompt, .init = set_up, .fini = tear_down, .timeout = 120);

Test(prompt, starts_at_once) {
  double times[9];
  for (int i = 0; i < 9; i++) {
    terminal t;
    double before = now();
    start(&t);
    await(&t, DRAWN);
    times[i] = now() - before;
    type(&t, "\004");
    cr_assert_eq(finish(&t), 0, "the end of input");
  }
  qsort(times, 9, sizeof *times, by_size);
  printf("start to prompt: %.1f ms (median of 9)\n", 1e3 * times[4]);
  cr_assert_lt(times[4], 0.010 * PATIENCE);
}

Test(prompt, a_key_shows_at_once) {
  static const char line[] =
      "einsum('batch (group channel) (2*height+kernel_h-1)?0 (2*width+kernel_w-1)?0, "
      "(group out) channel kernel_h kernel_w -> batch (group out) height width', images, "
      "weights, group=4) * 0.5 + images[0, 0, 0, 0]   ";
  enum { KEYS = sizeof line - 1 };
  cr_assert_geq(KEYS, 200);
  double times[KEYS];
  terminal t;
  start(&t);
  await(&t, DRAWN);
  type(&t, "images = randn(8, 64, 56, 56); weights = randn(64, 16, 3, 3); 1\r");
  await_both(&t, "\r1\r\n", DRAWN);
  for (int i = 0; i < KEYS; i++) {
    char key[2] = {line[i], '\0'};
    double before = now();
    type(&t, key);
    await(&t, DRAWN);
    times[i] = now() - before;
  }
  type(&t, "\f"); /* all is drawn again, with the hint */
  await(&t, "height:28 width:28]");
  double last = times[KEYS - 1];
  qsort(times, KEYS, sizeof *times, by_size);
  printf("key to screen over %d keys: median %.2f ms, slowest %.2f ms, the last %.2f ms\n", KEYS,
         1e3 * times[KEYS / 2], 1e3 * times[KEYS - 1], 1e3 * last);
  cr_assert_lt(times[KEYS / 2], 0.005 * PATIENCE);
  type(&t, "\001\013.quit\r"); /* to the begin of the line, and away with it */
  cr_assert_eq(finish(&t), 0);
}

Test(prompt, interrupts) {
#if defined __SANITIZE_THREAD__
  cr_skip_test("clang's checks keep a signal until a call that they know, which pselect is not");
#endif
  terminal t;
  start(&t);
  await(&t, DRAWN);
  type(&t, "x = 41; a = ones(4000, 4000, dtype='f64'); 2\r");
  await_both(&t, "\r2\r\n", DRAWN);
  /* The line is dropped, and what was typed does not run. */
  type(&t, "x = 5");
  await_both(&t, "x = 5", DRAWN);
  sleep(2); /* two interrupts within two seconds leave */
  type(&t, "\003");
  await_both(&t, "\r\n", DRAWN);
  type(&t, "x\r");
  await_both(&t, "\r41\r\n", DRAWN);
  sleep(2);
  type(&t, "b = einsum('i j, j k, k l, l m, m n, n o -> i o', a, a, a, a, a, a)\r");
  await(&t, "GFLOP"); /* the bar: a second has gone by */
  cr_assert(strstr(t.text, "left"), "the bar says how long it takes: '%s'", t.text);
  double before = now();
  type(&t, "\003");
  await(&t, "ES_E_CANCELLED");
  double took = now() - before;
  printf("a contraction stopped after %.0f ms\n", 1e3 * took);
  cr_assert_lt(took, 0.050 * PATIENCE);
  await_both(&t, "]", DRAWN);
  type(&t, "x\r");
  await_both(&t, "\r41\r\n", DRAWN);
  sleep(2);
  type(&t, "\003");
  await_both(&t, "\r\n", DRAWN);
  type(&t, "\003");
  cr_assert_eq(finish(&t), 130);
}

Test(prompt, remembers_statements) {
  terminal t;
  char path[100], text[200];
  start(&t);
  await(&t, DRAWN);
  type(&t, "y = (1,\r");
  await(&t, "... ");
  type(&t, "'\\n')\r");
  await_both(&t, "\r\n", DRAWN);
  type(&t, "y\r");
  await_both(&t, "(1, '\\n')\r\n", DRAWN);
  type(&t, ".quit\r");
  cr_assert_eq(finish(&t), 0);
  struct stat info;
  snprintf(path, sizeof path, "%s/einstride/history", state);
  cr_assert_eq(stat(path, &info), 0);
  cr_assert_eq(info.st_mode & 0777, 0600);
  FILE *file = fopen(path, "r");
  text[fread(text, 1, sizeof text - 1, file)] = '\0';
  fclose(file);
  cr_assert_str_eq(text, "y = (1,\\n'\\\\n')\ny\n.quit\n");
  /* Another session goes back to it, as one entry over two lines. */
  start(&t);
  await(&t, DRAWN);
  type(&t, "\020\020\020\r");
  await_both(&t, "2004l", DRAWN);
  type(&t, "y[0]\r");
  await(&t, "\r1\r\n");
  type(&t, ".quit\r");
  cr_assert_eq(finish(&t), 0);
}
