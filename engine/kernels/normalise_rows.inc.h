/* Rows of one real type normalised. Set before including, unset afterwards: N
 * (f32 or f64), N_T, N_V (a vector), N_LANES, N_LOG(x). */

#define NAME(name) ES_JOIN3(name, _, N)

/* a where it is larger, else b: a NaN in a is passed over. */
ES_INLINE N_V NAME(larger)(N_V a, N_V b) {
#if MATH_AVX512
  return (N_V)NAME(wide_max)(a, b);
#else
  return NAME(math_select)(a > b, a, b);
#endif
}

ES_INLINE N_V NAME(row_piece)(const N_T *x, int64_t n, N_T fill) {
  return n >= N_LANES ? NAME(math_load)(x) : NAME(math_load_part)(x, n, fill);
}
ES_INLINE void NAME(row_put)(N_T *out, int64_t n, N_V x) {
  if (n >= N_LANES)
    NAME(math_store)(out, x);
  else
    NAME(math_store_part)(out, n, x);
}

/* The largest element; NaN are passed over. */
static N_T NAME(row_most)(const N_T *x, int64_t n) {
  const N_T least = -(N_T)INFINITY;
  N_V most[4];
  int64_t i = 0;
  for (int v = 0; v < 4; v++) most[v] = NAME(math_splat)(least);
  for (; i + 4 * N_LANES <= n; i += 4 * N_LANES) {
    __builtin_prefetch(x + i + 4 * N_LANES * 4);
    most[0] = NAME(larger)(NAME(math_load)(x + i), most[0]);
    most[1] = NAME(larger)(NAME(math_load)(x + i + N_LANES), most[1]);
    most[2] = NAME(larger)(NAME(math_load)(x + i + 2 * N_LANES), most[2]);
    most[3] = NAME(larger)(NAME(math_load)(x + i + 3 * N_LANES), most[3]);
  }
  for (; i < n; i += N_LANES) most[0] = NAME(larger)(NAME(row_piece)(x + i, n - i, least), most[0]);
  most[0] = NAME(larger)(NAME(larger)(most[0], most[1]), NAME(larger)(most[2], most[3]));
#if MATH_AVX512
  return NAME(wide_most)(most[0]);
#else
  N_T lanes[N_LANES];
  NAME(math_store)(lanes, most[0]);
  for (int l = 1; l < N_LANES; l++) lanes[0] = lanes[0] < lanes[l] ? lanes[l] : lanes[0];
  return lanes[0];
#endif
}

/* The sum of exp(x - most), and each of them to out unless that is NULL. Four
 * vectors at a time are added pairwise before they are widened. */
ES_INLINE double NAME(row_exponentials)(N_T *out, const N_T *x, int64_t n, N_T most) {
  const N_V shift = NAME(math_splat)(most);
  math_sums sums = {{{0}, {0}}};
  int64_t i = 0;
  for (; i + 4 * N_LANES <= n; i += 4 * N_LANES) {
    N_V e[4];
    for (int v = 0; v < 4; v++) {
      e[v] = NAME(math_exp)(NAME(math_load)(x + i + v * N_LANES) - shift);
      if (out) NAME(math_store)(out + i + v * N_LANES, e[v]);
    }
    NAME(math_add)(&sums, (e[0] + e[1]) + (e[2] + e[3]));
  }
  for (; i < n; i += N_LANES) {
    N_V e = NAME(math_exp)(NAME(row_piece)(x + i, n - i, -(N_T)INFINITY) - shift);
    if (out) NAME(row_put)(out + i, n - i, e);
    NAME(math_add)(&sums, e);
  }
  return math_total(&sums);
}

/* y = (x - shift) * scale, weighted; bias and weight NULL are left out. */
ES_INLINE void NAME(row_affine)(N_T *out, const N_T *x, int64_t n, N_T shift_, N_T scale_,
                                const N_T *weight, const N_T *bias) {
  const N_V shift = NAME(math_splat)(shift_), scale = NAME(math_splat)(scale_);
  for (int64_t i = 0; i < n; i += N_LANES) {
    N_V y = (NAME(row_piece)(x + i, n - i, 0) - shift) * scale;
    if (weight) y *= NAME(row_piece)(weight + i, n - i, 0);
    if (bias) y += NAME(row_piece)(bias + i, n - i, 0);
    NAME(row_put)(out + i, n - i, y);
  }
}

