#include "repl/language/session.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

bool sc_session_open(sc_session *s, const sc_function *const *functions, const es_config *config) {
  *s =
      (sc_session){.es = es_ctx_create(config), .functions = functions, .out = stdout, .width = 75};
  return s->es != NULL;
}

void sc_session_close(sc_session *s) {
  sc_session_forget(s);
  free(s->variables);
  free(s->pool);
  sc_palette_free(&s->palette);
  sc_fault_clear(s);
  es_ctx_destroy(s->es);
}

bool sc_statement_begin(sc_session *s) {
  if (es_scope_push(s->es) == ES_OK) return true;
  sc_fail_engine(s, (sc_span){0, 0});
  return false;
}

void sc_statement_end(sc_session *s) {
  es_scope_pop(s->es);
  while (s->n_pool) sc_value_release(s->pool[--s->n_pool]);
  sc_arena_free(&s->scratch);
  s->pattern = NULL;
}

void *sc_scratch(sc_session *s, uint64_t bytes) {
  return sc_arena_alloc(&s->scratch, bytes ? bytes : 1);
}

void sc_session_forget(sc_session *s) {
  while (s->n_variables) {
    sc_variable *last = &s->variables[--s->n_variables];
    free(last->name);
    sc_value_release(last->value);
  }
  sc_value_release(s->last);
  s->last = NULL;
}

void *sc_fail(sc_session *s, es_status status, sc_span where, const char *fmt, ...) {
  if (s->fault.set) return NULL;
  s->fault = (sc_fault){.set = true, .where = where};
  s->fault.error = (es_error){.status = status, .operand = -1};
  va_list args;
  va_start(args, fmt);
  vsnprintf(s->fault.error.message, sizeof s->fault.error.message, fmt, args);
  va_end(args);
  return NULL;
}

void *sc_fail_unknown(sc_session *s, sc_span where, const char *sentence,
                      const sc_nearest *nearest) {
  if (s->fault.set) return NULL;
  if (nearest->best) {
    sc_fail(s, ES_E_NAME, where, "%s; did you mean '%s'?", sentence, nearest->best);
    s->fault.sentence = strlen(sentence);
  } else {
    sc_fail(s, ES_E_NAME, where, "%s", sentence);
  }
  snprintf(s->fault.unknown, sizeof s->fault.unknown, "%s", nearest->wanted);
  return NULL;
}

void *sc_fail_error(sc_session *s, sc_span where, const es_error *error) {
  if (s->fault.set) return NULL;
  s->fault = (sc_fault){.set = true, .where = where, .error = *error};
  if (s->pattern && error->length > 0) {
    s->fault.pattern = sc_copy_text(s->pattern, s->pattern_len);
    s->fault.pattern_len = s->pattern_len;
    size_t need = es_error_render(error, s->pattern, s->pattern_len, NULL, 0) + 1;
    s->fault.shown = sc_alloc(need);
    es_error_render(error, s->pattern, s->pattern_len, s->fault.shown, need);
  }
  return NULL;
}

void *sc_fail_engine(sc_session *s, sc_span where) {
  const es_error *error = es_ctx_error(s->es);
  if (error && error->status != ES_OK) {
    bool first = !s->fault.set;
    sc_fail_error(s, where, error);
    const char *text = es_error_text(s->es);
    if (first && !s->fault.shown) s->fault.shown = sc_copy_text(text, strlen(text));
  } else {
    sc_fail(s, ES_E_INTERNAL, where, "the engine returned nothing and named no error");
  }
  es_clear_error(s->es);
  return NULL;
}

void sc_fault_clear(sc_session *s) {
  free(s->fault.pattern);
  free(s->fault.shown);
  s->fault = (sc_fault){0};
}
