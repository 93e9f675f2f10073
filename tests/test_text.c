/* Text: bounded buffers, UTF-8, escapes, edit distance, numbers in any locale. */
#include <criterion/criterion.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

Test(text, every_capacity_is_respected) {
  const char *whole = "abc (2, 3) \\x0a 12";
  for (size_t cap = 0; cap < 40; cap++) {
    char buf[48];
    memset(buf, '#', sizeof buf);
    es_text t = es_text_init(buf, cap);
    es_text_put(&t, "abXX", 2);
    es_text_puts(&t, "c ");
    es_text_shape(&t, 2, (const int64_t[]){2, 3});
    es_text_puts(&t, " ");
    es_text_escape(&t, "\n", 1);
    es_text_printf(&t, " %d", 12);
    cr_assert_eq(t.len, strlen(whole));
    size_t shown = cap ? (cap - 1 < strlen(whole) ? cap - 1 : strlen(whole)) : 0;
    cr_assert_eq(memcmp(buf, whole, shown), 0, "cap %zu: %.*s", cap, (int)shown, buf);
    if (cap) cr_assert_eq(buf[shown], 0);
    for (size_t i = cap; i < sizeof buf; i++)
      cr_assert_eq(buf[i], '#', "cap %zu wrote byte %zu", cap, i);
  }
}

Test(text, shapes_as_python_prints_them) {
  char buf[64];
  const int64_t shape[] = {2, 0, 9223372036854775807};
  static const char *const want[] = {"()", "(2,)", "(2, 0)", "(2, 0, 9223372036854775807)"};
  for (int rank = 0; rank < 4; rank++) {
    es_text t = es_text_init(buf, sizeof buf);
    es_text_shape(&t, rank, shape);
    cr_assert_str_eq(buf, want[rank]);
  }
}

/* ---- UTF-8 -------------------------------------------------------------------- */

static int encode(uint32_t cp, char *out) {
  if (cp < 0x80) return out[0] = (char)cp, 1;
  int n = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
  for (int i = n - 1; i > 0; i--, cp >>= 6) out[i] = (char)(0x80 | (cp & 0x3f));
  out[0] = (char)((0xf00u >> n & 0xff) | cp);
  return n;
}

Test(text, every_code_point_decodes) {
  for (uint32_t cp = 0; cp <= 0x10ffff; cp++) {
    char bytes[4];
    uint32_t got = 0;
    int n = encode(cp, bytes);
    bool surrogate = cp >= 0xd800 && cp <= 0xdfff;
    cr_assert_eq(es_utf8_decode(bytes, 4, &got), surrogate ? 0 : n, "U+%04X", cp);
    if (!surrogate) cr_assert_eq(got, cp);
    if (n > 1) cr_assert_eq(es_utf8_decode(bytes, (size_t)n - 1, &got), 0, "truncated U+%04X", cp);
  }
}

Test(text, invalid_sequences_are_refused) {
  static const char *const bad[] = {"\x80",
                                    "\xc0\x80",
                                    "\xc1\xbf",
                                    "\xe0\x80\x80",
                                    "\xe0\x9f\xbf",
                                    "\xed\xa0\x80",
                                    "\xf0\x80\x80\x80",
                                    "\xf0\x8f\xbf\xbf",
                                    "\xf4\x90\x80\x80",
                                    "\xf5\x80\x80\x80",
                                    "\xff",
                                    "\xc3(",
                                    "\xe2\x82(",
                                    "\xf0\x9f\x98("};
  uint32_t cp;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    cr_assert_eq(es_utf8_decode(bad[i], strlen(bad[i]), &cp), 0, "row %zu", i);
}

