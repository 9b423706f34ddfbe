/* SPDX-License-Identifier: Apache-2.0 */
#include "explore/pagecopy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/errors.h"
#include "explore/pages.h"

/* A subject has some 10 MiB that are in use. One with so much more is no subject of ours. */
#define COPY_MAX ((size_t)1 << 30)

/*
 * Reading into memory that the kernel has to give us first takes three times as long, so what two
 * copies had is kept for the next ones: two are compared. More than 16 MiB are given back.
 */
#define SPARES 2
#define SPARE_MAX 4096
/* Pages that a copy is completed by, before it has to be moved. */
#define SPARE_ROOM 32

static struct spare {
	uint8_t *bytes;
	size_t room;
} spares[SPARES];

static void bytes_make(struct pagecopy *p)
{
	for (size_t i = 0; i < SPARES; i++) {
		if (spares[i].room < p->nslots + 1)
			continue;
		p->bytes = spares[i].bytes;
		p->room = spares[i].room;
		spares[i] = (struct spare){ NULL, 0 };
		return;
	}
	p->room = p->nslots + SPARE_ROOM;
	p->bytes = xmalloc(p->room * pages_size());
}

/* The smallest of them goes. */
static void bytes_drop(struct pagecopy *p)
{
	struct spare *least = &spares[0], mine = { p->bytes, p->room };

	for (size_t i = 1; i < SPARES; i++)
		if (spares[i].room < least->room)
			least = &spares[i];
	if (mine.room <= least->room || mine.room > SPARE_MAX) {
		free(mine.bytes);
		return;
	}
	free(least->bytes);
	*least = mine;
}

void pagecopy_release(struct pagecopy *p)
{
	free(p->areas);
	free(p->states);
	free(p->slots);
	bytes_drop(p);
	maps_release(&p->maps);
	memset(p, 0, sizeof(*p));
}

static void areas_find(struct pagecopy *p)
{
	p->areas = xcalloc(p->maps.nranges + 1, sizeof(*p->areas));
	for (size_t i = 0; i < p->maps.nranges; i++) {
		const struct maps_range *range = &p->maps.ranges[i];

		if (!range->writable || range->control)
			continue;
		p->areas[p->nareas] = (struct pagecopy_area){
			range, p->npages, (size_t)((range->end - range->start) / pages_size()),
		};
		p->npages += p->areas[p->nareas++].n;
	}
}

uint64_t pagecopy_address(const struct pagecopy_area *area, size_t page)
{
	return area->range->start + (page - area->first) * pages_size();
}

const uint8_t *pagecopy_page(const struct pagecopy *p, size_t page)
{
	return p->states[page] == PAGE_OWN ? p->bytes + p->slots[page] * pages_size() : NULL;
}

/*
 * A run of pages, from the process's memory as a file: process_vm_readv() pins what it reads, for
 * which the kernel first gives the process a copy of its own of each page that was shared since the
 * last fork. What cannot be read (a page behind a file's end) is zeros.
 */
static void run_read(int memory, uint64_t address, uint8_t *to, size_t size)
{
	while (size) {
		ssize_t n = pread(memory, to, size, (off_t)address);
		size_t done = n > 0 ? (size_t)n : (size_t)pages_size();

		if (n <= 0)
			memset(to, 0, done);
		address += done;
		to += done;
		size -= done;
	}
}

static int own_read(struct pagecopy *p, pid_t pid)
{
	uint8_t *at;
	char path[48];
	int memory;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	memory = open(path, O_RDONLY | O_CLOEXEC);
	if (memory < 0)
		return -1;
	bytes_make(p);
	at = p->bytes;
	for (size_t i = 0; i < p->nareas; i++) {
		const struct pagecopy_area *area = &p->areas[i];
		size_t from, to = 0;

		while (pages_next_own(p->states + area->first, area->n, &from, &to)) {
			size_t size = (to - from) * pages_size();

			run_read(memory, pagecopy_address(area, area->first + from), at, size);
			at += size;
		}
	}
	close(memory);
	return 0;
}

static int cannot_be_read(struct strbuf *why)
{
	strbuf_addf(why, "a subject's memory cannot be read: %s", strerror(errno));
	return -1;
}

int pagecopy_take(struct pagecopy *p, pid_t pid, pid_t zygote, struct strbuf *why)
{
	struct pages pages;

	if (maps_read(&p->maps, pid) < 0)
		return cannot_be_read(why);
	areas_find(p);
	if (p->npages > COPY_MAX / pages_size()) {
		strbuf_addf(why, "a subject has %zu MiB of memory",
			    (size_t)(p->npages * pages_size() >> 20));
		return -1;
	}
	p->states = xcalloc(p->npages + 1, sizeof(*p->states));
	p->slots = xcalloc(p->npages + 1, sizeof(*p->slots));
	pages_open(&pages, pid, zygote);
	for (size_t i = 0; i < p->nareas; i++)
		pages_look(&pages, p->areas[i].range, p->areas[i].range->start, p->areas[i].n,
			   p->states + p->areas[i].first);
	pages_close(&pages);
	for (size_t i = 0; i < p->npages; i++)
		if (p->states[i] == PAGE_OWN)
			p->slots[i] = (uint32_t)p->nslots++;
	return own_read(p, pid) < 0 ? cannot_be_read(why) : 0;
}

