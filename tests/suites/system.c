/* System calls fail in turn, each with several reasons, while files are saved and loaded: a
 * save leaves the old file or the new one, whole, and nothing beside it; errors name the
 * file and the reason; no descriptor leaks; what only interrupts is taken up again. Then
 * saving processes are killed. Last, threads cannot be had: the bits stay the same.
 *
 *   system [KILLS]
 *
 * The linker sends the calls of the library through here (tests/CMakeLists.txt). */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "einstride/io.h"
#include "tests/suites/suite.h"
#include "tests/support/files.h"

/* ---- the seam ---------------------------------------------------------------------------- */

typedef enum call {
  NO_CALL,
  OPEN,
  OPENAT,
  STAT,
  FSTAT,
  FCHMOD,
  PREAD,
  PWRITE,
  FSYNC,
  CLOSE,
  RENAMEAT,
  UNLINKAT,
  THREAD,
  CALLS
} call;
static const char *const call_names[CALLS] = {
    "",       "open",  "openat", "stat",     "fstat",    "fchmod",        "pread",
    "pwrite", "fsync", "close",  "renameat", "unlinkat", "pthread_create"};

static struct {
  call which;
  int reason;    /* errno */
  int countdown; /* 0: the next one fails */
  bool on;       /* and all after it */
  size_t most;   /* bytes that a read or a write takes; 0: all */
} fault;

static bool strikes(call c) {
  if (fault.which != c) return false;
  if (fault.countdown-- > 0 || (fault.countdown < -1 && !fault.on)) return false;
  errno = fault.reason;
  return true;
}
static bool struck(void) { return fault.countdown < 0; }
static size_t at_most(size_t n) { return fault.most && n > fault.most ? fault.most : n; }

/* What calls are named where positions and times have 64 bits and addresses 32. */
#if defined(_TIME_BITS)
#define NAMED(name, large) large
#else
#define NAMED(name, large) name
#endif
#define WRAP(type, name, parameters, arguments, c, failure)                                        \
  WRAP_NAMED(type, name, parameters, arguments, c, failure)
#define WRAP_NAMED(type, name, parameters, arguments, c, failure)                                  \
  type __real_##name parameters;                                                                   \
  type __wrap_##name parameters;                                                                   \
  type __wrap_##name parameters { return strikes(c) ? (failure) : __real_##name arguments; }

WRAP(int, NAMED(stat, __stat64_time64), (const char *path, struct stat *st), (path, st), STAT, -1)
WRAP(int, NAMED(fstat, __fstat64_time64), (int fd, struct stat *st), (fd, st), FSTAT, -1)
WRAP(int, fchmod, (int fd, mode_t mode), (fd, mode), FCHMOD, -1)
WRAP(ssize_t, NAMED(pread, pread64), (int fd, void *out, size_t n, off_t at),
     (fd, out, at_most(n), at), PREAD, -1)
WRAP(ssize_t, NAMED(pwrite, pwrite64), (int fd, const void *in, size_t n, off_t at),
     (fd, in, at_most(n), at), PWRITE, -1)
WRAP(int, fsync, (int fd), (fd), FSYNC, -1)
WRAP(int, renameat, (int a, const char *from, int b, const char *to), (a, from, b, to), RENAMEAT,
     -1)
WRAP(int, unlinkat, (int dir, const char *path, int flags), (dir, path, flags), UNLINKAT, -1)
WRAP(int, pthread_create,
     (pthread_t * thread, const pthread_attr_t *how, void *(*run)(void *), void *arg),
     (thread, how, run, arg), THREAD, EAGAIN)

WRAP(int, NAMED(open, open64), (const char *path, int flags, ...), (path, flags), OPEN, -1)
WRAP(int, NAMED(openat, openat64), (int dir, const char *path, int flags, mode_t mode),
     (dir, path, flags, mode), OPENAT, -1)
/* The descriptor is gone even where close fails. */
int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd) {
  int closed = __real_close(fd);
  return strikes(CLOSE) ? -1 : closed;
}

static void obey(void) { memset(&fault, 0, sizeof fault); }

/* ---- files ---------------------------------------------------------------------------------- */

static const char *const names[] = {
    "x.npy",
    "x.npz",
    "stored.npz",
#ifdef ES_HAVE_PNG
    "x.png",
#endif
};
enum { NAMES = sizeof names / sizeof *names };

static es_ctx *es;
static es_tensor *old_x, *new_x;

static es_status save_to(const char *path, es_tensor *x) {
  const char *entry = "x";
  if (!strstr(path, ".npz")) return es_save(es, path, x);
  return es_save_npz(es, path, &entry, &x, 1, !strstr(path, "stored"));
}
static es_status save(const char *name, es_tensor *x) { return save_to(test_scratch(name), x); }

