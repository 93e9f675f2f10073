/* Elements as text: brackets, aligned columns, wrapped lines, cut when long. */
#ifndef SC_PRINT_ELEMENTS_H
#define SC_PRINT_ELEMENTS_H

#include "repl/language/session.h"

/* How the notebooks of each library show arrays. */
typedef struct sc_style {
  const char *open, *close;
  bool comma;       /* between elements; else a blank */
  bool names_dtype; /* dtype before the close */
  bool legacy;      /* NumPy 1.13's columns: one blank more */
  bool fixed;       /* PyTorch's 4 decimals */
  const char *gap;  /* what stands for elements left out */
} sc_style;

/* The elements of t, indented by indent columns. */
void sc_print_elements(sc_buffer *out, const sc_session *s, es_tensor *t, const sc_style *style,
                       size_t indent);

#endif
