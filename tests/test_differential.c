/* Random small expressions of the whole grammar, evaluated by the engine and by the
 * oracle, compared to the bit. EINSTRIDE_SEED and EINSTRIDE_CASES of the environment
 * choose another run. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "tests/support/oracle.h"

enum { NAMES = 6, OPERANDS = 3, AXES = 4, VALUES = 1 << 14 };
static const char *const names[NAMES] = {"a", "b", "c", "d", "e", "f"};

/* How a name has been written so far, for the rule that tells parameters (section
 * 'Parameters' of the manual): a size is given only where it changes nothing. */
typedef struct label {
  int64_t size;
  bool in_input, in_output, plain_input, plain, scaled, negative, beside_negative;
} label;

typedef struct maker {
  uint64_t state;
  char text[1024];
  size_t n;
  label label[NAMES];
  int n_in;
  es_dtype dtype[OPERANDS];
  oracle_array in[OPERANDS];
  double values[OPERANDS][VALUES];
  int ellipsis_rank;
  int64_t ellipsis[ORACLE_ELLIPSIS];
  bool has_s, has_p;  /* parameters: s = 2 a factor, p = 1 subtracted */
  bool letters;       /* the reading */
  bool dots;          /* some input has an ellipsis */
  bool diagonal_gaps; /* elements of the output that no point writes may exist */
  bool output_index;
} maker;

static unsigned roll(maker *m, unsigned sides) {
  m->state = m->state * 6364136223846793005u + 1442695040888963407u;
  return (unsigned)(m->state >> 33) % sides;
}

static void put(maker *m, const char *text) {
  m->n += (size_t)snprintf(m->text + m->n, sizeof m->text - m->n, "%s", text);
}

static void put_number(maker *m, int64_t value) {
  char text[32];
  snprintf(text, sizeof text, "%lld", (long long)value);
  put(m, text);
}

static void add_axis(oracle_array *a, int64_t size) { a->shape[a->rank++] = size; }

/* ---- axes of an input ------------------------------------------------------------ */

static int64_t put_plain(maker *m) {
  unsigned l = roll(m, NAMES - 1);
  put(m, names[l]);
  m->label[l].in_input = m->label[l].plain_input = m->label[l].plain = true;
  return m->label[l].size;
}

static int64_t put_group(maker *m, int depth) {
  int64_t size = 1;
  put(m, "(");
  for (unsigned i = 0, n = roll(m, 4); i < n; i++) {
    if (i) put(m, " ");
    if (depth == 0 && !roll(m, 6))
      size *= put_group(m, depth + 1);
    else if (!roll(m, 5))
      put(m, "2"), size *= 2;
    else {
      unsigned l = roll(m, NAMES - 1);
      put(m, names[l]);
      m->label[l].in_input = m->label[l].plain = true;
      size *= m->label[l].size;
    }
  }
  put(m, ")");
  return size;
}

