/* Windows of one type. Set before including, unset afterwards: T, what is folded in,
 * T_BITS (the signed integer of the same size), E, the elements in memory, NAME, and
 * (kept) EVERY_OTHER and STRIPS, whether there are any. */

#define VEC ES_JOIN(window_vec, NAME)
#define LOOSE ES_JOIN(window_loose, NAME)
#define BITS ES_JOIN(window_bits, NAME)
#define LANES ((int64_t)(ES_V / sizeof(T)))
#define SHARES (ES_V == 64 ? 4 : 2) /* of 4 vectors each: all that the registers hold */

typedef T VEC __attribute__((vector_size(ES_V)));
typedef T_BITS BITS __attribute__((vector_size(ES_V)));
typedef E LOOSE
    __attribute__((vector_size(ES_V / sizeof(T) * sizeof(E)), aligned(sizeof(E)), may_alias));

ES_INLINE VEC ES_JOIN(window_splat, NAME)(T x) { return x - (VEC){0}; }
ES_INLINE VEC ES_JOIN(window_select, NAME)(BITS mask, VEC yes, VEC no) {
  return (VEC)((mask & (BITS)yes) | (~mask & (BITS)no));
}

ES_INLINE VEC ES_JOIN(window_load, NAME)(const E *at, int step) {
  LOOSE a = *(const LOOSE *)at;
  if (step == 2) a = __builtin_shufflevector(a, *(const LOOSE *)(at + LANES - 1), EVERY_OTHER);
  return __builtin_convertvector(a, VEC);
}

/* Equal numbers differ at most in the sign of zero: of those, max takes the bits that
 * both have, min the bits that either has. */
ES_INLINE VEC ES_JOIN(window_fold, NAME)(es_window_op op, VEC acc, VEC x, VEC w) {
  VEC r;
  switch (op) {
  case ES_WINDOW_MAX:
    r = ES_JOIN(window_select, NAME)((BITS)(x > acc), x, acc);
    r = ES_JOIN(window_select, NAME)((BITS)(x == acc), (VEC)((BITS)x & (BITS)acc), r);
    return ES_JOIN(window_select, NAME)((BITS)(x != x), x, r);
  case ES_WINDOW_MIN:
    r = ES_JOIN(window_select, NAME)((BITS)(x < acc), x, acc);
    r = ES_JOIN(window_select, NAME)((BITS)(x == acc), (VEC)((BITS)x | (BITS)acc), r);
    return ES_JOIN(window_select, NAME)((BITS)(x != x), x, r);
  case ES_WINDOW_SUM: return acc + x;
  default: return x * w + acc;
  }
}

/* ---- some lanes only ----------------------------------------------------------- */

