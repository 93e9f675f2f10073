/* Prints docs/COST.md (./dev cost): what each convolution of the seeds costs, as a formula, for
 * sizes, and in time, against the regular one. The formulas are the engine's own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "einstride.h"

/* A case and the regular convolution it stands against, as programs over inputs of these
 * shapes; unknown sizes are solved by the engine. */
typedef struct row {
  const char *name, *text, *regular;
} row;

/* Sizes of all axes; an image of 8 x 64 channels x 28 x 28, 64 of output, kernels of 3 x 3. */
static const es_axis_size sizes[] = {{"b", 8}, {"c", 64}, {"o", 64}, {"h", 28}, {"w", 28},
                                     {"g", 4}, {"k", 3},  {"l", 3},  {"s", 16}, {"p", 16},
                                     {"m", 4}, {"r", 16}, {NULL, 0}};

static const char conv[] = "x: b c (h+k-1)?0 (w+l-1)?0, u: o c k l -> b o h w";
static const char point[] = "x: b c h w, u: o c -> b o h w";

static const row rows[] = {
    {"2-D", conv, conv},
    {"2-D, non-overlapping", "x: b (h k) (w l) c, u: k l c o -> b h w o",
     "x: b (h k) (w l) c, u: k l c o -> b h w o"},
    {"kernel over channels", "x: b (h k) (w l) (r m), u: k l m -> b h w r",
     "x: b (h k) (w l) (r m), u: k l r m o -> b h w o"},
    {"1 × 1 filter", "x: b c h w, u: c -> b h w", point},
    {"1 × 1, full", point, conv},
    {"spatially separable",
     "t = x: b c (h+k-1)?0 w, u: o c k -> b o c h w\n"
     "y = t: b o c h (w+l-1)?0, v: o c l -> b o h w",
     conv},
    {"depthwise separable",
     "t = x: b c (h+k-1)?0 (w+l-1)?0, u: c k l -> b c h w\ny = t: b c h w, v: o c -> b o h w",
     conv},
    {"flattened",
     "t = x: b c h w, u: o c -> b o h w\nt = t: b o (h+k-1)?0 w, v: o k -> b o h w\n"
     "y = t: b o h (w+l-1)?0, z: o l -> b o h w",
     conv},
    {"grouped", "x: b (g s) (h+k-1)?0 (w+l-1)?0, u: g p s k l -> b (g p) h w",
     "x: b (g s) (h+k-1)?0 (w+l-1)?0, u: q p g s k l -> b (q p) h w"},
    {"grouped, shuffled", "x: b (g s) (h+k-1)?0 (w+l-1)?0, u: g p s k l -> b (p g) h w",
     "x: b (g s) (h+k-1)?0 (w+l-1)?0, u: q p g s k l -> b (q p) h w"},
    {"grouped, 1 × 1", "x: b (g s) h w, u: g p s -> b (g p) h w",
     "x: b (g s) h w, u: q p g s -> b (q p) h w"},
};

enum { ROWS = sizeof rows / sizeof *rows };

