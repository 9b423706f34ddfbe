/* SPDX-License-Identifier: Apache-2.0 */
#include "explore/reach.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "base/errors.h"
#include "explore/pages.h"
#include "observe/maps.h"

/* Read in pieces of this size: large enough to be quick, small enough for a cache. */
#define CHUNK ((size_t)256 << 10)

static void zone_add(struct reach *reach, uint64_t address)
{
	struct reach_range zone = {
		address > REACH_ZONE ? address - REACH_ZONE : 0, address + REACH_ZONE,
	};

	/* A frame whose variables are known one by one is one zone. */
	for (size_t i = 0; i < reach->nzones; i++) {
		struct reach_range *old = &reach->zones[i];

		if (address < old->start || address >= old->end)
			continue;
		old->start = zone.start < old->start ? zone.start : old->start;
		old->end = zone.end > old->end ? zone.end : old->end;
		return;
	}
	if (reach->nzones == REACH_ZONES_MAX)
		reach->all = true;
	else
		reach->zones[reach->nzones++] = zone;
}

static void words_search(struct reach *reach, const uint64_t *words, size_t n)
{
	uint64_t low = reach->low, size = reach->high - reach->low;

	for (size_t i = 0; i < n; i++)
		if (words[i] - low < size)
			zone_add(reach, words[i]);
}

/* What cannot be read (a mapping behind a file's end, a device) cannot hold a stored pointer. */
static int pages_search(struct reach *reach, pid_t pid, uint64_t start, uint64_t end)
{
	static uint64_t words[CHUNK / sizeof(uint64_t)];

	while (start < end) {
		size_t size = end - start < CHUNK ? (size_t)(end - start) : CHUNK;
		struct iovec local = { words, size };
		struct iovec remote = { (void *)(uintptr_t)start, size };
		ssize_t n = process_vm_readv(pid, &local, 1, &remote, 1, 0);

		if (n < 0 && errno != EFAULT && errno != EIO)
			return -1;
		if (n < 0)
			n = 0;
		words_search(reach, words, (size_t)n / sizeof(uint64_t));
		start += (size_t)n < size ? ((size_t)n / pages_size() + 1) * pages_size() : size;
	}
	return 0;
}

/*
 * A page that the process still shares with the zygote that it was forked from, where W's stack did
 * not exist, holds no address of it; nor does one that was never touched.
 */
static int range_search(struct reach *reach, const struct pages *pages, pid_t pid,
			const struct maps_range *range, uint64_t start, uint64_t end)
{
	uint64_t first = start / pages_size() * pages_size();
	size_t n = (size_t)((end - first + pages_size() - 1) / pages_size()), from, to = 0;
	uint8_t *states = xcalloc(n + 1, sizeof(*states));
	int ret = 0;

	pages_look(pages, range, first, n, states);
	/* Neighbours in one read. The first page may begin before what is to be searched. */
	while (!ret && pages_next_own(states, n, &from, &to))
		ret = pages_search(reach, pid, from ? first + from * pages_size() : start,
				   first + to * pages_size());
	free(states);
	return ret;
}

static void constant_add(struct reach *reach, uint64_t start, uint64_t end)
{
	struct reach_range *last = reach->constant + reach->nconstant;

	if (reach->nconstant && last[-1].end == start) {
		last[-1].end = end;
		return;
	}
	reach->constant = xrealloc(reach->constant,
				   (reach->nconstant + 1) * sizeof(*reach->constant));
	reach->constant[reach->nconstant++] = (struct reach_range){ start, end };
}

/* W's stack is searched from where its private part ends: its older frames are anybody's. */
static int mapping_search(struct reach *reach, const struct pages *pages, pid_t pid,
			  const struct maps_range *range)
{
	uint64_t start = reach->low == range->start ? reach->high : range->start;

	return range_search(reach, pages, pid, range, start, range->end);
}

static void mappings_sort(struct reach *reach, const struct maps *maps, uint64_t sp)
{
	for (size_t i = 0; i < maps->nranges; i++) {
		const struct maps_range *range = &maps->ranges[i];

		if (range->file && !range->writable)
			constant_add(reach, range->start, range->end);
		if (range->writable && sp >= range->start && sp < range->end) {
			reach->low = range->start;
			reach->high = sp & ~7ull;
		}
	}
}

int reach_begin(struct reach *reach, pid_t pid, pid_t zygote, uint64_t sp)
{
	struct pages pages;
	struct maps maps;
	int ret;

	memset(reach, 0, sizeof(*reach));
	pages_open(&pages, pid, zygote);
	ret = maps_read(&maps, pid);
	if (!ret)
		mappings_sort(reach, &maps, sp);
	for (size_t i = 0; !ret && reach->high > reach->low && i < maps.nranges; i++)
		if (maps.ranges[i].writable)
			ret = mapping_search(reach, &pages, pid, &maps.ranges[i]);
	maps_release(&maps);
	pages_close(&pages);
	return ret;
}

void reach_release(struct reach *reach)
{
	free(reach->constant);
	memset(reach, 0, sizeof(*reach));
}

bool reach_is_private(const struct reach *reach, uint64_t address, uint64_t size)
{
	if (reach->all || address < reach->low || address + size > reach->high)
		return false;
	for (size_t i = 0; i < reach->nzones; i++)
		if (address < reach->zones[i].end && address + size > reach->zones[i].start)
			return false;
	return true;
}

bool reach_is_constant(const struct reach *reach, uint64_t address, uint64_t size)
{
	size_t from = 0, to = reach->nconstant;

	while (from < to) {
		size_t middle = (from + to) / 2;

		if (address >= reach->constant[middle].end)
			from = middle + 1;
		else
			to = middle;
	}
	return from < reach->nconstant && address >= reach->constant[from].start &&
	       address + size <= reach->constant[from].end;
}

void reach_stored(struct reach *reach, uint64_t address, const void *bytes, size_t size)
{
	uint64_t word;

	/* The first word that lies wholly in it; a store of less than a word stores no pointer. */
	for (size_t i = (size_t)(-address & 7u); i + sizeof(word) <= size; i += sizeof(word)) {
		memcpy(&word, (const char *)bytes + i, sizeof(word));
		words_search(reach, &word, 1);
	}
}

void reach_lost(struct reach *reach)
{
	reach->all = true;
}
