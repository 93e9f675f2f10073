/* Fashion-MNIST through a small network. Every layer is one string, and the engine
 * runs all of them by the same strided nests: no unfolded image is made.
 *
 *   fashion [SHEET.png [IMAGES [LABELS]]]
 *
 * The filters are those that vision starts from (derivatives, blurs, directions), so
 * the maps can be read by eye. docs/examples/fashion.es does the same at the prompt. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "einstride.h"
#include "einstride/io.h"
#include "einstride/layers.h"
#include "sheet.h"

enum { PICTURES = 1000, DIRECTIONS = 6, CLASSES = 10, CELL = 56 };

static const char *const class_names[CLASSES] = {"t-shirt", "trouser", "pullover", "dress", "coat",
                                                 "sandal",  "shirt",   "sneaker",  "bag",   "boot"};

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static es_array describe(const es_tensor *t) {
  return (es_array){(void *)es_data(t), es_dtype_of(t), es_rank(t), es_shape(t), es_strides(t)};
}

static void print_shape(const es_tensor *t) {
  printf("(");
  for (int i = 0; i < es_rank(t); i++) printf(i ? ", %lld" : "%lld", (long long)es_shape(t)[i]);
  printf(")");
}

/* A padded axis has boxes at its borders, each a nest of its own: the first are shown. */
static void print_lines(char *text) {
  int n = 0;
  for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
    if (n++ < 6) printf("    %s\n", line);
  if (n > 6) printf("    … %d lines more\n", n - 6);
}

/* The plan of a string on these operands: the first door keeps it in its cache. */
static double print_plan(es_ctx *es, const char *text, es_tensor *const *in, int64_t n,
                         const es_axis_size *sizes) {
  char plan_text[16384];
  es_array arrays[4];
  es_error error;
  es_options options = {.sizes = sizes};
  for (int64_t i = 0; i < n; i++) arrays[i] = describe(in[i]);
  es_expr *expr = es_expr_parse(es, ES_KIND_EINSUM, text, strlen(text), ES_READ_AUTO, &error);
  es_plan *plan = expr ? es_plan_make(es, expr, arrays, n, NULL, &options, &error) : NULL;
  double flops = 0;
  if (plan) {
    es_plan_print(plan, plan_text, sizeof plan_text);
    print_lines(plan_text);
    flops = 2 * es_plan_flops(plan);
  }
  es_plan_release(plan);
  es_expr_release(expr);
  return flops;
}

/* Runs one layer and says what it did. The time is that of a second run. */
static es_tensor *layer(es_ctx *es, const char *name, const char *text, es_tensor *const *in,
                        int64_t n, const es_axis_size *sizes) {
  es_tensor *y = es_einsum(es, text, in, n, sizes);
  if (!y) return NULL;
  printf("\n%s\n  %s\n  ", name, text);
  for (int64_t i = 0; i < n; i++) {
    print_shape(in[i]);
    printf(i + 1 < n ? ", " : " -> ");
  }
  print_shape(y);
  printf("\n");
  double flops = print_plan(es, text, in, n, sizes);
  double start = now();
  es_scope_push(es);
  es_einsum(es, text, in, n, sizes);
  es_scope_pop(es);
  double seconds = now() - start;
  printf("  %.2f ms, %.1f GFLOP/s\n", 1e3 * seconds, 1e-9 * flops / seconds);
  return y;
}

static double scalar(es_ctx *es, const es_tensor *t) {
  double value = NAN;
  if (t) es_read(es, t, ES_F64, &value, 1);
  return value;
}

static double mean_of(es_ctx *es, const es_tensor *t) {
  return scalar(es, es_reduce_axes(es, ES_REDUCE_MEAN, t, NULL, 0, false));
}

static double max_of(es_ctx *es, const es_tensor *t) {
  return scalar(es, es_reduce_axes(es, ES_REDUCE_MAX, t, NULL, 0, false));
}

/* ---- filters -------------------------------------------------------------------------- */

