/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPython's module faulthandler, 3.12 to 3.15: what a signal's handler, a timer or a program that
 * asked for it have written. The stacks are described in python_dump.h; before them stands
 *
 *	Fatal Python error: Segmentation fault
 *	Windows fatal exception: access violation
 *	Timeout (0:00:05)!
 *
 * or nothing, if somebody has asked.
 */
#include <stdlib.h>

#include "triage/python_dump.h"
#include "triage/python_lines.h"
#include "triage/shell_line.h"

static bool is_timeout(struct piece line, struct piece *after)
{
	struct piece p = piece_trim(line);

	return take_text(&p, "Timeout (") && take_until(&p, ")!", after) && !p.len;
}

static bool faulthandler_begins(const struct lines *lines)
{
	struct piece what;

	return python_dump_begins(lines->line) || is_timeout(lines->line, &what) ||
	       (python_fatal(lines->line, &what) && python_fatal_signal(what)) ||
	       piece_has(lines->line, "Windows fatal exception: ");
}

/* Threads that threading has started begin there; the main thread does not. */
static bool is_started(const struct crash_thread *thread)
{
	struct piece name = { NULL, 0 };

	if (thread->nframes && thread->frames[thread->nframes - 1].function) {
		const char *function = thread->frames[thread->nframes - 1].function;

		name = (struct piece){ function, 0 };
		while (function[name.len])
			name.len++;
	}
	return piece_is(name, "_bootstrap");
}

/*
 * Without a current thread, none holds the GIL. A hang is the main thread's then, which is the last
 * of the list, for new threads come to its head; of a cut list, the first is as good as any.
 */
static void choose_culprit(struct crash *crash)
{
	for (size_t i = 0; i < crash->nthreads; i++)
		if (crash->threads[i].culprit)
			return;
	if (crash->nthreads) {
		struct crash_thread *last = &crash->threads[crash->nthreads - 1];

		(is_started(last) ? crash->threads : last)->culprit = true;
	}
}

static void read_head(struct lines *lines, struct trace *trace, struct piece *said)
{
	struct crash *crash = trace->crash;
	struct piece what;

	*said = lines->line;
	if (python_fatal(lines->line, &what)) {
		crash->signo = python_fatal_signal(what);
	} else if (is_timeout(lines->line, &what)) {
		crash->kind = CRASH_KIND_HANG;
		trace_add_fact(trace, "timeout", what);
	} else if (!windows_exception(lines->line, trace)) {
		crash->kind = CRASH_KIND_LOOK;
		return;
	}
	lines_next(lines);
}

static void faulthandler_read(struct lines *lines, struct trace *trace)
{
	struct piece said;

	read_head(lines, trace, &said);
	python_dump_read(lines, trace);
	shell_take(lines, trace);
	/* With its stacks, the heading is told by the signal; alone it is all there is. */
	if (!trace->crash->nthreads) {
		trace_add_message(trace, said);
		trace->incomplete = true;
	}
	choose_culprit(trace->crash);
}

const struct trace_reader faulthandler_reader = {
	"faulthandler", faulthandler_begins, faulthandler_read,
};
