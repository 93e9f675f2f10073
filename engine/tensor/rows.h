/* A view read or written in C order, a row of at most ES_ROW elements at a time,
 * converted on the way. Everything elementwise is built on it: a position in C
 * order is all that operands of different strides and types share. */
#ifndef ES_ENGINE_ROWS_H
#define ES_ENGINE_ROWS_H

#include "engine/ctx.h"
#include "engine/kernels/elementwise.h"
#include "engine/tensor/tensor.h"

typedef struct es_rows {
  char *data; /* element (0, …) */
  es_dtype dtype;
  es_dtype compute; /* of the rows; dtype itself: rows are moved as they are */
  int rank;         /* axes that walk as one are merged, those of extent 1 dropped */
  int64_t shape[ES_MAX_RANK], strides[ES_MAX_RANK];
  bool direct; /* C order and no conversion: a row is the memory itself */
  bool far;    /* and larger than the caches: fetched ahead */
  es_load_row load;
  es_store_row store;
  void (*stream)(char *out, const char *in, int64_t bytes); /* written past the caches, or NULL */
} es_rows;

/* data is element (0, …) of a view with these axes. compute is dtype
 * itself, or a compute type; reading needs a load of that pair, writing a store. */
void es_rows_init(es_rows *rows, const es_kernels *kernels, const void *data, es_dtype dtype,
                  int rank, const int64_t *shape, const int64_t *strides, es_dtype compute);
void es_rows_of(es_rows *rows, const es_tensor *t, es_dtype compute);
/* Rows that will be written, by es_rows_run: where they outgrow the caches, past these. */
void es_rows_to(es_rows *rows, const es_kernels *kernels);
/* Elements first .. first+n-1: in row, which holds n values of the compute type,
 * or in the view's own memory. */
const void *es_rows_read(const es_rows *rows, int64_t first, int64_t n, void *row);
/* Returns n, or the place in the row of the first value that does not fit; then
 * nothing from its run on is written. */
int64_t es_rows_write(const es_rows *rows, int64_t first, int64_t n, const void *row);
/* Where a task may put elements first.. itself: the memory when direct, else row. */
static inline void *es_rows_place(const es_rows *rows, int64_t first, void *row) {
  return rows->direct ? rows->data + first * (int64_t)es_dtype_size(rows->dtype) : row;
}

/* out[i] = condition[i] ? a[i] : b[i], elements of size bytes. */
void es_rows_choose(size_t size, void *out, const uint8_t *condition, const void *a, const void *b,
                    int64_t n);
/* NumPy's rule over the shapes of n operands, aligned at their last axes. */
es_status es_rows_broadcast(const char *what, int n, const es_array *in, int *rank, int64_t *shape,
                            es_error *error);

/* Room for one row of any compute type. */
typedef union es_row_buffer {
  _Alignas(ES_ALIGN) char bytes[ES_ROW * 16];
  int64_t i64[ES_ROW];
  float f32[ES_ROW];
  double f64[ES_ROW];
} es_row_buffer;

/* Calls task for all rows of count elements, on the pool when there are many. task
 * returns n, or the place of the first element without a result; the result is
 * count, or the lowest such position, whatever the number of threads. */
enum { ES_ROWS_CANCELLED = -1 };
typedef int64_t (*es_rows_task)(void *arg, int64_t first, int64_t n);
int64_t es_rows_run(es_ctx *ctx, int64_t count, es_rows_task task, void *arg);

/* An operation that only layers need, with the types of es_unary's EXP. */
es_tensor *es_activate(es_ctx *ctx, es_activation op, const es_tensor *x);

/* Writes the view x, whose element (0, …) is at x_data, into an array of the same
 * shape, converted. Every value is known to fit. May be CANCELLED. */
es_status es_rows_copy(es_ctx *ctx, const es_view *x, const void *x_data, es_array to,
                       es_error *error);

/* "(3, 0, 7)": the index of position at in C order. cap >= 1. */
void es_position_text(int rank, const int64_t *shape, int64_t at, char *buf, size_t cap);
/* A scalar as text, integers exactly. */
void es_scalar_text(es_scalar value, char *buf, size_t cap);

#endif