static void NAME(row_weigh)(N_T *out, const N_T *x, int64_t n, N_T shift, N_T scale,
                            const N_T *weight, const N_T *bias) {
  if (weight && bias)
    NAME(row_affine)(out, x, n, shift, scale, weight, bias);
  else if (weight)
    NAME(row_affine)(out, x, n, shift, scale, weight, NULL);
  else
    NAME(row_affine)(out, x, n, shift, scale, NULL, bias);
}

static void NAME(normalise_softmax)(void *out, const void *x, int64_t n,
                                    const es_normalise_args *args) {
  (void)args;
  double sum = NAME(row_exponentials)(out, x, n, NAME(row_most)(x, n));
  NAME(row_affine)(out, out, n, 0, (N_T)(1 / sum), NULL, NULL);
}

static void NAME(normalise_log_softmax)(void *out, const void *x, int64_t n,
                                        const es_normalise_args *args) {
  (void)args;
  N_T most = NAME(row_most)(x, n);
  N_T rest = (N_T)log(NAME(row_exponentials)(NULL, x, n, most));
  const N_V shift = NAME(math_splat)(most), log_sum = NAME(math_splat)(rest);
  for (int64_t i = 0; i < n; i += N_LANES) NAME(row_put)
  ((N_T *)out + i, n - i, (NAME(row_piece)((const N_T *)x + i, n - i, 0) - shift) - log_sum);
}

/* The sum of x, or of (x - shift)^2. */
ES_INLINE double NAME(row_sum)(const N_T *x, int64_t n, bool squares, N_T shift) {
  const N_V mean = NAME(math_splat)(shift);
  math_sums sums = {{{0}, {0}}}, more = {{{0}, {0}}};
  int64_t i = 0;
  for (; i + 2 * N_LANES <= n; i += 2 * N_LANES) {
    N_V a = NAME(math_load)(x + i), b = NAME(math_load)(x + i + N_LANES);
    if (squares) {
      NAME(math_add_square)(&sums, a - mean);
      NAME(math_add_square)(&more, b - mean);
    } else {
      __builtin_prefetch(x + i + 8 * N_LANES);
      NAME(math_add)(&sums, a);
      NAME(math_add)(&more, b);
    }
  }
  for (; i < n; i += N_LANES) {
    N_V a = NAME(row_piece)(x + i, n - i, shift);
    if (squares)
      NAME(math_add_square)(&sums, a - mean);
    else
      NAME(math_add)(&sums, a);
  }
  sums.part[0] += more.part[0];
  sums.part[1] += more.part[1];
  return math_total(&sums);
}

static void NAME(normalise_moments)(void *out, const void *x, int64_t n,
                                    const es_normalise_args *args) {
  N_T mean = (N_T)(NAME(row_sum)(x, n, false, 0) / (double)n);
  double var = NAME(row_sum)(x, n, true, mean) / (double)n;
  NAME(row_weigh)
  (out, x, n, mean, (N_T)(1 / sqrt(var + args->eps)), args->weight, args->bias);
}

static void NAME(normalise_rms)(void *out, const void *x, int64_t n,
                                const es_normalise_args *args) {
  double mean = NAME(row_sum)(x, n, true, 0) / (double)n;
  NAME(row_weigh)
  (out, x, n, 0, (N_T)(1 / sqrt(mean + args->eps)), args->weight, args->bias);
}

static void NAME(normalise_affine)(void *out, const void *x, int64_t n,
                                   const es_normalise_args *args) {
  const N_V shift = NAME(math_splat)((N_T)args->shift), scale = NAME(math_splat)((N_T)args->scale);
  const N_V offset = NAME(math_splat)((N_T)args->offset);
  for (int64_t i = 0; i < n; i += N_LANES) NAME(row_put)
  ((N_T *)out + i, n - i, (NAME(row_piece)((const N_T *)x + i, n - i, 0) - shift) * scale + offset);
}

/* ---- columns
 * ------------------------------------------------------------------------ */

