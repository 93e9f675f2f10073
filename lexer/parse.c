/* Recursive descent over the tokens; the grammar is section 'Grammar' of
 * docs/GRAMMAR.md. Depth is bounded by ES_MAX_NESTING. */
#include "lexer/parse.h"

#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "base/text.h"
#include "lexer/names.h"

/* Elements of a list whose length is not known yet: children are pushed, then
 * taken as one array. Inner lists are taken before outer ones go on. */
typedef struct stack {
  void *at;
  int n, room;
  size_t size;
} stack;

typedef struct parser {
  es_pattern *pattern;
  es_arena *arena;
  es_error *error;
  es_lexer lexer;
  es_token now, next;
  es_names names;
  stack items, products, terms;
  es_span ellipsis;             /* the anonymous one of this term; length 0: none yet */
  es_span open[ES_MAX_NESTING]; /* the '(' around here */
  int depth;
  bool output;
  es_quote quotes[3]; /* as many as one message takes */
  unsigned quoted;
} parser;

static void advance(parser *p) {
  p->now = p->next;
  p->next = es_lexer_next(&p->lexer);
}

static void *push(parser *p, stack *s) {
  if (s->n == s->room) {
    int room = s->room ? s->room * 2 : 16;
    char *at = es_arena_array(p->arena, (size_t)room, s->size);
    if (!at) return NULL;
    if (s->n) memcpy(at, s->at, (size_t)s->n * s->size);
    s->at = at, s->room = room;
  }
  return memset((char *)s->at + (size_t)s->n++ * s->size, 0, s->size);
}

/* Pops all above base into an array of its own. */
static void *take(parser *p, stack *s, int base, int *n) {
  *n = s->n - base;
  s->n = base;
  void *array = es_arena_array(p->arena, (size_t)*n, s->size);
  if (array && *n) memcpy(array, (char *)s->at + (size_t)base * s->size, (size_t)*n * s->size);
  return array;
}

/* Not in the frames of the callers: they recurse. */
static const char *quote(parser *p, es_span span) {
  return es_parse_quote(&p->quotes[p->quoted++ % 3], p->pattern->text, span);
}

static es_status unexpected(parser *p, const char *expected) {
  return es_parse_unexpected(p->pattern->text, p->now, expected, p->error);
}

static es_status push_item(parser *p, es_item item) {
  es_item *at = push(p, &p->items);
  if (!at) return es_fail_nomem(p->error);
  *at = item;
  return ES_OK;
}

/* ---- names and numbers ------------------------------------------------------ */

static es_status intern(parser *p, es_span span, es_name_id *id) {
  const char *text = p->pattern->text + span.offset;
  if (span.length > ES_MAX_NAME)
    return es_fail(p->error, ES_E_LIMIT, "L6", span,
                   "the name '%s' has %lld bytes; a name has at most %d", quote(p, span),
                   (long long)span.length, ES_MAX_NAME);
  *id = es_names_intern(&p->names, text, (size_t)span.length, span);
  return *id == ES_NO_NAME ? es_fail_nomem(p->error) : ES_OK;
}

static bool is_any(const parser *p, es_token t) {
  return t.kind == ES_TOKEN_NAME && t.span.length == 1 && p->pattern->text[t.span.offset] == '_';
}

/* The token as a NAME of section 2. */
static es_status name_of(parser *p, es_token t, es_name_id *id) {
  const char *text = p->pattern->text + t.span.offset;
  bool leading = text[0] == '_', trailing = text[t.span.length - 1] == '_';
  if (leading || trailing)
    return es_fail(p->error, ES_E_SYNTAX, "L4", t.span,
                   "the name '%s' %s with '_'; an underscore stands only inside a name",
                   quote(p, t.span), leading ? "starts" : "ends");
  return intern(p, t.span, id);
}

