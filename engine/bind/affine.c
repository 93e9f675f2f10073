#include "engine/bind/affine.h"

#include "base/checked.h"
#include "engine/bind/axis_words.h"

/* c*i with c < 0 and 0 <= i < n is -c*i' + c*(n-1) with i' = n-1-i: reading a
 * window backwards is reading it forwards from a lower start. So an index is a
 * start and a span, both over labels with positive factors. The unknown label is
 * left out. Sizes may be 0: an empty window then counts as -1 steps, which makes
 * n positions of a window of none n+1, as in NumPy. */
static bool start_and_span(const es_affine *a, const int64_t *extent, int32_t unknown,
                           int64_t *start, int64_t *span) {
  *start = a->constant;
  *span = 0;
  for (int i = 0; i < a->n; i++) {
    if (a->label[i] == unknown) continue;
    int64_t steps = extent[a->label[i]] - 1, c = a->coef[i];
    if (c < 0 && !es_mad_i64(*start, c, steps, start)) return false;
    if (!es_mad_i64(*span, c < 0 ? -c : c, steps, span)) return false;
  }
  return true;
}

bool es_affine_range(const es_affine *a, const int64_t *extent, int64_t *low, int64_t *high,
                     bool *empty) {
  *empty = false;
  *low = *high = a->constant;
  for (int i = 0; i < a->n; i++) {
    int64_t n = extent[a->label[i]];
    if (n == 0) {
      *empty = true;
      continue;
    }
    if (!es_mad_i64(a->coef[i] < 0 ? *low : *high, a->coef[i], n - 1, a->coef[i] < 0 ? low : high))
      return false;
  }
  return *low != INT64_MIN; /* so that -*low is safe */
}

static es_status too_large(const es_axes *axes, const es_node *node, es_error *error) {
  return es_fail(error, ES_E_OVERFLOW, "M1", node->span, "the positions of '%s' do not fit 64 bits",
                 es_words_span(axes->pattern, node->span).text);
}

static es_status too_short(const es_axes *axes, const es_node *node, int64_t length, int64_t needed,
                           int operand, int axis, es_error *error) {
  return es_blame(
      error, operand,
      es_fail(error, ES_E_RANGE, "S13", node->span,
              "'%s' needs %lld elements for its first position, axis %d of operand %d has %lld",
              es_words_span(axes->pattern, node->span).text, (long long)needed, axis, operand,
              (long long)length));
}

es_status es_affine_solve(const es_axes *axes, const int64_t *extent, const es_node *node,
                          int64_t length, int operand, int axis, int32_t *label, int64_t *size,
                          es_error *error) {
  const es_affine *a = node->affine;
  int64_t factor = 0, start, span, padded = length;
  *label = -1;
  for (int i = 0; i < a->n; i++)
    if (extent[a->label[i]] < 0) *label = a->label[i], factor = a->coef[i];
  if (factor <= 0) { /* falls with the label: no length bounds it from above */
    *label = -1;
    return ES_OK;
  }
  if (!start_and_span(a, extent, *label, &start, &span)) return too_large(axes, node, error);
  bool fits = a->fill.kind == ES_FILL_NONE ? es_sub_i64(length, start, &padded)
              : start < 0                  ? es_mad_i64(length, -2, start, &padded)
                                           : true;
  int64_t room;
  if (!fits || !es_sub_i64(padded, span, &room) || room == INT64_MIN)
    return too_large(axes, node, error);
  *size = es_floor_div(room - 1, factor) + 1;
  if (*size >= 0) return ES_OK;
  /* room <= -factor: with padding counted, span+1 elements do not fit. */
  int64_t needed;
  if (!es_sub_i64(length + 1, room, &needed)) needed = INT64_MAX;
  return too_short(axes, node, length, needed, operand, axis, error);
}

bool es_affine_target(const es_affine *a, const int64_t *extent, int64_t *length) {
  int64_t start, span;
  if (!start_and_span(a, extent, -1, &start, &span)) return false;
  bool fits = start < 0 ? es_mad_i64(span, 2, start, length) : es_add_i64(span, start, length);
  if (!fits || !es_add_i64(*length, 1, length)) return false;
  if (*length < 0) *length = 0;
  return true;
}
