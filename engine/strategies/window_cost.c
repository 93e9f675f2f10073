/* Windows: how long they take, measured; where other strategies are priced likewise, the choice
 * between them follows. */
#include <math.h>
#include <stdlib.h>

#include "engine/strategies/gemm.h"
#include "engine/strategies/window.h"

/* The contraction runs small products without blocks; it is only slower where rows are whole
 * blocks of vectors. */
static bool small_product(const es_problem *p, const es_window_roles *roles) {
  int64_t columns = p->extent[roles->along];
  return columns <= ES_GEMM_SMALL && p->extent[roles->share] <= ES_GEMM_SMALL &&
         es_problem_taps(p) <= ES_GEMM_SMALL_K && columns % (4 * roles->lanes) != 0;
}

/* Rows of x a multiple of some lines apart meet in a few sets of the first-level cache: whether a
 * block of four vectors of a chain's x does not fit there, and is too large for the first outputs
 * to leave it together. */
static bool crowds(const es_problem *p, const es_window_roles *roles) {
  const int64_t taps = (int64_t)es_problem_taps(p), chain = es_gemm_chain(taps), page = 4096;
  const int64_t bytes = (int64_t)es_dtype_size(p->out.dtype);
  const int64_t step = llabs(p->in[roles->x].stride[p->n_out]) * bytes;
  int64_t apart = page;
  while (step % apart) apart /= 2;
  const bool kept = chain * 4 * roles->lanes * bytes <= ES_WINDOW_KEPT_BYTES;
  return !kept && p->extent[p->n_out] >= 64 && chain > 12 * (page / apart < 16 ? page / apart : 16);
}

/* Seconds until x has come from memory, a few lines of a row at a time, where few outputs share it.
 */
static double far_x(const es_problem *p, const es_window_roles *roles, double shares) {
  enum { FEW = 8, LINE = 64 };
  const double bytes = es_problem_side_bytes(p, &p->in[roles->x]);
  return roles->row >= 0 && shares <= FEW && bytes > ES_WINDOW_FAR ? bytes / LINE * 6e-9 : 0;
}

/* Seconds until x has come from beyond the second-level cache again, for every output but the first
 * that reads all of it apart from those that share its rows. */
static double again_x(const es_problem *p, const es_window_roles *roles) {
  const double bytes = es_problem_side_bytes(p, &p->in[roles->x]);
  double passes = 1;
  for (int a = 0; a < p->n_out; a++)
    if (a != roles->share && p->in[roles->x].stride[a] == 0) passes *= (double)p->extent[a];
  return bytes > ES_GEMM_Y_BLOCK ? (passes - 1) * bytes / 1.6e10 : 0;
}

/* Nanoseconds for a tap of a vector of rows that several outputs share, measured: in rows of one or
 * two vectors latency shows. */
static double shared_tap(const es_problem *p, const es_window_roles *roles) {
  enum { MANY = 32 };
  const int64_t columns = p->extent[roles->along], shares = p->extent[roles->share];
  const bool whole = roles->row < 0; /* rows with nothing beside them */
  double tap = shares < MANY ? 0.185 : 0.165;
  if (whole && columns <= roles->lanes)
    tap = 0.38;
  else if (roles->step == 2)
    tap = shares < ES_WINDOW_APART_SHARES ? 0.3 : 0.185;
  else if (whole)
    tap = columns <= 2 * roles->lanes ? 0.215 : 0.153;
  return tap * (crowds(p, roles) ? 1.15 : 1);
}

/* Nanoseconds more for a tap of a vector of such rows with nothing beside them, for all outputs
 * together: until it is there for the first of them, and for those that fewer share than a kernel
 * takes at once; measured. */
static double first_tap(const es_problem *p, const es_window_roles *roles) {
  const bool far = es_problem_side_bytes(p, &p->in[roles->x]) > ES_GEMM_Y_BLOCK;
  const int64_t alone = p->extent[roles->share] % ES_WINDOW_AT_ONCE;
  return roles->row >= 0 ? 0 : (far ? 1.75 : 0.8) + 0.5 * (double)alone;
}

/* Of rows that several outputs share, in nanoseconds: for a tap of a vector, of an edge, and to
 * begin a chain; measured. Weights past half of the second-level cache come again for every block
 * of vectors: nearly all of them meanwhile, which in steps of two was not measured to hold. */
static double shared_cost(const es_problem *p, const es_window_roles *roles, double bytes,
                          int threads) {
  if (roles->row < 0 && small_product(p, roles)) return INFINITY;
  const double taps = es_problem_taps(p), shares = (double)p->extent[roles->share],
               chains = ceil(taps / (double)es_gemm_chain((int64_t)taps));
  const double rows = es_problem_outputs(p) / (double)p->extent[roles->along];
  const double full = ceil((double)(roles->to - roles->from) / (double)roles->lanes);
  double tap = shared_tap(p, roles);
  double edge = full + roles->n_edges > 1 ? 0.28 : 0.48; /* latency, again */
  double each = taps * (full * tap + roles->n_edges * edge) + chains * (full + roles->n_edges) / 2;
  double units = rows / shares, parts = units * ceil(shares / ES_WINDOW_AT_ONCE);
  double weights = es_problem_side_bytes(p, &p->in[roles->w]);
  double out = 2 * es_problem_side_bytes(p, &p->out), slow = 0;
  if (weights > ES_GEMM_Y_BLOCK)
    slow = weights * fmax(1, full / 4) / (roles->step == 1 ? 1e11 : 5e9);
  const double first = units * taps * full * first_tap(p, roles);
  if (roles->row >= 0) units /= (double)p->extent[roles->row];
  double compute = (60 + units * 35 + rows * each + first) * 1e-9 + slow + far_x(p, roles, shares) +
                   again_x(p, roles);
  double memory = (bytes + out) / 2e10;
  compute /= fmin(threads, fmax(1, parts));
  return fmax(compute, memory) + fmin(compute, memory) / 4;
}

/* Measured in cache: nanoseconds for a tap of a vector, and to begin one. */
double es_window_cost(const es_problem *p, const es_plan_env *env) {
  static const double tap[ES_WINDOW_OPS] = {0.4, 0.5, 0.5, 1, 1};
  es_window_roles roles;
  double bytes = 0;
  if (!es_window_read(p, env, &roles)) return INFINITY;
  double columns = (double)p->extent[roles.along], outputs = es_problem_outputs(p);
  double vectors = outputs / columns * ceil(columns / (double)roles.lanes);
  double each = es_problem_taps(p) * tap[roles.op] * (double)roles.step + 2;
  for (int i = 0; i < p->n_in; i++) bytes += es_problem_side_bytes(p, &p->in[i]);
  if (roles.share >= 0) return shared_cost(p, &roles, bytes, env->threads);
  return fmax(60e-9 + vectors * each * 1e-9 / fmin(env->threads, fmax(1, outputs / 64)),
              bytes * 0.05e-9);
}
