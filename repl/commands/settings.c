#include "repl/commands/settings.h"

#include <stdlib.h>
#include <string.h>

#include "repl/print/print.h"
#include "repl/text/number.h"

bool sc_read_size(const char *text, bool units, int64_t *out) {
  int64_t value = 0;
  const char *p = text;
  for (; *p >= '0' && *p <= '9'; p++)
    if (__builtin_mul_overflow(value, 10, &value) ||
        __builtin_add_overflow(value, *p - '0', &value))
      return false;
  if (p == text) return false;
  const char *unit = units && *p ? strchr("KMGT", *p & ~0x20) : NULL;
  if (unit) {
    if (__builtin_mul_overflow(value, (int64_t)1 << (10 * (unit - "KMGT" + 1)), &value))
      return false;
    p++;
    if ((*p | 0x20) == 'i') p++;
    if ((*p | 0x20) == 'b') p++;
  }
  *out = value;
  return !*p;
}

bool sc_read_isa(const char *text, es_isa *out) {
  static const char *const names[] = {"auto", "v16", "v32", "v64"};
  static const es_isa isas[] = {ES_ISA_AUTO, ES_ISA_V16, ES_ISA_V32, ES_ISA_V64};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (!strcmp(text, names[i])) {
      *out = isas[i];
      return true;
    }
  return false;
}

/* ---- one setting ---------------------------------------------------------------------- */

typedef struct setting {
  const char *name, *values, *help;
  const char *words; /* among the values, blanks between */
  void (*get)(const sc_runner *r, sc_buffer *out);
  /* False: the text is none of values. *status: what the engine says of it. */
  bool (*set)(sc_runner *r, const char *text, es_status *status);
} setting;

static bool read_switch(const char *text, bool *out) {
  if (!strcmp(text, "on") || !strcmp(text, "off")) return *out = !strcmp(text, "on"), true;
  return false;
}

static void put_switch(sc_buffer *out, bool on) { sc_puts(out, on ? "on" : "off"); }

static void get_threads(const sc_runner *r, sc_buffer *out) {
  sc_printf(out, "%d", es_threads(r->session.es));
}
static bool set_threads(sc_runner *r, const char *text, es_status *status) {
  int64_t n;
  if (!sc_read_size(text, false, &n) || n > INT32_MAX) return false;
  *status = es_set_threads(r->session.es, (int)n);
  return true;
}

static void get_isa(const sc_runner *r, sc_buffer *out) {
  sc_printf(out, "v%d", (int)es_isa_used(r->session.es));
}
static bool set_isa(sc_runner *r, const char *text, es_status *status) {
  es_isa isa;
  if (!sc_read_isa(text, &isa)) return false;
  *status = es_set_isa(r->session.es, isa);
  return true;
}

static void get_memory(const sc_runner *r, sc_buffer *out) {
  sc_put_bytes(out, (double)es_max_bytes(r->session.es));
}
static bool set_memory(sc_runner *r, const char *text, es_status *status) {
  int64_t bytes = 0;
  if (strcmp(text, "auto") != 0 && (!sc_read_size(text, true, &bytes) || !bytes)) return false;
  *status = es_set_max_bytes(r->session.es, bytes);
  return true;
}

static void get_seed(const sc_runner *r, sc_buffer *out) {
  sc_printf(out, "%llu", (unsigned long long)r->session.seed);
}
static bool set_seed(sc_runner *r, const char *text, es_status *status) {
  int64_t seed;
  (void)status;
  if (!sc_read_size(text, false, &seed)) return false;
  r->session.seed = (uint64_t)seed;
  es_set_seed(r->session.es, (uint64_t)seed);
  sc_buffer line = {0}; /* the same in the program that .export writes */
  sc_printf(&line, "np.random.seed(%lld)", (long long)seed);
  sc_runner_log(r, sc_text(&line), line.len, 1, true);
  sc_buffer_free(&line);
  return true;
}

static void get_effort(const sc_runner *r, sc_buffer *out) {
  char text[SC_NUMBER_BYTES];
  sc_number_repr(r->session.effort != 0 ? r->session.effort : 1, ES_F64, text);
  sc_puts(out, text);
}
static bool set_effort(sc_runner *r, const char *text, es_status *status) {
  char *end;
  double effort = strtod(text, &end);
  (void)status;
  if (*end || end == text || !(effort > 0 && effort <= 1e6)) return false;
  r->session.effort = effort;
  return true;
}

static void get_order_seed(const sc_runner *r, sc_buffer *out) {
  sc_printf(out, "%llu", (unsigned long long)r->session.order_seed);
}
static bool set_order_seed(sc_runner *r, const char *text, es_status *status) {
  int64_t seed;
  (void)status;
  if (!sc_read_size(text, false, &seed)) return false;
  r->session.order_seed = (uint64_t)seed;
  return true;
}

static void get_precise(const sc_runner *r, sc_buffer *out) { put_switch(out, r->session.precise); }
static bool set_precise(sc_runner *r, const char *text, es_status *status) {
  (void)status;
  return read_switch(text, &r->session.precise);
}

