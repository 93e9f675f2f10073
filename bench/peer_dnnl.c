/* oneDNN, two ways. "oneDNN": the operands lie as the case says, but weights of a
 * convolution are packed. "oneDNN best": all of it in the layouts it likes best. No
 * reorder is counted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/machine.h"
#include "bench/peer.h"

#ifdef BENCH_DNNL
#include <dlfcn.h>
#include <dnnl.h>

/* What a case says of a convolution; extents of one to three spatial axes. */
typedef struct conv {
  int64_t stride, pad, dilation, groups;
  bool channels_last;
  int spatial;
} conv;

typedef struct dnnl_run {
  dnnl_engine_t engine;
  dnnl_stream_t stream;
  dnnl_primitive_t primitive;
  dnnl_memory_t src, weights, dst, plain;
  dnnl_memory_desc_t src_plain, weights_plain, dst_plain; /* as the case has them */
} dnnl_run;

static dnnl_run plain, best;

#define OK(call) ((call) == dnnl_success)

static bool open_run(dnnl_run *r, int threads) {
  void (*set)(int);
  *(void **)&set = dlsym(RTLD_DEFAULT, "omp_set_num_threads");
  if (set) set(threads);
  return r->engine || (OK(dnnl_engine_create(&r->engine, dnnl_cpu, 0)) &&
                       OK(dnnl_stream_create(&r->stream, r->engine, dnnl_stream_default_flags)));
}

static dnnl_data_type_t type_of(es_dtype type) {
  switch (type) {
  case ES_F32: return dnnl_f32;
  case ES_BF16: return dnnl_bf16;
  case ES_I8: return dnnl_s8;
  case ES_I32: return dnnl_s32;
  default: return dnnl_data_type_undef;
  }
}

/* A memory of desc with the elements of data, which lie as data_desc says. */
static dnnl_memory_t reordered(dnnl_run *r, const dnnl_memory_desc_t *desc,
                               const dnnl_memory_desc_t *data_desc, const void *data) {
  dnnl_memory_t from = NULL, to = NULL;
  dnnl_primitive_desc_t pd = NULL;
  dnnl_primitive_t reorder = NULL;
  bool good =
      OK(dnnl_memory_create(&from, data_desc, r->engine, (void *)(uintptr_t)data)) &&
      OK(dnnl_memory_create(&to, desc, r->engine, DNNL_MEMORY_ALLOCATE)) &&
      OK(dnnl_reorder_primitive_desc_create(&pd, data_desc, r->engine, desc, r->engine, NULL)) &&
      OK(dnnl_primitive_create(&reorder, pd));
  if (good) {
    dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
    good = OK(dnnl_primitive_execute(reorder, r->stream, 2, args)) &&
           OK(dnnl_stream_wait(r->stream));
  }
  if (reorder) dnnl_primitive_destroy(reorder);
  if (pd) dnnl_primitive_desc_destroy(pd);
  if (from) dnnl_memory_destroy(from);
  if (!good && to) dnnl_memory_destroy(to), to = NULL;
  return to;
}

/* Axes in oneDNN's order, lying in C order of the order given: order[i] is the axis that
 * comes i-th in memory. */
static bool describe(dnnl_memory_desc_t *desc, int rank, const int64_t *dims, const int *order,
                     dnnl_data_type_t type) {
  dnnl_dims_t extents, strides;
  int64_t step = 1;
  for (int i = rank - 1; i >= 0; i--) {
    strides[order[i]] = step;
    step *= extents[order[i]] = dims[order[i]];
  }
  return type != dnnl_data_type_undef &&
         OK(dnnl_memory_desc_init_by_strides(desc, rank, extents, type, strides));
}

static dnnl_memory_desc_t any_layout(const dnnl_memory_desc_t *desc) {
  dnnl_memory_desc_t any = *desc;
  dnnl_memory_desc_init_by_tag(&any, desc->ndims, desc->dims, desc->data_type, dnnl_format_tag_any);
  return any;
}

/* ---- convolution --------------------------------------------------------------------- */

static bool read_conv(const bench_case *c, conv *p) {
  long long stride, pad, dilation, groups;
  char layout[8] = "";
  if (sscanf(c->dnnl, "conv stride=%lld pad=%lld dilation=%lld groups=%lld %7s", &stride, &pad,
             &dilation, &groups, layout) < 4)
    return false;
  *p = (conv){stride, pad, dilation, groups, !strcmp(layout, "nhwc"), c->rank[0] - 2};
  return p->spatial >= 1 && p->spatial <= 3;
}

