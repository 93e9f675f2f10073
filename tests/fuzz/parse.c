/* parse -> print -> parse is a fixed point; a failed allocation is reported as such, and
 * the next attempt reads what it would have read. */
#include <string.h>

#include "base/arena.h"
#include "lexer/ast.h"
#include "tests/fuzz/fuzz.h"

enum { KINDS = 7, READINGS = 3, ROOM = 4096 };

static void check_tree(es_arena *arena, const es_pattern *p) {
  char first[ROOM], second[ROOM];
  size_t n = es_pattern_print(p, first, sizeof first);
  if (n >= sizeof first) return;
  es_pattern *again;
  es_error error = {.status = ES_OK};
  es_status status = es_parse(arena, p->kind, first, n, p->reading, &again, &error);
  REQUIRE(status == ES_OK, "'%s' is printed, and refused: %s", first, error.message);
  REQUIRE(es_pattern_equal(p, again), "'%s' is another tree", first);
  REQUIRE(es_pattern_print(again, second, sizeof second) == n && !strcmp(first, second),
          "'%s' is printed as '%s'", first, second);
}

void fuzz_one(const uint8_t *bytes, size_t len) {
  fuzz_bytes b = {bytes, len};
  int how = fuzz_byte(&b);
  es_kind kind = (es_kind)(how % KINDS);
  es_reading reading = (es_reading)(how / KINDS % READINGS);
  bool renders = how >= 2 * KINDS * READINGS, dumps = how >= 5 * KINDS * READINGS;
  fuzz_heap heap;
  fuzz_heap_open(&heap, fuzz_byte(&b));
  es_allocator allocator = fuzz_heap_hooks(&heap);
  es_arena arena;
  es_arena_init(&arena, &allocator);
  const char *text = (const char *)b.at;
  es_pattern *p = NULL;
  es_error error = {.status = ES_OK};
  es_status status = es_parse(&arena, kind, text, b.left, reading, &p, &error);
  if (status == ES_E_NOMEM) {
    REQUIRE(heap.struck && !p, "memory there was");
    fuzz_heap_obey(&heap);
    status = es_parse(&arena, kind, text, b.left, reading, &p, &error);
  }
  fuzz_heap_obey(&heap);
  REQUIRE((status == ES_OK) == (p != NULL), "%s", es_status_name(status));
  if (p) {
    check_tree(&arena, p);
    if (dumps) FUZZ_CHECK_PRINT(es_pattern_dump(p, buf, cap));
  } else {
    REQUIRE(error.status == status, "two statuses");
    fuzz_check_error(&error, renders ? text : NULL, b.left);
  }
  es_arena_free(&arena);
  fuzz_heap_close(&heap);
}
