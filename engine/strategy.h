/* A strategy is one way to run a problem: what it makes of one is a step. Here the two, and
 * what running a step takes whatever its strategy: pieces for the threads, words for failures. */
#ifndef ES_ENGINE_STRATEGY_H
#define ES_ENGINE_STRATEGY_H

#include <stdatomic.h>

#include "base/wide.h"
#include "engine/kernels/kernels.h"
#include "engine/problem.h"
#include "engine/thread.h"

/* What a run hands to every step. */
typedef struct es_run_args {
  void *const *base;  /* [slots]: inputs, outputs, then intermediates */
  void *workspace;    /* of this step, 64-aligned */
  es_pool *pool;      /* NULL: the calling thread alone */
  struct es_ctx *ctx; /* NULL, or asked for cancel and progress */
  es_error *error;
  struct es_run_watch *watch; /* NULL: of no interest */
  int64_t moved;              /* bytes that this piece of the output lies behind the first */
} es_run_args;

/* Byte `at` of a slot; NULL for one without memory: without elements, or kept by its step alone. */
static inline char *es_run_at(const es_run_args *args, int slot, int64_t at) {
  char *base = args->base[slot];
  return base ? base + at : NULL;
}

/* How far a run has come, in multiply-adds, and whether it is to go on. */
typedef struct es_run_watch {
  double done, total; /* before the step that runs */
  double step;        /* of that step */
  double told;        /* when, in seconds */
  atomic_bool stop;   /* cancel has said so once: all that ask again must hear the same */
} es_run_watch;

typedef struct es_step es_step;
typedef struct es_strategy es_strategy;

struct es_step {
  const es_strategy *strategy;
  /* OK, OVERFLOW (with *args->error filled, position named), CANCELLED, or LIMIT: time is up. */
  es_status (*run)(const es_step *step, const es_run_args *args);
  const es_problem *problem; /* as it was made for; canonical */
  void *data;                /* the strategy's own, in the plan's arena */
  uint64_t workspace;        /* bytes the step needs while it runs */
  int64_t hold_bytes;        /* what hold() would take; 0: nothing to hold */
  int held;                  /* 1 + the operand of which data holds a copy, so that the run does
                                not read it; 0: none */
  bool writes_over;          /* what it writes may lie where an operand does: an element is read
                                before the one in its place is written */
  bool alone;                /* over before another thread is awake: runs on one */
  double predicted;          /* seconds, by cost() */
  double flops, bytes;
};

typedef struct es_plan_env {
  es_arena *arena;           /* of the plan */
  const es_kernels *kernels; /* chosen ISA */
  int threads;
} es_plan_env;

struct es_strategy {
  const char *name;
  bool (*applicable)(const es_problem *p, const es_plan_env *env);
  double (*cost)(const es_problem *p, const es_plan_env *env); /* seconds */
  es_status (*make)(const es_problem *p, const es_plan_env *env, es_step *step);
  void (*print)(const es_step *step, char *buf, size_t cap); /* one line, no '\n' */
  /* NULL, or: base[slot] holds the elements of sides that are fixed. Packs what of them
   * every run would pack, into the plan's arena, and tells so in step->held. Nothing to do where
   * step->hold_bytes is 0. */
  es_status (*hold)(es_step *step, const es_plan_env *env, void *const *base);
};

/* The least seconds of work for which a thread is called. */
#define ES_STEP_PIECE 8e-6
/* Multiply-adds after which cancel is asked for: some milliseconds of the slowest kernel. */
#define ES_STEP_ASK (1 << 24)
/* Runs task over [0, units) in pieces, on the pool, asking for cancel in between. The
 * number of pieces depends on the predicted seconds and on the threads. A task that fails
 * ends the run; it need not word its error. */
typedef es_status (*es_step_task)(const es_step *step, const es_run_args *args, int64_t from,
                                  int64_t to);
es_status es_step_split(const es_step *step, const es_run_args *args, int64_t units,
                        es_step_task task);
/* Between two pieces of a step: asks for cancel and, on the calling thread (worker 0),
 * tells now and then that this part of the step, 0 … 1, is done. True: stop. */
bool es_step_pause(const es_run_args *args, int worker, double part);
bool es_step_stops(const es_run_args *args); /* without the telling */

/* Failures of a run, worded. offset: of the output element, from the start of its
 * array. OVERFLOW: the value does not fit the output's type; _wide: not even 128
 * bits. EMPTY: max or min of nothing. */
es_status es_step_overflow(const es_problem *p, int64_t offset, es_i128 value, es_error *error);
es_status es_step_overflow_wide(const es_problem *p, int64_t offset, es_error *error);
es_status es_step_overflow_real(const es_problem *p, int64_t offset, double value, es_error *error);
es_status es_step_empty(const es_problem *p, int64_t offset, es_error *error);
es_status es_step_cancelled(const es_run_args *args);

#endif
