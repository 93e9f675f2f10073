/* The parser: readings, trees, rejections with exact places, round trips. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lexer/ast.h"
#include "lexer/program.h"
#include "lexer/wording.h"

typedef struct parsed {
  es_arena arena;
  es_pattern *pattern;
  es_error error;
  es_status status;
} parsed;

static parsed parse_bytes(es_kind kind, const char *text, size_t len, es_reading reading) {
  parsed p = {.status = ES_OK};
  es_allocator allocator = es_allocator_default();
  es_arena_init(&p.arena, &allocator);
  p.status = es_parse(&p.arena, kind, text, len, reading, &p.pattern, &p.error);
  cr_assert_eq(p.status == ES_OK, p.pattern != NULL);
  return p;
}

static parsed parse(es_kind kind, const char *text) {
  return parse_bytes(kind, text, strlen(text), ES_READ_AUTO);
}

static void done(parsed *p) { es_arena_free(&p->arena); }

/* Every span lies in the text; an error's too, and its sentence is there. */
static void check_error(const parsed *p, size_t len, const char *what) {
  const es_error *e = &p->error;
  cr_assert(e->rule[0] && e->message[0] && e->status == p->status, "%s: no rule or sentence", what);
  cr_assert(e->offset >= 0 && e->length >= 0 && (size_t)(e->offset + e->length) <= len, "%s", what);
  cr_assert(e->offset2 >= 0 && (size_t)(e->offset2 + e->length2) <= len, "%s", what);
  for (const char *c = e->message; *c; c++)
    cr_assert((unsigned char)*c >= 0x20 && *c != 0x7f, "%s: a raw control byte in the message",
              what);
}

/* ---- which reading ------------------------------------------------------------ */

