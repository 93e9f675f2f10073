/* Keeps the support library non-empty. */
typedef int es_test_support_empty;
