/* The view constructor and what is computed of strides, each against enumeration. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/dtype.h"
#include "base/view.h"
#include "base/wide.h"

static uint64_t state = 0x9e3779b97f4a7c15u;

static int64_t pick(int64_t low, int64_t high) { /* inclusive */
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return low + (int64_t)(state % (uint64_t)(high - low + 1));
}

enum { PLACES = 64 };

/* Visits of every place of a storage, by walking every index; false when one lies
 * outside. */
static bool enumerate(int64_t length, int64_t offset, int rank, const int64_t *shape,
                      const int64_t *strides, int visits[PLACES]) {
  int64_t index[8] = {0};
  memset(visits, 0, PLACES * sizeof *visits);
  for (int i = 0; i < rank; i++)
    if (!shape[i]) return true;
  for (;;) {
    int64_t at = offset;
    for (int i = 0; i < rank; i++) at += index[i] * strides[i];
    if (at < 0 || at >= length) return false;
    visits[at]++;
    int i = rank - 1;
    while (i >= 0 && ++index[i] == shape[i]) index[i--] = 0;
    if (i < 0) return true;
  }
}

static bool once(const int visits[PLACES]) {
  for (int i = 0; i < PLACES; i++)
    if (visits[i] > 1) return false;
  return true;
}

Test(view, stays_in_its_storage) {
  int accepted = 0;
  for (int round = 0; round < 1000000; round++) {
    int64_t length = pick(0, 24), offset = pick(-2, 26), shape[4], strides[4];
    int rank = (int)pick(0, 4), visits[PLACES];
    bool empty = false;
    for (int i = 0; i < rank; i++) {
      shape[i] = pick(0, 4);
      strides[i] = pick(-7, 7);
      empty |= !shape[i];
    }
    bool inside = enumerate(length, offset, rank, shape, strides, visits);
    es_view v;
    es_status status = es_view_make(ES_F32, length, offset, rank, shape, strides, true, &v, NULL);
    cr_assert_eq(status == ES_OK, inside, "round %d", round);
    if (!inside) continue;
    accepted++;
    cr_assert(!v.writable || once(visits), "round %d: a writable view visits an element twice",
              round);
    /* The exact test covers so small a storage: writable means injective. */
    cr_assert_eq(v.writable, once(visits), "round %d", round);
    for (int i = 0; i < rank; i++) {
      cr_assert_eq(v.shape[i], shape[i]);
      if (shape[i] > 1 && !empty) cr_assert_eq(v.strides[i], strides[i]);
      cr_assert(v.strides[i] <= length || empty);
    }
  }
  cr_assert(accepted > 100000, "only %d views were inside", accepted);
}

Test(view, read_only_storage_gives_read_only_views) {
  es_view v;
  int64_t shape[] = {2, 3};
  cr_assert_eq(es_view_make(ES_F32, 6, 0, 2, shape, NULL, false, &v, NULL), ES_OK);
  cr_assert(!v.writable);
}

Test(view, injectivity_never_claims_too_much) {
  int sure = 0, injective = 0;
  for (int round = 0; round < 300000; round++) {
    int64_t shape[4], strides[4], low = 0, visits_low;
    int rank = (int)pick(0, 4), visits[PLACES];
    for (int i = 0; i < rank; i++) {
      shape[i] = pick(1, 3);
      strides[i] = pick(-7, 7);
      if (strides[i] < 0) low += (shape[i] - 1) * strides[i];
    }
    visits_low = -low;
    cr_assert(enumerate(PLACES, visits_low, rank, shape, strides, visits));
    bool truth = once(visits), claim = es_view_injective(rank, shape, strides);
    cr_assert_eq(claim, truth, "round %d", round);
    injective += truth;
    sure += claim;
  }
  cr_assert(injective > 1000 && sure == injective);
}

Test(view, size_one_axes_never_refuse) {
  int64_t shape[] = {1, 3, 1, 2, 1}, strides[] = {0, 2, INT64_MIN, 1, INT64_MAX};
  es_view v;
  cr_assert(es_view_injective(5, shape, strides));
  cr_assert_eq(es_view_make(ES_I8, 6, 0, 5, shape, strides, true, &v, NULL), ES_OK);
  cr_assert(v.writable);
  cr_assert_eq(v.strides[2], 0);
  cr_assert_eq(v.strides[4], 0);
}

/* ---- huge numbers ---------------------------------------------------------------- */

