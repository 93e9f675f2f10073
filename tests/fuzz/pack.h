/* Many inputs in one file: the length of each in four bytes, least first, then its bytes. */
#ifndef TESTS_FUZZ_PACK_H
#define TESTS_FUZZ_PACK_H

#include <stddef.h>
#include <stdint.h>

/* Both end the process when a file cannot be read or is no pack. */
uint8_t *pack_read_file(const char *path, size_t *len); /* of exactly len bytes; free() it */
/* f gets a copy of exactly the input's length, so that a read behind it is seen. */
void pack_each(const char *path, const uint8_t *pack, size_t len,
               void (*f)(void *user, const uint8_t *bytes, size_t len), void *user);

#endif
