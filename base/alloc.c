#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Bytes from which a block asks for huge pages, and of one of them: the first touch of 4 KiB
 * pages takes longer than most operations on what is in them, and moves that stride over
 * many pages wait for their addresses. */
enum { LARGE = 4 << 20, HUGE_PAGE = 2 << 20 };

/* Only the huge pages that lie whole inside of a block, so that it never occupies more
 * memory than it has bytes. Where there are none, nothing is lost. */
static void ask_for_huge_pages(char *block, size_t size) {
#if defined(MADV_HUGEPAGE)
  size_t head = -(uintptr_t)block % HUGE_PAGE;
  madvise(block + head, (size - head) / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
#else
  (void)block, (void)size;
#endif
}

/* malloc keeps small blocks of its own alignment at hand for each thread, which
 * aligned_alloc does not: it takes five times as long. A block starts at the next
 * multiple of ES_ALIGN inside a larger one, whose address stands right before it. */
static void *aligned_malloc(size_t size) {
  if (size > SIZE_MAX - ES_ALIGN) return NULL;
  char *whole = malloc(size + ES_ALIGN);
  if (!whole) return NULL;
  /* malloc aligns to max_align_t: at least one pointer lies between the two. */
  char *block = whole + (ES_ALIGN - (uintptr_t)whole % ES_ALIGN);
  memcpy(block - sizeof whole, &whole, sizeof whole);
  if (size >= LARGE) ask_for_huge_pages(block, size);
  return block;
}

static void aligned_free(char *block) {
  char *whole;
  memcpy(&whole, block - sizeof whole, sizeof whole);
  free(whole);
}

static void *default_realloc(void *user, void *ptr, size_t old_size, size_t new_size) {
  (void)user;
  void *block = new_size ? aligned_malloc(new_size) : NULL;
  if (new_size && !block) return NULL;
  if (ptr) {
    if (block) memcpy(block, ptr, old_size < new_size ? old_size : new_size);
    aligned_free(ptr);
  }
  return block;
}

es_allocator es_allocator_default(void) { return (es_allocator){default_realloc, NULL}; }
