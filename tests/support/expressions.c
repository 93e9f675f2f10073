#include "tests/support/expressions.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"

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
      put(m, "2"), size *= 2;
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
    case 3: put(m, "3"), add_axis(a, 3); break;
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
    case 2: put(m, "2"); break;
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

static void make_expression(expr_maker *m) {
  static const char *const reducers[] = {"sum", "prod", "max", "min", "mean", "any", "all"};
  static const char *const inners[] = {"+", "*", "max", "min", "and", "or"};
  static const es_dtype dtypes[] = {ES_I32, ES_I64, ES_F64, ES_F32, ES_I16};
  m->n = 0, m->text[0] = 0;
  m->has_s = m->has_p = m->dots = m->diagonal_gaps = m->output_index = false;
  for (int l = 0; l < EXPR_NAMES; l++)
    m->label[l] = (expr_label){.size = expr_roll(m, 20) ? 1 + expr_roll(m, 4) : 0};
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
  if (!expr_roll(m, 2)) {
    put(m, " | ");
    const char *outer = reducers[expr_roll(m, 7)];
    if (expr_roll(m, 2))
      put(m, outer);
    else
      put(m, "("), put(m, outer), put(m, ", "), put(m, inners[expr_roll(m, 6)]), put(m, ")");
  }
  es_dtype dtype = dtypes[expr_roll(m, 5)];
  for (int i = 0; i < m->n_in; i++) m->dtype[i] = expr_roll(m, 6) ? dtype : dtypes[expr_roll(m, 5)];
}

/* ---- running -------------------------------------------------------------------------- */

/* A given size would turn a name into a parameter: skip the expression. */
static bool ambiguous(const expr_label *l) {
  return !l->plain && !l->scaled && (l->negative || l->beside_negative);
}

static bool usable(expr_maker *m) {
  for (int l = 0; l < EXPR_NAMES; l++)
    if ((m->label[l].in_input || m->label[l].in_output) && ambiguous(&m->label[l])) return false;
  for (int i = 0; i < m->n_in; i++) {
    int64_t count = 1;
    for (int a = 0; a < m->in[i].rank; a++) count *= m->in[i].shape[a];
    if (count > EXPR_VALUES) return false;
    m->in[i].value = m->values[i];
    for (int64_t v = 0; v < count; v++) m->values[i][v] = (double)((int)expr_roll(m, 7) - 3);
  }
  return true;
}

