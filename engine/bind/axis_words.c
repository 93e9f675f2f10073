#include "engine/bind/axis_words.h"

#include <string.h>

#include "base/text.h"

static es_words quote(const char *bytes, size_t len) {
  es_words q;
  es_text t = es_text_init(q.text, sizeof q.text);
  es_text_escape(&t, bytes, len);
  if (t.len >= sizeof q.text) {
    memcpy(q.text + es_utf8_start(q.text, sizeof q.text - 4), "...", 4);
  }
  return q;
}

es_words es_words_span(const es_pattern *pattern, es_span span) {
  return quote(pattern->text + span.offset, (size_t)span.length);
}

es_words es_words_text(const char *text) { return quote(text, strlen(text)); }

es_words_of_shape es_words_shape(int rank, const int64_t *shape) {
  es_words_of_shape q;
  es_text t = es_text_init(q.text, sizeof q.text);
  es_text_shape(&t, rank, shape);
  if (t.len >= sizeof q.text) memcpy(q.text + sizeof q.text - 5, "...)", 5);
  return q;
}

const char *es_names_nearest(const es_axes *axes, const char *name, unsigned places) {
  const es_pattern *p = axes->pattern;
  size_t len = strlen(name);
  /* One slip in a short name, one in three letters of a longer one. */
  int least = len < 3 ? 2 : (int)(len / 3) + 1;
  const char *best = NULL;
  for (int i = 0; i < p->n_names; i++) {
    if ((axes->name[i].places & places) != places) continue;
    size_t other = strlen(p->names[i]);
    if (len == 1 && other == 1) continue; /* any two letters are one slip apart */
    int d = es_text_distance(name, len, p->names[i], other, least);
    if (d < least) least = d, best = p->names[i];
  }
  return best;
}
