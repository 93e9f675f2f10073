/* Contraction: a look at the values of the operands, as fast as memory. */
#include "engine/strategies/gemm_values.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/checked.h"
#include "engine/boxes.h"

enum { AT_ONCE = 1 << 15 }; /* values that a task looks at */

/* Where every element of an operand, or of the part of it that a box sees, lies, each once if they
 * can be told apart by strides: rows along its shortest one. */
typedef struct scan {
  int operand;
  int64_t begin; /* bytes from its base */
  es_gemm_axes outer;
  int64_t row, step;  /* elements of a row, and their distance */
  int64_t rows, cuts; /* of a task, and tasks of a row: one of the two is 1 */
  int64_t tasks;
} scan;

struct es_gemm_values {
  const es_problem *problem;
  int n;
  scan *scan; /* [n] */
};

/* ---- where they lie ------------------------------------------------------------- */

typedef struct walk_axis {
  int64_t extent, stride; /* elements */
} walk_axis;

/* The axes that move an operand, the shortest stride first. */
static int moving_axes(const es_problem *p, const es_side *side, walk_axis *axis) {
  int n = 0;
  for (int a = 0; a < p->rank; a++) {
    if (!side->stride[a] || p->extent[a] == 1) continue;
    int at = n++;
    for (; at > 0 && llabs(axis[at - 1].stride) > llabs(side->stride[a]); at--)
      axis[at] = axis[at - 1];
    axis[at] = (walk_axis){p->extent[a], side->stride[a]};
  }
  return n;
}

/* Makes one axis of two where the steps of the longer one leave no gap between the runs of the
 * shorter: they overlap, as windows do, or touch. The same elements, each once. */
static bool join_axes(walk_axis *shorter, const walk_axis *longer) {
  int64_t ratio = longer->stride / shorter->stride, extent;
  if (longer->stride % shorter->stride || ratio < 1 || ratio > shorter->extent) return false;
  if (!es_mul_i64(ratio, longer->extent - 1, &extent)) return false;
  return es_add_i64(extent, shorter->extent, &shorter->extent);
}

/* Of p, or of a box of it. */
static bool make_scan(es_arena *arena, const es_problem *p, int operand, scan *s) {
  const es_side *side = &p->in[operand];
  walk_axis axis[ES_GEMM_MAX_AXES];
  *s = (scan){.operand = operand, .begin = es_side_begin(side), .row = 1, .step = 1};
  s->outer.extent = ES_NEW_N(arena, int64_t, p->rank);
  s->outer.stride[ES_GEMM_X] = ES_NEW_N(arena, int64_t, p->rank);
  if (!s->outer.extent || !s->outer.stride[ES_GEMM_X]) return false;
  if (es_problem_points(p) == 0) return true; /* a box without taps may begin anywhere */
  s->outer.count = 1;
  for (int i = 0, n = moving_axes(p, side, axis); i < n;) {
    walk_axis joined = axis[i++];
    while (i < n && join_axes(&joined, &axis[i])) i++;
    if (s->row == 1) { /* the first */
      s->row = joined.extent;
      s->step = joined.stride;
      continue;
    }
    s->outer.extent[s->outer.n] = joined.extent;
    s->outer.stride[ES_GEMM_X][s->outer.n++] = joined.stride * (int64_t)es_dtype_size(side->dtype);
    s->outer.count *= joined.extent;
  }
  s->cuts = es_ceil_div(s->row, AT_ONCE);
  s->rows = s->cuts > 1 ? 1 : AT_ONCE / s->row;
  s->tasks = es_ceil_div(s->outer.count, s->rows) * s->cuts;
  return true;
}

/* Whether all that a scan sees lies in the run of memory [begin, end). */
static bool lies_in(const scan *s, int64_t each, int64_t begin, int64_t end) {
  int64_t low = s->begin, high = s->begin + each, along = (s->row - 1) * s->step * each;
  *(along < 0 ? &low : &high) += along;
  for (int a = 0; a < s->outer.n; a++) {
    along = (s->outer.extent[a] - 1) * s->outer.stride[ES_GEMM_X][a];
    *(along < 0 ? &low : &high) += along;
  }
  return low >= begin && high <= end;
}

/* Boxes see much of what other boxes see: those that see nothing but a part of the longest run
 * without gaps are of no use. Returns how many stay. */
