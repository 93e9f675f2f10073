/* Runs of RUN_T folded in T, each to one result. Set before including: what stream_rows
 * has set, and RUN_NAME, RUN_T, RUN_LOAD (a vector of T from its elements) and RUN_WIDE
 * (the intrinsics' name of such a vector); the RUN_ names are unset afterwards.
 *
 * The order depends on the length alone: lane l takes the elements l, l + LANES, … of a
 * run, long runs deal whole vectors to eight rows of lanes, which are then halved to one,
 * and neighbouring lanes are folded until one is left. */

#define VEC ES_JOIN(row_vec, T_NAME)

/* The first n < T_LANES elements; the other lanes neutral. */
ES_INLINE VEC ES_JOIN(run_part, RUN_NAME)(const RUN_T *a, int64_t n, T neutral) {
#if AVX512
  return (VEC)ES_JOIN(wide_part, RUN_NAME)(a, n, (RUN_WIDE)ES_JOIN(vec_splat, T_NAME)(neutral));
#else
  T lanes[T_LANES];
  for (int64_t j = 0; j < T_LANES; j++) lanes[j] = neutral;
  for (int64_t j = 0; j < n; j++) lanes[j] = (T)a[j];
  return ES_JOIN(vec_load, T_NAME)(lanes);
#endif
}

/* The lanes of one run. */
ES_INLINE VEC ES_JOIN(run_lanes, RUN_NAME)(es_fold op, T neutral, const RUN_T *a, int64_t n,
                                           VEC *low) {
  const int64_t count = T_LANES;
  VEC r[8], l[8];
  int64_t i = 0;
  ES_UNROLL for (int v = 0; v < 8; v++) {
    r[v] = ES_JOIN(vec_splat, T_NAME)(neutral);
    l[v] = ES_JOIN(vec_splat, T_NAME)(0);
  }
  if (n >= 8 * count) {
    for (; i + 8 * count <= n; i += 8 * count) {
      ES_UNROLL for (int v = 0; v < 8; v++) {
        __builtin_prefetch((const char *)(a + i + v * count) + RUN_AHEAD);
        r[v] = ES_JOIN(vec_fold, T_NAME)(op, r[v], &l[v], RUN_LOAD(a + i + v * count));
      }
    }
    ES_UNROLL for (int half = 4; half > 0; half /= 2) ES_UNROLL for (int v = 0; v < half; v++) {
      r[v] = ES_JOIN(vec_fold, T_NAME)(op, r[v], &l[v], r[v + half]);
      l[v] += l[v + half];
    }
  }
  for (; i + count <= n; i += count)
    r[0] = ES_JOIN(vec_fold, T_NAME)(op, r[0], &l[0], RUN_LOAD(a + i));
  if (i < n)
    r[0] = ES_JOIN(vec_fold, T_NAME)(op, r[0], &l[0],
                                     ES_JOIN(run_part, RUN_NAME)(a + i, n - i, neutral));
  *low = l[0];
  return r[0];
}

/* Short runs side by side, one in each row of r. */
ES_INLINE void ES_JOIN(run_side_by_side, RUN_NAME)(es_fold op, T neutral, const RUN_T *a, int64_t n,
                                                   int64_t step, VEC *r, VEC *l) {
  const int64_t count = T_LANES;
  int64_t i = 0;
  ES_UNROLL for (int v = 0; v < T_LANES; v++) {
    r[v] = ES_JOIN(vec_splat, T_NAME)(neutral);
    l[v] = ES_JOIN(vec_splat, T_NAME)(0);
  }
  for (; i + count <= n; i += count) {
    ES_UNROLL for (int v = 0; v < T_LANES; v++)
        r[v] = ES_JOIN(vec_fold, T_NAME)(op, r[v], &l[v], RUN_LOAD(a + v * step + i));
  }
  if (i == n) return;
  ES_UNROLL for (int v = 0; v < T_LANES; v++) r[v] = ES_JOIN(vec_fold, T_NAME)(
      op, r[v], &l[v], ES_JOIN(run_part, RUN_NAME)(a + v * step + i, n - i, neutral));
}

/* Folds the lanes of T_LANES runs: what was lane v of run i becomes lane i of row v. */
ES_INLINE void ES_JOIN(run_results, RUN_NAME)(es_fold op, T *acc, T *low, VEC *r, VEC *l) {
  T_TRANSPOSE((void *)r);
  if (op == ES_FOLD_SUM2) T_TRANSPOSE((void *)l);
  ES_UNROLL for (int half = T_LANES / 2; half > 0; half /= 2)
      ES_UNROLL for (int v = 0; v < half; v++) {
    VEC rest = l[2 * v];
    r[v] = ES_JOIN(vec_fold, T_NAME)(op, r[2 * v], &rest, r[2 * v + 1]);
    l[v] = rest + l[2 * v + 1];
  }
  VEC rest = op == ES_FOLD_SUM2 ? ES_JOIN(vec_load, T_NAME)(low) : l[0];
  ES_JOIN(vec_store, T_NAME)
  (acc, ES_JOIN(vec_fold, T_NAME)(op, ES_JOIN(vec_load, T_NAME)(acc), &rest, r[0]));
  if (op == ES_FOLD_SUM2) ES_JOIN(vec_store, T_NAME)(low, rest + l[0]);
}

ES_INLINE void ES_JOIN(run_result, RUN_NAME)(es_fold op, T *acc, T *low, VEC r, VEC l) {
  ES_UNROLL for (int half = T_LANES / 2; half > 0; half /= 2) {
    VEC rest = __builtin_shufflevector(l, l, ES_JOIN(EVEN, T_LANES));
    VEC odd = __builtin_shufflevector(l, l, ES_JOIN(ODD, T_LANES));
    r = ES_JOIN(vec_fold, T_NAME)(op, __builtin_shufflevector(r, r, ES_JOIN(EVEN, T_LANES)), &rest,
                                  __builtin_shufflevector(r, r, ES_JOIN(ODD, T_LANES)));
    l = rest + odd;
  }
  T rest = op == ES_FOLD_SUM2 ? *low : 0;
  *acc = ES_JOIN(one_fold, T_NAME)(op, *acc, &rest, r[0]);
  if (op == ES_FOLD_SUM2) *low = rest + l[0];
}

ES_INLINE void ES_JOIN(runs, RUN_NAME)(es_fold op, T neutral, T *acc, T *low, const RUN_T *a,
                                       int64_t n, int64_t rows, int64_t step) {
  VEC r[T_LANES], l[T_LANES];
  int64_t i = 0;
  for (; i + T_LANES <= rows; i += T_LANES) {
    if (n < 8 * T_LANES)
      ES_JOIN(run_side_by_side, RUN_NAME)(op, neutral, a + i * step, n, step, r, l);
    else
      for (int v = 0; v < T_LANES; v++)
        r[v] = ES_JOIN(run_lanes, RUN_NAME)(op, neutral, a + (i + v) * step, n, &l[v]);
    ES_JOIN(run_results, RUN_NAME)(op, acc + i, op == ES_FOLD_SUM2 ? low + i : NULL, r, l);
  }
  for (; i < rows; i++) {
    r[0] = ES_JOIN(run_lanes, RUN_NAME)(op, neutral, a + i * step, n, &l[0]);
    ES_JOIN(run_result, RUN_NAME)(op, acc + i, op == ES_FOLD_SUM2 ? low + i : NULL, r[0], l[0]);
  }
}

#undef VEC
#undef RUN_NAME
#undef RUN_T
#undef RUN_LOAD
#undef RUN_WIDE