/* Image b c s…, or b s… c with channels last. */
static bool describe_image(dnnl_memory_desc_t *desc, const conv *p, const int64_t *dims,
                           dnnl_data_type_t type) {
  int order[5] = {0};
  for (int i = 1; i < p->spatial + 2; i++) order[i] = i;
  if (p->channels_last) {
    for (int i = 0; i < p->spatial; i++) order[1 + i] = 2 + i;
    order[1 + p->spatial] = 1;
  }
  return describe(desc, p->spatial + 2, dims, order, type);
}

/* Weights o c k…, with channels last k… c o; in groups (g o) c k…, (c 1 k… where each
 * group is one channel). */
static bool describe_conv(dnnl_run *r, const bench_case *c, const conv *p) {
  const int64_t *x = c->shape[0], *w = c->shape[1];
  const int s = p->spatial, g = p->groups > 1, at = p->channels_last ? 1 : 2;
  if (p->channels_last && g) return false;
  dnnl_dims_t src = {x[0], p->channels_last ? x[1 + s] : x[1]}, dst = {x[0]}, weights;
  int64_t out = p->channels_last ? w[s + 1] : w[0];
  dst[1] = out;
  int order[6], n = 0;
  if (g) weights[n++] = p->groups;
  weights[n++] = out / p->groups;
  weights[n++] = src[1] / p->groups;
  for (int i = 0; i < s; i++) {
    int64_t k = p->channels_last ? w[i] : w[2 + i];
    weights[n++] = k;
    src[2 + i] = x[at + i];
    dst[2 + i] = (src[2 + i] + 2 * p->pad - p->dilation * (k - 1) - 1) / p->stride + 1;
  }
  for (int i = 0; i < n; i++) order[i] = i;
  if (p->channels_last) {
    for (int i = 0; i < s; i++) order[i] = 2 + i;
    order[s] = 1, order[s + 1] = 0;
  }
  return describe_image(&r->src_plain, p, src, type_of(c->type[0])) &&
         describe(&r->weights_plain, n, weights, order, type_of(c->type[1])) &&
         describe_image(&r->dst_plain, p, dst, type_of(bench_out_type(c)));
}

static bool make_conv(dnnl_run *r, const bench_case *c, const conv *p, bool any,
                      dnnl_primitive_desc_t *pd) {
  if (!describe_conv(r, c, p)) return false;
  dnnl_memory_desc_t src = any ? any_layout(&r->src_plain) : r->src_plain;
  dnnl_memory_desc_t dst = any ? any_layout(&r->dst_plain) : r->dst_plain;
  dnnl_memory_desc_t weights = any_layout(&r->weights_plain);
  dnnl_dims_t stride, pad, dilation;
  for (int i = 0; i < 3; i++) {
    stride[i] = p->stride, pad[i] = p->pad, dilation[i] = p->dilation - 1;
  }
  dnnl_convolution_desc_t desc;
  return OK(dnnl_dilated_convolution_forward_desc_init(&desc, dnnl_forward_inference,
                                                       dnnl_convolution_direct, &src, &weights,
                                                       NULL, &dst, stride, dilation, pad, pad)) &&
         OK(dnnl_primitive_desc_create(pd, &desc, NULL, r->engine, NULL));
}

/* ---- matrix product -------------------------------------------------------------------- */

/* Plain in the plain run; the best run may pack the second operand. */
static bool make_matmul(dnnl_run *r, const bench_case *c, bool any, dnnl_primitive_desc_t *pd) {
  static const int order[3] = {0, 1, 2};
  int rank = c->rank[0];
  if (strcmp(c->dnnl, "matmul") || rank != c->rank[1] || rank > 3) return false;
  dnnl_dims_t dst;
  for (int i = 0; i < rank; i++) dst[i] = c->shape[0][i];
  dst[rank - 1] = c->shape[1][rank - 1];
  if (!describe(&r->src_plain, rank, c->shape[0], order, type_of(c->type[0])) ||
      !describe(&r->weights_plain, rank, c->shape[1], order, type_of(c->type[1])) ||
      !describe(&r->dst_plain, rank, dst, order, type_of(bench_out_type(c))))
    return false;
  dnnl_memory_desc_t weights = any ? any_layout(&r->weights_plain) : r->weights_plain;
  dnnl_matmul_desc_t desc;
  return OK(dnnl_matmul_desc_init(&desc, &r->src_plain, &weights, NULL, &r->dst_plain)) &&
         OK(dnnl_primitive_desc_create(pd, &desc, NULL, r->engine, NULL));
}

