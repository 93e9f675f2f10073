#include "repl/text/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* v rounded to bits of significand: how f16 (11) and bf16 (8) read a decimal. */
static double round_bits(double v, int bits) {
  int exponent;
  double fraction = frexp(v, &exponent);
  return ldexp(nearbyint(ldexp(fraction, bits)), exponent - bits);
}

static bool reads_back(const char *text, double v, es_dtype dtype) {
  switch (dtype) {
  case ES_F16: return round_bits(strtod(text, NULL), 11) == v;
  case ES_BF16: return round_bits(strtod(text, NULL), 8) == v;
  case ES_F32:
  case ES_C64: return (double)strtof(text, NULL) == v;
  default: return strtod(text, NULL) == v;
  }
}

int sc_number_digits(double v, es_dtype dtype, int *exponent) {
  char text[64];
  *exponent = 0;
  if (v == 0 || !isfinite(v)) return 1;
  /* Fewer digits than these always suffice after %e has dropped its zeros. */
  int digits = dtype == ES_F16                      ? 3
               : dtype == ES_BF16                   ? 2
               : dtype == ES_F32 || dtype == ES_C64 ? 6
                                                    : 15;
  for (; digits < 17; digits++) {
    snprintf(text, sizeof text, "%.*e", digits - 1, v);
    if (reads_back(text, v, dtype)) break;
  }
  snprintf(text, sizeof text, "%.*e", digits - 1, v);
  *exponent = atoi(strchr(text, 'e') + 1);
  const char *end = strchr(text, 'e');
  while (digits > 1 && *--end == '0') digits--;
  return digits;
}

static const char *special(double v) { return isnan(v) ? "nan" : v < 0 ? "-inf" : "inf"; }

void sc_number_repr(double v, es_dtype dtype, char *buf) {
  if (!isfinite(v)) {
    strcpy(buf, special(v));
    return;
  }
  int exponent, digits = sc_number_digits(v, dtype, &exponent);
  if (exponent < -4 || exponent >= 16)
    snprintf(buf, SC_NUMBER_BYTES, "%.*e", digits - 1, v);
  else
    snprintf(buf, SC_NUMBER_BYTES, "%.*f", digits - 1 > exponent ? digits - 1 - exponent : 1, v);
}
