/* Files. Reading is strict: the bytes a header asks for must be present before
 * anything is allocated. Saving is atomic: temporary file, fsync, rename. The
 * rules of einstride.h hold. */
#ifndef EINSTRIDE_IO_H
#define EINSTRIDE_IO_H

#include "einstride.h"

#ifdef __cplusplus
extern "C" {
#endif

/* By the file's first bytes: .npy, IDX (plain or gzip), .png. A .npz needs
 * es_load_npz. Images are u8, (h, w) or (h, w, c). */
ES_API es_tensor *es_load(es_ctx *ctx, const char *path);
/* By the name's ending: .npy, .png. */
ES_API es_status es_save(es_ctx *ctx, const char *path, const es_tensor *x);

/* The entries of a .npz, in the order of its directory. names[i] is a pointer
 * into a buffer of the context that the next call with it may reuse. Returns the
 * number of entries, -1 on error; at most cap are written. */
ES_API int64_t es_load_npz(es_ctx *ctx, const char *path, const char **names, es_tensor **out,
                           int64_t cap);
ES_API es_status es_save_npz(es_ctx *ctx, const char *path, const char *const *names,
                             es_tensor *const *xs, int64_t n, bool compress);

/* .npy from and to memory. es_npy_write returns the bytes the whole takes and
 * writes at most cap. */
ES_API es_tensor *es_npy_read(es_ctx *ctx, const void *bytes, size_t len);
ES_API size_t es_npy_write(es_ctx *ctx, const es_tensor *x, void *bytes, size_t cap);

#ifdef __cplusplus
}
#endif

#endif
