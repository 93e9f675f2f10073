#include "tests/support/guard.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FILLER = 0x5c, ALIGN = 64 };

static size_t page_bytes(void) {
  static size_t page;
  if (!page) page = (size_t)sysconf(_SC_PAGESIZE);
  return page;
}

static guard make(size_t bytes, size_t gap, bool at_end) {
  size_t page = page_bytes(), inner = (bytes + gap + page - 1) / page * page;
  if (inner == 0) inner = page;
  guard g = {.bytes = bytes, .mapped = inner + 2 * page};
  g.pages = mmap(NULL, g.mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (g.pages == MAP_FAILED) return (guard){.data = NULL};
  if (mprotect(g.pages + page, inner, PROT_READ | PROT_WRITE) != 0) {
    munmap(g.pages, g.mapped);
    return (guard){.data = NULL};
  }
  memset(g.pages + page, FILLER, inner);
  g.data = g.pages + page + (at_end ? inner - bytes - gap : 0);
  return g;
}

guard guard_make(size_t bytes, bool at_end) { return make(bytes, 0, at_end); }

bool guard_check(const guard *g) {
  const char *end = g->pages + g->mapped - page_bytes();
  for (const char *p = g->pages + page_bytes(); p < end; p++) {
    if (p == g->data) p += g->bytes;
    if (p < end && *p != FILLER) return false;
  }
  return true;
}

void guard_free(guard *g) {
  if (g->pages) munmap(g->pages, g->mapped);
  *g = (guard){.data = NULL};
}

/* ---- the allocator ------------------------------------------------------------------------- */

static guard of_block(void *ptr, size_t bytes) {
  size_t page = page_bytes(), gap = (ALIGN - bytes % ALIGN) % ALIGN;
  size_t inner = (bytes + gap + page - 1) / page * page;
  return (guard){.data = ptr,
                 .bytes = bytes,
                 .mapped = inner + 2 * page,
                 .pages = (char *)ptr + bytes + gap - inner - page};
}

static void *hook(void *user, void *ptr, size_t old_size, size_t new_size) {
  void *block = NULL;
  if (new_size) {
    block = make(new_size, (ALIGN - new_size % ALIGN) % ALIGN, true).data;
    if (!block) return NULL;
  }
  if (ptr) {
    if (block) memcpy(block, ptr, old_size < new_size ? old_size : new_size);
    guard old = of_block(ptr, old_size);
    if (!guard_check(&old)) ++*(_Atomic int64_t *)user;
    guard_free(&old);
  }
  return block;
}

es_allocator guard_allocator(_Atomic int64_t *damaged) { return (es_allocator){hook, damaged}; }