static int drop_seen(scan *s, int n, int64_t each) {
  const scan *longest = NULL;
  int kept = 0;
  for (const scan *q = s; q < s + n; q++)
    if (q->outer.count == 1 && q->step == 1 && (!longest || q->row > longest->row)) longest = q;
  if (!longest) return n;
  const int64_t begin = longest->begin, end = begin + longest->row * each;
  for (int i = 0; i < n; i++)
    if (&s[i] == longest || !lies_in(&s[i], each, begin, end)) s[kept++] = s[i];
  return kept;
}

es_gemm_values *es_gemm_values_make(es_arena *arena, const es_problem *p, int x) {
  es_gemm_values *v = ES_NEW(arena, es_gemm_values);
  es_arena scratch;
  es_arena_init(&scratch, &arena->allocator);
  es_problem **box = NULL;
  int n = 1, seen = 0;
  es_status status;
  bool done = v && (!p->n_constraints ||
                    es_problem_boxes(&scratch, p, ES_GEMM_BOXES, &n, &box, &status));
  scan *s = done ? ES_NEW_N(arena, scan, n + 1) : NULL;
  done = s && make_scan(arena, p, 1 - x, s);
  for (int i = 0; done && i < n; i++) {
    done = make_scan(arena, box ? box[i] : p, x, &s[1 + seen]);
    seen += s[1 + seen].tasks > 0;
  }
  es_arena_free(&scratch);
  if (!done) return NULL;
  seen = drop_seen(s + 1, seen, (int64_t)es_dtype_size(p->in[x].dtype));
  *v = (es_gemm_values){.problem = p, .n = 1 + seen, .scan = s};
  return v;
}

/* ---- the look --------------------------------------------------------------------- */

typedef struct extremes {
  _Atomic int64_t least, most;
} extremes;

typedef struct look {
  const es_gemm_values *values;
  const es_kernels *kernels;
  const es_run_args *args;
  extremes seen[2];
} look;

static void widen(extremes *e, int64_t low, int64_t high) {
  int64_t least = atomic_load(&e->least), most = atomic_load(&e->most);
  while (low < least && !atomic_compare_exchange_weak(&e->least, &least, low)) {
  }
  while (high > most && !atomic_compare_exchange_weak(&e->most, &most, high)) {
  }
}

static void look_at(void *arg, int64_t index, int worker) {
  look *l = arg;
  const scan *s = l->values->scan;
  for (; index >= s->tasks; s++) index -= s->tasks;
  const es_side *side = &l->values->problem->in[s->operand];
  const int64_t first = index / s->cuts * s->rows, cut = index % s->cuts;
  const int64_t from = s->row * cut / s->cuts, to = s->row * (cut + 1) / s->cuts;
  const int64_t end = first + s->rows < s->outer.count ? first + s->rows : s->outer.count;
  const char *base = es_run_at(l->args, side->slot, s->begin);
  base += from * s->step * (int64_t)es_dtype_size(side->dtype);
  int64_t least = INT64_MAX, most = INT64_MIN, at[64];
  for (int64_t r = first, some; r < end; r += some) {
    some = end - r < 64 ? end - r : 64;
    es_gemm_offsets(&s->outer, ES_GEMM_X, r, some, at);
    for (int64_t i = 0; i < some; i++)
      l->kernels->gemm->extremes[side->dtype](base + at[i], s->step, to - from, &least, &most);
  }
  widen(&l->seen[s->operand], least, most);
  (void)worker;
}

void es_gemm_values_look(const es_gemm_values *v, const es_kernels *kernels, int threads,
                         const es_run_args *args, es_gemm_extremes seen[2]) {
  look l = {.values = v, .kernels = kernels, .args = args};
  int64_t tasks = 0;
  for (int i = 0; i < v->n; i++) tasks += v->scan[i].tasks;
  for (int i = 0; i < 2; i++)
    if (v->problem->in[i].dtype == ES_BF16) atomic_init(&l.seen[i].least, UINT16_MAX);
  es_pool_run_by(args->pool, threads, tasks, look_at, &l);
  for (int i = 0; i < 2; i++)
    seen[i] = (es_gemm_extremes){atomic_load(&l.seen[i].least), atomic_load(&l.seen[i].most)};
}
