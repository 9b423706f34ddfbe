/* SPDX-License-Identifier: Apache-2.0 */
#include "explore/handlers.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include "base/clock.h"
#include "base/errors.h"
#include "base/procfs.h"
#include "explore/cpu.h"
#include "explore/pagecopy.h"
#include "explore/pages.h"
#include "observe/tracee.h"

#define LEFT_OUT_MAX 64
#define PLACES_TOLD 3

/* All threads stop within microseconds; a second is for a loaded machine. */
#define STOP_PATIENCE_NS NSEC_PER_SEC

struct span {
	uint64_t start, end;
};

struct picture {
	struct pagecopy copy;
	struct span left_out[LEFT_OUT_MAX];
	size_t nleft_out;
};

void picture_free(struct picture *picture)
{
	if (!picture)
		return;
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
 * F waits for a command. All on its stack that is younger than the frame of subject_main() is
 * forkpoint's own then: scenarios, handlers and CPython have been called from there and have
 * returned, so nothing of theirs lives. What they have left behind the next call writes before it
 * reads; a handler that reads it reads what C calls indeterminate. What F's functions keep there
 * (the number of the command) does differ.
 */
static int leave_out_own_frames(struct picture *p, uint64_t sp, uint64_t frame)
{
	for (size_t i = 0; i < p->copy.nareas; i++) {
		const struct maps_range *range = p->copy.areas[i].range;

		if (sp > range->start && sp < frame && frame < range->end)
			return leave_out(p, range->start, frame);
	}
	return -1;
}

/*
 * Does F stand where it waits for a command? It has answered, so that it is in no other futex. On
 * its way there errno and its state of cancellation differ.
 */
static bool waits_for_command(const struct picture_subject *subject, uint64_t *sp)
{
	struct cpu_registers registers;

	if (cpu_fetch(subject->operator_tid, &registers) < 0)
		return false;
	*sp = cpu_sp(&registers);
	return cpu_waits_in(&registers) == SYS_futex;
}

/* All threads are stopped, F where it waits. It has answered, and on its way there it is let go. */
static int stop(struct tracees *threads, const struct picture_subject *subject, uint64_t *sp,
		struct strbuf *why)
{
	uint64_t until = clock_now() + STOP_PATIENCE_NS;

	while (clock_now() < until) {
		/* Woken by its answer we may have taken its processor. */
		if (procfs_task_letter(subject->operator_tid) == 'R') {
			sched_yield();
			continue;
		}
		if (tracees_stop(threads, subject->pid, until) < 0) {
			strbuf_addf(why, "its threads cannot be stopped: %s", strerror(errno));
			return -1;
		}
		if (waits_for_command(subject, sp))
			return 0;
		tracees_release(threads);
	}
	strbuf_addstr(why, "its main thread does not come to rest");
	return -1;
}

struct picture *picture_take(const struct picture_subject *subject, struct picture *before,
			     struct strbuf *why)
{
	struct picture *p = xcalloc(1, sizeof(*p));
	struct tracees threads = { .n = 0 };
	uint64_t sp = 0;
	int ret = stop(&threads, subject, &sp, why);

	if (!ret)
		ret = pagecopy_take(&p->copy, subject->pid, subject->zygote, why);
	if (!ret && (leave_out_rseq(p, &threads) < 0 ||
		     leave_out_own_frames(p, sp, subject->operator_frame) < 0)) {
		strbuf_addstr(why, "its threads' stacks are not where they are looked for");
		ret = -1;
	}
	if (!ret && before)
		pagecopy_complete(&before->copy, &p->copy, subject->pid, subject->zygote);
	tracees_release(&threads);
	if (!ret)
		return p;
	picture_free(p);
	return NULL;
}

void picture_refresh(struct picture *picture, const struct picture_subject *subject,
		     uint64_t address, size_t size)
{
	pagecopy_refresh(&picture->copy, subject->pid, subject->zygote, address, size);
}

const struct pagecopy *picture_copy(const struct picture *picture)
{
	return &picture->copy;
}

static bool is_left_out(const struct picture *p, const struct reach *reach, uint64_t address)
{
	for (size_t i = 0; i < p->nleft_out; i++)
		if (address >= p->left_out[i].start && address < p->left_out[i].end)
			return true;
	return reach_is_private(reach, address, 1);
}

/* The first byte from `i` on, within the page, that differs and counts; its end: there is none. */
static size_t difference(const struct picture *p, const struct reach *reach, uint64_t page,
			 const uint8_t *a, const uint8_t *b, size_t i)
{
	for (; i < pages_size(); i++)
		if (a[i] != b[i] && !is_left_out(p, reach, page + i))
			return i;
	return pages_size();
}

static void tell(const struct picture *p, uint64_t address, struct strbuf *where)
{
	const struct maps_module *module = maps_module_at(&p->copy.maps, address);
	const char *name = module ? strrchr(module->path, '/') : NULL;

	strbuf_addstr(where, where->len ? ", " : "");
	if (module)
		strbuf_addf(where, "%s+0x%" PRIx64, name ? name + 1 : module->path,
			    address - module->start);
	else
		strbuf_addf(where, "0x%" PRIx64, address);
}

static size_t page_compare(const struct picture *a, const struct picture *b,
			   const struct reach *reach, uint64_t address, size_t page, size_t told,
			   struct strbuf *where)
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
	for (size_t i = difference(a, reach, address, x, y, 0); i < pages_size();
	     i = difference(a, reach, address, x, y, (i & ~(size_t)7) + 8)) {
		found++;
		if (told + found <= PLACES_TOLD)
			tell(a, address + i, where);
	}
	return found;
}

bool picture_equals(const struct picture *a, const struct picture *b, const struct reach *reach,
		    struct strbuf *where)
{
	size_t found = 0;

	if (!pagecopy_has_same_areas(&a->copy, &b->copy)) {
		strbuf_addstr(where, "the list of mappings");
		return false;
	}
	for (size_t i = 0; i < a->copy.nareas; i++) {
		const struct pagecopy_area *area = &a->copy.areas[i];

		for (size_t page = area->first; page < area->first + area->n; page++)
			found += page_compare(a, b, reach, pagecopy_address(area, page), page,
					      found, where);
	}
	if (found > PLACES_TOLD)
		strbuf_addf(where, " and %zu more words", found - PLACES_TOLD);
	return !found;
}
