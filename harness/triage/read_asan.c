/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AddressSanitizer and those that report as it does: leaks, uninitialised memory, undefined
 * behaviour.
 *
 *	==123==ERROR: AddressSanitizer: heap-use-after-free on address 0x604000000013 at pc 0x…
 *	READ of size 1 at 0x604000000013 thread T0
 *	    #0 0x562fabfb850c in main /src/a.c:10:3
 *
 *	0x604000000013 is located 3 bytes inside of 40-byte region [0x604000000010,0x604000000038)
 *	freed by thread T1 here:
 *	    #0 0x7f53d3cb76a8 in free (/src/a+0x1234) (BuildId: 0123)
 *
 *	Thread T1 created by T0 here:
 *	    …
 *	SUMMARY: AddressSanitizer: heap-use-after-free /src/a.c:10:3 in main
 *	(shadow memory)
 *	==123==ABORTING
 *
 * The first stack is the culprit's; each further one is a thread whose role is what it was about.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "triage/asan_head.h"
#include "triage/sanitizer.h"
#include "triage/shell_line.h"

/* Lines of the message; a report has a dozen. */
#define SAID_MAX 100

static bool is_deadly(struct piece line)
{
	return piece_ends(line, "Sanitizer:DEADLYSIGNAL");
}

/* "a.c:17:27: runtime error: signed integer overflow" */
static bool undefined_behaviour(struct piece line, struct piece *place)
{
	struct piece p = line, digits;
	size_t colon;

	if (!take_until(&p, ": runtime error: ", place))
		return false;
	colon = piece_find_last(*place, ":");
	digits = (struct piece){ place->s + colon + 1, place->len - colon - 1 };
	return colon < place->len && take_decimal(&digits, &(uint64_t){ 0 }) && !digits.len;
}

struct section {
	const char *text, *role;
};

/* What introduces a stack, and how its thread's role is called. */
static const struct section sections[] = {
	{ "freed by thread ", "freed by" },
	{ "allocated by thread ", "allocated by" },
	{ "leak of ", "leaked by" },
	{ " created by ", "thread created" },
	{ "is located in stack of thread ", "owner of the stack" },
	{ "was created by ", "origin of the value" },
	{ "was stored to memory at", "stored by" },
	{ "of size ", NULL },
};

static const struct section *section_of(struct piece line)
{
	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++)
		if (piece_has(line, sections[i].text))
			return &sections[i];
	return NULL;
}

static bool asan_begins(const struct lines *lines)
{
	struct piece line = lines->line, what;
	uint64_t pid;

	if (!line.len)
		return false;
	if (*line.s == ' ')
		return sanitizer_frame_alone(line);
	if (piece_has(line, "Sanitizer"))
		return asan_head(line, &pid, &what) || is_deadly(line) ||
		       (piece_starts(line, "SUMMARY: ") && piece_has(line, "Sanitizer: ") &&
			!piece_has(line, "ThreadSanitizer: "));
	/* Of a report that is cut off at its head. */
	return piece_starts(line, "freed by thread T") ||
	       piece_starts(line, "previously allocated by thread T") ||
	       ((piece_starts(line, "READ of size ") || piece_starts(line, "WRITE of size ")) &&
		piece_has(line, " thread T")) ||
	       undefined_behaviour(line, &what);
}

struct report {
	struct trace *trace;
	struct crash_thread *thread;
	struct piece heading; /* of the next stack */
	size_t said;
	bool begun;   /* its head has been read: another one is another report's */
	bool summary; /* it has come: only shadow memory follows, or who made the threads */
	bool makers;
	bool shadow;
};

static void report_say(struct report *report, struct piece line)
{
	if (report->said++ < SAID_MAX)
		trace_add_message(report->trace, piece_trim(line));
}

static void read_head(struct report *report, struct piece line, uint64_t pid, struct piece what)
{
	struct crash *crash = report->trace->crash;

	report->begun = true;
	crash->pid = pid <= INT32_MAX ? (pid_t)pid : 0;
	/* It reports signals as AddressSanitizer does. */
	if (piece_has(line, " ThreadSanitizer: "))
		report->trace->format = TRACE_TSAN;
	asan_read_what(crash, what);
	report_say(report, line);
	/* "… T0)" or "… in thread T0:" at its end names the thread, unless a line does. */
	report->heading = line;
}

static void read_frame(struct report *report, uint64_t number, struct piece rest)
{
	if (!number || !report->thread) {
		const struct section *section = section_of(report->heading);
		struct piece heading = report->heading, before;

		/* "Thread T1 created by T0 here:" is T0's stack. */
		take_until(&heading, " created by ", &before);
		report->thread = sanitizer_add_thread(report->trace, heading,
						      section ? section->role : NULL);
		/* A stack whose beginning is lost. */
		report->trace->incomplete |= number != 0;
	}
	sanitizer_add_frame(report->trace, report->thread, rest);
}

