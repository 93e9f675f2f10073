/* Packing into groups of 32 bits of several terms of k, for the kinds whose tiles take such groups
 * at a step. Set before including, unset afterwards:
 *   ES_S        the suffix of the names
 *   ES_GROUP    terms of a group; each is 32 / ES_GROUP bits wide
 *   ES_PLACE(t) where term t lies in the group, from the low bits up
 *   ES_SOURCES(X)  X(dtype) for every type that is packed, each by loops of its own
 * Needs AVX-512BW and VL. */

/* Up to 16 neighbours, one in the low bits of each lane; no others are read. */
ES_INLINE __m512i ES_JOIN(terms, ES_S)(const char *at, es_dtype dtype, __mmask16 some) {
  __m512i low_bits = _mm512_set1_epi32(0xffff);
  if (ES_GROUP == 4) return _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(some, at));
  switch (dtype) {
  case ES_U8: return _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(some, at));
  case ES_I8:
    return _mm512_and_si512(_mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(some, at)), low_bits);
  case ES_I16:
  case ES_BF16: return _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(some, at));
  case ES_I32: return _mm512_and_si512(_mm512_maskz_loadu_epi32(some, at), low_bits);
  default: { /* i64 */
    __m512i low = _mm512_maskz_loadu_epi64((__mmask8)some, at);
    __m512i high = _mm512_maskz_loadu_epi64((__mmask8)(some >> 8), at + ES_V);
    return _mm512_and_si512(_mm512_inserti64x4(_mm512_castsi256_si512(_mm512_cvtepi64_epi32(low)),
                                               _mm512_cvtepi64_epi32(high), 1),
                            low_bits);
  }
  }
}

/* n columns that are neighbours, from column j of the rows of groups on. */
ES_INLINE void ES_JOIN(pack_columns, ES_S)(char *dst, int width, const char *src, es_dtype dtype,
                                           int n, const int64_t *ks, int64_t k) {
  __mmask16 some = (__mmask16)((1u << n) - 1);
  for (int64_t p = 0; p < k; p += ES_GROUP, dst += width * 4) {
    __m512i group = _mm512_setzero_si512();
    ES_UNROLL
    for (int g = 0; g < ES_GROUP; g++)
      if (p + g < k && ks[p + g] != ES_GEMM_ABSENT)
        group = _mm512_or_si512(
            group, _mm512_slli_epi32(ES_JOIN(terms, ES_S)(src + ks[p + g], dtype, some),
                                     (unsigned)(ES_PLACE(g) * 32 / ES_GROUP)));
    _mm512_mask_storeu_epi32(dst, some, group);
  }
}

/* A term alone, in the low bits: of wider types these come first. */
ES_INLINE uint32_t ES_JOIN(term, ES_S)(const char *at, es_dtype dtype) {
  uint16_t low;
  if (ES_GROUP == 4 || dtype == ES_U8) return (uint8_t)*at;
  if (dtype == ES_I8) return (uint16_t)(int8_t)*at;
  memcpy(&low, at, sizeof low);
  return low;
}

/* n columns, term by term, along the columns. */
ES_INLINE void ES_JOIN(pack_apart, ES_S)(char *dst, int width, const char *src, es_dtype dtype,
                                         const int64_t *cols, int n, const int64_t *ks, int64_t k) {
  for (int64_t p = 0; p < k; p += ES_GROUP, dst += width * 4)
    for (int j = 0; j < n; j++) {
      uint32_t group = 0;
      ES_UNROLL
      for (int g = 0; g < ES_GROUP; g++)
        if (p + g < k && ks[p + g] != ES_GEMM_ABSENT)
          group |= ES_JOIN(term, ES_S)(src + cols[j] + ks[p + g], dtype)
                   << (ES_PLACE(g) * 32 / ES_GROUP);
      memcpy(dst + j * 4, &group, sizeof group);
    }
}

/* One column, from 16 terms that are neighbours at a time. Returns how many of the k terms
 * are packed. */
ES_INLINE int64_t ES_JOIN(pack_along, ES_S)(char *dst, int width, const char *src, es_dtype dtype,
                                            const int64_t *ks, int64_t k) {
  int64_t size = (int64_t)es_dtype_size(dtype), p = 0;
  for (; p + 16 <= k; p += 16) {
    int32_t group[16 / ES_GROUP];
    for (int t = 0; t < 15; t++)
      if (ks[p + t] == ES_GEMM_ABSENT || ks[p + t + 1] != ks[p + t] + size) return p;
    __m512i terms = ES_JOIN(terms, ES_S)(src + ks[p], dtype, 0xffff);
    if (ES_GROUP == 4)
      _mm_storeu_si128((void *)group, _mm512_cvtepi32_epi8(terms));
    else
      _mm256_storeu_si256((void *)group,
                          _mm256_rol_epi32(_mm512_cvtepi32_epi16(terms), 16 * ES_PLACE(0)));
    for (int i = 0; i < 16 / ES_GROUP; i++, dst += width * 4) memcpy(dst, &group[i], 4);
  }
  return p;
}

/* How many of the n columns from the first on are neighbours, 16 at most; or, less than none, how
 * many have no neighbour. */
ES_INLINE int ES_JOIN(columns, ES_S)(const int64_t *cols, int n, int64_t size) {
  int near = 1, apart = 1;
  while (near < n && near < 16 && cols[near] - cols[near - 1] == size) near++;
  while (near == 1 && apart < n && (apart + 1 == n || cols[apart + 1] - cols[apart] != size))
    apart++;
  return near > 1 ? near : -apart;
}

ES_INLINE void ES_JOIN(pack_from, ES_S)(char *dst, int width, const char *src, es_dtype dtype,
                                        const int64_t *cols, int n, const int64_t *ks, int64_t k) {
  int64_t size = (int64_t)es_dtype_size(dtype), done = 0;
  for (int j = 0, some; j < n; j += some, dst += some * 4) {
    some = ES_JOIN(columns, ES_S)(cols + j, n - j, size);
    if (some > 0) {
      ES_JOIN(pack_columns, ES_S)(dst, width, src + cols[j], dtype, some, ks, k);
      continue;
    }
    some = -some;
    for (int i = 0; i < some; i++)
      done = ES_JOIN(pack_along, ES_S)(dst + i * 4, width, src + cols[j + i], dtype, ks, k);
    ES_JOIN(pack_apart, ES_S)
    (dst + done / ES_GROUP * width * 4, width, src, dtype, cols + j, some, ks + done, k - done);
  }
}

static void ES_JOIN(pack, ES_S)(void *to, int width, const char *src, es_dtype dtype,
                                const int64_t *cols, int n, const int64_t *ks, int64_t k) {
  const int64_t steps = (k + ES_GROUP - 1) / ES_GROUP;
  switch (dtype) {
#define ES_X(from)                                                                                 \
  case from: ES_JOIN(pack_from, ES_S)(to, width, src, from, cols, n, ks, k); break;
    ES_SOURCES(ES_X)
#undef ES_X
  default: break;
  }
  for (int64_t p = 0; p < steps && n < width; p++)
    memset((char *)to + (p * width + n) * 4, 0, (size_t)(width - n) * 4);
}

#undef ES_S
#undef ES_GROUP
#undef ES_PLACE
#undef ES_SOURCES
