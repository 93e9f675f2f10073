/* Layers: named expressions with PyTorch's parameter names.
 *
 * Every layer stands once in a table (ops/NAME.def): its name, its expression, its
 * parameters, one sentence, a formula and a runnable example. The C functions
 * below, the script functions of the same names, ?name at the prompt and the
 * manual are made from that table. The rules of einstride.h hold. */
#ifndef EINSTRIDE_LAYERS_H
#define EINSTRIDE_LAYERS_H

#include "einstride.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- The table, for programs that call layers by name -------------------- */

typedef enum es_param_type {
  ES_PARAM_NONE = 0,
  ES_PARAM_TENSOR,
  ES_PARAM_INT,
  ES_PARAM_INTS,    /* one integer for all spatial axes, or one for each */
  ES_PARAM_FLOAT,
  ES_PARAM_BOOL,
  ES_PARAM_PADDING, /* an integer, one an axis, 'same', 'valid', or (low, high) pairs */
  ES_PARAM_TEXT
} es_param_type;

typedef struct es_param {
  const char *name;      /* PyTorch's */
  es_param_type type;
  const char *otherwise; /* the default as a script writes it; NULL: required */
} es_param;

typedef struct es_op {
  const char *name;
  const char *expression; /* the pattern or patterns, ';' between */
  const char *summary;    /* one sentence */
  const char *formula;    /* shape rule and source */
  const char *example;    /* script lines that run as they are */
  int n_params;
  const es_param *params;
} es_op;

ES_API int es_op_count(void);
ES_API const es_op *es_op_at(int index);          /* NULL outside */
ES_API const es_op *es_op_find(const char *name); /* NULL if unknown */

/* Padding of spatial axes. Zeros: no padding. */
typedef enum es_padding_mode { ES_PAD_NUMBERS = 0, ES_PAD_SAME, ES_PAD_VALID } es_padding_mode;

/* An argument. type ES_PARAM_NONE: not given. */
typedef struct es_value {
  es_param_type type;
  es_tensor *tensor;
  int64_t i;            /* INT, BOOL */
  double f;             /* FLOAT */
  const char *text;     /* TEXT */
  int n;                /* INTS: count; PADDING by numbers: count of low (and of high) */
  const int64_t *ints;  /* INTS: values; PADDING: low side */
  const int64_t *high;  /* PADDING: high side; NULL: as low */
  es_padding_mode mode; /* PADDING */
} es_value;

/* args[i] belongs to op->params[i]. */
ES_API es_tensor *es_op_call(es_ctx *ctx, const es_op *op, const es_value *args);

/* ---- One C function a layer ----------------------------------------------- */
/* (declared by the families below) */

#ifdef __cplusplus
}
#endif

#endif