/* A mapping is the same if it has the same place and is of the same thing. */
bool pagecopy_has_same_areas(const struct pagecopy *a, const struct pagecopy *b)
{
	if (a->nareas != b->nareas)
		return false;
	for (size_t i = 0; i < a->nareas; i++) {
		const struct maps_range *x = a->areas[i].range, *y = b->areas[i].range;

		if (x->start != y->start || x->end != y->end || x->shared != y->shared ||
		    strcmp(x->path, y->path) != 0)
			return false;
	}
	return true;
}

/*
 * Nobody has written to a page that is not the process's own, so one that is in neither picture is
 * the same in both; unless it was the zygote's and was given back, for then it reads as zeros.
 */
static bool is_untouched(enum page_state before, enum page_state after)
{
	return before != PAGE_OWN && after != PAGE_OWN &&
	       !(before == PAGE_SHARED && after == PAGE_ABSENT);
}

bool pagecopy_is_untouched(const struct pagecopy *before, const struct pagecopy *after, size_t page)
{
	return is_untouched(before->states[page], after->states[page]);
}

/* Room for a page that was not the process's own, as zeros. */
static uint8_t *page_add(struct pagecopy *p, size_t page)
{
	if (p->nslots == p->room) {
		p->room += SPARE_ROOM;
		p->bytes = xrealloc(p->bytes, p->room * pages_size());
	}
	p->slots[page] = (uint32_t)p->nslots++;
	p->states[page] = PAGE_OWN;
	return memset(p->bytes + p->slots[page] * pages_size(), 0, pages_size());
}

/*
 * Into a picture, later, a page that was not the process's own when it was taken: what was never
 * touched is zeros, and all else is what the zygote has there to this day.
 */
static void page_recall(struct pagecopy *p, pid_t zygote, const struct pagecopy_area *area,
			size_t page)
{
	enum page_state state = p->states[page];

	if (state == PAGE_OWN)
		return;
	if (state == PAGE_ABSENT && !area->range->file)
		page_add(p, page);
	else if (!zygote || !pages_read(zygote, pagecopy_address(area, page),
					  page_add(p, page), pages_size()))
		p->states[page] = (uint8_t)state;
}

/* Into a picture that is being taken, a page that is not the process's own any more. */
static void page_see(struct pagecopy *p, pid_t pid, const struct pagecopy_area *area, size_t page)
{
	enum page_state state = p->states[page];

	if (state != PAGE_OWN &&
	    !pages_read(pid, pagecopy_address(area, page), page_add(p, page), pages_size()))
		p->states[page] = (uint8_t)state;
}

/*
 * A page that became the process's own between two pictures, or ceased to be, is added to the one
 * that has it not. What cannot be read stays unequal.
 */
void pagecopy_complete(struct pagecopy *before, struct pagecopy *after, pid_t pid,
		       pid_t zygote)
{
	for (size_t i = 0; pagecopy_has_same_areas(before, after) && i < after->nareas; i++) {
		const struct pagecopy_area *area = &after->areas[i];

		for (size_t page = area->first; page < area->first + area->n; page++) {
			enum page_state a = before->states[page], b = after->states[page];

			if (a == b || is_untouched(a, b))
				continue;
			page_recall(before, zygote, area, page);
			page_see(after, pid, area, page);
		}
	}
}

static void page_refresh(struct pagecopy *p, pid_t pid, pid_t zygote,
			 const struct pagecopy_area *area, uint64_t address, size_t size)
{
	size_t offset = (size_t)((address - area->range->start) % pages_size());
	size_t page = area->first + (size_t)((address - area->range->start) / pages_size());

	page_recall(p, zygote, area, page);
	if (p->states[page] == PAGE_OWN &&
	    !pages_read(pid, address, p->bytes + p->slots[page] * pages_size() + offset, size))
		p->states[page] = PAGE_SHARED;
}

void pagecopy_refresh(struct pagecopy *p, pid_t pid, pid_t zygote, uint64_t address, size_t size)
{
	for (size_t i = 0; i < p->nareas; i++) {
		const struct maps_range *range = p->areas[i].range;
		uint64_t start = address > range->start ? address : range->start;
		uint64_t end = address + size < range->end ? address + size : range->end;

		while (start < end) {
			uint64_t border = start / pages_size() * pages_size() + pages_size();
			uint64_t to = border < end ? border : end;

			page_refresh(p, pid, zygote, &p->areas[i], start, (size_t)(to - start));
			start = to;
		}
	}
}