static void stop(const char *what) {
  fprintf(stderr, "cost_table: %s\n", what);
  exit(1);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int64_t size_of(const char *name, size_t len) {
  if (len == 1 && *name == 'q') return 4; /* groups of the output, as many as g */
  for (const es_axis_size *s = sizes; s->name; s++)
    if (strlen(s->name) == len && !strncmp(s->name, name, len)) return s->size;
  return -1;
}

/* The shape of an input, from its term: products of sizes; an index with '?0' is as long as
 * its first name, so that the result is as large as the image. */
static int shape_of(const char *term, int64_t *shape) {
  int rank = 0;
  for (const char *at = term; *at && *at != ',' && *at != '-';) {
    if (*at == ' ') {
      at++;
    } else if (*at != '(') {
      shape[rank++] = size_of(at, 1);
      at++;
    } else {
      const char *end = strchr(at, ')');
      bool padded = end[1] == '?';
      shape[rank] = 1;
      for (const char *p = at + 1; p < end && !(padded && p > at + 1); p++)
        if (*p >= 'a' && *p <= 'z') shape[rank] *= size_of(p, 1);
      rank++;
      at = end + (padded ? 3 : 1);
    }
  }
  return rank;
}

typedef struct answer {
  char formula[512], bytes_formula[512], largest[512], peak[512];
  double points, bytes, peak_bytes, seconds;
  size_t workspace;
} answer;

/* Plans the program on one thread and runs it, the best of several times. */
static answer ask(es_ctx *es, const char *text) {
  answer a;
  es_error error = {0};
  es_array in[8], out;
  int64_t shapes[8][ES_MAX_RANK];
  es_expr *program = es_expr_parse(es, ES_KIND_PROGRAM, text, strlen(text), ES_READ_NAMES, &error);
  if (!program) stop(error.message);
  int64_t n = es_expr_inputs(program);
  es_scope_push(es);
  for (int64_t i = 0; i < n; i++) {
    char name[80];
    snprintf(name, sizeof name, "%s:", es_expr_input(program, i));
    int rank = shape_of(strstr(text, name) + strlen(name), shapes[i]);
    es_tensor *t = es_randn(es, ES_F32, rank, shapes[i]);
    if (!t) stop(es_error_text(es));
    in[i] = (es_array){es_data_mut(t), ES_F32, rank, shapes[i], NULL};
  }
  es_plan *plan = es_plan_make(es, program, in, n, NULL, NULL, &error);
  if (!plan) stop(error.message);
  es_plan_formula(plan, a.formula, sizeof a.formula);
  es_plan_bytes_formula(plan, a.bytes_formula, sizeof a.bytes_formula);
  es_plan_largest(plan, NULL, a.largest, sizeof a.largest);
  es_plan_peak(plan, &a.peak_bytes, a.peak, sizeof a.peak);
  a.points = es_plan_flops(plan);
  a.bytes = es_plan_bytes(plan);
  a.workspace = es_plan_workspace(plan);
  out = es_plan_output(plan, 0);
  out.data = es_data_mut(es_empty(es, ES_F32, out.rank, out.shape));
  void *workspace = aligned_alloc(64, a.workspace + 64);
  a.seconds = 1e9;
  double spent = 0;
  for (int i = 0; i < 8 || (i < 200 && spent < 0.1); i++, spent += a.seconds) {
    double start = now();
    if (es_run(es, plan, in, n, &out, workspace, &error) != ES_OK) stop(error.message);
    double took = now() - start;
    if (took < a.seconds) a.seconds = took;
  }
  free(workspace);
  es_plan_release(plan);
  es_expr_release(program);
  es_scope_pop(es);
  return a;
}

static void print_text(const char *text) {
  for (; *text; text++)
    if (*text == '\n')
      printf("`<br>`");
    else
      putchar(*text);
}

/* "Intel(R) Xeon(R) Processor, 2026-11-22", where the system tells. */
static void print_machine(void) {
  char line[256], date[32], *colon;
  time_t today = time(NULL);
  FILE *file = fopen("/proc/cpuinfo", "r");
  while (file && fgets(line, sizeof line, file))
    if (!strncmp(line, "model name", 10) && (colon = strchr(line, ':'))) {
      printf("%.*s, ", (int)strcspn(colon + 2, "\n"), colon + 2);
      break;
    }
  if (file) fclose(file);
  strftime(date, sizeof date, "%Y-%m-%d", gmtime(&today));
  printf("%s, einstride %s", date, es_version());
}

int main(void) {
  es_ctx *es = es_ctx_create(&(es_config){.threads = 1});
  if (!es) stop("no memory");
  printf(
      "# What each convolution costs\n\n"
      "The notes on convolutions as einsum ([seed 004](SEEDS.md)) leave *Complexity* and *Ratio of "
      "complexity vs regular* open. This\npage answers them; it is printed by `docs/cost_table.c` "
      "(`./dev cost`), formulas by the engine from the strings\nthemselves. Multiply-adds are "
      "counted for b 8, c = o 64, h = w 28, k = l 3, g = q 4 (s = p 16, r 16, m 4), f32, one "
      "thread; "
      "times are\nthe best of many runs on ");
  print_machine();
  printf(". Padded taps, which are not computed, count in the formula, not in the number.\n\n"
         "| convolution | program | complexity | multiply-adds | ratio vs regular | counted | "
         "measured "
         "| time | workspace |\n|---|---|---|---|---|---|---|---|---|\n");
  static answer all[ROWS], against[ROWS];
  for (size_t i = 0; i < ROWS; i++) {
    char ratio[512];
    answer a = all[i] = ask(es, rows[i].text), regular = against[i] = ask(es, rows[i].regular);
    if (!es_formula_ratio(a.formula, regular.formula, ratio, sizeof ratio)) stop("no ratio");
    printf("| %s | `", rows[i].name);
    print_text(rows[i].text);
    printf("` | %s | %.3g M | %s | %.3g | %.3g | %.3g ms | %.3g MB |\n", a.formula, a.points / 1e6,
           ratio, a.points / regular.points, a.seconds / regular.seconds, a.seconds * 1e3,
           (double)a.workspace / 1e6);
  }
  printf("\n## Bytes\n\nWhat every step reads and writes, operand by operand; the largest "
         "intermediate in "
         "elements; and the bytes of the\nintermediates that are alive together at the peak. Time "
         "follows "
         "the bytes where the multiply-adds are few: the spatially\nseparable one writes an "
         "intermediate "
         "of b·o·c·h·w elements, as its definition says.\n\n"
         "| convolution | bytes | counted | of regular | largest intermediate | peak | counted | "
         "time | "
         "of regular |\n|---|---|---|---|---|---|---|---|---|\n");
  for (size_t i = 0; i < ROWS; i++) {
    const answer *a = &all[i], *regular = &against[i];
    printf("| %s | %s | %.3g MB | %.3g | %s | %s | %.3g MB | %.3g ms | %.3g |\n", rows[i].name,
           a->bytes_formula, a->bytes / 1e6, a->bytes / regular->bytes, a->largest, a->peak,
           a->peak_bytes / 1e6, a->seconds * 1e3, a->seconds / regular->seconds);
  }
  es_ctx_destroy(es);
  return 0;
}
