/* CHAINS independent multiply-adds, TURNS times over. Expects PROBE_NAME, PROBE_TARGET,
 * PROBE_VECTOR and PROBE_STEP; undefines them. */
PROBE_TARGET static void PROBE_NAME(void) {
  PROBE_VECTOR acc[CHAINS], a = {1}, b = {1};
  memset(acc, 0, sizeof acc);
  for (int i = 0; i < CHAINS; i++) __asm__ volatile("" : "+v"(acc[i])); /* not all the same */
  for (long t = 0; t < TURNS; t++) {
    __asm__ volatile("" : "+v"(a), "+v"(b)); /* the same product is not computed once for all */
#pragma GCC unroll 12
    for (int i = 0; i < CHAINS; i++) PROBE_STEP(acc[i], a, b);
  }
  for (int i = 0; i < CHAINS; i++) __asm__ volatile("" : : "v"(acc[i]));
}
#undef PROBE_NAME
#undef PROBE_TARGET
#undef PROBE_VECTOR
#undef PROBE_STEP
