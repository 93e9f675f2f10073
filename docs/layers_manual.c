/* Prints docs/LAYERS.md from the table of layers, so that the manual cannot say
 * anything else than the code. A test compares the two. */
#include <stdio.h>
#include <string.h>

#include "einstride/layers.h"

static void print_signature(const es_op *op) {
  printf("%s(", op->name);
  for (int i = 0; i < op->n_params; i++) {
    const es_param *p = &op->params[i];
    bool text = p->type == ES_PARAM_TEXT && p->otherwise;
    const char *quote = text ? "'" : "";
    printf("%s%s", i ? ", " : "", p->name);
    if (p->otherwise) printf("=%s%s%s", quote, p->otherwise, quote);
  }
  printf(")");
}

int main(void) {
  printf(
      "# Layers\n\n"
      "Every layer is a named expression in a table (`ops/*.def`). The C function `es_NAME`, the "
      "script\n"
      "function `NAME`, `?NAME` at the prompt and this page come from that table; parameter names "
      "are\n"
      "PyTorch's. `b...` stands for any number of batch axes, also none. This page is printed by\n"
      "`docs/layers_manual.c` (`./dev manual`).\n\n"
      "In window expressions `s` is the stride, `d` the dilation, `p` the padding and `k` the "
      "kernel of an\n"
      "axis (`t`, `h`, `w`); `?0` makes a padded position absent from the reduction.\n");
  for (int i = 0; i < es_op_count(); i++) {
    const es_op *op = es_op_at(i);
    printf("\n## %s\n\n%s\n\n```\n", op->name, op->summary);
    print_signature(op);
    printf("\n```\n\n- expression: `%s`\n- %s\n\n```es\n", op->expression, op->formula);
    for (const char *line = op->example; *line;) {
      const char *end = strstr(line, "; ");
      size_t len = end ? (size_t)(end - line) : strlen(line);
      printf("%.*s\n", (int)len, line);
      line += len + (end ? 2 : 0);
    }
    printf("```\n");
  }
  return ferror(stdout) ? 1 : 0;
}