/* Which lanes, as bits: made into what the processor takes. */
#if ES_V == 64
typedef ES_JOIN(MASK, NAME) ES_JOIN(window_mask, NAME);
ES_INLINE ES_JOIN(window_mask, NAME) ES_JOIN(window_mask_of, NAME)(uint64_t lanes) {
  return (ES_JOIN(window_mask, NAME))lanes;
}
ES_INLINE VEC ES_JOIN(window_some, NAME)(ES_JOIN(window_mask, NAME) lanes, const E *at, int step) {
  if (step == 1) return __builtin_convertvector((LOOSE)ES_JOIN(some, NAME)(lanes, at), VEC);
  uint32_t gaps = spread(lanes);
  LOOSE a = ES_JOIN(some, NAME)((ES_JOIN(window_mask, NAME))(gaps & ((1u << LANES) - 1)), at);
  LOOSE b = ES_JOIN(some, NAME)((ES_JOIN(window_mask, NAME))(gaps >> (LANES - 1)), at + LANES - 1);
  return __builtin_convertvector(__builtin_shufflevector(a, b, EVERY_OTHER), VEC);
}
ES_INLINE VEC ES_JOIN(window_choose, NAME)(ES_JOIN(window_mask, NAME) lanes, VEC yes, VEC no) {
  return (VEC)ES_JOIN(blend, NAME)(lanes, yes, no);
}
ES_INLINE VEC ES_JOIN(window_fuse, NAME)(ES_JOIN(window_mask, NAME) lanes, VEC a, VEC b, VEC acc) {
  return (VEC)ES_JOIN(fuse, NAME)(lanes, a, b, acc);
}
ES_INLINE void ES_JOIN(window_keep, NAME)(E *at, uint64_t lanes, VEC v) {
  ES_JOIN(keep, NAME)(at, (ES_JOIN(window_mask, NAME))lanes, __builtin_convertvector(v, LOOSE));
}
#else
/* Absent elements need not be readable: unless all are there, each is asked for. */
typedef struct ES_JOIN(window_mask, NAME) {
  uint64_t lanes;
  BITS bits;
} ES_JOIN(window_mask, NAME);
ES_INLINE ES_JOIN(window_mask, NAME) ES_JOIN(window_mask_of, NAME)(uint64_t lanes) {
  BITS bits = {0};
  ES_UNROLL
  for (int i = 0; i < LANES; i++) bits[i] = -(T_BITS)(lanes >> i & 1);
  return (ES_JOIN(window_mask, NAME)){lanes, bits};
}
ES_INLINE VEC ES_JOIN(window_some, NAME)(ES_JOIN(window_mask, NAME) mask, const E *at, int step) {
  T x[LANES];
  VEC v;
  if (mask.lanes == ((uint64_t)1 << LANES) - 1) return ES_JOIN(window_load, NAME)(at, step);
  for (int64_t i = 0; i < LANES; i++) x[i] = mask.lanes >> i & 1 ? (T)at[i * step] : 0;
  memcpy(&v, x, sizeof v);
  return v;
}
ES_INLINE VEC ES_JOIN(window_choose, NAME)(ES_JOIN(window_mask, NAME) mask, VEC yes, VEC no) {
  return ES_JOIN(window_select, NAME)(mask.bits, yes, no);
}
ES_INLINE VEC ES_JOIN(window_fuse, NAME)(ES_JOIN(window_mask, NAME) mask, VEC a, VEC b, VEC acc) {
  return ES_JOIN(window_select, NAME)(mask.bits, a * b + acc, acc);
}
ES_INLINE void ES_JOIN(window_keep, NAME)(E *at, uint64_t lanes, VEC v) {
  LOOSE some = __builtin_convertvector(v, LOOSE);
  for (int64_t i = 0; i < LANES; i++)
    if (lanes >> i & 1) at[i] = some[i];
}
#endif

/* ---- blocks of outputs ----------------------------------------------------------- */

ES_INLINE VEC ES_JOIN(window_neutral, NAME)(es_window_op op) {
  return ES_JOIN(window_splat, NAME)(op == ES_WINDOW_MAX   ? (T)-INFINITY
                                     : op == ES_WINDOW_MIN ? (T)INFINITY
                                                           : 0);
}

/* Taps from, … to - 1 of nr rows of nv vectors from x on, of ns shares; the last vector stands last
 * elements after the first. kept: of tap 0. */
ES_INLINE void ES_JOIN(window_taps, NAME)(const es_window_tile *t, es_window_op op, int step,
                                          window_keep keep, int ns, int nr, int nv, const char *x,
                                          const char *w, int64_t last, int64_t from, int64_t to,
                                          VEC *kept, VEC acc[][4][5]) {
  const bool weighs = op <= ES_WINDOW_PRODUCT;
  const int64_t w_share = t->w_share, x_row = t->x_row, *x_at = t->x_at, *w_at = t->w_at;
  VEC a[4][5], b[5];
  ES_UNROLL
  for (int s = 0; s < ns; s++) {
    ES_UNROLL
    for (int r = 0; r < nr; r++) {
      ES_UNROLL
      for (int v = 0; v < nv; v++) acc[s][r][v] = ES_JOIN(window_neutral, NAME)(op);
    }
  }
  kept += from * nr * nv;
  for (int64_t k = from; k < to; k++, kept += nr * nv) {
    const E *at = keep == READ_KEPT ? NULL : (const E *)(x + x_at[k]),
            *by = weighs ? (const E *)(w + w_at[k]) : NULL;
    /* The weights of the next shares, one after the other: taps that are neighbours share lines. */
    if (op == ES_WINDOW_SCALE && ns == SHARES)
      __builtin_prefetch((const char *)by + (ns + (k & (SHARES - 1))) * w_share, 0, 3);
    ES_UNROLL
    for (int r = 0; r < nr; r++) {
      const E *line = (const E *)((const char *)at + r * x_row);
      ES_UNROLL
      for (int v = 0; v < nv; v++) {
        a[r][v] = keep == READ_KEPT ? kept[r * nv + v]
                                    : ES_JOIN(window_load, NAME)(
                                          line + (v < nv - 1 ? v * LANES : last) * step, step);
        if (keep == READ_AND_KEEP) kept[r * nv + v] = a[r][v];
      }
    }
    ES_UNROLL
    for (int s = 0; s < ns; s++) {
      ES_UNROLL
      for (int v = 0; v < nv; v++)
        b[v] = op == ES_WINDOW_SCALE
                   ? ES_JOIN(window_splat, NAME)((T) * (const E *)((const char *)by + s * w_share))
               : op == ES_WINDOW_PRODUCT
                   ? ES_JOIN(window_load, NAME)(by + (v < nv - 1 ? v * LANES : last), 1)
                   : (VEC){0};
      ES_UNROLL
      for (int r = 0; r < nr; r++) {
        ES_UNROLL
        for (int v = 0; v < nv; v++)
          acc[s][r][v] = ES_JOIN(window_fold, NAME)(op, acc[s][r][v], a[r][v], b[v]);
      }
    }
  }
}

