/* f'{x} and {y:.3f}' is '{} and {:.3f}'.format(x, y): the call takes the place of the string. */
#ifndef SC_PARSE_FORMAT_H
#define SC_PARSE_FORMAT_H

#include "repl/language/parser.h"
#include "repl/text/buffer.h"

/* An f-string taken apart: its text as it stands, and the expressions in it. */
typedef struct sc_format {
  sc_span span;
  size_t quotes;  /* 1 or 3 */
  size_t at, end; /* what is still to be read */
  sc_buffer text; /* quoted as it was, without the expressions */
} sc_format;

/* Of the string at hand. False after an error. */
bool sc_format_begin(sc_parser *p, sc_format *f);
/* Goes on to the next expression. False: there is none, or an error. */
bool sc_format_next(sc_parser *p, sc_format *f, sc_span *value);
/* Takes what follows that expression, up to its '}'. */
bool sc_format_close(sc_parser *p, sc_format *f, sc_span value);
/* The call; NULL after an error. Steps behind the string and ends f. */
sc_node *sc_format_end(sc_parser *p, sc_format *f, sc_list *values);

#endif
