/* SPDX-License-Identifier: Apache-2.0 */
#include "scenarios/lib/lru.h"

#include <stdlib.h>
#include <string.h>

static size_t bucket_of(const struct lru *lru, uint64_t key)
{
	/* Fibonacci hashing: neighbouring keys, as code addresses are, land far apart. */
	return (size_t)((key * 0x9e3779b97f4a7c15u) >> 32) & lru->mask;
}

static void list_reset(struct lru *lru)
{
	lru->list.next = &lru->list;
	lru->list.prev = &lru->list;
	lru->count = 0;
}

int lru_init(struct lru *lru, size_t capacity)
{
	size_t nbuckets = 1;

	while (nbuckets < capacity * 2)
		nbuckets *= 2;
	lru->buckets = calloc(nbuckets, sizeof(*lru->buckets));
	lru->mask = nbuckets - 1;
	lru->capacity = capacity;
	list_reset(lru);
	return lru->buckets ? 0 : -1;
}

/* What std::list's emplace does with a new node. */
static void link_before(struct lru_link *position, struct lru_link *link)
{
	link->next = position;
	link->prev = position->prev;
	position->prev->next = link;
	position->prev = link;
}

/* What std::list's erase does. */
static void link_remove(struct lru_link *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
}

/*
 * What std::list's splice of one node does: six pointers in six stores, in the order of libstdc++.
 *
 * After the first store the moved entry leads back to the front, while its old neighbour still
 * leads to it: whoever walks from the front at that instant goes round for ever. The second store
 * ends that.
 */
static void link_splice_before(struct lru_link *position, struct lru_link *link)
{
	struct lru_link *last = link->next;
	struct lru_link *before;

	if (position == link || position == last)
		return;
	last->prev->next = position;
	link->prev->next = last;
	position->prev->next = link;

	before = position->prev;
	position->prev = last->prev;
	last->prev = link->prev;
	link->prev = before;
}

static struct lru_entry *index_find(const struct lru *lru, uint64_t key)
{
	struct lru_entry *entry = lru->buckets[bucket_of(lru, key)];

	while (entry && entry->key != key)
		entry = entry->chain;
	return entry;
}

static void index_insert(struct lru *lru, struct lru_entry *entry)
{
	struct lru_entry **bucket = &lru->buckets[bucket_of(lru, entry->key)];

	entry->chain = *bucket;
	*bucket = entry;
}

static void index_remove(struct lru *lru, const struct lru_entry *entry)
{
	struct lru_entry **at = &lru->buckets[bucket_of(lru, entry->key)];

	while (*at != entry)
		at = &(*at)->chain;
	*at = entry->chain;
}

struct lru_frame *lru_lookup(struct lru *lru, uint64_t key)
{
	struct lru_entry *entry = index_find(lru, key);

	if (!entry)
		return NULL;
	link_splice_before(lru->list.next, &entry->link);
	return entry->frame;
}

static void drop_back(struct lru *lru)
{
	struct lru_entry *entry = (struct lru_entry *)lru->list.prev;

	index_remove(lru, entry);
	link_remove(&entry->link);
	lru->count--;
	free(entry->frame);
	free(entry);
}

/* "function_" and the key in hexadecimal, without printf's time. */
static void frame_name(char *name, uint64_t key)
{
	static const char prefix[] = "function_", digits[] = "0123456789abcdef";

	memcpy(name, prefix, sizeof(prefix));
	name += sizeof(prefix) - 1;
	for (int shift = 60; shift >= 0; shift -= 4)
		*name++ = digits[key >> shift & 15];
	*name = '\0';
}

static struct lru_frame *frame_new(uint64_t key)
{
	struct lru_frame *frame = malloc(sizeof(*frame));

	if (!frame)
		return NULL;
	frame->key = key;
	frame->line = (uint32_t)key;
	frame_name(frame->name, key);
	return frame;
}

int lru_store(struct lru *lru, uint64_t key)
{
	struct lru_entry *entry = malloc(sizeof(*entry));

	if (!entry)
		return -1;
	entry->key = key;
	entry->frame = frame_new(key);
	if (!entry->frame) {
		free(entry);
		return -1;
	}
	if (lru->count == lru->capacity)
		drop_back(lru);
	link_before(lru->list.next, &entry->link);
	lru->count++;
	index_insert(lru, entry);
	return 0;
}

void lru_clear(struct lru *lru)
{
	struct lru_link *link = lru->list.next;

	while (link != &lru->list) {
		struct lru_entry *entry = (struct lru_entry *)link;

		link = link->next;
		free(entry->frame);
		free(entry);
	}
	list_reset(lru);
	memset(lru->buckets, 0, (lru->mask + 1) * sizeof(*lru->buckets));
}

void lru_release(struct lru *lru)
{
	lru_clear(lru);
	free(lru->buckets);
	lru->buckets = NULL;
}

static const char *list_check(const struct lru *lru)
{
	const struct lru_link *link = &lru->list;
	size_t n = 0;

	do {
		if (link->next->prev != link)
			return "the cache's list is broken: next and prev disagree";
		link = link->next;
		if (link != &lru->list && ++n > lru->count)
			return "the cache's list is longer than its count";
	} while (link != &lru->list);
	return n == lru->count ? NULL : "the cache's list is shorter than its count";
}

static const char *index_check(const struct lru *lru)
{
	size_t n = 0;

	for (size_t i = 0; i <= lru->mask; i++) {
		const struct lru_entry *entry = lru->buckets[i];

		for (; entry; entry = entry->chain) {
			if (bucket_of(lru, entry->key) != i)
				return "the cache's index has an entry in another key's bucket";
			if (++n > lru->count)
				return "the cache's index has more entries than its list";
		}
	}
	return n == lru->count ? NULL : "the cache's index has fewer entries than its list";
}

const char *lru_check(const struct lru *lru)
{
	const struct lru_link *link = lru->list.next;
	const char *why = lru->count > lru->capacity ? "the cache holds more than it may" : NULL;

	if (!why)
		why = list_check(lru);
	if (!why)
		why = index_check(lru);
	for (; !why && link != &lru->list; link = link->next) {
		const struct lru_entry *entry = (const struct lru_entry *)link;

		if (index_find(lru, entry->key) != entry)
			why = "the cache's index does not lead to an entry of its list";
		else if (entry->frame->key != entry->key)
			why = "the cache holds another key's frame";
	}
	return why;
}
