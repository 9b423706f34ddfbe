/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A least-recently-used cache of frames, as samplers keep one: a doubly linked list in order of
 * use, through a sentinel, and a hash index into it.
 *
 * It does what std::list and std::unordered_map do in such a cache, store by store: a hit splices
 * its entry to the front, a miss drops the entry at the back and puts a new one in front. Each
 * entry and each frame is an allocation of its own. There is no lock in it: that one thread works
 * it, and another forks meanwhile, is the point.
 *
 * Invariants, between two calls: from the sentinel, `next` and `prev` visit the same entries in
 * opposite orders; they are `count` many, at most `capacity`; each stands in the bucket of its key,
 * once, and nothing else stands in a bucket.
 *
 * No function but lru_check() and lru_lookup() is async-signal-safe, for they allocate or free. In
 * the child of a fork they can be called where malloc() can: glibc repairs its allocator before
 * the handlers of pthread_atfork() run, other C libraries need not.
 */
#ifndef FORKPOINT_SCENARIOS_LRU_H
#define FORKPOINT_SCENARIOS_LRU_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct lru_link {
	struct lru_link *next;
	struct lru_link *prev;
};

struct lru_frame {
	uint64_t key;
	uint32_t line;
	char name[36];
};

struct lru_entry {
	struct lru_link link; /* first, so that a link is its entry */
	uint64_t key;
	struct lru_frame *frame; /* owned */
	struct lru_entry *chain; /* next in the bucket */
};

struct lru {
	struct lru_link list; /* the sentinel: .next is the entry used last */
	struct lru_entry **buckets;
	size_t mask; /* number of buckets - 1; they are a power of two */
	size_t count;
	size_t capacity;
};

/*
 * Make an empty cache of what is at `lru`, whatever that was: nothing is read and nothing freed.
 * 0, or -1 without memory.
 */
int lru_init(struct lru *lru, size_t capacity);

/* The frame of `key`, moved to the front; NULL if it is not there. The cache keeps the frame. */
struct lru_frame *lru_lookup(struct lru *lru, uint64_t key);

/*
 * Put a frame for `key`, which is not in the cache, in front, and drop the one at the back if the
 * cache is full. 0, or -1 without memory: then the cache is as before.
 */
int lru_store(struct lru *lru, uint64_t key);

/* Free all entries by walking the list from the front, and empty the index. */
void lru_clear(struct lru *lru);

/* lru_clear(), and free the index. */
void lru_release(struct lru *lru);

/*
 * NULL if the invariants hold, else a literal that names the one which does not. Ends on any
 * contents whose pointers can be followed.
 */
const char *lru_check(const struct lru *lru);

#ifdef __cplusplus
}
#endif
#endif
