#include "engine/cache.h"

#include <string.h>

#include "base/wide.h"
#include "engine/plan_make.h"

/* ---- the key ------------------------------------------------------------------ */

/* Everything a plan depends on as a row of 64-bit words, so that a look-up is one
 * hash and one comparison. Small keys stay on the stack. */
enum { STACK_WORDS = 256 };

typedef struct key {
  uint64_t *word;
  size_t n, cap;
  es_allocator *allocator;
  uint64_t stack[STACK_WORDS];
} key;

static bool key_room(key *k, size_t words) {
  if (k->cap - k->n >= words) return true;
  size_t cap = 2 * (k->n + words);
  uint64_t *grown = es_alloc(k->allocator, cap * sizeof *grown);
  if (!grown) return false;
  memcpy(grown, k->word, k->n * sizeof *grown);
  if (k->word != k->stack) es_free(k->allocator, k->word, k->cap * sizeof *grown);
  k->word = grown;
  k->cap = cap;
  return true;
}

static void key_free(key *k) {
  if (k->word != k->stack) es_free(k->allocator, k->word, k->cap * sizeof *k->word);
}

static bool put_bytes(key *k, const char *bytes, size_t len) {
  size_t words = (len + 7) / 8;
  if (!key_room(k, words + 1)) return false;
  k->word[k->n++] = len;
  if (words) k->word[k->n + words - 1] = 0;
  if (len) memcpy(k->word + k->n, bytes, len);
  k->n += words;
  return true;
}

static void put_ints(key *k, int n, const int64_t *values) {
  for (int i = 0; i < n; i++) k->word[k->n++] = (uint64_t)values[i];
}

static bool put_array(key *k, const es_array *a) {
  /* A rank or shape that bind will refuse: nothing to look up. */
  if (a->rank < 0 || a->rank > ES_MAX_RANK || (a->rank && !a->shape)) return false;
  if (!key_room(k, 1 + 2 * (size_t)a->rank)) return false;
  k->word[k->n++] = (uint64_t)(uint32_t)a->dtype << 8 | (uint64_t)a->rank << 1 |
                    (a->strides != NULL);
  put_ints(k, a->rank, a->shape);
  if (a->strides) put_ints(k, a->rank, a->strides);
  return true;
}

