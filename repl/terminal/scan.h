/* The tokens of a text that may still be typed: which brackets are open, whose call
 * an argument belongs to, where a string without its end begins. For colours, hints,
 * completion and the question whether more lines belong to a statement. */
#ifndef SC_SCAN_H
#define SC_SCAN_H

#include "repl/language/syntax.h"
#include "repl/text/buffer.h"

typedef struct sc_scan_token {
  sc_token_kind kind;
  sc_span span;
  int partner; /* of a bracket: its other half; -1 */
  int parent;  /* the bracket that holds the token; -1 */
} sc_scan_token;

typedef struct sc_scan {
  sc_scan_token *token;
  int n, cap;
  int open;        /* the innermost bracket that is not closed; -1 */
  bool in_string;  /* the last token is a string without its end */
  size_t quotes;   /* 1 or 3: how that string ends */
  bool broken;     /* bytes that are no text: no tokens */
  bool in_comment; /* the text ends in one */
} sc_scan;

/* text[len] is NUL. The caller frees the scan. */
void sc_scan_text(sc_scan *s, const char *text, size_t len);
void sc_scan_free(sc_scan *s);
/* The token that holds the byte at or ends there; -1. */
int sc_scan_at(const sc_scan *s, size_t offset);
/* The dotted name before a round bracket: "np.einsum". False: there is none. */
bool sc_scan_callee(const sc_scan *s, int bracket, sc_span *out);
/* The argument's place among those of its bracket, commas counted. */
int sc_scan_place(const sc_scan *s, int token);
/* What would close string and brackets. */
void sc_scan_closing(const sc_scan *s, const char *text, sc_buffer *out);
/* The inside of a string token, without prefix and quotes. */
sc_span sc_scan_inside(const sc_scan *s, const char *text, int token);

#endif