static const int64_t lattice[] = {0,
                                  1,
                                  2,
                                  3,
                                  1 << 15,
                                  ((int64_t)1 << 31) - 1,
                                  ((int64_t)1 << 31) + 1,
                                  (int64_t)1 << 32,
                                  (int64_t)1 << 62,
                                  INT64_MAX};
enum { LATTICE = sizeof lattice / sizeof *lattice };

/* The product of the non-zero extents in 128 bits, saturating above 2^100. */
static bool product_fits(int rank, const int64_t *shape, int64_t *count) {
  es_u128 product = 1;
  bool empty = false;
  for (int i = 0; i < rank; i++) {
    if (!shape[i])
      empty = true;
    else
      product *= (es_u128)shape[i];
    if (product >> 63) return false; /* no later factor makes it smaller */
  }
  *count = empty ? 0 : (int64_t)product;
  return true;
}

Test(view, lattice_of_huge_shapes) {
  for (int rank = 0; rank <= 5; rank++) {
    int total = 1;
    for (int i = 0; i < rank; i++) total *= LATTICE;
    for (int code = 0; code < total; code++) {
      int64_t shape[5], strides[5], count = -1, counted = -1;
      for (int i = 0, rest = code; i < rank; i++, rest /= LATTICE)
        shape[i] = lattice[rest % LATTICE];
      bool fits = product_fits(rank, shape, &count);
      es_view v;
      cr_assert_eq(es_count_i64(rank, shape, &counted), fits);
      if (fits) cr_assert_eq(counted, count);
      cr_assert_eq(es_view_c_strides(rank, shape, strides), fits);
      es_error e;
      es_status status = es_view_make(ES_C128, INT64_MAX / 16, 0, rank, shape, NULL, true, &v, &e);
      cr_assert_eq(status == ES_OK, fits && count <= INT64_MAX / 16, "code %d: %s", code,
                   e.message);
      if (status == ES_OK) cr_assert(es_view_contiguous(rank, v.shape, v.strides));
    }
  }
}

Test(view, huge_strides_and_offsets) {
  static const int64_t edge[] = {INT64_MIN,        INT64_MIN + 1, -((int64_t)1 << 62), -1, 0, 1,
                                 (int64_t)1 << 62, INT64_MAX};
  enum { EDGES = sizeof edge / sizeof *edge };
  for (int a = 0; a < EDGES; a++)
    for (int b = 0; b < EDGES; b++)
      for (int o = 0; o < EDGES; o++) {
        int64_t shape[] = {2, 3}, strides[] = {edge[a], edge[b]};
        es_i128 low = edge[o], high = edge[o];
        *(edge[a] < 0 ? &low : &high) += edge[a];
        *(edge[b] < 0 ? &low : &high) += (es_i128)2 * edge[b];
        es_view v;
        es_status status = es_view_make(ES_U8, 1000, edge[o], 2, shape, strides, true, &v, NULL);
        cr_assert_eq(status == ES_OK, low >= 0 && high < 1000);
      }
}

Test(view, bad_arguments) {
  es_view v;
  es_error e;
  int64_t shape[ES_MAX_RANK + 1] = {0}, negative[] = {3, -1};
  cr_assert_eq(es_view_make(ES_F32, 0, 0, ES_MAX_RANK + 1, shape, NULL, true, &v, &e), ES_E_RANK);
  cr_assert_eq(es_view_make(ES_F32, 0, 0, -1, shape, NULL, true, &v, &e), ES_E_RANK);
  cr_assert_eq(es_view_make(ES_F32, 9, 0, 2, negative, NULL, true, &v, &e), ES_E_EXTENT);
  cr_assert_eq(es_view_make((es_dtype)99, 9, 0, 0, NULL, NULL, true, &v, &e), ES_E_DTYPE);
  cr_assert_eq(es_view_make(ES_F32, 0, 0, ES_MAX_RANK, shape, NULL, true, &v, &e), ES_OK);
  int64_t three[] = {3}, back[] = {-1};
  cr_assert_eq(es_view_make(ES_F32, 3, 1, 1, three, back, true, &v, &e), ES_E_RANGE);
  cr_assert_str_eq(e.message,
                   "a view of shape (3,) with strides (-1,) at offset 1 touches elements -1 … 1 "
                   "of a storage of 3");
}

/* ---- contiguity and reshaping --------------------------------------------------------- */

