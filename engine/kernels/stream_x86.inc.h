/* What the processor does in few instructions and vector extensions cannot say. */

/* The larger and the smaller of two vectors: NaN where either is NaN, -0 below +0. */
#if AVX512
typedef __m512 wide_f32;
typedef __m512d wide_f64;
typedef __m512i wide_i64;

/* VRANGEPS orders zeros by sign, and prefers numbers to NaN; a sum with NaN is NaN. */
ES_INLINE __m512 wide_larger_f32(__m512 a, __m512 b) {
  return _mm512_mask_add_ps(_mm512_range_ps(a, b, 5), _mm512_cmp_ps_mask(a, b, _CMP_UNORD_Q), a, b);
}
ES_INLINE __m512 wide_smaller_f32(__m512 a, __m512 b) {
  return _mm512_mask_add_ps(_mm512_range_ps(a, b, 4), _mm512_cmp_ps_mask(a, b, _CMP_UNORD_Q), a, b);
}
ES_INLINE __m512d wide_larger_f64(__m512d a, __m512d b) {
  return _mm512_mask_add_pd(_mm512_range_pd(a, b, 5), _mm512_cmp_pd_mask(a, b, _CMP_UNORD_Q), a, b);
}
ES_INLINE __m512d wide_smaller_f64(__m512d a, __m512d b) {
  return _mm512_mask_add_pd(_mm512_range_pd(a, b, 4), _mm512_cmp_pd_mask(a, b, _CMP_UNORD_Q), a, b);
}

/* The first n elements, fewer than a vector; the other lanes from other. */
ES_INLINE __m512 wide_part_f32(const float *at, int64_t n, __m512 other) {
  return _mm512_mask_loadu_ps(other, (__mmask16)((1u << n) - 1), at);
}
ES_INLINE __m512d wide_part_f64(const double *at, int64_t n, __m512d other) {
  return _mm512_mask_loadu_pd(other, (__mmask8)((1u << n) - 1), at);
}
ES_INLINE __m512i wide_part_i64(const int64_t *at, int64_t n, __m512i other) {
  return _mm512_mask_loadu_epi64(other, (__mmask8)((1u << n) - 1), at);
}
ES_INLINE __m512d wide_part_widen(const float *at, int64_t n, __m512d other) {
  return _mm512_mask_cvtps_pd(other, (__mmask8)((1u << n) - 1),
                              _mm256_maskz_loadu_ps((__mmask8)((1u << n) - 1), at));
}
/* Four times sixteen bytes, from k on, of every every-th run, to z[0], z[apart], …: put in their
 * place as they are loaded, which leaves the shuffles of the last rounds only. A broadcast under a
 * mask takes either of two ports, an insertion the one that shuffles; and each run's address is
 * read once. Together 1.05 to 1.1 times as fast. */
ES_INLINE void wide_blocks(const float *const *a, int64_t k, int every, __m512 *z, int apart) {
  const float *run[4];
  ES_UNROLL for (int i = 0; i < 4; i++) run[i] = a[i * every] + k;
  ES_UNROLL for (int q = 0; q < 4; q++) {
    __m512 x = _mm512_castps128_ps512(_mm_loadu_ps(run[0] + 4 * q));
    x = _mm512_mask_broadcast_f32x4(x, 0x00f0, _mm_loadu_ps(run[1] + 4 * q));
    x = _mm512_mask_broadcast_f32x4(x, 0x0f00, _mm_loadu_ps(run[2] + 4 * q));
    z[q * apart] = _mm512_mask_broadcast_f32x4(x, 0xf000, _mm_loadu_ps(run[3] + 4 * q));
  }
}
/* Columns of 4 by 4 elements, in each 128 bits of four rows z, to x. */
ES_INLINE void wide_quads(const __m512 *z, __m512 *x) {
  __m512d low[2] = {_mm512_castps_pd(_mm512_unpacklo_ps(z[0], z[1])),
                    _mm512_castps_pd(_mm512_unpacklo_ps(z[2], z[3]))};
  __m512d high[2] = {_mm512_castps_pd(_mm512_unpackhi_ps(z[0], z[1])),
                     _mm512_castps_pd(_mm512_unpackhi_ps(z[2], z[3]))};
  x[0] = _mm512_castpd_ps(_mm512_unpacklo_pd(low[0], low[1]));
  x[1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low[0], low[1]));
  x[2] = _mm512_castpd_ps(_mm512_unpacklo_pd(high[0], high[1]));
  x[3] = _mm512_castpd_ps(_mm512_unpackhi_pd(high[0], high[1]));
}
/* Column k + j of the runs a, one a lane, to x[j]. In caches half as many loads of 256 bits, and a
 * round that deals blocks to columns, are 1.1 to 1.2 times as fast; from memory 0.85. */
