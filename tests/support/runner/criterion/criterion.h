/* The part of Criterion's interface that the tests use, for builds where the packaged
 * library cannot run: under the thread and memory sanitizers, and for 32 bits. Each test
 * has a process of its own, as there. */
#ifndef TESTS_RUNNER_CRITERION_H
#define TESTS_RUNNER_CRITERION_H

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct runner_options {
  int unused; /* so that no initialiser is empty */
  void (*init)(void), (*fini)(void);
  double timeout; /* seconds */
} runner_options;

typedef struct runner_test {
  const char *suite, *name; /* name NULL: the options of a suite */
  void (*run)(void);
  runner_options options;
  struct runner_test *next;
} runner_test;

void runner_add(runner_test *test);
void runner_fail(bool fatal, const char *file, int line, const char *what, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
void runner_skip(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
void runner_log(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define RUNNER_ADD(id)                                                                             \
  __attribute__((constructor)) static void runner_add_##id(void) { runner_add(&runner_of_##id); }

#define Test(suite, name, ...)                                                                     \
  static void runner_run_##suite##_##name(void);                                                   \
  static runner_test runner_of_##suite##_##name = {                                                \
      #suite, #name, runner_run_##suite##_##name, {.unused = 0, __VA_ARGS__}, NULL};               \
  RUNNER_ADD(suite##_##name)                                                                       \
  static void runner_run_##suite##_##name(void)

#define TestSuite(suite, ...)                                                                      \
  static runner_test runner_of_##suite = {#suite, NULL, NULL, {.unused = 0, __VA_ARGS__}, NULL};   \
  RUNNER_ADD(suite)

/* A condition, then a text for printf, or nothing. */
#define RUNNER_CHECK(fatal, what, holds, ...)                                                      \
  do {                                                                                             \
    if (!(holds)) runner_fail(fatal, __FILE__, __LINE__, what, " " __VA_ARGS__);                   \
  } while (0)
#define RUNNER_FLOAT(a, b, e) (fabs((double)(a) - (double)(b)) <= (double)(e))

#define cr_assert(a, ...) RUNNER_CHECK(true, #a, a, __VA_ARGS__)
#define cr_assert_not(a, ...) RUNNER_CHECK(true, "!" #a, !(a), __VA_ARGS__)
#define cr_assert_fail(...) RUNNER_CHECK(true, "failure", false, __VA_ARGS__)
#define cr_assert_null(a, ...) RUNNER_CHECK(true, #a " == NULL", (a) == NULL, __VA_ARGS__)
#define cr_assert_not_null(a, ...) RUNNER_CHECK(true, #a " != NULL", (a) != NULL, __VA_ARGS__)
#define cr_assert_eq(a, b, ...) RUNNER_CHECK(true, #a " == " #b, (a) == (b), __VA_ARGS__)
#define cr_assert_neq(a, b, ...) RUNNER_CHECK(true, #a " != " #b, (a) != (b), __VA_ARGS__)
#define cr_assert_lt(a, b, ...) RUNNER_CHECK(true, #a " < " #b, (a) < (b), __VA_ARGS__)
#define cr_assert_leq(a, b, ...) RUNNER_CHECK(true, #a " <= " #b, (a) <= (b), __VA_ARGS__)
#define cr_assert_gt(a, b, ...) RUNNER_CHECK(true, #a " > " #b, (a) > (b), __VA_ARGS__)
#define cr_assert_geq(a, b, ...) RUNNER_CHECK(true, #a " >= " #b, (a) >= (b), __VA_ARGS__)
#define cr_assert_str_eq(a, b, ...) RUNNER_CHECK(true, #a " == " #b, !strcmp(a, b), __VA_ARGS__)
#define cr_assert_arr_eq(a, b, n, ...)                                                             \
  RUNNER_CHECK(true, #a " == " #b, !memcmp(a, b, n), __VA_ARGS__)
#define cr_assert_float_eq(a, b, e, ...)                                                           \
  RUNNER_CHECK(true, #a " == " #b, RUNNER_FLOAT(a, b, e), __VA_ARGS__)

#define cr_expect(a, ...) RUNNER_CHECK(false, #a, a, __VA_ARGS__)
#define cr_expect_not(a, ...) RUNNER_CHECK(false, "!" #a, !(a), __VA_ARGS__)
#define cr_expect_eq(a, b, ...) RUNNER_CHECK(false, #a " == " #b, (a) == (b), __VA_ARGS__)
#define cr_expect_gt(a, b, ...) RUNNER_CHECK(false, #a " > " #b, (a) > (b), __VA_ARGS__)
#define cr_expect_str_eq(a, b, ...) RUNNER_CHECK(false, #a " == " #b, !strcmp(a, b), __VA_ARGS__)
#define cr_expect_str_empty(a, ...) RUNNER_CHECK(false, #a " is empty", !*(a), __VA_ARGS__)

#define cr_skip_test(...) runner_skip(" " __VA_ARGS__)
#define cr_log_info(...) runner_log(__VA_ARGS__)
#define cr_log_warn(...) runner_log(__VA_ARGS__)

#endif
