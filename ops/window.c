/* Windows: one place where stride, dilation, padding and kernel are resolved. */
#include <string.h>

#include "base/checked.h"
#include "engine/ctx.h"
#include "ops/ops.h"

void es_ops_put(es_ops_sizes *sizes, const char *name, int64_t size) {
  sizes->item[sizes->n++] = (es_axis_size){name, size};
}

static const char *const stride_name[3] = {"st", "sh", "sw"};
static const char *const dilation_name[3] = {"dt", "dh", "dw"};
static const char *const padding_name[3] = {"pt", "ph", "pw"};
static const char *const output_name[3] = {"to", "ho", "wo"};
static const char *const kernel_name[3] = {"kt", "kh", "kw"};

void es_ops_put_window(es_ops_sizes *sizes, int n_axes, const es_ops_axis *axes) {
  for (int letter = 3 - n_axes, i = 0; letter < 3; letter++, i++) {
    es_ops_put(sizes, stride_name[letter], axes[i].s);
    es_ops_put(sizes, dilation_name[letter], axes[i].d);
    es_ops_put(sizes, padding_name[letter], axes[i].low);
  }
}

void es_ops_put_outputs(es_ops_sizes *sizes, int n_axes, const es_ops_axis *axes) {
  for (int i = 0; i < n_axes; i++) es_ops_put(sizes, output_name[3 - n_axes + i], axes[i].out);
}

void es_ops_put_kernels(es_ops_sizes *sizes, int n_axes, const es_ops_axis *axes) {
  for (int i = 0; i < n_axes; i++) es_ops_put(sizes, kernel_name[3 - n_axes + i], axes[i].k);
}

static int64_t entry(const int64_t values[3], int i, int64_t otherwise) {
  return values[i] ? values[i] : values[0] ? values[0] : otherwise;
}

/* floor or ceil of (n + low + high - d(k-1) - 1)/s, plus 1. PyTorch drops a last
 * window that ceil would start in the high padding. */
static int64_t output_extent(const es_ops_axis *a, bool ceil_mode) {
  int64_t room = a->n + a->low + a->high - a->d * (a->k - 1) - 1;
  if (room < 0) return 0;
  int64_t out = (room + (ceil_mode ? a->s - 1 : 0)) / a->s + 1;
  return ceil_mode && (out - 1) * a->s >= a->n + a->low ? out - 1 : out;
}

static es_status resolve(es_ctx *ctx, const char *op, const es_window *w, int i, es_ops_axis *a) {
  a->s = entry(w->stride, i, 1);
  a->d = entry(w->dilation, i, 1);
  a->low = w->padding_each ? w->padding[i] : entry(w->padding, i, 0);
  a->high = !w->has_high      ? a->low
            : w->padding_each ? w->padding_high[i]
                              : entry(w->padding_high, i, 0);
  /* Past 2^31 a padding or a stride has no use, and sums below cannot wrap. */
  const int64_t most = INT64_C(1) << 31;
  if (a->k < 1 || a->s < 1 || a->d < 1 || a->low < 0 || a->high < 0 || a->k > most || a->s > most ||
      a->d > most || a->low > most || a->high > most)
    return es_ops_fail(
        ctx, ES_E_VALUE,
        "%s: spatial axis %d needs kernel, stride and dilation of 1 … 2^31 and padding "
        "of 0 … 2^31; found kernel %lld, stride %lld, dilation %lld, padding (%lld, %lld)",
        op, i, (long long)a->k, (long long)a->s, (long long)a->d, (long long)a->low,
        (long long)a->high);
  if (a->n < 0)
    return es_ops_fail(ctx, ES_E_VALUE,
                       "%s: spatial axis %d has the size %lld; a size is 0 or more", op, i,
                       (long long)a->n);
  int64_t reach;
  if (!es_mul_i64(a->d, a->k - 1, &reach) || reach > INT64_MAX / 4 || a->n > INT64_MAX / 4)
    return es_ops_fail(ctx, ES_E_OVERFLOW,
                       "%s: the window on spatial axis %d is longer than an int64 holds", op, i);
  if (w->mode == ES_PAD_SAME) {
    if (a->s != 1)
      return es_ops_fail(ctx, ES_E_VALUE,
                         "%s: padding 'same' needs stride 1, found %lld: give numbers", op,
                         (long long)a->s);
    a->low = reach / 2;
    a->high = reach - a->low;
  } else if (w->mode == ES_PAD_VALID) {
    a->low = a->high = 0;
  }
  return ES_OK;
}

es_status es_ops_window(es_ctx *ctx, const char *op, const es_window *window, int n_axes,
                        const int64_t *n, const int64_t *k, es_ops_axis *axes) {
  es_window none = {0};
  if (!window) window = &none;
  if (!n || !k)
    return es_ops_fail(ctx, ES_E_VALUE, "%s: the list of %d %s is NULL", op, n_axes,
                       k ? "output sizes" : "kernel sizes");
  for (int i = 0; i < n_axes; i++) {
    es_ops_axis *a = &axes[i];
    *a = (es_ops_axis){.n = n[i], .k = k[i]};
    ES_TRY(resolve(ctx, op, window, i, a));
    a->out = output_extent(a, window->ceil_mode);
    if (a->out < 1)
      return es_ops_fail(
          ctx, ES_E_EXTENT,
          "%s: on spatial axis %d the window of %lld (kernel %lld, dilation %lld) is longer "
          "than the padded input of %lld (%lld + %lld + %lld)",
          op, i, (long long)(a->d * (a->k - 1) + 1), (long long)a->k, (long long)a->d,
          (long long)(a->low + a->n + a->high), (long long)a->low, (long long)a->n,
          (long long)a->high);
  }
  return ES_OK;
}

/* ---- from script arguments ------------------------------------------------------ */

void es_ops_spread(const es_value *value, int n, int64_t *out) {
  for (int i = 0; i < n; i++)
    out[i] = value->n > 1 && i < value->n ? value->ints[i] : value->ints[0];
}

static int copy_entries(const int64_t *from, int n, int64_t to[3]) {
  if (n > 3) n = 3;
  for (int i = 0; i < n; i++) to[i] = from[i];
  return n;
}

es_window es_ops_window_of(const es_value *stride, const es_value *padding,
                           const es_value *dilation, const es_value *groups) {
  es_window w = {0};
  if (stride && stride->type != ES_PARAM_NONE) copy_entries(stride->ints, stride->n, w.stride);
  if (dilation && dilation->type != ES_PARAM_NONE)
    copy_entries(dilation->ints, dilation->n, w.dilation);
  if (groups) w.groups = groups->i;
  if (padding && padding->type != ES_PARAM_NONE) {
    w.mode = padding->mode;
    w.padding_each = copy_entries(padding->ints, padding->n, w.padding) > 1;
    w.has_high = padding->high != NULL;
    if (w.has_high) copy_entries(padding->high, padding->n, w.padding_high);
  }
  return w;
}
