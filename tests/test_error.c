/* Errors as people see them: sentence, text, carets. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

static char rendered[4096];

static const char *render(es_span a, es_span b, const char *text, size_t len) {
  es_error e;
  es_fail2(&e, ES_E_SYNTAX, "L1", a, b, "it is wrong");
  size_t need = es_error_render(&e, text, len, NULL, 0);
  cr_assert_eq(es_error_render(&e, text, len, rendered, sizeof rendered), need);
  cr_assert_eq(strlen(rendered), need);
  for (size_t cap = 1; cap < need + 2; cap++) {
    char part[2048];
    cr_assert_eq(es_error_render(&e, text, len, part, cap), need);
    cr_assert_eq(strlen(part), cap - 1 < need ? cap - 1 : need);
    cr_assert_eq(strncmp(part, rendered, strlen(part)), 0);
  }
  return rendered;
}
#define RENDER(a, b, text) render((es_span)a, (es_span)b, text, strlen(text))
#define SPAN(o, l)                                                                                 \
  { o, l }

Test(error, statuses_have_names) {
  cr_assert_str_eq(es_status_name(ES_E_EXTENT), "ES_E_EXTENT");
  cr_assert_str_eq(es_status_name(ES_OK), "ES_OK");
  cr_assert_str_eq(es_status_name((es_status)999), "ES_E_UNKNOWN");
  for (int s = 0; s <= ES_E_INTERNAL; s++) cr_assert(strlen(es_status_text((es_status)s)) > 3);
  cr_assert(strlen(es_status_text((es_status)-1)) > 3);
  cr_assert_eq(ES_E_LIMIT, 12, "values are pinned");
}

Test(error, filled_and_blamed) {
  es_error e;
  cr_assert_eq(es_fail(&e, ES_E_RANK, "S6", (es_span){3, 2}, "%d axes, not %d", 4, 3), ES_E_RANK);
  cr_assert_str_eq(e.message, "4 axes, not 3");
  cr_assert_str_eq(e.rule, "S6");
  cr_assert(e.operand == -1 && e.offset == 3 && e.length == 2 && e.length2 == 0);
  cr_assert_eq(es_blame(&e, 2, ES_E_RANK), ES_E_RANK);
  cr_assert_eq(e.operand, 2);
  cr_assert_eq(es_fail(NULL, ES_E_RANK, "", ES_NOWHERE, "nobody listens"), ES_E_RANK);
  cr_assert_eq(es_fail_nomem(&e), ES_E_NOMEM);
}

/* A sentence that is too long ends in dots, at a whole code point. */
Test(error, long_sentences_are_cut) {
  char text[2000];
  for (int shift = 0; shift < 3; shift++) {
    memset(text, 'x', sizeof text);
    for (size_t i = (size_t)shift; i + 2 < sizeof text; i += 3) memcpy(text + i, "\xe2\x86\x92", 3);
    text[sizeof text - 1 - (sizeof text - 1 - (size_t)shift) % 3] = 0;
    es_error e;
    es_fail(&e, ES_E_VALUE, "", ES_NOWHERE, "%s", text);
    size_t len = strlen(e.message);
    cr_assert(len > 600 && len < sizeof e.message);
    cr_assert_str_eq(e.message + len - 3, "...");
    for (size_t i = 0; i < len - 3;) {
      uint32_t cp;
      int n = es_utf8_decode(e.message + i, len - 3 - i, &cp);
      cr_assert(n, "a code point was cut at byte %zu", i);
      i += (size_t)n;
    }
  }
}

Test(error, without_a_place) {
  cr_assert_str_eq(RENDER(SPAN(0, 0), SPAN(0, 0), "a b"), "it is wrong\n");
  cr_assert_str_eq(render((es_span){0, 1}, ES_NOWHERE, NULL, 0), "it is wrong\n");
  cr_assert_str_eq(RENDER(SPAN(2, 5), SPAN(0, 0), "abc"), "it is wrong\n",
                   "a span outside the text");
}

Test(error, carets_under_the_place) {
  cr_assert_str_eq(RENDER(SPAN(4, 1), SPAN(0, 0), "b c (h -> b"),
                   "it is wrong\n  b c (h -> b\n      ^\n");
  cr_assert_str_eq(RENDER(SPAN(7, 2), SPAN(0, 0), "b c (h -> b"),
                   "it is wrong\n  b c (h -> b\n         ^~\n");
  cr_assert_str_eq(RENDER(SPAN(0, 1), SPAN(10, 1), "b c (h -> b"),
                   "it is wrong\n  b c (h -> b\n  ^         ^\n");
  cr_assert_str_eq(RENDER(SPAN(10, 1), SPAN(0, 3), "b c (h -> b"),
                   "it is wrong\n  b c (h -> b\n  ^~~       ^\n");
}