/* A digit glued to the name after it is one bad word to its reader. */
static es_status no_glued_name(parser *p) {
  if (p->next.kind != ES_TOKEN_NAME || p->next.spaced) return ES_OK;
  es_span word = es_span_join(p->now.span, p->next.span);
  return es_fail(p->error, ES_E_SYNTAX, "L4", word,
                 "the name '%s' starts with a digit; a name starts with a letter%s", quote(p, word),
                 p->depth ? ", and a factor is written with '*': (2*h)" : "");
}

static es_status whole_number(parser *p, int64_t *value) {
  const char *digits = p->pattern->text + p->now.span.offset;
  *value = 0;
  for (int64_t i = 0; i < p->now.span.length; i++)
    if (!es_mul_i64(*value, 10, value) || !es_add_i64(*value, digits[i] - '0', value))
      return es_fail(p->error, ES_E_LIMIT, "L6", p->now.span,
                     "the number %s does not fit 64 bits; the largest is 9223372036854775807",
                     quote(p, p->now.span));
  return no_glued_name(p);
}

static es_status fraction(parser *p) {
  ES_TRY(no_glued_name(p));
  return es_fail(
      p->error, ES_E_SYNTAX, "L4", p->now.span,
      "'%s' is no whole number; sizes and factors are whole, and a name starts with a letter",
      quote(p, p->now.span));
}

/* ---- axes -------------------------------------------------------------------- */

static es_status ellipsis(parser *p, es_span span, es_name_id name) {
  if (name == ES_NO_NAME) {
    if (p->ellipsis.length)
      return es_fail2(p->error, ES_E_SYNTAX, "L2", span, p->ellipsis,
                      "a second '...' in one term: which axes go to which? %s",
                      p->pattern->reading == ES_READ_LETTERS
                          ? "The reading NAMES has named ones: a... b..."
                          : "Name them: a... b...");
    p->ellipsis = span;
  }
  return push_item(p, (es_item){.kind = ES_ITEM_ELLIPSIS, .span = span, .name = name});
}

static es_status name(parser *p) {
  es_token t = p->now;
  es_item item = {.kind = ES_ITEM_NAME, .span = t.span, .name = ES_NO_NAME};
  if (is_any(p, t)) {
    if (p->output)
      return es_fail(
          p->error, ES_E_SYNTAX, "L7", t.span,
          "'_' in an output: it stands for an axis nobody names; write the name that is meant");
    item.kind = ES_ITEM_ANY;
    advance(p);
    return push_item(p, item);
  }
  ES_TRY(name_of(p, t, &item.name));
  advance(p);
  if (p->now.kind != ES_TOKEN_ELLIPSIS || p->now.spaced) return push_item(p, item);
  es_span span = es_span_join(t.span, p->now.span);
  advance(p);
  return ellipsis(p, span, item.name);
}

/* LETTERS: one label a code point. */
static es_status letters(parser *p) {
  const char *text = p->pattern->text;
  es_span word = p->now.span;
  for (int64_t at = word.offset, end = word.offset + word.length; at < end;) {
    uint32_t cp;
    es_item item = {.kind = ES_ITEM_NAME};
    item.span = (es_span){at, es_utf8_decode(text + at, (size_t)(end - at), &cp)};
    if (cp == '_' || (cp >= '0' && cp <= '9'))
      return es_parse_not_a_letter(text, item.span, p->error);
    ES_TRY(intern(p, item.span, &item.name));
    ES_TRY(push_item(p, item));
    at += item.span.length;
  }
  advance(p);
  return ES_OK;
}

static es_status integer(parser *p) {
  es_item item = {.kind = ES_ITEM_INT, .span = p->now.span, .name = ES_NO_NAME};
  ES_TRY(whole_number(p, &item.value));
  advance(p);
  return push_item(p, item);
}

static es_status star(parser *p) {
  es_kind kind = p->pattern->kind;
  if ((kind != ES_KIND_PACK && kind != ES_KIND_UNPACK) || p->depth)
    return es_fail(p->error, ES_E_SYNTAX, "L7", p->now.span,
                   "'*' multiplies inside a parenthesis, as in (2*h+k), and stands for the packed "
                   "axes in pack and unpack; operands are separated by ','");
  es_item item = {.kind = ES_ITEM_STAR, .span = p->now.span, .name = ES_NO_NAME};
  advance(p);
  return push_item(p, item);
}