ES_INLINE void wide_columns_f32(const void *const *a, int64_t k, bool memory, __m512 *x) {
  __m512 z[16], low[4], high[4];
  if (memory) {
    ES_UNROLL for (int r = 0; r < 4; r++) {
      wide_blocks((const float *const *)a + r, k, 4, z + r, 4);
      atomic_signal_fence(memory_order_seq_cst); /* the next run later: no instruction */
    }
    ES_UNROLL for (int j = 0; j < 16; j += 4) wide_quads(z + j, x + j);
    return;
  }
  ES_UNROLL for (int r = 0; r < 8; r++) {
    const float *const run[2] = {(const float *)a[r < 4 ? r : r + 4] + k,
                                 (const float *)a[r < 4 ? r + 4 : r + 8] + k};
    ES_UNROLL for (int j = 0; j < 16; j += 8) z[j + r] = _mm512_mask_broadcast_f32x8(
        _mm512_castps256_ps512(_mm256_loadu_ps(run[0] + j)), 0xff00, _mm256_loadu_ps(run[1] + j));
    atomic_signal_fence(memory_order_seq_cst); /* likewise */
  }
  ES_UNROLL for (int j = 0; j < 16; j += 8) {
    wide_quads(z + j, low);
    wide_quads(z + j + 4, high);
    ES_UNROLL for (int i = 0; i < 4; i++) {
      x[j + i] = _mm512_shuffle_f32x4(low[i], high[i], 0x88);
      x[j + i + 4] = _mm512_shuffle_f32x4(low[i], high[i], 0xdd);
    }
  }
}
ES_INLINE void wide_columns_f64(const void *const *a, int64_t k, bool memory, __m512d *x) {
  (void)memory;
  __m512 z[8];
  ES_UNROLL for (int r = 0; r < 2; r++) {
    wide_blocks((const float *const *)a + r, 2 * k, 2, z + r, 2);
    atomic_signal_fence(memory_order_seq_cst); /* likewise */
  }
  ES_UNROLL for (int q = 0; q < 8; q += 2) {
    x[q] = _mm512_unpacklo_pd(_mm512_castps_pd(z[q]), _mm512_castps_pd(z[q + 1]));
    x[q + 1] = _mm512_unpackhi_pd(_mm512_castps_pd(z[q]), _mm512_castps_pd(z[q + 1]));
  }
}
#else
/* VMINPS returns its second operand where either is NaN or both are zero: taken both
 * ways, the bits of either hold those of the smaller zero, and of a NaN. */
ES_INLINE __m256 wide_smaller_f32(__m256 a, __m256 b) {
  return _mm256_or_ps(_mm256_min_ps(a, b), _mm256_min_ps(b, a));
}
ES_INLINE __m256 wide_larger_f32(__m256 a, __m256 b) { return -wide_smaller_f32(-a, -b); }
ES_INLINE __m256d wide_smaller_f64(__m256d a, __m256d b) {
  return _mm256_or_pd(_mm256_min_pd(a, b), _mm256_min_pd(b, a));
}
ES_INLINE __m256d wide_larger_f64(__m256d a, __m256d b) { return -wide_smaller_f64(-a, -b); }
#endif