static void read_summary(struct report *report, struct piece line)
{
	struct crash *crash = report->trace->crash;
	struct piece kind = sanitizer_summary_kind(line);

	report->summary = true;
	report_say(report, line);
	if (crash->kind == CRASH_KIND_FINDING && !piece_has(line, " leaked in "))
		asan_set_finding(crash, kind);
	if (!crash->finding && signal_number(kind) && !report->begun) {
		crash->kind = CRASH_KIND_SIGNAL;
		crash->signo = signal_number(kind);
	}
}

/* Registers, variables of a frame: nothing that is used. */
static bool is_passed_over(struct piece line)
{
	return piece_is_blank(line) || *line.s == ' ' || piece_starts(line, "=====") ||
	       piece_starts(line, "Register values");
}

/* What follows the summary, with a legend. */
static bool is_shadow(struct report *report, struct piece line)
{
	report->shadow |= piece_starts(line, "Shadow ");
	return piece_starts(line, "Shadow ") || piece_ends(line, "==ABORTING") ||
	       (report->shadow && (piece_starts(line, "  ") || piece_starts(line, "=>0x")));
}

static bool is_told(struct piece line)
{
	return piece_starts(line, "==") || piece_has(line, "int:") || piece_has(line, "INT:") ||
	       piece_starts(line, "0x") || piece_starts(line, "Address 0x") ||
	       piece_ends(line, "here:") || piece_ends(line, "allocated from:") ||
	       piece_has(line, " can not provide additional info") || is_deadly(line) ||
	       piece_starts(line, "READ of ") || piece_starts(line, "WRITE of ");
}

/* Of a signal, "Thread T1 created by T0 here:" stands behind the summary, with a stack. */
static bool read_maker(struct report *report, struct piece line)
{
	if (!piece_starts(line, "Thread T") || !piece_has(line, " created by "))
		return report->makers && piece_is_blank(line);
	report->makers = true;
	report->heading = line;
	sanitizer_name_threads(report->trace, line);
	report_say(report, line);
	return true;
}

/* False: it is not this report's any more. */
static bool read_line(struct report *report, struct piece line)
{
	struct piece what, rest;
	uint64_t pid, number;

	if (sanitizer_frame(line, &number, &rest) && (!report->summary || report->makers)) {
		read_frame(report, number, rest);
		return true;
	}
	if (asan_head(line, &pid, &what)) {
		if (report->begun || report->thread)
			return false;
		read_head(report, line, pid, what);
		return true;
	}
	if (piece_has(line, "SUMMARY: ") && !report->summary) {
		read_summary(report, line);
		return true;
	}
	if (report->summary)
		return read_maker(report, line) || is_shadow(report, line);
	if (is_passed_over(line) || piece_is(piece_trim(line), "[...]"))
		return true;
	if (!is_told(line) && !section_of(line))
		return false;
	if (section_of(line) || !report->heading.len)
		report->heading = line;
	if (piece_starts(line, "Thread T"))
		sanitizer_name_threads(report->trace, line);
	report_say(report, line);
	return true;
}

/* The line says where; a stack follows it only if it was asked for. */
static void read_undefined(struct lines *lines, struct report *report, struct piece place)
{
	struct piece rest;
	uint64_t number;

	asan_set_finding(report->trace->crash,
		    (struct piece){ "undefined-behavior", strlen("undefined-behavior") });
	report_say(report, lines->line);
	report->heading = (struct piece){ NULL, 0 };
	lines_next(lines);
	if (lines->line.s && piece_has(lines->line, ": note: ")) {
		lines_next(lines);
		while (lines->line.s && piece_starts(lines->line, " ") &&
		       !sanitizer_frame(lines->line, &number, &rest))
			lines_next(lines);
	}
	for (; lines->line.s && sanitizer_frame(lines->line, &number, &rest); lines_next(lines))
		read_frame(report, number, rest);
	if (!report->thread) {
		report->thread = sanitizer_add_thread(report->trace, report->heading, NULL);
		frame_source(trace_add_frame(report->trace, report->thread), place);
	}
	if (lines->line.s && piece_is_blank(lines->line) && lines_peek(lines, 1).s &&
	    piece_starts(lines_peek(lines, 1), "SUMMARY: Undefined"))
		lines_next(lines);
	if (lines->line.s && piece_starts(lines->line, "SUMMARY: Undefined"))
		lines_next(lines);
}

static void asan_read(struct lines *lines, struct trace *trace)
{
	struct report report = { .trace = trace };
	struct piece place;

	trace->crash->kind = CRASH_KIND_FINDING;
	if (undefined_behaviour(lines->line, &place)) {
		read_undefined(lines, &report, place);
		return;
	}
	while (lines->line.s && read_line(&report, lines->line))
		lines_next(lines);
	trace->incomplete |= !report.summary || !report.begun;
	shell_take(lines, trace);
}

const struct trace_reader asan_reader = { "asan", asan_begins, asan_read };
