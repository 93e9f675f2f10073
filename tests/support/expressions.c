#include "tests/support/expressions.h"

#include <stdio.h>
#include <string.h>

enum { AXES = 4 };
static const char *const names[EXPR_NAMES] = {"a", "b", "c", "d", "e", "f"};

unsigned expr_roll(expr_maker *m, unsigned sides) {
  if (m->left) {
    m->left--;
    return *m->bytes++ % sides;
  }
  m->state = m->state * 6364136223846793005u + 1442695040888963407u;
  return (unsigned)(m->state >> 33) % sides;
}

static void put(expr_maker *m, const char *text) {
  m->n += (size_t)snprintf(m->text + m->n, sizeof m->text - m->n, "%s", text);
}

static void put_number(expr_maker *m, int64_t value) {
  char text[32];
  snprintf(text, sizeof text, "%lld", (long long)value);
  put(m, text);
}

static void add_axis(oracle_array *a, int64_t size) { a->shape[a->rank++] = size; }

/* ---- axes of an input ------------------------------------------------------------ */

static int64_t put_plain(expr_maker *m) {
  unsigned l = expr_roll(m, EXPR_NAMES - 1);
  put(m, names[l]);
  m->label[l].in_input = m->label[l].plain_input = m->label[l].plain = true;
  return m->label[l].size;
}

static int64_t put_group(expr_maker *m, int depth) {
  int64_t size = 1;
  put(m, "(");
  for (unsigned i = 0, n = expr_roll(m, 4); i < n; i++) {
    if (i) put(m, " ");
    if (depth == 0 && !expr_roll(m, 6))
      size *= put_group(m, depth + 1);
    else if (!expr_roll(m, 5))
      put(m, "2"), size *= 2, m->unnamed *= 2;
    else {
      unsigned l = expr_roll(m, EXPR_NAMES - 1);
      put(m, names[l]);
      m->label[l].in_input = m->label[l].plain = true;
      size *= m->label[l].size;
    }
  }
  put(m, ")");
  return size;
}

/* c0*x + c1*y + constant, and the range of what it reads. */
static void put_index(expr_maker *m, int64_t *low, int64_t *high, bool output) {
  unsigned n = 1 + expr_roll(m, 2), used[2];
  bool negative = false;
  *low = *high = 0;
  put(m, "(");
  for (unsigned i = 0; i < n; i++) {
    static const int factors[] = {1, 1, 1, 2, 3, -1};
    unsigned l = used[i] = expr_roll(m, EXPR_NAMES - 1);
    int64_t c = factors[expr_roll(m, 6)];
    bool by_name = c == 2 && expr_roll(m, 2);
    put(m, c < 0 ? "-" : i ? "+" : "");
    if (by_name) put(m, "s*"), m->has_s = true;
    if (c > 1 && !by_name) put_number(m, c), put(m, "*");
    if (n == 1 && c == 1) put(m, "1*");
    put(m, names[l]);
    m->label[l].scaled |= c > 1;
    m->label[l].negative |= c < 0;
    negative |= c < 0;
    if (output)
      m->label[l].in_output = true;
    else
      m->label[l].in_input = true;
    int64_t reach = c * (m->label[l].size - 1);
    *(c < 0 ? low : high) += reach;
  }
  for (unsigned i = 0; negative && i < n; i++) m->label[used[i]].beside_negative = true;
  int constant = (int)expr_roll(m, 4) - 1;
  if (constant > 0) put(m, "+"), put_number(m, constant);
  if (constant == -1 && expr_roll(m, 2))
    put(m, "-p"), m->has_p = true;
  else if (constant < 0)
    put(m, "-1");
  put(m, ")");
  *low += constant, *high += constant;
}

static int64_t put_read(expr_maker *m) {
  static const char *const fills[] = {"?0", "?0", "?3", "?edge", "?wrap", "?reflect"};
  int64_t low, high;
  put_index(m, &low, &high, false);
  if (low < 0 || !expr_roll(m, 3)) {
    put(m, fills[expr_roll(m, 6)]);
    return 1 + expr_roll(m, 5);
  }
  int64_t needed = high < 0 ? 0 : high + 1; /* below 0: a size 0 reads nothing */
  return !expr_roll(m, 40) && needed ? needed - 1 : needed + expr_roll(m, 3);
}