static void get_color(const sc_runner *r, sc_buffer *out) { put_switch(out, r->color); }
static bool set_color(sc_runner *r, const char *text, es_status *status) {
  (void)status;
  if (!read_switch(text, &r->color)) return false;
  r->session.color = r->color;
  return true;
}

static void get_hints(const sc_runner *r, sc_buffer *out) { put_switch(out, !r->no_hints); }
static bool set_hints(sc_runner *r, const char *text, es_status *status) {
  bool on;
  (void)status;
  if (!read_switch(text, &on)) return false;
  r->no_hints = !on;
  return true;
}

static void get_time(const sc_runner *r, sc_buffer *out) { put_switch(out, r->timing); }
static bool set_time(sc_runner *r, const char *text, es_status *status) {
  (void)status;
  return read_switch(text, &r->timing);
}

static const setting settings[] = {
    {"threads", "1 … 4096", "threads of the engine", "", get_threads, set_threads},
    {"isa", "auto, v16, v32 or v64", "vector width", "auto v16 v32 v64", get_isa, set_isa},
    {"max-mem", "auto or a size such as 512M", "limit of memory", "auto", get_memory, set_memory},
    {"seed", "a whole number", "of rand and randn, from now on", "", get_seed, set_seed},
    {"effort", "a number above 0, 1 as usual", "search for an order", "", get_effort, set_effort},
    {"order-seed", "a whole number", "of that search, where it draws at random", "", get_order_seed,
     set_order_seed},
    {"precise", "on or off", "einsum adds up in f64 and rounds once", "on off", get_precise,
     set_precise},
    {"color", "on or off", "colours", "on off", get_color, set_color},
    {"hints", "on or off", "types and shapes while typing", "on off", get_hints, set_hints},
    {"time", "on or off", "the time of each statement", "on off", get_time, set_time},
};

enum { SETTINGS = sizeof settings / sizeof *settings };

const char *sc_setting_at(int index, const char **words) {
  if (index >= SETTINGS) return NULL;
  *words = settings[index].words;
  return settings[index].name;
}

void sc_put_setting(sc_buffer *out, const char *name, size_t len) {
  for (int i = 0; i < SETTINGS; i++)
    if (strlen(settings[i].name) == len && !strncmp(settings[i].name, name, len))
      sc_printf(out, "%s: %s", settings[i].help, settings[i].values);
}

/* ---- the commands -------------------------------------------------------------------------- */

static const setting *find(const char *name) {
  for (int i = 0; i < SETTINGS; i++)
    if (!strcmp(settings[i].name, name)) return &settings[i];
  return NULL;
}

static bool fail_unknown(sc_runner *r, const sc_source *source, const char *name) {
  sc_nearest nearest = {name, NULL, 0};
  sc_buffer text = {0};
  for (int i = 0; i < SETTINGS; i++) sc_offer(&nearest, settings[i].name);
  sc_printf(&text, "there is no setting '%.40s'; ", name);
  if (nearest.best) sc_printf(&text, "did you mean '%s'?", nearest.best);
  if (!nearest.best) sc_puts(&text, ".set lists them");
  sc_fail_command(r, source, ES_E_NAME, sc_text(&text));
  sc_buffer_free(&text);
  return false;
}

static bool fail_value(sc_runner *r, const sc_source *source, const setting *s, const char *value) {
  sc_buffer text = {0};
  sc_printf(&text, "%s is %s, not '%.40s'", s->name, s->values, value);
  sc_fail_command(r, source, ES_E_VALUE, sc_text(&text));
  sc_buffer_free(&text);
  return false;
}

static void show(const sc_runner *r, const setting *s, bool described) {
  sc_buffer out = {0};
  if (described) sc_printf(&out, "  %-11s", s->name);
  s->get(r, &out);
  if (described) {
    size_t used = out.len;
    sc_fill(&out, ' ', used < 23 ? 24 - used : 1);
    sc_put_setting(&out, s->name, strlen(s->name));
  }
  sc_puts(&out, "\n");
  sc_tell(r, &out);
  sc_buffer_free(&out);
}

bool sc_settings_one(sc_runner *r, const sc_source *source, const char *name, char *value) {
  const setting *s = find(name);
  es_status status = ES_OK;
  if (!s) return fail_unknown(r, source, name);
  if (!*value) return show(r, s, false), true;
  if (!s->set(r, value, &status)) return fail_value(r, source, s, value);
  if (status == ES_OK) return true;
  const es_error *error = es_ctx_error(r->session.es);
  sc_fail_command(r, source, status,
                  error && error->status ? error->message : es_status_text(status));
  es_clear_error(r->session.es);
  return false;
}

bool sc_settings_command(sc_runner *r, const sc_source *source, char *rest) {
  if (!*rest) {
    for (int i = 0; i < SETTINGS; i++) show(r, &settings[i], true);
    return true;
  }
  char *value = rest + strcspn(rest, " \t=");
  if (*value) *value++ = '\0';
  return sc_settings_one(r, source, rest, value + strspn(value, " \t="));
}
