/* Files of the tests: those under tests/data, and scratch files that go away. */
#ifndef ES_TEST_FILES_H
#define ES_TEST_FILES_H

#include <stddef.h>
#include <stdint.h>

/* A path under tests/data. The text lives until the fourth next call. */
const char *test_data(const char *name);
/* A path in a folder of this process, removed at exit. Lives as long. */
const char *test_scratch(const char *name);
/* The folder itself. */
const char *test_scratch_dir(void);
/* Whole files; both end the test on failure. free() the bytes. */
uint8_t *test_read(const char *path, size_t *len);
void test_write(const char *path, const void *bytes, size_t len);
/* Entries of a folder, without . and .. */
int test_count_entries(const char *path);

#endif
