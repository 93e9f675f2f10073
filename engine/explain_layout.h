/* Where the boxes of a plan's picture stand. */
#ifndef ES_ENGINE_EXPLAIN_LAYOUT_H
#define ES_ENGINE_EXPLAIN_LAYOUT_H

#include "engine/stage.h"

enum { ES_BOX_HEIGHT = 62, ES_BOX_GAP = 22, ES_BOX_DROP = 46, ES_BOX_MARGIN = 24 };
enum { ES_BOX_MOST = 128, ES_BOX_INPUTS = 8 };   /* stages that are drawn, and inputs of one */
enum { ES_TEXT_LARGE = 13, ES_TEXT_SMALL = 11 }; /* sizes of text */

typedef struct es_spot {
  double x, y; /* middle of the upper edge */
} es_spot;

typedef struct es_layout {
  const es_plan *plan;
  int level[ES_BOX_MOST];
  es_spot stage[ES_BOX_MOST], operand[ES_BOX_MOST][ES_BOX_INPUTS]; /* y 0: not placed */
  int leaves, levels;
  double right;                /* the middle of the rightmost box */
  int letters;                 /* of a line of large text in a stage's box */
  double width, operand_width; /* of the boxes of stages and of operands */
  bool rows;                   /* one for each stage */
} es_layout;

/* Places the stages of a plan and their operands; of more stages than ES_BOX_MOST none. */
void es_layout_make(es_layout *layout, const es_plan *plan);
es_spot es_layout_extent(const es_layout *layout); /* width and height of the whole */
const es_problem *es_layout_problem(const es_layout *layout, int stage);
int es_layout_inputs(const es_layout *layout, int stage);
/* The stage that writes what another reads; -1: it is an operand. */
int es_layout_writer(const es_layout *layout, int stage, int input);
/* Whether an input is an operand with a box: no number, and not one that the statement reads
 * already. */
bool es_layout_operand(const es_layout *layout, int stage, int input);
/* How far a line over so many rows bends to the right. */
double es_layout_bend(double rows);

#endif