Test(text, escapes) {
  static const struct {
    const char *in;
    size_t len;
    const char *out;
  } rows[] = {{"plain", 5, "plain"},
              {"\xce\xb8 \xe2\x86\x92", 6, "\xce\xb8 \xe2\x86\x92"}, /* θ → */
              {"a\0b", 3, "a\\x00b"},
              {"\x1b[31m", 5, "\\x1b[31m"},
              {"\x7f", 1, "\\x7f"},
              {"\xc2\x9b", 2, "\\xc2\\x9b"},          /* a C1 control */
              {"\xe2\x80\xae", 3, "\\xe2\\x80\\xae"}, /* right-to-left override */
              {"\xff\xfe", 2, "\\xff\\xfe"},
              {"\xe2\x82", 2, "\\xe2\\x82"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char buf[64];
    es_text t = es_text_init(buf, sizeof buf);
    es_text_escape(&t, rows[i].in, rows[i].len);
    cr_assert_str_eq(buf, rows[i].out);
  }
}

Test(text, widths) {
  cr_assert_eq(es_utf8_width('a'), 1);
  cr_assert_eq(es_utf8_width(0x3b8), 1);   /* θ */
  cr_assert_eq(es_utf8_width(0x301), 0);   /* combining acute */
  cr_assert_eq(es_utf8_width(0x4e2d), 2);  /* 中 */
  cr_assert_eq(es_utf8_width(0xac00), 2);  /* 가 */
  cr_assert_eq(es_utf8_width(0x1f600), 2); /* an emoji */
}

/* ---- edit distance --------------------------------------------------------------- */

/* Optimal string alignment by its recursion. */
static int slow_distance(const char *a, int i, const char *b, int j) {
  if (!i || !j) return i + j;
  int best = slow_distance(a, i - 1, b, j - 1) + (a[i - 1] != b[j - 1]);
  int drop = slow_distance(a, i - 1, b, j) + 1, add = slow_distance(a, i, b, j - 1) + 1;
  if (drop < best) best = drop;
  if (add < best) best = add;
  if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
    int swap = slow_distance(a, i - 2, b, j - 2) + 1;
    if (swap < best) best = swap;
  }
  return best;
}

Test(text, distance_against_its_definition) {
  unsigned seed = 1;
  for (int round = 0; round < 3000; round++) {
    char a[6], b[6];
    int n[2];
    for (int k = 0; k < 2; k++) {
      seed = seed * 1664525u + 1013904223u;
      n[k] = (int)(seed >> 16) % 6;
      for (int i = 0; i < n[k]; i++) {
        seed = seed * 1664525u + 1013904223u;
        (k ? b : a)[i] = (char)('a' + (seed >> 16) % 3);
      }
    }
    int want = slow_distance(a, n[0], b, n[1]);
    cr_assert_eq(es_text_distance(a, (size_t)n[0], b, (size_t)n[1], 99), want);
    cr_assert_eq(es_text_distance(a, (size_t)n[0], b, (size_t)n[1], 2), want < 2 ? want : 2);
  }
  char longest[ES_MAX_NAME + 2];
  memset(longest, 'x', sizeof longest);
  cr_assert_eq(es_text_distance(longest, ES_MAX_NAME, longest, ES_MAX_NAME, 3), 0);
  cr_assert_eq(es_text_distance(longest, ES_MAX_NAME + 1, longest, 1, 3), 3);
}

/* ---- numbers ----------------------------------------------------------------------- */