typedef struct filters {
  es_tensor *vertical, *horizontal; /* (4, 3): d/dx, d/dy, d2/dx2, d2/dy2 */
  es_tensor *full;                  /* (4, 3, 3), their outer products */
  es_tensor *blur;                  /* (4, 5, 5) */
  es_tensor *steer;                 /* (8, 4): six directions, bright and dark spots */
  es_tensor *group;                 /* (4 groups, 2 outputs, 2 inputs, 3, 3) */
} filters;

static void make_edges(es_ctx *es, filters *f) {
  static const float vertical[4][3] = {{1, 2, 1}, {-1, 0, 1}, {1, 2, 1}, {1, -2, 1}};
  static const float horizontal[4][3] = {{-1, 0, 1}, {1, 2, 1}, {1, -2, 1}, {1, 2, 1}};
  f->vertical = es_from_data(es, ES_F32, ES_SHAPE(4, 3), vertical);
  f->horizontal = es_from_data(es, ES_F32, ES_SHAPE(4, 3), horizontal);
  f->full = es_einsum(es, "c kh, c kw -> c kh kw", ES_IN(f->vertical, f->horizontal), NULL);
}

/* A binomial blur for each channel; scaled so that maps come out near 1. */
static void make_directions(es_ctx *es, filters *f) {
  static const float binomial[5] = {1, 4, 6, 4, 1};
  static const float gain[4] = {1, 1, 0.5f, 0.5f};
  es_tensor *b = es_from_data(es, ES_F32, ES_SHAPE(5), binomial);
  es_tensor *g = es_from_data(es, ES_F32, ES_SHAPE(4), gain);
  f->blur = es_einsum(es, "c, kh, kw -> c kh kw", ES_IN(g, b, b), NULL);
  f->blur = es_binary_scalar(es, ES_DIV, f->blur, 256.0 * 1024, false, false);

  float steer[DIRECTIONS + 2][4] = {{0}};
  for (int o = 0; o < DIRECTIONS; o++) {
    double angle = o * 1.0471975511965976; /* pi / 3 */
    steer[o][0] = (float)cos(angle), steer[o][1] = (float)sin(angle);
  }
  steer[DIRECTIONS][2] = steer[DIRECTIONS][3] = -2;
  steer[DIRECTIONS + 1][2] = steer[DIRECTIONS + 1][3] = 2;
  f->steer = es_from_data(es, ES_F32, ES_SHAPE(DIRECTIONS + 2, 4), steer);
}

/* In each group the first output adds its two maps, the second takes one from the other. */
static void make_groups(es_ctx *es, filters *f) {
  static const float smooth[3] = {0.25f, 0.5f, 0.25f};
  static const float signs[2][2] = {{1, 1}, {1, -1}};
  es_tensor *s = es_from_data(es, ES_F32, ES_SHAPE(3), smooth);
  es_tensor *o = es_from_data(es, ES_F32, ES_SHAPE(2, 2), signs);
  f->group = es_einsum(es, "o c, kh, kw -> g o c kh kw", ES_IN(o, s, s), ES_SIZES({"g", 4}));
}

/* ---- the network ------------------------------------------------------------------------ */

typedef struct maps {
  es_tensor *images, *edges, *steered, *shuffled, *pooled;
} maps;

static maps network(es_ctx *es, es_tensor *images, const filters *f) {
  maps m = {.images = images};
  m.edges = layer(es, "edges, by separable filters",
                  "b (h+kh-1)?0 (w+kw-1)?0, c kh, c kw -> b c h w",
                  ES_IN(images, f->vertical, f->horizontal), NULL);
  es_tensor *full = layer(es, "the same, by full filters",
                          "b (h+kh-1)?0 (w+kw-1)?0, c kh kw -> b c h w", ES_IN(images, f->full),
                          NULL);
  es_tensor *gap = es_unary(es, ES_ABS, es_binary(es, ES_SUB, m.edges, full));
  printf("  largest difference of the two: %g\n", max_of(es, gap));

  m.steered = layer(es, "directions, depthwise separable",
                    "b c (h+kh-2)?0 (w+kw-2)?0, c kh kw, o c -> b o h w",
                    ES_IN(m.edges, f->blur, f->steer), NULL);
  m.steered = es_relu(es, m.steered);
  m.shuffled = layer(es, "grouped, dilated and shuffled",
                     "b (g c) (h+2*kh-2)?0 (w+2*kw-2)?0, g o c kh kw -> b (o g) h w",
                     ES_IN(m.steered, f->group), NULL);
  m.pooled = layer(es, "max pooling", "b c (2*h+kh) (2*w+kw) -> b c h w | max", ES_IN(m.shuffled),
                   ES_SIZES({"kh", 2}, {"kw", 2}));
  return m;
}

