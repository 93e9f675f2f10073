/* The same elements under other axes: shapes, orders, windows, types. */
#include <string.h>

#include "repl/functions/tables.h"
#include "repl/language/functions.h"

/* ---- MXNet's reshape codes -------------------------------------------------------------- */

typedef struct codes {
  const int64_t *given; /* one is read, and an axis of x, or more */
  int n_given, at;
  const int64_t *from;
  int n_from, axis;
  int64_t *to;
  int n_to;
} codes;

/* -4, a, b: an axis split in two, of which one may be -1. */
static bool split_axis(codes *c) {
  if (c->at + 2 >= c->n_given || c->axis >= c->n_from) return false;
  int64_t whole = c->from[c->axis++], a = c->given[++c->at], b = c->given[++c->at];
  if (a == -1 && b > 0) a = whole / b;
  if (b == -1 && a > 0) b = whole / a;
  if (a < 0 || b < 0 || (a && b > whole / a) || a * b != whole) return false;
  c->to[c->n_to++] = a;
  c->to[c->n_to++] = b;
  return true;
}

/* 0 keeps an axis, -1 is inferred, -2 keeps the rest, -3 merges two; false: it cannot. */
static bool read_code(codes *c) {
  int64_t code = c->given[c->at];
  int left = c->n_from - c->axis;
  switch (code) {
  case 0:
    if (left < 1) return false;
    c->to[c->n_to++] = c->from[c->axis++];
    return true;
  case -2:
    while (c->axis < c->n_from) c->to[c->n_to++] = c->from[c->axis++];
    return true;
  case -3:
    if (left < 2) return false;
    c->axis += 2;
    return !__builtin_mul_overflow(c->from[c->axis - 2], c->from[c->axis - 1], &c->to[c->n_to++]);
  case -4: return split_axis(c);
  default:
    c->axis++;
    c->to[c->n_to++] = code;
    return code >= -1;
  }
}

/* shape[*rank], in codes, becomes the shape that they mean. */
static bool mxnet_codes(sc_args *a, const es_tensor *x, int64_t *shape, int *rank) {
  int64_t to[3 * ES_MAX_RANK];
  codes c = {shape, *rank, 0, es_shape(x), es_rank(x), 0, to, 0};
  for (; c.at < c.n_given; c.at++) {
    int64_t code = c.given[c.at];
    if (c.n_to <= ES_MAX_RANK && read_code(&c)) continue;
    sc_fail(a->s, ES_E_VALUE, a->span,
            "MXNet's reshape code %lld does not fit the axes that are left of this tensor: 0 keeps "
            "one, -1 is inferred, -2 keeps all that follow, -3 merges two, -4, a, b splits one",
            (long long)code);
    return false;
  }
  if (c.n_to > ES_MAX_RANK) {
    sc_fail(a->s, ES_E_LIMIT, a->span, "the result has %d axes, at most %d are possible", c.n_to,
            ES_MAX_RANK);
    return false;
  }
  memcpy(shape, to, (size_t)c.n_to * sizeof *shape);
  *rank = c.n_to;
  return true;
}

static sc_value *reshape(sc_args *a) {
  int64_t shape[ES_MAX_RANK];
  int rank;
  es_tensor *x = sc_arg_tensor(a, 0);
  if (!x || !sc_given_sizes(a, 2, shape, &rank)) return NULL;
  if (a->flavour == SC_MXNET && !mxnet_codes(a, x, shape, &rank)) return NULL;
  return sc_return(a, es_reshape(a->s->es, x, rank, shape));
}

static sc_value *permuted(sc_args *a, es_tensor *x, const int64_t *order, int n) {
  int axes[ES_MAX_RANK];
  if (n != es_rank(x))
    return sc_fail(a->s, ES_E_RANK, a->span, "%d axes were given for a tensor with %d", n,
                   es_rank(x));
  for (int i = 0; i < n; i++) {
    if (order[i] < -n || order[i] >= n)
      return sc_fail(a->s, ES_E_RANGE, a->span, "axis %lld is outside a tensor with %d axes",
                     (long long)order[i], n);
    axes[i] = (int)order[i];
  }
  return sc_return(a, es_permute(a->s->es, x, axes));
}

enum { PERMUTE, TRANSPOSE };

static sc_value *transpose(sc_args *a) {
  int64_t order[ES_MAX_RANK];
  int n;
  es_tensor *x = sc_arg_tensor(a, 0);
  if (!x) return NULL;
  if (a->value[2] ? !sc_arg_sizes(a, 2, order, &n) : !sc_rest_sizes(a, order, &n)) return NULL;
  if (n == 0 && a->function->code == TRANSPOSE)
    for (; n < es_rank(x); n++) order[n] = es_rank(x) - 1 - n;
  /* PyTorch's x.transpose(0, 1) swaps two axes; NumPy's orders all of them. */
  bool swap = a->function->code == TRANSPOSE && a->n_rest == 2 &&
              (a->flavour == SC_TORCH || es_rank(x) > 2);
  if (!swap) return permuted(a, x, order, n);
  return sc_return(a, es_transpose(a->s->es, x, (int)order[0], (int)order[1]));
}

