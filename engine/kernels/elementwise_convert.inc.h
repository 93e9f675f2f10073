/* One load and one store between storage type S and compute type K: see
 * elementwise_storage.inc.h, which sets the parameters. */

#if K_LOADS
static void ES_JOIN4(load_, K, _, S)(void *out, const void *in, int64_t stride, int64_t n) {
  K_T *restrict o = out;
  const S_T *restrict a = in;
  int64_t i = 0;
#ifdef S_RUN
  if (stride == 1 && sizeof(K_T) == sizeof(float)) i = S_RUN(out, a, n);
#endif
  if (stride == 1)
    for (; i < n; i++) o[i] = (K_T)S_GET(a[i]);
  else
    for (; i < n; i++) o[i] = (K_T)S_GET(a[i * stride]);
}
#endif

#if K_STORES
#ifdef S_MIN
/* Whether v, truncated, fits. S_MIN - 1 may round to S_MIN, hence the equality;
 * NaN compares false. No && and ||: comparisons that may be skipped do not vectorise. */
static inline bool ES_JOIN4(fits_, K, _, S)(K_T v) {
#if K_INTEGER
  return (v >= (int64_t)S_MIN) & (v <= (int64_t)(S_MAX));
#else
  return ((v > (K_T)S_MIN - 1) | (v == (K_T)S_MIN)) & (v < (K_T)S_LIMIT);
#endif
}
#endif

static int64_t ES_JOIN4(store_, K, _, S)(void *out, int64_t stride, const void *in, int64_t n) {
  S_T *restrict o = out;
  const K_T *restrict a = in;
#ifdef S_MIN
  K_MASK bad = 0; /* as wide as a value, so that the loop vectorises */
  for (int64_t i = 0; i < n; i++) bad |= -(K_MASK)!ES_JOIN4(fits_, K, _, S)(a[i]);
  if (bad)
    for (int64_t i = 0; i < n; i++)
      if (!ES_JOIN4(fits_, K, _, S)(a[i])) return i;
#endif
  int64_t i = 0;
#ifdef S_NARROW
  if (stride == 1 && sizeof(K_T) == sizeof(float)) i = S_NARROW(o, (const void *)a, n);
#endif
  if (stride == 1)
    for (; i < n; i++) o[i] = K_FROM(a[i]);
  else
    for (; i < n; i++) o[i * stride] = K_FROM(a[i]);
  return n;
}
#endif

#undef K
#undef K_T
#undef K_MASK
#undef K_FROM
#undef K_LOADS
#undef K_STORES
#undef K_INTEGER
