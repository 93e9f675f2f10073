/* An order within a limit of memory: what its steps keep and walk, and the labels that are cut. */
#ifndef ES_ENGINE_PATH_CUT_H
#define ES_ENGINE_PATH_CUT_H

#include "engine/order/path.h"
#include "engine/order/path_tree.h"

/* An order, and of each of its steps: bytes that it keeps, points that it walks, and the labels
 * of both. */
typedef struct es_room {
  es_path *path;
  es_merge *merge; /* [n - 1] */
  double *size, *work;
  uint64_t *keeps, *walks; /* [n_steps][words] */
} es_room;

/* Labels that may be cut, and what each would do. */
typedef struct es_cuts {
  int n;
  int *label;    /* [n] */
  double *part;  /* [n] of what holds it, that is freed */
  double *live;  /* [n] bytes that hold it, while steps are walked */
  double *peak;  /* [n] bytes that live at a time then, at most */
  double *crowd; /* [n] the same as a norm over all steps: lattices have many peaks of one height,
                    and a label crosses some of them */
  double *walks; /* [n] points of the steps that walk it */
} es_cuts;

typedef struct es_slicer {
  es_arena *arena;
  es_network net; /* with the extents that are kept */
  int64_t *kept;
  es_slicing_rules rules;
  es_room *room, *spare; /* of the order at hand, and of another */
  es_mender *mender;     /* made when it is needed */
  double work, most;     /* splits looked at since an order was taken up, and how many may be */
  uint64_t seed;
  int words;
  double *now; /* [steps] sizes while a cut is tried */
  es_label_set *value;
  int32_t *labels;
  es_cuts cuts;     /* room for n_labels */
  int *cut_of;      /* [n_labels] number of its cut, -1: none */
  uint64_t *listed; /* [words] the labels of the cuts */
  bool *out;        /* [n_labels] held by the output */
  bool *alive;      /* [steps] */
} es_slicer;

bool es_slicer_init(es_slicer *s); /* of arena, net, kept and rules; false: no memory */
/* Takes up a path: what its steps keep and walk, with the extents that are kept. */
void es_slicer_weigh(es_slicer *s, es_path *path, es_room *r);
/* Bytes of the intermediates that live at the same time, at most, with a label cut into
 * pieces (-1: none). */
double es_slicer_peak(const es_slicer *s, const es_room *r, int label, double pieces);
/* Multiply-adds of one piece, and the bytes that they touch. */
double es_slicer_cost(const es_slicer *s, const es_room *r);
/* Cuts the label that costs least in repeated work: of those that bring the peak, which is
 * `before`, under the limit, else for what it frees. So the limit decides nothing before one is
 * found that does, and a larger one would not have failed elsewhere. False: none frees anything. */
bool es_slicer_cut(es_slicer *s, double before);
/* Takes back the cuts that others, or another order since, made needless: *least, the bytes that
 * live, stays within the limit. */
void es_slicer_give_back(es_slicer *s, const es_network *net, double *least);

#endif