static double points(const expr_maker *m) {
  double n = 1;
  for (int l = 0; l < EXPR_NAMES; l++)
    if (m->label[l].in_input || m->label[l].in_output) n *= (double)m->label[l].size;
  for (int j = 0; j < m->ellipsis_rank; j++) n *= (double)m->ellipsis[j];
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

static void state_facts(const expr_maker *m, const es_pattern *p, oracle_facts *facts) {
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
static void settle_ellipsis(expr_maker *m, const es_pattern *p) {
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

static es_tensor *make_tensor(es_ctx *ctx, const expr_maker *m, int i) {
  const oracle_array *a = &m->in[i];
  void *values = (void *)(uintptr_t)m->values[i]; /* read-only there */
  es_tensor *wrapped = es_wrap(ctx, ES_F64, values, EXPR_VALUES, 0, a->rank, a->shape, NULL, false,
                               NULL, NULL);
  es_tensor *t = es_cast(ctx, wrapped, m->dtype[i]);
  /* A turned copy of the same values: strides must not matter. */
  return a->rank > 1 && m->n % 3 == 0
             ? es_transpose(ctx, es_copy(ctx, es_transpose(ctx, t, 0, 1)), 0, 1)
             : t;
}

es_tensor *expr_compute(es_ctx *ctx, const expr_maker *m) {
  es_options options = {.reading = m->letters ? ES_READ_LETTERS : ES_READ_NAMES,
                        .sizes = m->sizes,
                        .strategy = m->strategy};
  es_tensor *in[EXPR_OPERANDS];
  for (int i = 0; i < m->n_in; i++) in[i] = make_tensor(ctx, m, i);
  return es_einsum_into(ctx, m->text, in, m->n_in, &options, NULL);
}

static es_dtype result_type(const expr_maker *m, const es_pattern *p) {
  es_dtype t = m->dtype[0];
  for (int i = 1; i < m->n_in; i++) t = es_dtype_promote(t, m->dtype[i]);
  bool whole = t != ES_F32 && t != ES_F64;
  if (p->reducer == ES_REDUCE_ANY || p->reducer == ES_REDUCE_ALL) return ES_BOOL;
  return p->reducer == ES_REDUCE_MEAN && whole ? ES_F64 : t;
}

/* Beyond these the doubles of the oracle, or the type of the result, are not exact. */
static double limit_of(es_dtype dtype) {
  switch (dtype) {
  case ES_I16: return 32767;
  case ES_I32: return 2147483647;
  case ES_F32: return 16777216;
  default: return 9007199254740992;
  }
}

static bool differ(expr_tally *t, const expr_maker *m, const char *fmt, ...) ES_PRINTF(3, 4);
static bool differ(expr_tally *t, const expr_maker *m, const char *fmt, ...) {
  size_t n = (size_t)snprintf(t->why, sizeof t->why, "'%.300s' (first type %s): ", m->text,
                              es_dtype_name(m->dtype[0]));
  va_list args;
  va_start(args, fmt);
  vsnprintf(t->why + n, sizeof t->why - n, fmt, args);
  va_end(args);
  return false;
}

static bool compare(es_ctx *ctx, const expr_maker *m, const es_pattern *p, const oracle_array *want,
                    const es_tensor *got, expr_tally *t) {
  es_dtype dtype = result_type(m, p);
  if (!got) return differ(t, m, "%s", es_error_text(ctx));
  if (es_dtype_of(got) != dtype) return differ(t, m, "type %s", es_dtype_name(es_dtype_of(got)));
  if (es_rank(got) != want->rank) return differ(t, m, "rank %d", es_rank(got));
  for (int i = 0; i < want->rank; i++)
    if (es_shape(got)[i] != want->shape[i])
      return differ(t, m, "axis %d is %d, not %d", i, (int)es_shape(got)[i], (int)want->shape[i]);
  static double values[EXPR_VALUES];
  if (es_read(ctx, got, ES_F64, values, es_size(got)) != ES_OK)
    return differ(t, m, "%s", es_error_text(ctx));
  for (int64_t i = 0; i < es_size(got); i++) {
    double w = dtype == ES_F32 ? (double)(float)want->value[i] : want->value[i];
    if (w != values[i] && !(isnan(w) && isnan(values[i])))
      return differ(t, m, "element %d is %.17g, not %.17g", (int)i, values[i], w);
  }
  t->elements += (int)es_size(got);
  t->compared++;
  return true;
}

static bool fails_with(es_ctx *ctx, const expr_maker *m, es_status status, expr_tally *t) {
  es_status found = es_ctx_error(ctx)->status;
  return found == status || differ(t, m, "%s instead of %s %s", es_status_name(found),
                                   es_status_name(status), es_error_text(ctx));
}

/* result: of the oracle, [EXPR_VALUES]. */
static bool compare_parsed(es_ctx *ctx, expr_maker *m, const es_pattern *p, double max_points,
                           double *result, expr_tally *t) {
  settle_ellipsis(m, p);
  oracle_facts facts;
  state_facts(m, p, &facts);
  oracle_array want = {.value = result};
  int64_t shape[ORACLE_RANK], count = 1;
  int rank = oracle_shape(p, &facts, 0, shape);
  for (int i = 0; i < rank; i++) count *= shape[i];
  bool gaps = m->diagonal_gaps || m->output_index;
  bool wild = gaps && p->reducer != ES_REDUCE_NONE && p->reducer != ES_REDUCE_SUM;
  if (wild || count > EXPR_VALUES || points(m) > max_points) {
    t->skipped++;
    return true;
  }
  oracle_result meaning = oracle_eval(p, &facts, ES_REDUCE_SUM, 0, m->in, &want);
  double largest = 0;
  for (int64_t i = 0; meaning == ORACLE_OK && i < count; i++)
    largest = fmax(largest, fabs(result[i]));
  es_tensor *got = expr_compute(ctx, m);
  es_status status = es_ctx_error(ctx)->status;
  es_dtype dtype = result_type(m, p);
  bool exact = largest <= limit_of(dtype);
  /* An index is refused for what it could read, also where an empty axis of another
   * operand leaves nothing to do. */
  if (status == ES_E_RANGE && points(m) == 0) meaning = ORACLE_LEAVES;
  /* A running product of integers may leave 128 bits before a zero comes. */
  if (status == ES_E_OVERFLOW && p->reducer == ES_REDUCE_PROD) exact = false;
  if (meaning == ORACLE_LEAVES) {
    t->leaves++;
    return fails_with(ctx, m, ES_E_RANGE, t);
  }
  if (meaning == ORACLE_EMPTY) {
    t->empty++;
    return fails_with(ctx, m, ES_E_EMPTY, t);
  }
  if (exact) return compare(ctx, m, p, &want, got, t);
  t->overflow++;
  return (dtype != ES_I16 && dtype != ES_I32) || fails_with(ctx, m, ES_E_OVERFLOW, t);
}

bool expr_compare(es_ctx *ctx, expr_maker *m, double max_points, expr_tally *t) {
  static double result[EXPR_VALUES];
  es_arena arena;
  es_allocator allocator = es_allocator_default();
  es_arena_init(&arena, &allocator);
  es_pattern *p;
  es_error error;
  es_reading reading = m->letters ? ES_READ_LETTERS : ES_READ_NAMES;
  es_scope_push(ctx);
  bool same = es_parse(&arena, ES_KIND_EINSUM, m->text, m->n, reading, &p, &error) == ES_OK
                  ? compare_parsed(ctx, m, p, max_points, result, t)
                  : differ(t, m, "%s", error.message);
  es_clear_error(ctx);
  es_scope_pop(ctx);
  es_arena_free(&arena);
  return same;
}
