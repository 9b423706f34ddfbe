/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eu-stack of elfutils, of a process or a core; what is behind the names depends on its options.
 *
 *	PID 24244 - core
 *	TID 24244:
 *	#0  0x00007ffff7785ad8     __strlen_evex - libc.so.6
 *	    [93ac61ec5a8eb1396f9fbd350e3169a558528a40]@0x7ffff761e000+0x167ad8
 *	    ../sysdeps/x86_64/multiarch/strlen-evex.S:79
 *	#1  0x00007ffff734c528 - 1 string_at - _ctypes.cpython-312-x86_64-linux-gnu.so
 */
#include <signal.h>
#include <string.h>

#include "triage/readers.h"

/* "PID 123 - process", "TID 123:" */
static bool is_process(struct piece text, uint64_t *pid)
{
	return take_text(&text, "PID ") && take_decimal(&text, pid) && take_text(&text, " - ") &&
	       piece_trim(text).len;
}

static bool is_thread(struct piece text, uint64_t *tid)
{
	text = piece_trim(text);
	return take_text(&text, "TID ") && take_decimal(&text, tid) && piece_is(text, ":");
}

static bool eu_stack_begins(const struct lines *lines)
{
	struct piece text = lines->line;
	uint64_t id;

	take_blanks(&text);
	if (!text.len || (*text.s != 'P' && *text.s != 'T'))
		return false;
	return is_process(text, &id) || is_thread(text, &id);
}

static bool is_frame(struct piece *text, uint64_t *pc)
{
	uint64_t number;

	if (!take_text(text, "#") || !take_decimal(text, &number))
		return false;
	take_blanks(text);
	return take_hex(text, false, pc);
}

/* " - 1": the address is where the call returns to. Name and module follow, if they are told. */
static void frame_read(struct crash_frame *frame, struct piece rest)
{
	struct piece activation;
	size_t dash;

	take_blanks(&rest);
	activation = rest;
	if (take_text(&activation, "- 1") && (!activation.len || *activation.s == ' '))
		rest = piece_trim(activation);
	if (take_text(&rest, "- ")) {
		frame_module(frame, rest);
		return;
	}
	dash = piece_find_last(rest, " - ");
	if (dash < rest.len)
		frame_module(frame, (struct piece){ rest.s + dash + 3, rest.len - dash - 3 });
	frame_name(frame, (struct piece){ rest.s, dash });
}

/* "PID 123 - core" is of a process that died, "PID 123 - process" of one that was looked at. */
static void process_read(struct crash *crash, struct piece text, uint64_t pid)
{
	crash->pid = (pid_t)(pid & INT32_MAX);
	if (piece_ends(text, " - core"))
		crash->kind = CRASH_KIND_SIGNAL;
}

static void thread_add(struct trace *trace, uint64_t tid, struct crash_thread **thread)
{
	*thread = trace_add_thread(trace);
	if (*thread) {
		(*thread)->tid = (pid_t)(tid & INT32_MAX);
		(*thread)->pid = trace->crash->pid;
	}
}

/* "[build id]@0x7f…+0x167ad8", or source; a line of another kind ends the report. */
static bool detail_read(struct trace *trace, struct piece line, struct crash_thread *thread,
			struct crash_frame *frame)
{
	struct piece text = piece_trim(line), detail = text, base;
	uint64_t offset;

	if (!text.len)
		return true;
	if (take_text(&text, "eu-stack: ")) {
		/* "shown max number of frames", or what it could not do */
		if (thread)
			thread->truncated = true;
		else
			trace->incomplete = true;
		return true;
	}
	if (!frame || *line.s != ' ')
		return false;
	if (take_text(&detail, "[") && take_until(&detail, "]@0x", &base)) {
		frame_build_id(frame, base);
		if (take_until(&detail, "+", &base) && take_hex(&detail, false, &offset))
			frame->module_offset = offset;
	} else {
		frame_source(frame, text);
	}
	return true;
}

static bool take_line(struct trace *trace, struct piece line, struct crash_thread **thread,
		      struct crash_frame **frame)
{
	struct piece text = piece_trim(line);
	uint64_t id;

	if (is_process(text, &id)) {
		if (trace->crash->pid || *thread)
			return false;
		process_read(trace->crash, text, id);
		return true;
	}
	if (is_thread(text, &id)) {
		thread_add(trace, id, thread);
		*frame = NULL;
		return true;
	}
	if (!is_frame(&text, &id))
		return detail_read(trace, line, *thread, *frame);
	*frame = trace_add_frame(trace, *thread);
	if (*frame) {
		(*frame)->pc = id;
		frame_read(*frame, text);
	}
	return true;
}

/*
 * What is inlined has the address of its caller. So has a recursion; but that has one name and one
 * place, too.
 */
static void inlined_mark(struct crash_thread *thread)
{
	for (size_t i = 1; i < thread->nframes; i++) {
		struct crash_frame *inner = &thread->frames[i - 1], *outer = &thread->frames[i];

		if (inner->pc == outer->pc && inner->function && outer->function &&
		    (strcmp(inner->function, outer->function) || inner->line != outer->line))
			inner->inlined = true;
	}
}

/*
 * The one that aborts; else the first, which is that of a core's signal or the process's main one.
 * A core whose first thread waits was taken of a process that lived.
 */
static void culprit_find(struct crash *crash)
{
	struct crash_thread *culprit = &crash->threads[0];

	for (size_t i = 0; i < crash->nthreads && !crash->signo; i++)
		if (thread_aborts(&crash->threads[i])) {
			culprit = &crash->threads[i];
			crash->kind = CRASH_KIND_SIGNAL;
			crash->signo = SIGABRT;
		}
	if (!crash->signo && thread_waits(culprit))
		crash->kind = CRASH_KIND_LOOK;
	culprit->culprit = true;
	crash->tid = culprit->tid;
}

static void eu_stack_read(struct lines *lines, struct trace *trace)
{
	struct crash_thread *thread = NULL;
	struct crash_frame *frame = NULL;

	trace->crash->kind = CRASH_KIND_LOOK;
	while (lines->line.s && take_line(trace, lines->line, &thread, &frame))
		lines_next(lines);
	for (size_t i = 0; i < trace->crash->nthreads; i++)
		inlined_mark(&trace->crash->threads[i]);
	if (trace->crash->nthreads)
		culprit_find(trace->crash);
}

const struct trace_reader eu_stack_reader = { "eu-stack", eu_stack_begins, eu_stack_read };
