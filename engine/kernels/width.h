/* Begins every file of kernels that is compiled once for each vector width. */
#ifndef ES_ENGINE_KERNELS_WIDTH_H
#define ES_ENGINE_KERNELS_WIDTH_H

#include <stdint.h>

#ifndef ES_V
#error "ES_V, the bytes of a vector, is set by the build: 16, 32 or 64"
#endif

/* name_v16, name_v32, name_v64 */
#define ES_WIDE(name) ES_WIDE_(name, ES_V)
#define ES_WIDE_(name, width) ES_WIDE__(name, width)
#define ES_WIDE__(name, width) name##_v##width

/* a_b, abc and abcd, of what a, b, c and d stand for. */
#define ES_JOIN(a, b) ES_JOIN_(a, b)
#define ES_JOIN_(a, b) a##_##b
#define ES_JOIN3(a, b, c) ES_JOIN3_(a, b, c)
#define ES_JOIN3_(a, b, c) a##b##c
#define ES_JOIN4(a, b, c, d) ES_JOIN4_(a, b, c, d)
#define ES_JOIN4_(a, b, c, d) a##b##c##d

#define ES_INLINE static inline __attribute__((always_inline))

/* For loops over a few registers: left rolled, these would live in memory. */
#if defined(__clang__)
#define ES_UNROLL _Pragma("clang loop unroll(full)")
#else
#define ES_UNROLL _Pragma("GCC unroll 32")
#endif

/* Lanes of 4 and of 8 bytes: numbers, so that names can be made of them. */
#if ES_V == 64
#define LANES_4 16
#define LANES_8 8
#elif ES_V == 32
#define LANES_4 8
#define LANES_8 4
#else
#define LANES_4 4
#define LANES_8 2
#endif

/* Elements that are only moved, by their size. */
typedef uint8_t bits8 __attribute__((may_alias));
typedef uint16_t bits16 __attribute__((may_alias));
typedef uint32_t bits32 __attribute__((may_alias));
typedef uint64_t bits64 __attribute__((may_alias));

#endif
