/* SPDX-License-Identifier: Apache-2.0 */
#include "explore/reach.h"

#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "explore/pages.h"
#include "observe/maps.h"

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

/*
 * W's stack is searched from where its private part ends: its older frames are anybody's. A page
 * that the process still shares with the zygote that it was forked from, where W's stack did not
 * exist, holds no address of it; nor does one that was never touched.
 */
static void area_search(struct reach *reach, const struct pagecopy *copy,
			const struct pagecopy_area *area)
{
	bool own_stack = reach->low == area->range->start;

	for (size_t page = area->first; page < area->first + area->n; page++) {
		const uint8_t *bytes = pagecopy_page(copy, page);
		uint64_t address = pagecopy_address(area, page), skipped = 0;

		if (own_stack && reach->high > address)
			skipped = reach->high - address;
		if (bytes && skipped < pages_size())
			words_search(reach, (const uint64_t *)(const void *)(bytes + skipped),
				     (pages_size() - skipped) / sizeof(uint64_t));
	}
}

void reach_begin(struct reach *reach, const struct pagecopy *copy, uint64_t sp)
{
	memset(reach, 0, sizeof(*reach));
	mappings_sort(reach, &copy->maps, sp);
	for (size_t i = 0; reach->high > reach->low && i < copy->nareas; i++)
		area_search(reach, copy, &copy->areas[i]);
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