/* ---- affine indices ------------------------------------------------------------ */

static es_status not_closed(parser *p) {
  es_span open = p->open[p->depth - 1];
  if (p->now.kind == ES_TOKEN_END)
    return es_fail(p->error, ES_E_SYNTAX, "L3", open,
                   "'(' is never closed: ')' is missing at the end of the text");
  return es_fail2(p->error, ES_E_SYNTAX, "L3", open, p->now.span,
                  "'(' is not closed: ')' is missing before %s", es_token_text(p->now.kind));
}

static bool ends_term(es_token_kind kind) {
  return kind == ES_TOKEN_COMMA || kind == ES_TOKEN_ARROW || kind == ES_TOKEN_PIPE ||
         kind == ES_TOKEN_END;
}

/* first '*' second, where second is a number or another '*' follows. */
static es_status bad_product(parser *p, es_token first, es_token second) {
  bool turned = first.kind == ES_TOKEN_NAME && second.kind == ES_TOKEN_INT;
  es_span span = es_span_join(first.span, second.span);
  if (turned)
    return es_fail(p->error, ES_E_SYNTAX, "L7", span, "'%s': the factor comes first: %s*%s",
                   quote(p, span), quote(p, second.span), quote(p, first.span));
  return es_fail(p->error, ES_E_SYNTAX, "L7", span,
                 "'%s': an index takes one factor times one name, as in 2*h", quote(p, span));
}

/* [coef '*'] NAME | INT | PARAM, with the sign already read. */
static es_status product(parser *p, int64_t sign) {
  es_lin_term t = {.coef = sign, .param = ES_NO_NAME, .name = ES_NO_NAME, .span = p->now.span};
  es_token first = p->now;
  int64_t value;
  if (first.kind == ES_TOKEN_NUMBER) return fraction(p);
  if (first.kind == ES_TOKEN_INT) {
    ES_TRY(whole_number(p, &value));
    t.coef = sign * value;
  } else if (first.kind != ES_TOKEN_NAME || is_any(p, first)) {
    if (ends_term(first.kind)) return not_closed(p);
    return unexpected(p, "a name or a whole number");
  }
  advance(p);
  es_token named = first;
  if (p->now.kind == ES_TOKEN_STAR) {
    if (first.kind == ES_TOKEN_NAME) ES_TRY(name_of(p, first, &t.param));
    advance(p);
    named = p->now;
    if (named.kind == ES_TOKEN_INT) return bad_product(p, first, named);
    if (ends_term(named.kind)) return not_closed(p);
    if (named.kind != ES_TOKEN_NAME || is_any(p, named)) return unexpected(p, "a name after '*'");
    t.span = es_span_join(first.span, named.span);
    advance(p);
    if (p->now.kind == ES_TOKEN_STAR) return bad_product(p, first, p->now);
  }
  if (named.kind == ES_TOKEN_NAME) {
    ES_TRY(name_of(p, named, &t.name));
    t.name_span = named.span;
  }
  es_lin_term *at = push(p, &p->products);
  if (!at) return es_fail_nomem(p->error);
  *at = t;
  return ES_OK;
}

static bool is_sum_sign(es_token_kind kind) {
  return kind == ES_TOKEN_PLUS || kind == ES_TOKEN_MINUS;
}

static bool is_operator(es_token_kind kind) { return is_sum_sign(kind) || kind == ES_TOKEN_STAR; }

/* Everything up to ')', which is left to the caller. */
static es_status affine(parser *p, es_item *item) {
  item->kind = ES_ITEM_AFFINE;
  int base = p->products.n;
  int64_t sign = 1;
  if (p->now.kind == ES_TOKEN_MINUS) sign = -1, advance(p);
  ES_TRY(product(p, sign));
  while (is_sum_sign(p->now.kind)) {
    sign = p->now.kind == ES_TOKEN_PLUS ? 1 : -1;
    advance(p);
    ES_TRY(product(p, sign));
  }
  item->terms = take(p, &p->products, base, &item->n);
  return item->terms ? ES_OK : es_fail_nomem(p->error);
}

