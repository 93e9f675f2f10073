/* Windows by strips, part of window_rows.inc.h: what a strip's taps see of a row of x is held
 * by two vectors, and each tap picks its lanes from them. Strips may be wider than one step of
 * x a lane, and a narrow one of two planes shares its vectors. */

#define PICK ES_JOIN(strip_pick, NAME)
#define SOME ES_JOIN(window_mask, NAME)

/* Weights of a vector; its last lane is -0. */
#define WEIGHTS (LANES - 1)

/* Lanes of two vectors of weights, the second one of the second plane, that hold tap number at of
 * the rows of taps, for lanes that have it; the others take the -0. Where a tap is absent x is 0,
 * and the product -0 leaves every sum as it is. */
ES_INLINE __m512i ES_JOIN(strip_weight, NAME)(uint64_t lanes, bool pair, int64_t at) {
  return ES_JOIN(indices_after, NAME)((SOME)lanes, (SOME)(pair ? -1u << LANES / 2 : 0),
                                      (int)(at % WEIGHTS), (int)WEIGHTS);
}

/* The weights of a plane and of the one that is by further, spread over lanes. */
ES_INLINE void ES_JOIN(strip_weights, NAME)(const es_window_fall *f, int nh, int nk, bool pair,
                                            const uint64_t *lanes, const char *w, int64_t by,
                                            VEC (*weight)[ES_WINDOW_STRIP]) {
  enum { MOST = ES_WINDOW_FALL * ES_WINDOW_STRIP };
  const int64_t row = nk ? nk : f->taps, all = nh * row;
  const VEC none = ES_JOIN(window_splat, NAME)((T)-0.0);
  E copy[2][MOST];
  const E *from[2] = {(const E *)w, (const E *)(w + by)};
  for (int side = 0; !f->w_dense && side < (pair ? 2 : 1); side++) {
    for (int64_t at = 0; at < all; at++)
      copy[side][at] =
          *(const E *)((const char *)from[side] + at / row * f->w_row + f->w_at[at % row]);
    from[side] = copy[side];
  }
  VEC held[2][MOST / WEIGHTS + 1];
  const int vectors = nk ? (nh * nk - 1) / (int)WEIGHTS + 1 : 0;
#define HOLD(v)                                                                                    \
  do {                                                                                             \
    const int64_t rest = all - (v)*WEIGHTS;                                                        \
    const SOME there = (SOME)(((uint64_t)1 << (rest < WEIGHTS ? rest : WEIGHTS)) - 1);             \
    for (int side = 0; side < (pair ? 2 : 1); side++)                                              \
      held[side][v] = ES_JOIN(window_choose, NAME)(                                                \
          there, ES_JOIN(window_some, NAME)(there, from[side] + (v)*WEIGHTS, 1), none);            \
  } while (0)
  ES_UNROLL
  for (int v = 0; v < vectors; v++) HOLD(v);
  for (int64_t v = 0; v * WEIGHTS < all && !nk; v++) HOLD(v);
#undef HOLD
  ES_UNROLL
  for (int i = 0; i < nh; i++) {
    ES_UNROLL
    for (int k = 0; k < nk; k++) {
      const int v = (i * nk + k) / (int)WEIGHTS;
      weight[i][k] = PICK(held[0][v], ES_JOIN(strip_weight, NAME)(lanes[k], pair, i * row + k),
                          held[pair][v]);
    }
    for (int64_t k = 0; k < row && !nk; k++) {
      const int64_t v = (i * row + k) / WEIGHTS;
      weight[i][k] = PICK(held[0][v], ES_JOIN(strip_weight, NAME)(lanes[k], pair, i * row + k),
                          held[pair][v]);
    }
  }
}

/* The rows of x that complete an output row: acc[j] is the j-th from it, of which those from
 * first to end - 1 are outputs. sure: all of these rows are there, and whole. */
