/* Numbers as the shortest decimals that read back as the same value. */
#ifndef SC_NUMBER_H
#define SC_NUMBER_H

#include "einstride.h"

enum { SC_NUMBER_BYTES = 400 }; /* of any buffer below: %f of 1e308 fits */

/* Significant digits the value needs in its type, and its decimal exponent. */
int sc_number_digits(double v, es_dtype dtype, int *exponent);
/* "2.5", "1e-07", "3.0", "inf", "nan": Python's repr. */
void sc_number_repr(double v, es_dtype dtype, char *buf);

#endif
