#include "engine/scatter.h"

es_status es_scatter_expand(es_binder *b, const es_draft *draft, bool *gaps) {
  *gaps = false;
  return es_fail(b->error, ES_E_UNSUPPORTED, "", draft->scatter[0].span,
                 "affine indices on the output are not available yet");
}
