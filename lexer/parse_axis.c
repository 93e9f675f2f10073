/* Labels, ellipses, parentheses: everything that is one axis. */
#include "lexer/parser.h"

#include "base/text.h"

static es_status push_item(es_parser *p, es_item item) {
  es_item *at = es_parser_push(p, &p->items);
  if (!at) return es_fail_nomem(p->error);
  *at = item;
  return ES_OK;
}

/* ---- axes -------------------------------------------------------------------- */

static es_status ellipsis(es_parser *p, es_span span, es_name_id name) {
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

static es_status name(es_parser *p) {
  es_token t = p->now;
  es_item item = {.kind = ES_ITEM_NAME, .span = t.span, .name = ES_NO_NAME};
  if (es_parser_is_any(p, t)) {
    if (p->output)
      return es_fail(
          p->error, ES_E_SYNTAX, "L7", t.span,
          "'_' in an output: it stands for an axis nobody names; write the name that is meant");
    item.kind = ES_ITEM_ANY;
    es_parser_advance(p);
    return push_item(p, item);
  }
  ES_TRY(es_parser_name(p, t, &item.name));
  es_parser_advance(p);
  if (p->now.kind != ES_TOKEN_ELLIPSIS || p->now.spaced) return push_item(p, item);
  es_span span = es_span_join(t.span, p->now.span);
  es_parser_advance(p);
  return ellipsis(p, span, item.name);
}

/* LETTERS: one label a code point. */
static es_status letters(es_parser *p) {
  const char *text = p->pattern->text;
  es_span word = p->now.span;
  for (int64_t at = word.offset, end = word.offset + word.length; at < end;) {
    uint32_t cp;
    es_item item = {.kind = ES_ITEM_NAME};
    item.span = (es_span){at, es_utf8_decode(text + at, (size_t)(end - at), &cp)};
    if (cp == '_' || cp <= '9') /* digits are the least of what a name holds */
      return es_parse_not_a_letter(text, item.span, p->error);
    ES_TRY(es_parser_intern(p, item.span, &item.name));
    ES_TRY(push_item(p, item));
    at += item.span.length;
  }
  es_parser_advance(p);
  return ES_OK;
}

static es_status integer(es_parser *p) {
  es_item item = {.kind = ES_ITEM_INT, .span = p->now.span, .name = ES_NO_NAME};
  ES_TRY(es_parser_whole_number(p, &item.value));
  es_parser_advance(p);
  return push_item(p, item);
}

static es_status star(es_parser *p) {
  es_kind kind = p->pattern->kind;
  if (kind != ES_KIND_PACK && kind != ES_KIND_UNPACK)
    return es_fail(p->error, ES_E_SYNTAX, "L7", p->now.span,
                   "'*' multiplies inside a parenthesis, as in (2*h+k), and stands for the packed "
                   "axes in pack and unpack; operands are separated by ','");
  es_item item = {.kind = ES_ITEM_STAR, .span = p->now.span, .name = ES_NO_NAME};
  es_parser_advance(p);
  return push_item(p, item);
}

/* ---- parentheses ----------------------------------------------------------------- */

static es_status no_ellipsis_part(es_parser *p, es_span span) {
  return es_fail(p->error, ES_E_SYNTAX, "L7", span,
                 "'...' as a part of '^': a part is one axis, or several in a parenthesis");
}

static es_status mixed(es_parser *p) {
  bool joins = !es_parser_is_operator(p->now.kind);
  return es_fail(
      p->error, ES_E_SYNTAX, "L7", p->now.span,
      joins ? "'^' beside juxtaposed axes or arithmetic: close each part in its own "
              "parenthesis, as in (x ^ (a b))"
            : "%s beside juxtaposed or joined axes: a parenthesis either merges (a b), joins "
              "(a ^ b) or computes an index from names (2*a+b)",
      es_token_text(p->now.kind));
}

/* axis { axis } or axis { '^' axis }, up to what ends it. */
static es_status parts(es_parser *p, es_item *item) {
  int base = p->items.n;
  while (p->now.kind != ES_TOKEN_CLOSE && !es_parser_ends_term(p->now.kind)) {
    int n = p->items.n - base;
    bool joined = item->kind == ES_ITEM_CONCAT, caret = p->now.kind == ES_TOKEN_CARET;
    if (es_parser_is_operator(p->now.kind) || (caret ? n > 1 && !joined : joined)) return mixed(p);
    if (caret) {
      if (n == 0) return es_parser_unexpected(p, "an axis before '^'");
      item->kind = ES_ITEM_CONCAT;
      es_parser_advance(p);
      if (p->now.kind == ES_TOKEN_CLOSE) return es_parser_unexpected(p, "an axis after '^'");
      if (es_parser_ends_term(p->now.kind)) break;
    }
    ES_TRY(es_parser_axis(p));
    const es_item *last = (es_item *)p->items.at + p->items.n - 1;
    if (caret && last->kind == ES_ITEM_ELLIPSIS) return no_ellipsis_part(p, last->span);
  }
  item->items = es_parser_take(p, &p->items, base, &item->n);
  if (!item->items) return es_fail_nomem(p->error);
  if (item->kind == ES_ITEM_CONCAT && item->items[0].kind == ES_ITEM_ELLIPSIS)
    return no_ellipsis_part(p, item->items[0].span);
  return ES_OK;
}

static es_status group(es_parser *p) {
  es_token open = p->now;
  if (p->depth == ES_MAX_NESTING)
    return es_fail(p->error, ES_E_SYNTAX, "L3", open.span,
                   "parentheses are nested more than %d deep", ES_MAX_NESTING);
  p->open[p->depth++] = open.span;
  es_parser_advance(p);
  es_item item = {.kind = ES_ITEM_GROUP, .name = ES_NO_NAME};
  bool operand = p->now.kind == ES_TOKEN_NAME || p->now.kind == ES_TOKEN_INT;
  bool index = p->now.kind == ES_TOKEN_MINUS || (operand && es_parser_is_operator(p->next.kind));
  ES_TRY(index ? es_parser_affine(p, &item) : parts(p, &item));
  if (es_parser_ends_term(p->now.kind)) return es_parser_not_closed(p);
  if (p->now.kind != ES_TOKEN_CLOSE)
    return es_parse_unexpected(p->pattern->text, p->now, "'+', '-' or ')' in an index", p->error);
  item.span = es_span_join(open.span, p->now.span);
  p->depth--;
  es_parser_advance(p);
  if (p->now.kind == ES_TOKEN_QUESTION) ES_TRY(es_parser_fill(p, &item));
  return push_item(p, item);
}

es_status es_parser_axis(es_parser *p) {
  bool narrow = p->pattern->reading == ES_READ_LETTERS;
  bool foreign = p->now.kind >= ES_TOKEN_BAD_DOTS; /* no token of any reading */
  if (p->now.kind == ES_TOKEN_NAME) return narrow ? letters(p) : name(p);
  if (p->now.kind == ES_TOKEN_ELLIPSIS) {
    es_span span = p->now.span;
    es_parser_advance(p);
    return ellipsis(p, span, ES_NO_NAME);
  }
  if (narrow && !foreign) return es_parse_not_a_letter(p->pattern->text, p->now.span, p->error);
  switch (p->now.kind) {
  case ES_TOKEN_INT: return integer(p);
  case ES_TOKEN_NUMBER: return es_parser_fraction(p);
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
  default: return es_parser_unexpected(p, "an axis");
  }
}
