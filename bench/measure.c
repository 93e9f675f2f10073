/* One case on so many threads: verify every contender, then time them and the limits of
 * the machine in turn until the budget is spent; best and median; ratios. */
#include "bench/measure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/data.h"
#include "bench/limits.h"
#include "bench/machine.h"
#include "bench/why.h"

enum { MAX_SAMPLES = 400 };

typedef struct contender {
  const bench_peer *peer; /* NULL: einstride */
  int times;              /* runs a sample: short calls are timed in bulk */
  bool slow;              /* several times behind: not sampled any more */
  double first;           /* seconds of the run that was verified */
  int n;
  double sample[MAX_SAMPLES]; /* seconds, sorted in the end */
} contender;

/* ---- verification ---------------------------------------------------------------- */

static bool same(const char *name, const bench_case *c, const void *found, const void *expected,
                 int64_t n) {
  es_dtype type = bench_out_type(c);
  int64_t at = found ? bench_compare(found, expected, type, n, c->tolerance) : 0;
  if (at < 0) return true;
  printf("  WRONG %s: element %lld is %.9g", c->name, (long long)at,
         bench_element(expected, type, at));
  if (found) printf(", with %s %.9g", name, bench_element(found, type, at));
  printf("\n");
  return false;
}

static int gather(contender *x, const bench_peer *const *peers, int n_peers, bench_own *own,
                  bench_row *r) {
  int n = 1;
  double start = bench_now();
  const void *mine = bench_own_result(own);
  x[0].first = bench_now() - start;
  int64_t elements = bench_own_elements(own);
  for (int i = 0; i < n_peers; i++) {
    double first = peers[i]->prepare(r->c, bench_own_inputs(own), elements);
    if (first < 0) continue;
    r->verified = true;
    if (!same(peers[i]->name, r->c, peers[i]->result(), mine, elements)) r->wrong = true;
    x[n++] = (contender){.peer = peers[i], .first = first};
  }
  return n;
}

/* Where no rival can say what is right, the plain loops do, unless that took seconds. */
static void verify_by_loops(bench_own *own, bench_row *r) {
  const double most = 2e8;
  if (r->verified || r->c->door == DOOR_CALL || r->flops > most) return;
  bench_own *loops = bench_own_prepare(r->c, 1, &(bench_force){.strategy = "loops"});
  if (!loops) return;
  r->verified = true;
  if (!same("loops", r->c, bench_own_result(loops), bench_own_result(own), bench_own_elements(own)))
    r->wrong = true;
  bench_own_finish(loops);
}

/* ---- limits ------------------------------------------------------------------------ */

/* Rates of the probes of one row; best of those taken. */
typedef struct limits {
  double rate[4];
} limits;

static double take_probe(limits *l, bench_probe probe, const bench_row *r) {
  size_t bytes = (size_t)(r->read + r->written);
  double rate = bench_probe_run(probe, r->c->type[0], bytes, r->threads);
  if (rate > l->rate[probe]) l->rate[probe] = rate;
  return l->rate[probe];
}

/* What is both read and written moves at the rate of a copy, the rest at that of reading
 * or writing alone. Takes the probes when asked to. */
static double memory_seconds(limits *l, const bench_row *r, bool take) {
  double both = 2 * fmin(r->read, r->written), seconds = 0;
  const struct {
    bench_probe probe;
    double bytes;
  } parts[] = {
      {PROBE_COPY, both}, {PROBE_READ, r->read - both / 2}, {PROBE_WRITE, r->written - both / 2}};
  for (int i = 0; i < 3; i++) {
    if (parts[i].bytes < 0.02 * (r->read + r->written)) continue;
    double rate = take ? take_probe(l, parts[i].probe, r) : l->rate[parts[i].probe];
    if (rate > 0) seconds += parts[i].bytes / rate;
  }
  return seconds;
}

static double compute_seconds(limits *l, const bench_row *r, bool take) {
  if (r->flops <= 0) return 0;
  double rate = take ? take_probe(l, PROBE_MULTIPLY_ADD, r) : l->rate[PROBE_MULTIPLY_ADD];
  return rate > 0 ? r->flops / rate : 0;
}

/* Probes what may still decide; the first round, everything. */
static void take_limits(limits *l, bench_row *r, int round) {
  double memory = memory_seconds(l, r, round == 0), compute = compute_seconds(l, r, round == 0);
  if (round > 0 && memory > compute / 2 && (round < 4 || round % 4 == 0))
    memory = memory_seconds(l, r, true);
  if (round > 0 && compute > memory / 2) compute = compute_seconds(l, r, true);
  r->peak = l->rate[PROBE_MULTIPLY_ADD];
  r->limit_seconds = fmax(memory, compute);
  r->memory_bound = memory > compute;
}

/* ---- timing ------------------------------------------------------------------------ */

static double run(const contender *x, bench_own *own, int times) {
  return x->peer ? x->peer->run(times) : bench_own_run(own, times);
}

/* With several threads, those of the contender before may still spin. */
static void settle(int threads) {
  const struct timespec while_they_spin = {0, 2000000};
  if (threads > 1) nanosleep(&while_they_spin, NULL);
}