/* '?' fill behind a parenthesis. */
static es_status fill(parser *p, es_item *item) {
  es_span question = p->now.span;
  advance(p);
  es_fill f = {.kind = ES_FILL_NUMBER};
  bool minus = p->now.kind == ES_TOKEN_MINUS;
  if (minus) advance(p);
  es_span word = p->now.span;
  const char *text = p->pattern->text + word.offset;
  bool is_word = !minus && p->now.kind == ES_TOKEN_NAME;
  if (p->now.kind == ES_TOKEN_INT || p->now.kind == ES_TOKEN_NUMBER) {
    ES_TRY(no_glued_name(p));
    if (!es_parse_double(text, (size_t)word.length, &f.value) || isinf(f.value))
      return es_fail(p->error, ES_E_LIMIT, "L6", word, "the number %s does not fit a double",
                     quote(p, word));
    if (minus) f.value = -f.value;
  } else if (is_word && word.length == 4 && !memcmp(text, "edge", 4)) {
    f.kind = ES_FILL_EDGE;
  } else if (is_word && word.length == 4 && !memcmp(text, "wrap", 4)) {
    f.kind = ES_FILL_WRAP;
  } else if (is_word && word.length == 7 && !memcmp(text, "reflect", 7)) {
    f.kind = ES_FILL_REFLECT;
  } else {
    return unexpected(p, "a number, edge, wrap or reflect after '?'");
  }
  f.span = es_span_join(question, word);
  advance(p);
  if (p->output)
    return es_fail(p->error, ES_E_SYNTAX, "L7", f.span,
                   "a fill on an output: only reads can leave their axis; drop '%s'",
                   quote(p, f.span));
  bool one_name = item->kind == ES_ITEM_GROUP && item->n == 1 &&
                  item->items[0].kind == ES_ITEM_NAME;
  if (item->kind != ES_ITEM_AFFINE && !one_name)
    return es_fail2(
        p->error, ES_E_SYNTAX, "L7", f.span, item->span,
        "a fill behind '%s', which reads every element once; it belongs to an index such "
        "as (h+k-1)?0",
        quote(p, item->span));
  item->fill = f;
  item->span = es_span_join(item->span, f.span);
  return ES_OK;
}

/* ---- parentheses ----------------------------------------------------------------- */

static es_status axis(parser *p);

static es_status no_ellipsis_part(parser *p, es_span span) {
  return es_fail(p->error, ES_E_SYNTAX, "L7", span,
                 "'...' as a part of '^': a part is one axis, or several in a parenthesis");
}

static es_status mixed(parser *p) {
  bool joins = !is_operator(p->now.kind);
  return es_fail(
      p->error, ES_E_SYNTAX, "L7", p->now.span,
      joins ? "'^' beside juxtaposed axes or arithmetic: close each part in its own "
              "parenthesis, as in (x ^ (a b))"
            : "%s beside juxtaposed or joined axes: a parenthesis either merges (a b), joins "
              "(a ^ b) or computes an index from names (2*a+b)",
      es_token_text(p->now.kind));
}

/* axis { axis } or axis { '^' axis }, up to what ends it. */
static es_status parts(parser *p, es_item *item) {
  int base = p->items.n;
  while (p->now.kind != ES_TOKEN_CLOSE && !ends_term(p->now.kind)) {
    int n = p->items.n - base;
    bool joined = item->kind == ES_ITEM_CONCAT, caret = p->now.kind == ES_TOKEN_CARET;
    if (is_operator(p->now.kind) || (caret ? n > 1 && !joined : joined)) return mixed(p);
    if (caret) {
      if (n == 0) return unexpected(p, "an axis before '^'");
      item->kind = ES_ITEM_CONCAT;
      advance(p);
      if (p->now.kind == ES_TOKEN_CLOSE) return unexpected(p, "an axis after '^'");
      if (ends_term(p->now.kind)) break;
    }
    ES_TRY(axis(p));
    const es_item *last = (es_item *)p->items.at + p->items.n - 1;
    if (caret && last->kind == ES_ITEM_ELLIPSIS) return no_ellipsis_part(p, last->span);
  }
  item->items = take(p, &p->items, base, &item->n);
  if (!item->items) return es_fail_nomem(p->error);
  if (item->kind == ES_ITEM_CONCAT && item->items[0].kind == ES_ITEM_ELLIPSIS)
    return no_ellipsis_part(p, item->items[0].span);
  return ES_OK;
}

