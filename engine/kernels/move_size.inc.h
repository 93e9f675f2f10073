/* Moves of elements of one size, beside its tiles. Set before including, unset
 * afterwards: E, E_NAME, E_LANES of the vectors that are zipped, and E_TILES, the tiles
 * there are, TILE(rows, columns), largest first. */

typedef E ES_JOIN(lanes, E_NAME) __attribute__((vector_size(E_LANES * sizeof(E))));
typedef E ES_JOIN(loose, E_NAME)
    __attribute__((vector_size(E_LANES * sizeof(E)), aligned(1), may_alias));
typedef E ES_JOIN(one, E_NAME) __attribute__((aligned(1), may_alias));

#define TILE(q, lanes)                                                                             \
  if (m >= q && n >= lanes) {                                                                      \
    ES_JOIN(ES_JOIN(cover, E_NAME), lanes)(out, row, in, column, m, n, ahead);                     \
    return;                                                                                        \
  }

static void ES_JOIN(tiles, E_NAME)(char *out, const int64_t *row, const char *in,
                                   const int64_t *column, int64_t m, int64_t n, int64_t ahead) {
  E_TILES
  for (int64_t i = 0; i < m; i++) {
    ES_JOIN(one, E_NAME) *to = (ES_JOIN(one, E_NAME) *)(out + row[i]);
    for (int64_t j = 0; j < n; j++)
      to[j] = *(const ES_JOIN(one, E_NAME) *)(in + column[j] + i * (int64_t)sizeof(E));
  }
}

#define LOAD(at) (*(const ES_JOIN(loose, E_NAME) *)(at))
#define STORE(at, value) (*(ES_JOIN(loose, E_NAME) *)(at) = (value))

/* Vectors of k columns become k vectors of the row they make: for k = 2^rounds by
 * rounds of zips, for 3 by two selections each. */
ES_INLINE void ES_JOIN(mingle, E_NAME)(ES_JOIN(lanes, E_NAME) * r, int k) {
  ES_JOIN(lanes, E_NAME) t[8];
  if (k == 3) {
    t[0] = __builtin_shufflevector(r[0], r[1], LIST(ZIP3_AB, E_LANES, 0));
    t[1] = __builtin_shufflevector(r[0], r[1], LIST(ZIP3_AB, E_LANES, 1));
    t[2] = __builtin_shufflevector(r[0], r[1], LIST(ZIP3_AB, E_LANES, 2));
    r[0] = __builtin_shufflevector(t[0], r[2], LIST(ZIP3_C, E_LANES, 0));
    r[1] = __builtin_shufflevector(t[1], r[2], LIST(ZIP3_C, E_LANES, 1));
    r[2] = __builtin_shufflevector(t[2], r[2], LIST(ZIP3_C, E_LANES, 2));
    return;
  }
  for (int done = 1; done < k; done *= 2) {
    ES_UNROLL for (int i = 0; i < k / 2; i++) {
      t[2 * i] = __builtin_shufflevector(r[i], r[i + k / 2], LIST(ZIP, E_LANES, 0));
      t[2 * i + 1] = __builtin_shufflevector(r[i], r[i + k / 2], LIST(ZIP, E_LANES, 1));
    }
    ES_UNROLL for (int i = 0; i < k; i++) r[i] = t[i];
  }
}

/* The way back. */
ES_INLINE void ES_JOIN(sort, E_NAME)(ES_JOIN(lanes, E_NAME) * r, int k) {
  ES_JOIN(lanes, E_NAME) t[8];
  if (k == 3) {
    t[0] = __builtin_shufflevector(r[0], r[1], LIST(UNZIP3_AB, E_LANES, 0));
    t[1] = __builtin_shufflevector(r[0], r[1], LIST(UNZIP3_AB, E_LANES, 1));
    t[2] = __builtin_shufflevector(r[0], r[1], LIST(UNZIP3_AB, E_LANES, 2));
    r[0] = __builtin_shufflevector(t[0], r[2], LIST(UNZIP3_C, E_LANES, 0));
    r[1] = __builtin_shufflevector(t[1], r[2], LIST(UNZIP3_C, E_LANES, 1));
    r[2] = __builtin_shufflevector(t[2], r[2], LIST(UNZIP3_C, E_LANES, 2));
    return;
  }
  for (int done = 1; done < k; done *= 2) {
    ES_UNROLL for (int i = 0; i < k / 2; i++) {
      t[i] = __builtin_shufflevector(r[2 * i], r[2 * i + 1], LIST(EVEN, E_LANES, 0));
      t[i + k / 2] = __builtin_shufflevector(r[2 * i], r[2 * i + 1], LIST(EVEN, E_LANES, 1));
    }
    ES_UNROLL for (int i = 0; i < k; i++) r[i] = t[i];
  }
}

