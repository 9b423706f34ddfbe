/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ThreadSanitizer.
 *
 *	WARNING: ThreadSanitizer: data race (pid=123)
 *	  Write of size 8 at 0x5555555580a0 by thread T1 (mutexes: write M0):
 *	    #0 w /src/t.c:5:3 (t+0x1259)
 *
 *	  Previous read of size 8 at 0x5555555580a0 by main thread:
 *	    #0 main /src/t.c:7:1 (t+0x1375)
 *
 *	  Location is global 'g' of size 8 at 0x5555555580a0 (t+0x40a0)
 *
 *	  Thread T1 'worker' (tid=456, running) created by main thread at:
 *	    …
 *	SUMMARY: ThreadSanitizer: data race /src/t.c:5:3 in w
 *
 * The first stack is the culprit's; each further one is a thread whose role is what it was about.
 */
#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "base/errors.h"
#include "base/strbuf.h"
#include "triage/sanitizer.h"
#include "triage/shell_line.h"

/* Lines of the message. */
#define SAID_MAX 100

static bool report_head(struct piece line, struct piece *what)
{
	struct piece before;

	return (take_until(&line, "WARNING: ThreadSanitizer: ", &before) ||
		take_until(&line, "FATAL: ThreadSanitizer: ", &before)) && (*what = line, true);
}

static bool is_summary(struct piece line)
{
	return piece_starts(line, "SUMMARY: ThreadSanitizer: ");
}

/* "Previous write of size 8 at 0x… by main thread:", and the first one, without that word. */
static bool is_access(struct piece line)
{
	struct piece p = piece_trim(line);

	return piece_has(p, " of size ") && piece_has(p, " at 0x") && piece_ends(p, ":") &&
	       (piece_has(p, " by thread T") || piece_has(p, " by main thread"));
}

static bool tsan_begins(const struct lines *lines)
{
	struct piece line = lines->line, what;

	if (!line.len)
		return false;
	if (*line.s == ' ')
		return piece_starts(line, "  ") && is_access(line);
	return piece_has(line, "ThreadSanitizer: ") && (is_summary(line) ||
							report_head(line, &what));
}

struct report {
	struct trace *trace;
	struct crash_thread *thread;
	struct piece heading; /* of the next stack */
	size_t said;
	bool begun;   /* its head was there */
	bool summary; /* it is over */
};

static void report_say(struct report *report, struct piece line)
{
	if (report->said++ < SAID_MAX)
		trace_add_message(report->trace, piece_trim(line));
}

/* "data race (pid=123)", "lock-order-inversion (potential deadlock) (pid=123)" */
static void read_head(struct report *report, struct piece what)
{
	struct crash *crash = report->trace->crash;
	struct piece pid = what, before;
	uint64_t number;

	if (take_until(&pid, "(pid=", &before) && take_decimal(&pid, &number) &&
	    number <= INT32_MAX)
		crash->pid = (pid_t)number;
	what.len = piece_find(what, " (");
	crash->finding = piece_copy(what);
}

/* "M0", "T1", "'worker'", "(0x5555555580c0)", "(tid=456, running)": who it was in this run. */
static bool is_particular(struct piece word)
{
	if (word.len > 1 && strchr("MT", *word.s) && ascii_is_digit(word.s[1]))
		return true;
	return *word.s == '\'' || *word.s == '(' || piece_ends(word, "'") ||
	       piece_ends(word, ")");
}

/* "previous atomic write", "mutex acquired", "thread created": the same in each report. */
static char *role_of(struct piece heading)
{
	static const char *const ends[] = {
		" of size ", " by ", " at ", " at:", " here", " in ", " while ", ":",
	};
	struct piece p = piece_trim(heading), word;
	struct strbuf role = STRBUF_INIT;

	if (piece_has(p, " allocated by "))
		return xstrdup("allocated by");
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		p.len = piece_find(p, ends[i]);
	while (take_word(&p, &word)) {
		char *text;

		if (is_particular(word))
			continue;
		text = piece_copy(word);
		strbuf_addstr(&role, role.len ? " " : "");
		strbuf_addstr(&role, text);
		free(text);
	}
	if (role.len)
		role.buf[0] = ascii_lower(role.buf[0]);
	return strbuf_detach(&role);
}

static void read_frame(struct report *report, uint64_t number, struct piece rest)
{
	if (!number || !report->thread) {
		struct piece heading = report->heading, before;
		/* The first stack is what the report is about. */
		char *role = report->thread || !report->begun ? role_of(heading) : NULL;

		/* Who is named behind these words is the one whose stack it is. */
		if (!take_until(&heading, " created by ", &before) &&
		    !take_until(&heading, " by ", &before))
			take_until(&heading, " in ", &before);
		report->thread = sanitizer_add_thread(report->trace, heading, role);
		report->trace->incomplete |= number != 0;
		free(role);
	}
	sanitizer_add_frame(report->trace, report->thread, rest);
}

static void read_heading(struct report *report, struct piece line)
{
	struct crash *crash = report->trace->crash;
	struct piece address = line, before;

	report->heading = line;
	report_say(report, line);
	if (!crash->has_addr && is_access(line) && take_until(&address, " at 0x", &before))
		crash->has_addr = take_hex(&address, true, &crash->addr);
	if (piece_starts(piece_trim(line), "Thread T"))
		sanitizer_name_threads(report->trace, piece_trim(line));
}

static void read_summary(struct report *report, struct piece line)
{
	struct crash *crash = report->trace->crash;
	struct piece kind = sanitizer_summary_kind(line);

	report->summary = true;
	report_say(report, line);
	if (!crash->finding && kind.len)
		crash->finding = piece_copy(kind);
}

/* False: it is not this report's any more. */
static bool read_line(struct report *report, struct piece line)
{
	struct piece rest;
	uint64_t number;

	if (piece_is_blank(line))
		return true;
	if (sanitizer_frame(line, &number, &rest))
		read_frame(report, number, rest);
	else if (is_summary(line))
		read_summary(report, line);
	else if (piece_starts(line, "  "))
		read_heading(report, line);
	else if (piece_is(line, "[...]"))
		report->trace->incomplete = true;
	else
		return false;
	return true;
}

static void tsan_read(struct lines *lines, struct trace *trace)
{
	struct report report = { .trace = trace };
	struct piece what;

	trace->crash->kind = CRASH_KIND_FINDING;
	if (report_head(lines->line, &what)) {
		report.begun = true;
		read_head(&report, what);
		report_say(&report, lines->line);
		lines_next(lines);
	} else {
		trace->incomplete = true;
	}
	while (lines->line.s && !report.summary && read_line(&report, lines->line))
		lines_next(lines);
	trace->incomplete |= !report.summary;
	if (lines->line.s && piece_starts(lines->line, "=========="))
		lines_next(lines);
}

const struct trace_reader tsan_reader = { "tsan", tsan_begins, tsan_read };
