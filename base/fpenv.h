/* The floating-point environment of a caller may round elsewhere, flush subnormal
 * numbers or trap. Our arithmetic happens in the default one; the caller's comes
 * back unchanged, its sticky flags included. */
#ifndef ES_BASE_FPENV_H
#define ES_BASE_FPENV_H

#include <fenv.h>
#include <stdbool.h>
#include <stdint.h>

#if defined(__x86_64__)

typedef uint32_t es_fpenv;

/* Control bits of MXCSR (6, 7 … 15); the default: all traps masked, nearest, no
 * FTZ, no DAZ. */
#define ES_FPENV_CONTROL 0xffc0u
#define ES_FPENV_DEFAULT 0x1f80u

static inline es_fpenv es_fpenv_enter(void) {
  es_fpenv old = __builtin_ia32_stmxcsr();
  if ((old & ES_FPENV_CONTROL) != ES_FPENV_DEFAULT) __builtin_ia32_ldmxcsr(ES_FPENV_DEFAULT);
  return old;
}
static inline void es_fpenv_leave(es_fpenv old) {
  if ((old & ES_FPENV_CONTROL) != ES_FPENV_DEFAULT) __builtin_ia32_ldmxcsr(old);
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
