/* Windows by strips, part of window_rows.inc.h: what a strip's taps see of a row of x is held
 * by two vectors, and each tap picks its lanes from them. Strips may be wider than one step of
 * x a lane, and a narrow one of two planes shares its vectors. */

#define PICK ES_JOIN(strip_pick, NAME)

/* Lanes without the tap pick a zero, and have -0 for a weight: their product -0 leaves every
 * sum as it is, and no masks are needed. The second plane's weights are by further. */
ES_INLINE VEC ES_JOIN(strip_weight, NAME)(const E *w, uint64_t lanes, bool pair, int64_t by) {
  const uint64_t first = pair ? ((uint64_t)1 << LANES / 2) - 1 : ~(uint64_t)0;
  VEC v = ES_JOIN(window_splat, NAME)((T)-0.0);
  v = ES_JOIN(window_choose, NAME)((ES_JOIN(window_mask, NAME))(lanes & first),
                                   ES_JOIN(window_splat, NAME)((T)*w), v);
  if (!pair) return v;
  const T second = *(const E *)((const char *)w + by);
  return ES_JOIN(window_choose, NAME)((ES_JOIN(window_mask, NAME))(lanes & ~first),
                                      ES_JOIN(window_splat, NAME)(second), v);
}

/* Tap k of a row of x that is row t of the step's. acc[j] is the j-th output row from the one
 * that this step completes. */
ES_INLINE void ES_JOIN(strip_tap, NAME)(VEC *acc, VEC low, VEC high, __m512i pick,
                                        VEC (*weight)[ES_WINDOW_STRIP], int64_t k, int nh, int down,
                                        int t) {
  const VEC a = PICK(low, pick, high);
  ES_UNROLL
  for (int j = 0; j <= (nh - 1) / down; j++) {
    const int tap_row = nh - down + t - down * j;
    if (tap_row >= 0) acc[j] = a * weight[tap_row][k] + acc[j];
  }
}

/* nh rows of taps, of which neighbouring rows of outputs are down rows of x apart; nk: taps of
 * a row, or 0 for any number. */
ES_INLINE void ES_JOIN(strip_planes, NAME)(const es_window_fall *f, int nh, int nk, int down,
                                           bool pair) {
  const int64_t taps = nk ? nk : f->taps, rows = f->rows, reads = f->reads, x_row = f->x_row;
  const int64_t out_row = f->out_row, planes = f->planes, w_row = f->w_row;
  const int ahead = (nh - 1) / down + 1;
  const bool divides = f->count != 1;
  const VEC count = ES_JOIN(window_splat, NAME)((T)f->count);
  const uint64_t kept = ((uint64_t)1 << f->n) - 1, first_loads = f->loads[0];
  const char *x_start = f->x, *w = f->w;
  char *out_start = f->out;
  __m512i pick[ES_WINDOW_STRIP];
  VEC weight[ES_WINDOW_FALL][ES_WINDOW_STRIP];
  ES_UNROLL
  for (int k = 0; k < nk; k++) pick[k] = ES_JOIN(indices, NAME)(f->pick + k * LANES);
  for (int64_t k = 0; k < taps && !nk; k++) pick[k] = ES_JOIN(indices, NAME)(f->pick + k * LANES);
  for (int64_t plane = 0; plane < planes; plane += pair ? 2 : 1) {
    const bool both = pair && plane + 1 < planes; /* or else the last one is alone */
    const uint64_t loads = pair && !both ? 0 : f->loads[1], stores = both ? kept << LANES / 2 : 0;
    const int64_t w_next = both ? f->w_plane : 0, out_next = both ? f->out_plane : 0;
    const int64_t x_next = pair ? both ? f->x_plane : 0 : LANES * (int64_t)sizeof(E);
    VEC acc[ES_WINDOW_FALL] = {{0}};
    ES_UNROLL
    for (int i = 0; i < nh; i++) {
      ES_UNROLL
      for (int k = 0; k < nk; k++)
        weight[i][k] = ES_JOIN(strip_weight, NAME)((const E *)(w + i * w_row + f->w_at[k]),
                                                   f->lanes[k], pair, w_next);
      for (int64_t k = 0; k < taps && !nk; k++)
        weight[i][k] = ES_JOIN(strip_weight, NAME)((const E *)(w + i * w_row + f->w_at[k]),
                                                   f->lanes[k], pair, w_next);
    }
    char *out = out_start;
    int64_t i = f->lead + 1 - ahead * down;
    for (int64_t row = 1 - ahead; row < rows; row++) {
      ES_UNROLL
      for (int t = 0; t < down; t++, i++) {
        if (i < 0 || i >= reads) continue;
        const char *x = x_start + i * x_row;
        const VEC low = ES_JOIN(window_some, NAME)((ES_JOIN(window_mask, NAME))first_loads,
                                                   (const E *)x, 1);
        const VEC high = ES_JOIN(window_some, NAME)((ES_JOIN(window_mask, NAME))loads,
                                                    (const E *)(x + x_next), 1);
        ES_UNROLL
        for (int k = 0; k < nk; k++)
          ES_JOIN(strip_tap, NAME)(acc, low, high, pick[k], weight, k, nh, down, t);
        for (int64_t k = 0; k < taps && !nk; k++)
          ES_JOIN(strip_tap, NAME)(acc, low, high, pick[k], weight, k, nh, down, t);
      }
      if (row >= 0) {
        const VEC result = divides ? acc[0] / count : acc[0];
        ES_JOIN(window_keep, NAME)((E *)out, kept, result);
        /* The upper lanes from out_next on. (A masked extraction could fault on what it leaves.) */
        if (pair) ES_JOIN(window_keep, NAME)
        ((E *)((uintptr_t)out + (uintptr_t)out_next - ES_V / 2), stores, result);
        out += out_row;
      }
      ES_UNROLL
      for (int j = 0; j < ahead; j++) acc[j] = j + 1 < ahead ? acc[j + 1] : (VEC){0};
    }
    x_start += f->x_plane * (pair ? 2 : 1);
    w += f->w_plane * (pair ? 2 : 1);
    out_start += f->out_plane * (pair ? 2 : 1);
  }
}

/* Square ones of 3 and 5 have their taps unrolled. */
ES_INLINE void ES_JOIN(strip, NAME)(const es_window_fall *f, int nh, int down) {
  const int nk = (nh == 3 || nh == 5) && f->taps == nh ? nh : 0;
  if (nk == nh && f->pair)
    ES_JOIN(strip_planes, NAME)(f, nh, nh, down, true);
  else if (nk == nh)
    ES_JOIN(strip_planes, NAME)(f, nh, nh, down, false);
  else if (f->pair)
    ES_JOIN(strip_planes, NAME)(f, nh, 0, down, true);
  else
    ES_JOIN(strip_planes, NAME)(f, nh, 0, down, false);
}

#undef PICK
