/* einstride: tensor expressions as strings.
 *
 * A pattern such as "b c (h+kh-1)?0 (w+kw-1)?0, o c kh kw -> b o h w" is
 * parsed, bound to shapes as stride views, planned, and run by one executor.
 * A convolution is a contraction over an unfold view; nothing is copied.
 *
 * Two doors:
 *   1. The tensor door. Handles live in the context's current scope; an error
 *      sticks: a call that receives NULL does nothing and returns NULL, so a
 *      chain of layers is checked once, at its end.
 *   2. The plan door. es_expr (text, no shapes) -> es_plan (bound to dtypes,
 *      shapes and strides) -> es_run, which allocates nothing.
 *
 * Rules that hold for every declaration below:
 *   Units      sizes, strides and offsets count elements, never bytes. Positions
 *              in a text count bytes from its start. Strides may be negative.
 *   Text       is NUL-terminated UTF-8 unless a length stands beside it; with a
 *              length, a NUL is a bad byte like any other.
 *   Ownership  a function that returns es_tensor* returns a handle owned by the
 *              current scope of its context; es_scope_pop releases it. es_retain
 *              adds a count of the caller's own, es_release gives one back.
 *              Arguments are never consumed. A view keeps its storage alive.
 *   Errors     nothing aborts, exits or prints. On an error every argument is
 *              unchanged and no result exists.
 *   Threads    a context, and the tensors made in it, belong to one thread at a
 *              time. Expressions and plans are immutable and shared freely.
 *   Globals    there is no writable global state. The environment is not read.
 *   Types      no function changes the rounding mode or FTZ/DAZ.
 */
#ifndef EINSTRIDE_H
#define EINSTRIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ES_VERSION_MAJOR 0
#define ES_VERSION_MINOR 1
#define ES_VERSION_PATCH 0
#define ES_VERSION_STRING "0.1.0"

#if defined(_WIN32)
#define ES_API
#elif defined(__GNUC__)
#define ES_API __attribute__((visibility("default")))
#else
#define ES_API
#endif

#if defined(__GNUC__)
#define ES_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define ES_PRINTF(fmt, args)
#endif

/* Version of the library linked at run time, "major.minor.patch". */
ES_API const char *es_version(void);

/* ---- Limits of the language ------------------------------------------- */

#define ES_MAX_RANK 64          /* axes of one tensor */
#define ES_MAX_TEXT (64 * 1024) /* bytes of one pattern */
#define ES_MAX_NAME 64          /* bytes of one axis name */
#define ES_MAX_NESTING 64       /* parentheses inside parentheses */
#define ES_MAX_OPERANDS 4096    /* operands of one expression */

/* ---- Status ----------------------------------------------------------- */

/* X(NAME, value, one-line meaning). Values are pinned: they never change. */
#define ES_STATUS_LIST(X)                                                                          \
  X(OK, 0, "success")                                                                              \
  X(SYNTAX, 1, "the text is not a pattern")                                                        \
  X(NAME, 2, "an axis name is unknown, missing or misplaced")                                      \
  X(RANK, 3, "a tensor has another number of axes than its term")                                  \
  X(EXTENT, 4, "two sizes clash")                                                                  \
  X(UNDETERMINED, 5, "a size does not follow from what was given")                                 \
  X(COUNT, 6, "the number of operands differs from the number of terms")                           \
  X(RANGE, 7, "an index or a read leaves its axis")                                                \
  X(EMPTY, 8, "a reduction without identity over nothing")                                         \
  X(DTYPE, 9, "an element type has no rule for the operation")                                     \
  X(OVERFLOW, 10, "a result or a size does not fit its integer type")                              \
  X(NOMEM, 11, "the allocator returned nothing")                                                   \
  X(LIMIT, 12, "a limit of the context would be exceeded")                                         \
  X(READONLY, 13, "a write to a read-only view")                                                   \
  X(VALUE, 14, "a parameter has a value outside its domain")                                       \
  X(IO, 15, "the operating system refused a file operation")                                       \
  X(FORMAT, 16, "a file is not what its name or header says")                                      \
  X(CANCELLED, 17, "the cancel callback asked to stop")                                            \
  X(UNSUPPORTED, 18, "valid, but not available in this build")                                     \
  X(INTERNAL, 19, "an invariant of the library failed; please report it")

typedef enum es_status {
#define ES_X(name, value, text) ES_E_##name = value,
  ES_STATUS_LIST(ES_X)
#undef ES_X
      ES_OK = 0
} es_status;

/* "ES_E_EXTENT" and the one-line meaning. Never NULL. ES_E_OK prints "ES_OK". */
ES_API const char *es_status_name(es_status status);
ES_API const char *es_status_text(es_status status);

/* What went wrong, by value: nothing to free. */
typedef struct es_error {
  es_status status;
  int32_t operand; /* index of the operand to blame, -1 for none */
  int64_t offset;  /* place in the text, in bytes; length 0: no place */
  int64_t length;
  int64_t offset2; /* second place where two clash; length2 0: none */
  int64_t length2;
  char rule[8];      /* "S7": the row of the manual's table of rejections */
  char message[640]; /* one sentence, or two: what, and how to mend it */
} es_error;