static sc_value *swapaxes(sc_args *a) {
  int first, second;
  es_tensor *x = sc_arg_tensor(a, 0);
  if (!x || !sc_arg_axis(a, 1, 0, &first) || !sc_arg_axis(a, 2, 1, &second)) return NULL;
  return sc_return(a, es_transpose(a->s->es, x, first, second));
}

static sc_value *moveaxis(sc_args *a) {
  int from[ES_MAX_RANK], to[ES_MAX_RANK], n_from, n_to;
  int64_t order[ES_MAX_RANK];
  es_tensor *x = sc_arg_tensor(a, 0);
  if (!x || !sc_arg_axes(a, 1, from, &n_from) || !sc_arg_axes(a, 2, to, &n_to)) return NULL;
  int rank = es_rank(x);
  if (n_from != n_to)
    return sc_fail(a->s, ES_E_COUNT, a->span, "%d axes are moved to %d places", n_from, n_to);
  for (int i = 0; i < rank; i++) order[i] = -1;
  bool taken[ES_MAX_RANK] = {false};
  for (int i = 0; i < n_from; i++) {
    int f = from[i] < 0 ? from[i] + rank : from[i], t = to[i] < 0 ? to[i] + rank : to[i];
    if (f < 0 || f >= rank || t < 0 || t >= rank || taken[f] || order[t] >= 0)
      return sc_fail(a->s, ES_E_RANGE, a->span,
                     "axis %d cannot move to place %d of a tensor with "
                     "%d axes",
                     from[i], to[i], rank);
    taken[f] = true;
    order[t] = f;
  }
  for (int i = 0, next = 0; i < rank; i++) {
    if (order[i] >= 0) continue;
    while (taken[next]) next++;
    order[i] = next++;
  }
  return permuted(a, x, order, rank);
}

static sc_value *flatten(sc_args *a) {
  int first, last;
  es_tensor *x = sc_arg_tensor(a, 0);
  if (!x || !sc_arg_axis(a, 1, 0, &first) || !sc_arg_axis(a, 2, -1, &last)) return NULL;
  if (!es_rank(x)) return sc_return(a, es_reshape(a->s->es, x, 1, (int64_t[]){1}));
  return sc_return(a, es_flatten(a->s->es, x, first, last));
}

static sc_value *squeeze(sc_args *a) {
  int axes[ES_MAX_RANK], n;
  es_tensor *x = sc_arg_tensor(a, 0);
  if (!x || !sc_arg_axes(a, 1, axes, &n)) return NULL;
  if (!a->value[1]) return sc_return(a, es_squeeze_all(a->s->es, x));
  int rank = es_rank(x);
  for (int i = 0; i < n; i++) axes[i] = axes[i] < 0 ? axes[i] + rank : axes[i];
  for (int at = rank - 1; at >= 0 && x; at--) /* from the end: earlier axes keep their numbers */
    for (int i = 0; i < n; i++)
      if (axes[i] == at) {
        x = a->flavour == SC_TORCH && es_shape(x)[at] != 1 ? x : es_squeeze(a->s->es, x, at);
        break;
      }
  for (int i = 0; i < n; i++)
    if (axes[i] < 0 || axes[i] >= rank)
      return sc_fail(a->s, ES_E_RANGE, a->at[1], "axis %d is outside a tensor with %d axes",
                     axes[i], rank);
  return sc_return(a, x);
}

static sc_value *unsqueeze(sc_args *a) {
  int axes[ES_MAX_RANK], n;
  es_tensor *x = sc_arg_tensor(a, 0);
  if (!x || !sc_arg_axes(a, 1, axes, &n)) return NULL;
  int rank = es_rank(x) + n;
  for (int i = 0; i < n; i++) {
    if (axes[i] < -rank || axes[i] >= rank)
      return sc_fail(a->s, ES_E_RANGE, a->at[1], "axis %d is outside a result with %d axes",
                     axes[i], rank);
    axes[i] = axes[i] < 0 ? axes[i] + rank : axes[i];
  }
  for (int at = 0; at < rank && x; at++)
    for (int i = 0; i < n; i++)
      if (axes[i] == at) {
        x = es_unsqueeze(a->s->es, x, at);
        break;
      }
  return sc_return(a, x);
}

