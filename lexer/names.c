#include "lexer/names.h"

#include <string.h>

enum { FIRST_ROOM = 16 };

static uint32_t hash_of(const char *text, size_t len) {
  uint32_t h = 2166136261u; /* FNV-1a */
  for (size_t i = 0; i < len; i++) h = (h ^ (unsigned char)text[i]) * 16777619u;
  return h ^ h >> 15;
}

/* The slot that holds the name, or the free one where it belongs. */
static int32_t *find(const es_names *names, const char *text, size_t len, uint32_t hash) {
  uint32_t mask = 2 * (uint32_t)names->room - 1;
  for (uint32_t i = hash & mask;; i = (i + 1) & mask) {
    int32_t id = names->slot[i] - 1;
    if (id < 0) return &names->slot[i];
    if (names->hash[id] == hash && !strncmp(names->text[id], text, len) && !names->text[id][len])
      return &names->slot[i];
  }
}

static bool grow(es_names *names) {
  int32_t room = names->room ? names->room * 2 : FIRST_ROOM;
  const char **text = ES_NEW_N(names->arena, const char *, room);
  es_span *first = ES_NEW_N(names->arena, es_span, room);
  uint32_t *hash = ES_NEW_N(names->arena, uint32_t, room);
  int32_t *slot = ES_NEW_N(names->arena, int32_t, 2 * (size_t)room);
  if (!text || !first || !hash || !slot) return false;
  for (int32_t i = 0; i < names->n; i++) {
    text[i] = names->text[i], first[i] = names->first[i], hash[i] = names->hash[i];
    uint32_t mask = 2 * (uint32_t)room - 1, at = hash[i] & mask;
    while (slot[at]) at = (at + 1) & mask;
    slot[at] = i + 1;
  }
  names->room = room;
  names->text = text, names->first = first, names->hash = hash, names->slot = slot;
  return true;
}

es_name_id es_names_intern(es_names *names, const char *text, size_t len, es_span span) {
  if (names->n == names->room && !grow(names)) return ES_NO_NAME;
  uint32_t hash = hash_of(text, len);
  int32_t *slot = find(names, text, len, hash);
  if (*slot) return *slot - 1;
  const char *copy = es_arena_copy_text(names->arena, text, len);
  if (!copy) return ES_NO_NAME;
  names->text[names->n] = copy;
  names->first[names->n] = span;
  names->hash[names->n] = hash;
  *slot = names->n + 1;
  return names->n++;
}
