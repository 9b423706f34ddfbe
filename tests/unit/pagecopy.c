/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two copies of a fork's memory, with something done in between: what differs is told, whoever had
 * the page before, and what is the same is not.
 */
#include <stdint.h>
#include <sys/mman.h>

#include "base/strbuf.h"
#include "explore/pagecopy.h"
#include "explore/pages.h"
#include "tests/unit/tap.h"
#include "tests/unit/traced.h"

static char *kept, *empty, *file, *common;
static pid_t *told; /* by the child */

static char *page_of(char *mapping, unsigned int n)
{
	return mapping + n * pages_size();
}

static void nothing(void)
{
}

static void write_other(void)
{
	*page_of(kept, 0) = 'o';
}

static void write_same(void)
{
	*page_of(kept, 1) = 'k';
}

static void give_back(void)
{
	madvise(page_of(kept, 2), pages_size(), MADV_DONTNEED);
}

static void write_again(void)
{
	*page_of(kept, 0) = 'a';
}

static void give_own_back(void)
{
	madvise(page_of(kept, 0), pages_size(), MADV_DONTNEED);
}

static void write_zero(void)
{
	*(volatile char *)page_of(empty, 0) = 0;
}

static void write_new(void)
{
	*page_of(empty, 1) = 'n';
}

static void read_new(void)
{
	(void)*(volatile char *)page_of(empty, 2);
}

static void read_file(void)
{
	(void)*(volatile char *)page_of(file, 0);
}

static void write_file_same(void)
{
	*(volatile char *)page_of(file, 0) = 'f';
}

static void write_file_other(void)
{
	*page_of(file, 1) = 'o';
}

static void write_common(void)
{
	if (fork() == 0) {
		*common = 'o';
		_exit(0);
	}
	wait(NULL);
}

/* The page is shared again, with a process that the zygote does not know. */
static void write_and_fork(void)
{
	pid_t survivor;

	*page_of(kept, 3) = 'o';
	survivor = fork();
	if (survivor == 0)
		for (;;)
			pause();
	*told = survivor;
}

static const struct {
	void (*act)(void);
	bool differs;
	const char *what;
} acts[] = {
	{ nothing, false, "nothing was done" },
	{ write_other, true, "a page of the zygote's was changed" },
	{ write_same, false, "one was written with what it had" },
	{ give_back, true, "one was given back" },
	{ write_again, true, "an own page was changed" },
	{ give_own_back, true, "an own page was given back" },
	{ write_zero, false, "a new page was written with zeros" },
	{ write_new, true, "with something else" },
	{ read_new, false, "a new page was read" },
	{ read_file, false, "a page of a file was read" },
	{ write_file_same, false, "and written with what it had" },
	{ write_file_other, true, "one was changed" },
	{ write_common, true, "a child wrote to a page that is shared on purpose" },
	{ write_and_fork, true, "a page was changed and a child lives that has it, too" },
};

#define ACTS (sizeof(acts) / sizeof(*acts))

static void child(void)
{
	for (size_t i = 0; i < ACTS; i++) {
		__asm__ volatile("int3");
		acts[i].act();
	}
	__asm__ volatile("int3");
}

static char *mapping(const char *name, int flags, char fill)
{
	size_t size = 4 * pages_size();
	int fd = name ? memfd_create(name, 0) : -1;
	char *p;

	if (fd >= 0)
		for (size_t i = 0; i < size; i++)
			if (write(fd, &fill, 1) != 1)
				traced_fail("a file");
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags | (fd < 0 ? MAP_ANONYMOUS : 0), fd, 0);
	if (p == MAP_FAILED)
		traced_fail("memory");
	if (fd < 0 && fill)
		memset(p, fill, size);
	return p;
}

static void look(struct pagecopy *at, pid_t pid)
{
	struct strbuf why = STRBUF_INIT;
	int signo = 0;

	memset(at, 0, sizeof(*at));
	/* The end of its own child is no trap. */
	while (signo != SIGTRAP)
		if (ptrace(PTRACE_CONT, pid, NULL, NULL) < 0 || !(signo = traced_wait(pid)))
			traced_fail("going on with the child");
	if (pagecopy_take(at, pid, getpid(), &why) < 0)
		traced_fail("reading the child's memory");
	strbuf_release(&why);
}

static bool is_ours(uint64_t address)
{
	char *const ours[] = { kept, empty, file, common };

	for (size_t i = 0; i < 4; i++)
		if (address - (uintptr_t)ours[i] < 4 * pages_size())
			return true;
	return false;
}

/* Of our own pages alone: its stack changes as it goes on. */
static unsigned int differing(const struct pagecopy *a, const struct pagecopy *b)
{
	unsigned int n = 0;

	for (size_t i = 0; i < a->nareas; i++) {
		const struct pagecopy_area *area = &a->areas[i];

		for (size_t page = area->first; page < area->first + area->n; page++) {
			const uint8_t *x = pagecopy_page(a, page), *y = pagecopy_page(b, page);

			if (is_ours(pagecopy_address(area, page)) &&
			    !pagecopy_is_untouched(a, b, page) &&
			    (!x || !y || memcmp(x, y, pages_size()) != 0))
				n++;
		}
	}
	return n;
}

/* As for a store of which it is known where it was; these lie across pages. */
static void bring_up_to_date(struct pagecopy *copy, pid_t pid)
{
	char *const ours[] = { kept, empty, file, common };

	for (size_t i = 0; i < 4; i++)
		pagecopy_refresh(copy, pid, getpid(), (uintptr_t)ours[i], 4 * pages_size());
}

int main(void)
{
	struct pagecopy before, after, gone = { .nareas = 0 };
	struct strbuf why = STRBUF_INIT;
	size_t own = 0;
	pid_t pid;

	kept = mapping(NULL, MAP_PRIVATE, 'k');
	empty = mapping(NULL, MAP_PRIVATE, 0);
	file = mapping("pagecopy", MAP_PRIVATE, 'f');
	common = mapping(NULL, MAP_SHARED, 'c');
	told = (pid_t *)(void *)mapping(NULL, MAP_SHARED, 0);
	pid = traced_start(child);
	look(&before, pid);
	for (size_t i = 0; i < before.npages; i++)
		own += before.states[i] == PAGE_OWN;
	CHECK(own > 0 && own < before.npages / 2, "few pages are a new fork's own: %zu of %zu",
	      own, before.npages);
	for (size_t i = 0; i < ACTS; i++) {
		look(&after, pid);
		CHECK(pagecopy_has_same_areas(&before, &after), "%s: the same mappings",
		      acts[i].what);
		pagecopy_complete(&before, &after, pid, getpid());
		CHECK_INT(differing(&before, &after), acts[i].differs, "%s: %s",
			  acts[i].what, acts[i].differs ? "one page differs" : "no page differs");
		bring_up_to_date(&before, pid);
		pagecopy_complete(&before, &after, pid, getpid());
		CHECK_INT(differing(&before, &after), 0, "%s: the earlier copy is brought up to "
			  "date", acts[i].what);
		pagecopy_release(&before);
		before = after;
	}
	pagecopy_release(&before);
	kill(*told, SIGKILL);
	traced_end(pid);
	CHECK(pagecopy_take(&gone, pid, getpid(), &why) < 0 && why.len > 0,
	      "a process that is gone cannot be copied, which is told");
	pagecopy_release(&gone);
	strbuf_release(&why);
	return tap_done();
}
