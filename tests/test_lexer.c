/* Every token, every byte. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "lexer/ast.h"
#include "lexer/tokens.h"

/* "NAME ELLIPSIS_" : kinds of text, '_' where white space stood before. */
static void kinds_of(const char *text, size_t len, char *out, size_t cap) {
  es_lexer lexer = {text, len, 0};
  out[0] = 0;
  for (;;) {
    es_token t = es_lexer_next(&lexer);
    if (t.kind == ES_TOKEN_END) return;
    size_t used = strlen(out);
    snprintf(out + used, cap - used, "%s%s:%d+%d", used ? " " : "", es_token_text(t.kind),
             (int)t.span.offset, (int)t.span.length);
    if (t.spaced) strncat(out, "_", cap - strlen(out) - 1);
  }
}

Test(lexer, each_token) {
  static const struct {
    const char *text, *kinds;
  } rows[] = {
      {"", ""},
      {" \t\r\n", ""},
      {"a", "a name:0+1_"},
      {"_", "a name:0+1_"},
      {"_a1_", "a name:0+4_"},
      {"b2c", "a name:0+3_"},
      {"θ", "a name:0+2_"},
      {"日本x1", "a name:0+8_"},
      {"𝒙", "a name:0+4_"},
      {"12", "a whole number:0+2_"},
      {"1.5", "a number:0+3_"},
      {".5", "a number:0+2_"},
      {"1e-3", "a number:0+4_"},
      {"1.5E+10", "a number:0+7_"},
      {"1e", "a whole number:0+1_ a name:1+1"},
      {"2h", "a whole number:0+1_ a name:1+1"},
      {"1...", "a whole number:0+1_ '...':1+3"},
      {"...", "'...':0+3_"},
      {"…", "'...':0+3_"},
      {".", "dots that are no ellipsis:0+1_"},
      {"..", "dots that are no ellipsis:0+2_"},
      {"....", "dots that are no ellipsis:0+4_"},
      {"->", "'->':0+2_"},
      {"→", "'->':0+3_"},
      {"- >", "'-':0+1_ a character outside the grammar:2+1_"},
      {"a ...", "a name:0+1_ '...':2+3_"},
      {"a...", "a name:0+1_ '...':1+3"},
      {",()+-*^?|", "',':0+1_ '(':1+1 ')':2+1 '+':3+1 '-':4+1 '*':5+1 '^':6+1 '?':7+1 '|':8+1"},
      {"\xc2\xa0", "a character outside the grammar:0+2_"},
      {"½", "a character outside the grammar:0+2_"},
      {"x²", "a name:0+1_ a character outside the grammar:1+2"},
      {"\xff", "a byte that is not UTF-8:0+1_"},
      {"\xc3", "a byte that is not UTF-8:0+1_"},
      {"\xc0\x80", "a byte that is not UTF-8:0+1_ a byte that is not UTF-8:1+1"},
      {"\xed\xa0\x80", "a byte that is not UTF-8:0+1_ a byte that is not UTF-8:1+1 a byte that is "
                       "not UTF-8:2+1"},
      {"\xf4\x90\x80\x80", "a byte that is not UTF-8:0+1_ a byte that is not UTF-8:1+1 a byte that "
                           "is not UTF-8:2+1 a byte that is not UTF-8:3+1"},
      {"a\xe2\x80", "a name:0+1_ a byte that is not UTF-8:1+1 a byte that is not UTF-8:2+1"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char kinds[600];
    kinds_of(rows[i].text, strlen(rows[i].text), kinds, sizeof kinds);
    cr_expect_str_eq(kinds, rows[i].kinds, "row %zu '%s': %s", i, rows[i].text, kinds);
  }
}

Test(lexer, nul_is_a_character_like_any_other_and_no_end) {
  char kinds[200];
  kinds_of("a\0b", 3, kinds, sizeof kinds);
  cr_assert_str_eq(kinds, "a name:0+1_ a character outside the grammar:1+1 a name:2+1");
}

Test(lexer, reads_no_byte_beyond_its_length) {
  char kinds[200];
  kinds_of("ab...", 4, kinds, sizeof kinds);
  cr_assert_str_eq(kinds, "a name:0+2_ dots that are no ellipsis:2+2");
  kinds_of("a->", 2, kinds, sizeof kinds);
  cr_assert_str_eq(kinds, "a name:0+1_ '-':1+1");
}

Test(lexer, the_end_repeats) {
  es_lexer lexer = {"a ", 2, 0};
  es_lexer_next(&lexer);
  for (int i = 0; i < 3; i++) {
    es_token t = es_lexer_next(&lexer);
    cr_assert_eq(t.kind, ES_TOKEN_END);
    cr_assert_eq(t.span.offset, 2);
    cr_assert_eq(t.span.length, 0);
  }
}

/* Restartable, and a cover: spans are disjoint, in order, and leave only blanks. */
Test(lexer, tokens_cover_any_two_bytes) {
  for (int a = 0; a < 256; a++)
    for (int b = 0; b < 256; b++) {
      char text[4] = {'x', (char)a, (char)b, '.'};
      es_lexer lexer = {text, 4, 0};
      int64_t end = 0;
      for (es_token t; (t = es_lexer_next(&lexer)).kind != ES_TOKEN_END;) {
        cr_assert(t.span.offset >= end && t.span.length > 0, "bytes %d %d", a, b);
        for (int64_t i = end; i < t.span.offset; i++)
          cr_assert(strchr(" \t\r\n", text[i]) && text[i], "bytes %d %d: a gap", a, b);
        end = t.span.offset + t.span.length;
        es_lexer again = {text, 4, (size_t)t.span.offset};
        cr_assert_eq(es_lexer_next(&again).kind, t.kind, "bytes %d %d: not restartable", a, b);
      }
      cr_assert(end <= 4);
    }
}

Test(lexer, dump_says_kind_place_and_text) {
  char buf[400];
  const char *want = "_ NAME           0+1 b\n"
                     "_ OPEN           2+1 (\n"
                     "  NAME           3+1 h\n"
                     "  CLOSE          4+1 )\n"
                     "_ END            6+0\n";
  size_t n = es_tokens_dump("b (h) ", 6, buf, sizeof buf);
  cr_assert_str_eq(buf, want);
  cr_assert_eq(n, strlen(want));
  cr_assert_eq(es_tokens_dump("b (h) ", 6, NULL, 0), n);
}
