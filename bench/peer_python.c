/* NumPy and PyTorch in a process of their own each, spoken to over pipes. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/bench.h"

typedef struct python {
  const char *library;
  pid_t pid;
  FILE *to, *from;
  char line[512];
} python;

static python numpy = {.library = "numpy"}, torch = {.library = "torch"};

static bool answer(python *p) { return fgets(p->line, sizeof p->line, p->from) != NULL; }

static bool open_python(python *p, int threads) {
  int in[2], out[2];
  /* Closed on exec: a later rival must not hold an earlier one's input open. */
  if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC)) return false;
  p->pid = fork();
  if (p->pid == 0) {
    char count[16];
    snprintf(count, sizeof count, "%d", threads);
    /* The libraries read these once, when they are loaded. */
    setenv("OPENBLAS_NUM_THREADS", count, 1);
    setenv("OMP_NUM_THREADS", count, 1);
    dup2(in[0], 0), dup2(out[1], 1);
    execl("/usr/bin/python3", "python3", BENCH_DIR "/peers.py", p->library, count, (char *)NULL);
    _exit(127);
  }
  close(in[0]), close(out[1]);
  p->to = fdopen(in[1], "w"), p->from = fdopen(out[0], "r");
  return p->pid > 0 && p->to && p->from && answer(p) && !strncmp(p->line, "ready", 5);
}

static void close_python(python *p) {
  if (p->to) fclose(p->to);
  if (p->from) fclose(p->from);
  if (p->pid > 0) waitpid(p->pid, NULL, 0);
  p->to = p->from = NULL;
  p->pid = 0;
}

static bool prepare(python *p, const bench_case *c, const char *code, int64_t out_elements) {
  if (!*code) return false;
  fprintf(p->to, "case %s | ", c->name);
  for (int i = 0; i < c->n; i++) {
    if (i) fputc(',', p->to);
    if (!c->rank[i]) fputs("scalar", p->to);
    for (int a = 0; a < c->rank[i]; a++)
      fprintf(p->to, a ? "x%lld" : "%lld", (long long)c->shape[i][a]);
  }
  fprintf(p->to, " | %s\n", code);
  fflush(p->to);
  if (!answer(p)) return false;
  if (strncmp(p->line, "ok ", 3)) {
    fprintf(stderr, "%s: %s: %s", c->name, p->library, p->line);
    return false;
  }
  return strtoll(p->line + 3, NULL, 10) == out_elements;
}

static double ask(python *p, const char *question) {
  fputs(question, p->to);
  fflush(p->to);
  return answer(p) ? strtod(p->line, NULL) : 1e30;
}

static double run(python *p, int times) {
  char question[32];
  snprintf(question, sizeof question, "run %d\n", times);
  return ask(p, question);
}

static bool numpy_open(int threads) { return open_python(&numpy, threads); }
static bool numpy_prepare(const bench_case *c, float *const *in, int64_t n) {
  return (void)in, prepare(&numpy, c, c->numpy, n);
}
static double numpy_run(int times) { return run(&numpy, times); }
static double numpy_checksum(void) { return ask(&numpy, "sum\n"); }
static void numpy_close(void) { close_python(&numpy); }

static bool torch_open(int threads) { return open_python(&torch, threads); }
static bool torch_prepare(const bench_case *c, float *const *in, int64_t n) {
  return (void)in, prepare(&torch, c, c->torch, n);
}
static double torch_run(int times) { return run(&torch, times); }
static double torch_checksum(void) { return ask(&torch, "sum\n"); }
static void torch_close(void) { close_python(&torch); }

static void finish(void) {}

const bench_peer bench_numpy = {"NumPy",        numpy_open, numpy_prepare, numpy_run,
                                numpy_checksum, finish,     numpy_close};
const bench_peer bench_torch = {"PyTorch",      torch_open, torch_prepare, torch_run,
                                torch_checksum, finish,     torch_close};
