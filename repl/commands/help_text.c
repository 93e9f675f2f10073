#include "repl/commands/help_text.h"

#include <string.h>

extern const char sc_help_text[];

/* ---- entries --------------------------------------------------------------------------- */

/* The line that begins the next entry; its end without one. */
static const char *entry_from(const char *line) {
  while (*line && strncmp(line, "= ", 2) != 0) {
    const char *end = strchr(line, '\n');
    line = end ? end + 1 : line + strlen(line);
  }
  return line;
}

bool sc_help_next(sc_help_entry *entry) {
  const char *at = entry->names ? entry->text + entry->text_len : entry_from(sc_help_text);
  if (!*at) return false;
  const char *line = strchr(at, '\n') + 1;
  *entry = (sc_help_entry){at + 2, line, (size_t)(line - at) - 3,
                           (size_t)(entry_from(line) - line)};
  return true;
}

static bool names_hold(const sc_help_entry *entry, const char *name) {
  size_t len = strlen(name);
  for (const char *at = entry->names, *end = at + entry->names_len; at < end;) {
    const char *space = memchr(at, ' ', (size_t)(end - at));
    size_t n = space ? (size_t)(space - at) : (size_t)(end - at);
    if (n == len && !memcmp(at, name, n)) return true;
    at += n + 1;
  }
  return false;
}

bool sc_help_find(const char *name, sc_help_entry *entry) {
  *entry = (sc_help_entry){0};
  while (sc_help_next(entry))
    if (names_hold(entry, name)) return true;
  return false;
}

/* ---- errors -------------------------------------------------------------------------------- */

/* By the rule that was broken, else by the kind of failure, else the name that nothing has, else
 * the function that failed. */
const char *sc_help_topic(const sc_fault *fault) {
  static const struct {
    const char *rule, *topic;
  } rules[] = {{"L1", "notation"}, {"L2", "..."},      {"L3", "("},         {"L4", "names"},
               {"L5", "->"},       {"L7", "notation"}, {"S1", "rearrange"}, {"S2", "rearrange"},
               {"S3", "reduce"},   {"S4", "repeat"},   {"S5", "..."},       {"S6", "reading"},
               {"S7", "sizes"},    {"S8", "("},        {"S9", "sizes"},     {"S10", "sizes"},
               {"S11", "->"},      {"S12", "einsum"},  {"S13", "?"},        {"S14", "pack"},
               {"S15", "|"},       {"D1", "types"},    {"M1", ".set"}};
  static const struct {
    es_status status;
    const char *topic;
  } statuses[] = {{ES_E_OVERFLOW, "types"}, {ES_E_READONLY, "views"}, {ES_E_NOMEM, ".set"}};
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
    if (!strcmp(fault->error.rule, rules[i].rule)) return rules[i].topic;
  for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
    if (fault->error.status == statuses[i].status) return statuses[i].topic;
  sc_help_entry entry;
  if (fault->unknown[0]) return sc_help_find(fault->unknown, &entry) ? fault->unknown : NULL;
  if (!fault->callee && fault->error.status == ES_E_RANGE) return "slices"; /* x[5] */
  if (!fault->callee && strstr(fault->error.message, "do not broadcast")) return "broadcasting";
  return fault->callee;
}

const char *sc_help_instead(const sc_fault *fault, size_t *len) {
  sc_help_entry entry;
  if (!fault->unknown[0] || !sc_help_find(fault->unknown, &entry)) return NULL;
  *len = strcspn(entry.text, "\n");
  return strncmp(entry.text, "write ", 6) ? NULL : entry.text;
}