/* Writes sentence, text line and caret line, each ended by '\n', for an error in
 * text[0..len). Writes at most cap bytes, always NUL-terminated when cap > 0.
 * Returns the bytes the whole would take without the NUL. Control bytes of the
 * text are escaped; of a long text the part around the carets is shown. */
ES_API size_t es_error_render(const es_error *error, const char *text, size_t len, char *buf,
                              size_t cap);

/* ---- Element types ---------------------------------------------------- */

/* X(NAME, value, printed name, bytes). Values are pinned. */
#define ES_DTYPE_LIST(X)                                                                           \
  X(BOOL, 0, "bool", 1)                                                                            \
  X(U8, 1, "u8", 1)                                                                                \
  X(I8, 2, "i8", 1)                                                                                \
  X(I16, 3, "i16", 2)                                                                              \
  X(I32, 4, "i32", 4)                                                                              \
  X(I64, 5, "i64", 8)                                                                              \
  X(F16, 6, "f16", 2)                                                                              \
  X(BF16, 7, "bf16", 2)                                                                            \
  X(F32, 8, "f32", 4)                                                                              \
  X(F64, 9, "f64", 8)                                                                              \
  X(C64, 10, "c64", 8)                                                                             \
  X(C128, 11, "c128", 16)

typedef enum es_dtype {
#define ES_X(name, value, text, bytes) ES_##name = value,
  ES_DTYPE_LIST(ES_X)
#undef ES_X
      ES_DTYPE_COUNT = 12,
  ES_DTYPE_AUTO = -1 /* where a call chooses: the promoted operand type */
} es_dtype;

ES_API const char *es_dtype_name(es_dtype dtype); /* "f32"; "?" if invalid */
ES_API size_t es_dtype_size(es_dtype dtype);      /* bytes; 0 if invalid */
/* "f32", and NumPy's and PyTorch's names ("float32", "double", …).
 * Returns ES_DTYPE_AUTO for an unknown name. */
ES_API es_dtype es_dtype_from_name(const char *name);
/* NumPy's promotion of two array types; bf16 with f16 gives f32. */
ES_API es_dtype es_dtype_promote(es_dtype a, es_dtype b);

/* ---- Context ---------------------------------------------------------- */

typedef struct es_ctx es_ctx;
typedef struct es_tensor es_tensor;
typedef struct es_expr es_expr;
typedef struct es_plan es_plan;

/* One door to memory. old_size is what was asked for before (0 with ptr NULL);
 * new_size 0 frees and returns NULL. Returned blocks are aligned to 64 bytes.
 * Must be callable from any thread that uses objects of the context. */
typedef struct es_allocator {
  void *(*realloc)(void *user, void *ptr, size_t old_size, size_t new_size);
  void *user;
} es_allocator;

typedef enum es_isa {
  ES_ISA_AUTO = 0,
  ES_ISA_V16 = 16, /* SSE2, NEON or generic: 16-byte vectors */
  ES_ISA_V32 = 32, /* AVX2 and FMA */
  ES_ISA_V64 = 64  /* AVX-512 F, BW, DQ, VL */
} es_isa;

/* What a context allows of the language, at most all of it; zero in any field means all. */
typedef struct es_limits {
  int text;     /* bytes of one pattern or program; ES_MAX_TEXT */
  int nesting;  /* brackets inside brackets; ES_MAX_NESTING */
  int operands; /* of one expression; ES_MAX_OPERANDS */
  int rank;     /* axes of one tensor; ES_MAX_RANK */
} es_limits;

/* Zero in any field means the default. */
typedef struct es_config {
  es_allocator allocator;
  int threads;              /* default: the processors this process may use */
  es_isa isa;               /* default: the widest the processor has */
  int64_t max_bytes;        /* memory limit of the context; default 3/4 of RAM */
  int64_t max_cached_plans; /* default 1024; -1: no cache */
  uint64_t seed;            /* of es_rand and es_randn */
  /* Tensors have shapes and types but no elements: every call checks its operands and
   * returns what it would, in microseconds and without memory for elements; nothing is
   * computed. es_read and what needs values answer ES_E_UNSUPPORTED, es_data gives NULL. */
  bool shapes_only;
  /* Asked between tiles, from worker threads too; true stops the run with
   * ES_E_CANCELLED. done and total are multiply-adds. */
  bool (*cancel)(void *user);
  void (*progress)(void *user, double done, double total);
  void *user;
  double max_operations; /* multiply-adds of one expression; default: no limit */
  double max_seconds;    /* of all work from here on; default: no limit */
  es_limits limits;      /* of texts and tensors; default: those of the language */
} es_config;

/* NULL config: all defaults. NULL result: out of memory. */
ES_API es_ctx *es_ctx_create(const es_config *config);
/* Releases every scope and the pool. Tensors retained by the caller stay valid
 * until released. NULL is allowed. */
ES_API void es_ctx_destroy(es_ctx *ctx);