static void numbers_hold(void) {
  static const struct {
    double value;
    const char *text;
  } rows[] = {{0, "0"},
              {1, "1"},
              {-1.5, "-1.5"},
              {300, "300"},
              {0.1, "0.1"},
              {1e-4, "0.0001"},
              {1e-5, "1e-05"},
              {1e15, "1000000000000000"},
              {1e16, "1e+16"},
              {123456.789, "123456.789"},
              {1.0 / 3, "0.3333333333333333"},
              {1e300, "1e+300"},
              {2.5e-8, "2.5e-08"},
              {5e-324, "5e-324"},
              {DBL_MAX, "1.7976931348623157e+308"},
              {INFINITY, "inf"},
              {-INFINITY, "-inf"},
              {-0.0, "-0"}};
  char buf[64];
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    double back;
    es_format_double(rows[i].value, false, buf);
    cr_assert_str_eq(buf, rows[i].text);
    cr_assert(es_parse_double(buf, strlen(buf), &back));
    cr_assert(back == rows[i].value && !signbit(back) == !signbit(rows[i].value), "%s", buf);
  }
  es_format_double((double)0.1f, true, buf);
  cr_assert_str_eq(buf, "0.1");
  es_format_double(NAN, false, buf);
  cr_assert_str_eq(buf, "nan");
  uint64_t state = 12345;
  for (int i = 0; i < 2000; i++) {
    double value, back;
    state = state * 6364136223846793005u + 1442695040888963407u;
    uint64_t bits = state;
    memcpy(&value, &bits, sizeof value);
    if (!isfinite(value)) continue;
    es_format_double(value, false, buf);
    cr_assert(strlen(buf) < 32);
    cr_assert(es_parse_double(buf, strlen(buf), &back) && back == value, "%a: %s", value, buf);
  }
}

Test(text, numbers_round_trip) { numbers_hold(); }

/* Makes a locale whose only definition is a decimal comma; 13 ms, where compiling
 * one of the system's takes seconds. localedef grumbles about the rest and exits 1. */
static const char *comma_locale(const char *folder) {
  char path[128], command[320];
  snprintf(path, sizeof path, "%s/comma", folder);
  FILE *source = fopen(path, "w");
  if (!source) return NULL;
  fputs("comment_char %\nescape_char /\nLC_NUMERIC\ndecimal_point \",\"\nthousands_sep \"\"\n"
        "grouping -1\nEND LC_NUMERIC\n",
        source);
  fclose(source);
  snprintf(command, sizeof command, "localedef -c -i %s -f ANSI_X3.4-1968 %s/xx_XX >/dev/null 2>&1",
           path, folder);
  int made = system(command);
  return made != -1 && setenv("LOCPATH", folder, 1) == 0 ? setlocale(LC_NUMERIC, "xx_XX") : NULL;
}

Test(text, numbers_do_not_follow_the_locale) {
  static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "fr_FR.utf8"};
  char folder[] = "/tmp/einstride-locale-XXXXXX", command[64];
  const char *found = NULL;
  for (size_t i = 0; i < sizeof names / sizeof *names && !found; i++)
    found = setlocale(LC_ALL, names[i]);
  bool made = !found && mkdtemp(folder);
  if (made) {
    found = comma_locale(folder);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (system(command) != 0) cr_log_warn("could not remove %s", folder);
  }
  if (!found) cr_skip_test("no locale with a decimal comma on this system");
  cr_assert_str_eq(localeconv()->decimal_point, ",");
  numbers_hold();
}

Test(text, what_is_a_number) {
  static const char *const good[] = {"0",
                                     "-0",
                                     "+1",
                                     "1.",
                                     ".5",
                                     "1e5",
                                     "1E-5",
                                     "1.5e+10",
                                     "inf",
                                     "-inf",
                                     "nan",
                                     "00012",
                                     "9007199254740993"};
  static const char *const bad[] = {"",      "-",        ".",      "e5", "1e",   "1e+",
                                    "0x10",  "1,5",      " 1",     "1 ", "1_0",  "--1",
                                    "1.2.3", "infinity", "NaN(1)", "1f", "1e5.0"};
  double out;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    cr_assert(es_parse_double(good[i], strlen(good[i]), &out), "%s", good[i]);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    cr_assert(!es_parse_double(bad[i], strlen(bad[i]), &out), "%s", bad[i]);
  cr_assert(!es_parse_double("1\0", 2, &out));
  cr_assert(es_parse_double("12345", 2, &out) && out == 12, "the length counts, not a NUL");
}
