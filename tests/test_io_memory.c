/* Files with every allocation failing in turn: an error, nothing leaked, no half
 * result, and the next try succeeds. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "einstride/io.h"
#include "support/alloc.h"
#include "support/files.h"

static es_tensor *x; /* made before anything fails */
static const char *names[4];
static es_tensor *loaded[4];

static bool load_npz(es_ctx *es, const char *file) {
  int64_t n = es_load_npz(es, test_data(file), names, loaded, 4);
  cr_assert(n >= 0 || (!loaded[0] && !loaded[1] && !names[0]));
  return n >= 0;
}
static bool load_stored(es_ctx *es) { return load_npz(es, "stored.npz"); }
static bool load_deflated(es_ctx *es) { return load_npz(es, "deflated.npz"); }
static bool load_npy(es_ctx *es) { return es_load(es, test_data("fortran_f4.npy")); }
static bool load_gzip(es_ctx *es) { return es_load(es, test_data("u1.idx.gz")); }
static bool save_npy(es_ctx *es) { return es_save(es, test_scratch("x.npy"), x) == ES_OK; }
#ifdef ES_HAVE_PNG
static bool load_png(es_ctx *es) { return es_load(es, test_data("interlaced.png")); }
static bool load_palette(es_ctx *es) { return es_load(es, test_data("palette.png")); }
static bool save_png(es_ctx *es) { return es_save(es, test_scratch("x.png"), x) == ES_OK; }
#endif
static bool save_npz(es_ctx *es) {
  const char *name = "x";
  return es_save_npz(es, test_scratch("x.npz"), &name, &x, 1, true) == ES_OK;
}

static const struct {
  const char *name;
  bool (*run)(es_ctx *es);
} doors[] = {
    {"load stored.npz", load_stored}, {"load deflated.npz", load_deflated},
    {"load .npy", load_npy},          {"load gzip", load_gzip},
    {"save .npy", save_npy},          {"save .npz", save_npz},
#ifdef ES_HAVE_PNG
    {"load .png", load_png},          {"load palette", load_palette},
    {"save .png", save_png},
#endif
};

/* Returns how many allocations were failed until the door went through. */
static int64_t fail_each(size_t d, bool after) {
  int64_t k = 1;
  for (;; k++) {
    test_alloc a;
    test_alloc_init(&a);
    es_config config = {.allocator = test_alloc_hooks(&a), .threads = 1};
    es_ctx *es = es_ctx_create(&config);
    static const int64_t shape[2] = {8, 8};
    x = es_transpose(es, es_ramp(es, ES_U8, 2, shape), 0, 1);
    cr_assert(x);
    int64_t refused = a.failed;
    test_alloc_fail(&a, k, after);
    bool done = doors[d].run(es);
    bool struck = a.failed > refused;
    test_alloc_obey(&a);
    /* libpng does without some of what it asks for. */
    cr_assert(done || struck, "%s failed by itself: %s", doors[d].name, es_error_text(es));
    cr_assert(done || es_ctx_error(es)->status == ES_E_NOMEM, "%s: %s", doors[d].name,
              es_error_text(es));
    es_clear_error(es);
    cr_assert(doors[d].run(es), "%s does not recover: %s", doors[d].name, es_error_text(es));
    es_ctx_destroy(es);
    cr_assert(a.blocks == 0 && a.defects == 0,
              "%s, allocation %lld: %lld blocks left, %lld defects", doors[d].name, (long long)k,
              (long long)a.blocks, (long long)a.defects);
    if (!struck) return k - 1;
    cr_assert_lt(k, 1000);
  }
}

Test(io_memory, every_allocation_may_fail) {
  for (size_t d = 0; d < sizeof doors / sizeof *doors; d++)
    for (int after = 0; after < 2; after++)
      cr_assert_gt(fail_each(d, after), 0, "%s allocates nothing", doors[d].name);
}
