#include "repl/functions/deliver.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

sc_value *sc_deliver(sc_args *a, sc_buffer *out, const char *path) {
  sc_value *result = NULL;
  if (path && a->s->shapes_only) {
    result = sc_none(a->s);
  } else if (!path) {
    result = sc_string(a->s, sc_text(out), out->len);
  } else {
    FILE *file = fopen(path, "wb");
    bool ok = file && fwrite(sc_text(out), 1, out->len, file) == out->len;
    if (file && fclose(file) != 0) ok = false;
    if (ok)
      result = sc_none(a->s);
    else
      sc_fail(a->s, ES_E_IO, a->span, "'%.200s' cannot be written: %s", path, strerror(errno));
  }
  sc_buffer_free(out);
  return result;
}