/* A block of outputs; chains are taken one after the other. */
ES_INLINE void ES_JOIN(window_block, NAME)(const es_window_tile *t, const window_chain *chain,
                                           es_window_op op, int step, window_keep keep, int ns,
                                           int nr, int nv, int64_t row, int64_t column,
                                           int64_t last) {
  const int64_t taps = t->taps, length = t->chain, out_share = t->out_share, out_row = t->out_row;
  const bool divides = t->count != 1, add = chain->add;
  const char *x = t->x + row * t->x_row + column * step * (int64_t)sizeof(E);
  const char *w = t->w + (op == ES_WINDOW_PRODUCT ? column * (int64_t)sizeof(E) : 0);
  char *const out = t->out + row * out_row + column * (int64_t)sizeof(E);
  const int64_t first = op == ES_WINDOW_SCALE && taps > length ? length : taps;
  VEC acc[SHARES][4][5], sums[SHARES][4][5],
      *kept = (VEC *)chain->kept + taps * (column / LANES * t->rows + row * nv);
#define EACH                                                                                       \
  ES_UNROLL                                                                                        \
  for (int s = 0; s < ns; s++) ES_UNROLL                                                           \
  for (int r = 0; r < nr; r++) ES_UNROLL                                                           \
  for (int v = 0; v < nv; v++)
#define PLACE ((E *)(out + s * out_share + r * out_row) + (v < nv - 1 ? v * LANES : last))
  /* Into the second-level cache: stores that wait for memory would hold the buffers that loads of x
   * need. */
  if (op == ES_WINDOW_SCALE && ns > 1 && !add) {
    EACH __builtin_prefetch(PLACE, 0, 2);
  }
  ES_JOIN(window_taps, NAME)(t, op, step, keep, ns, nr, nv, x, w, last, 0, first, kept, acc);
  for (int64_t k = first; op == ES_WINDOW_SCALE && k < taps; k += length) {
    const int64_t end = taps - k > length ? k + length : taps;
    EACH sums[s][r][v] = acc[s][r][v];
    __asm__("" : "+m"(sums)); /* in memory, else they take the registers of acc */
    ES_JOIN(window_taps, NAME)(t, op, step, keep, ns, nr, nv, x, w, last, k, end, kept, acc);
    EACH acc[s][r][v] += sums[s][r][v];
  }
  /* All before any is stored: the last two vectors of a row may overlap. */
  if (op == ES_WINDOW_SCALE && add) {
    EACH acc[s][r][v] += ES_JOIN(window_load, NAME)(PLACE, 1);
  }
  if (divides) {
    const VEC count = ES_JOIN(window_splat, NAME)((T)t->count);
    EACH acc[s][r][v] /= count;
  }
  EACH *(LOOSE *)PLACE = __builtin_convertvector(acc[s][r][v], LOOSE);
#undef EACH
#undef PLACE
}

