#include "engine/formula.h"

#include <string.h>

#include "base/checked.h"
#include "einstride.h"

static const char dot[] = "·", plus[] = " + ";

/* ---- reading -------------------------------------------------------------------- */

/* Whether f is a number, with which *times is multiplied. */
static bool multiply_by(int64_t *times, es_factor f) {
  int64_t value = 0;
  for (size_t i = 0; i < f.len; i++) {
    if (f.text[i] < '0' || f.text[i] > '9') return false;
    if (!es_mul_i64(value, 10, &value) || !es_add_i64(value, f.text[i] - '0', &value)) return false;
  }
  return es_mul_i64(*times, value, times);
}

/* Reads up to the next plus or the end; NULL when the text is no product. */
static const char *read_product(const char *text, es_product *p) {
  const char *next_plus = strstr(text, plus), *end = next_plus ? next_plus : text + strlen(text);
  p->times = 1;
  p->n = 0;
  for (bool inside = true; inside;) {
    const char *next_dot = strstr(text, dot);
    inside = next_dot && next_dot < end;
    es_factor f = {text, (size_t)((inside ? next_dot : end) - text)};
    if (!f.len) return NULL;
    text += f.len + (inside ? sizeof dot - 1 : 0);
    int64_t times = p->times;
    if (multiply_by(&times, f)) {
      p->times = times;
      continue;
    }
    if (p->n == ES_FORMULA_FACTORS) return NULL;
    p->factor[p->n++] = f;
  }
  return end;
}

static bool read_sum(const char *text, es_sum *s) {
  for (s->n = 0;; text += sizeof plus - 1) {
    if (s->n == ES_FORMULA_TERMS) return false;
    text = read_product(text, &s->term[s->n++]);
    if (!text) return false;
    if (!*text) return true;
  }
}

/* ---- factors ---------------------------------------------------------------------- */

static int find(const es_product *p, const es_factor *f) {
  for (int i = 0; i < p->n; i++)
    if (p->factor[i].len == f->len && !memcmp(p->factor[i].text, f->text, f->len)) return i;
  return -1;
}

static void drop(es_product *p, int at) {
  memmove(&p->factor[at], &p->factor[at + 1], (size_t)(--p->n - at) * sizeof *p->factor);
}

/* Takes out of both what they share. */
static void cancel(es_product *a, es_product *b) {
  for (int i = 0; i < a->n;) {
    int at = find(b, &a->factor[i]);
    if (at < 0) {
      i++;
    } else {
      drop(b, at);
      drop(a, i);
    }
  }
}

static bool same_names(const es_product *a, const es_product *b) {
  if (a->n != b->n) return false;
  es_product x = *a, y = *b;
  cancel(&x, &y);
  return !x.n;
}

/* ---- writing ---------------------------------------------------------------------- */

static void put_product(es_text *t, const es_product *p) {
  bool number = p->times != 1 || !p->n;
  if (number) es_text_printf(t, "%lld", (long long)p->times);
  for (int i = 0; i < p->n; i++)
    es_text_printf(t, "%s%.*s", i || number ? dot : "", (int)p->factor[i].len, p->factor[i].text);
}

/* A number alone last. */
static void put_sum(es_text *t, const es_sum *s) {
  const size_t begin = t->len;
  for (int numbers = 0; numbers < 2; numbers++)
    for (int i = 0; i < s->n; i++) {
      if ((s->term[i].n == 0) != numbers) continue;
      if (t->len > begin) es_text_puts(t, plus);
      put_product(t, &s->term[i]);
    }
}

static void put_quotient(es_text *t, es_product over, es_product under) {
  int64_t shared = es_gcd(over.times, under.times);
  if (shared) {
    over.times /= shared;
    under.times /= shared;
  }
  cancel(&over, &under);
  put_product(t, &over);
  int factors = under.n + (under.times != 1);
  if (!factors) return;
  es_text_puts(t, factors > 1 ? "/(" : "/");
  put_product(t, &under);
  if (factors > 1) es_text_puts(t, ")");
}

/* ---- sums --------------------------------------------------------------------------- */

void es_sum_text_init(es_sum_text *s, char *buf, size_t cap) {
  s->text = es_text_init(buf, cap);
  s->gathers = true;
  s->sum.n = 0;
}

/* Adds it to a term of the same names, if there is one. */
static bool gather(es_sum *s, const es_product *p) {
  for (int i = 0; i < s->n; i++)
    if (same_names(&s->term[i], p))
      return es_add_i64(s->term[i].times, p->times, &s->term[i].times);
  if (s->n == ES_FORMULA_TERMS) return false;
  s->term[s->n++] = *p;
  return true;
}

void es_sum_text_add(es_sum_text *s, const char *formula) {
  while (s->gathers) {
    es_product p;
    const char *end = read_product(formula, &p);
    if (!end || !gather(&s->sum, &p)) break;
    if (!*end) return;
    formula = end + sizeof plus - 1;
  }
  if (s->gathers) put_sum(&s->text, &s->sum);
  s->gathers = false;
  es_text_printf(&s->text, "%s%s", s->text.len ? plus : "", formula);
}

size_t es_sum_text_end(es_sum_text *s) {
  if (s->gathers) put_sum(&s->text, &s->sum);
  if (!s->text.len) es_text_puts(&s->text, "0");
  return s->text.len;
}

/* ---- ratios -------------------------------------------------------------------------- */

static bool all_hold(const es_sum *s, const es_factor *f) {
  for (int i = 0; i < s->n; i++)
    if (find(&s->term[i], f) < 0) return false;
  return true;
}

static void drop_everywhere(es_sum *s, const es_factor *f) {
  for (int i = 0; i < s->n; i++) drop(&s->term[i], find(&s->term[i], f));
}

/* Takes out of all terms what they share, numbers and names. */
static void cancel_sums(es_sum *a, es_sum *b) {
  int64_t shared = 0;
  for (int i = 0; i < a->n; i++) shared = es_gcd(shared, a->term[i].times);
  for (int i = 0; i < b->n; i++) shared = es_gcd(shared, b->term[i].times);
  for (int i = 0; shared && i < a->n; i++) a->term[i].times /= shared;
  for (int i = 0; shared && i < b->n; i++) b->term[i].times /= shared;
  for (int i = 0; i < b->term[0].n;) {
    es_factor f = b->term[0].factor[i];
    bool common = all_hold(a, &f) && all_hold(b, &f);
    if (common) {
      drop_everywhere(a, &f);
      drop_everywhere(b, &f);
    }
    i += !common;
  }
}

size_t es_formula_ratio(const char *numerator, const char *denominator, char *buf, size_t cap) {
  es_text t = es_text_init(buf, cap);
  es_sum over, under;
  if (!numerator || !denominator) return 0;
  if (!read_sum(numerator, &over) || !read_sum(denominator, &under)) return 0;
  if (under.n == 1) { /* term by term: each cancels what it can */
    for (int i = 0; i < over.n; i++) {
      if (i) es_text_puts(&t, plus);
      put_quotient(&t, over.term[i], under.term[0]);
    }
    return t.len;
  }
  cancel_sums(&over, &under);
  es_text_puts(&t, over.n > 1 ? "(" : "");
  put_sum(&t, &over);
  es_text_puts(&t, over.n > 1 ? ")/(" : "/(");
  put_sum(&t, &under);
  es_text_puts(&t, ")");
  return t.len;
}
