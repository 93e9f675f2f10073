/* oneDNN convolution, two ways: the image plain (NCHW in and out) with packed
 * weights, and all of it in the layouts oneDNN likes best, reorders not counted. */
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"

#ifdef BENCH_DNNL
#include <dlfcn.h>
#include <dnnl.h>

typedef struct conv {
  int64_t stride, pad, dilation, groups;
} conv;

typedef struct dnnl_run {
  dnnl_engine_t engine;
  dnnl_stream_t stream;
  dnnl_primitive_t primitive;
  dnnl_memory_t src, weights, dst;
  dnnl_memory_desc_t plain_dst;
  int64_t out_elements;
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

/* A memory of desc with the elements of data, which lie as data_desc says. */
static dnnl_memory_t reordered(dnnl_run *r, const dnnl_memory_desc_t *desc,
                               const dnnl_memory_desc_t *data_desc, const float *data) {
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

static bool read_conv(const bench_case *c, conv *p) {
  long long stride, pad, dilation, groups;
  if (sscanf(c->dnnl, "conv stride=%lld pad=%lld dilation=%lld groups=%lld", &stride, &pad,
             &dilation, &groups) != 4)
    return false;
  *p = (conv){stride, pad, dilation, groups};
  return c->rank[0] == 4 && c->rank[1] == 4;
}

static bool make(dnnl_run *r, const bench_case *c, const conv *p, float *const *in, bool any) {
  const int64_t *x = c->shape[0], *w = c->shape[1];
  dnnl_dims_t src = {x[0], x[1], x[2], x[3]};
  dnnl_dims_t grouped = {p->groups, w[0] / p->groups, w[1], w[2], w[3]},
              whole = {w[0], w[1], w[2], w[3]};
  dnnl_dims_t dst = {x[0], w[0], 0, 0}, stride = {p->stride, p->stride}, pad = {p->pad, p->pad};
  dnnl_dims_t dilation = {p->dilation - 1, p->dilation - 1};
  for (int i = 0; i < 2; i++)
    dst[2 + i] = (x[2 + i] + 2 * p->pad - p->dilation * (w[2 + i] - 1) - 1) / p->stride + 1;
  bool g = p->groups > 1;
  dnnl_memory_desc_t s, ws, d, s0, w0;
  if (!OK(dnnl_memory_desc_init_by_tag(&s0, 4, src, dnnl_f32, dnnl_nchw)) ||
      !OK(dnnl_memory_desc_init_by_tag(&w0, g ? 5 : 4, g ? grouped : whole, dnnl_f32,
                                       g ? dnnl_goihw : dnnl_oihw)) ||
      !OK(dnnl_memory_desc_init_by_tag(&r->plain_dst, 4, dst, dnnl_f32, dnnl_nchw)) ||
      !OK(dnnl_memory_desc_init_by_tag(&s, 4, src, dnnl_f32,
                                       any ? dnnl_format_tag_any : dnnl_nchw)) ||
      !OK(dnnl_memory_desc_init_by_tag(&ws, g ? 5 : 4, g ? grouped : whole, dnnl_f32,
                                       dnnl_format_tag_any)) ||
      !OK(dnnl_memory_desc_init_by_tag(&d, 4, dst, dnnl_f32,
                                       any ? dnnl_format_tag_any : dnnl_nchw)))
    return false;
  dnnl_convolution_desc_t desc;
  dnnl_primitive_desc_t pd;
  if (!OK(dnnl_dilated_convolution_forward_desc_init(&desc, dnnl_forward_inference,
                                                     dnnl_convolution_direct, &s, &ws, NULL, &d,
                                                     stride, dilation, pad, pad)) ||
      !OK(dnnl_primitive_desc_create(&pd, &desc, NULL, r->engine, NULL)))
    return false;
  r->src = reordered(r, dnnl_primitive_desc_query_md(pd, dnnl_query_src_md, 0), &s0, in[0]);
  r->weights = reordered(r, dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0), &w0, in[1]);
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
  r->primitive = NULL;
  r->src = r->weights = r->dst = NULL;
}

static bool prepare(dnnl_run *r, const bench_case *c, float *const *in, int64_t out_elements,
                    bool any) {
  conv p;
  r->out_elements = out_elements;
  if (!read_conv(c, &p)) return false;
  bool good = make(r, c, &p, in, any);
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

static double checksum(dnnl_run *r) {
  const dnnl_memory_desc_t *md;
  void *data;
  double sum = 0;
  if (!OK(dnnl_memory_get_memory_desc(r->dst, &md)) ||
      !OK(dnnl_memory_get_data_handle(r->dst, &data)))
    return 0;
  dnnl_memory_t out = reordered(r, &r->plain_dst, md, data);
  if (out && OK(dnnl_memory_get_data_handle(out, &data)))
    sum = bench_checksum(data, r->out_elements);
  if (out) dnnl_memory_destroy(out);
  return sum;
}

static bool plain_open(int threads) { return open_run(&plain, threads); }
static bool plain_prepare(const bench_case *c, float *const *in, int64_t n) {
  return prepare(&plain, c, in, n, false);
}
static double plain_run(int times) { return run(&plain, times); }
static double plain_checksum(void) { return checksum(&plain); }
static void plain_finish(void) { finish(&plain); }
static bool best_open(int threads) { return open_run(&best, threads); }
static bool best_prepare(const bench_case *c, float *const *in, int64_t n) {
  return prepare(&best, c, in, n, true);
}
static double best_run(int times) { return run(&best, times); }
static double best_checksum(void) { return checksum(&best); }
static void best_finish(void) { finish(&best); }
#else
static bool plain_open(int threads) { return (void)threads, false; }
static bool plain_prepare(const bench_case *c, float *const *in, int64_t n) {
  return (void)c, (void)in, (void)n, false;
}
static double plain_run(int times) { return (double)times; }
static double plain_checksum(void) { return 0; }
static void plain_finish(void) {}
#define best_open plain_open
#define best_prepare plain_prepare
#define best_run plain_run
#define best_checksum plain_checksum
#define best_finish plain_finish
#endif

static void leave(void) {}

const bench_peer bench_dnnl_plain = {"oneDNN NCHW",  plain_open,   plain_prepare, plain_run,
                                     plain_checksum, plain_finish, leave};
const bench_peer bench_dnnl_best = {"oneDNN best layout", best_open,   best_prepare, best_run,
                                    best_checksum,        best_finish, leave};