Test(view, contiguous_means_places_in_order) {
  for (int round = 0; round < 200000; round++) {
    int64_t shape[3], strides[3], index[3] = {0}, place = 0;
    int rank = (int)pick(0, 3);
    bool in_order = true, empty = false;
    for (int i = 0; i < rank; i++) {
      shape[i] = pick(0, 3);
      strides[i] = pick(-1, 6);
      empty |= !shape[i];
    }
    for (bool more = !empty; more; place++) {
      int64_t at = 0;
      for (int i = 0; i < rank; i++) at += index[i] * strides[i];
      in_order &= at == place;
      int i = rank - 1;
      while (i >= 0 && ++index[i] == shape[i]) index[i--] = 0;
      more = i >= 0;
    }
    cr_assert_eq(es_view_contiguous(rank, shape, strides), in_order, "round %d", round);
  }
}

/* All offsets of a walk, in C order. Returns their number. */
static int offsets(int rank, const int64_t *shape, const int64_t *strides, int64_t *out) {
  int64_t index[8] = {0};
  int n = 0;
  for (int i = 0; i < rank; i++)
    if (!shape[i]) return 0;
  for (;;) {
    out[n] = 0;
    for (int i = 0; i < rank; i++) out[n] += index[i] * strides[i];
    n++;
    int i = rank - 1;
    while (i >= 0 && ++index[i] == shape[i]) index[i--] = 0;
    if (i < 0) return n;
  }
}

/* Random factors of size, in random order. */
static int random_shape(int64_t size, int64_t *shape) {
  static const int64_t factors[] = {1, 2, 3, 2, 6, 4};
  int rank = 0;
  while (rank < 4) {
    int64_t f = factors[pick(0, 5)];
    if (size % f) f = 1;
    shape[rank++] = f;
    size /= f;
  }
  shape[rank++] = size;
  return rank;
}

/* Strides of an old axis that splits into given new ones exist only if every step
 * in C order of each new axis is the same everywhere: the definition itself. */
static bool view_exists(int rank, const int64_t *shape, const int64_t *walk, int64_t *strides) {
  int64_t place = 1;
  for (int i = rank - 1; i >= 0; i--) {
    strides[i] = shape[i] > 1 ? walk[place] - walk[0] : 0;
    place *= shape[i];
  }
  int64_t again[256];
  int n = offsets(rank, shape, strides, again);
  for (int k = 0; k < n; k++)
    if (again[k] != walk[k] - walk[0]) return false;
  return true;
}

Test(view, reshape_is_a_view_where_strides_exist) {
  static const int64_t sizes[] = {1, 2, 6, 12, 24, 48};
  int views = 0, copies = 0;
  for (int round = 0; round < 200000; round++) {
    int64_t size = sizes[pick(0, 5)], shape[8], strides[8], to[8], got[8], wanted[8];
    int64_t walk[256], walked[256];
    int rank = random_shape(size, shape), new_rank = random_shape(size, to);
    for (int i = 0; i < rank; i++) strides[i] = pick(-3, 12);
    if (round % 2) es_view_c_strides(rank, shape, strides);
    if (round % 4 == 3) { /* a transposed one */
      int a = (int)pick(0, rank - 1), b = (int)pick(0, rank - 1);
      int64_t e = shape[a], s = strides[a];
      shape[a] = shape[b], strides[a] = strides[b];
      shape[b] = e, strides[b] = s;
    }
    int n = offsets(rank, shape, strides, walk);
    bool can = es_view_reshape_strides(rank, shape, strides, new_rank, to, got);
    cr_assert_eq(can, view_exists(new_rank, to, walk, wanted), "round %d", round);
    views += can;
    copies += !can;
    if (!can) continue;
    cr_assert_eq(offsets(new_rank, to, got, walked), n);
    for (int k = 0; k < n; k++) cr_assert_eq(walked[k], walk[k], "round %d", round);
  }
  cr_assert(views > 1000 && copies > 1000, "%d views, %d copies", views, copies);
}

/* ---- overlap ---------------------------------------------------------------------------- */