/* The sticky error. It holds the first failure since es_clear_error. */
ES_API const es_error *es_ctx_error(const es_ctx *ctx);
/* Sentence, text and caret of the sticky error; "" when there is none. Valid
 * until the next call with this context. */
ES_API const char *es_error_text(es_ctx *ctx);
ES_API void es_clear_error(es_ctx *ctx);

/* Bytes held by the context and its tensors: now, and the highest since the
 * last es_memory_reset_peak. */
ES_API int64_t es_memory_now(const es_ctx *ctx);
ES_API int64_t es_memory_peak(const es_ctx *ctx);
ES_API void es_memory_reset_peak(es_ctx *ctx);

ES_API int es_threads(const es_ctx *ctx);
ES_API es_status es_set_threads(es_ctx *ctx, int threads); /* >= 1 */
ES_API es_isa es_isa_used(const es_ctx *ctx);
ES_API es_status es_set_isa(es_ctx *ctx, es_isa isa); /* UNSUPPORTED if absent */
/* 0: default. What a pointer cannot reach is cut off: 2^31 - 1 bytes where it has 32 bits. */
ES_API es_status es_set_max_bytes(es_ctx *ctx, int64_t bytes);
ES_API int64_t es_max_bytes(const es_ctx *ctx);
/* What asks for more is refused before it runs: ES_E_LIMIT. 0: no limit. */
ES_API es_status es_set_max_operations(es_ctx *ctx, double operations);
/* A budget of elapsed time that begins with this call. When it is spent, work is stopped
 * as by cancel, with ES_E_LIMIT. 0: no limit. */
ES_API es_status es_set_max_seconds(es_ctx *ctx, double seconds);
/* What goes beyond is refused before anything is made of it: ES_E_LIMIT. Layers are
 * expressions too and keep to the same limits. NULL: those of the language. */
ES_API es_status es_set_limits(es_ctx *ctx, const es_limits *limits);
ES_API void es_set_seed(es_ctx *ctx, uint64_t seed); /* starts es_rand and es_randn anew */
/* Forces one strategy by name ("loops", "gemm", …); NULL lets the planner
 * choose. A problem to which it does not apply is an error. For tests. */
ES_API es_status es_set_strategy(es_ctx *ctx, const char *name);

/* Scopes nest. es_ctx_create opens the outermost one, which es_scope_pop empties
 * but leaves open. */
ES_API es_status es_scope_push(es_ctx *ctx);
ES_API void es_scope_pop(es_ctx *ctx);
/* Ends the innermost scope but moves t to the one around it; returns t. */
ES_API es_tensor *es_scope_pop_keep(es_ctx *ctx, es_tensor *t);
ES_API es_tensor *es_retain(es_tensor *t);
ES_API void es_release(es_tensor *t); /* NULL is allowed */

/* ---- Tensors: what they are ------------------------------------------- */

ES_API es_dtype es_dtype_of(const es_tensor *t);
ES_API int es_rank(const es_tensor *t);
ES_API const int64_t *es_shape(const es_tensor *t);   /* [rank] */
ES_API const int64_t *es_strides(const es_tensor *t); /* [rank], elements */
ES_API int64_t es_size(const es_tensor *t);           /* elements */
/* First element. Readable at every index; write only when es_is_writable. */
ES_API const void *es_data(const es_tensor *t);
ES_API void *es_data_mut(es_tensor *t); /* NULL when read-only */
ES_API bool es_is_writable(const es_tensor *t);
ES_API bool es_is_constant(const es_tensor *t);   /* made by es_constant, or a view of such a one */
ES_API bool es_is_contiguous(const es_tensor *t); /* C order, no gaps */
ES_API bool es_is_view(const es_tensor *t);       /* shares storage with another handle */
/* Copies the elements, in C order and converted to dtype as es_cast does, into
 * out[0..count). count must equal es_size(t). */
ES_API es_status es_read(es_ctx *ctx, const es_tensor *t, es_dtype dtype, void *out, int64_t count);

/* ---- Tensors: making them --------------------------------------------- */

ES_API es_tensor *es_empty(es_ctx *ctx, es_dtype dtype, int rank, const int64_t *shape);
ES_API es_tensor *es_zeros(es_ctx *ctx, es_dtype dtype, int rank, const int64_t *shape);
ES_API es_tensor *es_full(es_ctx *ctx, es_dtype dtype, int rank, const int64_t *shape,
                          double value);
/* 0, 1, 2, … in C order over the shape. */
ES_API es_tensor *es_ramp(es_ctx *ctx, es_dtype dtype, int rank, const int64_t *shape);
/* start, start+step, …, below stop (above it for a negative step). */
ES_API es_tensor *es_arange(es_ctx *ctx, es_dtype dtype, double start, double stop, double step);
ES_API es_tensor *es_linspace(es_ctx *ctx, es_dtype dtype, double start, double stop,
                              int64_t count);
ES_API es_tensor *es_eye(es_ctx *ctx, es_dtype dtype, int64_t rows, int64_t columns);
/* U[0,1) and N(0,1) from a counter-based generator: the k-th number of a seed is
 * the same on every machine. Floating-point and complex types only. */
