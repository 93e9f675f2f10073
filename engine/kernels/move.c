/* The moves of one vector width: compiled once for each width by the build, which sets ES_V, the
 * bytes of a vector. */
#include <stdbool.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "engine/kernels/move.h"
#include "engine/kernels/width.h"

#define ES_LINE 64

/* Lists of the N lanes l of a vector numbered o: F(N, o, 0), F(N, o, 1), … */
#define LIST(F, N, o) ES_JOIN(LIST, N)(F, N, o, 0)
#define LIST_2(F, N, o, l) F(N, o, l), F(N, o, l + 1)
#define LIST_4(F, N, o, l) LIST_2(F, N, o, l), LIST_2(F, N, o, l + 2)
#define LIST_8(F, N, o, l) LIST_4(F, N, o, l), LIST_4(F, N, o, l + 4)
#define LIST_16(F, N, o, l) LIST_8(F, N, o, l), LIST_8(F, N, o, l + 8)
#define LIST_32(F, N, o, l) LIST_16(F, N, o, l), LIST_16(F, N, o, l + 16)
/* Two vectors taken alternately, their first halves (o = 0) or their second. */
#define ZIP(N, o, l) ((l) % 2 * N + o * N / 2 + (l) / 2)
#define EVEN(N, o, l) (2 * (l) + o)
/* Lane l of vector o of a row in which three columns alternate: first what the columns
 * 0 and 1 give, then column 2. */
#define ZIP3_AB(N, o, l)                                                                           \
  ((o * N + l) % 3 == 0 ? (o * N + l) / 3 : (o * N + l) % 3 == 1 ? N + (o * N + l) / 3 : 0)
#define ZIP3_C(N, o, l) ((o * N + l) % 3 == 2 ? N + (o * N + l) / 3 : l)
/* Lane l of column o from such a row of three vectors: from the first two, then the third. */
#define UNZIP3_AB(N, o, l) (3 * (l) + o < 2 * N ? 3 * (l) + o : 0)
#define UNZIP3_C(N, o, l) (3 * (l) + o < 2 * N ? l : 3 * (l) + o - N)

/* Twice so in both halves of a register of N lanes, E_Q lanes each; and lanes as they are. */
#define ZIP_HALVES(N, o, l) ((l) / E_Q * E_Q + (l) % E_Q % 2 * N + o * E_Q / 2 + (l) % E_Q / 2)
#define SAME(N, o, l) (l)

#define E bits8
#define E_NAME move8
#if ES_V >= 32
#define E_Q 16
#define E_LANES 32
#define E_ROUNDS 4
#include "engine/kernels/move_tile.inc.h"
#endif
#define E_Q 16
#define E_LANES 16
#define E_ROUNDS 4
#include "engine/kernels/move_tile.inc.h"
#define E_Q 8
#define E_LANES 8
#define E_ROUNDS 3
#include "engine/kernels/move_tile.inc.h"
#if ES_V >= 32
#define E_TILES TILE(16, 32) TILE(16, 16) TILE(8, 8)
#else
#define E_TILES TILE(16, 16) TILE(8, 8)
#endif
#define E_LANES 16
#include "engine/kernels/move_size.inc.h"

#define E bits16
#define E_NAME move16
#if ES_V >= 32
#define E_Q 8
#define E_LANES 16
#define E_ROUNDS 3
#include "engine/kernels/move_tile.inc.h"
#endif
#define E_Q 8
#define E_LANES 8
#define E_ROUNDS 3
#include "engine/kernels/move_tile.inc.h"
#define E_Q 4
#define E_LANES 4
#define E_ROUNDS 2
#include "engine/kernels/move_tile.inc.h"
#if ES_V >= 32
#define E_TILES TILE(8, 16) TILE(8, 8) TILE(4, 4)
#else
#define E_TILES TILE(8, 8) TILE(4, 4)
#endif
#define E_LANES 8
#include "engine/kernels/move_size.inc.h"

#define E bits32
#define E_NAME move32
#if ES_V == 64
#define E_Q 16
#define E_LANES 16
#define E_ROUNDS 4
#include "engine/kernels/move_tile.inc.h"
#endif
#if ES_V >= 32
#define E_Q 8
#define E_LANES 8
#define E_ROUNDS 3
#include "engine/kernels/move_tile.inc.h"
#endif
#define E_Q 4
#define E_LANES 4
#define E_ROUNDS 2
#include "engine/kernels/move_tile.inc.h"
#if ES_V == 64
#define E_TILES TILE(16, 16) TILE(8, 8) TILE(4, 4)
#elif ES_V == 32
#define E_TILES TILE(8, 8) TILE(4, 4)
#else
#define E_TILES TILE(4, 4)
#endif
#define E_LANES LANES_4
#include "engine/kernels/move_size.inc.h"

#define E bits64
#define E_NAME move64
#if ES_V == 64
#define E_Q 8
#define E_LANES 8
#define E_ROUNDS 3
#include "engine/kernels/move_tile.inc.h"
#endif
#if ES_V >= 32
#define E_Q 4
#define E_LANES 4
#define E_ROUNDS 2
#include "engine/kernels/move_tile.inc.h"
#endif
#define E_Q 2
#define E_LANES 2
#define E_ROUNDS 1
#include "engine/kernels/move_tile.inc.h"
#if ES_V == 64
#define E_TILES TILE(8, 8) TILE(4, 4) TILE(2, 2)
#elif ES_V == 32
#define E_TILES TILE(4, 4) TILE(2, 2)
#else
#define E_TILES TILE(2, 2)
#endif
#define E_LANES LANES_8
#include "engine/kernels/move_size.inc.h"

