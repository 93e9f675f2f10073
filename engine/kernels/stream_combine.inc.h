/* One combine of the table: NAME and OP, unset afterwards. The strides become
 * constants here, so that the loops inside know them. */
static void JOIN(NAME, T_NAME)(void *out, const void *a, int64_t sa, const void *b, int64_t sb,
                               int64_t n) {
  if (sa && sb)
    JOIN(combine, T_NAME)(OP, out, a, 1, b, 1, n);
  else if (sa)
    JOIN(combine, T_NAME)(OP, out, a, 1, b, 0, n);
  else if (sb)
    JOIN(combine, T_NAME)(OP, out, a, 0, b, 1, n);
  else
    JOIN(combine, T_NAME)(OP, out, a, 0, b, 0, n);
}
#undef NAME
#undef OP
