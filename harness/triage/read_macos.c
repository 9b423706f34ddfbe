/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A crash report of macOS as text, as its tools show it (macos_json.c reads the file itself):
 *
 *	Process:               Python [45370]
 *	Exception Type:        EXC_CRASH (SIGABRT)
 *	Application Specific Information:
 *	abort() called
 *
 *	Thread 0 Crashed::  Dispatch queue: com.apple.main-thread
 *	0   libsystem_kernel.dylib        	       0x18d1b2600 __pthread_kill + 8
 *
 *	Binary Images:
 *	       0x104b00000 -        0x104b03fff org.python.python (3.13.0) <…> /…/Python
 */
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "triage/macos.h"
#include "triage/mapped.h"

/* Registers, memory regions and notes: so many lines may say nothing, and it still goes on. */
#define UNKNOWN_MAX 40

struct macos {
	struct lines *lines;
	struct trace *trace;
	struct crash_thread *thread; /* void when another is added */
	struct mapped images;
	struct piece process;
	bool told;     /* what stands behind "Application Specific Information:" */
	bool in_images;
};

/* "Thread 12 name:  …", "Thread 0 Crashed:: …", "Thread 3:". */
static bool take_thread(struct piece line, uint64_t *n, bool *crashed, struct piece *name)
{
	struct piece rest = line;

	if (!take_text(&rest, "Thread ") || !take_decimal(&rest, n))
		return false;
	*crashed = take_text(&rest, " Crashed");
	take_text(&rest, " name");
	if (!take_text(&rest, ":"))
		return false;
	while (take_text(&rest, ":"))
		;
	rest = piece_trim(rest);
	take_text(&rest, "Dispatch queue: ");
	*name = rest;
	return true;
}

/* "Process:   Python [123]" */
static bool take_process(struct piece line, struct piece *name, uint64_t *pid)
{
	struct piece rest = line;

	if (!take_text(&rest, "Process:") || !rest.len || (*rest.s != ' ' && *rest.s != '\t') ||
	    !take_until(&rest, "[", name) || !take_decimal(&rest, pid) || !take_text(&rest, "]"))
		return false;
	*name = piece_trim(*name);
	return true;
}

static bool macos_begins(const struct lines *lines)
{
	struct piece name;
	uint64_t n;
	bool crashed;

	if (!lines->line.len)
		return false;
	switch (*lines->line.s) {
	case 'P':
		return take_process(lines->line, &name, &n);
	case 'E':
		return piece_starts(lines->line, "Exception Type:") &&
		       piece_has(lines->line, "EXC_");
	case 'T':
		return take_thread(lines->line, &n, &crashed, &name) && crashed;
	default:
		return macos_json_begins(lines);
	}
}

static bool read_thread(struct macos *m, struct piece line)
{
	struct piece name;
	uint64_t n;
	bool crashed;

	if (!take_thread(line, &n, &crashed, &name))
		return false;
	/* "Thread 3 name: …" and then "Thread 3:": one thread. */
	if (m->thread && !m->thread->nframes && m->thread->tid == (pid_t)n) {
		m->thread->culprit |= crashed;
	} else {
		m->thread = trace_add_thread(m->trace);
		if (!m->thread)
			return true;
		m->thread->tid = n <= INT32_MAX ? (pid_t)n : 0;
		m->thread->culprit = crashed;
	}
	if (!m->thread->name && name.len)
		m->thread->name = piece_copy(name);
	return true;
}

/* "0x104b00000 - 0x104b03fff +org.python.python (3.13.0) <…> /opt/…/Python" */
static bool read_image(struct macos *m, struct piece line)
{
	struct piece rest = piece_trim(line), before;
	uint64_t start, end;

	if (!m->in_images || !take_hex(&rest, false, &start) || !take_until(&rest, "-", &before))
		return false;
	take_blanks(&rest);
	if (!take_hex(&rest, false, &end) || end == UINT64_MAX)
		return false;
	if (take_until(&rest, "> ", &before) && piece_starts(piece_trim(rest), "/"))
		mapped_add_image(&m->images, start, end + 1, piece_trim(rest));
	return true;
}

static bool take_field(struct piece line, const char *name, struct piece *value)
{
	struct piece rest = line;

	if (!take_text(&rest, name))
		return false;
	*value = piece_trim(rest);
	return true;
}

static void read_exception(struct trace *trace, struct piece value)
{
	struct piece type, name = { NULL, 0 };

	if (!take_word(&value, &type))
		return;
	take_blanks(&value);
	if (take_text(&value, "("))
		take_until(&value, ")", &name);
	macos_exception(trace, type, name);
	trace_add_fact(trace, "exception", type);
}