static void make_input(expr_maker *m, int i) {
  oracle_array *a = &m->in[i];
  bool dots = false;
  a->rank = 0;
  if (i) put(m, ", ");
  for (unsigned k = 0, n = expr_roll(m, AXES); k < n; k++) {
    if (k) put(m, " ");
    switch (expr_roll(m, 12)) {
    case 0: add_axis(a, put_group(m, 0)); break;
    case 1:
    case 2: add_axis(a, put_read(m)); break;
    case 3: put(m, "3"), add_axis(a, 3), m->unnamed *= 3; break;
    case 4: put(m, "()"), add_axis(a, 1); break;
    case 5:
      if (!dots) {
        int rank = (int)expr_roll(m, (unsigned)m->ellipsis_rank + 1);
        for (int j = m->ellipsis_rank - rank; j < m->ellipsis_rank; j++)
          add_axis(a, expr_roll(m, 4) ? m->ellipsis[j] : 1);
        put(m, "...");
        dots = m->dots = true;
        break;
      }
      /* fall through */
    default: add_axis(a, put_plain(m));
    }
  }
}

/* ---- the output -------------------------------------------------------------------- */

static void put_out_name(expr_maker *m, unsigned l) {
  m->diagonal_gaps |= m->label[l].in_output;
  m->label[l].in_output = m->label[l].plain = true;
  put(m, names[l]);
}

static void make_output(expr_maker *m) {
  bool dots = false;
  put(m, " -> ");
  for (unsigned k = 0, n = expr_roll(m, AXES); k < n; k++) {
    int64_t low, high;
    put(m, " ");
    switch (expr_roll(m, 12)) {
    case 0:
      put(m, "(");
      for (unsigned i = 0, parts = expr_roll(m, 3); i < parts; i++)
        put_out_name(m, expr_roll(m, EXPR_NAMES)), put(m, " ");
      put(m, ")");
      break;
    case 1: put_index(m, &low, &high, true), m->output_index = true; break;
    case 2: put(m, "2"), m->unnamed *= 2; break;
    case 3:
      if (!dots && m->dots) put(m, "...");
      dots = true;
      break;
    default: put_out_name(m, expr_roll(m, EXPR_NAMES));
    }
  }
}

/* x, y, … joined, or one operand split; an expression of its own kind. */
static void make_join(expr_maker *m) {
  bool split = expr_roll(m, 2);
  char parts[32] = "", outer[8] = "";
  unsigned n = 2 + expr_roll(m, 2), with = expr_roll(m, 2);
  int64_t sum = 0;
  if (with) strcpy(outer, "e ");
  for (unsigned i = 0; i < n; i++) {
    strcat(strcat(parts, i ? " ^ " : ""), names[i]);
    m->label[i].plain = m->label[i].in_input = m->label[i].in_output = true;
    sum += m->label[i].size;
  }
  m->label[4].plain = m->label[4].in_input = m->label[4].plain_input = with;
  m->n_in = split ? 1 : (int)n;
  for (int i = 0; i < m->n_in; i++) {
    m->in[i].rank = 0;
    if (with) add_axis(&m->in[i], m->label[4].size);
    add_axis(&m->in[i], split ? sum : m->label[i].size);
    m->n += (size_t)snprintf(m->text + m->n, sizeof m->text - m->n, split ? "%s%s(%s)" : "%s%s%s",
                             i ? ", " : "", outer, split ? parts : names[i]);
  }
  unsigned pick = expr_roll(m, n);
  m->n += (size_t)snprintf(m->text + m->n, sizeof m->text - m->n, split ? " -> %s%s" : " -> %s(%s)",
                           with && expr_roll(m, 2) ? outer : "", split ? names[pick] : parts);
}

/* The reading LETTERS: plain labels, any of them 1 long in some operands. */
static void make_letters(expr_maker *m) {
  bool wide[EXPR_NAMES] = {false};
  m->letters = true;
  for (int i = 0; i < m->n_in; i++) {
    bool one[EXPR_NAMES];
    for (int l = 0; l < EXPR_NAMES; l++) one[l] = !expr_roll(m, 5);
    m->in[i].rank = 0;
    if (i) put(m, ",");
    for (unsigned k = 0, n = expr_roll(m, AXES + 1); k < n; k++) {
      unsigned l = expr_roll(m, EXPR_NAMES - 1);
      put(m, names[l]);
      m->label[l].in_input = m->label[l].plain_input = m->label[l].plain = true;
      wide[l] |= !one[l];
      add_axis(&m->in[i], one[l] ? 1 : m->label[l].size);
    }
  }
  put(m, "->");
  for (unsigned l = 0; l < EXPR_NAMES - 1; l++) {
    if (!wide[l]) m->label[l].size = 1;
    if (m->label[l].in_input && expr_roll(m, 2)) put_out_name(m, l);
  }
  if (m->label[0].in_input && !expr_roll(m, 4)) put_out_name(m, 0);
}

/* Most labels are short, so that many fit a nest; in one expression of four some are as
 * long as a vector and its tail, in one of fifty long enough for several threads. */
