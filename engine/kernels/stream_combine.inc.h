/* One combine of the table: NAME and OP, unset afterwards. The strides become
 * constants here, so that the loops inside know them. */
static void ES_JOIN(NAME, T_NAME)(void *out, const void *a, int64_t sa, const void *b, int64_t sb,
                                  int64_t n) {
  if (sa && sb)
    ES_JOIN(combine, T_NAME)(OP, out, a, 1, b, 1, n);
  else if (sa)
    ES_JOIN(combine, T_NAME)(OP, out, a, 1, b, 0, n);
  else if (sb)
    ES_JOIN(combine, T_NAME)(OP, out, a, 0, b, 1, n);
  else
    ES_JOIN(combine, T_NAME)(OP, out, a, 0, b, 0, n);
}
#undef NAME
#undef OP