static sc_value *broadcast_to(sc_args *a) {
  int64_t shape[ES_MAX_RANK];
  int rank;
  es_tensor *x = sc_arg_tensor(a, 0);
  if (!x || !sc_given_sizes(a, 2, shape, &rank)) return NULL;
  for (int i = 0; i < rank; i++) { /* PyTorch's expand: -1 keeps the size */
    int from = es_rank(x) - rank + i;
    if (shape[i] == -1 && from >= 0) shape[i] = es_shape(x)[from];
  }
  return sc_return(a, es_broadcast_to(a->s->es, x, rank, shape));
}

static sc_value *flip(sc_args *a) {
  int axes[ES_MAX_RANK], n;
  es_tensor *x = sc_arg_tensor(a, 0);
  if (!x || !sc_arg_axes(a, 1, axes, &n)) return NULL;
  if (!a->value[1])
    for (; n < es_rank(x); n++) axes[n] = n;
  for (int i = 0; i < n && x; i++) x = es_flip(a->s->es, x, axes[i]);
  return sc_return(a, x);
}

static sc_value *rot90(sc_args *a) {
  int axes[ES_MAX_RANK] = {0, 1}, n = 2;
  int64_t turns;
  es_tensor *x = sc_arg_tensor(a, 0);
  if (!x || !sc_arg_int(a, 1, 1, &turns) || (a->value[2] && !sc_arg_axes(a, 2, axes, &n)))
    return NULL;
  if (n != 2) return sc_fail(a->s, ES_E_COUNT, a->span, "rot90 turns two axes, found %d", n);
  turns = (turns % 4 + 4) % 4;
  if (turns == 2) {
    x = es_flip(a->s->es, x, axes[0]);
    x = x ? es_flip(a->s->es, x, axes[1]) : NULL;
  } else if (turns) {
    x = es_flip(a->s->es, x, axes[turns == 1 ? 1 : 0]);
    x = x ? es_transpose(a->s->es, x, axes[0], axes[1]) : NULL;
  }
  return sc_return(a, x);
}

static sc_value *diagonal(sc_args *a) {
  int64_t offset;
  int first, second;
  es_tensor *x = sc_arg_tensor(a, 0);
  if (!x || !sc_arg_int(a, 1, 0, &offset) || !sc_arg_axis(a, 2, 0, &first) ||
      !sc_arg_axis(a, 3, 1, &second))
    return NULL;
  return sc_return(a, es_diagonal(a->s->es, x, offset, first, second));
}

static sc_value *unfold(sc_args *a) {
  int axis;
  int64_t size, step, dilation;
  es_tensor *x = sc_arg_tensor(a, 0);
  if (!x || !sc_arg_axis(a, 1, 0, &axis) || !sc_arg_int(a, 2, 0, &size) ||
      !sc_arg_int(a, 3, 1, &step) || !sc_arg_int(a, 4, 1, &dilation))
    return NULL;
  return sc_return(a, es_unfold_axis(a->s->es, x, axis, size, step, dilation));
}

static sc_value *sliding_window_view(sc_args *a) {
  int axes[ES_MAX_RANK], n_axes, n;
  int64_t window[ES_MAX_RANK];
  es_tensor *x = sc_arg_tensor(a, 0);
  if (!x || !sc_arg_sizes(a, 1, window, &n) || !sc_arg_axes(a, 2, axes, &n_axes)) return NULL;
  int rank = es_rank(x);
  if (!a->value[2])
    for (; n_axes < n; n_axes++) axes[n_axes] = n_axes;
  if (n_axes != n || (!a->value[2] && n != rank))
    return sc_fail(a->s, ES_E_COUNT, a->span, "%d window lengths for %d axes", n,
                   a->value[2] ? n_axes : rank);
  for (int i = 0; i < n && x; i++) {
    int axis = axes[i] < 0 ? axes[i] + rank : axes[i];
    if (axis < 0 || axis >= rank)
      return sc_fail(a->s, ES_E_RANGE, a->span, "axis %d is outside a tensor with %d axes", axes[i],
                     rank);
    x = es_unfold_axis(a->s->es, x, axis, window[i], 1, 1);
  }
  return sc_return(a, x);
}

static sc_value *as_strided(sc_args *a) {
  int64_t shape[ES_MAX_RANK], strides[ES_MAX_RANK], offset;
  int rank, n;
  es_tensor *x = sc_arg_tensor(a, 0);
  if (!x || !sc_arg_sizes(a, 1, shape, &rank) || !sc_arg_sizes(a, 2, strides, &n) ||
      !sc_arg_int(a, 3, 0, &offset))
    return NULL;
  if (rank != n)
    return sc_fail(a->s, ES_E_COUNT, a->span, "%d sizes stand against %d strides", rank, n);
  return sc_return(a, es_as_strided(a->s->es, x, rank, shape, strides, offset));
}

