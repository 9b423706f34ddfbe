/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which pages of a process are its own: written by it, or by nobody else. All others are as they
 * were in the zygote that it is a fork of, so who searches or compares its memory may leave them
 * out.
 *
 * That holds since a fork copies no page, but has both processes share it, marked as not to be
 * written. Who writes to one is given a copy that it alone maps, or keeps the page if it alone maps
 * it by then; so a private page that was written is mapped once, and /proc/PID/pagemap says so. It
 * would be shared again with a process that the subject has forked itself. So while one of these
 * lives, and wherever that is not known, each page that is in use counts as its own. So does each
 * of a mapping that is shared on purpose, in use or not: the page map tells of one process alone.
 *
 * Taken for granted: no page is merged with others of equal content (KSM, which a process has to
 * ask for), and nobody (a debugger) keeps hold of a dead child's memory meanwhile.
 */
#ifndef FORKPOINT_EXPLORE_PAGES_H
#define FORKPOINT_EXPLORE_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "observe/maps.h"

enum page_state {
	PAGE_ABSENT, /* never touched, or given back: it reads as zeros, or as its file; a guard */
	PAGE_SHARED, /* as in the zygote; in use, and never written by the process */
	PAGE_OWN,    /* or nobody knows: look at it */
};

struct pages {
	int fd;      /* the page map; -1: there is none */
	bool shares; /* pages that it has not written can be told from others */
};

uint64_t pages_size(void);

/* Memory of a process: all of it, or false. */
bool pages_read(pid_t pid, uint64_t address, void *out, size_t size);

/*
 * Process `pid` stands still. `zygote`: the process that it is a fork of, 0: none. Never fails:
 * what is not known makes more pages its own. Close in any case.
 */
void pages_open(struct pages *pages, pid_t pid, pid_t zygote);
void pages_close(struct pages *pages);

/* The states (enum page_state) of n pages from `start` on, which lie in the mapping. */
void pages_look(const struct pages *pages, const struct maps_range *range, uint64_t start,
		size_t n, uint8_t *states);

/* The next run of own pages: from *to on (0 at first), to [*from, *to). False: there is none. */
bool pages_next_own(const uint8_t *states, size_t n, size_t *from, size_t *to);

#endif