static uint64_t bits_of(double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

static bool put_options(key *k, const es_options *o) {
  if (!key_room(k, 9)) return false;
  k->word[k->n++] = (uint64_t)o->reading | (uint64_t)o->broadcast << 8 |
                    (uint64_t)o->reducer << 16 | (uint64_t)o->has_out_dtype << 24 |
                    (uint64_t)o->wrap << 25 | (uint64_t)o->has_scale << 26 |
                    (uint64_t)(o->out_shape != NULL) << 27 | (uint64_t)o->alone << 28 |
                    (uint64_t)o->precise << 29 | (uint64_t)(uint32_t)o->out_dtype << 32;
  k->word[k->n++] = bits_of(o->alpha);
  k->word[k->n++] = bits_of(o->beta);
  k->word[k->n++] = bits_of(o->effort);
  k->word[k->n++] = o->order_seed;
  for (const es_axis_size *s = o->sizes; s && s->name; s++) {
    if (!put_bytes(k, s->name, strlen(s->name)) || !key_room(k, 1)) return false;
    k->word[k->n++] = (uint64_t)s->size;
  }
  if (!key_room(k, 1)) return false;
  k->word[k->n++] = UINT64_MAX; /* no name is that long: the list ends */
  if (o->out_shape) {
    if (o->out_rank < 0 || o->out_rank > ES_MAX_RANK || !key_room(k, (size_t)o->out_rank + 1))
      return false;
    k->word[k->n++] = (uint64_t)o->out_rank;
    put_ints(k, o->out_rank, o->out_shape);
  }
  return o->strategy ? put_bytes(k, o->strategy, strlen(o->strategy)) : true;
}

/* False: no key, so no look-up; the call goes the long way and words its error. */
static bool make_key(key *k, es_kind kind, const char *text, size_t len, const es_array *in,
                     int64_t n, const int64_t *constant, const es_array *out,
                     const es_options *options) {
  if (!key_room(k, 2)) return false;
  k->word[k->n++] = (uint64_t)kind | (uint64_t)(out != NULL) << 8 |
                    (uint64_t)(options != NULL) << 9 | (uint64_t)(constant != NULL) << 10 |
                    (uint64_t)(options && options->same) << 11;
  k->word[k->n++] = (uint64_t)n;
  if (!put_bytes(k, text, len)) return false;
  for (int64_t i = 0; i < n; i++)
    if (!put_array(k, &in[i])) return false;
  for (int64_t i = 0; constant && i < n; i++) {
    if (!key_room(k, 2)) return false;
    k->word[k->n++] = (uint64_t)constant[i];
    k->word[k->n++] = constant[i] ? (uint64_t)(uintptr_t)in[i].data : 0;
  }
  if (options && options->same) {
    if (!key_room(k, (size_t)n)) return false;
    put_ints(k, (int)n, options->same);
  }
  if (out && !put_array(k, out)) return false;
  return !options || put_options(k, options);
}

static uint64_t mix(uint64_t a, uint64_t b) {
  es_u128 product = (es_u128)a * b;
  return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Multiply and fold, two words at a time (wyhash): 128-bit products spread every word. */
static uint64_t hash_words(const uint64_t *word, size_t n) {
  const uint64_t secret = 0xa0761d6478bd642fu;
  uint64_t h = 0x9e3779b97f4a7c15u ^ n;
  for (; n > 1; n -= 2, word += 2) h = mix(word[0] ^ secret, word[1] ^ h);
  return mix((n ? word[0] : 0) ^ 0xe7037ed1a0b428dbu, h ^ secret);
}

/* ---- the table ------------------------------------------------------------------ */

typedef struct entry entry;
struct entry {
  entry *next;          /* in its bucket */
  entry *newer, *older; /* in the order of use */
  uint64_t hash;
  es_plan *plan;
  size_t words;
  uint64_t word[];
};

struct es_plan_cache {
  entry **bucket; /* [buckets], a power of two */
  size_t buckets;
  int64_t n, bytes; /* entries; memory of their plans */
  entry *newest, *oldest;
};

/* Offset tables make a plan as long as its axes: besides the count, the cache keeps
 * to this share of the context's memory limit. */
enum { FIRST_BUCKETS = 64, MEMORY_SHARE = 16, CONSTANT_SHARE = 4 };

static size_t entry_bytes(size_t words) { return sizeof(entry) + words * sizeof(uint64_t); }

static void unlink_use(es_plan_cache *c, entry *e) {
  *(e->newer ? &e->newer->older : &c->newest) = e->older;
  *(e->older ? &e->older->newer : &c->oldest) = e->newer;
}

static void link_newest(es_plan_cache *c, entry *e) {
  e->newer = NULL;
  e->older = c->newest;
  *(c->newest ? &c->newest->newer : &c->oldest) = e;
  c->newest = e;
}

static entry *find(es_plan_cache *c, uint64_t hash, const key *k) {
  for (entry *e = c->bucket[hash & (c->buckets - 1)]; e; e = e->next)
    if (e->hash == hash && e->words == k->n &&
        memcmp(e->word, k->word, k->n * sizeof *k->word) == 0)
      return e;
  return NULL;
}

static void remove_entry(es_ctx *ctx, es_plan_cache *c, entry *e) {
  entry **link = &c->bucket[e->hash & (c->buckets - 1)];
  while (*link != e) link = &(*link)->next;
  *link = e->next;
  unlink_use(c, e);
  c->n--;
  c->bytes -= (int64_t)e->plan->arena.total;
  es_plan_release(e->plan);
  es_free(&ctx->allocator, e, entry_bytes(e->words));
}

static es_plan_cache *cache_new(es_ctx *ctx) {
  es_plan_cache *c = es_alloc(&ctx->allocator, sizeof *c);
  if (!c) return NULL;
  *c = (es_plan_cache){.buckets = FIRST_BUCKETS};
  c->bucket = es_alloc(&ctx->allocator, FIRST_BUCKETS * sizeof *c->bucket);
  if (!c->bucket) {
    es_free(&ctx->allocator, c, sizeof *c);
    return NULL;
  }
  memset(c->bucket, 0, FIRST_BUCKETS * sizeof *c->bucket);
  return c;
}

/* Twice the buckets, or the old ones where memory is short: only slower. */
static void rehash(es_ctx *ctx, es_plan_cache *c) {
  size_t buckets = 2 * c->buckets;
  entry **bucket = es_alloc(&ctx->allocator, buckets * sizeof *bucket);
  if (!bucket) return;
  memset(bucket, 0, buckets * sizeof *bucket);
  for (entry *e = c->newest; e; e = e->older) {
    e->next = bucket[e->hash & (buckets - 1)];
    bucket[e->hash & (buckets - 1)] = e;
  }
  es_free(&ctx->allocator, c->bucket, c->buckets * sizeof *bucket);
  c->bucket = bucket;
  c->buckets = buckets;
}

/* Keeping a plan is a favour: without memory it is simply not kept. */
static void keep(es_ctx *ctx, uint64_t hash, const key *k, bool constants, es_plan *plan) {
  int64_t bytes = (int64_t)plan->arena.total, share = constants ? CONSTANT_SHARE : MEMORY_SHARE;
  int64_t room = ctx->config.max_bytes / share - bytes;
  if (room < 0 || (!ctx->cache && !(ctx->cache = cache_new(ctx)))) return;
  es_plan_cache *c = ctx->cache;
  while (c->n && (c->n >= ctx->config.max_cached_plans || c->bytes > room))
    remove_entry(ctx, c, c->oldest);
  entry *e = es_alloc(&ctx->allocator, entry_bytes(k->n));
  if (!e) return;
  if ((size_t)c->n >= c->buckets) rehash(ctx, c);
  *e = (entry){.hash = hash, .plan = es_plan_retain(plan), .words = k->n};
  memcpy(e->word, k->word, k->n * sizeof *k->word);
  entry **bucket = &c->bucket[hash & (c->buckets - 1)];
  e->next = *bucket;
  *bucket = e;
  link_newest(c, e);
  c->n++;
  c->bytes += bytes;
}

/* Constants are folded and packed where memory allows; where not, every run reads them. */
static es_status make_plan(es_ctx *ctx, es_kind kind, const char *text, size_t len,
                           const es_array *in, int64_t n, const es_array *out,
                           const es_options *options, es_plan **plan, es_error *error) {
  es_status status = es_plan_from_text(ctx, kind, text, len, in, n, out, options, plan, error);
  if (status != ES_E_LIMIT || !options || !options->constant) return status;
  es_options reading = *options;
  reading.constant = NULL;
  return es_plan_from_text(ctx, kind, text, len, in, n, out, &reading, plan, error);
}

es_status es_cache_plan(es_ctx *ctx, es_kind kind, const char *text, size_t len, const es_array *in,
                        int64_t n, const int64_t *constant, const es_array *out,
                        const es_options *options, es_plan **plan, es_error *error) {
  if (ctx->config.max_cached_plans < 0)
    return make_plan(ctx, kind, text, len, in, n, out, options, plan, error);
  key k;
  k.word = k.stack;
  k.n = 0;
  k.cap = STACK_WORDS;
  k.allocator = &ctx->allocator;
  es_status status = ES_OK;
  bool keyed = make_key(&k, kind, text, len, in, n, constant, out, options);
  uint64_t hash = keyed ? hash_words(k.word, k.n) : 0;
  entry *hit = keyed && ctx->cache ? find(ctx->cache, hash, &k) : NULL;
  if (hit) {
    if (ctx->cache->newest != hit) {
      unlink_use(ctx->cache, hit);
      link_newest(ctx->cache, hit);
    }
    *plan = es_plan_retain(hit->plan);
  } else {
    status = make_plan(ctx, kind, text, len, in, n, out, options, plan, error);
    if (status == ES_OK && keyed) keep(ctx, hash, &k, constant != NULL, *plan);
  }
  key_free(&k);
  return status;
}

void es_cache_destroy(es_ctx *ctx) {
  es_plan_cache *c = ctx->cache;
  if (!c) return;
  while (c->oldest) remove_entry(ctx, c, c->oldest);
  es_free(&ctx->allocator, c->bucket, c->buckets * sizeof *c->bucket);
  es_free(&ctx->allocator, c, sizeof *c);
  ctx->cache = NULL;
}