/* Taps from, … to - 1 of nr rows of one vector of which these may miss lanes, of ns shares. */
ES_INLINE void ES_JOIN(window_edge_taps, NAME)(const es_window_tile *t, es_window_op op, int step,
                                               int ns, int nr, int64_t row, int64_t from,
                                               int64_t to, VEC *acc) {
  const bool weighs = op <= ES_WINDOW_PRODUCT;
  const int64_t w_share = t->w_share;
  const char *x = t->x + row * t->x_row, *w[4];
  ES_UNROLL
  for (int i = 0; i < 4; i++) w[i] = t->w + i * 4 * w_share;
  for (int64_t k = from; k < to; k++) {
    const char *at = x + t->x_at[k];
    const int64_t by = weighs ? t->w_at[k] : 0;
    const ES_JOIN(window_mask, NAME) lanes = ES_JOIN(window_mask_of, NAME)(t->lanes[k]);
    VEC a[4], b = {0};
    if (op == ES_WINDOW_PRODUCT) b = ES_JOIN(window_some, NAME)(lanes, (const E *)(w[0] + by), 1);
    ES_UNROLL
    for (int r = 0; r < nr; r++)
      a[r] = ES_JOIN(window_some, NAME)(lanes, (const E *)(at + r * t->x_row), step);
    ES_UNROLL
    for (int s = 0; s < ns; s++) {
      if (op == ES_WINDOW_SCALE)
        b = ES_JOIN(window_splat, NAME)((T) * (const E *)(w[s / 4] + by + s % 4 * w_share));
      ES_UNROLL
      for (int r = 0; r < nr; r++) {
        VEC *sum = &acc[s * nr + r];
        *sum = weighs ? ES_JOIN(window_fuse, NAME)(lanes, a[r], b, *sum)
                      : ES_JOIN(window_choose,
                                NAME)(lanes, ES_JOIN(window_fold, NAME)(op, *sum, a[r], b), *sum);
      }
    }
  }
}

ES_INLINE void ES_JOIN(window_edge_block, NAME)(const es_window_tile *t, es_window_op op, int step,
                                                int ns, int nr, int64_t row) {
  const bool chains = op == ES_WINDOW_SCALE && t->ends;
  const int64_t out_share = t->out_share, out_row = t->out_row;
  const uint64_t kept = ((uint64_t)1 << t->n) - 1;
  const VEC count = ES_JOIN(window_splat, NAME)((T)t->count);
  char *out = t->out + row * out_row;
  VEC acc[4 * SHARES];
  ES_UNROLL
  for (int i = 0; i < ns * nr; i++) {
    acc[i] = ES_JOIN(window_neutral, NAME)(op);
    if (chains) /* x + -0 is x, for all x */
      ES_JOIN(window_keep, NAME)
    ((E *)(out + i / nr * out_share + i % nr * out_row), kept, -ES_JOIN(window_splat, NAME)(0));
  }
  int64_t from = 0;
  for (int64_t i = 0; chains && from < t->taps; i++) {
    const int64_t to = t->stops[i] + 1;
    const uint64_t ends = t->ends[i];
    const ES_JOIN(window_mask, NAME) ended = ES_JOIN(window_mask_of, NAME)(ends);
    ES_JOIN(window_edge_taps, NAME)(t, op, step, ns, nr, row, from, to, acc);
    ES_UNROLL
    for (int j = 0; j < ns * nr; j++) {
      E *at = (E *)(out + j / nr * out_share + j % nr * out_row);
      VEC sum = acc[j] + ES_JOIN(window_some, NAME)(ended, at, 1);
      ES_JOIN(window_keep, NAME)(at, ends, sum);
      acc[j] = ES_JOIN(window_choose, NAME)(ended, (VEC){0}, acc[j]);
    }
    from = to;
  }
  if (!chains) ES_JOIN(window_edge_taps, NAME)(t, op, step, ns, nr, row, 0, t->taps, acc);
  if (chains && t->count == 1) return;
  ES_UNROLL
  for (int i = 0; i < ns * nr; i++) {
    E *at = (E *)(out + i / nr * out_share + i % nr * out_row);
    VEC sum = acc[i];
    if (chains) sum = ES_JOIN(window_some, NAME)(ES_JOIN(window_mask_of, NAME)(kept), at, 1);
    ES_JOIN(window_keep, NAME)(at, kept, t->count != 1 ? sum / count : sum);
  }
}

/* ---- rows ----------------------------------------------------------------------- */

/* Vectors of a block, of so many that are left: none is left alone, which would wait for its
 * own sums. */
ES_INLINE int64_t ES_JOIN(block_vectors, NAME)(int64_t left) {
  return left == 5 ? 5 : left >= 4 ? 4 : left;
}