ES_API es_tensor *es_rand(es_ctx *ctx, es_dtype dtype, int rank, const int64_t *shape);
ES_API es_tensor *es_randn(es_ctx *ctx, es_dtype dtype, int rank, const int64_t *shape);
/* A copy of C-order elements. */
ES_API es_tensor *es_from_data(es_ctx *ctx, es_dtype dtype, int rank, const int64_t *shape,
                               const void *data);
/* Memory of the caller's, without a copy. data[0..length) are the elements that
 * may be touched; the view starts at offset. release(user) is called once, when
 * the last handle goes, also when this call fails; NULL for none. strides NULL:
 * C order. */
ES_API es_tensor *es_wrap(es_ctx *ctx, es_dtype dtype, void *data, int64_t length, int64_t offset,
                          int rank, const int64_t *shape, const int64_t *strides, bool writable,
                          void (*release)(void *user), void *user);
ES_API es_tensor *es_copy(es_ctx *ctx, const es_tensor *x);       /* new, C order */
ES_API es_tensor *es_contiguous(es_ctx *ctx, const es_tensor *x); /* x itself if it is */
/* A copy that nobody can write: a weight. Expressions, programs and layers compute what
 * depends on constants alone once, and keep weights packed as their kernels read them, in the
 * plans of the context's cache (at most a quarter of its memory limit). */
ES_API es_tensor *es_constant(es_ctx *ctx, const es_tensor *x);
/* Converts. Float to integer truncates toward zero; what does not fit is an
 * ES_E_OVERFLOW that names the position. Complex to real is ES_E_DTYPE. */
ES_API es_tensor *es_cast(es_ctx *ctx, const es_tensor *x, es_dtype dtype);
/* Writes src, broadcast and converted, into dst in place. dst must be writable;
 * overlap acts as if src had been copied first. */
ES_API es_status es_assign(es_ctx *ctx, es_tensor *dst, const es_tensor *src);

/* ---- Views: no element is copied --------------------------------------- */

/* axes[i] is the axis of x that becomes axis i; negative counts from the end. */
ES_API es_tensor *es_permute(es_ctx *ctx, const es_tensor *x, const int *axes);
ES_API es_tensor *es_transpose(es_ctx *ctx, const es_tensor *x, int axis0, int axis1);
/* One extent may be -1. A view where strides allow, else a copy. */
ES_API es_tensor *es_reshape(es_ctx *ctx, const es_tensor *x, int rank, const int64_t *shape);
ES_API es_tensor *es_flatten(es_ctx *ctx, const es_tensor *x, int first_axis, int last_axis);
/* ES_ALL stands for an absent bound, as in Python's x[::step]. */
#define ES_ALL INT64_MIN
ES_API es_tensor *es_slice(es_ctx *ctx, const es_tensor *x, int axis, int64_t start, int64_t stop,
                           int64_t step);
ES_API es_tensor *es_select(es_ctx *ctx, const es_tensor *x, int axis, int64_t index);
ES_API es_tensor *es_unsqueeze(es_ctx *ctx, const es_tensor *x, int axis);
ES_API es_tensor *es_squeeze(es_ctx *ctx, const es_tensor *x, int axis);
ES_API es_tensor *es_squeeze_all(es_ctx *ctx, const es_tensor *x);
ES_API es_tensor *es_diagonal(es_ctx *ctx, const es_tensor *x, int64_t offset, int axis0,
                              int axis1); /* the diagonal becomes the last axis */
ES_API es_tensor *es_broadcast_to(es_ctx *ctx, const es_tensor *x, int rank, const int64_t *shape);
/* Windows of size elements each dilation apart, every step along axis; the
 * window axis comes last. PyTorch's Tensor.unfold with dilation. */
ES_API es_tensor *es_unfold_axis(es_ctx *ctx, const es_tensor *x, int axis, int64_t size,
                                 int64_t step, int64_t dilation);
ES_API es_tensor *es_flip(es_ctx *ctx, const es_tensor *x, int axis);
/* Any view inside the storage of x: offset counts from element 0 of x and every
 * index must stay in the storage. Read-only unless provably injective. */
ES_API es_tensor *es_as_strided(es_ctx *ctx, const es_tensor *x, int rank, const int64_t *shape,
                                const int64_t *strides, int64_t offset);

/* ---- Elementwise -------------------------------------------------------- */

/* X(NAME, function name). */
/* clang-format off */
#define ES_UNARY_LIST(X) \
  X(NEG, "negative") X(ABS, "abs") X(SIGN, "sign") X(SQUARE, "square") X(SQRT, "sqrt") \
  X(RSQRT, "rsqrt") X(RECIPROCAL, "reciprocal") X(EXP, "exp") X(EXPM1, "expm1") X(LOG, "log") \
  X(LOG1P, "log1p") X(LOG2, "log2") X(LOG10, "log10") X(SIN, "sin") X(COS, "cos") \
  X(TAN, "tan") X(TANH, "tanh") X(ERF, "erf") X(FLOOR, "floor") X(CEIL, "ceil") \
  X(ROUND, "round") X(TRUNC, "trunc") X(NOT, "logical_not") X(ISNAN, "isnan") \
  X(ISINF, "isinf") X(ISFINITE, "isfinite") X(CONJ, "conj") X(REAL, "real") X(IMAG, "imag")