/* One vector of columns, or the first m of it. */
ES_INLINE void NAME(softmax_group)(N_T *out, int64_t out_step, const N_T *x, int64_t step,
                                   int64_t n, int64_t m, bool logs) {
  math_sums sums = {{{0}, {0}}};
  N_V most = NAME(math_splat)(-(N_T)INFINITY);
  for (int64_t k = 0; k < n; k++) most = NAME(larger)(NAME(row_piece)(x + k * step, m, 0), most);
  for (int64_t k = 0; k < n; k++) {
    N_V e = NAME(math_exp)(NAME(row_piece)(x + k * step, m, 0) - most);
    if (!logs) NAME(row_put)(out + k * out_step, m, e);
    NAME(math_add)(&sums, e);
  }
  N_V scale = logs ? NAME(math_lanes)(&sums, log) : NAME(math_lanes)(&sums, math_inverse);
  for (int64_t k = 0; k < n; k++) {
    N_V y = logs ? (NAME(row_piece)(x + k * step, m, 0) - most) - scale
                 : NAME(row_piece)(out + k * out_step, m, 0) * scale;
    NAME(row_put)(out + k * out_step, m, y);
  }
}

ES_INLINE void NAME(moments_group)(N_T *out, int64_t out_step, const N_T *x, int64_t step,
                                   int64_t n, int64_t m, const es_normalise_args *args,
                                   bool centred) {
  const N_T *weight = args->weight, *bias = args->bias;
  math_sums sums = {{{0}, {0}}}, squares = {{{0}, {0}}};
  N_V mean = NAME(math_splat)(0);
  if (centred) {
    for (int64_t k = 0; k < n; k++) NAME(math_add)(&sums, NAME(row_piece)(x + k * step, m, 0));
    for (int p = 0; p < 2; p++) sums.part[p] /= (double)n;
    mean = NAME(math_lanes)(&sums, math_itself);
  }
  for (int64_t k = 0; k < n; k++)
    NAME(math_add_square)(&squares, NAME(row_piece)(x + k * step, m, 0) - mean);
  for (int p = 0; p < 2; p++) squares.part[p] = squares.part[p] / (double)n + args->eps;
  N_V scale = NAME(math_lanes)(&squares, math_inverse_root);
  for (int64_t k = 0; k < n; k++) {
    N_V y = (NAME(row_piece)(x + k * step, m, 0) - mean) * scale;
    if (weight) y *= weight[k];
    if (bias) y += bias[k];
    NAME(row_put)(out + k * out_step, m, y);
  }
}

static void NAME(normalise_columns_softmax)(void *out, int64_t out_step, const void *x,
                                            int64_t step, int64_t n, int64_t count,
                                            const es_normalise_args *args) {
  (void)args;
  for (int64_t c = 0; c < count; c += N_LANES) NAME(softmax_group)
  ((N_T *)out + c, out_step, (const N_T *)x + c, step, n, count - c, false);
}
static void NAME(normalise_columns_log_softmax)(void *out, int64_t out_step, const void *x,
                                                int64_t step, int64_t n, int64_t count,
                                                const es_normalise_args *args) {
  (void)args;
  for (int64_t c = 0; c < count; c += N_LANES) NAME(softmax_group)
  ((N_T *)out + c, out_step, (const N_T *)x + c, step, n, count - c, true);
}
static void NAME(normalise_columns_moments)(void *out, int64_t out_step, const void *x,
                                            int64_t step, int64_t n, int64_t count,
                                            const es_normalise_args *args) {
  for (int64_t c = 0; c < count; c += N_LANES) NAME(moments_group)
  ((N_T *)out + c, out_step, (const N_T *)x + c, step, n, count - c, args, true);
}
static void NAME(normalise_columns_rms)(void *out, int64_t out_step, const void *x, int64_t step,
                                        int64_t n, int64_t count, const es_normalise_args *args) {
  for (int64_t c = 0; c < count; c += N_LANES) NAME(moments_group)
  ((N_T *)out + c, out_step, (const N_T *)x + c, step, n, count - c, args, false);
}

#undef NAME
#undef N
#undef N_T
#undef N_V
#undef N_LANES
