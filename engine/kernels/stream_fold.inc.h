/* One fold of the table: NAME, OP and NEUTRAL, unset afterwards. */
static void ES_JOIN(ES_JOIN(rows, NAME), T_NAME)(void *acc, void *low, const void *a, int64_t n,
                                                 const es_steps *steps) {
  ES_JOIN(rows, T_NAME)(OP, acc, low, a, n, steps);
}
static void ES_JOIN(ES_JOIN(runs, NAME), T_NAME)(void *acc, void *low, const void *a, int64_t n,
                                                 int64_t rows, int64_t step) {
  ES_JOIN(runs, T_NAME)(OP, NEUTRAL, acc, low, a, n, rows, step);
}
#undef NAME
#undef OP
#undef NEUTRAL