static bool read_field(struct macos *m, struct piece line)
{
	struct trace *trace = m->trace;
	struct piece value;

	if (take_field(line, "Path:", &value))
		trace_add_fact(trace, FACT_PROGRAM, value);
	else if (take_field(line, "Version:", &value))
		macos_version(trace, m->process, value);
	else if (take_field(line, "Code Type:", &value))
		trace_add_fact(trace, FACT_ARCHITECTURE, value);
	else if (take_field(line, "OS Version:", &value))
		trace_add_fact(trace, FACT_PLATFORM, value);
	else if (take_field(line, "Date/Time:", &value))
		trace_add_fact(trace, FACT_TIME, value);
	else if (take_field(line, "Exception Type:", &value))
		read_exception(trace, value);
	else if (take_field(line, "Exception Subtype:", &value) ||
		 take_field(line, "Exception Codes:", &value))
		macos_subtype(trace, value);
	else if (take_field(line, "Termination Reason:", &value))
		trace_add_fact(trace, "termination", value);
	else if (take_field(line, "Terminating Process:", &value))
		trace_add_fact(trace, "terminated by", value);
	else
		return false;
	return true;
}

/* What the process said goes on to the next empty line. */
static bool read_told(struct macos *m, struct piece line)
{
	if (piece_is(line, "Application Specific Information:")) {
		m->told = true;
		return true;
	}
	if (!m->told)
		return false;
	m->told = !piece_is_blank(line);
	if (m->told)
		trace_add_message(m->trace, line);
	return true;
}

static bool read_line(struct macos *m, struct piece line)
{
	if (read_told(m, line) || read_thread(m, line) || macos_frame(m->trace, m->thread, line) ||
	    read_image(m, line) || read_field(m, line))
		return true;
	if (piece_is(piece_trim(line), "Binary Images:")) {
		m->in_images = true;
		m->thread = NULL;
		return true;
	}
	/* Behind a thread come others, or registers whose lines begin with a number, too. */
	if (piece_is_blank(line))
		m->thread = NULL;
	return false;
}

/* The same once more, as the file has it, stands behind the text. */
static void skip_file(struct macos *m)
{
	struct trace again = { .crash = crash_new() };

	lines_next(m->lines);
	while (m->lines->line.s && (piece_is_blank(m->lines->line) ||
				    piece_starts(m->lines->line, "---")))
		lines_next(m->lines);
	if (m->lines->line.s && macos_json_begins(m->lines))
		macos_json_read(m->lines, &again);
	trace_settle(&again);
	crash_free(again.crash);
	for (size_t i = 0; i < again.nfacts; i++) {
		free(again.facts[i].key);
		free(again.facts[i].value);
	}
	free(again.facts);
}

static void read_text(struct macos *m)
{
	struct lines known = *m->lines; /* behind the last line that was understood */
	struct piece name;
	uint64_t pid;

	for (size_t unknown = 0; m->lines->line.s && unknown < UNKNOWN_MAX;) {
		struct piece line = m->lines->line;

		if (piece_is(piece_trim(line), "Full Report")) {
			skip_file(m);
			return;
		}
		if (m->process.s && take_process(line, &name, &pid))
			break; /* the next report */
		if (take_process(line, &m->process, &pid)) {
			m->trace->crash->pid = pid <= INT32_MAX ? (pid_t)pid : 0;
			unknown = 0;
		} else {
			unknown = read_line(m, line) ? 0 : unknown + 1;
		}
		lines_next(m->lines);
		if (!unknown)
			known = *m->lines;
	}
	*m->lines = known;
}

static void macos_read(struct lines *lines, struct trace *trace)
{
	struct macos m = { .lines = lines, .trace = trace };

	if (macos_json_begins(lines)) {
		macos_json_read(lines, trace);
		return;
	}
	read_text(&m);
	trace_add_fact(trace, FACT_PROGRAM, m.process);
	for (size_t i = 0; i < trace->crash->nthreads; i++)
		macos_mark_frames(&trace->crash->threads[i]);
	mapped_resolve(&m.images, trace->crash);
	mapped_release(&m.images);
	/* Cut off before it came to its stacks. */
	trace->incomplete |= !trace->crash->nthreads;
	if (!trace->crash->nthreads && !*trace->crash->message && trace_fact(trace, "exception")) {
		const char *exception = trace_fact(trace, "exception");

		trace_add_message(trace, (struct piece){ exception, strlen(exception) });
	}
}

const struct trace_reader macos_reader = { "macos", macos_begins, macos_read };