static bool make(dnnl_run *r, const bench_case *c, void *const *in, bool any) {
  conv p;
  dnnl_primitive_desc_t pd = NULL;
  if (!(read_conv(c, &p) ? make_conv(r, c, &p, any, &pd) : make_matmul(r, c, any, &pd)))
    return false;
  r->src = reordered(r, dnnl_primitive_desc_query_md(pd, dnnl_query_src_md, 0), &r->src_plain,
                     in[0]);
  r->weights = reordered(r, dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0),
                         &r->weights_plain, in[1]);
  bool good = r->src && r->weights && OK(dnnl_primitive_create(&r->primitive, pd)) &&
              OK(dnnl_memory_create(&r->dst, dnnl_primitive_desc_query_md(pd, dnnl_query_dst_md, 0),
                                    r->engine, DNNL_MEMORY_ALLOCATE));
  dnnl_primitive_desc_destroy(pd);
  return good;
}

static void finish(dnnl_run *r) {
  if (r->primitive) dnnl_primitive_destroy(r->primitive);
  if (r->src) dnnl_memory_destroy(r->src);
  if (r->weights) dnnl_memory_destroy(r->weights);
  if (r->dst) dnnl_memory_destroy(r->dst);
  if (r->plain) dnnl_memory_destroy(r->plain);
  r->primitive = NULL;
  r->src = r->weights = r->dst = r->plain = NULL;
}

static bool prepare(dnnl_run *r, const bench_case *c, void *const *in, bool any) {
  if (!*c->dnnl) return false;
  bool good = make(r, c, in, any);
  if (!good) finish(r);
  return good;
}

static double run(dnnl_run *r, int times) {
  dnnl_exec_arg_t args[] = {
      {DNNL_ARG_SRC, r->src}, {DNNL_ARG_WEIGHTS, r->weights}, {DNNL_ARG_DST, r->dst}};
  double t = bench_now();
  for (int i = 0; i < times; i++) {
    dnnl_primitive_execute(r->primitive, r->stream, 3, args);
    dnnl_stream_wait(r->stream);
  }
  return bench_now() - t;
}

static const void *result(dnnl_run *r) {
  const dnnl_memory_desc_t *md;
  void *data;
  if (!OK(dnnl_memory_get_memory_desc(r->dst, &md)) ||
      !OK(dnnl_memory_get_data_handle(r->dst, &data)))
    return NULL;
  if (r->plain) dnnl_memory_destroy(r->plain);
  r->plain = reordered(r, &r->dst_plain, md, data);
  return r->plain && OK(dnnl_memory_get_data_handle(r->plain, &data)) ? data : NULL;
}

static bool plain_open(int threads) { return open_run(&plain, threads); }
static double plain_prepare(const bench_case *c, void *const *in, int64_t n) {
  return (void)n, prepare(&plain, c, in, false) ? run(&plain, 1) : -1;
}
static double plain_run(int times) { return run(&plain, times); }
static const void *plain_result(void) { return result(&plain); }
static void plain_finish(void) { finish(&plain); }
static bool best_open(int threads) { return open_run(&best, threads); }
static double best_prepare(const bench_case *c, void *const *in, int64_t n) {
  return (void)n, prepare(&best, c, in, true) ? run(&best, 1) : -1;
}
static double best_run(int times) { return run(&best, times); }
static const void *best_result(void) { return result(&best); }
static void best_finish(void) { finish(&best); }
#else
static bool plain_open(int threads) { return (void)threads, false; }
static double plain_prepare(const bench_case *c, void *const *in, int64_t n) {
  return (void)c, (void)in, (void)n, -1;
}
static double plain_run(int times) { return (double)times; }
static const void *plain_result(void) { return NULL; }
static void plain_finish(void) {}
#define best_open plain_open
#define best_prepare plain_prepare
#define best_run plain_run
#define best_result plain_result
#define best_finish plain_finish
#endif

static void leave(void) {}

const bench_peer bench_dnnl_plain = {"oneDNN",     plain_open,   plain_prepare, plain_run,
                                     plain_result, plain_finish, leave};
const bench_peer bench_dnnl_best = {"oneDNN best", best_open,   best_prepare, best_run,
                                    best_result,   best_finish, leave};