#define ES_BINARY_LIST(X) \
  X(ADD, "add") X(SUB, "subtract") X(MUL, "multiply") X(DIV, "divide") \
  X(FLOORDIV, "floor_divide") X(MOD, "remainder") X(POW, "power") X(MAXIMUM, "maximum") \
  X(MINIMUM, "minimum") X(ATAN2, "arctan2") X(EQ, "equal") X(NE, "not_equal") X(LT, "less") \
  X(LE, "less_equal") X(GT, "greater") X(GE, "greater_equal") X(AND, "logical_and") \
  X(OR, "logical_or") X(XOR, "logical_xor")
/* clang-format on */

typedef enum es_unary_op {
#define ES_X(name, text) ES_##name,
  ES_UNARY_LIST(ES_X)
#undef ES_X
      ES_UNARY_COUNT
} es_unary_op;

typedef enum es_binary_op {
#define ES_X(name, text) ES_##name,
  ES_BINARY_LIST(ES_X)
#undef ES_X
      ES_BINARY_COUNT
} es_binary_op;

/* NumPy's result types: EXP and the like take i32 and i64 to f64, narrower integers
 * to f32 (NumPy's f16 for 8 bits would lose digits); comparisons give bool;
 * DIV of integers gives f64, RECIPROCAL of them a real type as EXP does. Complex
 * numbers have no order. Integer FLOORDIV and MOD by zero, MIN / -1 and any
 * result that does not fit are ES_E_OVERFLOW or ES_E_VALUE with the position. */
ES_API es_tensor *es_unary(es_ctx *ctx, es_unary_op op, const es_tensor *x);
ES_API es_tensor *es_binary(es_ctx *ctx, es_binary_op op, const es_tensor *a, const es_tensor *b);
/* With a scalar that does not widen the type of a beyond its kind (NumPy 2):
 * f32 + 0.5 is f32, i32 + 1 is i32, i32 + 0.5 is f64. */
ES_API es_tensor *es_binary_scalar(es_ctx *ctx, es_binary_op op, const es_tensor *a, double b,
                                   bool b_is_integer, bool scalar_first);
ES_API es_tensor *es_where(es_ctx *ctx, const es_tensor *condition, const es_tensor *a,
                           const es_tensor *b);

/* ---- Reductions over axes and joining ----------------------------------- */

typedef enum es_reducer {
  ES_REDUCE_NONE = 0,
  ES_REDUCE_SUM,
  ES_REDUCE_PROD,
  ES_REDUCE_MAX,
  ES_REDUCE_MIN,
  ES_REDUCE_MEAN,
  ES_REDUCE_ANY,
  ES_REDUCE_ALL,
  ES_REDUCE_LOGSUMEXP,
  ES_REDUCER_COUNT
} es_reducer;

ES_API const char *es_reducer_name(es_reducer r); /* "sum", … */

/* axes NULL with n_axes 0 reduces all. sum and prod over bool and integers give
 * i64, mean of integers f64. */
ES_API es_tensor *es_reduce_axes(es_ctx *ctx, es_reducer r, const es_tensor *x, const int *axes,
                                 int n_axes, bool keepdims);
/* Index of the first largest (smallest) element, i64; NaN wins. axis ES_NO_AXIS:
 * over the flattened tensor. */
#define ES_NO_AXIS INT32_MIN
ES_API es_tensor *es_argmax(es_ctx *ctx, const es_tensor *x, int axis, bool keepdims);
ES_API es_tensor *es_argmin(es_ctx *ctx, const es_tensor *x, int axis, bool keepdims);
ES_API es_tensor *es_concat(es_ctx *ctx, es_tensor *const *xs, int64_t n, int axis);
ES_API es_tensor *es_stack(es_ctx *ctx, es_tensor *const *xs, int64_t n, int axis);

/* ---- The notation --------------------------------------------------------- */

/* A size, a parameter or a window length by name. A list ends with {NULL, 0}. */
typedef struct es_axis_size {
  const char *name;
  int64_t size;
} es_axis_size;

#ifndef __cplusplus
#define ES_IN(...)                                                                                 \
  ((es_tensor *const[]){__VA_ARGS__}),                                                             \
      ((int64_t)(sizeof((es_tensor *const[]){__VA_ARGS__}) / sizeof(es_tensor *)))
#define ES_SIZES(...) ((const es_axis_size[]){__VA_ARGS__, {NULL, 0}})
#define ES_SHAPE(...)                                                                              \
  ((int)(sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))),                               \
      ((const int64_t[]){__VA_ARGS__})
#endif

typedef enum es_reading { ES_READ_AUTO = 0, ES_READ_LETTERS, ES_READ_NAMES } es_reading;