Test(view, overlap_is_never_missed) {
  static char memory[PLACES];
  int disjoint = 0;
  for (int round = 0; round < 200000; round++) {
    es_view v[2];
    int visits[2][PLACES];
    for (int k = 0; k < 2; k++) {
      int64_t shape[2] = {pick(1, 4), pick(1, 4)}, strides[2] = {pick(-6, 6), pick(-6, 6)};
      if (es_view_make(ES_U8, PLACES, pick(0, PLACES - 1), 2, shape, strides, true, &v[k], NULL) !=
          ES_OK)
        k--;
      else
        enumerate(PLACES, v[k].offset, 2, shape, strides, visits[k]);
    }
    bool meet = false;
    for (int i = 0; i < PLACES; i++) meet |= visits[0][i] && visits[1][i];
    bool claim = es_view_may_overlap(memory + v[0].offset, &v[0], memory + v[1].offset, &v[1]);
    cr_assert(claim || !meet, "round %d: an overlap was missed", round);
    disjoint += !claim;
  }
  cr_assert(disjoint > 10000, "%d pairs were told apart", disjoint);
}

Test(view, interleaved_columns_do_not_overlap) {
  static float memory[8];
  es_view even, odd;
  int64_t shape[] = {4}, strides[] = {2};
  es_view_make(ES_F32, 8, 0, 1, shape, strides, true, &even, NULL);
  es_view_make(ES_F32, 8, 1, 1, shape, strides, true, &odd, NULL);
  cr_assert(!es_view_may_overlap(memory, &even, memory + 1, &odd));
  cr_assert(es_view_may_overlap(memory, &even, memory, &even));
  /* Of other element sizes nothing is claimed. */
  es_view bytes;
  es_view_make(ES_U8, 32, 4, 1, shape, strides, true, &bytes, NULL);
  cr_assert(es_view_may_overlap(memory, &even, (char *)memory + 4, &bytes));
}

/* ---- parameters --------------------------------------------------------------------------- */

Test(view, axis_numbers) {
  es_error e;
  int axis;
  for (int rank = 0; rank <= 4; rank++)
    for (int a = -6; a <= 6; a++) {
      es_status status = es_axis_resolve(a, rank, &axis, &e);
      cr_assert_eq(status == ES_OK, a >= -rank && a < rank);
      if (status == ES_OK)
        cr_assert_eq(axis, a < 0 ? a + rank : a);
      else
        cr_assert_eq(status, ES_E_RANGE);
    }
  es_axis_resolve(4, 3, &axis, &e);
  cr_assert_str_eq(e.message, "axis 4 is out of range for a tensor with 3 axes (-3 … 2)");
}

Test(view, windows_against_counting) {
  es_error e;
  for (int64_t extent = 0; extent < 9; extent++)
    for (int64_t size = 0; size < 5; size++)
      for (int64_t step = 0; step < 4; step++)
        for (int64_t dilation = 0; dilation < 4; dilation++)
          for (int64_t pad = -1; pad < 3; pad++) {
            bool sound = size >= 1 && step >= 1 && dilation >= 1 && pad >= 0;
            es_status status = es_window_check("axis 2", size, step, dilation, pad, 1, &e);
            cr_assert_eq(status, sound ? ES_OK : ES_E_VALUE);
            if (!sound) continue;
            int64_t counted = 0, count = -1;
            for (int64_t at = -pad; at + dilation * (size - 1) < extent + 1; at += step) counted++;
            cr_assert(es_window_count(extent, size, step, dilation, pad, 1, &count));
            cr_assert_eq(count, counted);
          }
  es_window_check("axis 2", 3, 0, 1, 0, 0, &e);
  cr_assert_str_eq(e.message, "the stride along axis 2 must be at least 1, not 0");
  int64_t count;
  cr_assert(!es_window_count(5, INT64_MAX, 1, 2, 0, 0, &count));
  cr_assert(!es_window_count(5, 1, 1, 1, INT64_MAX, 0, &count));
  cr_assert_eq(es_window_check("h", 1, 1, 1, INT64_MIN, 0, &e), ES_E_VALUE);
}

Test(view, the_words_name_the_axis_that_is_negative) {
  es_view v;
  es_error e;
  cr_assert_eq(es_view_make(ES_F32, 10, 0, 2, (int64_t[]){0, -1}, NULL, true, &v, &e), ES_E_EXTENT);
  cr_assert(strstr(e.message, "axis 1 has size -1"), "%s", e.message);
}

