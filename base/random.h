/* Random numbers from a counter: number k of a seed depends on nothing else. */
#ifndef ES_BASE_RANDOM_H
#define ES_BASE_RANDOM_H

#include <stdint.h>

typedef enum es_random_kind { ES_RANDOM_UNIFORM, ES_RANDOM_NORMAL } es_random_kind;

/* Number k of the uniform distribution over [0, 1), a multiple of 2^-bits (bits <=
 * 53), so that a type with bits significant bits holds it exactly. */
double es_random_uniform(uint64_t seed, uint64_t k, int bits);
/* Number k of the standard normal distribution. Only IEEE operations that round
 * correctly are used: the bits are the same on every machine. */
double es_random_normal(uint64_t seed, uint64_t k);

/* Philox4x32-10 of Salmon et al., Parallel random numbers: as easy as 1, 2, 3
 * (SC 2011): encrypts the counter in place. */
void es_random_philox(uint32_t counter[4], uint32_t key0, uint32_t key1);

#endif
