/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Valgrind's logs: memcheck's, helgrind's and drd's.
 *
 *	==123== Thread 2:
 *	==123== Invalid read of size 8
 *	==123==    at 0x4009A50: probe_get (table.c:12)
 *	==123==    by 0x4009B00: main (in /srv/probe)
 *	==123==  Address 0x5204048 is 8 bytes inside a block of size 40 free'd
 *	==123==    at 0x483CA3F: free (vg_replace_malloc.c:538)
 *	==123==    by 0x4009AC0: probe_drop (table.c:20)
 *	==123==  Block was alloc'd at
 *	==123==    at 0x483B7F3: malloc (vg_replace_malloc.c:309)
 *
 *	==123== Process terminating with default action of signal 11 (SIGSEGV)
 *	==123==  Access not within mapped region at address 0x8
 *	==123==    at 0x4009A50: probe_get (table.c:12)
 *
 * Each error is a report; leaks are one together. The first stack is the culprit's, each further
 * one is a thread whose role is what it was about.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "triage/valgrind_line.h"

/* Lines of the message; an error has a dozen. */
#define SAID_MAX 100

struct report {
	struct trace *trace;
	struct crash_thread *thread; /* whose stack is open */
	const char *error;           /* NULL: its first line is lost, or is still to come */
	const char *role;            /* of the next stack */
	struct piece name;           /* of the culprit, "Thread 2" */
	size_t said;
	bool begun;                  /* the culprit's stack is there */
	bool prefixed;               /* its first line was */
};

/* "Thread 2 worker:" before an error. */
static bool is_thread(struct piece text)
{
	uint64_t number;

	return take_text(&text, "Thread ") && take_decimal(&text, &number) &&
	       piece_ends(text, ":");
}

static bool valgrind_begins(const struct lines *lines)
{
	struct valgrind_frame frame;
	struct piece text, next;
	uint64_t pid;
	int signo;

	if (lines->line.len < 8)
		return false;
	if (valgrind_text(lines->line, &text, &pid)) {
		if (!is_thread(text))
			return valgrind_error(text, &signo) || valgrind_frame(text, &frame);
		return valgrind_text(lines_peek(lines, 1), &next, &pid) &&
		       valgrind_error(next, &signo);
	}
	/* Without the prefix two lines have to agree. */
	if (!valgrind_frame(text, &frame) && !valgrind_error(text, &signo))
		return false;
	return valgrind_frame(piece_trim(lines_peek(lines, 1)), &frame);
}

static void report_say(struct report *report, struct piece text)
{
	if (text.len && report->said++ < SAID_MAX)
		trace_add_message(report->trace, text);
}

static void set_finding(struct crash *crash, const char *finding)
{
	if (crash->kind == CRASH_KIND_SIGNAL && crash->signo)
		return;
	crash->kind = CRASH_KIND_FINDING;
	free(crash->finding);
	crash->finding = xstrdup(finding);
}

static bool is_leak(const char *error)
{
	return error && (!strcmp(error, "memory-leak") || !strcmp(error, "still-reachable"));
}

/* False: it is the next report's. */
static bool read_error(struct report *report, struct piece text, const char *error, int signo)
{
	bool leaks = is_leak(error);

	if (report->error && !(leaks && report->error == error))
		return false;
	/* What stood before is the end of another error, whose beginning is lost. */
	if (report->thread && !report->error)
		report->trace->crash->threads[0].role = xstrdup("of another error");
	report->thread = NULL;
	report->error = error;
	report->role = leaks ? "allocated by" : NULL;
	report_say(report, text);
	if (signo) {
		report->trace->crash->kind = CRASH_KIND_SIGNAL;
		report->trace->crash->signo = signo;
	} else {
		set_finding(report->trace->crash, error);
	}
	return true;
}

/* " Access not within mapped region at address 0x8", " Address 0x8 is not stack'd, …". */
static void read_address(struct crash *crash, struct piece text)
{
	struct piece before;

	if (crash->has_addr)
		return;
	if (take_text(&text, "Address ") || take_until(&text, " at address ", &before))
		crash->has_addr = take_hex(&text, false, &crash->addr);
}

static void read_section(struct report *report, struct piece text)
{
	const char *finding, *role = valgrind_section(text, report->error, &finding);

	read_address(report->trace->crash, text);
	if (finding)
		set_finding(report->trace->crash, finding);
	if (role) {
		report->role = role;
		report->thread = NULL;
	}
	report_say(report, text);
}

/* The first stack of an error is its culprit's. */
static void stack_begin(struct report *report, bool innermost)
{
	bool first = !report->begun;

	report->thread = trace_add_thread(report->trace);
	if (!report->thread)
		return;
	report->thread->culprit = first && report->error;
	report->begun |= report->thread->culprit;
	if (report->role && (!first || is_leak(report->error)))
		report->thread->role = xstrdup(report->role);
	if (first && report->name.len)
		report->thread->name = piece_copy(report->name);
	report->trace->incomplete |= !innermost || !report->error;
}

static void read_frame(struct report *report, const struct valgrind_frame *from)
{
	struct crash_frame *frame;

	if (!report->thread || (from->innermost && report->thread->nframes))
		stack_begin(report, from->innermost);
	frame = trace_add_frame(report->trace, report->thread);
	if (!frame)
		return;
	frame->pc = from->pc;
	if (!from->module.len || !piece_is(from->name, "???"))
		frame_name(frame, from->name);
	frame_module(frame, from->module);
	frame_source(frame, from->source);
	frame_mark_inlined(report->thread);
}

/* False: the line is not the report's any more. */
static bool read_line(struct report *report, struct lines *lines)
{
	struct valgrind_frame frame;
	struct piece text, next;
	uint64_t pid = 0;
	bool prefixed = valgrind_text(lines->line, &text, &pid);
	const char *error, *finding;
	int signo = 0;

	if (piece_is(text, "[...]") || piece_is(text, "...")) {
		report->trace->incomplete = true;
		return true;
	}
	if (!prefixed && report->prefixed)
		return false;
	if (pid && pid <= INT32_MAX)
		report->trace->crash->pid = (pid_t)pid;
	if (valgrind_frame(text, &frame)) {
		read_frame(report, &frame);
		return true;
	}
	error = valgrind_error(text, &signo);
	if (error)
		return read_error(report, text, error, signo);
	if (is_thread(text)) {
		valgrind_text(lines_peek(lines, 1), &next, &pid);
		if (report->error && valgrind_error(next, &signo))
			return false;
		text.len--;
		report->name = text;
		return true;
	}
	if (valgrind_section(text, report->error, &finding) || piece_starts(text, "Address 0x") ||
	    piece_has(text, " at address 0x"))
		read_section(report, text);
	else
		return prefixed || !text.len;
	return true;
}

static void valgrind_read(struct lines *lines, struct trace *trace)
{
	struct report report = { .trace = trace };
	struct piece text;
	uint64_t pid;

	report.prefixed = valgrind_text(lines->line, &text, &pid);
	while (lines->line.s && read_line(&report, lines))
		lines_next(lines);
	if (!report.error) {
		set_finding(trace->crash, "valgrind-error");
		trace->incomplete = true;
		if (trace->crash->nthreads)
			trace->crash->threads[0].culprit = true;
	}
}

const struct trace_reader valgrind_reader = { "valgrind", valgrind_begins, valgrind_read };
