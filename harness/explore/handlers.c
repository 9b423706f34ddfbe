/* SPDX-License-Identifier: Apache-2.0 */
#include "explore/handlers.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/errors.h"
#include "base/procfs.h"
#include "explore/cpu.h"
#include "observe/maps.h"
#include "observe/tracee.h"

#define PAGE 4096u
#define LEFT_OUT_MAX 64
#define PLACES_TOLD 3

/* A subject has some 10 MiB that are in use. One with so much more is no subject of ours. */
#define PICTURE_MAX ((size_t)1 << 30)

/* All threads stop within microseconds; a second is for a loaded machine. */
#define STOP_PATIENCE_NS NSEC_PER_SEC

/* So does F sleep, which has only its answer to send. */
#define SLEEP_LOOK_NS 20000
#define SLEEP_PATIENCE_NS NSEC_PER_SEC

struct span {
	uint64_t start, end;
};

struct area {
	uint64_t start, end;
	size_t at; /* of its first byte in the picture */
};

struct picture {
	struct maps maps;
	struct area *areas; /* ascending */
	size_t nareas;
	uint8_t *bytes; /* a mapping: what was not in use has never been touched here either */
	size_t size;
	bool *used;     /* by page: it was read */
	struct span left_out[LEFT_OUT_MAX];
	size_t nleft_out;
};

void picture_free(struct picture *picture)
{
	if (!picture)
		return;
	maps_release(&picture->maps);
	if (picture->bytes)
		munmap(picture->bytes, picture->size);
	free(picture->areas);
	free(picture->used);
	free(picture);
}

static int leave_out(struct picture *p, uint64_t start, uint64_t end)
{
	if (p->nleft_out == LEFT_OUT_MAX)
		return -1;
	p->left_out[p->nleft_out++] = (struct span){ start, end };
	return 0;
}

/*
 * Which processor a thread runs on: written by the kernel whenever it goes on, so W's and F's
 * change by themselves. A child that is forked gets its own from the kernel before it runs.
 */
static int leave_out_rseq(struct picture *p, const struct tracees *threads)
{
	for (size_t i = 0; i < threads->n; i++) {
		struct __ptrace_rseq_configuration rseq;

		if (!threads->v[i].stopped ||
		    ptrace(PTRACE_GET_RSEQ_CONFIGURATION, threads->v[i].tid, sizeof(rseq),
			   &rseq) < 0 || !rseq.rseq_abi_pointer)
			continue;
		if (leave_out(p, rseq.rseq_abi_pointer,
			      rseq.rseq_abi_pointer + rseq.rseq_abi_size) < 0)
			return -1;
	}
	return 0;
}

/*
 * What lies below F's stack pointer is left over from calls that have returned: the next call
 * writes there before it reads. A handler that reads it reads what C calls indeterminate.
 */
static int leave_out_dead_stack(struct picture *p, pid_t tid)
{
	struct cpu_registers registers;
	uint64_t sp;

	if (cpu_fetch(tid, &registers) < 0)
		return -1;
	sp = cpu_sp(&registers);
	for (size_t i = 0; i < p->nareas; i++)
		if (sp > p->areas[i].start && sp < p->areas[i].end)
			return leave_out(p, p->areas[i].start, sp);
	return -1;
}

static void areas_find(struct picture *p)
{
	p->areas = xcalloc(p->maps.nranges + 1, sizeof(*p->areas));
	for (size_t i = 0; i < p->maps.nranges; i++) {
		const struct maps_range *range = &p->maps.ranges[i];

		if (!range->writable || range->control)
			continue;
		p->areas[p->nareas++] = (struct area){ range->start, range->end, p->size };
		p->size += range->end - range->start;
	}
}

static void area_read(struct picture *p, pid_t pid, const struct area *area, uint64_t from,
		      uint64_t to)
{
	struct iovec local = { p->bytes + area->at + (from - area->start), to - from };
	struct iovec remote = { (void *)(uintptr_t)from, to - from };

	if (from < to)
		process_vm_readv(pid, &local, 1, &remote, 1, 0);
}

/* Pages in use, run by run. Without the page map, all pages. */
static void area_take(struct picture *p, pid_t pid, int pagemap, const struct area *area)
{
	size_t n = (area->end - area->start) / PAGE;
	uint64_t *entries = xcalloc(n, sizeof(*entries)), from = area->start;
	bool known = pread(pagemap, entries, n * sizeof(*entries),
			   (off_t)(area->start / PAGE * sizeof(*entries))) ==
		     (ssize_t)(n * sizeof(*entries));

	for (size_t i = 0; i < n; i++) {
		bool used = !known || entries[i] >> 62; /* present, or swapped */
		uint64_t at = area->start + i * PAGE;

		p->used[area->at / PAGE + i] = used;
		if (used)
			continue;
		area_read(p, pid, area, from, at);
		from = at + PAGE;
	}
	area_read(p, pid, area, from, area->end);
	free(entries);
}