Test(error, columns_are_those_of_a_terminal) {
  /* θ is one column, 中 two, e + combining acute one. */
  cr_assert_str_eq(RENDER(SPAN(3, 1), SPAN(0, 0), "\xce\xb8 x"),
                   "it is wrong\n  \xce\xb8 x\n    ^\n");
  cr_assert_str_eq(RENDER(SPAN(4, 1), SPAN(0, 0), "\xe4\xb8\xad x"),
                   "it is wrong\n  \xe4\xb8\xad x\n     ^\n");
  cr_assert_str_eq(RENDER(SPAN(0, 3), SPAN(0, 0), "\xe4\xb8\xad x"),
                   "it is wrong\n  \xe4\xb8\xad x\n  ^~\n");
  cr_assert_str_eq(RENDER(SPAN(4, 1), SPAN(0, 0), "e\xcc\x81 x"),
                   "it is wrong\n  e\xcc\x81 x\n    ^\n");
}

Test(error, control_bytes_are_escaped_and_counted) {
  cr_assert_str_eq(RENDER(SPAN(2, 1), SPAN(0, 0), "a\tb"), "it is wrong\n  a\\x09b\n       ^\n");
  cr_assert_str_eq(render((es_span){1, 1}, ES_NOWHERE, "a\0b", 3),
                   "it is wrong\n  a\\x00b\n   ^~~~\n");
  cr_assert_str_eq(RENDER(SPAN(0, 1), SPAN(0, 0), "\xff\x1b[2J"),
                   "it is wrong\n  \\xff\\x1b[2J\n  ^~~~\n");
}

/* Of a long text a window is shown, and the caret stands under the right byte. */
Test(error, long_texts_are_windowed) {
  char text[5000];
  for (size_t i = 0; i < sizeof text; i++) text[i] = (char)('a' + i % 26);
  for (size_t at = 0; at < sizeof text; at += 97) {
    const char *out = render((es_span){(int64_t)at, 1}, ES_NOWHERE, text, sizeof text);
    const char *line = strchr(out, '\n') + 1, *carets = strchr(line, '\n') + 1;
    size_t column = strcspn(carets, "^");
    cr_assert_eq(line[column], text[at], "byte %zu:\n%s", at, out);
    cr_assert(strcspn(line, "\n") <= 110);
    cr_assert_eq(strncmp(line, at > 30 ? "  ..." : "  a", at > 30 ? 5 : 3), 0);
  }
  /* Two places far apart: the first one is shown. */
  const char *out = render((es_span){4000, 2}, (es_span){10, 2}, text, sizeof text);
  const char *line = strchr(out, '\n') + 1, *carets = strchr(line, '\n') + 1;
  cr_assert_eq(strncmp(line + strcspn(carets, "^"), text + 4000, 2), 0, "%s", out);
  cr_assert_eq(strchr(strchr(carets, '^') + 1, '^'), NULL, "one caret only:\n%s", out);
}

Test(error, windows_of_wide_text_stay_aligned) {
  char text[3 * 400 + 1];
  for (int i = 0; i < 400; i++) memcpy(text + 3 * i, "\xe4\xb8\xad", 3);
  text[600] = 'x', text[601] = 'y', text[602] = 'z';
  text[1200] = 0;
  const char *out = RENDER(SPAN(601, 1), SPAN(0, 0), text);
  const char *line = strchr(out, '\n') + 1, *carets = strchr(line, '\n') + 1;
  /* Columns before the y: two of margin, three dots, two for each wide character. */
  size_t bytes = (size_t)(strchr(line, 'y') - line), wide = (bytes - 2 - 3 - 1) / 3;
  cr_assert_eq(strcspn(carets, "^"), 2 + 3 + 2 * wide + 1, "%s", out);
}

/* Bytes that only continue a code point, and none begins: there is no border to go back to. */
Test(error, windows_of_stray_bytes_end_in_the_text) {
  for (size_t len = 90; len < 260; len++) {
    char text[260];
    memset(text, 0x92, sizeof text);
    for (size_t line = 0; line < 3; line++) {
      if (line) text[line] = '\n';
      for (int64_t at = 0; at < (int64_t)len; at += 7) {
        es_error e;
        es_fail2(&e, ES_E_SYNTAX, "L1", (es_span){at, 1}, (es_span){(int64_t)len - 1, 1}, "wrong");
        es_error_render(&e, text, len, rendered, sizeof rendered);
        const char *shown = strchr(rendered, '\n') + 1, *end = strchr(shown, '\n');
        cr_assert_leq(end - shown, 4 * 100 + 8, "%zu bytes, %lld: %s", len, (long long)at,
                      rendered);
        for (const char *c = shown; (c = strchr(c, '\\')) && c < end; c += 4)
          cr_assert_eq(strncmp(c, "\\x92", 4), 0, "not a byte of the text: %s", c);
      }
    }
  }
}
