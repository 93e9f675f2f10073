#include <einstride.h>
#include <einstride/layers.h>
#include <stdio.h>

int main(void) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = es_rand(es, ES_F32, ES_SHAPE(8, 64, 56, 56));
  es_tensor *w = es_rand(es, ES_F32, ES_SHAPE(4, 32, 16, 3, 3));

  /* A 3 x 3 convolution in 4 groups, padded, and the channel shuffle after it. */
  es_tensor *y = es_einsum(es, "b (g c) (h+kh-1)?0 (w+kw-1)?0, g o c kh kw -> b (o g) h w",
                           ES_IN(x, w), NULL);
  /* Space to depth. An error sticks: the chain is checked once, at its end. */
  y = es_relu(
      es, es_rearrange(es, "b c (h i) (w j) -> b (c i j) h w", y, ES_SIZES({"i", 2}, {"j", 2})));

  if (!y) fputs(es_error_text(es), stderr);
  for (int i = 0; i < es_rank(y); i++) printf("%lld ", (long long)es_shape(y)[i]);
  printf("\n");
  es_ctx_destroy(es);
}
