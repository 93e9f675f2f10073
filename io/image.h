/* PNG through libpng. Only for builds with ES_HAVE_PNG. */
#ifndef ES_IO_IMAGE_H
#define ES_IO_IMAGE_H

#include "engine/ctx.h"
#include "io/file.h"

/* u8, (h, w) for grey, else (h, w, c). A new tensor of the current scope; NULL:
 * *error filled. */
es_tensor *es_image_decode(es_ctx *ctx, es_source *source, es_error *error);
/* u8 or bool, (h, w) or (h, w, c) with c of 1 to 4. */
es_status es_image_encode(es_ctx *ctx, const es_tensor *x, es_save_file *save, es_error *error);

#endif