ES_INLINE void ES_JOIN(full_shares, NAME)(const es_window_tile *t, const window_chain *chain,
                                          es_window_op op, int step, window_keep keep, int ns) {
  for (int64_t i = 0, nv; i < t->n; i += nv * LANES) {
    int64_t left = (t->n - i + LANES - 1) / LANES, row = 0;
    nv = ES_JOIN(block_vectors, NAME)(left);
    int64_t last = left == nv ? t->n - LANES - i : (nv - 1) * LANES;
#define ROWS(nr, nv)                                                                               \
  for (; row + nr <= t->rows; row += nr)                                                           \
    ES_JOIN(window_block, NAME)(t, chain, op, step, keep, ns, nr, nv, row, i, last);
    switch (nv) {
    case 5: ROWS(1, 5) break;
    case 4: ROWS(1, 4) break;
    case 3: ROWS(1, 3) break;
    case 2: ROWS(2, 2) ROWS(1, 2) break;
    default: ROWS(4, 1) ROWS(1, 1) break;
    }
#undef ROWS
  }
}

/* Shares from, … to - 1, as many together as there are registers for. Before each group of them,
 * its part of what is wanted next is asked for. Returns where it ends. */
ES_INLINE int64_t ES_JOIN(groups, NAME)(const es_window_tile *t, const window_chain *chain,
                                        int step, window_keep keep, int64_t from, int64_t to) {
  es_window_tile u = *t;
  const int64_t lines = (t->n * step * (int64_t)sizeof(E) + LINE_BYTES - 1) / LINE_BYTES;
  const int64_t some = t->taps * SHARES / t->shares + 1;
  int64_t s = from, k = from / SHARES * some;
  u.w += from * t->w_share;
  u.out += from * t->out_share;
  for (; s + SHARES <= to; s += SHARES) {
    for (int64_t end = k + some; chain->ahead && k < end && k < t->taps; k++)
      for (int64_t line = 0; line < lines; line++)
        __builtin_prefetch(chain->ahead + chain->ahead_at[k] + line * LINE_BYTES, 0, 2);
    ES_JOIN(full_shares, NAME)(&u, chain, ES_WINDOW_SCALE, step, keep, SHARES);
    u.w += SHARES * t->w_share;
    u.out += SHARES * t->out_share;
  }
  return s;
}

/* Functions of their own: together they leave too few registers to each other. */
#define GROUPS_OF(name, step, keep)                                                                \
  static __attribute__((noinline)) int64_t ES_JOIN(name##_##step, NAME)(                           \
      const es_window_tile *t, const window_chain *chain, int64_t from, int64_t to) {              \
    return ES_JOIN(groups, NAME)(t, chain, step, keep, from, to);                                  \
  }
GROUPS_OF(read, 1, READ)
GROUPS_OF(read, 2, READ)
GROUPS_OF(read_and_keep, 1, READ_AND_KEEP)
GROUPS_OF(read_and_keep, 2, READ_AND_KEEP)
GROUPS_OF(read_kept, 1, READ_KEPT)
GROUPS_OF(read_kept, 2, READ_KEPT)
#undef GROUPS_OF

/* Groups of shares, then those that are left one by one. */
ES_INLINE void ES_JOIN(all_shares, NAME)(const es_window_tile *t, const window_chain *chain,
                                         es_window_op op, int step) {
  int64_t s = 0;
  if (op == ES_WINDOW_SCALE && !chain->kept) {
    s = (step == 1 ? ES_JOIN(read_1, NAME) : ES_JOIN(read_2, NAME))(t, chain, 0, t->shares);
  } else if (op == ES_WINDOW_SCALE) {
    s = (step == 1 ? ES_JOIN(read_and_keep_1, NAME) : ES_JOIN(read_and_keep_2, NAME))(t, chain, 0,
                                                                                      SHARES);
    s = (step == 1 ? ES_JOIN(read_kept_1, NAME) : ES_JOIN(read_kept_2, NAME))(t, chain, s,
                                                                              t->shares);
  }
  es_window_tile u = *t;
  u.w += s * t->w_share;
  u.out += s * t->out_share;
  for (; s < t->shares; s++, u.w += t->w_share, u.out += t->out_share)
    ES_JOIN(full_shares, NAME)(&u, chain, op, step, READ, 1);
}