/* Elements of 16 bytes fill a register of every width. */
typedef uint64_t pair __attribute__((vector_size(16), aligned(1), may_alias));

static void tiles_pair(char *out, const int64_t *row, const char *in, const int64_t *column,
                       int64_t m, int64_t n, int64_t ahead) {
  for (int64_t j = 0; j < n; j++) {
    const char *from = in + column[j];
    for (int64_t i = 0; i < m; i++) {
      if (i % 4 == 0) __builtin_prefetch(from + 16 * i + ahead);
      *(pair *)(out + row[i] + 16 * j) = *(const pair *)(from + 16 * i);
    }
  }
}

static void points_pair(char *out, const char *in, const es_move_steps *s, int64_t m, int64_t n) {
  for (int64_t i = 0; i < m; i++, out += s->out_i, in += s->in_i)
    for (int64_t j = 0; j < n; j++)
      *(pair *)(out + j * s->out_j) = *(const pair *)(in + j * s->in_j);
}

/* ---- runs of bytes ------------------------------------------------------------ */

typedef uint32_t word32 __attribute__((aligned(1), may_alias));
typedef uint64_t word64 __attribute__((aligned(1), may_alias));
typedef uint8_t wide __attribute__((vector_size(ES_V), aligned(1), may_alias));

ES_INLINE void run_short(char *out, const char *in, int64_t bytes) {
  if (bytes >= 8) {
    word64 head = *(const word64 *)in, tail = *(const word64 *)(in + bytes - 8);
    *(word64 *)out = head;
    *(word64 *)(out + bytes - 8) = tail;
  } else if (bytes >= 4) {
    word32 head = *(const word32 *)in, tail = *(const word32 *)(in + bytes - 4);
    *(word32 *)out = head;
    *(word32 *)(out + bytes - 4) = tail;
  } else {
    for (int64_t i = 0; i < bytes; i++) out[i] = in[i];
  }
}

/* Pieces of a register, the last one moved back to end at the edge. */
ES_INLINE void run_long(char *out, const char *in, int64_t bytes) {
  for (int64_t i = 0; i + ES_V < bytes; i += ES_V) *(wide *)(out + i) = *(const wide *)(in + i);
  *(wide *)(out + bytes - ES_V) = *(const wide *)(in + bytes - ES_V);
}

ES_INLINE void run_middle(char *out, const char *in, int64_t bytes) {
  for (int64_t i = 0; i + 16 < bytes; i += 16) *(pair *)(out + i) = *(const pair *)(in + i);
  *(pair *)(out + bytes - 16) = *(const pair *)(in + bytes - 16);
}

static void move_rows(char *out, const int64_t *row, const char *in, const int64_t *column,
                      int64_t n, int64_t bytes) {
  if (bytes >= 1024)
    for (int64_t j = 0; j < n; j++) memcpy(out + row[j], in + column[j], (size_t)bytes);
  else if (bytes >= ES_V)
    for (int64_t j = 0; j < n; j++) run_long(out + row[j], in + column[j], bytes);
  else if (bytes >= 16)
    for (int64_t j = 0; j < n; j++) run_middle(out + row[j], in + column[j], bytes);
  else
    for (int64_t j = 0; j < n; j++) run_short(out + row[j], in + column[j], bytes);
}

#if defined(__x86_64__)
ES_INLINE void stream_line(char *out, const char *in) {
#if ES_V == 64
  _mm512_stream_si512((__m512i *)out, _mm512_loadu_si512(in));
#elif ES_V == 32
  for (int i = 0; i < 64; i += 32)
    _mm256_stream_si256((__m256i *)(out + i), _mm256_loadu_si256((const __m256i *)(in + i)));
#else
  for (int i = 0; i < 64; i += 16)
    _mm_stream_si128((__m128i *)(out + i), _mm_loadu_si128((const __m128i *)(in + i)));
#endif
}

/* A line that is not whole goes through the caches, where its rest may join it. */
static void move_stream(char *out, const char *in, int64_t bytes) {
  int64_t head = (int64_t)(-(uintptr_t)out % ES_LINE);
  if (head > bytes) head = bytes;
  if (head) memcpy(out, in, (size_t)head);
  int64_t at = head;
  for (; at + ES_LINE <= bytes; at += ES_LINE) stream_line(out + at, in + at);
  if (at < bytes) memcpy(out + at, in + at, (size_t)(bytes - at));
}
static void move_finish(void) { _mm_sfence(); }
#else
static void move_stream(char *out, const char *in, int64_t bytes) {
  memcpy(out, in, (size_t)bytes);
}
static void move_finish(void) {}
#endif

extern const es_move_kernels ES_WIDE(es_move_kernels);
const es_move_kernels ES_WIDE(es_move_kernels) = {
    .tiles = {tiles_move8, tiles_move16, tiles_move32, tiles_move64, tiles_pair},
    .zip = {zip_move8, zip_move16, zip_move32, zip_move64, NULL},
    .unzip = {unzip_move8, unzip_move16, unzip_move32, unzip_move64, NULL},
    .points = {points_move8, points_move16, points_move32, points_move64, points_pair},
    .rows = move_rows,
    .stream = move_stream,
    .finish = move_finish,
};
