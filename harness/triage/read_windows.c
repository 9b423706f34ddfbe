/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said on Windows of a program that died, and the stacks of its debuggers:
 *
 *	(1a2c.3b4): Access violation - code c0000005 (first chance)
 *	 # Child-SP          RetAddr           Call Site
 *	00 0000008a`7a2fe0f8 00007ffb`12345678 probe!probe_get+0x12 [C:\src\table.c @ 61]
 *
 *	Faulting application name: python.exe, version: 3.12.1150.1013, time stamp: 0x65731a5c
 *	Faulting module name: probe.pyd, version: 0.0.0.0, time stamp: 0x65a0f0d1
 *	Exception code: 0xc0000005
 *	Fault offset: 0x0000000000001149
 *
 * Frames are in windows_line.h.
 */
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "triage/windows_line.h"

/* Lines between what is said and the frames: registers, headings. */
#define BETWEEN_MAX 30

/* What Breakpad tells of a frame: "    rax = 0x0   rdx = 0x1", "    Found by: …". */
static bool is_detail(struct piece line)
{
	return piece_starts(line, "    ") &&
	       (piece_has(line, " = 0x") || piece_has(line, "Found by: "));
}

/* A lone one may be anybody's text. */
static bool is_framed(const struct lines *lines)
{
	struct piece next = lines_peek(lines, 1);
	struct windows_frame frame;

	return windows_frame(lines->line, &frame) &&
	       (windows_frame(next, &frame) || windows_module_alone(next, &frame) ||
		is_detail(next));
}

static bool windows_begins(const struct lines *lines)
{
	struct piece text = piece_trim(lines->line);
	uint64_t code;

	if (text.len < 8)
		return false;
	return windows_tells(text, &code) || is_framed(lines) ||
	       (*text.s == 'F' && windows_take_key(&text, "Faulting application"));
}

struct report {
	struct trace *trace;
	struct crash_thread *thread;
	struct piece module;
	uint64_t module_offset;
};

static void read_code(struct trace *trace, uint64_t code)
{
	struct crash *crash = trace->crash;

	trace_add_fact(trace, FACT_PLATFORM, (struct piece){ "Windows", strlen("Windows") });
	if (!code || crash->signo)
		return;
	crash->signo = windows_signal(code);
	if (code == 0xc00000fd && !crash->finding)
		crash->finding = xstrdup("stack-overflow");
}

/* "… reading location 0x0000000000000008." */
static void read_location(struct crash *crash, struct piece text)
{
	struct piece before;

	if (!crash->has_addr && take_until(&text, "ing location ", &before))
		crash->has_addr = take_hex(&text, false, &crash->addr);
}

/* Up to ", version: …", or to the blanks before a version alone. */
static size_t name_len(struct piece p)
{
	size_t comma = piece_find(p, ", "), blanks = piece_find(p, "  ");

	return comma < blanks ? comma : blanks;
}

/* "Faulting module name: probe.pyd, version: …", and where in it. */
static bool read_fault(struct report *report, struct piece text)
{
	struct piece rest = text;

	if (windows_take_key(&rest, "Faulting application")) {
		rest.len = name_len(rest);
		trace_add_fact(report->trace, FACT_PROGRAM, rest);
	} else if (windows_take_key(&rest, "Faulting module")) {
		rest.len = name_len(rest);
		report->module = rest;
	} else if (windows_take_key(&rest, "Fault offset")) {
		take_hex(&rest, false, &report->module_offset);
	} else {
		return piece_starts(text, "Faulting ");
	}
	return true;
}

static void read_frame(struct report *report, const struct windows_frame *frame)
{
	if (!report->thread) {
		report->thread = trace_add_thread(report->trace);
		report->thread->culprit = true;
	}
	windows_frame_add(report->trace, report->thread, frame);
}

/* Visual Studio's, in place of frames. */
static bool is_gap(struct piece text)
{
	return piece_is(text, "[External Code]") || piece_is(text, "[...]") ||
	       piece_is(text, "...") || piece_has(text, "Frames below may be incorrect");
}

/* False: the line is not the report's any more. */
static bool read_line(struct report *report, const struct lines *lines)
{
	struct piece text = piece_trim(lines->line);
	struct windows_frame frame;
	uint64_t code;

	if (windows_frame(text, &frame) ||
	    (report->thread && windows_module_alone(text, &frame))) {
		read_frame(report, &frame);
		return true;
	}
	if (report->thread) {
		report->trace->incomplete |= is_gap(text);
		return is_gap(text) || is_detail(lines->line);
	}
	if (take_text(&text, "Crash address: ")) {
		report->trace->crash->has_addr =
			take_hex(&text, false, &report->trace->crash->addr);
		return true;
	}
	if (windows_tells(text, &code)) {
		if (report->trace->crash->signo && code &&
		    windows_signal(code) != report->trace->crash->signo)
			return false;
		read_code(report->trace, code);
		read_location(report->trace->crash, text);
		trace_add_message(report->trace, text);
		read_fault(report, text);
		return true;
	}
	if (read_fault(report, text)) {
		return true;
	}
	return false;
}

/* A frame that stands a little below what was said. */
static bool frame_follows(const struct lines *lines)
{
	struct lines ahead = *lines;
	uint64_t code;

	for (size_t n = 0; n < BETWEEN_MAX && ahead.line.s; n++, lines_next(&ahead)) {
		if (windows_tells(ahead.line, &code))
			return false;
		if (is_framed(&ahead))
			return true;
	}
	return false;
}

static void fault_settle(struct report *report)
{
	struct crash_frame *frame;

	if (report->thread || !report->module.len || piece_is(report->module, "unknown"))
		return;
	report->thread = trace_add_thread(report->trace);
	report->thread->culprit = true;
	frame = trace_add_frame(report->trace, report->thread);
	frame_module(frame, report->module);
	frame->module_offset = report->module_offset;
}

static void windows_read(struct lines *lines, struct trace *trace)
{
	struct report report = { .trace = trace };

	while (lines->line.s && read_line(&report, lines))
		lines_next(lines);
	if (!report.thread && lines->line.s && frame_follows(lines)) {
		while (lines->line.s && !is_framed(lines))
			lines_next(lines);
		while (lines->line.s && read_line(&report, lines))
			lines_next(lines);
	}
	fault_settle(&report);
	crash_settle_kind(trace->crash);
}

const struct trace_reader windows_reader = { "windows", windows_begins, windows_read };