static void print_numbers(es_ctx *es, const maps *m) {
  const struct {
    const char *name;
    const es_tensor *t;
  } rows[] = {{"edges", m->edges},
              {"steered", m->steered},
              {"shuffled", m->shuffled},
              {"pooled", m->pooled}};
  printf("\n");
  for (int i = 0; i < 4; i++)
    printf("%-9s mean %.9g  max %.9g\n", rows[i].name, mean_of(es, rows[i].t),
           max_of(es, rows[i].t));
}

/* ---- the picture ------------------------------------------------------------------------- */

/* The first picture of each class, of any tensor with a batch axis. */
static es_tensor *choose(es_ctx *es, const es_tensor *t, const int64_t *rows) {
  es_tensor *parts[CLASSES];
  for (int i = 0; i < CLASSES; i++) parts[i] = es_select(es, t, 0, rows[i]);
  return es_stack(es, parts, CLASSES, 0);
}

static es_tensor *draw(es_ctx *es, const maps *m, const uint8_t *labels) {
  int64_t rows[CLASSES] = {0};
  for (int64_t i = PICTURES; i-- > 0;)
    if (labels[i] < CLASSES) rows[labels[i]] = i;
  const sheet_block blocks[] = {
      {"input", es_unsqueeze(es, choose(es, m->images, rows), 1), true},
      {"edges, separable", choose(es, m->edges, rows), false},
      {"directions, depthwise separable", choose(es, m->steered, rows), false},
      {"grouped, dilated, shuffled", choose(es, m->shuffled, rows), false},
      {"max pooled", choose(es, m->pooled, rows), false},
  };
  return sheet_make(es, blocks, sizeof blocks / sizeof *blocks, class_names, CLASSES, CELL);
}

int main(int argc, char **argv) {
#define DATA "/usr/share/datasets/fashion-mnist/t10k-"
  const char *sheet_path = argc > 1 ? argv[1] : NULL;
  const char *images_path = argc > 2 ? argv[2] : DATA "images-idx3-ubyte.gz";
  const char *labels_path = argc > 3 ? argv[3] : DATA "labels-idx1-ubyte.gz";

  es_ctx *es = es_ctx_create(NULL);
  es_tensor *all = es_load(es, images_path), *labels = es_load(es, labels_path);
  es_tensor *images = es_cast(es, es_slice(es, all, 0, 0, PICTURES, 1), ES_F32);
  if (images &&
      (es_rank(images) != 3 || es_shape(images)[0] < PICTURES || es_size(labels) < PICTURES)) {
    fprintf(stderr, "%s: %d pictures and labels were expected\n", images_path, PICTURES);
    return 1;
  }
  if (images) printf("%d pictures of %s, with %d threads\n", PICTURES, images_path, es_threads(es));

  filters f;
  make_edges(es, &f);
  make_directions(es, &f);
  make_groups(es, &f);
  maps m = images ? network(es, images, &f) : (maps){0};
  if (m.pooled) {
    print_numbers(es, &m);
    if (sheet_path) es_save(es, sheet_path, draw(es, &m, es_data(labels)));
  }
  int failed = es_ctx_error(es)->status != ES_OK;
  if (failed)
    fprintf(stderr, "%s\n", es_error_text(es));
  else if (sheet_path)
    printf("\n%s\n", sheet_path);
  es_ctx_destroy(es);
  return failed;
}