static es_tensor *load_from(const char *path) {
  const char *entry;
  es_tensor *x = NULL;
  if (!strstr(path, ".npz")) return es_load(es, path);
  es_load_npz(es, path, &entry, &x, 1);
  return x;
}
static es_tensor *load(const char *name) { return load_from(test_scratch(name)); }

static bool equal(const es_tensor *a, const es_tensor *b) {
  return a && es_size(a) == es_size(b) && !memcmp(es_data(a), es_data(b), (size_t)es_size(b));
}

static void must_save(const char *name, es_tensor *x) {
  REQUIRE(save(name, x) == ES_OK, "%s: %s", name, es_error_text(es));
}

static int descriptors(void) { return test_count_entries("/proc/self/fd"); }

static bool is_interruption(void) {
  return fault.reason == EINTR &&
         (fault.which == PREAD || fault.which == PWRITE || fault.which == FSYNC ||
          fault.which == CLOSE || fault.which == OPEN || fault.which == OPENAT);
}

#define WHERE "%s, %s fails at time %d with %s: "
#define AT name, call_names[f.which], nth, strerror(f.reason)

static void check_error(const char *name, int nth) {
  __typeof__(fault) f = fault;
  const char *text = es_error_text(es);
  REQUIRE(es_ctx_error(es)->status == ES_E_IO, WHERE "%s", AT, text);
  REQUIRE(strstr(text, name) && strstr(text, strerror(f.reason)), WHERE "%s", AT, text);
}

static long long injected;

/* False: the save makes fewer than nth such calls. */
static bool save_with_fault(const char *name, call which, int reason, int nth) {
  must_save(name, old_x);
  int before = descriptors();
  fault = (__typeof__(fault)){.which = which, .reason = reason, .countdown = nth};
  es_status status = save(name, new_x);
  __typeof__(fault) f = fault;
  bool hit = struck(), interrupted = is_interruption();
  if (status != ES_OK) check_error(name, nth);
  obey();
  REQUIRE(descriptors() == before, WHERE "a descriptor leaks", AT);
  bool may_stay = which == UNLINKAT; /* asked to remove it, and refused */
  REQUIRE(test_count_entries(test_scratch_dir()) == 1 || may_stay, WHERE "a file stayed", AT);
  es_clear_error(es);
  es_tensor *x = load(name);
  bool is_new = equal(x, new_x), is_old = equal(x, old_x);
  REQUIRE(is_new || is_old, WHERE "the file is neither old nor new: %s", AT, es_error_text(es));
  REQUIRE(is_new || status != ES_OK, WHERE "the old file, and no error", AT);
  REQUIRE(status == ES_OK || hit, WHERE "an error of its own", AT);
  REQUIRE(!(hit && interrupted) || status == ES_OK, WHERE "an interruption ended it", AT);
  /* After the file is in place only the directory's fsync can fail. */
  REQUIRE(status == ES_OK || is_old || which == FSYNC, WHERE "an error, and the new file", AT);
  /* Whoever cannot close or remove has saved all the same. */
  REQUIRE(status != ES_OK || !hit || interrupted || which == CLOSE || which == UNLINKAT,
          WHERE "unnoticed", AT);
  injected += hit;
  return hit;
}

static bool load_with_fault(const char *name, const char *path, const es_tensor *want, call which,
                            int reason, int nth) {
  int before = descriptors();
  fault = (__typeof__(fault)){.which = which, .reason = reason, .countdown = nth};
  es_tensor *x = load_from(path);
  __typeof__(fault) f = fault;
  bool hit = struck(), interrupted = is_interruption();
  if (!x) check_error(name, nth);
  obey();
  es_clear_error(es);
  REQUIRE(descriptors() == before, WHERE "a descriptor leaks", AT);
  REQUIRE(!x || equal(x, want), WHERE "wrong values", AT);
  REQUIRE(x || (hit && !interrupted), WHERE "an interruption ended it", AT);
  REQUIRE(!x || !hit || interrupted || which == CLOSE, WHERE "unnoticed", AT);
  injected += hit;
  return hit;
}

