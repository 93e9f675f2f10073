/* Arguments to parameters. */
#include <string.h>

#include "repl/language/functions.h"

typedef struct param {
  const char *names; /* "axis|dim", names_len bytes */
  size_t names_len;
  bool optional, rest;
} param;

/* The next parameter of *params; false at the end or at "**" (then *open). */
static bool next_param(const char **params, param *out, bool *open) {
  const char *p = *params + strspn(*params, " ");
  size_t len = strcspn(p, " ");
  *params = p + len;
  if (!len) return false;
  if (len == 2 && !memcmp(p, "**", 2)) {
    *open = true;
    return false;
  }
  char last = p[len - 1];
  *out = (param){p, len - (last == '?' || last == '*'), last != ' ' && last == '?', last == '*'};
  return true;
}

static bool param_is(const param *p, const char *name) {
  size_t len = strlen(name);
  for (const char *at = p->names, *end = at + p->names_len; at < end;) {
    const char *bar = memchr(at, '|', (size_t)(end - at));
    size_t n = (size_t)((bar ? bar : end) - at);
    if (n == len && !memcmp(at, name, len)) return true;
    at += n + 1;
  }
  return false;
}

static size_t first_name(const param *p) {
  const char *bar = memchr(p->names, '|', p->names_len);
  return bar ? (size_t)(bar - p->names) : p->names_len;
}

bool sc_param_name(const char *params, int i, char *name, size_t cap) {
  param p;
  bool open = false;
  do {
    if (!next_param(&params, &p, &open)) return false;
  } while (i-- > 0);
  size_t n = first_name(&p);
  n = n < cap ? n : cap - 1;
  memcpy(name, p.names, n);
  name[n] = '\0';
  return true;
}

void sc_put_params(sc_buffer *out, const char *params) {
  for (const char *p = params; *p; p += *p == ' ') {
    size_t len = strcspn(p, " "), name = strcspn(p, "|? *");
    bool optional = p[len - 1] == '?', rest = p[len - 1] == '*';
    if (p != params) sc_puts(out, ", ");
    sc_put(out, p, name);
    sc_puts(out, optional ? "=" : rest && name ? ", ⋯" : rest ? "axis=size" : "");
    p += len;
  }
}

static sc_flavour flavour_of(const sc_value *v) {
  if (v->kind == SC_TENSOR) return v->flavour;
  sc_flavour flavour = SC_PLAIN;
  if (sc_is_sequence(v)) /* depth is bounded */
    for (int64_t i = 0; i < v->n && !flavour; i++) flavour = flavour_of(v->items[i]);
  return flavour;
}

static void inherit_flavour(sc_args *a) {
  for (int64_t i = 0; i < a->call->n && !a->flavour; i++)
    a->flavour = flavour_of(a->call->values[i]);
  for (int64_t i = 0; i < a->call->n_named && !a->flavour; i++)
    a->flavour = flavour_of(a->call->named[i]);
}

/* Which parameter takes the keyword; -1 for none. */
static int find_param(const param *params, int n, const char *name) {
  for (int i = 0; i < n; i++)
    if (!params[i].rest && param_is(&params[i], name)) return i;
  return -1;
}

static bool fail_keyword(sc_args *a, const char *params, const char *function, int64_t k) {
  const char *name = a->call->names[k];
  sc_nearest nearest = {name, NULL, 0};
  char names[SC_MAX_PARAMS][64];
  for (int i = 0; i < SC_MAX_PARAMS && sc_param_name(params, i, names[i], sizeof names[i]); i++)
    sc_offer(&nearest, names[i]);
  sc_buffer takes = {0};
  sc_put_params(&takes, params);
  if (nearest.best)
    sc_fail(a->s, ES_E_NAME, a->call->named_spans[k],
            "%s has no parameter '%s'; did you mean '%s'?", function, name, nearest.best);
  else
    sc_fail(a->s, ES_E_NAME, a->call->named_spans[k], "%s has no parameter '%s'; it takes %s",
            function, name, sc_text(&takes));
  sc_buffer_free(&takes);
  return false;
}

static bool bind_keywords(sc_args *a, const param *params, int n, bool open, const char *spec,
                          const char *function) {
  const sc_call *call = a->call;
  bool taken[SC_MAX_PARAMS] = {false};
  for (int64_t k = 0; k < call->n_named; k++) {
    int i = find_param(params, n, call->names[k]);
    if (i < 0 && open) {
      a->extra_names[a->n_extra] = call->names[k];
      a->extra[a->n_extra] = call->named[k];
      a->extra_at[a->n_extra++] = call->named_spans[k];
      continue;
    }
    if (i < 0) return fail_keyword(a, spec, function, k);
    if (a->value[i] || taken[i]) {
      sc_fail(a->s, ES_E_COUNT, call->named_spans[k], "%s got '%s' twice", function,
              call->names[k]);
      return false;
    }
    taken[i] = true;
    a->at[i] = call->named_spans[k];
    a->value[i] = call->named[k]->kind == SC_NONE ? NULL : call->named[k];
    if (!a->value[i] && !params[i].optional) a->value[i] = call->named[k];
  }
  return true;
}

bool sc_bind(sc_args *a, const char *spec, const char *function) {
  param params[SC_MAX_PARAMS];
  int n = 0;
  bool open = false;
  const char *at = spec;
  while (n < SC_MAX_PARAMS && next_param(&at, &params[n], &open)) n++;
  const sc_call *call = a->call;
  size_t named = (size_t)call->n_named;
  a->extra_names = sc_scratch(a->s, named * sizeof *a->extra_names);
  a->extra = sc_scratch(a->s, named * sizeof *a->extra);
  a->extra_at = sc_scratch(a->s, named * sizeof *a->extra_at);
  inherit_flavour(a);
  int64_t used = 0;
  for (int i = 0; i < n && used < call->n; i++) {
    if (params[i].rest) {
      a->rest = call->values + used;
      a->rest_at = call->spans + used;
      a->n_rest = call->n - used;
      used = call->n;
      break;
    }
    a->at[i] = call->spans[used];
    a->value[i] = call->values[used++];
    if (params[i].optional && a->value[i]->kind == SC_NONE) a->value[i] = NULL;
  }
  if (used < call->n) {
    sc_fail(a->s, ES_E_COUNT, call->spans[used],
            "%s takes at most %lld positional argument%s, "
            "found %lld",
            function, (long long)used, used == 1 ? "" : "s", (long long)call->n);
    return false;
  }
  if (!bind_keywords(a, params, n, open, spec, function)) return false;
  for (int i = 0; i < n; i++) {
    if (a->value[i] || params[i].optional || params[i].rest) continue;
    sc_buffer takes = {0};
    sc_put_params(&takes, spec);
    sc_fail(a->s, ES_E_COUNT, a->span, "%s needs '%.*s'; it takes %s", function,
            (int)first_name(&params[i]), params[i].names, sc_text(&takes));
    sc_buffer_free(&takes);
    return false;
  }
  return true;
}
