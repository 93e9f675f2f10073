/* NumPy, PyTorch and einops in a process of their own each, spoken to over pipes. Arrays
 * go through files without a name, which the other side opens by our descriptor. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/data.h"
#include "bench/peer.h"

typedef struct python {
  const char *library;
  pid_t pid;
  FILE *to, *from;
  int answer; /* a file of results */
  void *result;
  size_t bytes; /* of the result */
  char line[512];
} python;

static python numpy = {.library = "numpy"}, torch = {.library = "torch"},
              einops = {.library = "einops"};

/* The operands of one case, for all of them. The pages are kept from case to case. */
static int operands = -1;
static const bench_case *sent;

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
  if (operands < 0) operands = memfd_create("operands", MFD_CLOEXEC);
  p->answer = memfd_create("result", MFD_CLOEXEC);
  return p->pid > 0 && p->to && p->from && operands >= 0 && p->answer >= 0 && answer(p) &&
         !strncmp(p->line, "ready", 5);
}

static void close_python(python *p) {
  if (p->to) fclose(p->to);
  if (p->from) fclose(p->from);
  if (p->pid > 0) waitpid(p->pid, NULL, 0);
  if (p->answer > 0) close(p->answer);
  p->to = p->from = NULL;
  p->pid = 0;
  p->answer = -1;
  sent = NULL;
}

static bool send_operands(const bench_case *c, void *const *in) {
  if (sent == c) return true;
  if (lseek(operands, 0, SEEK_SET)) return false;
  for (int i = 0; i < c->n; i++) {
    size_t left = (size_t)bench_elements(c->rank[i], c->shape[i]) * es_dtype_size(c->type[i]);
    for (const char *at = in[i]; left;) {
      ssize_t done = write(operands, at, left);
      if (done <= 0) return false;
      at += done, left -= (size_t)done;
    }
  }
  sent = c;
  return true;
}

static double prepare(python *p, const bench_case *c, const char *code, void *const *in,
                      int64_t out_elements) {
  if (!*code || !send_operands(c, in)) return -1;
  fprintf(p->to, "case /proc/%d/fd/%d | ", (int)getpid(), operands);
  for (int i = 0; i < c->n; i++) {
    fprintf(p->to, "%s%s", i ? "," : "", es_dtype_name(c->type[i]));
    for (int a = 0; a < c->rank[i]; a++) fprintf(p->to, "x%lld", (long long)c->shape[i][a]);
  }
  fprintf(p->to, " | %s | %s\n", es_dtype_name(bench_out_type(c)), code);
  fflush(p->to);
  bool answered = answer(p);
  long long elements;
  double seconds;
  p->bytes = (size_t)out_elements * es_dtype_size(bench_out_type(c));
  if (!answered || sscanf(p->line, "ok %lld %lf", &elements, &seconds) != 2)
    fprintf(stderr, "%s: %s: %s", c->name, p->library, answered ? p->line : "has gone\n");
  else if (elements != out_elements)
    fprintf(stderr, "%s: %s makes %lld elements, not %lld\n", c->name, p->library, elements,
            (long long)out_elements);
  else
    return seconds;
  return -1;
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

static void finish(python *p) {
  if (p->result) munmap(p->result, p->bytes);
  p->result = NULL;
}

static const void *result(python *p) {
  char question[64];
  finish(p);
  snprintf(question, sizeof question, "save /proc/%d/fd/%d\n", (int)getpid(), p->answer);
  if ((size_t)ask(p, question) != p->bytes) return NULL;
  void *at = mmap(NULL, p->bytes, PROT_READ, MAP_SHARED, p->answer, 0);
  return at == MAP_FAILED ? NULL : (p->result = at);
}

static bool numpy_open(int threads) { return open_python(&numpy, threads); }
static double numpy_prepare(const bench_case *c, void *const *in, int64_t n) {
  return prepare(&numpy, c, c->numpy, in, n);
}
static double numpy_run(int times) { return run(&numpy, times); }
static const void *numpy_result(void) { return result(&numpy); }
static void numpy_finish(void) { finish(&numpy); }
static void numpy_close(void) { close_python(&numpy); }

static bool torch_open(int threads) { return open_python(&torch, threads); }
static double torch_prepare(const bench_case *c, void *const *in, int64_t n) {
  return prepare(&torch, c, c->torch, in, n);
}
static double torch_run(int times) { return run(&torch, times); }
static const void *torch_result(void) { return result(&torch); }
static void torch_finish(void) { finish(&torch); }
static void torch_close(void) { close_python(&torch); }

static bool einops_open(int threads) { return open_python(&einops, threads); }
static double einops_prepare(const bench_case *c, void *const *in, int64_t n) {
  return prepare(&einops, c, c->einops, in, n);
}
static double einops_run(int times) { return run(&einops, times); }
static const void *einops_result(void) { return result(&einops); }
static void einops_finish(void) { finish(&einops); }
static void einops_close(void) { close_python(&einops); }

const bench_peer bench_numpy = {"NumPy",      numpy_open,   numpy_prepare, numpy_run,
                                numpy_result, numpy_finish, numpy_close};
const bench_peer bench_torch = {"PyTorch",    torch_open,   torch_prepare, torch_run,
                                torch_result, torch_finish, torch_close};
const bench_peer bench_einops = {"einops",      einops_open,   einops_prepare, einops_run,
                                 einops_result, einops_finish, einops_close};