/* In stretches of columns of which a chain's x stays in the first-level cache for all shares:
 * one block where there are several passes, since what overlaps must not be added twice. */
ES_INLINE void ES_JOIN(window_full, NAME)(const es_window_tile *t, es_window_op op, int step) {
  const bool chains = op == ES_WINDOW_SCALE && t->taps > t->chain;
  es_window_tile u = *t;
  int64_t blocks = ES_WINDOW_SHARED_BYTES / (int64_t)sizeof(T) / (4 * LANES) /
                   (t->taps ? t->taps : 1);
  const int64_t pass = chains && t->shares >= SHARES && !blocks ? t->chain : t->taps;
  int64_t most = t->shares <= SHARES ? t->n : (blocks ? blocks : 1) * 4 * LANES;
  _Alignas(ES_V) char kept[ES_WINDOW_KEPT_BYTES];
  const bool many = op == ES_WINDOW_SCALE && t->shares >= 2 * SHARES;
  for (int64_t left = t->n; left > 0; left -= u.n) {
    u.n = left < 2 * most ? left : most;
    if (pass < t->taps) u.n = ES_JOIN(block_vectors, NAME)((left + LANES - 1) / LANES) * LANES;
    if (u.n > left) u.n = left;
    const int64_t next = u.n * step * (int64_t)sizeof(E);
    int64_t from = 0;
    do {
      const int64_t rest = t->taps - from, some = rest > pass ? pass : rest;
      const int64_t after = from + some, end = t->taps - some;
      const bool last = after == t->taps;
      const int64_t vectors = (u.n + LANES - 1) / LANES;
      const bool keeps = many && t->rows * vectors * some <= ES_WINDOW_KEPT_BYTES / ES_V &&
                         scattered(&u, some, vectors * ES_V);
      const window_chain chain = {.add = from > 0,
                                  .kept = keeps ? kept : NULL,
                                  .ahead = !last        ? u.x
                                           : u.n < left ? u.x + next
                                                        : NULL,
                                  .ahead_at = last ? t->x_at
                                                   : t->x_at + (after < end ? after : end)};
      u.taps = some;
      u.x_at = t->x_at + from;
      u.w_at = t->w_at + from;
      u.count = last ? t->count : 1;
      ES_JOIN(all_shares, NAME)(&u, &chain, op, step);
      from = after;
    } while (from < t->taps);
    u.x += next;
    u.out += u.n * (int64_t)sizeof(E);
  }
}

/* Rows from, … to - 1, nr at once, of the shares from *share on, ns at once. */
ES_INLINE void ES_JOIN(edge_blocks, NAME)(const es_window_tile *t, es_window_op op, int step,
                                          int ns, int nr, int64_t from, int64_t to,
                                          int64_t *share) {
  es_window_tile u = *t;
  u.w += *share * t->w_share;
  u.out += *share * t->out_share;
  for (; *share + ns <= t->shares; *share += ns) {
    for (int64_t row = from; row + nr <= to; row += nr)
      ES_JOIN(window_edge_block, NAME)(&u, op, step, ns, nr, row);
    u.w += ns * t->w_share;
    u.out += ns * t->out_share;
  }
}

/* Rows by fours, then those that are left, of more shares at once. */
ES_INLINE void ES_JOIN(window_edge, NAME)(const es_window_tile *t, es_window_op op, int step) {
  const bool shared = op == ES_WINDOW_SCALE;
  const int64_t fours = t->rows / 4 * 4;
  int64_t share = 0;
  if (shared) ES_JOIN(edge_blocks, NAME)(t, op, step, SHARES, 4, 0, fours, &share);
  ES_JOIN(edge_blocks, NAME)(t, op, step, 1, 4, 0, fours, &share);
  share = 0;
  if (shared && step == 1)
    ES_JOIN(edge_blocks, NAME)(t, op, step, 4 * SHARES, 1, fours, t->rows, &share);
  if (shared) ES_JOIN(edge_blocks, NAME)(t, op, step, SHARES, 1, fours, t->rows, &share);
  ES_JOIN(edge_blocks, NAME)(t, op, step, 1, 1, fours, t->rows, &share);
}

/* ---- down the rows ---------------------------------------------------------------- */

