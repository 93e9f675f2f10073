#include "engine/lower/lower.h"

#include "engine/lower/lower_output.h"
#include "engine/lower/pad.h"

es_status es_builder_operands(es_builder *b) {
  b->operand_slot = ES_NEW_N(b->scratch, int32_t, b->bound->n_in);
  b->operand_offset = ES_NEW_N(b->scratch, int64_t, b->bound->n_in);
  b->output_slot = ES_NEW_N(b->scratch, int32_t, b->bound->n_out);
  bool ok = b->operand_slot && b->operand_offset && b->output_slot;
  return ok ? ES_OK : es_fail_nomem(b->error);
}

es_status es_builder_expression(es_builder *b) {
  const es_bound *bound = b->bound;
  b->axis_of = ES_NEW_N(b->scratch, int32_t, bound->n_labels);
  b->extent = ES_NEW_N(b->scratch, int64_t, bound->n_labels);
  if (!b->axis_of || !b->extent) return es_fail_nomem(b->error);
  for (int l = 0; l < bound->n_labels; l++) {
    b->axis_of[l] = -1;
    b->extent[l] = bound->label[l].extent;
  }
  b->auxiliary = true;
  for (int i = 0; i < bound->n_in; i++)
    if (bound->padded[i]) ES_TRY(es_builder_pad(b, i));
  b->auxiliary = false;
  for (int i = 0; i < bound->n_out; i++) {
    ES_TRY(es_builder_output(b, i));
    if (es_dtype_class(bound->out[i].dtype) == ES_CLASS_INT && !bound->wrap)
      b->plan->may_overflow = true;
  }
  return ES_OK;
}