/* Side by side, to the element, at both ends. */
Test(view, neighbours_do_not_overlap) {
  float memory[12];
  const int64_t four = 4, minus = -1;
  es_view up, down;
  es_error e;
  cr_assert_eq(es_view_make(ES_F32, 12, 0, 1, &four, NULL, true, &up, &e), ES_OK);
  cr_assert_eq(es_view_make(ES_F32, 12, 3, 1, &four, &minus, true, &down, &e), ES_OK);
  for (int at = 0; at <= 8; at++) { /* the first element of up, and of down from its end */
    bool meet = at > 0 && at < 8;
    cr_assert_eq(es_view_may_overlap(memory + 4, &up, memory + at, &up), meet, "%d", at);
    cr_assert_eq(es_view_may_overlap(memory + at, &up, memory + 4, &up), meet, "%d", at);
    cr_assert_eq(es_view_may_overlap(memory + 4, &up, memory + at + 3, &down), meet, "%d", at);
    cr_assert_eq(es_view_may_overlap(memory + at + 3, &down, memory + 4, &up), meet, "%d", at);
  }
}

Test(view, sizes_and_strides_that_leave_64_bits) {
  const int64_t huge[] = {4, (int64_t)1 << 62}, dense[] = {(int64_t)1 << 62, 1};
  const int64_t three[] = {3, 3}, far[] = {INT64_MAX, 1}, least[] = {INT64_MIN, 1};
  cr_assert(!es_view_contiguous(2, huge, dense), "its elements cannot be counted");
  cr_assert(!es_view_injective(2, three, far), "its reach cannot be told");
  cr_assert(!es_view_injective(2, three, least));
  /* Injective, but too wide to be tried and not nested: read-only, as in doubt. */
  const int64_t wide[] = {20000, 30000}, small[] = {2, 3};
  cr_assert(!es_view_injective(2, three, wide));
  cr_assert(es_view_injective(2, three, small));
  cr_assert(!es_view_injective(2, (int64_t[]){4, 3}, small)); /* 3 * 2 is 2 * 3 */
  int64_t count;
  cr_assert(!es_window_count(5, 1, 1, 1, INT64_MAX - 10, 100, &count));
}

Test(view, alike_is_the_same_walk_over_the_same_type) {
  const int64_t shape[] = {2, 3}, strides[] = {3, 1}, other[] = {3, 2};
  const es_array a = {NULL, ES_F32, 2, shape, strides};
  const es_array unlike[] = {{NULL, ES_F64, 2, shape, strides},
                             {NULL, ES_F32, 1, shape, strides},
                             {NULL, ES_F32, 2, other, strides},
                             {NULL, ES_F32, 2, shape, other}};
  const int64_t shape_again[] = {2, 3}, strides_again[] = {3, 1};
  cr_assert(es_view_alike(&a, &(es_array){(void *)&a, ES_F32, 2, shape_again, strides_again}));
  for (int i = 0; i < 4; i++)
    cr_assert(!es_view_alike(&a, &unlike[i]) && !es_view_alike(&unlike[i], &a), "%d", i);
  const es_array scalar = {NULL, ES_F32, 0, NULL, NULL};
  cr_assert(es_view_alike(&scalar, &(es_array){NULL, ES_F32, 0, shape, strides}));
}

Test(view, a_shape_that_is_missing) {
  es_view v;
  es_error e;
  cr_assert_eq(es_view_make(ES_F32, 10, 0, 2, NULL, NULL, true, &v, &e), ES_E_VALUE);
  cr_assert_str_eq(e.message, "the shape of 2 axes is NULL");
  cr_assert_eq(es_view_make(ES_F32, 10, 0, 0, NULL, NULL, true, &v, &e), ES_OK);
}

Test(view, no_reshape_between_sizes_that_differ) {
  static const struct {
    int64_t from[3], to[3]; /* ended by -1 */
  } rows[] = {{{6, -1}, {4, -1}},    {{4, -1}, {6, -1}},       {{2, 3, -1}, {2, -1}},
              {{2, -1}, {2, 3, -1}}, {{2, 3, -1}, {3, 3, -1}}, {{1, -1}, {2, -1}},
              {{3, -1}, {1, -1}}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    int64_t strides[3] = {0}, got[3];
    int n = 0, m = 0;
    while (rows[i].from[n] > 0) n++;
    while (rows[i].to[m] > 0) m++;
    es_view_c_strides(n, rows[i].from, strides);
    cr_assert(!es_view_reshape_strides(n, rows[i].from, strides, m, rows[i].to, got), "row %zu", i);
  }
  int64_t one = 1, got[2];
  cr_assert(es_view_reshape_strides(0, NULL, NULL, 2, (int64_t[]){1, 1}, got));
  cr_assert(es_view_reshape_strides(1, &one, &one, 0, NULL, got));
}