/* One tap of a row of x: of nh rows of outputs, with the weights b. */
ES_INLINE void ES_JOIN(fall_tap, NAME)(VEC acc[][4], const E *from, const VEC *b,
                                       ES_JOIN(window_mask, NAME) present, int nh, int nv,
                                       bool edge, int64_t last) {
  VEC a[4];
  ES_UNROLL
  for (int v = 0; v < nv; v++)
    a[v] = edge ? ES_JOIN(window_some, NAME)(present, from, 1)
                : ES_JOIN(window_load, NAME)(from + (v < nv - 1 ? v * LANES : last), 1);
  ES_UNROLL
  for (int j = 0; j < nh; j++) {
    ES_UNROLL
    for (int v = 0; v < nv; v++)
      acc[j][v] = edge ? ES_JOIN(window_fuse, NAME)(present, a[v], b[j], acc[j][v])
                       : a[v] * b[j] + acc[j][v];
  }
}

/* The ends after one tap. acc: of nh output rows, from row on, apart vectors apart; sums: of their
 * chains that have ended, -0 before, since x + -0 is x for all x; all: of all lanes. */
ES_INLINE const es_window_end *ES_JOIN(fall_end, NAME)(VEC *acc, VEC *sums, int apart, bool all,
                                                       const es_window_end *end, int nh, int nv,
                                                       int64_t row) {
  const int64_t read = end->row, tap = end->tap;
  do {
    const ES_JOIN(window_mask, NAME) ended = ES_JOIN(window_mask_of, NAME)(all ? 0 : end->lanes);
    ES_UNROLL
    for (int j = 0; j < nh; j++) {
      if (end->out - row != j) continue;
      ES_UNROLL
      for (int v = 0; v < nv; v++) {
        VEC *const at = &acc[j * apart + v], *const sum = &sums[j * apart + v], both = *sum + *at;
        *sum = all ? both : ES_JOIN(window_choose, NAME)(ended, both, *sum);
        *at = all ? (VEC){0} : ES_JOIN(window_choose, NAME)(ended, (VEC){0}, *at);
      }
    }
    end++;
  } while (end->row == read && end->tap == tap);
  return end;
}

/* nv vectors, from an element offset of the rows on, of all planes. nh: rows of taps; nk:
 * taps of a row, or 0 for any number. acc[j] is the output row of which the row of x at
 * hand is tap row nh - 1 - j. What a store could alias is held in locals. */
