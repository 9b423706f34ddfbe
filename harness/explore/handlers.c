/* SPDX-License-Identifier: Apache-2.0 */
#include "explore/handlers.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <time.h>

#include "base/clock.h"
#include "base/errors.h"
#include "base/procfs.h"
#include "explore/cpu.h"
#include "explore/pagecopy.h"
#include "explore/pages.h"
#include "observe/maps.h"
#include "observe/tracee.h"

#define LEFT_OUT_MAX 64
#define PLACES_TOLD 3

/* All threads stop within microseconds; a second is for a loaded machine. */
#define STOP_PATIENCE_NS NSEC_PER_SEC

/* So does F sleep, which has only its answer to send. */
#define SLEEP_LOOK_NS 20000
#define SLEEP_PATIENCE_NS NSEC_PER_SEC

struct span {
	uint64_t start, end;
};

struct picture {
	struct maps maps;
	struct pagecopy copy;
	struct span left_out[LEFT_OUT_MAX];
	size_t nleft_out;
};

void picture_free(struct picture *picture)
{
	if (!picture)
		return;
	maps_release(&picture->maps);
	pagecopy_release(&picture->copy);
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
	for (size_t i = 0; i < p->copy.nareas; i++) {
		const struct maps_range *range = p->copy.areas[i].range;

		if (sp > range->start && sp < range->end)
			return leave_out(p, range->start, sp);
	}
	return -1;
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

struct picture *picture_take(pid_t pid, pid_t operator_tid, pid_t zygote, struct picture *before,
			     struct strbuf *why)
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
	if (!ret)
		ret = pagecopy_take(&p->copy, &p->maps, pid, zygote, why);
	if (!ret && (leave_out_rseq(p, &threads) < 0 ||
		     leave_out_dead_stack(p, operator_tid) < 0)) {
		strbuf_addstr(why, "its threads' stacks are not where they are looked for");
		ret = -1;
	}
	if (!ret && before)
		pagecopy_complete(&before->copy, &p->copy, pid, zygote);
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

/* The first byte from `i` on, within the page, that differs and counts; its end: there is none. */
static size_t difference(const struct picture *p, uint64_t page, const uint8_t *a,
			 const uint8_t *b, size_t i)
{
	for (; i < pages_size(); i++)
		if (a[i] != b[i] && !left_out_at(p, page + i))
			return i;
	return pages_size();
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

static size_t page_compare(const struct picture *a, const struct picture *b, uint64_t address,
			   size_t page, size_t told, struct strbuf *where)
{
	const uint8_t *x, *y;
	size_t found = 0;

	if (pagecopy_is_untouched(&a->copy, &b->copy, page))
		return 0;
	x = pagecopy_page(&a->copy, page);
	y = pagecopy_page(&b->copy, page);
	if (!x || !y) {
		if (told < PLACES_TOLD)
			tell(a, address, where);
		return 1;
	}
	if (!memcmp(x, y, pages_size()))
		return 0;
	for (size_t i = difference(a, address, x, y, 0); i < pages_size();
	     i = difference(a, address, x, y, (i & ~(size_t)7) + 8)) {
		found++;
		if (told + found <= PLACES_TOLD)
			tell(a, address + i, where);
	}
	return found;
}

bool picture_equals(const struct picture *a, const struct picture *b, struct strbuf *where)
{
	size_t found = 0;

	if (!pagecopy_has_same_areas(&a->copy, &b->copy)) {
		strbuf_addstr(where, "the list of mappings");
		return false;
	}
	for (size_t i = 0; i < a->copy.nareas; i++) {
		const struct pagecopy_area *area = &a->copy.areas[i];

		for (size_t page = area->first; page < area->first + area->n; page++)
			found += page_compare(a, b, pagecopy_address(area, page), page, found,
					      where);
	}
	if (found > PLACES_TOLD)
		strbuf_addf(where, " and %zu more words", found - PLACES_TOLD);
	return !found;
}
