/* The floating-point environment of a caller may round elsewhere, flush subnormal
 * numbers or trap. Our arithmetic happens in the default one; the caller's comes
 * back unchanged, its sticky flags included. */
#ifndef ES_BASE_FPENV_H
#define ES_BASE_FPENV_H

#include <fenv.h>
#include <float.h>
#include <stdbool.h>
#include <stdint.h>

#if FLT_EVAL_METHOD != 0
#error "float and double are to be rounded to their type: -msse2 -mfpmath=sse on 32-bit x86"
#endif

#if defined(__x86_64__) || defined(__i386__)

typedef struct es_fpenv {
  uint32_t mxcsr;
#if defined(__i386__)
  uint16_t x87; /* its control word: the C library computes with it, for double too */
#endif
} es_fpenv;

/* Control bits of MXCSR (6, 7 … 15); the default: all traps masked, nearest, no
 * FTZ, no DAZ. Of the x87: all traps masked, nearest, 64 bits. */
#define ES_FPENV_CONTROL 0xffc0u
#define ES_FPENV_DEFAULT 0x1f80u
#define ES_FPENV_X87 0x037fu

static inline es_fpenv es_fpenv_enter(void) {
  es_fpenv old;
  old.mxcsr = __builtin_ia32_stmxcsr();
  if ((old.mxcsr & ES_FPENV_CONTROL) != ES_FPENV_DEFAULT) __builtin_ia32_ldmxcsr(ES_FPENV_DEFAULT);
#if defined(__i386__)
  const uint16_t x87 = ES_FPENV_X87;
  __asm__ volatile("fnstcw %0" : "=m"(old.x87));
  if (old.x87 != x87) __asm__ volatile("fldcw %0" : : "m"(x87));
#endif
  return old;
}
static inline void es_fpenv_leave(es_fpenv old) {
  if ((old.mxcsr & ES_FPENV_CONTROL) != ES_FPENV_DEFAULT) __builtin_ia32_ldmxcsr(old.mxcsr);
#if defined(__i386__)
  if (old.x87 != ES_FPENV_X87) __asm__ volatile("fldcw %0" : : "m"(old.x87));
#endif
}

#else

typedef fenv_t es_fpenv;

static inline es_fpenv es_fpenv_enter(void) {
  es_fpenv old;
  fegetenv(&old);
  fesetenv(FE_DFL_ENV);
  return old;
}
static inline void es_fpenv_leave(es_fpenv old) { fesetenv(&old); }

#endif

#endif