/* c0*x + c1*y + constant, and the range of what it reads. */
static void put_index(maker *m, int64_t *low, int64_t *high, bool output) {
  unsigned n = 1 + roll(m, 2), used[2];
  bool negative = false;
  *low = *high = 0;
  put(m, "(");
  for (unsigned i = 0; i < n; i++) {
    static const int factors[] = {1, 1, 1, 2, 3, -1};
    unsigned l = used[i] = roll(m, NAMES - 1);
    int64_t c = factors[roll(m, 6)];
    bool by_name = c == 2 && roll(m, 2);
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
  int constant = (int)roll(m, 4) - 1;
  if (constant > 0) put(m, "+"), put_number(m, constant);
  if (constant == -1 && roll(m, 2))
    put(m, "-p"), m->has_p = true;
  else if (constant < 0)
    put(m, "-1");
  put(m, ")");
  *low += constant, *high += constant;
}

static int64_t put_read(maker *m) {
  static const char *const fills[] = {"?0", "?0", "?3", "?edge", "?wrap", "?reflect"};
  int64_t low, high;
  put_index(m, &low, &high, false);
  if (low < 0 || !roll(m, 3)) {
    put(m, fills[roll(m, 6)]);
    return 1 + roll(m, 5);
  }
  int64_t needed = high < 0 ? 0 : high + 1; /* below 0: a size 0 reads nothing */
  return !roll(m, 40) && needed ? needed - 1 : needed + roll(m, 3);
}

static void make_input(maker *m, int i) {
  oracle_array *a = &m->in[i];
  bool dots = false;
  a->rank = 0;
  if (i) put(m, ", ");
  for (unsigned k = 0, n = roll(m, AXES); k < n; k++) {
    if (k) put(m, " ");
    switch (roll(m, 12)) {
    case 0: add_axis(a, put_group(m, 0)); break;
    case 1:
    case 2: add_axis(a, put_read(m)); break;
    case 3: put(m, "3"), add_axis(a, 3); break;
    case 4: put(m, "()"), add_axis(a, 1); break;
    case 5:
      if (!dots) {
        int rank = (int)roll(m, (unsigned)m->ellipsis_rank + 1);
        for (int j = m->ellipsis_rank - rank; j < m->ellipsis_rank; j++)
          add_axis(a, roll(m, 4) ? m->ellipsis[j] : 1);
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

static void put_out_name(maker *m, unsigned l) {
  m->diagonal_gaps |= m->label[l].in_output;
  m->label[l].in_output = m->label[l].plain = true;
  put(m, names[l]);
}

static void make_output(maker *m) {
  bool dots = false;
  put(m, " -> ");
  for (unsigned k = 0, n = roll(m, AXES); k < n; k++) {
    int64_t low, high;
    put(m, " ");
    switch (roll(m, 12)) {
    case 0:
      put(m, "(");
      for (unsigned i = 0, parts = roll(m, 3); i < parts; i++)
        put_out_name(m, roll(m, NAMES)), put(m, " ");
      put(m, ")");
      break;
    case 1: put_index(m, &low, &high, true), m->output_index = true; break;
    case 2: put(m, "2"); break;
    case 3:
      if (!dots && m->dots) put(m, "...");
      dots = true;
      break;
    default: put_out_name(m, roll(m, NAMES));
    }
  }
}

/* x, y, … joined, or one operand split; an expression of its own kind. */
static void make_join(maker *m) {
  bool split = roll(m, 2);
  char parts[32] = "", outer[8] = "";
  unsigned n = 2 + roll(m, 2), with = roll(m, 2);
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
  unsigned pick = roll(m, n);
  m->n += (size_t)snprintf(m->text + m->n, sizeof m->text - m->n, split ? " -> %s%s" : " -> %s(%s)",
                           with && roll(m, 2) ? outer : "", split ? names[pick] : parts);
}

/* The reading LETTERS: plain labels, any of them 1 long in some operands. */
static void make_letters(maker *m) {
  bool wide[NAMES] = {false};
  m->letters = true;
  for (int i = 0; i < m->n_in; i++) {
    bool one[NAMES];
    for (int l = 0; l < NAMES; l++) one[l] = !roll(m, 5);
    m->in[i].rank = 0;
    if (i) put(m, ",");
    for (unsigned k = 0, n = roll(m, AXES + 1); k < n; k++) {
      unsigned l = roll(m, NAMES - 1);
      put(m, names[l]);
      m->label[l].in_input = m->label[l].plain_input = m->label[l].plain = true;
      wide[l] |= !one[l];
      add_axis(&m->in[i], one[l] ? 1 : m->label[l].size);
    }
  }
  put(m, "->");
  for (unsigned l = 0; l < NAMES - 1; l++) {
    if (!wide[l]) m->label[l].size = 1;
    if (m->label[l].in_input && roll(m, 2)) put_out_name(m, l);
  }
  if (m->label[0].in_input && !roll(m, 4)) put_out_name(m, 0);
}

static void make_expression(maker *m) {
  static const char *const reducers[] = {"sum", "prod", "max", "min", "mean", "any", "all"};
  static const char *const inners[] = {"+", "*", "max", "min", "and", "or"};
  static const es_dtype dtypes[] = {ES_I32, ES_I64, ES_F64, ES_F32, ES_I16};
  m->n = 0, m->text[0] = 0;
  m->has_s = m->has_p = m->dots = m->diagonal_gaps = m->output_index = false;
  for (int l = 0; l < NAMES; l++) m->label[l] = (label){.size = roll(m, 20) ? 1 + roll(m, 4) : 0};
  m->ellipsis_rank = (int)roll(m, 3);
  for (int j = 0; j < m->ellipsis_rank; j++) m->ellipsis[j] = 1 + roll(m, 3);
  m->n_in = 1 + (int)roll(m, OPERANDS);
  m->letters = false;
  unsigned form = roll(m, 12);
  if (form == 0) {
    make_join(m);
  } else if (form < 4) {
    make_letters(m);
  } else {
    for (int i = 0; i < m->n_in; i++) make_input(m, i);
    make_output(m);
  }
  if (!roll(m, 2)) {
    put(m, " | ");
    const char *outer = reducers[roll(m, 7)];
    if (roll(m, 2))
      put(m, outer);
    else
      put(m, "("), put(m, outer), put(m, ", "), put(m, inners[roll(m, 6)]), put(m, ")");
  }
  es_dtype dtype = dtypes[roll(m, 5)];
  for (int i = 0; i < m->n_in; i++) m->dtype[i] = roll(m, 6) ? dtype : dtypes[roll(m, 5)];
}

/* ---- running -------------------------------------------------------------------------- */

/* A given size would turn a name into a parameter: skip the expression. */
static bool ambiguous(const label *l) {
  return !l->plain && !l->scaled && (l->negative || l->beside_negative);
}

static bool usable(maker *m) {
  for (int l = 0; l < NAMES; l++)
    if ((m->label[l].in_input || m->label[l].in_output) && ambiguous(&m->label[l])) return false;
  for (int i = 0; i < m->n_in; i++) {
    int64_t count = 1;
    for (int a = 0; a < m->in[i].rank; a++) count *= m->in[i].shape[a];
    if (count > VALUES) return false;
    m->in[i].value = m->values[i];
    for (int64_t v = 0; v < count; v++) m->values[i][v] = (double)((int)roll(m, 7) - 3);
  }
  return true;
}

static double points(const maker *m) {
  double n = 1;
  for (int l = 0; l < NAMES; l++)
    if (m->label[l].in_input || m->label[l].in_output) n *= (double)m->label[l].size;
  for (int j = 0; j < m->ellipsis_rank; j++) n *= (double)m->ellipsis[j];
  return n;
}

/* Names that stand plainly in an input tell their size; give it now and then. */
static int give_sizes(maker *m, es_axis_size *sizes) {
  int n = 0;
  for (int l = 0; l < NAMES; l++) {
    const label *x = &m->label[l];
    if ((x->in_input || x->in_output) && (!x->plain_input || (!m->letters && !roll(m, 4))))
      sizes[n++] = (es_axis_size){names[l], x->size};
  }
  if (m->has_s) sizes[n++] = (es_axis_size){"s", 2};
  if (m->has_p) sizes[n++] = (es_axis_size){"p", 1};
  sizes[n] = (es_axis_size){NULL, 0};
  return n;
}

static void state_facts(const maker *m, const es_pattern *p, oracle_facts *facts) {
  memset(facts, 0, sizeof *facts);
  facts->ellipsis_rank = m->ellipsis_rank;
  memcpy(facts->ellipsis, m->ellipsis, sizeof m->ellipsis);
  for (int id = 0; id < p->n_names; id++) {
    char c = p->names[id][0];
    facts->param[id] = c == 's' || c == 'p';
    facts->size[id] = c == 's' ? 2 : c == 'p' ? 1 : m->label[c - 'a'].size;
  }
}

/* The widest size an ellipsis axis has among the operands is the one it has: an axis
 * that is 1 everywhere is 1. So the facts come from the shapes. */
static void settle_ellipsis(maker *m, const es_pattern *p) {
  int rank = 0;
  int64_t size[ORACLE_ELLIPSIS] = {1, 1, 1, 1};
  for (int i = 0; i < p->n_in; i++)
    for (int k = 0; k < p->in[i].n; k++)
      if (p->in[i].items[k].kind == ES_ITEM_ELLIPSIS) {
        int n = m->in[i].rank - (p->in[i].n - 1);
        if (n > rank) rank = n;
        for (int j = 0; j < n; j++) { /* from the right */
          int64_t x = m->in[i].shape[k + n - 1 - j];
          if (x != 1) size[j] = x;
        }
      }
  m->ellipsis_rank = rank;
  for (int j = 0; j < rank; j++) m->ellipsis[j] = size[rank - 1 - j];
}

static es_tensor *make_tensor(es_ctx *ctx, const maker *m, int i) {
  const oracle_array *a = &m->in[i];
  es_tensor *t =
      es_from_data(ctx, m->dtype[i], a->rank, a->shape,
                   es_data(es_cast(ctx,
                                   es_wrap(ctx, ES_F64, (void *)(uintptr_t)m->values[i], VALUES, 0,
                                           a->rank, a->shape, NULL, false, NULL, NULL),
                                   m->dtype[i])));
  /* A turned copy of the same values: strides must not matter. */
  return a->rank > 1 && m->n % 3 == 0
             ? es_transpose(ctx, es_copy(ctx, es_transpose(ctx, t, 0, 1)), 0, 1)
             : t;
}

static es_dtype result_type(const maker *m, const es_pattern *p) {
  es_dtype t = m->dtype[0];
  for (int i = 1; i < m->n_in; i++) t = es_dtype_promote(t, m->dtype[i]);
  bool whole = t != ES_F32 && t != ES_F64;
  if (p->reducer == ES_REDUCE_ANY || p->reducer == ES_REDUCE_ALL) return ES_BOOL;
  return p->reducer == ES_REDUCE_MEAN && whole ? ES_F64 : t;
}

typedef struct tally {
  int compared, leaves, empty, overflow, skipped, elements;
} tally;

/* Beyond these the doubles of the oracle, or the type of the result, are not exact. */
static double limit_of(es_dtype dtype) {
  switch (dtype) {
  case ES_I16: return 32767;
  case ES_I32: return 2147483647;
  case ES_F32: return 16777216;
  default: return 9007199254740992;
  }
}

static void compare(es_ctx *ctx, const maker *m, const es_pattern *p, const oracle_array *want,
                    const es_tensor *got, tally *t) {
  es_dtype dtype = result_type(m, p);
  cr_assert(got, "'%s' (first type %s): %s", m->text, es_dtype_name(m->dtype[0]),
            es_error_text(ctx));
  cr_assert_eq(es_dtype_of(got), dtype, "'%s': type %s", m->text, es_dtype_name(es_dtype_of(got)));
  cr_assert_eq(es_rank(got), want->rank, "'%s': rank %d", m->text, es_rank(got));
  for (int i = 0; i < want->rank; i++)
    cr_assert_eq(es_shape(got)[i], want->shape[i], "'%s': axis %d is %d, not %d", m->text, i,
                 (int)es_shape(got)[i], (int)want->shape[i]);
  static double values[VALUES];
  cr_assert_eq(es_read(ctx, got, ES_F64, values, es_size(got)), ES_OK);
  for (int64_t i = 0; i < es_size(got); i++) {
    double w = dtype == ES_F32 ? (double)(float)want->value[i] : want->value[i];
    bool same = w == values[i] || (isnan(w) && isnan(values[i]));
    cr_assert(same, "'%s': element %d is %.17g, not %.17g", m->text, (int)i, values[i], w);
  }
  t->elements += (int)es_size(got);
  t->compared++;
}

static void run_one(es_ctx *ctx, maker *m, tally *t) {
  static double result[VALUES];
  es_arena arena;
  es_allocator allocator = es_allocator_default();
  es_arena_init(&arena, &allocator);
  es_pattern *p;
  es_error error;
  es_reading reading = m->letters ? ES_READ_LETTERS : ES_READ_NAMES;
  cr_assert_eq(es_parse(&arena, ES_KIND_EINSUM, m->text, m->n, reading, &p, &error), ES_OK,
               "'%s': %s", m->text, error.message);
  settle_ellipsis(m, p);
  oracle_facts facts;
  state_facts(m, p, &facts);
  oracle_array want = {.value = result};
  int64_t shape[ORACLE_RANK], count = 1;
  int rank = oracle_shape(p, &facts, 0, shape);
  for (int i = 0; i < rank; i++) count *= shape[i];
  bool gaps = m->diagonal_gaps || m->output_index;
  bool wild = gaps && p->reducer != ES_REDUCE_NONE && p->reducer != ES_REDUCE_SUM;
  if (wild || count > VALUES || points(m) > 4000) {
    t->skipped++;
    es_arena_free(&arena);
    return;
  }
  oracle_result meaning = oracle_eval(p, &facts, ES_REDUCE_SUM, 0, m->in, &want);
  double largest = 0;
  for (int64_t i = 0; meaning == ORACLE_OK && i < count; i++)
    largest = fmax(largest, fabs(result[i]));
  es_axis_size sizes[NAMES + 3];
  give_sizes(m, sizes);
  es_options options = {.reading = reading, .sizes = sizes};
  options.strategy = roll(m, 8) ? NULL : "loops";
  es_scope_push(ctx);
  es_tensor *in[OPERANDS];
  for (int i = 0; i < m->n_in; i++) in[i] = make_tensor(ctx, m, i);
  es_tensor *got = es_einsum_into(ctx, m->text, in, m->n_in, &options, NULL);
  es_status status = es_ctx_error(ctx)->status;
  bool exact = largest <= limit_of(result_type(m, p));
  /* An index is refused for what it could read, also where an empty axis of another
   * operand leaves nothing to do. */
  if (status == ES_E_RANGE && points(m) == 0) meaning = ORACLE_LEAVES;
  /* A running product of integers may leave 128 bits before a zero comes. */
  if (status == ES_E_OVERFLOW && p->reducer == ES_REDUCE_PROD) exact = false;
  if (meaning == ORACLE_LEAVES) {
    t->leaves++;
    cr_assert_eq(status, ES_E_RANGE, "'%s': %s", m->text, es_error_text(ctx));
  } else if (meaning == ORACLE_EMPTY) {
    t->empty++;
    cr_assert_eq(status, ES_E_EMPTY, "'%s': %s", m->text, es_error_text(ctx));
  } else if (!exact) {
    t->overflow++;
    if (result_type(m, p) == ES_I16 || result_type(m, p) == ES_I32)
      cr_assert_eq(status, ES_E_OVERFLOW, "'%s': %s", m->text, es_error_text(ctx));
  } else {
    compare(ctx, m, p, &want, got, t);
  }
  es_clear_error(ctx);
  es_scope_pop(ctx);
  es_arena_free(&arena);
}

static uint64_t from_environment(const char *name, uint64_t otherwise) {
  const char *text = getenv(name);
  return text ? strtoull(text, NULL, 10) : otherwise;
}

Test(differential, random_expressions) {
  static maker m;
  m.state = from_environment("EINSTRIDE_SEED", 20261121);
  int wanted = (int)from_environment("EINSTRIDE_CASES", 60000);
  es_ctx *ctx = es_ctx_create(NULL);
  tally t = {0};
  while (t.compared < wanted) {
    make_expression(&m);
    if (usable(&m)) run_one(ctx, &m, &t);
    if (!roll(&m, 100)) es_set_threads(ctx, 1 + (int)roll(&m, 3));
  }
  fprintf(stderr,
          "%d compared, %d elements; %d leave their axis, %d empty, %d overflow, %d skipped\n",
          t.compared, t.elements, t.leaves, t.empty, t.overflow, t.skipped);
  es_ctx_destroy(ctx);
}