static es_status group(parser *p) {
  es_token open = p->now;
  if (p->depth == ES_MAX_NESTING)
    return es_fail(p->error, ES_E_SYNTAX, "L3", open.span,
                   "parentheses are nested more than %d deep", ES_MAX_NESTING);
  p->open[p->depth++] = open.span;
  advance(p);
  es_item item = {.kind = ES_ITEM_GROUP, .name = ES_NO_NAME};
  bool operand = p->now.kind == ES_TOKEN_NAME || p->now.kind == ES_TOKEN_INT;
  bool index = p->now.kind == ES_TOKEN_MINUS || (operand && is_operator(p->next.kind));
  ES_TRY(index ? affine(p, &item) : parts(p, &item));
  if (ends_term(p->now.kind)) return not_closed(p);
  if (p->now.kind != ES_TOKEN_CLOSE)
    return es_parse_unexpected(p->pattern->text, p->now, "'+', '-' or ')' in an index", p->error);
  item.span = es_span_join(open.span, p->now.span);
  p->depth--;
  advance(p);
  if (p->now.kind == ES_TOKEN_QUESTION) ES_TRY(fill(p, &item));
  return push_item(p, item);
}

static es_status axis(parser *p) {
  bool narrow = p->pattern->reading == ES_READ_LETTERS;
  switch (p->now.kind) {
  case ES_TOKEN_NAME: return narrow ? letters(p) : name(p);
  case ES_TOKEN_ELLIPSIS: {
    es_span span = p->now.span;
    advance(p);
    return ellipsis(p, span, ES_NO_NAME);
  }
  case ES_TOKEN_BAD_CHARACTER:
  case ES_TOKEN_BAD_BYTE:
  case ES_TOKEN_BAD_DOTS: return unexpected(p, "an axis");
  default: break;
  }
  if (narrow) return es_parse_not_a_letter(p->pattern->text, p->now.span, p->error);
  switch (p->now.kind) {
  case ES_TOKEN_INT: return integer(p);
  case ES_TOKEN_NUMBER: return fraction(p);
  case ES_TOKEN_OPEN: return group(p);
  case ES_TOKEN_STAR: return star(p);
  case ES_TOKEN_CLOSE:
    return es_fail(p->error, ES_E_SYNTAX, "L3", p->now.span,
                   "')' closes nothing: its '(' is missing before it");
  case ES_TOKEN_QUESTION:
    return es_fail(
        p->error, ES_E_SYNTAX, "L7", p->now.span,
        "'?' without a parenthesis before it: write (h+k-1)?0, or (h)?0 for a bare name");
  case ES_TOKEN_PLUS:
  case ES_TOKEN_MINUS:
    return es_fail(p->error, ES_E_SYNTAX, "L7", p->now.span,
                   "%s outside a parenthesis: an index is written (h+k)%s",
                   es_token_text(p->now.kind),
                   p->now.kind == ES_TOKEN_MINUS ? ", and the arrow '->'" : "");
  case ES_TOKEN_CARET:
    return es_fail(p->error, ES_E_SYNTAX, "L7", p->now.span,
                   "'^' outside a parenthesis: joined axes are written (x ^ y)");
  default: return unexpected(p, "an axis");
  }
}

/* ---- terms ------------------------------------------------------------------------ */