/* Which function reads the pattern; decides the rules S1-S4 of the manual. */
typedef enum es_kind {
  ES_KIND_EINSUM = 0,
  ES_KIND_REARRANGE,
  ES_KIND_REDUCE,
  ES_KIND_REPEAT,
  ES_KIND_PACK,
  ES_KIND_UNPACK,
  ES_KIND_SHAPE,
  ES_KIND_PROGRAM /* several named statements; see es_program */
} es_kind;

typedef enum es_broadcast {
  ES_BROADCAST_AUTO = 0, /* LETTERS stretch size 1, NAMES are strict */
  ES_BROADCAST_STRICT,
  ES_BROADCAST_STRETCH
} es_broadcast;

/* Zero in any field means the default. */
typedef struct es_options {
  es_reading reading;
  es_broadcast broadcast;
  es_reducer reducer;        /* where the text names none; REDUCE has no default */
  const es_axis_size *sizes; /* NULL, or a list ended by {NULL, 0} */
  /* Shape of the output, for affine output axes whose size the text leaves
   * open (col2im with a remainder). NULL, or [rank of the output], where -1
   * means: as the pattern says. */
  const int64_t *out_shape;
  int out_rank;
  bool has_out_dtype; /* else the promoted operand type */
  es_dtype out_dtype;
  bool wrap; /* integer results modulo 2^bits instead of an error */
  /* f16, bf16 and f32 are multiplied and added up in f64 and rounded once, at the end: an
   * error of one rounding, at a third to half the speed. c64 in c128. */
  bool precise;
  bool has_scale;       /* out = alpha * expression + beta * out */
  double alpha, beta;   /* beta 0 never reads out, another needs one */
  const char *strategy; /* NULL: the planner chooses */
  bool alone;           /* the plan is for the calling thread, whatever threads there are */
  /* How long to search for the order of many operands, as a multiple of what is usual
   * (2 to 30 ms above 14 operands), rounded down to a power of two; 0 means 1. More never finds
   * a dearer order, in multiply-adds and bytes touched. Above 14 operands trees are also drawn at
   * random: another order_seed draws others. The same order for the same effort and seed. */
  double effort;
  uint64_t order_seed;
  /* NULL, or one for each operand: true where in[i].data hold what they will hold in every
   * run. They are read when the plan is made, and never again: what depends on them alone is
   * computed then, and kept in the plan, packed as its kernels want it; runs ignore in[i]. */
  const bool *constant;
  /* NULL, or one for each operand of an expression: the first operand that is the same array,
   * its own number where none is. What equal operands are contracted to in equal ways is then
   * computed once: the same bits, in less time. Runs must give these operands the same data.
   * Functions that take tensors find it out for themselves; programs know it by the names. */
  const int64_t *same;
} es_options;

/* n-ary contraction, any pattern with one output term. sizes may be NULL. */
ES_API es_tensor *es_einsum(es_ctx *ctx, const char *text, es_tensor *const *in, int64_t n,
                            const es_axis_size *sizes);
/* The same with options, into out when out is not NULL (then out is returned,
 * in its own dtype and strides; a failure leaves it unchanged unless the run was
 * cancelled midway). */
ES_API es_tensor *es_einsum_into(es_ctx *ctx, const char *text, es_tensor *const *in, int64_t n,
                                 const es_options *options, es_tensor *out);
ES_API es_tensor *es_rearrange(es_ctx *ctx, const char *text, const es_tensor *x,
                               const es_axis_size *sizes);
ES_API es_tensor *es_reduce(es_ctx *ctx, const char *text, es_reducer reducer, const es_tensor *x,
                            const es_axis_size *sizes);
ES_API es_tensor *es_repeat(es_ctx *ctx, const char *text, const es_tensor *x,
                            const es_axis_size *sizes);
/* Any number of outputs, for '^' splits: "b (x ^ y) -> b x, b y". Writes n_out
 * handles to out; on error all of them are NULL. */
ES_API es_status es_split(es_ctx *ctx, const char *text, es_tensor *const *in, int64_t n,
                          const es_axis_size *sizes, es_tensor **out, int64_t n_out);
/* einops.pack: "b * c" over tensors of differing rank. The packed shape of
 * input i is written to shapes[i*ES_MAX_RANK…] with ranks[i] axes. */
ES_API es_tensor *es_pack(es_ctx *ctx, const char *text, es_tensor *const *in, int64_t n,
                          int64_t *shapes, int *ranks);
ES_API es_status es_unpack(es_ctx *ctx, const char *text, const es_tensor *x, const int64_t *shapes,
                           const int *ranks, int64_t n, es_tensor **out);
/* einops.parse_shape: writes the size of each named axis of the term into
 * values, the names (pointers into a buffer of the context, valid until the
 * next call) into names. Returns the count, -1 on error. */
ES_API int64_t es_parse_shape(es_ctx *ctx, const char *text, const es_tensor *x, const char **names,
                              int64_t *values, int64_t cap);

/* Where axis names stand in a text, for whoever colours or completes them; the text
 * need not be a pattern yet. */
