/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A copy of the writable memory of a process that stands still, for a comparison with a later one.
 *
 * Of a fork of a zygote only the pages that are its own are copied (pages.h): the others are what
 * the zygote has there, which does nothing meanwhile. Is a page in one copy and not in the other,
 * then it is completed: the earlier copy's from the zygote, or as zeros where there was nothing;
 * the later one's from the process, which still stands. What neither has, nobody has written.
 */
#ifndef FORKPOINT_EXPLORE_PAGECOPY_H
#define FORKPOINT_EXPLORE_PAGECOPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/strbuf.h"
#include "observe/maps.h"

struct pagecopy_area {
	const struct maps_range *range;
	size_t first, n; /* its pages, as numbered in the copy */
};

struct pagecopy {
	struct maps maps; /* all mappings, those that are not copied, too */
	struct pagecopy_area *areas; /* ascending */
	size_t nareas;
	size_t npages;
	uint8_t *states; /* by page: enum page_state; PAGE_OWN: it is in `bytes` */
	uint32_t *slots; /* by page: its number there */
	uint8_t *bytes;
	size_t nslots, room; /* slots in use, and those that there is memory for */
};

/*
 * Into a zeroed `copy`: what is writable, but for the control page. `zygote`: 0: there is none. 0,
 * or -1 and the reason. Release in either case.
 */
int pagecopy_take(struct pagecopy *copy, pid_t pid, pid_t zygote, struct strbuf *why);
void pagecopy_release(struct pagecopy *copy);

/* The process still stands as `after` was taken of it. What cannot be read stays missing. */
void pagecopy_complete(struct pagecopy *before, struct pagecopy *after, pid_t pid, pid_t zygote);

/*
 * What stands there in the process now, for memory that was written since, by whom the caller
 * knows. What cannot be read is missing then.
 */
void pagecopy_refresh(struct pagecopy *copy, pid_t pid, pid_t zygote, uint64_t address,
		      size_t size);

/* Are these the same mappings? Only then pages have the same numbers. */
bool pagecopy_has_same_areas(const struct pagecopy *a, const struct pagecopy *b);
uint64_t pagecopy_address(const struct pagecopy_area *area, size_t page);

/* Has nobody written to this page from one to the other, so that neither needs to have it? */
bool pagecopy_is_untouched(const struct pagecopy *before, const struct pagecopy *after,
			   size_t page);
/* What stands in it; NULL: that is not known. */
const uint8_t *pagecopy_page(const struct pagecopy *copy, size_t page);

#endif