static int picture_read(struct picture *p, pid_t pid, struct strbuf *why)
{
	char path[48];
	int pagemap;

	if (p->size > PICTURE_MAX) {
		strbuf_addf(why, "it has %zu MiB of memory", p->size >> 20);
		return -1;
	}
	p->bytes = mmap(NULL, p->size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p->bytes == MAP_FAILED) {
		p->bytes = NULL;
		strbuf_addf(why, "there is no room for a copy of it: %s", strerror(errno));
		return -1;
	}
	p->used = xcalloc(p->size / PAGE + 1, sizeof(*p->used));
	snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)pid);
	pagemap = open(path, O_RDONLY | O_CLOEXEC);
	for (size_t i = 0; i < p->nareas; i++)
		area_take(p, pid, pagemap, &p->areas[i]);
	if (pagemap >= 0)
		close(pagemap);
	return 0;
}

/*
 * F has answered and goes to sleep on the word of its next command. There it stands at the same
 * instruction each time; on its way its stack, errno and state of cancellation differ.
 */
static bool sleeps(pid_t pid, pid_t tid)
{
	static const struct timespec nap = { 0, SLEEP_LOOK_NS };
	uint64_t until = clock_now() + SLEEP_PATIENCE_NS;
	struct task_state task;

	while (procfs_task_read(pid, tid, &task) == 0 && clock_now() < until) {
		if (task.state == 'S' && task.in_syscall && task.nr == SYS_futex)
			return true;
		nanosleep(&nap, NULL);
	}
	return false;
}

struct picture *picture_take(pid_t pid, pid_t operator_tid, struct strbuf *why)
{
	struct picture *p = xcalloc(1, sizeof(*p));
	struct tracees threads = { .n = 0 };
	int ret;

	if (!sleeps(pid, operator_tid)) {
		strbuf_addstr(why, "its main thread does not come to rest after a fork");
		picture_free(p);
		return NULL;
	}
	ret = tracees_stop(&threads, pid, clock_now() + STOP_PATIENCE_NS);
	if (!ret)
		ret = maps_read(&p->maps, pid);
	if (ret < 0)
		strbuf_addf(why, "it cannot be looked at: %s", strerror(errno));
	if (!ret) {
		areas_find(p);
		ret = picture_read(p, pid, why);
	}
	if (!ret && (leave_out_rseq(p, &threads) < 0 ||
		     leave_out_dead_stack(p, operator_tid) < 0)) {
		strbuf_addstr(why, "its threads' stacks are not where they are looked for");
		ret = -1;
	}
	tracees_release(&threads);
	/* A command that came before it sleeps again would find it elsewhere. */
	if (ret == 0 && sleeps(pid, operator_tid))
		return p;
	picture_free(p);
	return NULL;
}

static const struct span *left_out_at(const struct picture *p, uint64_t address)
{
	for (size_t i = 0; i < p->nleft_out; i++)
		if (address >= p->left_out[i].start && address < p->left_out[i].end)
			return &p->left_out[i];
	return NULL;
}

/* The first byte from `i` on, within the page, that differs and counts; PAGE: there is none. */
static size_t difference(const struct picture *p, uint64_t page, const uint8_t *a,
			 const uint8_t *b, size_t i)
{
	for (; i < PAGE; i++)
		if (a[i] != b[i] && !left_out_at(p, page + i))
			return i;
	return PAGE;
}

static void tell(const struct picture *p, uint64_t address, struct strbuf *where)
{
	const struct maps_module *module = maps_module_at(&p->maps, address);
	const char *name = module ? strrchr(module->path, '/') : NULL;

	strbuf_addstr(where, where->len ? ", " : "");
	if (module)
		strbuf_addf(where, "%s+0x%" PRIx64, name ? name + 1 : module->path,
			    address - module->start);
	else
		strbuf_addf(where, "0x%" PRIx64, address);
}

/* Pages that only one of them has count as zeros in the other: nobody had written there. */
static size_t page_compare(const struct picture *a, const struct picture *b, uint64_t page,
			   size_t at, size_t told, struct strbuf *where)
{
	const uint8_t *x = a->bytes + at, *y = b->bytes + at;
	size_t found = 0;

	if ((!a->used[at / PAGE] && !b->used[at / PAGE]) || !memcmp(x, y, PAGE))
		return 0;
	for (size_t i = difference(a, page, x, y, 0); i < PAGE;
	     i = difference(a, page, x, y, (i & ~7u) + 8)) {
		found++;
		if (told + found <= PLACES_TOLD)
			tell(a, page + i, where);
	}
	return found;
}

bool picture_equals(const struct picture *a, const struct picture *b, struct strbuf *where)
{
	size_t found = 0;

	if (a->nareas != b->nareas || a->size != b->size ||
	    memcmp(a->areas, b->areas, a->nareas * sizeof(*a->areas)) != 0) {
		strbuf_addstr(where, "the list of mappings");
		return false;
	}
	for (size_t i = 0; i < a->nareas; i++) {
		const struct area *area = &a->areas[i];

		for (uint64_t page = area->start; page < area->end; page += PAGE)
			found += page_compare(a, b, page, area->at + (page - area->start), found,
					      where);
	}
	if (found > PLACES_TOLD)
		strbuf_addf(where, " and %zu more words", found - PLACES_TOLD);
	return !found;
}