ES_INLINE void ES_JOIN(strip_step, NAME)(strip_rows *rows, VEC *acc, const __m512i *pick,
                                         const SOME *some, VEC (*weight)[ES_WINDOW_STRIP], int nh,
                                         int nk, int64_t row_taps, int down, int first, int end,
                                         bool sure, bool asks, VEC *sums, int64_t read,
                                         int64_t row) {
  ES_UNROLL
  for (int t = 0; t < down; t++) {
    const int64_t at = rows->at++, offset = rows->offset;
    VEC low, high;
    rows->offset += rows->x_row;
    if (asks) {
      __builtin_prefetch(rows->x + offset + rows->next_plane, 0, 2);
      __builtin_prefetch(rows->x + offset + rows->x_next + rows->next_plane, 0, 2);
    }
    if (!sure && (at < 0 || at >= rows->reads)) continue;
    const E *x = (const E *)(rows->x + offset), *next = (const E *)((const char *)x + rows->x_next);
    if (sure || rows->whole) {
      low = ES_JOIN(window_load, NAME)(x, 1);
      high = ES_JOIN(window_load, NAME)(next, 1);
    } else {
      low = ES_JOIN(window_some, NAME)((SOME)rows->loads[0], x, 1);
      high = ES_JOIN(window_some, NAME)((SOME)rows->loads[1], next, 1);
    }
#define TAP(k)                                                                                     \
  do {                                                                                             \
    const VEC a = ES_JOIN(strip_pick_some, NAME)(some[k], low, pick[k], high);                     \
    ES_UNROLL                                                                                      \
    for (int j = first; j < end; j++) {                                                            \
      const int tap_row = nh - down + t - down * j;                                                \
      if (tap_row >= 0) acc[j] = a * weight[tap_row][k] + acc[j];                                  \
    }                                                                                              \
  } while (0)
    const uint64_t ends = rows->end && rows->end->row == read + at ? rows->end->taps : 0;
#define TAP_AND_ENDS(k)                                                                            \
  do {                                                                                             \
    TAP(k);                                                                                        \
    if (ends >> (k)&1)                                                                             \
      rows->end = ES_JOIN(fall_end, NAME)(acc, sums, 1, false, rows->end, end, 1, row);            \
  } while (0)
    ES_UNROLL
    for (int k = 0; k < nk; k++) {
      if (nh * nk <= 32)
        TAP(k);
      else
        TAP_AND_ENDS(k);
    }
    for (int64_t k = 0; k < row_taps && !nk; k++) TAP_AND_ENDS(k);
#undef TAP_AND_ENDS
#undef TAP
  }
}

/* nh rows of taps, of which neighbouring rows of outputs are down rows of x apart; nk: taps of
 * a row, or 0 for any number. asks: for x of the next plane meanwhile. */