static void choose_sizes(expr_maker *m) {
  for (int l = 0; l < EXPR_NAMES; l++)
    m->label[l] = (expr_label){.size = expr_roll(m, 20) ? 1 + expr_roll(m, 4) : 0};
  unsigned longer = !expr_roll(m, 50) ? 3 : !expr_roll(m, 4) ? 1 + expr_roll(m, 2) : 0;
  while (longer--) m->label[expr_roll(m, EXPR_NAMES)].size = 5 + expr_roll(m, 36);
}

static void put_reducer(expr_maker *m) {
  static const char *const reducers[] = {"sum", "prod", "max", "min", "mean", "any", "all"};
  static const char *const inners[] = {"+", "*", "max", "min", "and", "or"};
  const char *outer = reducers[expr_roll(m, 7)];
  put(m, " | ");
  if (expr_roll(m, 2))
    put(m, outer);
  else
    put(m, "("), put(m, outer), put(m, ", "), put(m, inners[expr_roll(m, 6)]), put(m, ")");
}

static void make_expression(expr_maker *m) {
  static const es_dtype dtypes[] = {ES_I32, ES_I64, ES_F64, ES_F32, ES_F32,
                                    ES_I16, ES_I8,  ES_F16, ES_BF16};
  enum { DTYPES = sizeof dtypes / sizeof *dtypes };
  m->n = 0, m->text[0] = 0;
  m->unnamed = 1;
  m->has_s = m->has_p = m->dots = m->diagonal_gaps = m->output_index = false;
  choose_sizes(m);
  m->ellipsis_rank = (int)expr_roll(m, 3);
  for (int j = 0; j < m->ellipsis_rank; j++) m->ellipsis[j] = 1 + expr_roll(m, 3);
  m->n_in = 1 + (int)expr_roll(m, EXPR_OPERANDS);
  m->letters = false;
  unsigned form = expr_roll(m, 12);
  if (form == 0) {
    make_join(m);
  } else if (form < 4) {
    make_letters(m);
  } else {
    for (int i = 0; i < m->n_in; i++) make_input(m, i);
    make_output(m);
  }
  if (!expr_roll(m, 2)) put_reducer(m);
  es_dtype dtype = dtypes[expr_roll(m, DTYPES)];
  for (int i = 0; i < m->n_in; i++)
    m->dtype[i] = expr_roll(m, 6) ? dtype : dtypes[expr_roll(m, DTYPES)];
}

/* ---- values and sizes --------------------------------------------------------------------------
 */

/* A given size would turn a name into a parameter: skip the expression. */
static bool ambiguous(const expr_label *l) {
  return !l->plain && !l->scaled && (l->negative || l->beside_negative);
}

int64_t expr_most(const expr_maker *m) { return m->most ? m->most : EXPR_VALUES; }

static bool usable(expr_maker *m) {
  for (int l = 0; l < EXPR_NAMES; l++)
    if ((m->label[l].in_input || m->label[l].in_output) && ambiguous(&m->label[l])) return false;
  for (int i = 0; i < m->n_in; i++) {
    int64_t count = 1;
    for (int a = 0; a < m->in[i].rank; a++) count *= m->in[i].shape[a];
    if (count > expr_most(m)) return false;
    m->in[i].value = m->values[i];
    for (int64_t v = 0; v < count; v++) m->values[i][v] = (double)((int)expr_roll(m, 7) - 3);
  }
  return true;
}

static double at_least(double least, double extent) { return extent < least ? least : extent; }

double expr_points(const expr_maker *m, double least) {
  double n = at_least(least, m->unnamed);
  for (int l = 0; l < EXPR_NAMES; l++)
    if (m->label[l].in_input || m->label[l].in_output)
      n *= at_least(least, (double)m->label[l].size);
  for (int j = 0; j < m->ellipsis_rank; j++) n *= at_least(least, (double)m->ellipsis[j]);
  return n;
}

/* Names that stand plainly in an input tell their size; give it now and then. */
static void give_sizes(expr_maker *m) {
  int n = 0;
  for (int l = 0; l < EXPR_NAMES; l++) {
    const expr_label *x = &m->label[l];
    if ((x->in_input || x->in_output) && (!x->plain_input || (!m->letters && !expr_roll(m, 4))))
      m->sizes[n++] = (es_axis_size){names[l], x->size};
  }
  if (m->has_s) m->sizes[n++] = (es_axis_size){"s", 2};
  if (m->has_p) m->sizes[n++] = (es_axis_size){"p", 1};
  m->sizes[n] = (es_axis_size){NULL, 0};
}

bool expr_make(expr_maker *m) {
  make_expression(m);
  give_sizes(m);
  m->strategy = expr_roll(m, 8) ? NULL : "loops";
  return usable(m);
}
