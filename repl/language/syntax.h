/* Script text to tokens to nodes. Positions are bytes from the start of the text
 * that was handed in; the text must be followed by a NUL. */
#ifndef SC_SYNTAX_H
#define SC_SYNTAX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "repl/language/arena.h"

#define SC_MAX_NESTING 64          /* brackets inside brackets */
#define SC_MAX_STATEMENT (1 << 20) /* bytes */
#define SC_MAX_DEPTH 1000          /* of a tree: a chain a + b + c … grows one a term */

typedef struct sc_span {
  size_t offset, length;
} sc_span;

/* X(NAME, how an error message calls it). */
/* clang-format off */
#define SC_TOKEN_LIST(X) \
  X(END, "the end") X(NEWLINE, "the end of the line") X(SEMICOLON, "';'") X(NAME, "a name") \
  X(INT, "a number") X(FLOAT, "a number") X(STRING, "a string") X(FSTRING, "an f-string") \
  X(KEYWORD, "a statement") X(IMPORT, "'import'") X(FROM, "'from'") X(AS, "'as'") \
  X(NONE, "None") X(TRUE, "True") X(FALSE, "False") X(AND, "'and'") X(OR, "'or'") \
  X(NOT, "'not'") X(OPEN, "'('") X(CLOSE, "')'") X(OPEN_LIST, "'['") X(CLOSE_LIST, "']'") \
  X(OPEN_DICT, "'{'") X(CLOSE_DICT, "'}'") X(COMMA, "','") X(COLON, "':'") X(DOT, "'.'") \
  X(ELLIPSIS, "'...'") X(ASSIGN, "'='") X(AUGMENT, "an augmented assignment") X(PLUS, "'+'") \
  X(MINUS, "'-'") X(STAR, "'*'") X(SLASH, "'/'") X(FLOOR, "'//'") X(PERCENT, "'%'") \
  X(POWER, "'**'") X(AT, "'@'") X(IN, "'in'") X(BIT_AND, "'&'") \
  X(BIT_OR, "'|'") X(BIT_XOR, "'^'") X(BIT_NOT, "'~'") X(LEFT, "'<<'") X(RIGHT, "'>>'") \
  X(EQ, "'=='") X(NE, "'!='") X(LT, "'<'") X(LE, "'<='") \
  X(GT, "'>'") X(GE, "'>='") X(UNCLOSED, "a string without its closing quote") \
  X(BAD_NUMBER, "a number that runs into a name") X(BAD, "a character outside the language")
/* clang-format on */

typedef enum sc_token_kind {
#define SC_X(name, text) SC_T_##name,
  SC_TOKEN_LIST(SC_X)
#undef SC_X
      SC_TOKEN_COUNT
} sc_token_kind;

typedef struct sc_token {
  sc_token_kind kind;
  sc_span span;
} sc_token;

typedef struct sc_lexer {
  const char *text;
  size_t len, at;
  int brackets; /* open ones: line ends inside them are blanks */
} sc_lexer;

/* One token. The lexer is at the end when the kind is SC_T_END. */
sc_token sc_lex(sc_lexer *lexer);
const char *sc_token_text(sc_token_kind kind);

typedef enum sc_node_kind {
  SC_N_NONE,
  SC_N_BOOL,
  SC_N_INT,
  SC_N_FLOAT,
  SC_N_STRING,
  SC_N_ELLIPSIS,
  SC_N_NAME,
  SC_N_TUPLE,
  SC_N_LIST,
  SC_N_DICT, /* DICT: keys and values in turn */
  SC_N_NEGATIVE,
  SC_N_POSITIVE,
  SC_N_NOT,
  SC_N_INVERT,  /* ~ */
  SC_N_COMPARE, /* a < b < c: operands; text: their operators, a byte each */
  SC_N_AND,
  SC_N_OR,
  SC_N_BINARY,    /* op: the token of the operator */
  SC_N_ATTRIBUTE, /* kid . text */
  SC_N_SUBSCRIPT, /* kids[0] [ kids[1] ] */
  SC_N_SLICE,     /* start stop step, each may be NULL */
  SC_N_CALL,      /* callee, then arguments */
  SC_N_STAR,
  SC_N_DOUBLE_STAR,
  SC_N_KEYWORD,
  /* statements */
  SC_N_ASSIGN,     /* targets, then the value */
  SC_N_AUGMENT,    /* target, value; op: the operator */
  SC_N_IMPORT,     /* text: module; kids: NAME or KEYWORD(text = kid) */
  SC_N_EXPRESSION, /* kid; flag: ended by ';' */
  SC_N_COMMAND     /* a line ".name …" or "?name": its span */
} sc_node_kind;

typedef struct sc_node {
  sc_node_kind kind;
  sc_token_kind op;
  sc_span span;
  int depth;
  bool flag;
  const char *text; /* NUL-terminated name or decoded string */
  size_t text_len;
  int64_t i;
  double f;
  int n;
  struct sc_node **kids;
} sc_node;

typedef struct sc_parser {
  sc_lexer lexer;
  sc_token token; /* the one looked at */
  sc_arena *arena;
  int nesting;
  bool failed;
  bool limit;       /* the failure is a limit of the evaluator, not bad syntax */
  size_t start;     /* of the statement */
  bool line_starts; /* with the statement */
  sc_span where;
  char message[320];
} sc_parser;

void sc_parser_start(sc_parser *parser, sc_arena *arena, const char *text, size_t len);
/* The next statement; NULL at the end of the text or on an error (failed). */
sc_node *sc_parse_statement(sc_parser *parser);
/* After an error: on to the line after the one at fault. */
void sc_parser_skip_line(sc_parser *parser);

/* Does text end inside a bracket or a triple-quoted string, so that more lines
 * belong to it? state starts as zeros and goes on where the text grew. */
typedef struct sc_open_text {
  size_t at;
  int brackets;
} sc_open_text;
bool sc_needs_more(sc_open_text *state, const char *text, size_t len);

#endif