typedef struct es_label_place {
  int64_t offset, length; /* bytes */
  int32_t name;           /* equal names have equal numbers, from 0 in order of appearance */
  int32_t term;           /* operands from 0; from the arrow on -1, -2, … */
} es_label_place;
/* Writes at most cap places in the order of the text; returns how many there are. */
ES_API int64_t es_text_labels(const char *text, size_t len, es_kind kind, es_reading reading,
                              es_label_place *places, int64_t cap);

/* A program: named statements in one text, planned as one. A statement is
 *   NAME = pattern whose operands are named:  h = x: b c (i+ki-1)?0, w: o c ki -> b o i
 *   NAME = arithmetic on values and numbers:  h = relu(h + [bias: o -> o 1])
 *   NAME = 3                                  a size, and a number
 * ended by a line end or ';'. Patterns in arithmetic stand in brackets. A name that no
 * statement gives a value is an input; an axis has one size throughout. The results are
 * the last line's names, or what the last statement names. The manual has the grammar.
 *
 * Runs text over in[0..n), one for each of names[0..n) (NULL: in the order in which the
 * inputs first appear in the text), and writes its n_out results, in order, to out; on an
 * error all of them are NULL. Intermediates live in one workspace, which is used again;
 * es_expr and es_plan (ES_KIND_PROGRAM) tell names and sizes, and run without allocating. */
ES_API es_status es_program(es_ctx *ctx, const char *text, const char *const *names,
                            es_tensor *const *in, int64_t n, const es_axis_size *sizes,
                            es_tensor **out, int64_t n_out);

/* ---- The plan door ---------------------------------------------------------- */

/* A described array: pointers are borrowed for the length of the call. */
typedef struct es_array {
  void *data; /* may be NULL when planning */
  es_dtype dtype;
  int rank;
  const int64_t *shape;
  const int64_t *strides; /* NULL: C order */
} es_array;

/* Parses text[0..len) as kind reads it. Counted, immutable, free of shapes. ctx
 * gives the allocator and the limits. On failure returns NULL and fills *error. */
ES_API es_expr *es_expr_parse(es_ctx *ctx, es_kind kind, const char *text, size_t len,
                              es_reading reading, es_error *error);
ES_API es_expr *es_expr_retain(es_expr *expr);
ES_API void es_expr_release(es_expr *expr);
ES_API int64_t es_expr_inputs(const es_expr *expr);
ES_API int64_t es_expr_outputs(const es_expr *expr);
/* Names of a program's inputs, in the order of its operands, and of its results. NULL
 * outside, and of a pattern. They live as long as the expression. */
ES_API const char *es_expr_input(const es_expr *expr, int64_t index);
ES_API const char *es_expr_output(const es_expr *expr, int64_t index);
/* The canonical text: parse(print(parse(t))) equals parse(t). Same contract as
 * es_error_render. */
ES_API size_t es_expr_print(const es_expr *expr, char *buf, size_t cap);

/* Binds the expression to dtypes, shapes and strides of in[0..n). out NULL: C order, else an
 * array for each output, whose dtype, shape and strides are checked and used. */
ES_API es_plan *es_plan_make(es_ctx *ctx, const es_expr *expr, const es_array *in, int64_t n,
                             const es_array *out, const es_options *options, es_error *error);
ES_API es_plan *es_plan_retain(es_plan *plan);
ES_API void es_plan_release(es_plan *plan); /* of NULL all below is 0, NULL or "" */
ES_API es_dtype es_plan_dtype(const es_plan *plan);
ES_API int es_plan_rank(const es_plan *plan);
ES_API const int64_t *es_plan_shape(const es_plan *plan); /* of the output */
/* All outputs; data NULL, pointers into the plan. */
ES_API int64_t es_plan_outputs(const es_plan *plan);
ES_API es_array es_plan_output(const es_plan *plan, int64_t index);
ES_API size_t es_plan_workspace(const es_plan *plan); /* bytes, 64-aligned: intermediates at
                                                         their peak and the steps' own */
/* Multiply-adds, and the bytes of operands, result and intermediates. */
ES_API double es_plan_flops(const es_plan *plan);
ES_API double es_plan_bytes(const es_plan *plan);
/* Multiply-adds as a formula in the names of the text, one product a step:
 * "b·c·h·w·kh·kw + b·o·h·w·c". Same contract as es_error_render. */
ES_API size_t es_plan_formula(const es_plan *plan, char *buf, size_t cap);
/* Elements of the largest intermediate as such a formula, "b·o·h·w"; *bytes (may be NULL)
 * is what it takes for these sizes. "0" where there is none. Same contract. */
ES_API size_t es_plan_largest(const es_plan *plan, double *bytes, char *buf, size_t cap);
/* Bytes read and written as such a formula, operand by operand, "4·b·c·(h+k-1) + 4·o·c·k +
 * 4·b·o·h"; an axis of a program that no pattern names is "x.shape[0]" of its input. Padded copies
 * are counted. Same contract. */
ES_API size_t es_plan_bytes_formula(const es_plan *plan, char *buf, size_t cap);
/* The bytes of the intermediates that are alive together where these take most, as such a
 * formula; *bytes (may be NULL) is what they take for these sizes. The workspace holds besides
 * what the steps themselves need. "0" where there are none. Same contract. */