/* Half an element apart: which bytes meet is not asked. */
Test(view, overlap_of_elements_that_are_not_aligned) {
  _Alignas(8) char memory[64];
  es_view v;
  const int64_t four = 4, two = 2;
  cr_assert_eq(es_view_make(ES_F32, 8, 0, 1, &four, &two, true, &v, NULL), ES_OK);
  cr_assert(es_view_may_overlap(memory, &v, memory + 2, &v));
  cr_assert(!es_view_may_overlap(memory, &v, memory + 4, &v)); /* in each other's gaps */
}

Test(view, the_first_axis_counts_like_the_others) {
  es_view v, some;
  es_error e;
  int64_t low, high, empty[] = {0, 3}, full[] = {2, 3}, strides[] = {3, 1};
  char memory[8];
  cr_assert_eq(es_view_make(ES_F32, 10, 0, 2, (int64_t[]){-1, 3}, NULL, true, &v, &e), ES_E_EXTENT);
  cr_assert(strstr(e.message, "axis 0 has size -1"), "%s", e.message);
  cr_assert(!es_view_reach(2, empty, strides, &low, &high));
  cr_assert(es_view_reach(2, full, strides, &low, &high) && low == 0 && high == 5);
  cr_assert_eq(es_view_make(ES_U8, 8, 0, 2, empty, NULL, true, &v, &e), ES_OK);
  cr_assert_eq(es_view_make(ES_U8, 8, 0, 2, full, NULL, true, &some, &e), ES_OK);
  cr_assert(!es_view_may_overlap(memory, &v, memory, &some));
  cr_assert(!es_view_may_overlap(memory, &some, memory, &v));
}

/* As the header says: beyond the storage, not at its end. */
Test(view, strides_of_axes_of_one_element) {
  for (int64_t stride = -8; stride <= 8; stride++) {
    es_view v;
    const int64_t shape[] = {1, 3}, strides[] = {stride, 1};
    cr_assert_eq(es_view_make(ES_U8, 6, 2, 2, shape, strides, true, &v, NULL), ES_OK);
    cr_assert_eq(v.strides[0], stride > 6 || stride < -6 ? 0 : stride);
  }
}

/* ---- at the ends: of arrays, of what is searched, of what is worth a word ------------------- */

/* Arrays of exactly as many entries as there are axes, which sanitizers watch. */
static int64_t *exactly(int n, const int64_t *from) {
  int64_t *copy = malloc((size_t)n * sizeof *copy);
  cr_assert(copy);
  memcpy(copy, from, (size_t)n * sizeof *copy);
  return copy;
}

Test(view, looks_at_no_axis_that_is_not_there) {
  int64_t *shape = exactly(2, (int64_t[]){2, 3}), *strides = exactly(2, (int64_t[]){3, 1});
  int64_t out[2];
  es_view v;
  for (int writable = 0; writable < 2; writable++) {
    cr_assert_eq(es_view_make(ES_U8, 6, 0, 2, shape, strides, writable, &v, NULL), ES_OK);
    cr_assert_eq(v.writable, writable == 1);
  }
  cr_assert(es_view_contiguous(2, shape, strides) && es_view_injective(2, shape, strides));
  cr_assert(es_view_reshape_strides(2, shape, strides, 2, shape, out) && out[0] == 3 &&
            out[1] == 1);
  shape[0] = 0;
  cr_assert_eq(es_view_make(ES_U8, 6, 4, 2, shape, strides, true, &v, NULL), ES_OK);
  cr_assert_eq(v.offset, 0); /* of nothing, which C order walks */
  strides[0] = 7, strides[1] = -5;
  cr_assert_eq(es_view_make(ES_U8, 6, 0, 2, shape, strides, true, &v, NULL), ES_OK);
  cr_assert(v.strides[0] == 3 && v.strides[1] == 1 && v.writable);
  cr_assert_eq(es_view_make(ES_U8, 1, 0, 1, shape + 1, strides + 1, true, &v, NULL), ES_E_RANGE);
  shape[0] = 2, strides[0] = 3, strides[1] = 65537; /* not the 1 that its low bytes are */
  cr_assert_eq(es_view_make(ES_U8, 200000, 0, 2, shape, strides, true, &v, NULL), ES_OK);
  cr_assert_eq(v.strides[1], 65537);
  free(shape), free(strides);
}

