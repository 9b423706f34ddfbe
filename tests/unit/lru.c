/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cache that the fork scenarios break must be right while nobody forks: what it does is held
 * against a plain array in order of use. And its checker, on which the scenarios' children rely,
 * must see each kind of damage.
 */
/* The source, since units are linked with the driver, which has no scenarios in it. */
#include "scenarios/lib/lru.c"

#include <malloc.h>
#include <stdlib.h>

#include "tap.h"

#define CAPACITY 16
#define KEYS 24 /* some of which are always out */
#define STEPS 20000

/* Keys, the one used last in front. */
struct model {
	uint64_t keys[CAPACITY];
	size_t n;
};

static bool model_use(struct model *model, uint64_t key)
{
	size_t at = 0;

	while (at < model->n && model->keys[at] != key)
		at++;
	if (at == model->n)
		return false;
	memmove(model->keys + 1, model->keys, at * sizeof(model->keys[0]));
	model->keys[0] = key;
	return true;
}

static void model_add(struct model *model, uint64_t key)
{
	if (model->n < CAPACITY)
		model->n++;
	memmove(model->keys + 1, model->keys, (model->n - 1) * sizeof(model->keys[0]));
	model->keys[0] = key;
}

static bool same_order(const struct lru *lru, const struct model *model)
{
	const struct lru_link *link = lru->list.next;
	size_t i;

	for (i = 0; i < model->n && link != &lru->list; i++, link = link->next)
		if (((const struct lru_entry *)link)->key != model->keys[i])
			return false;
	return i == model->n && link == &lru->list && lru->count == model->n;
}

/* One use of the cache, as the samplers do it; false once cache and model differ. */
static bool step(struct lru *lru, struct model *model, uint64_t key)
{
	struct lru_frame *frame = lru_lookup(lru, key);

	if (model_use(model, key))
		return frame && frame->key == key && same_order(lru, model);
	if (frame || lru_store(lru, key))
		return false;
	model_add(model, key);
	return same_order(lru, model);
}

static void check_against_model(void)
{
	struct model model = { .n = 0 };
	const char *why = NULL;
	bool same = true;
	struct lru lru;
	int n;

	CHECK_INT(lru_init(&lru, CAPACITY), 0, "a cache can be made");
	CHECK_STR(lru_check(&lru), NULL, "an empty cache is whole");
	srandom(1);
	for (n = 0; n < STEPS && same && !why; n++) {
		same = step(&lru, &model, (uint64_t)random() % KEYS);
		why = lru_check(&lru);
	}
	CHECK(same, "hits move to the front, misses drop the back: as a plain array does");
	CHECK_STR(why, NULL, "the cache is whole after each use");
	CHECK_INT(n, STEPS, "all uses were made");
	CHECK_INT(lru.count, CAPACITY, "a full cache stays full and no fuller");

	lru_clear(&lru);
	CHECK_STR(lru_check(&lru), NULL, "a cleared cache is whole");
	CHECK_INT(lru.count, 0, "a cleared cache is empty");
	CHECK(!lru_lookup(&lru, model.keys[0]), "a cleared cache has no frame");
	model.n = 0;
	CHECK(step(&lru, &model, 5) && step(&lru, &model, 6) && step(&lru, &model, 5),
	      "a cleared cache works on");
	lru_release(&lru);
}

static void live_and_end(void)
{
	struct lru lru;

	if (lru_init(&lru, CAPACITY))
		return;
	for (uint64_t key = 0; key < 10 * CAPACITY; key++)
		lru_store(&lru, key);
	lru_release(&lru);
}

/*
 * malloc counts what it keeps at hand as in use, some KiB of it, and how much that is changes. One
 * allocation lost in each life, of whatever size, would be 24 KiB at least.
 */
#define LIVES 1000

static void check_memory(void)
{
	size_t before = mallinfo2().uordblks;

	for (int i = 0; i < LIVES; i++)
		live_and_end();
	CHECK(mallinfo2().uordblks < before + LIVES * 24, "a released cache leaves nothing behind");
}

static struct lru_entry *entry_at(const struct lru *lru, int i)
{
	struct lru_link *link = lru->list.next;

	while (i-- > 0)
		link = link->next;
	return (struct lru_entry *)link;
}

static void damage_half_a_splice(struct lru *lru)
{
	entry_at(lru, 4)->link.next = lru->list.next;
}

static void damage_prev(struct lru *lru)
{
	entry_at(lru, 4)->link.prev = &entry_at(lru, 2)->link;
}

static void damage_short(struct lru *lru)
{
	lru->count++;
}

static void damage_long(struct lru *lru)
{
	lru->count--;
}

static void damage_over_capacity(struct lru *lru)
{
	lru->capacity = 2;
}

static void damage_unindexed(struct lru *lru)
{
	for (size_t i = 0; i <= lru->mask; i++)
		if (lru->buckets[i] == entry_at(lru, 3))
			lru->buckets[i] = entry_at(lru, 3)->chain;
}

static void damage_bucket(struct lru *lru)
{
	struct lru_entry *first = lru->buckets[0];

	lru->buckets[0] = lru->buckets[1];
	lru->buckets[1] = first;
}

static void damage_chain(struct lru *lru)
{
	struct lru_entry *entry = entry_at(lru, 3);

	entry->chain = entry;
}

static void damage_frame(struct lru *lru)
{
	entry_at(lru, 3)->frame->key++;
}

static const struct damage {
	const char *name;
	void (*make)(struct lru *lru);
} damages[] = {
	{ "an entry between the first and the second store of a splice", damage_half_a_splice },
	{ "an entry whose prev skips one", damage_prev },
	{ "a list shorter than its count", damage_short },
	{ "a list longer than its count", damage_long },
	{ "more entries than it may hold", damage_over_capacity },
	{ "an entry that no bucket has", damage_unindexed },
	{ "entries in each other's buckets", damage_bucket },
	{ "a bucket without an end", damage_chain },
	{ "another key's frame", damage_frame },
};

static void check_damages(void)
{
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		struct lru lru;

		if (lru_init(&lru, CAPACITY))
			return;
		for (uint64_t key = 0; key < CAPACITY; key++)
			lru_store(&lru, key);
		damages[i].make(&lru);
		/* Not released: it cannot be, which is what the scenarios are about. */
		CHECK(lru_check(&lru) != NULL, "seen: %s", damages[i].name);
	}
}

int main(void)
{
	check_against_model();
	check_memory();
	check_damages();
	return tap_done();
}