static es_status term(parser *p) {
  int base = p->items.n, axes = 0;
  es_term t = {.span = {p->now.span.offset, 0}};
  p->ellipsis = ES_NOWHERE;
  while (!ends_term(p->now.kind)) {
    ES_TRY(axis(p));
    es_item *last = (es_item *)p->items.at + p->items.n - 1;
    axes = p->items.n - base - (p->ellipsis.length > 0);
    t.span = es_span_join(t.span, last->span);
    if (axes > ES_MAX_RANK)
      return es_fail(p->error, ES_E_LIMIT, "L6", last->span,
                     "a term of more than %d axes; a tensor has at most %d", ES_MAX_RANK,
                     ES_MAX_RANK);
  }
  t.items = take(p, &p->items, base, &t.n);
  es_term *at = push(p, &p->terms);
  if (!t.items || !at) return es_fail_nomem(p->error);
  *at = t;
  return ES_OK;
}

static es_status terms(parser *p, es_term **list, int *n) {
  for (;;) {
    ES_TRY(term(p));
    if (p->terms.n > ES_MAX_OPERANDS)
      return es_fail(p->error, ES_E_LIMIT, "L6", p->now.span, "more than %d operands",
                     ES_MAX_OPERANDS);
    if (p->now.kind != ES_TOKEN_COMMA) break;
    advance(p);
  }
  *list = take(p, &p->terms, 0, n);
  return *list ? ES_OK : es_fail_nomem(p->error);
}

/* ---- the reducer ------------------------------------------------------------------ */

static bool is_word(const parser *p, es_token t, const char *word) {
  size_t len = strlen(word);
  return t.kind == ES_TOKEN_NAME && (size_t)t.span.length == len &&
         !memcmp(p->pattern->text + t.span.offset, word, len);
}

static es_status outer(parser *p) {
  es_pattern *pattern = p->pattern;
  for (es_reducer r = ES_REDUCE_SUM; r < ES_REDUCER_COUNT; r++)
    if (is_word(p, p->now, es_reducer_name(r))) pattern->reducer = r;
  if (p->now.kind == ES_TOKEN_PLUS) pattern->reducer = ES_REDUCE_SUM;
  if (p->now.kind == ES_TOKEN_STAR) pattern->reducer = ES_REDUCE_PROD;
  if (is_word(p, p->now, "or")) pattern->reducer = ES_REDUCE_ANY;
  if (is_word(p, p->now, "and")) pattern->reducer = ES_REDUCE_ALL;
  if (pattern->reducer == ES_REDUCE_NONE)
    return unexpected(p, "a reducer: sum, prod, max, min, mean, any, all or logsumexp");
  advance(p);
  return ES_OK;
}

static es_status inner(parser *p) {
  static const struct {
    es_token_kind kind;
    const char *word;
    es_inner inner;
  } table[] = {{ES_TOKEN_STAR, "", ES_INNER_MUL},    {ES_TOKEN_PLUS, "", ES_INNER_ADD},
               {ES_TOKEN_NAME, "max", ES_INNER_MAX}, {ES_TOKEN_NAME, "min", ES_INNER_MIN},
               {ES_TOKEN_NAME, "and", ES_INNER_AND}, {ES_TOKEN_NAME, "or", ES_INNER_OR}};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (p->now.kind == table[i].kind &&
        (p->now.kind != ES_TOKEN_NAME || is_word(p, p->now, table[i].word))) {
      p->pattern->inner = table[i].inner;
      p->pattern->inner_given = true;
      advance(p);
      return ES_OK;
    }
  return unexpected(p, "what joins the operands: +, *, max, min, and, or");
}

