/* Bounds of time are promises of the optimised build; others are held to the order. */
#ifndef TESTS_SUPPORT_SPEED_H
#define TESTS_SUPPORT_SPEED_H

#if defined(__OPTIMIZE__) && defined(NDEBUG) && !defined(__SANITIZE_ADDRESS__) &&                  \
    !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_MEMORY__)
enum { TEST_SLACK = 1 };
#else
enum { TEST_SLACK = 20 };
#endif

#endif
