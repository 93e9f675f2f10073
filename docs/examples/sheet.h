/* A contact sheet: rows of pictures, columns of feature maps, drawn with tensor
 * expressions. Used by the examples only. */
#ifndef SHEET_H
#define SHEET_H

#include "einstride.h"

/* One block of columns: maps (rows, c, h, w) of any real type. Each c is scaled by
 * its largest magnitude; grey maps go from dark to light, others from blue over
 * dark (zero) to orange. */
typedef struct sheet_block {
  const char *title; /* lower-case letters, commas and spaces */
  const es_tensor *maps;
  bool grey;
} sheet_block;

/* u8 (height, width, 3). cell: pixels of one map, a multiple of every h and w. */
es_tensor *sheet_make(es_ctx *es, const sheet_block *blocks, int n, const char *const *row_names,
                      int rows, int cell);

#endif
