/* Suites: sections of `key = value` lines. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"

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
      c->shape[i][c->rank[i]++] = strtoll(extent, NULL, 10);
    }
  }
  return true;
}

static bool copy(char *to, size_t cap, const char *value) {
  return (size_t)snprintf(to, cap, "%s", value) < cap;
}

static bool set(bench_case *c, const char *key, char *value) {
  if (!strcmp(key, "text")) return copy(c->text, sizeof c->text, value);
  if (!strcmp(key, "shapes")) return read_shapes(c, value);
  if (!strcmp(key, "sizes")) return copy(c->sizes, sizeof c->sizes, value);
  if (!strcmp(key, "blas")) return copy(c->blas, sizeof c->blas, value);
  if (!strcmp(key, "dnnl")) return copy(c->dnnl, sizeof c->dnnl, value);
  if (!strcmp(key, "numpy")) return copy(c->numpy, sizeof c->numpy, value);
  if (!strcmp(key, "torch")) return copy(c->torch, sizeof c->torch, value);
  if (!strcmp(key, "goal")) return (c->goal = strtod(value, NULL)) > 0;
  if (!strcmp(key, "share")) return (c->share_goal = strtod(value, NULL)) > 0;
  if (!strcmp(key, "unit")) return (c->bytes = !strcmp(value, "GB/s")) || !strcmp(value, "GFLOP/s");
  if (!strcmp(key, "quick")) return c->quick = !strcmp(value, "yes");
  return false;
}

static void name_suite(const char *path, char *suite, size_t cap) {
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  snprintf(suite, cap, "%.*s", (int)strcspn(name, "."), name);
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
      if (!good) break;
      cases[n] = (bench_case){.goal = 0};
      name_suite(path, cases[n].suite, sizeof cases[n].suite);
      snprintf(cases[n++].name, sizeof cases->name, "%.*s", (int)strcspn(s + 1, "]"), s + 1);
      continue;
    }
    good = n > 0 && equals;
    if (!good) break;
    *equals = 0;
    good = set(&cases[n - 1], trim(s), trim(equals + 1));
  }
  fclose(f);
  if (!good) fprintf(stderr, "%s:%d: not a line of a suite (key = value, or [name])\n", path, at);
  return good ? n : -1;
}