Test(parse, reading_is_decided_by_the_text) {
  static const struct {
    const char *text, *reading;
  } rows[] = {
      {"bWHklgs,klgsS->bWHgS", "LETTERS"},
      {"ij, jk -> ik", "LETTERS"},
      {"...ij, ...jk -> ...ik", "LETTERS"},
      {"b c h w, c k -> b k h w", "NAMES"},
      {"i j, j k -> i k", "NAMES"},
      {"x1, y -> x1 y", "NAMES"},
      {"b (g c) -> b g c", "NAMES"},
      {"bhwc, kh kw c o -> b o", "NAMES"},
      {"foo, bar ->", "LETTERS"},
      {"", "LETTERS"},
      {"ij", "LETTERS"},
      {"i ... j", "LETTERS"},
      {"…ij → ij", "LETTERS"},
      {"Wk,θk->W", "LETTERS"},
      {"i_j", "NAMES"},
      {"_", "NAMES"},
      {"1", "NAMES"},
      {"i\tj", "NAMES"},
      {"i,\nj\r\n->i", "LETTERS"},
      {"ij->i | max", "LETTERS"},
      {"ij->i | (max, +)", "LETTERS"},
      {"i j->i | max", "NAMES"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    parsed p = parse(ES_KIND_EINSUM, rows[i].text);
    cr_assert_eq(p.status, ES_OK, "'%s': %s", rows[i].text, p.error.message);
    cr_expect_str_eq(p.pattern->reading == ES_READ_LETTERS ? "LETTERS" : "NAMES", rows[i].reading,
                     "'%s'", rows[i].text);
    cr_expect_not(p.pattern->reading_given);
    done(&p);
  }
}

Test(parse, other_kinds_read_names_and_the_caller_may_choose) {
  parsed p = parse(ES_KIND_REARRANGE, "foo, bar -> (foo ^ bar)");
  cr_assert_eq(p.status, ES_OK);
  cr_assert_eq(p.pattern->reading, ES_READ_NAMES);
  cr_assert(p.pattern->reading_given);
  cr_assert_eq(p.pattern->in[0].n, 1);
  done(&p);
  p = parse_bytes(ES_KIND_EINSUM, "foo, bar ->", 11, ES_READ_NAMES);
  cr_assert_eq(p.pattern->reading, ES_READ_NAMES);
  cr_assert_eq(p.pattern->in[0].n, 1);
  done(&p);
  p = parse_bytes(ES_KIND_EINSUM, "i j, j k -> i k", 15, ES_READ_LETTERS);
  cr_assert_eq(p.pattern->in[0].n, 2);
  done(&p);
  p = parse_bytes(ES_KIND_EINSUM, "fo1", 3, ES_READ_LETTERS);
  cr_assert_eq(p.status, ES_E_SYNTAX);
  cr_assert_str_eq(p.error.rule, "L1");
  cr_assert_eq(p.error.offset, 2);
  done(&p);
}

/* ---- trees --------------------------------------------------------------------- */

Test(parse, letters_are_code_points_and_case_counts) {
  parsed p = parse(ES_KIND_EINSUM, "aAθa->θ");
  cr_assert_eq(p.status, ES_OK);
  const es_term *in = &p.pattern->in[0];
  cr_assert_eq(in->n, 4);
  cr_assert_eq(p.pattern->n_names, 3);
  cr_assert_str_eq(p.pattern->names[in->items[2].name], "θ");
  cr_assert_eq(in->items[0].name, in->items[3].name);
  cr_assert_neq(in->items[0].name, in->items[1].name);
  cr_assert_eq(p.pattern->out[0].items[0].name, in->items[2].name);
  cr_assert_eq(p.pattern->name_spans[2].length, 2);
  done(&p);
}

Test(parse, an_affine_index_has_signed_factors) {
  parsed p = parse(ES_KIND_EINSUM, "b (s*ho+2*kh-k-3)?-0.5");
  cr_assert_eq(p.status, ES_OK, "%s", p.error.message);
  const es_item *index = &p.pattern->in[0].items[1];
  cr_assert_eq(index->kind, ES_ITEM_AFFINE);
  cr_assert_eq(index->n, 4);
  cr_assert_str_eq(p.pattern->names[index->terms[0].param], "s");
  cr_assert_str_eq(p.pattern->names[index->terms[0].name], "ho");
  cr_assert_eq(index->terms[0].coef, 1);
  cr_assert_eq(index->terms[1].coef, 2);
  cr_assert_eq(index->terms[1].param, ES_NO_NAME);
  cr_assert_eq(index->terms[2].coef, -1);
  cr_assert_str_eq(p.pattern->names[index->terms[2].name], "k");
  cr_assert_eq(index->terms[3].coef, -3);
  cr_assert_eq(index->terms[3].name, ES_NO_NAME);
  cr_assert_eq(index->terms[1].span.offset, 8);
  cr_assert_eq(index->terms[1].span.length, 4);
  cr_assert_eq(index->terms[1].name_span.offset, 10);
  cr_assert_eq(index->fill.kind, ES_FILL_NUMBER);
  cr_assert_eq(index->fill.value, -0.5);
  cr_assert_eq(index->fill.span.offset, 17);
  cr_assert_eq(index->fill.span.length, 5);
  cr_assert_eq(index->span.offset, 2);
  cr_assert_eq(index->span.length, 20);
  done(&p);
}

Test(parse, the_dump_shows_the_tree) {
  parsed p = parse(ES_KIND_EINSUM, "b... (g 2), (h+k)?edge -> (b ^ _x)");
  cr_assert_eq(p.status, ES_E_SYNTAX);
  done(&p);
  p = parse(ES_KIND_EINSUM, "b... (g 2), (h+k)?edge -> b... | max");
  cr_assert_eq(p.status, ES_OK);
  char buf[800];
  es_pattern_dump(p.pattern, buf, sizeof buf);
  cr_assert_str_eq(buf, "pattern NAMES\n"
                        "  in 0 0+10 b... (g 2)\n"
                        "    ellipsis b#0 0+4 b...\n"
                        "    group 5+5 (g 2)\n"
                        "      name g#1 6+1 g\n"
                        "      int 8+1 2\n"
                        "  in 1 12+10 (h+k)?edge\n"
                        "    affine 12+10 (h+k)?edge\n"
                        "      product 1 * h#2 13+1 h\n"
                        "      product 1 * k#3 15+1 k\n"
                        "      fill 17+5 ?edge\n"
                        "  out 0 26+4 b...\n"
                        "    ellipsis b#0 26+4 b...\n"
                        "  reducer max 31+5 | max\n");
  done(&p);
}

Test(parse, empty_terms_are_scalars) {
  parsed p = parse(ES_KIND_EINSUM, ", i ->");
  cr_assert_eq(p.pattern->n_in, 2);
  cr_assert_eq(p.pattern->in[0].n, 0);
  cr_assert_eq(p.pattern->in[0].span.length, 0);
  cr_assert_eq(p.pattern->n_out, 1);
  cr_assert_eq(p.pattern->out[0].n, 0);
  cr_assert_eq(p.pattern->out[0].span.offset, 6);
  done(&p);
}

/* ---- rejections ------------------------------------------------------------------- */

typedef struct rejection {
  es_kind kind;
  const char *text, *rule;
  int at, length, at2, length2;
  const char *says; /* a part of the sentence */
} rejection;

static const rejection rejections[] = {
#define E ES_KIND_EINSUM
#define A ES_KIND_REARRANGE
    {E, "i # j", "L1", 2, 1, 0, 0, "'#' at column 3"},
    {E, "θ # j", "L1", 3, 1, 0, 0, "'#' at column 3"},
    {E, "a\x01 b", "L1", 1, 1, 0, 0, "'\\x01' at column 2"},
    {E, "a\x7f", "L1", 1, 1, 0, 0, "'\\x7f'"},
    {E, "a \xff", "L1", 2, 1, 0, 0, "the byte \\xff at column 3 is not UTF-8"},
    {E, "a \xc3(", "L1", 2, 1, 0, 0, "the byte \\xc3"},
    {E, "i=>j", "L1", 1, 1, 0, 0, "the arrow is '->'"},
    {E, "i j - > i", "L7", 4, 1, 0, 0, "the arrow '->'"},
    {E, "i j ⇒ i", "L1", 4, 3, 0, 0, "the arrow is '->'"},
    {E, "[i]", "L1", 0, 1, 0, 0, "parentheses are round"},
    {E, "(2·h)", "L1", 2, 2, 0, 0, "'*'"},
    {E, "i\xc2\xa0j", "L1", 1, 2, 0, 0, "no-break space"},
    {E, "e\xcc\x81 j", "L1", 1, 2, 0, 0, "combining accent"},
    {E, "(h + # )", "L1", 5, 1, 0, 0, "'#'"},
    {E, "(h)?#", "L1", 4, 1, 0, 0, "'#'"},
    {E, "i | #", "L1", 4, 1, 0, 0, "'#'"},
    {E, "i . j", "L2", 2, 1, 0, 0, "three dots"},
    {E, "..i", "L2", 0, 2, 0, 0, "'..'"},
    {E, "i....", "L2", 1, 4, 0, 0, "'....'"},
    {E, "... a ...", "L2", 6, 3, 0, 3, "a second '...'"},
    {E, "... (a ...)", "L2", 7, 3, 0, 3, "Name them"},
    {E, "...i...", "L2", 4, 3, 0, 3, "The reading NAMES has named"},
    {E, "(a b", "L3", 0, 1, 0, 0, "')' is missing at the end"},
    {E, "(a (b c)", "L3", 0, 1, 0, 0, "never closed"},
    {E, "(a b -> c", "L3", 0, 1, 5, 2, "before '->'"},
    {E, "(a, b)", "L3", 0, 1, 2, 1, "before ','"},
    {E, "(a | max", "L3", 0, 1, 3, 1, "before '|'"},
    {E, "(2*h+", "L3", 0, 1, 0, 0, "never closed"},
    {E, "(2*", "L3", 0, 1, 0, 0, "never closed"},
    {E, "(a ^", "L3", 0, 1, 0, 0, "never closed"},
    {E, "(", "L3", 0, 1, 0, 0, "never closed"},
    {E, "a) b", "L3", 1, 1, 0, 0, "closes nothing"},
    {E, "a -> b))", "L3", 6, 1, 0, 0, "closes nothing"},
    {E, "a b | (max, +", "L3", 6, 1, 0, 0, "never closed"},
    {E, "a_ b", "L4", 0, 2, 0, 0, "ends with '_'"},
    {E, "_a b", "L4", 0, 2, 0, 0, "starts with '_'"},
    {E, "(2*_a+b)", "L4", 3, 2, 0, 0, "starts with '_'"},
    {E, "(a_*h+b)", "L4", 1, 2, 0, 0, "ends with '_'"},
    {E, "__", "L4", 0, 2, 0, 0, "starts with '_'"},
    {E, "2h b", "L4", 0, 2, 0, 0, "'2h' starts with a digit"},
    {E, "(2h+k)", "L4", 1, 2, 0, 0, "'*'"},
    {E, "(h+2k)", "L4", 3, 2, 0, 0, "'2k'"},
    {E, "(h+1.5*k)", "L4", 3, 3, 0, 0, "whole"},
    {E, "1.5 a", "L4", 0, 3, 0, 0, "no whole number"},
    {E, "1e3x a", "L4", 0, 4, 0, 0, "'1e3x'"},
    {E, "(h)?0x", "L4", 4, 2, 0, 0, "'0x'"},
    {E, "i -> j -> k", "L5", 7, 2, 2, 2, "a second '->'"},
    {E, "i ->-> k", "L5", 4, 2, 2, 2, "a second '->'"},
    {A, "a b", "L5", 0, 3, 0, 0, "no '->': rearrange"},
    {A, "a -> b -> c", "L5", 7, 2, 2, 2, "a second"},
    {ES_KIND_REDUCE, "a b", "L5", 0, 3, 0, 0, "no '->': reduce"},
    {ES_KIND_REPEAT, "", "L5", 0, 0, 0, 0, "no '->': repeat"},
    {ES_KIND_PACK, "a * -> b", "L5", 4, 2, 0, 0, "pack, which is one term"},
    {ES_KIND_UNPACK, "a * -> b", "L5", 4, 2, 0, 0, "unpack"},
    {ES_KIND_SHAPE, "a -> b", "L5", 2, 2, 0, 0, "parse_shape"},
    {E, "9223372036854775808 a", "L6", 0, 19, 0, 0, "9223372036854775807"},
    {E, "(h+9223372036854775808)", "L6", 3, 19, 0, 0, "does not fit"},
    {E, "(h)?1e999", "L6", 4, 5, 0, 0, "does not fit a double"},
    {E, "i, (a b c), ( ) ? 0", "L7", 16, 3, 12, 3, "a fill behind '( )'"},
    {E, "(a b)?0", "L7", 5, 2, 0, 5, "a fill behind '(a b)'"},
    {E, "(1)?0", "L7", 3, 2, 0, 3, "a fill behind"},
    {E, "a ?0", "L7", 2, 1, 0, 0, "(h)?0"},
    {E, "(h)?", "L7", 3, 1, 0, 0, "edge, wrap or reflect"},
    {E, "(h)?zero", "L7", 4, 4, 0, 0, "found 'zero'"},
    {E, "(h)?-edge", "L7", 5, 4, 0, 0, "found 'edge'"},
    {E, "a -> (2*a+b)?0", "L7", 12, 2, 0, 0, "a fill on an output"},
    {E, "a _ -> _", "L7", 7, 1, 0, 0, "'_' in an output"},
    {E, "a -> (a (_ b))", "L7", 9, 1, 0, 0, "'_' in an output"},
    {E, "a + b", "L7", 2, 1, 0, 0, "outside a parenthesis"},
    {E, "a ^ b", "L7", 2, 1, 0, 0, "(x ^ y)"},
    {E, "a * b", "L7", 2, 1, 0, 0, "separated by ','"},
    {ES_KIND_PACK, "(a * b)", "L7", 0, 7, 0, 0, "takes names"},
    {E, "(a b + c)", "L7", 5, 1, 0, 0, "(2*a+b)"},
    {E, "((a b) + c)", "L7", 7, 1, 0, 0, "(2*a+b)"},
    {E, "(a + (b c))", "L7", 5, 1, 0, 0, "a name or a whole number"},
    {E, "(a + b c)", "L7", 7, 1, 0, 0, "in an index"},
    {E, "(a + b ^ c)", "L7", 7, 1, 0, 0, "in an index"},
    {E, "(a b ^ c)", "L7", 5, 1, 0, 0, "(x ^ (a b))"},
    {E, "(a ^ b c)", "L7", 7, 1, 0, 0, "(x ^ (a b))"},
    {E, "(^ a)", "L7", 1, 1, 0, 0, "an axis before '^'"},
    {E, "(a ^)", "L7", 4, 1, 0, 0, "an axis after '^'"},
    {E, "(a ^ ^ b)", "L7", 5, 1, 0, 0, "'^' outside"},
    {E, "(... ^ a)", "L7", 1, 3, 0, 0, "'...' as a part"},
    {E, "(a ^ b...)", "L7", 5, 4, 0, 0, "'...' as a part"},
    {E, "(_ + a)", "L7", 1, 1, 0, 0, "a name or a whole number"},
    {E, "(2*_)", "L7", 3, 1, 0, 0, "a name after '*'"},
    {E, "(h*2)", "L7", 1, 3, 0, 0, "the factor comes first: 2*h"},
    {E, "(2*3)", "L7", 1, 3, 0, 0, "one factor"},
    {E, "(2*s*h)", "L7", 1, 4, 0, 0, "one factor"},
    {E, "(a... + b)", "L7", 6, 1, 0, 0, "(2*a+b)"},
    {E, "(+ a)", "L7", 1, 1, 0, 0, "an index from names"},
    {E, "i,j->i,j", "L7", 7, 1, 0, 0, "2 outputs"},
    {E, "i -> i,", "L7", 5, 1, 0, 0, "2 outputs"},
    {A, "a, b -> a b", "L7", 3, 1, 0, 0, "rearrange takes one"},
    {ES_KIND_REDUCE, "a, b -> a b", "L7", 3, 1, 0, 0, "reduce takes one"},
    {ES_KIND_SHAPE, "a, b", "L7", 3, 1, 0, 0, "parse_shape is one"},
    {ES_KIND_SHAPE, "a (b c)", "L7", 2, 5, 0, 0, "whole axes"},
    {A, "a b -> a | max", "L7", 9, 5, 0, 0, "a reducer in rearrange"},
    {ES_KIND_PACK, "a b", "S14", 0, 3, 0, 0, "no '*'"},
    {ES_KIND_PACK, "a * *", "S14", 4, 1, 2, 1, "a second '*'"},
    {ES_KIND_UNPACK, "* a *", "S14", 4, 1, 0, 1, "a second '*'"},
    {ES_KIND_PACK, "a * _", "L7", 4, 1, 0, 0, "takes names"},
    {E, "a | ", "L7", 3, 1, 0, 0, "a reducer: sum"},
    {E, "a | median", "L7", 4, 6, 0, 0, "found 'median'"},
    {E, "a | (max)", "L7", 8, 1, 0, 0, "(max, +)"},
    {E, "a | (max, -)", "L7", 10, 1, 0, 0, "what joins"},
    {E, "a | (max, sum)", "L7", 10, 3, 0, 0, "what joins"},
    {E, "a | (max, + b", "L7", 12, 1, 0, 0, "')' after"},
    {E, "a | max | sum", "L7", 8, 1, 0, 0, "after the one reducer"},
    {E, "a | max -> a", "L7", 8, 2, 0, 0, "after the one reducer"},
#undef A
#undef E
};

Test(parse, rejects_with_rule_sentence_and_places) {
  for (size_t i = 0; i < sizeof rejections / sizeof *rejections; i++) {
    const rejection *r = &rejections[i];
    parsed p = parse(r->kind, r->text);
    const es_error *e = &p.error;
    cr_expect(p.status != ES_OK, "'%s' was accepted", r->text);
    if (p.status != ES_OK) {
      check_error(&p, strlen(r->text), r->text);
      cr_expect_str_eq(e->rule, r->rule, "'%s': rule %s: %s", r->text, e->rule, e->message);
      cr_expect(e->offset == r->at && e->length == r->length && e->offset2 == r->at2 &&
                    e->length2 == r->length2,
                "'%s': places %d+%d %d+%d", r->text, (int)e->offset, (int)e->length,
                (int)e->offset2, (int)e->length2);
      cr_expect(strstr(e->message, r->says), "'%s': %s", r->text, e->message);
      es_status want = strcmp(r->rule, "L6") ? ES_E_SYNTAX : ES_E_LIMIT;
      cr_expect_eq(p.status, want, "'%s': %s", r->text, es_status_name(p.status));
    }
    done(&p);
  }
}

Test(parse, nul_is_a_bad_character) {
  parsed p = parse_bytes(ES_KIND_EINSUM, "i\0j", 3, ES_READ_AUTO);
  cr_assert_str_eq(p.error.rule, "L1");
  cr_assert_eq(p.error.offset, 1);
  cr_assert(strstr(p.error.message, "'\\x00' at column 2"));
  done(&p);
}

/* ---- limits -------------------------------------------------------------------------- */

static char *filled(size_t len, const char *piece) {
  size_t n = strlen(piece);
  char *text = malloc(len + n);
  for (size_t i = 0; i < len; i += n) memcpy(text + i, piece, n);
  return text;
}

static void *deep_text(void *arg) {
  (void)arg;
  static const struct {
    const char *piece, *rule;
    size_t len;
  } rows[] = {{"(", "L6", 1 << 20}, {"(", "L3", ES_MAX_TEXT}, {"(a ^ ", "L3", ES_MAX_TEXT / 5 * 5}};
  for (int i = 0; i < 3; i++) {
    char *text = filled(rows[i].len, rows[i].piece);
    parsed p = parse_bytes(ES_KIND_EINSUM, text, rows[i].len, ES_READ_AUTO);
    cr_expect_str_eq(p.error.rule, rows[i].rule);
    done(&p);
    free(text);
  }
  /* 64 deep is allowed: parse, print, dump and compare on the same small stack. */
  char text[2 * ES_MAX_NESTING + 2];
  memset(text, '(', ES_MAX_NESTING);
  text[ES_MAX_NESTING] = 'a';
  memset(text + ES_MAX_NESTING + 1, ')', ES_MAX_NESTING);
  parsed p = parse_bytes(ES_KIND_EINSUM, text, sizeof text - 1, ES_READ_AUTO);
  cr_expect_eq(p.status, ES_OK);
  char small[16];
  cr_expect_eq(es_pattern_print(p.pattern, small, sizeof small), sizeof text - 1);
  cr_expect_gt(es_pattern_dump(p.pattern, small, sizeof small), 2u * ES_MAX_NESTING);
  cr_expect(es_pattern_equal(p.pattern, p.pattern));
  done(&p);
  return NULL;
}

Test(parse, deep_nesting_fits_a_small_stack) {
#ifdef __SANITIZE_ADDRESS__
  size_t size = 512 << 10; /* its frames are larger */
#else
  size_t size = 64 << 10;
#endif
  pthread_attr_t attr;
  pthread_t thread;
  pthread_attr_init(&attr);
  cr_assert_eq(pthread_attr_setstacksize(&attr, size), 0);
  cr_assert_eq(pthread_create(&thread, &attr, deep_text, NULL), 0);
  pthread_join(thread, NULL);
}

Test(parse, limits_of_text_names_operands_and_axes) {
  char *commas = filled(ES_MAX_OPERANDS, ",");
  parsed p = parse_bytes(ES_KIND_EINSUM, commas, ES_MAX_OPERANDS - 1, ES_READ_AUTO);
  cr_assert_eq(p.status, ES_OK);
  cr_assert_eq(p.pattern->n_in, ES_MAX_OPERANDS);
  done(&p);
  p = parse_bytes(ES_KIND_EINSUM, commas, ES_MAX_OPERANDS, ES_READ_AUTO);
  cr_assert_eq(p.status, ES_E_LIMIT);
  cr_assert_str_eq(p.error.rule, "L6");
  done(&p);
  free(commas);

  char name[ES_MAX_NAME + 4];
  memset(name, 'n', sizeof name);
  memcpy(name, "a b", 3);
  p = parse_bytes(ES_KIND_EINSUM, name, 2 + ES_MAX_NAME, ES_READ_AUTO);
  cr_assert_eq(p.status, ES_OK, "%s", p.error.message);
  done(&p);
  p = parse_bytes(ES_KIND_EINSUM, name, 3 + ES_MAX_NAME, ES_READ_AUTO);
  cr_assert_str_eq(p.error.rule, "L6");
  cr_assert_eq(p.error.offset, 2);
  cr_assert_eq(p.error.length, ES_MAX_NAME + 1);
  cr_assert(strstr(p.error.message, "has 65 bytes; a name has at most 64"), "%s", p.error.message);
  done(&p);

  char *axes = filled(ES_MAX_TEXT, "ab");
  p = parse_bytes(ES_KIND_EINSUM, axes, ES_MAX_RANK, ES_READ_AUTO);
  cr_assert_eq(p.status, ES_OK);
  cr_assert_eq(p.pattern->in[0].n, ES_MAX_RANK);
  done(&p);
  p = parse_bytes(ES_KIND_EINSUM, axes, ES_MAX_TEXT, ES_READ_AUTO);
  cr_assert_str_eq(p.error.rule, "L6");
  done(&p);
  p = parse_bytes(ES_KIND_EINSUM, axes, ES_MAX_TEXT + 1, ES_READ_AUTO);
  cr_assert_str_eq(p.error.rule, "L6");
  cr_assert(strstr(p.error.message, "65537 bytes"));
  done(&p);
  free(axes);
}

/* A group may hold any number of names: 13,000 different ones, twice. Quadratic
 * look-up would take 64 times as long for 8 times the text. */
static double time_names(size_t len) {
  char *text = malloc(ES_MAX_TEXT + 16);
  size_t n = 0;
  text[n++] = '(';
  for (unsigned i = 0; n < len; i++)
    n += (size_t)sprintf(text + n, "x%x ", i % (unsigned)(len / 10));
  text[n++] = ')';
  double best = 1;
  for (int i = 0; i < 5; i++) {
    struct timespec a, b;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
    parsed p = parse_bytes(ES_KIND_EINSUM, text, n, ES_READ_AUTO);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
    cr_assert_eq(p.status, ES_OK, "%s", p.error.message);
    done(&p);
    double s = (double)(b.tv_sec - a.tv_sec) + 1e-9 * (double)(b.tv_nsec - a.tv_nsec);
    if (s < best) best = s;
  }
  free(text);
  return best;
}

Test(parse, time_grows_with_the_text) {
  double small = time_names(8000), large = time_names(64000);
  cr_assert_lt(large, 24 * small + 1e-3, "8 kB %g s, 64 kB %g s", small, large);
}

/* ---- any bytes -------------------------------------------------------------------------- */

static void round_trip(const es_pattern *p, const char *what) {
  char text[4096], again[4096];
  size_t n = es_pattern_print(p, text, sizeof text);
  cr_assert_lt(n, sizeof text);
  parsed q = parse_bytes(p->kind, text, n, p->reading_given ? p->reading : ES_READ_AUTO);
  cr_assert_eq(q.status, ES_OK, "'%s' printed as '%s': %s", what, text, q.error.message);
  cr_assert(es_pattern_equal(p, q.pattern), "'%s' printed as '%s'", what, text);
  es_pattern_print(q.pattern, again, sizeof again);
  cr_assert_str_eq(text, again);
  done(&q);
}

/* Parses, or explains with places inside the text. */
static void survives(es_kind kind, const char *text, size_t len) {
  parsed p = parse_bytes(kind, text, len, ES_READ_AUTO);
  if (p.status == ES_OK)
    round_trip(p.pattern, text);
  else
    check_error(&p, len, text);
  char buf[512];
  es_tokens_dump(text, len, buf, sizeof buf);
  if (p.status != ES_OK) es_error_render(&p.error, text, len, buf, sizeof buf);
  done(&p);
}

static const char *const seeds[] = {
    "bij,...jk->ik",
    "b (g c) (2*ho+kh-1)?0, (g o) c kh -> b (g o) ho | (max,+)",
    "b... (x ^ y) _ 3 () -> b... x, y",
    "(h-kh+K-1)?-1.5e3 θ→θ",
    "(i)?reflect … | logsumexp",
};

Test(parse, every_byte_everywhere) {
  for (size_t s = 0; s < sizeof seeds / sizeof *seeds; s++) {
    char text[128];
    size_t len = strlen(seeds[s]);
    for (size_t at = 0; at <= len; at++)
      for (int byte = 0; byte < 256; byte++) {
        memcpy(text, seeds[s], len);
        if (at < len) { /* replaced */
          text[at] = (char)byte;
          survives(ES_KIND_EINSUM, text, len);
        }
        memcpy(text, seeds[s], at); /* inserted */
        text[at] = (char)byte;
        memcpy(text + at + 1, seeds[s] + at, len - at);
        survives(ES_KIND_EINSUM, text, len + 1);
      }
    for (size_t at = 0; at < len; at++) { /* cut, and one byte missing */
      survives(ES_KIND_EINSUM, seeds[s], at);
      memcpy(text, seeds[s], at);
      memcpy(text + at, seeds[s] + at + 1, len - at - 1);
      survives(ES_KIND_EINSUM, text, len - 1);
    }
  }
}

/* ---- round trips --------------------------------------------------------------------------- */

static es_kind kind_from_name(const char *name, size_t len) {
  static const char *const names[] = {"einsum", "rearrange", "reduce",     "repeat",
                                      "pack",   "unpack",    "parse_shape"};
  for (int k = 0; k < 7; k++)
    if (strlen(names[k]) == len && !memcmp(names[k], name, len)) return (es_kind)k;
  cr_assert(false, "unknown kind %.*s", (int)len, name);
  return ES_KIND_EINSUM;
}

static size_t unescape(const char *from, char *to) {
  size_t n = 0;
  for (; *from && *from != '\n'; from++) {
    if (from[0] == '\\' && from[1] && strchr("trn", from[1])) {
      from++;
      to[n++] = *from == 't' ? '\t' : *from == 'r' ? '\r' : '\n';
    } else {
      to[n++] = *from;
    }
  }
  to[n] = 0;
  return n;
}

Test(parse, print_of_the_listed_patterns_is_the_identity) {
  FILE *file = fopen(ES_SOURCE_DIR "/tests/cases/patterns.txt", "r");
  cr_assert(file);
  char line[512], text[512];
  int count = 0;
  while (fgets(line, sizeof line, file)) {
    if (line[0] == '#') continue;
    size_t word = strcspn(line, " ");
    size_t len = unescape(line + word + 1, text);
    parsed p = parse_bytes(kind_from_name(line, word), text, len, ES_READ_AUTO);
    cr_assert_eq(p.status, ES_OK, "'%s': %s", text, p.error.message);
    round_trip(p.pattern, text);
    done(&p);
    count++;
  }
  fclose(file);
  cr_assert_geq(count, 200);
}

/* A small generator of the grammar. Names are few, so that they repeat. */
typedef struct maker {
  uint64_t state;
  char text[4000];
  size_t n;
  bool output;
} maker;

static unsigned roll(maker *m, unsigned sides) {
  m->state = m->state * 6364136223846793005u + 1442695040888963407u;
  return (unsigned)(m->state >> 33) % sides;
}

static void put(maker *m, const char *text) {
  static const char *const blanks[] = {"", "", "", " ", "\t", " \n "};
  m->n += (size_t)snprintf(m->text + m->n, sizeof m->text - m->n, "%s%s", text, blanks[roll(m, 6)]);
}

static const char *any_name(maker *m) {
  static const char *const names[] = {"a", "B", "x1", "h_out", "θ", "long_name_2", "max", "edge"};
  return names[roll(m, 8)];
}

static void make_index(maker *m) {
  put(m, roll(m, 4) ? "" : "-");
  for (unsigned i = 0, n = 2 + roll(m, 3); i < n; i++) {
    if (i) put(m, roll(m, 3) ? "+" : "-");
    switch (roll(m, 4)) {
    case 0: put(m, "3"); break;
    case 1: put(m, "2"), put(m, "*"), put(m, any_name(m)); break;
    case 2: put(m, any_name(m)), put(m, "*"), put(m, any_name(m)); break;
    default: put(m, any_name(m));
    }
  }
}

static void make_axes(maker *m, int depth, const char *between);

static void make_axis(maker *m, int depth) {
  static const char *const fills[] = {"?0", "?-1.5", "? 1e-7", "?edge", "?wrap ", "?reflect "};
  unsigned kind = roll(m, depth < 4 ? 10 : 6);
  switch (kind) {
  case 4: put(m, " 12 "); break;
  case 5: put(m, m->output ? " 1 " : " _ "); break;
  case 6: put(m, "("), make_axes(m, depth + 1, " "), put(m, ")"); break;
  case 7: put(m, "("), make_index(m), put(m, ")"); break;
  case 8: put(m, "("), make_axes(m, depth + 1, "^"), put(m, ")"); break;
  case 9:
    put(m, "("), make_index(m), put(m, ")");
    if (!m->output) put(m, fills[roll(m, 6)]);
    break;
  default: put(m, " "), put(m, any_name(m)), put(m, " ");
  }
}

static void make_axes(maker *m, int depth, const char *between) {
  unsigned n = roll(m, 4) + (*between == '^' ? 2 : 0);
  for (unsigned i = 0; i < n; i++) {
    if (i) put(m, between);
    make_axis(m, depth);
  }
}

static void make_pattern(maker *m) {
  static const char *const reducers[] = {"|max", "| (max,+)", "| ( any , and )", "|mean", "|(+,*)"};
  m->n = 0, m->output = false;
  unsigned n = 1 + roll(m, 3);
  for (unsigned i = 0; i < n; i++) {
    if (i) put(m, ",");
    make_axes(m, 0, " ");
    if (!roll(m, 4)) put(m, roll(m, 2) ? " ..." : " e…");
    make_axes(m, 0, " ");
  }
  if (roll(m, 8)) {
    put(m, roll(m, 4) ? "->" : "→");
    m->output = true;
    make_axes(m, 0, " ");
    if (!roll(m, 4)) put(m, " ...");
  }
  if (!roll(m, 4)) put(m, reducers[roll(m, 5)]);
}

Test(parse, print_of_random_patterns_is_the_identity) {
  maker m = {.state = 20261121};
  for (int i = 0; i < 20000; i++) {
    make_pattern(&m);
    parsed p = parse_bytes(ES_KIND_EINSUM, m.text, m.n, ES_READ_AUTO);
    cr_assert_eq(p.status, ES_OK, "'%.*s': %s", (int)m.n, m.text, p.error.message);
    round_trip(p.pattern, m.text);
    done(&p);
  }
}

/* Equal only if nothing differs: any one changed byte of a canonical text either
 * fails to parse or gives another tree. */
Test(parse, equality_sees_every_change) {
  const char *text = "b (g c) (2*ho+kh-1)?0 _ 3, e... (s*k-p) -> b (g ^ c) ho | (max, +)";
  parsed p = parse(ES_KIND_EINSUM, text);
  cr_assert_eq(p.status, ES_OK, "%s", p.error.message);
  char copy[128];
  static const char others[] = "zZ9_+-*^";
  for (size_t at = 0; text[at]; at++)
    for (size_t k = 0; others[k]; k++) {
      if (text[at] == others[k] || text[at] == ' ') continue;
      strcpy(copy, text);
      copy[at] = others[k];
      parsed q = parse(ES_KIND_EINSUM, copy);
      cr_assert(q.status != ES_OK || !es_pattern_equal(p.pattern, q.pattern), "'%s'", copy);
      done(&q);
    }
  done(&p);
}

/* ---- memory ---------------------------------------------------------------------------------- */

typedef struct failing {
  int left; /* allocations until one is refused */
  int64_t held;
} failing;

static void *failing_realloc(void *user, void *ptr, size_t old_size, size_t new_size) {
  failing *f = user;
  if (new_size && f->left-- <= 0) return NULL;
  es_allocator plain = es_allocator_default();
  f->held += (int64_t)new_size - (int64_t)(ptr ? old_size : 0);
  return plain.realloc(NULL, ptr, old_size, new_size);
}

Test(parse, every_refused_allocation_is_an_error_and_no_leak) {
  char *text = filled(26000, "(a b (c1 ^ d)) (2*x+y)?0, ");
  size_t len = 26000;
  for (int n = 0;; n++) {
    cr_assert_lt(n, 200);
    failing f = {n, 0};
    es_allocator allocator = {failing_realloc, &f};
    es_arena arena;
    es_arena_init(&arena, &allocator);
    es_pattern *pattern;
    es_error error;
    es_status status = es_parse(&arena, ES_KIND_EINSUM, text, len, ES_READ_AUTO, &pattern, &error);
    es_arena_free(&arena);
    cr_assert_eq(f.held, 0);
    if (status != ES_E_NOMEM) {
      cr_assert_eq(status, ES_OK, "%s", error.message);
      cr_assert_gt(n, 5);
      break;
    }
    cr_assert_null(pattern);
    cr_assert_eq(error.status, ES_E_NOMEM);
  }
  free(text);
}

/* Pairs with the same hash (FNV-1a), one of them the start of the other. */
Test(parse, names_of_one_hash_are_two) {
  parsed p = parse(ES_KIND_EINSUM, "costarring axistmqfwit liquid axis axistmqfwit -> axis");
  cr_assert_eq(p.status, ES_OK, "%s", p.error.message);
  cr_assert_eq(p.pattern->n_names, 4);
  const es_term *t = &p.pattern->in[0];
  cr_assert_eq(t->items[1].name, t->items[4].name);
  for (int i = 0; i < 4; i++)
    for (int k = 0; k < i; k++) cr_assert_neq(t->items[i].name, t->items[k].name);
  cr_assert_eq(p.pattern->out[0].items[0].name, t->items[3].name);
  done(&p);
}

Test(parse, equality_tells_these_apart) {
  static const struct {
    const char *one, *other;
  } rows[] = {
      {"a b -> a", "a b"},
      {"a 2 -> a", "a 3 -> a"},
      {"(a b) -> a", "(b) a -> b"},
      {"a (b c) -> a", "a (b) c -> a"},
      {"(h)?edge -> h", "(h)?wrap -> h"},
      {"(h)?1 -> h", "(h)?2 -> h"},
      {"(s*h+k) -> h", "(h+s*k) -> h"},
      {"(s*h+s) -> h", "(s*h+h) -> h"},
      {"(h+k) -> h", "(h-k) -> h"},
      {"a -> a", "a -> a, a"},
      {"a b -> a b", "a, b -> a b"},
      {"a b -> a | sum", "a b -> a | max"},
      {"a, a -> | (max, +)", "a, a -> | (max, *)"},
      {"a, a -> | (max, *)", "a, a -> | max"},
      {"(a*b+a*c) -> b c", "(a*b+b*c) -> b c"},
      {"(a ^ b) -> a", "(a ^ b) -> a, b"},
      {"a b -> a", "a c -> a"},
      {"a -> a 1", "a -> 1 a"},
      {"a b -> a b", "a b -> b a"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    parsed p = parse_bytes(ES_KIND_EINSUM, rows[i].one, strlen(rows[i].one), ES_READ_NAMES);
    parsed q = parse_bytes(ES_KIND_EINSUM, rows[i].other, strlen(rows[i].other), ES_READ_NAMES);
    parsed again = parse_bytes(ES_KIND_EINSUM, rows[i].one, strlen(rows[i].one), ES_READ_NAMES);
    if (q.status != ES_OK) { /* several outputs need a '^': not every row parses */
      done(&p), done(&q), done(&again);
      continue;
    }
    cr_assert(!es_pattern_equal(p.pattern, q.pattern), "'%s' and '%s'", rows[i].one, rows[i].other);
    cr_assert(es_pattern_equal(p.pattern, again.pattern), "'%s'", rows[i].one);
    done(&p), done(&q), done(&again);
  }
  parsed e = parse(ES_KIND_EINSUM, "a b -> a"), r = parse(ES_KIND_REDUCE, "a b -> a");
  parsed l = parse_bytes(ES_KIND_EINSUM, "ab->a", 5, ES_READ_LETTERS);
  cr_assert(!es_pattern_equal(e.pattern, r.pattern) && !es_pattern_equal(e.pattern, l.pattern));
  done(&e), done(&r), done(&l);
}

Test(parse, a_join_inside_a_group_splits) {
  parsed p = parse(ES_KIND_EINSUM, "(a (x ^ y)) -> a x, a y");
  cr_assert_eq(p.status, ES_OK, "%s", p.error.message);
  done(&p);
  p = parse(ES_KIND_EINSUM, "(a (x y)) -> a x, a y");
  cr_assert_eq(p.status, ES_E_SYNTAX);
  cr_assert(strstr(p.error.message, "2 outputs, and no input that is split"), "%s",
            p.error.message);
  done(&p);
}

Test(parse, numbers_no_double_holds) {
  char text[800] = "(h-1)?";
  memset(text + 6, '1', 600);
  strcpy(text + 606, " -> h");
  parsed p = parse(ES_KIND_EINSUM, text);
  cr_assert_eq(p.status, ES_E_LIMIT);
  cr_assert(strstr(p.error.message, "does not fit a double"), "%s", p.error.message);
  cr_assert_eq(p.error.offset, 6);
  done(&p);
}

Test(parse, texts_of_programs_have_an_end) {
  enum { LONG = ES_MAX_TEXT + 1 };
  char *text = malloc(LONG);
  memset(text, ' ', LONG);
  memcpy(text, "y = x", 5);
  es_arena arena;
  es_allocator allocator = es_allocator_default();
  es_graph *program;
  es_error error;
  es_arena_init(&arena, &allocator);
  cr_assert_eq(es_program_parse(&arena, text, LONG, ES_READ_AUTO, &program, &error), ES_E_LIMIT);
  cr_assert(strstr(error.message, "the text has 65537 bytes; a program has at most 65536"), "%s",
            error.message);
  cr_assert_eq(es_program_parse(&arena, text, LONG - 1, ES_READ_AUTO, &program, &error), ES_OK);
  es_arena_free(&arena);
  free(text);
}

/* Columns count code points, and bytes that are none. */
Test(parse, columns_behind_bytes_that_are_not_text) {
  cr_assert_eq(es_parse_column("ab", 2), 3);
  cr_assert_eq(es_parse_column("\xce\xb8z", 2), 2);
  cr_assert_eq(es_parse_column("\xff\xffz", 2), 3);
  cr_assert_str_eq(es_reducer_name((es_reducer)-1), "?");
  cr_assert_str_eq(es_reducer_name(ES_REDUCER_COUNT), "?");
}
