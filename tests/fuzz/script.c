/* Scripts of any text, and lines as the prompt reads them. Files there are none: the table
 * of functions that open them is left out. */
#include <string.h>
#include <unistd.h>

#include "repl/commands/interrupt.h"
#include "repl/commands/run.h"
#include "repl/commands/table.h"
#include "repl/functions/all.h"
#include "repl/language/functions.h"
#include "tests/fuzz/fuzz.h"

enum { LIMIT = 1 << 22 };

const sc_function sc_functions_files[] = {{NULL, 0, NULL, NULL, 0, NULL}};

/* What scripts print is not looked at; reports of this program are. */
static void silence(void) {
  static bool done;
  if (done) return;
  done = true;
  REQUIRE(freopen("/dev/null", "w", stdout), "no /dev/null");
}

void fuzz_one(const uint8_t *bytes, size_t len) {
  fuzz_bytes b = {bytes, len};
  fuzz_heap heap;
  silence();
  int how = fuzz_byte(&b);
  uint8_t failure = fuzz_byte(&b);
  fuzz_heap_open(&heap, 0);
  sc_runner r = {.commands = sc_all_commands, .json = true, .keep_going = how & 1};
  es_config config = {.allocator = fuzz_heap_hooks(&heap), .threads = 1, .max_bytes = LIMIT};
  int questions = 0;
  config.cancel = fuzz_enough;
  config.user = &questions;
  char *text = malloc(b.left + 1);
  REQUIRE(text && sc_session_open(&r.session, sc_all_functions, &config), "no session");
  r.session.out = stdout;
  memcpy(text, b.at, b.left);
  text[b.left] = 0;
  sc_source source = {.name = "<fuzz>", .text = text, .len = b.left, .first_line = 1};
  fuzz_heap_fail(&heap, failure);
  sc_run(&r, &source);
  REQUIRE(r.status != ES_E_INTERNAL, "'%s'", text);
  fuzz_heap_obey(&heap);
  sc_runner_close(&r);
  free(text);
  fuzz_heap_close(&heap);
}