ES_API size_t es_plan_peak(const es_plan *plan, double *bytes, char *buf, size_t cap);
/* The quotient of two such formulas, simplified: "1/o + 1/(kh·kw)". Factors are
 * names or numbers. Same contract; 0 for a text that is no such formula. */
ES_API size_t es_formula_ratio(const char *numerator, const char *denominator, char *buf,
                               size_t cap);
/* One nested line a step, FFTW's manner. Same contract as es_error_render. */
ES_API size_t es_plan_print(const es_plan *plan, char *buf, size_t cap);
/* What a plan does, for people: its nests as pairs with sizes, m n k batch, multiply-adds,
 * bytes, kernel and time, the whole against one nest over all labels; as text, as JSON, as a
 * graph for Graphviz, as a picture. seconds: what es_run_timed measured, or NULL. Same
 * contract as es_error_render. */
typedef enum es_explain_format {
  ES_EXPLAIN_TEXT,
  ES_EXPLAIN_JSON,
  ES_EXPLAIN_DOT,
  ES_EXPLAIN_SVG
} es_explain_format;
ES_API size_t es_plan_explain(const es_plan *plan, es_explain_format format, const double *seconds,
                              char *buf, size_t cap);
ES_API int es_plan_steps(const es_plan *plan);
/* Names for options.strategy, from 0 on; NULL past the last. */
ES_API const char *es_strategy_name(int index);

/* What a text says about its axes, for pictures and for programs that look before they run:
 * which labels there are, and which element of which axis a term meets. Every axis is a sum
 * over labels: (a b) is n·a + b with n the size of b, (2*ho+kh-1) is 2·ho + kh - 1. */
typedef struct es_outline_axis es_outline_axis;
struct es_outline_axis {
  int64_t size;           /* -1: does not follow from what is known */
  int64_t offset, length; /* place in the text */
  int64_t constant;
  int n;
  const int32_t *label; /* [n], distinct */
  const int64_t *coef;  /* [n]; 0: does not follow from what is known */
  bool affine;          /* written as an index: its range may leave the axis */
  const char *fill;     /* "?0", "?edge"; NULL: none */
  int n_parts;          /* (x ^ y): these axes lie one after the other, and n is 0 */
  const es_outline_axis *part;
};
typedef struct es_outline_label {
  const char *name; /* "h", "3", "_", "...[0]" */
  int64_t size;     /* -1: does not follow from what is known */
  bool reduced;     /* in no output */
} es_outline_label;
typedef struct es_outline_term {
  int rank;
  const es_outline_axis *axis;
  int64_t offset, length; /* place in the text; length 0: not written */
} es_outline_term;
typedef struct es_outline {
  int n_in, n_out, n_labels;
  const es_outline_term *term; /* [n_in + n_out], outputs last */
  const es_outline_label *label;
  es_reducer reducer; /* NONE: the text names none */
} es_outline;
/* Of in, rank and shape are read. in NULL: of the text alone; an ellipsis is then one axis, and
 * only sizes that the text or sizes give are known. NULL on failure, with *error filled. */
ES_API const es_outline *es_outline_make(es_ctx *ctx, es_kind kind, const char *text,
                                         const es_array *in, int64_t n, const es_axis_size *sizes,
                                         es_error *error);
ES_API void es_outline_free(const es_outline *outline); /* before its context; NULL is allowed */

/* Runs a plan. Every dtype, extent and stride of in and out is compared to the
 * plan's before anything is read. Allocates nothing. workspace: at least
 * es_plan_workspace(plan) bytes aligned to 64, or NULL when that is 0. ctx NULL
 * runs on the calling thread without cancel or progress. May fail only for
 * operands that do not match (before any write), integer overflow (out then
 * holds unspecified values), or cancellation. out must not overlap an input. */
ES_API es_status es_run(es_ctx *ctx, const es_plan *plan, const es_array *in, int64_t n,
                        const es_array *out, void *workspace, es_error *error);

/* The same for any number of outputs. */
ES_API es_status es_run_all(es_ctx *ctx, const es_plan *plan, const es_array *in, int64_t n,
                            const es_array *out, int64_t n_out, void *workspace, es_error *error);

/* es_run_all, and adds to seconds[0 .. es_plan_steps(plan)) what each step took. */
ES_API es_status es_run_timed(es_ctx *ctx, const es_plan *plan, const es_array *in, int64_t n,
                              const es_array *out, int64_t n_out, void *workspace, double *seconds,
                              es_error *error);

/* Stages of a text, for people: 't' tokens, 'a' AST, 'x' axis table, 'v' views,
 * 'p' problem, 's' plan, 'c' predicted seconds of each step. letters picks some, NULL
 * all but 'c'; in may be NULL for 't' and 'a'.
 * Same contract as es_error_render; 0 and *error filled on failure. */
ES_API size_t es_dump(es_ctx *ctx, es_kind kind, const char *text, const es_array *in, int64_t n,
                      const es_options *options, const char *letters, char *buf, size_t cap,
                      es_error *error);

#ifdef __cplusplus
}
#endif

#endif /* EINSTRIDE_H */