static sc_value *split(sc_args *a) {
  int axis;
  int64_t parts;
  es_tensor *x = sc_arg_tensor(a, 0);
  if (!x || !sc_arg_int(a, 1, 1, &parts) || !sc_arg_axis(a, 2, 0, &axis)) return NULL;
  int at = axis < 0 ? axis + es_rank(x) : axis;
  if (at < 0 || at >= es_rank(x))
    return sc_fail(a->s, ES_E_RANGE, a->span, "axis %d is outside a tensor with %d axes", axis,
                   es_rank(x));
  int64_t extent = es_shape(x)[at];
  if (a->flavour == SC_TORCH && !a->function->code && parts > 0) /* PyTorch gives the length */
    parts = extent % parts ? 0 : extent / parts;
  if (parts < 1 || parts > 4096 || extent % parts)
    return sc_fail(a->s, ES_E_EXTENT, a->span,
                   "axis %d has %lld entries, which is not a multiple "
                   "of the parts asked for",
                   axis, (long long)extent);
  sc_value **items = sc_scratch(a->s, (size_t)parts * sizeof *items);
  for (int64_t i = 0, n = extent / parts; i < parts; i++) {
    items[i] = sc_return(a, es_slice(a->s->es, x, at, i * n, (i + 1) * n, 1));
    if (!items[i]) return NULL;
  }
  return sc_sequence(a->s, SC_TUPLE, parts, items);
}

#define METHODS (SC_IN_METHOD | SC_IN_BARE | SC_IN_ARRAYS)

const sc_function sc_functions_view[] = {
    {"reshape", METHODS, "x sizes* shape|newshape?", reshape, 0,
     "Another shape, C order; one size may be -1. Arrays made by nd. read MXNet's codes: 0 keeps "
     "an axis."},
    {"view", SC_IN_METHOD, "x sizes* shape|size?", reshape, 0, "The same as reshape."},
    {"permute", METHODS, "x dims* axes?", transpose, PERMUTE,
     "x.permute(0, 2, 1): the axes in that order, a view."},
    {"transpose", METHODS, "x order* axes?", transpose, TRANSPOSE,
     "All axes reversed, or in the order given; two axes of a tensor with more are swapped, as in "
     "PyTorch."},
    {"swapaxes", METHODS, "x axis1|axis0|dim0 axis2|dim1", swapaxes, 0, "Two axes change places."},
    {"moveaxis", METHODS, "x source destination", moveaxis, 0, "Axes move to other places."},
    {"movedim", SC_IN_METHOD | SC_IN_TORCH, "x source destination", moveaxis, 0, "As moveaxis."},
    {"flatten", METHODS, "x start_dim? end_dim?", flatten, 0, "Axes merged into one."},
    {"ravel", METHODS, "x", flatten, 0, "All axes merged into one."},
    {"squeeze", METHODS, "x axis|dim?", squeeze, 0, "Axes of size 1 left out."},
    {"unsqueeze", METHODS, "x dim|axis", unsqueeze, 0, "A new axis of size 1."},
    {"expand_dims", METHODS, "x axis|dim", unsqueeze, 0, "A new axis of size 1."},
    {"broadcast_to", METHODS, "x sizes* shape?", broadcast_to, 0,
     "Axes of size 1 stretched, a read-only view."},
    {"expand", SC_IN_METHOD, "x sizes* size?", broadcast_to, 0,
     "As broadcast_to; -1 keeps a size."},
    {"flip", METHODS, "x axis|dims|dim?", flip, 0, "Axes read backwards, a view."},
    {"rot90", METHODS, "x k? axes|dims?", rot90, 0,
     "k quarter turns, from the first axis to the second."},
    {"diagonal", METHODS, "x offset? axis1|dim1? axis2|dim2?", diagonal, 0,
     "A diagonal as the last axis, a view."},
    {"unfold", SC_IN_METHOD, "x dimension|axis|dim size step? dilation?", unfold, 0,
     "Windows of size elements, every step, along one axis; the window axis comes last. A view: "
     "nothing is copied."},
    {"sliding_window_view", SC_IN_BARE | SC_IN_NUMPY | SC_IN_STRIDES, "x window_shape axis?",
     sliding_window_view, 0, "NumPy's windows: one more axis for each, a view."},
    {"as_strided", SC_IN_BARE | SC_IN_METHOD | SC_IN_STRIDES | SC_IN_TORCH,
     "x shape|size strides|stride storage_offset?", as_strided, 0,
     "Any view inside the storage of x. Strides count elements, also after np."},
    {"split", METHODS, "x sections|indices_or_sections axis|dim?", split, 0,
     "Equal parts along an axis, as a tuple of views: their number, in PyTorch their length."},
    {"chunk", METHODS, "x chunks axis|dim?", split, 1, "That many equal parts along an axis."},
    {NULL, 0, NULL, NULL, 0, NULL}};
