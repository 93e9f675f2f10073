#include "engine/kernels/kernels.h"

#if defined(__x86_64__) || defined(__i386__)
static bool has_v32(void) {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
static bool has_v64(void) {
  return has_v32() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
static bool has_dot(void) { return __builtin_cpu_supports("avx512vnni"); }
/* By the brand, since no feature bit tells how fast they are: AMD's processors (Zen 5 was measured)
 * multiply pairs as fast as single f32, so twice as many numbers; Intel's (a Xeon was measured)
 * half as many as in f32, to which bf16 is then better widened. */
static bool has_pairs(void) {
  return has_dot() && __builtin_cpu_supports("avx512bf16") && __builtin_cpu_is("amd");
}
#else
static bool has_v32(void) { return false; }
static bool has_v64(void) { return false; }
static bool has_dot(void) { return false; }
static bool has_pairs(void) { return false; }
#endif

static const es_kernels *v64(void) {
  return has_pairs() ? &es_kernels_v64_pairs : has_dot() ? &es_kernels_v64_dot : &es_kernels_v64;
}

const es_kernels *es_kernels_select(es_isa isa) {
  switch (isa) {
  case ES_ISA_V16: return &es_kernels_v16;
  case ES_ISA_V32: return has_v32() ? &es_kernels_v32 : NULL;
  case ES_ISA_V64: return has_v64() ? v64() : NULL;
  case ES_ISA_AUTO: break;
  }
  return has_v64() ? v64() : has_v32() ? &es_kernels_v32 : &es_kernels_v16;
}
