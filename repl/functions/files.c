/* load and save: the only functions that touch files. */
#include <string.h>

#include "einstride/io.h"
#include "repl/functions/tables.h"
#include "repl/language/functions.h"

#define MOST_ENTRIES 256

static bool ends_with(const char *text, const char *ending) {
  size_t n = strlen(text), m = strlen(ending);
  return n >= m && !strcmp(text + n - m, ending);
}

static sc_value *load_archive(sc_args *a, const char *path) {
  const char *names[MOST_ENTRIES];
  es_tensor *tensors[MOST_ENTRIES];
  sc_value *items[2 * MOST_ENTRIES];
  int64_t n = es_load_npz(a->s->es, path, names, tensors, MOST_ENTRIES);
  if (n < 0) return sc_fail_engine(a->s, a->span);
  if (n > MOST_ENTRIES)
    return sc_fail(a->s, ES_E_LIMIT, a->span,
                   "the archive has %lld entries; at most %d can be loaded", (long long)n,
                   MOST_ENTRIES);
  for (int64_t i = 0; i < n; i++) {
    items[2 * i] = sc_string(a->s, names[i], strlen(names[i]));
    items[2 * i + 1] = sc_tensor(a->s, tensors[i], a->flavour);
  }
  return sc_sequence(a->s, SC_DICT, 2 * n, items);
}

static sc_value *load(sc_args *a) {
  const char *path;
  if (!sc_arg_text(a, 0, &path)) return NULL;
  if (ends_with(path, ".npz")) return load_archive(a, path);
  return sc_result(a->s, a->span, es_load(a->s->es, path), a->flavour);
}

static sc_value *left_out(sc_args *a) {
  if (sc_trace_on) sc_trace_fail(sc_trace_on, "it writes a file");
  return sc_none(a->s);
}

static sc_value *save(sc_args *a) {
  const char *path;
  if (!sc_arg_text(a, 0, &path)) return NULL;
  es_tensor *x = sc_arg_tensor(a, 1);
  if (!x) return NULL;
  if (a->s->shapes_only) return left_out(a);
  if (es_save(a->s->es, path, x) != ES_OK) return sc_fail_engine(a->s, a->span);
  return sc_none(a->s);
}

static sc_value *save_archive(sc_args *a) {
  const char *path;
  bool compress;
  if (!sc_arg_text(a, 0, &path) || !sc_arg_bool(a, 1, a->function->code, &compress)) return NULL;
  es_tensor **tensors = sc_scratch(a->s, (size_t)(a->n_extra + 1) * sizeof *tensors);
  for (int64_t i = 0; i < a->n_extra; i++)
    if (!(tensors[i] = sc_to_tensor(a->s, a->extra_at[i], a->extra[i], a->flavour, ES_DTYPE_AUTO)))
      return NULL;
  if (a->s->shapes_only) return left_out(a);
  if (es_save_npz(a->s->es, path, a->extra_names, tensors, a->n_extra, compress) != ES_OK)
    return sc_fail_engine(a->s, a->span);
  return sc_none(a->s);
}

#define WHERE (SC_IN_BARE | SC_IN_ARRAYS)

const sc_function sc_functions_files[] = {
    {"load", WHERE, "path|file", load, 0,
     "load('x.npy'), an image, IDX, or a .npz, which gives a dict."},
    {"save", WHERE, "path|file x|arr", save, 0, "save('x.npy', x); also .png."},
    {"savez", WHERE, "path|file compress? **", save_archive, 0, "savez('all.npz', x=x, w=w)."},
    {"savez_compressed", WHERE, "path|file compress? **", save_archive, 1, "savez, compressed."},
    {NULL, 0, NULL, NULL, 0, NULL}};
