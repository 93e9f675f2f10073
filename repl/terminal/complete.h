/* What could stand at the cursor: names, members, keyword arguments, labels, files. */
#ifndef SC_COMPLETE_H
#define SC_COMPLETE_H

#include "repl/language/session.h"

typedef struct sc_candidates {
  char **text; /* sorted, each once */
  int n, cap;
  bool files; /* names of files are wanted instead; then n is 0 */
  char after; /* what follows a candidate that stands alone: '(' of a function; or 0 */
} sc_candidates;

/* For the word text[start..end), which begins where sc_word_start says. */
void sc_complete(sc_session *s, const char *text, size_t start, size_t end, sc_candidates *out);
void sc_candidates_sort(sc_candidates *c);
void sc_candidates_free(sc_candidates *c);
/* Where the word begins that ends at end. */
size_t sc_word_start(const char *text, size_t end);

#endif
