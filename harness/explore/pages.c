/* SPDX-License-Identifier: Apache-2.0 */
#include "explore/pages.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/procfs.h"

/* Documentation/admin-guide/mm/pagemap.rst */
#define PAGEMAP_EXCLUSIVE (1ull << 56)
#define PAGEMAP_GUARD (1ull << 58) /* from Linux 6.15 on: of MADV_GUARD_INSTALL */
#define PAGEMAP_SWAPPED (1ull << 62)
#define PAGEMAP_PRESENT (1ull << 63)

#define ENTRIES 512

uint64_t pages_size(void)
{
	static uint64_t size;

	if (!size)
		size = (uint64_t)sysconf(_SC_PAGESIZE);
	return size;
}

bool pages_read(pid_t pid, uint64_t address, void *out, size_t size)
{
	struct iovec local = { out, size }, remote = { (void *)(uintptr_t)address, size };

	return process_vm_readv(pid, &local, 1, &remote, 1, 0) == (ssize_t)size;
}

/* An orphan of the subject's becomes the zygote's child, and the zygote has no other. */
static bool shares_with_zygote_alone(pid_t pid, pid_t zygote)
{
	return zygote && procfs_count_children(pid) == 0 && procfs_count_children(zygote) == 1;
}

void pages_open(struct pages *pages, pid_t pid, pid_t zygote)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)pid);
	pages->fd = open(path, O_RDONLY | O_CLOEXEC);
	pages->shares = shares_with_zygote_alone(pid, zygote);
}

void pages_close(struct pages *pages)
{
	if (pages->fd >= 0)
		close(pages->fd);
	pages->fd = -1;
}

static enum page_state state_of(uint64_t entry, bool shares)
{
	if (!(entry & (PAGEMAP_PRESENT | PAGEMAP_SWAPPED)) || entry & PAGEMAP_GUARD)
		return PAGE_ABSENT;
	return shares && !(entry & (PAGEMAP_EXCLUSIVE | PAGEMAP_SWAPPED)) ? PAGE_SHARED : PAGE_OWN;
}

void pages_look(const struct pages *pages, const struct maps_range *range, uint64_t start,
		size_t n, uint8_t *states)
{
	uint64_t entries[ENTRIES];

	while (n) {
		ssize_t got = pages->fd < 0 || range->shared ? -1 :
			pread(pages->fd, entries, (n < ENTRIES ? n : ENTRIES) * sizeof(*entries),
			      (off_t)(start / pages_size() * sizeof(*entries)));
		size_t known = got > 0 ? (size_t)got / sizeof(*entries) : 0;

		if (!known) {
			memset(states, PAGE_OWN, n);
			return;
		}
		for (size_t i = 0; i < known; i++)
			*states++ = (uint8_t)state_of(entries[i], pages->shares);
		start += known * pages_size();
		n -= known;
	}
}

bool pages_next_own(const uint8_t *states, size_t n, size_t *from, size_t *to)
{
	size_t i = *to;

	while (i < n && states[i] != PAGE_OWN)
		i++;
	*from = i;
	while (i < n && states[i] == PAGE_OWN)
		i++;
	*to = i;
	return *from < i;
}
