/* Files. Reading is strict: the bytes a header asks for must be present before
 * anything is allocated. Saving is atomic: temporary file, fsync, rename; whoever
 * reads the target sees the old file or the whole new one. The rules of
 * einstride.h hold. Errors: IO the system refused, FORMAT the file is not sound,
 * DTYPE or UNSUPPORTED it is sound but not for us, LIMIT it is too large for the
 * context, OVERFLOW a u64 that does not fit; each names the file. */
#ifndef EINSTRIDE_IO_H
#define EINSTRIDE_IO_H

#include "einstride.h"

#ifdef __cplusplus
extern "C" {
#endif

/* By the file's first bytes: .npy, IDX (plain or gzip), .png. A .npz needs
 * es_load_npz. Types without a name here are widened: u16 to i32, u32 to i64, u64
 * to i64 if it fits. Images are u8, (h, w) or (h, w, c); 16 bits a sample are
 * refused. Fortran order gives a view of C-order storage. Pipes and devices are
 * not read. */
ES_API es_tensor *es_load(es_ctx *ctx, const char *path);
/* By the name's ending: .npy (every type but bf16, which NumPy cannot name), .png
 * (u8 or bool, (h, w) or (h, w, c) with c of 1 to 4). A link is followed; the mode
 * of a file that is replaced is kept. */
ES_API es_status es_save(es_ctx *ctx, const char *path, const es_tensor *x);

/* The entries of a .npz, in the order of its directory, without ".npy". names[i]
 * is printable UTF-8 in a buffer of the context that the next call with it may
 * reuse. Returns the number of entries, -1 on error (then names and out are NULL);
 * at most cap are loaded. Entries must lie apart, agree with the directory and
 * their check sum, and be .npy files. */
ES_API int64_t es_load_npz(es_ctx *ctx, const char *path, const char **names, es_tensor **out,
                           int64_t cap);
/* names without ".npy", each different. The same arrays give the same bytes. */
ES_API es_status es_save_npz(es_ctx *ctx, const char *path, const char *const *names,
                             es_tensor *const *xs, int64_t n, bool compress);

/* .npy from and to memory. es_npy_write returns the bytes the whole takes, 0 on
 * error, and writes at most cap. */
ES_API es_tensor *es_npy_read(es_ctx *ctx, const void *bytes, size_t len);
ES_API size_t es_npy_write(es_ctx *ctx, const es_tensor *x, void *bytes, size_t cap);

#ifdef __cplusplus
}
#endif

#endif
