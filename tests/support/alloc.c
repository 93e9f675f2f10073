#include "support/alloc.h"

#include <stdlib.h>
#include <string.h>

/* header (64 bytes) | block | guard (16 bytes) */
enum { LEAD = 64, GUARD = 16, FRESH = 0xa5, GUARD_BYTE = 0x5c };
static const uint64_t MAGIC = 0x65696e7374726964u;

typedef struct header {
  uint64_t magic;
  size_t size;
} header;

void test_alloc_init(test_alloc *a) {
  *a = (test_alloc){.calls = 0};
  pthread_mutex_init(&a->lock, NULL);
}

static void *take(test_alloc *a, size_t size) {
  a->calls++;
  if (a->fail_at && (a->calls == a->fail_at || (a->fail_after && a->calls > a->fail_at))) {
    a->failed++;
    return NULL;
  }
  if (size > SIZE_MAX - LEAD - GUARD - 64) return NULL;
  char *whole = aligned_alloc(64, (LEAD + size + GUARD + 63) / 64 * 64);
  if (!whole) return NULL;
  *(header *)(void *)whole = (header){MAGIC, size};
  /* What is not written must not look like zero. */
  memset(whole + LEAD, FRESH, size < 4096 ? size : 4096);
  memset(whole + LEAD + size, GUARD_BYTE, GUARD);
  a->blocks++;
  a->bytes += (int64_t)size;
  return whole + LEAD;
}

static void give(test_alloc *a, void *ptr, size_t old_size) {
  char *whole = (char *)ptr - LEAD;
  header *h = (header *)(void *)whole;
  if (h->magic != MAGIC) {
    a->defects++;
    return;
  }
  if (h->size != old_size) a->defects++;
  for (int i = 0; i < GUARD; i++)
    if ((unsigned char)whole[LEAD + h->size + (size_t)i] != GUARD_BYTE) {
      a->defects++;
      break;
    }
  a->blocks--;
  a->bytes -= (int64_t)h->size;
  h->magic = 0;
  memset(ptr, 0xdd, h->size < 4096 ? h->size : 4096);
  free(whole);
}

static void *hook(void *user, void *ptr, size_t old_size, size_t new_size) {
  test_alloc *a = user;
  pthread_mutex_lock(&a->lock);
  void *block = new_size ? take(a, new_size) : NULL;
  if (ptr && (block || !new_size)) {
    if (block) memcpy(block, ptr, old_size < new_size ? old_size : new_size);
    give(a, ptr, old_size);
  }
  pthread_mutex_unlock(&a->lock);
  return block;
}

es_allocator test_alloc_hooks(test_alloc *a) { return (es_allocator){hook, a}; }

void test_alloc_fail(test_alloc *a, int64_t k, bool after) {
  pthread_mutex_lock(&a->lock);
  a->fail_at = a->calls + k;
  a->fail_after = after;
  a->failed = 0;
  pthread_mutex_unlock(&a->lock);
}

void test_alloc_obey(test_alloc *a) {
  pthread_mutex_lock(&a->lock);
  a->fail_at = 0;
  pthread_mutex_unlock(&a->lock);
}