ES_INLINE void ES_JOIN(strip_planes, NAME)(const es_window_fall *f, int nh, int nk, int down,
                                           bool pair, bool asks) {
  const int64_t row_taps = f->taps, rows = f->rows, out_row = f->out_row, planes = f->planes;
  const int ahead = (nh - 1) / down + 1;
  /* The row of x, counted as those that are read, with which the steps begin. */
  const int64_t start = f->lead + 1 - ahead * down;
  const bool inside = start + (ahead - 1) * down >= 0; /* with the first output row */
  const int64_t sure = inside ? (f->reads - start) / down - (ahead - 1) : 0;
  const VEC count = ES_JOIN(window_splat, NAME)((T)f->count);
  const uint64_t kept = ((uint64_t)1 << f->n) - 1;
  const VEC none = ES_JOIN(window_splat, NAME)((T)-0.0);
  const int64_t first_out = f->first_out;
  const bool chains = (!nk || nh * nk > 32) && f->ends;
  const char *x_start = f->x, *w = f->w;
  char *out_start = f->out;
  __m512i pick[ES_WINDOW_STRIP];
  uint64_t lanes[ES_WINDOW_STRIP];
  SOME some[ES_WINDOW_STRIP];
  VEC weight[ES_WINDOW_FALL][ES_WINDOW_STRIP];
  int divides = f->count != 1;
  __asm__("" : "+r"(divides)); /* no comparison of numbers for every row */
#define PREPARE(k)                                                                                 \
  do {                                                                                             \
    pick[k] = ES_JOIN(indices, NAME)(f->pick + (k)*LANES);                                         \
    some[k] = (SOME)f->lanes[k];                                                                   \
    lanes[k] = f->lanes[k];                                                                        \
  } while (0)
  ES_UNROLL
  for (int k = 0; k < nk; k++) PREPARE(k);
  for (int64_t k = 0; k < row_taps && !nk; k++) PREPARE(k);
#undef PREPARE
  for (int64_t plane = 0; plane < planes; plane += pair ? 2 : 1) {
    const bool both = pair && plane + 1 < planes; /* or else the last one is alone */
    const uint64_t stores = both ? kept : 0;
    const int64_t out_next = both ? f->out_plane : 0;
    strip_rows x = {.x = x_start,
                    .at = start,
                    .offset = start * f->x_row,
                    .reads = f->reads,
                    .x_row = f->x_row,
                    .next_plane = f->x_plane,
                    .x_next = !pair  ? LANES * (int64_t)sizeof(E)
                              : both ? f->x_plane
                                     : 0,
                    .loads = {f->loads[0], pair && !both ? 0 : f->loads[1]},
                    .whole = plane + (pair ? 1 : 0) < f->whole,
                    .end = f->ends};
    VEC acc[ES_WINDOW_FALL] = {{0}}, sums[ES_WINDOW_FALL];
    ES_UNROLL
    for (int j = 0; j < ahead; j++) sums[j] = none;
    ES_JOIN(strip_weights, NAME)
    (f, nh, nk, pair, lanes, w, both ? f->w_plane : 0, weight);
    char *out = out_start;
#define STEP(first, end, sure)                                                                     \
  ES_JOIN(strip_step, NAME)                                                                        \
  (&x, acc, pick, some, weight, nh, nk, row_taps, down, first, end, sure, asks, sums,              \
   f->first_read, first_out + row)
#define STORE                                                                                      \
  do {                                                                                             \
    VEC result = chains ? acc[0] + sums[0] : acc[0];                                               \
    if (divides) result /= count;                                                                  \
    if (pair) {                                                                                    \
      ES_JOIN(keep_half, NAME)((E *)out, (__mmask8)kept, result, 0);                               \
      ES_JOIN(keep_half, NAME)((E *)(out + out_next), (__mmask8)stores, result, 1);                \
    } else {                                                                                       \
      ES_JOIN(window_keep, NAME)((E *)out, kept, result);                                          \
    }                                                                                              \
    out += out_row;                                                                                \
  } while (0)
#define NEXT                                                                                       \
  ES_UNROLL                                                                                        \
  for (int j = 0; j < ahead; j++) {                                                                \
    acc[j] = j + 1 < ahead ? acc[j + 1] : (VEC){0};                                                \
    if (chains) sums[j] = j + 1 < ahead ? sums[j + 1] : none;                                      \
  }
    int64_t row = 1 - ahead;
    if (nk && nk < 7 && rows >= ahead) { /* no step for what is no output; 7: too much code */
      ES_UNROLL
      for (int before = ahead - 1; before > 0; before--) {
        STEP(before, ahead, false);
        NEXT;
      }
      row = 0;
      for (const int64_t end = rows - ahead + 1 < sure ? rows - ahead + 1 : sure;
           x.whole && row < end; row++) {
        STEP(0, ahead, true);
        STORE;
        NEXT;
      }
      for (; row <= rows - ahead; row++) {
        STEP(0, ahead, false);
        STORE;
        NEXT;
      }
      ES_UNROLL
      for (int left = ahead - 1; left > 0; left--) {
        STEP(0, left, false);
        STORE;
        NEXT;
      }
    } else {
      for (; row < rows; row++) {
        STEP(0, ahead, false);
        if (row >= 0) STORE;
        NEXT;
      }
    }
#undef STEP
#undef STORE
#undef NEXT
    x_start += f->x_plane * (pair ? 2 : 1);
    w += f->w_plane * (pair ? 2 : 1);
    out_start += f->out_plane * (pair ? 2 : 1);
  }
}

/* Square ones of 3, 5 and 7 have their taps unrolled: of 7, since each place where chains end is
 * then a branch of its own, which is foreseen. */
ES_INLINE void ES_JOIN(strip, NAME)(const es_window_fall *f, int nh, int down) {
  const int nk = (nh == 3 || nh == 5 || nh == 7) && f->taps == nh ? nh : 0;
  const bool asks = !f->pair && f->far && asked_for(f->x_plane);
  if (nk == nh && f->pair)
    ES_JOIN(strip_planes, NAME)(f, nh, nh, down, true, false);
  else if (nk == nh && asks)
    ES_JOIN(strip_planes, NAME)(f, nh, nh, down, false, true);
  else if (nk == nh)
    ES_JOIN(strip_planes, NAME)(f, nh, nh, down, false, false);
  else if (f->pair)
    ES_JOIN(strip_planes, NAME)(f, nh, 0, down, true, false);
  else
    ES_JOIN(strip_planes, NAME)(f, nh, 0, down, false, false);
}

#undef PICK
#undef SOME
#undef WEIGHTS