Test(view, as_many_axes_as_there_can_be) {
  int64_t shape[ES_MAX_RANK], strides[ES_MAX_RANK];
  es_view v;
  es_error e;
  for (int i = 0; i < ES_MAX_RANK; i++) shape[i] = 2, strides[i] = i + 1;
  cr_assert(!es_view_injective(ES_MAX_RANK, shape, strides)); /* 1 + 2 is 3 */
  shape[63] = -7;
  cr_assert_eq(es_view_make(ES_U8, 1, 0, ES_MAX_RANK, shape, NULL, true, &v, &e), ES_E_EXTENT);
  cr_assert_eq(es_view_make(ES_U8, 1, 0, ES_MAX_RANK + 1, shape, NULL, true, &v, &e), ES_E_RANK);
  for (int i = 0; i < ES_MAX_RANK; i++) shape[i] = 1;
  cr_assert_eq(es_view_make(ES_U8, 1, 0, ES_MAX_RANK, shape, NULL, true, &v, &e), ES_OK);
  char memory[2];
  cr_assert(es_view_may_overlap(memory, &v, memory, &v));
  cr_assert(!es_view_may_overlap(memory, &v, memory + 1, &v));
}

static bool injective(int64_t n, int64_t step, int64_t m, int64_t other) {
  return es_view_injective(2, (int64_t[]){n, m}, (int64_t[]){step, other});
}

/* Steps that do not nest are walked, where at most 2^15 places are met. */
Test(view, injectivity_where_steps_do_not_nest) {
  cr_assert(injective(100000, 3, 3, 1) && injective(3, 1, 100000, 3)); /* these nest: any size */
  cr_assert(!injective(100000, 2, 3, 1) && !injective(100000, 0, 3, 1));
  cr_assert(injective(3, 2, 10000, 3));  /* 0 2 4 differ by 3 */
  cr_assert(injective(3, 2, 10922, 3));  /* the last place is 2^15 - 1 */
  cr_assert(injective(3, 2, 300, 3));    /* what the walk before has marked is forgotten */
  cr_assert(!injective(3, 2, 13333, 3)); /* 40,000: not looked at */
  cr_assert(!injective(5, 2, 10921, 3)); /* 2^15 */
  cr_assert(!injective(4, 21, 2, 63));   /* 3 * 21 is 63, the last of a word */
  cr_assert(!injective(2, INT64_MIN, 2, 1));
  cr_assert(es_view_injective(1, (int64_t[]){0}, (int64_t[]){0}));
  cr_assert(!es_view_injective(1, (int64_t[]){2}, (int64_t[]){0}));
}

/* What an axis of one element steps over: what C order would say. */
Test(view, reshape_to_axes_of_one_element) {
  int64_t out[3];
  cr_assert(es_view_reshape_strides(0, NULL, NULL, 1, (int64_t[]){1}, out) && out[0] == 1);
  cr_assert(
      es_view_reshape_strides(1, (int64_t[]){6}, (int64_t[]){2}, 3, (int64_t[]){2, 3, 1}, out));
  cr_assert(out[0] == 6 && out[1] == 2 && out[2] == 2);
  cr_assert(es_view_reshape_strides(2, (int64_t[]){2, 3}, (int64_t[]){10, 2}, 3,
                                    (int64_t[]){2, 3, 1}, out));
  cr_assert(out[0] == 10 && out[1] == 2 && out[2] == 2);
}

/* The step of an axis of one element brings no two walks together. */
Test(view, unit_axes_do_not_overlap) {
  es_view v;
  char memory[16];
  const int64_t shape[] = {1, 4}, strides[] = {1, 2};
  cr_assert_eq(es_view_make(ES_U8, 8, 0, 2, shape, strides, true, &v, NULL), ES_OK);
  cr_assert(!es_view_may_overlap(memory, &v, memory + 1, &v));
  cr_assert(es_view_may_overlap(memory, &v, memory + 2, &v));
}

Test(view, the_words_count_axes) {
  es_error e;
  int axis;
  cr_assert_eq(es_axis_resolve(5, 1, &axis, &e), ES_E_RANGE);
  cr_assert(strstr(e.message, "with 1 axis (-1 … 0)"), "%s", e.message);
  cr_assert_eq(es_axis_resolve(5, 2, &axis, &e), ES_E_RANGE);
  cr_assert(strstr(e.message, "with 2 axes (-2 … 1)"), "%s", e.message);
}