static void every_call(void) {
  static const int reasons[] = {EIO, ENOSPC, EACCES, EINTR};
  for (int n = 0; n < NAMES; n++)
    for (call c = OPEN; c < THREAD; c++)
      for (size_t r = 0; r < sizeof reasons / sizeof *reasons; r++) {
        for (int nth = 0; save_with_fault(names[n], c, reasons[r], nth); nth++) continue;
        must_save(names[n], new_x);
        for (int nth = 0;
             load_with_fault(names[n], test_scratch(names[n]), new_x, c, reasons[r], nth); nth++)
          continue;
        unlink(test_scratch(names[n]));
      }
  static const char *const others[] = {
      "u1.idx",
      "u1.idx.gz",
#ifdef ES_HAVE_PNG
      "palette.png",
#endif
  };
  for (size_t n = 0; n < sizeof others / sizeof *others; n++) {
    es_tensor *want = load_from(test_data(others[n]));
    REQUIRE(want, "%s", es_error_text(es));
    for (call c = OPEN; c < THREAD; c++)
      for (size_t r = 0; r < sizeof reasons / sizeof *reasons; r++)
        for (int nth = 0;
             load_with_fault(others[n], test_data(others[n]), want, c, reasons[r], nth); nth++)
          continue;
  }
}

static void short_reads_and_writes(void) {
  for (size_t most = 1; most < 600; most = most * 2 + 1)
    for (int n = 0; n < NAMES; n++) {
      fault.most = most;
      must_save(names[n], new_x);
      REQUIRE(equal(load(names[n]), new_x), "%s, %zu bytes at a time: %s", names[n], most,
              es_error_text(es));
      obey();
      unlink(test_scratch(names[n]));
    }
}

/* ---- kill -9 ------------------------------------------------------------------------------------
 */

static _Noreturn void save_until_killed(const char *path) {
  for (int i = 0;; i++)
    if (save_to(path, i % 2 ? old_x : new_x) != ES_OK) _exit(1);
}

static uint64_t random_state = 88172645463325252u;
static unsigned roll(unsigned sides) {
  random_state ^= random_state << 13, random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return (unsigned)(random_state >> 33) % sides;
}

static void kills(long long count) {
  long long was_new = 0;
  for (long long i = 0; i < count; i++) {
    const char *name = names[i % NAMES];
    must_save(name, old_x);
    const char *path = test_scratch(name);
    pid_t child = fork();
    REQUIRE(child >= 0, "no process");
    if (child == 0) save_until_killed(path);
    struct timespec pause = {0, 1000 * (long)(50 + roll(1000))};
    nanosleep(&pause, NULL);
    kill(child, SIGKILL);
    int status;
    waitpid(child, &status, 0);
    REQUIRE(WIFSIGNALED(status), "%s: the save failed by itself", name);
    es_scope_push(es);
    es_tensor *x = load(name);
    REQUIRE(equal(x, old_x) || equal(x, new_x), "%s, kill %lld: neither old nor new: %s", name, i,
            es_error_text(es));
    was_new += equal(x, new_x);
    must_save(name, new_x); /* what a killed one left does not stop the next */
    es_scope_pop(es);
  }
  printf("%lld saving processes killed: %lld times the new file, else the old one\n", count,
         was_new);
}

/* ---- threads
 * --------------------------------------------------------------------------------------- */

static void fewer_threads(void) {
  static const int64_t shape[] = {301, 257};
  es_tensor *results[9];
  int n = 0;
  for (int nth = -1; nth < 7; nth++) {
    es_ctx *ctx = es_ctx_create(&(es_config){.threads = nth < 0 ? 1 : 8, .seed = 3});
    fault = (__typeof__(fault)){.which = nth < 0 ? NO_CALL : THREAD, .countdown = nth, .on = true};
    es_tensor *a = es_randn(ctx, ES_F32, 2, shape);
    es_tensor *c = es_einsum(ctx, "i k, j k -> i j", ES_IN(a, a), NULL);
    REQUIRE(c, "thread %d cannot be made: %s", nth, es_error_text(ctx));
    REQUIRE(nth < 0 || struck(), "no thread was asked for");
    obey();
    results[n++] = es_retain(c);
    size_t bytes = (size_t)es_size(c) * sizeof(float);
    REQUIRE(!memcmp(es_data(c), es_data(results[0]), bytes), "other bits with %d threads", nth + 1);
    es_ctx_destroy(ctx);
  }
  while (n) es_release(results[--n]);
}

int main(int argc, char **argv) {
  static const int64_t small[2] = {3, 4}, large[2] = {300, 200};
  long long n = suite_count(argc, argv, 1, 100);
  double start = suite_seconds();
  es = es_ctx_create(NULL);
  old_x = es_ramp(es, ES_U8, 2, small);
  /* Noise, and more of it than zlib keeps to itself before the end. */
  new_x = es_cast(
      es, es_binary_scalar(es, ES_MUL, es_rand(es, ES_F64, 2, large), 255, false, false), ES_U8);
  REQUIRE(old_x && new_x, "%s", es_error_text(es));
  every_call();
  short_reads_and_writes();
  printf("%lld system calls failed\n", injected);
  kills(n);
  fewer_threads();
  printf("%.0f s\n", suite_seconds() - start);
  es_ctx_destroy(es);
  return 0;
}