/* '|' NAME or '|' '(' outer ',' inner ')' */
static es_status reducer(parser *p) {
  es_span start = p->now.span, end;
  advance(p);
  end = p->now.span;
  if (p->now.kind != ES_TOKEN_OPEN) {
    ES_TRY(outer(p));
  } else {
    es_span open = p->now.span;
    advance(p);
    ES_TRY(outer(p));
    if (p->now.kind != ES_TOKEN_COMMA) return unexpected(p, "',' as in (max, +)");
    advance(p);
    ES_TRY(inner(p));
    if (p->now.kind == ES_TOKEN_END)
      return es_fail(p->error, ES_E_SYNTAX, "L3", open,
                     "'(' is never closed: ')' is missing at the end of the text");
    if (p->now.kind != ES_TOKEN_CLOSE) return unexpected(p, "')' after (outer, inner");
    end = p->now.span;
    advance(p);
  }
  p->pattern->reducer_span = es_span_join(start, end);
  if (p->now.kind != ES_TOKEN_END)
    return unexpected(p, "the end of the text: the reducer comes last, and there is one");
  return ES_OK;
}

/* ---- the whole --------------------------------------------------------------------- */

/* Only the text before '|' decides; see section 'Which reading'. */
static es_reading read_text(const char *text, size_t len) {
  es_lexer lexer = {text, len, 0};
  es_token_kind before = ES_TOKEN_END;
  for (;;) {
    es_token t = es_lexer_next(&lexer);
    switch (t.kind) {
    case ES_TOKEN_END:
    case ES_TOKEN_PIPE: return ES_READ_LETTERS;
    case ES_TOKEN_ELLIPSIS:
    case ES_TOKEN_ARROW:
    case ES_TOKEN_COMMA: break;
    case ES_TOKEN_NAME:
      if (before == ES_TOKEN_NAME) return ES_READ_NAMES;
      for (int64_t i = 0; i < t.span.length; i++) {
        char c = text[t.span.offset + i];
        if (c == '_' || (c >= '0' && c <= '9')) return ES_READ_NAMES;
      }
      break;
    default: return ES_READ_NAMES;
    }
    before = t.kind;
  }
}

static es_status pattern(parser *p) {
  es_pattern *out = p->pattern;
  p->now = es_lexer_next(&p->lexer);
  p->next = es_lexer_next(&p->lexer);
  ES_TRY(terms(p, &out->in, &out->n_in));
  if (p->now.kind == ES_TOKEN_ARROW) {
    out->has_arrow = p->output = true;
    out->arrow = p->now.span;
    advance(p);
    ES_TRY(terms(p, &out->out, &out->n_out));
  }
  if (p->now.kind == ES_TOKEN_ARROW)
    return es_fail2(p->error, ES_E_SYNTAX, "L5", p->now.span, out->arrow,
                    "a second '->': a pattern has one, between inputs and output");
  if (p->now.kind == ES_TOKEN_PIPE) ES_TRY(reducer(p));
  out->n_names = p->names.n;
  out->names = p->names.text;
  out->name_spans = p->names.first;
  return es_parse_check(out, p->error);
}

es_status es_parse(es_arena *arena, es_kind kind, const char *text, size_t len, es_reading reading,
                   es_pattern **out, es_error *error) {
  *out = NULL;
  if (len > ES_MAX_TEXT)
    return es_fail(error, ES_E_LIMIT, "L6", (es_span){ES_MAX_TEXT, 1},
                   "the text has %zu bytes; a pattern has at most %d", len, ES_MAX_TEXT);
  es_pattern *made = ES_NEW(arena, es_pattern);
  const char *copy = es_arena_copy_text(arena, text, len);
  if (!made || !copy) return es_fail_nomem(error);
  made->text = copy;
  made->len = len;
  made->kind = kind;
  made->reading_given = reading != ES_READ_AUTO || kind != ES_KIND_EINSUM;
  made->reading = reading != ES_READ_AUTO  ? reading
                  : kind != ES_KIND_EINSUM ? ES_READ_NAMES
                                           : read_text(copy, len);
  parser p = {.pattern = made,
              .arena = arena,
              .error = error,
              .lexer = {copy, len, 0},
              .names = {.arena = arena},
              .items = {.size = sizeof(es_item)},
              .products = {.size = sizeof(es_lin_term)},
              .terms = {.size = sizeof(es_term)}};
  ES_TRY(pattern(&p));
  *out = made;
  return ES_OK;
}
