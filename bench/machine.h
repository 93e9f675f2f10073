/* The clock and the processors. */
#ifndef EINSTRIDE_BENCH_MACHINE_H
#define EINSTRIDE_BENCH_MACHINE_H

#include <stddef.h>

double bench_now(void); /* seconds */

/* Main runs on the first processor that the process may use; while libraries start
 * their threads it must be free again, or these inherit its one processor. */
void bench_pin(void);
void bench_unpin(void);

/* "0,1": the processors as they are before an OpenMP library that binds threads is loaded,
 * because it binds the first thread there and then. */
void bench_list_processors(char *text, size_t cap);
/* Takes these for the processors that the process may use. */
void bench_read_processors(const char *text);

#endif