static void take_sample(contender *x, bench_own *own, int threads) {
  const double brief = 2e-3;
  settle(threads);
  if (x->sample[0] < brief) run(x, own, 1); /* wakes its threads, fetches what caches hold */
  double seconds = run(x, own, x->times) / x->times;
  if (x->n < MAX_SAMPLES) x->sample[x->n++] = seconds;
}

/* Far behind, and long: what was seen already is enough. */
static bool is_slow(double seconds, double fastest, double budget) {
  return seconds > 3 * fastest && seconds * 5 > budget;
}

/* A first sample of each, einstride's first. Of calls that take seconds, it is the verified run. */
static void take_first(contender *x, int n, bench_own *own, int threads, double budget) {
  const double bulk = 2e-4, /* seconds, against the clock and the pipes */
      lengthy = 1;
  double fastest = INFINITY;
  for (int i = 1; i < n; i++) fastest = fmin(fastest, x[i].first);
  for (int i = 0; i < n; i++) {
    settle(threads);
    x[i].slow = i > 0 && is_slow(x[i].first, fastest, budget);
    bool seen = x[i].slow || x[i].first > lengthy;
    double once = seen ? x[i].first : run(&x[i], own, 1);
    x[i].times = once < bulk ? (int)(bulk / fmax(once, 1e-8)) + 1 : 1;
    x[i].sample[x[i].n++] = x[i].times > 1 ? run(&x[i], own, x[i].times) / x[i].times : once;
    fastest = fmin(fastest, x[i].sample[0]);
  }
  for (int i = 1; i < n; i++) x[i].slow |= is_slow(x[i].sample[0], fastest, budget);
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void sample_all(contender *x, int n, bench_own *own, double budget, bench_row *r) {
  limits l = {{0}};
  take_first(x, n, own, r->threads, budget);
  int active = 0, least = 3;
  double round = 0;
  for (int i = 0; i < n; i++)
    if (!x[i].slow) active++, round += x[i].sample[0];
  if (round > 0.3) least = 2;
  if (round > 2) least = 1;
  double end = bench_now() + budget * active;
  for (int k = 0; k < MAX_SAMPLES - 1 && (k < least || bench_now() < end); k++) {
    take_limits(&l, r, k);
    for (int i = 0; i < n; i++)
      if (!x[i].slow) take_sample(&x[i], own, r->threads);
  }
  for (int i = 0; i < n; i++) qsort(x[i].sample, (size_t)x[i].n, sizeof(double), compare);
}

/* ---- the row ------------------------------------------------------------------------ */

static void add_rival(bench_row *r, const char *name, double best, double median) {
  r->all[r->n++] = (bench_result){name, best};
  if (r->peer && best >= r->peer_best) return;
  r->peer = name;
  r->peer_best = best;
  r->peer_median = median;
}

static void compute_row(bench_row *r, const contender *x, int n) {
  r->best = x[0].sample[0];
  r->median = x[0].sample[x[0].n / 2];
  bool timed_only = r->c->unit == UNIT_NS || r->c->unit == UNIT_US;
  if (timed_only) r->limit_seconds = 0; /* of a call, no limit is known */
  r->share = r->limit_seconds / r->best;
  r->all[r->n++] = (bench_result){"einstride", x[0].sample[0]};
  for (int i = 1; i < n; i++)
    add_rival(r, x[i].peer->name, x[i].sample[0], x[i].sample[x[i].n / 2]);
  double recorded = r->threads <= 2 ? r->c->recorded[r->threads - 1] * r->peak : 0;
  if (recorded > 0) add_rival(r, "recorded", r->flops / recorded, r->flops / recorded);
  r->ratio = r->peer ? r->peer_best / r->best : 0;
}

static void count_work(bench_row *r, const bench_own *own) {
  const bench_case *c = r->c;
  r->flops = bench_own_flops(own);
  for (int i = 0; i < c->n; i++)
    r->read += (double)bench_elements(c->rank[i], c->shape[i]) * (double)es_dtype_size(c->type[i]);
  r->written = (double)bench_own_elements(own) * (double)es_dtype_size(bench_out_type(c));
}

bool bench_run_case(const bench_case *c, int threads, const bench_peer *const *peers, int n_peers,
                    const bench_options *opt, bench_row *r) {
  *r = (bench_row){.c = c, .threads = threads};
  bench_unpin();
  bench_own *own = bench_own_prepare(c, threads, &opt->force);
  if (!own) return false;
  count_work(r, own);
  static contender x[MAX_CONTENDERS];
  memset(x, 0, sizeof x);
  int n = gather(x, peers, n_peers, own, r);
  verify_by_loops(own, r);
  bench_pin();
  sample_all(x, n, own, opt->seconds, r);
  compute_row(r, x, n);
  bench_print_row(r);
  if (opt->why) bench_print_why(own, r, &opt->force);
  for (int i = 1; i < n; i++) x[i].peer->finish();
  bench_own_finish(own);
  return true;
}
