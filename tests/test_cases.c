/* Runs tests/cases/X.test and the examples of the manual. */
#include <criterion/criterion.h>
#include <glob.h>

#include "tests/support/cases.h"

static int run_file(const char *path) {
  case_file file;
  bool read = cases_read(path, &file);
  cr_expect(read, "%s is no case file", path);
  es_ctx *ctx = es_ctx_create(&(es_config){.max_bytes = 1 << 30}); /* for rule M1 */
  static char report[1 << 16];
  for (int i = 0; read && i < file.n; i++) {
    const case_row *row = &file.rows[i];
    cr_expect(cases_run(ctx, row, report, sizeof report), "%s:%d: '%s': %s", row->file, row->line,
              row->text, report);
  }
  es_ctx_destroy(ctx);
  int n = file.n;
  es_arena_free(&file.arena);
  return n;
}

Test(cases, files) {
  glob_t paths;
  cr_assert_eq(glob(ES_SOURCE_DIR "/tests/cases/*.test", 0, NULL, &paths), 0);
  int rows = 0;
  for (size_t i = 0; i < paths.gl_pathc; i++) rows += run_file(paths.gl_pathv[i]);
  globfree(&paths);
  cr_assert_geq(rows, 400, "only %d rows", rows);
}

Test(cases, manual) { cr_assert_geq(run_file(ES_SOURCE_DIR "/docs/GRAMMAR.md"), 30); }