ES_INLINE void ES_JOIN(fall_planes, NAME)(const es_window_fall *t, int nh, int nk, int nv,
                                          bool edge, int64_t column, int64_t last) {
  const int64_t taps = nk ? nk : t->taps, x_row = t->x_row, out_row = t->out_row, w_row = t->w_row;
  const int64_t reads = t->reads, first = -t->lead, rows = t->rows, *x_at = t->x_at;
  const int64_t *w_at = t->w_at, planes = t->planes, offset = column * (int64_t)sizeof(E);
  const int64_t x_plane = t->x_plane, w_plane = t->w_plane, out_plane = t->out_plane;
  const uint64_t *lanes = t->lanes, kept = t->n < 64 ? ((uint64_t)1 << t->n) - 1 : ~(uint64_t)0;
  const int64_t next_plane = asked_for(x_plane), first_out = t->first_out;
  const bool divides = t->count != 1, chains = !nk && t->ends;
  const VEC none = ES_JOIN(window_splat, NAME)((T)-0.0);
  const VEC count = ES_JOIN(window_splat, NAME)((T)t->count);
  const char *x_start = t->x + offset, *w = t->w;
  char *out_start = t->out + offset;
  int64_t at[4] = {0}, by[4] = {0};
  ES_JOIN(window_mask, NAME) some[4] = {0};
  ES_UNROLL
  for (int k = 0; k < nk; k++) {
    at[k] = x_at[k];
    by[k] = w_at[k];
    if (edge) some[k] = ES_JOIN(window_mask_of, NAME)(lanes[k]);
  }
  for (int64_t plane = 0; plane < planes;
       plane++, x_start += x_plane, w += w_plane, out_start += out_plane) {
    VEC acc[ES_WINDOW_FALL][4] = {{{0}}}, weight[4][ES_WINDOW_FALL];
    VEC sums[ES_WINDOW_FALL][4];
    const es_window_end *end = t->ends;
    ES_UNROLL
    for (int j = 0; j < nh; j++) {
      ES_UNROLL
      for (int v = 0; v < nv; v++) sums[j][v] = none;
    }
    const char *x = x_start;
    char *out = out_start;
    ES_UNROLL
    for (int k = 0; k < nk; k++) {
      ES_UNROLL
      for (int j = 0; j < nh; j++)
        weight[k][j] = ES_JOIN(window_splat, NAME)(*(const E *)(w + (nh - 1 - j) * w_row + by[k]));
    }
    for (int64_t i = 0, row = first; row < rows; i++, row++, x += x_row) {
      if (i < reads) {
        ES_UNROLL
        for (int v = 0; v < nv && next_plane; v++)
          __builtin_prefetch(x + at[0] + next_plane + v * LINE_BYTES, 0, 2);
        ES_UNROLL
        for (int k = 0; k < nk; k++) ES_JOIN(fall_tap, NAME)
        (acc, (const E *)(x + at[k]), weight[k], some[k], nh, nv, edge, last);
        const uint64_t ends = chains && end->row == t->first_read + i ? end->taps : 0;
        for (int64_t k = 0; k < taps && !nk; k++) {
          ES_UNROLL
          for (int j = 0; j < nh; j++)
            weight[0][j] = ES_JOIN(window_splat,
                                   NAME)(*(const E *)(w + (nh - 1 - j) * w_row + w_at[k]));
          if (edge) some[0] = ES_JOIN(window_mask_of, NAME)(lanes[k]);
          ES_JOIN(fall_tap, NAME)
          (acc, (const E *)(x + x_at[k]), weight[0], some[0], nh, nv, edge, last);
          if (ends >> k & 1)
            end = ES_JOIN(fall_end, NAME)(acc[0], sums[0], 4, !edge, end, nh, nv, first_out + row);
        }
      }
      if (row >= 0) {
        /* The next plane's row, which would otherwise be fetched when it is stored. */
        ES_UNROLL
        for (int v = 0; v < nv; v++) __builtin_prefetch(out + out_plane + v * LINE_BYTES, 1, 2);
        ES_UNROLL
        for (int v = 0; v < nv; v++) {
          VEC result = chains ? acc[0][v] + sums[0][v] : acc[0][v];
          if (divides) result /= count;
          E *to = (E *)out + (v < nv - 1 ? v * LANES : last);
          if (edge)
            ES_JOIN(window_keep, NAME)(to, kept, result);
          else
            *(LOOSE *)to = __builtin_convertvector(result, LOOSE);
        }
        out += out_row;
      }
      ES_UNROLL
      for (int j = 0; j < nh; j++) {
        ES_UNROLL
        for (int v = 0; v < nv; v++) {
          acc[j][v] = j + 1 < nh ? acc[j + 1][v] : (VEC){0};
          if (chains) sums[j][v] = j + 1 < nh ? sums[j + 1][v] : none;
        }
      }
    }
  }
}

ES_INLINE void ES_JOIN(fall_full, NAME)(const es_window_fall *t, int nh, int nk) {
  const int most = ES_V < 64 ? (nh > 5 ? 1 : 2) : nh > 5 ? 2 : 4;
  for (int64_t i = 0, nv; i < t->n; i += nv * LANES) {
    const int64_t left = (t->n - i + LANES - 1) / LANES;
    nv = left >= most ? most : left >= 2 ? 2 : 1;
    int64_t last = left == nv ? t->n - LANES - i : (nv - 1) * LANES;
    if (nv == 4 && most == 4)
      ES_JOIN(fall_planes, NAME)(t, nh, nk, 4, false, i, last);
    else if (nv == 2 && most >= 2)
      ES_JOIN(fall_planes, NAME)(t, nh, nk, 2, false, i, last);
    else
      ES_JOIN(fall_planes, NAME)(t, nh, nk, 1, false, i, last);
  }
}

ES_INLINE void ES_JOIN(fall_edge, NAME)(const es_window_fall *t, int nh, int nk) {
  ES_JOIN(fall_planes, NAME)(t, nh, nk, 1, true, 0, 0);
}

#if ES_V == 64 && defined STRIPS
#include "engine/kernels/window_strips.inc.h"
#endif

#undef VEC
#undef LOOSE
#undef BITS
#undef LANES
#undef SHARES
#undef T
#undef T_BITS
#undef E
#undef NAME
