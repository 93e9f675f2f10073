/* Reads a suite: sections of `key = value` lines, as suites/README.md says. */
#include "bench/suite.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *trim(char *s) {
  while (isspace((unsigned char)*s)) s++;
  for (char *end = s + strlen(s); end > s && isspace((unsigned char)end[-1]);) *--end = 0;
  return s;
}

/* "1x64x56x56, 64x64x3x3"; "scalar" is an operand without axes. */
static bool read_shapes(bench_case *c, char *value) {
  char *rest = value;
  for (char *one; (one = strsep(&rest, ","));) {
    if (c->n == MAX_OPERANDS) return false;
    int i = c->n++;
    one = trim(one);
    if (!strcmp(one, "scalar")) continue;
    for (char *extent; (extent = strsep(&one, "x"));) {
      if (c->rank[i] == MAX_RANK) return false;
      if ((c->shape[i][c->rank[i]++] = strtoll(extent, NULL, 10)) < 1) return false;
    }
  }
  return true;
}

/* "i8, i8", or one type for all operands. */
static bool read_types(bench_case *c, char *value) {
  char *rest = value;
  int i = 0;
  for (char *one; (one = strsep(&rest, ",")) && i < MAX_OPERANDS; i++)
    if ((c->type[i] = es_dtype_from_name(trim(one))) == ES_DTYPE_AUTO) return false;
  for (; i < MAX_OPERANDS; i++) c->type[i] = c->type[i - 1];
  return true;
}

/* "2 * 1000 * 0.5" */
static bool read_product(double *product, char *value) {
  *product = 1;
  char *rest = value;
  for (char *one; (one = strsep(&rest, "*"));) *product *= strtod(one, NULL);
  return *product > 0;
}

static bool read_word(int *choice, const char *value, const char *const *words, int n) {
  for (*choice = 0; *choice < n; ++*choice)
    if (!strcmp(value, words[*choice])) return true;
  return false;
}

static bool copy(char *to, size_t cap, const char *value) {
  return (size_t)snprintf(to, cap, "%s", value) < cap;
}

static bool set_text(bench_case *c, const char *key, const char *value) {
  const struct {
    const char *key;
    char *to;
    size_t cap;
  } fields[] = {
      {"text", c->text, sizeof c->text},    {"sizes", c->sizes, sizeof c->sizes},
      {"blas", c->blas, sizeof c->blas},    {"dnnl", c->dnnl, sizeof c->dnnl},
      {"numpy", c->numpy, sizeof c->numpy}, {"torch", c->torch, sizeof c->torch},
      {"call", c->call, sizeof c->call},    {"einops", c->einops, sizeof c->einops},
  };
  if (!strcmp(key, "call")) c->door = DOOR_CALL;
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
    if (!strcmp(key, fields[i].key)) return copy(fields[i].to, fields[i].cap, value);
  return false;
}

/* "b c": operands by the letters that rivals call them. */
static bool read_constants(bench_case *c, const char *value) {
  for (; *value; value++) {
    if (*value == ' ') continue;
    if (*value < 'a' || *value >= 'a' + MAX_OPERANDS) return false;
    c->constant[*value - 'a'] = true;
  }
  return true;
}

static bool set(bench_case *c, const char *key, char *value) {
  static const char *const doors[] = {"plan", "string", "first"};
  static const char *const units[] = {"GFLOP/s", "GB/s", "ns", "us"};
  int choice;
  if (!strcmp(key, "shapes")) return read_shapes(c, value);
  if (!strcmp(key, "type")) return read_types(c, value);
  if (!strcmp(key, "out")) return (c->out = es_dtype_from_name(value)) != ES_DTYPE_AUTO;
  if (!strcmp(key, "flops")) return read_product(&c->flops, value);
  if (!strcmp(key, "tolerance")) return (c->tolerance = strtod(value, NULL)) > 0;
  if (!strcmp(key, "goal")) return (c->goal = strtod(value, NULL)) > 0;
  if (!strcmp(key, "share")) return (c->share_goal = strtod(value, NULL)) > 0;
  if (!strcmp(key, "recorded"))
    return sscanf(value, "%lf %lf", &c->recorded[0], &c->recorded[1]) == 2;
  if (!strcmp(key, "constant")) return read_constants(c, value);
  if (!strcmp(key, "quick")) return c->quick = !strcmp(value, "yes");
  if (!strcmp(key, "door"))
    return read_word(&choice, value, doors, 3) && (c->door = (bench_door)choice, true);
  if (!strcmp(key, "unit"))
    return read_word(&choice, value, units, 4) && (c->unit = (bench_unit)choice, true);
  return set_text(c, key, value);
}

es_dtype bench_out_type(const bench_case *c) {
  es_dtype type = c->type[0];
  for (int i = 1; i < c->n; i++) type = es_dtype_promote(type, c->type[i]);
  return c->out == ES_DTYPE_AUTO ? type : c->out;
}

static void begin(bench_case *c, const char *path, const char *line) {
  *c = (bench_case){.out = ES_DTYPE_AUTO};
  for (int i = 0; i < MAX_OPERANDS; i++) c->type[i] = ES_F32;
  const char *slash = strrchr(path, '/'), *file = slash ? slash + 1 : path;
  snprintf(c->suite, sizeof c->suite, "%.*s", (int)strcspn(file, "."), file);
  snprintf(c->name, sizeof c->name, "%.*s", (int)strcspn(line + 1, "]"), line + 1);
}

int bench_read_suite(const char *path, bench_case *cases, int cap) {
  FILE *f = fopen(path, "r");
  if (!f) {
    fprintf(stderr, "%s: cannot be read\n", path);
    return -1;
  }
  char line[1024];
  int n = 0, at = 0;
  bool good = true;
  while (good && fgets(line, sizeof line, f)) {
    at++;
    char *s = trim(line), *equals = strchr(s, '=');
    if (!*s || *s == '#') continue;
    if (*s == '[') {
      good = n < cap;
      if (good) begin(&cases[n++], path, s);
      continue;
    }
    good = n > 0 && equals;
    if (!good) break;
    *equals = 0;
    good = set(&cases[n - 1], trim(s), trim(equals + 1));
  }
  fclose(f);
  if (!good) fprintf(stderr, "%s:%d: not a line of a suite (suites/README.md)\n", path, at);
  return good ? n : -1;
}