/* The last vectors are moved back to end at the edge. */
ES_INLINE void ES_JOIN(zip_k, E_NAME)(char *out, const char *in, const int64_t *column, int k,
                                      int64_t m) {
  const int64_t size = sizeof(E), step = E_LANES * size;
  int64_t i = 0;
  for (; m >= E_LANES && i < m; i += E_LANES) {
    if (i + E_LANES > m) i = m - E_LANES;
    ES_JOIN(lanes, E_NAME) r[8];
    ES_UNROLL for (int j = 0; j < k; j++) r[j] = LOAD(in + column[j] + i * size);
    ES_JOIN(mingle, E_NAME)(r, k);
    ES_UNROLL for (int j = 0; j < k; j++) STORE(out + i * k * size + j * step, r[j]);
  }
  for (; i < m; i++)
    for (int j = 0; j < k; j++) memcpy(out + (i * k + j) * size, in + column[j] + i * size, size);
}

ES_INLINE void ES_JOIN(unzip_k, E_NAME)(char *out, const int64_t *row, const char *in, int k,
                                        int64_t n) {
  const int64_t size = sizeof(E), step = E_LANES * size;
  int64_t j = 0;
  for (; n >= E_LANES && j < n; j += E_LANES) {
    if (j + E_LANES > n) j = n - E_LANES;
    ES_JOIN(lanes, E_NAME) r[8];
    ES_UNROLL for (int i = 0; i < k; i++) r[i] = LOAD(in + j * k * size + i * step);
    ES_JOIN(sort, E_NAME)(r, k);
    ES_UNROLL for (int i = 0; i < k; i++) STORE(out + row[i] + j * size, r[i]);
  }
  for (; j < n; j++)
    for (int i = 0; i < k; i++) memcpy(out + row[i] + j * size, in + (j * k + i) * size, size);
}

static void ES_JOIN(zip, E_NAME)(char *out, const char *in, const int64_t *column, int k,
                                 int64_t m) {
  switch (k) { /* a constant k keeps the vectors in registers */
  case 2: ES_JOIN(zip_k, E_NAME)(out, in, column, 2, m); break;
  case 3: ES_JOIN(zip_k, E_NAME)(out, in, column, 3, m); break;
  case 4: ES_JOIN(zip_k, E_NAME)(out, in, column, 4, m); break;
  default: ES_JOIN(zip_k, E_NAME)(out, in, column, 8, m);
  }
}

static void ES_JOIN(unzip, E_NAME)(char *out, const int64_t *row, const char *in, int k,
                                   int64_t n) {
  switch (k) {
  case 2: ES_JOIN(unzip_k, E_NAME)(out, row, in, 2, n); break;
  case 3: ES_JOIN(unzip_k, E_NAME)(out, row, in, 3, n); break;
  case 4: ES_JOIN(unzip_k, E_NAME)(out, row, in, 4, n); break;
  default: ES_JOIN(unzip_k, E_NAME)(out, row, in, 8, n);
  }
}

/* Known steps let the compiler take whole vectors apart. */
ES_INLINE void ES_JOIN(points_by, E_NAME)(char *out, int64_t out_step, const char *in,
                                          int64_t in_step, int64_t n) {
  for (int64_t j = 0; j < n; j++)
    *(ES_JOIN(one, E_NAME) *)(out + j * out_step) =
        *(const ES_JOIN(one, E_NAME) *)(in + j * in_step);
}

static void ES_JOIN(points, E_NAME)(char *out, const char *in, const es_move_steps *s, int64_t m,
                                    int64_t n) {
  const int64_t size = sizeof(E);
  const bool dense = s->out_j == size;
  for (int64_t i = 0; i < m; i++, out += s->out_i, in += s->in_i) {
    if (dense && s->in_j == 2 * size)
      ES_JOIN(points_by, E_NAME)(out, size, in, 2 * size, n);
    else if (dense && s->in_j == 3 * size)
      ES_JOIN(points_by, E_NAME)(out, size, in, 3 * size, n);
    else if (dense && s->in_j == 4 * size)
      ES_JOIN(points_by, E_NAME)(out, size, in, 4 * size, n);
    else if (dense && s->in_j == 0)
      ES_JOIN(points_by, E_NAME)(out, size, in, 0, n);
    else if (dense && s->in_j == -size)
      ES_JOIN(points_by, E_NAME)(out, size, in, -size, n);
    else
      ES_JOIN(points_by, E_NAME)(out, s->out_j, in, s->in_j, n);
  }
}

#undef LOAD
#undef STORE
#undef TILE
#undef E_TILES
#undef E
#undef E_NAME
#undef E_LANES
