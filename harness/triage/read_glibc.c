/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last words of a process that its C or C++ library, its shell or its kernel wrote: glibc's
 * heap checks and fortifications, std::terminate(), the stacks of backtrace_symbols_fd():
 *
 *	free(): invalid pointer
 *	terminate called after throwing an instance of 'std::runtime_error'
 *	  what():  no way
 *	*** Error in `python': double free or corruption (!prev): 0x00000000011c4710 ***
 *	======= Backtrace: =========
 *	/lib/libc.so.6(+0x777e5)[0x7f00000777e5]
 *	/lib/libc.so.6(cfree+0x4c)[0x7f000008053c]
 *	======= Memory map: ========
 *	00400000-006d2000 r-xp 00000000 08:01 1234  /usr/bin/python
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "triage/failure_handler.h"
#include "triage/kernel_line.h"
#include "triage/shell_line.h"
#include "triage/symbols_line.h"

#define SAID_MAX 200
#define MAPS_MAX (1u << 20)

/* All of them end in abort(). */
static const char *const last_words[] = {
	"free(): ", "malloc(): ", "realloc(): ", "calloc(): ", "munmap_chunk(): ",
	"mremap_chunk(): ", "malloc_consolidate(): ", "malloc_check_get_size: ",
	"tcache_thread_shutdown(): ", "corrupted double-linked list", "corrupted unsorted chunks",
	"corrupted size vs. prev_size", "double free or corruption", "invalid fastbin entry",
	"break adjusted to free malloc space", "memory clobbered before allocated block",
	"memory clobbered past end of allocated block", "block freed twice",
	"*** stack smashing detected ***", "*** buffer overflow detected ***",
	"*** bit out of range", "*** longjmp causes uninitialized stack frame ***",
	"*** %n in writable segment", "*** invalid %N$ use detected ***",
	"*** glibc detected ***", "*** Error in `", "FATAL: exception not rethrown",
	"Fatal glibc error: ", "The futex facility returned an unexpected error code",
	"terminate called ", "libc++abi: ", "libc++abi.dylib: ", "libc++: ",
	"pure virtual method called", "terminating due to uncaught exception", NULL,
};

static bool is_last_word(struct piece line)
{
	if (!line.len || !strchr("fmrctdib*FTlp", *line.s))
		return false;
	for (size_t i = 0; last_words[i]; i++)
		if (piece_starts(line, last_words[i]))
			return true;
	return false;
}

/* "!!! uWSGI process 123 got Segmentation Fault !!!" and its like, from a handler of its own. */
static int handler_signal(struct piece line)
{
	struct piece before, word = line;

	if (!take_until(&word, " got ", &before) || !piece_has(before, "process"))
		return 0;
	word.len = piece_find(word, " !!!");
	return piece_has(word, " ") ? signal_number(word) : 0;
}

/* "Tue Sep  4 16:17:38 2018 - !!! …": the log's own beginning of a line falls off. */
static struct piece behind_log(struct piece line)
{
	static const char *const begins[] = { " - !!! ", " - *** backtrace of " };

	for (size_t i = 0; line.len && !strchr("!*", *line.s) && i < 2; i++) {
		size_t at = piece_find(line, begins[i]);

		if (at < line.len)
			return piece_from(line, at + strlen(" - "));
	}
	return line;
}

static bool is_heading(struct piece line)
{
	line = behind_log(line);
	return (piece_starts(line, "=======") && piece_has(line, " Backtrace: ")) ||
	       piece_is(line, "Backtrace:") ||
	       piece_starts(line, "*** backtrace of ");
}

static bool glibc_begins(const struct lines *lines)
{
	struct piece line = piece_trim(lines->line);

	if (!line.len)
		return false;
	if (piece_is(line, "Backtrace:"))
		return symbols_line(lines_peek(lines, 1));
	return is_last_word(line) || is_heading(line) || shell_signal(line) ||
	       handler_signal(line) || kernel_line_begins(line) ||
	       failure_handler_begins(line) ||
	       (*line.s != '[' && symbols_line(line) && symbols_line(lines_peek(lines, 1)));
}

static void read_frames(struct lines *lines, struct trace *trace)
{
	struct crash_thread *thread = NULL;

	if (is_heading(piece_trim(lines->line)))
		lines_next(lines);
	for (; lines->line.s && symbols_line(lines->line); lines_next(lines)) {
		if (!thread) {
			thread = trace_add_thread(trace);
			thread->culprit = true;
		}
		symbols_line_add(trace, thread, lines->line);
	}
	if (lines->line.s && piece_starts(lines->line, "*** end of backtrace"))
		lines_next(lines);
	/* A handler that told the signal has looked at its own stack. */
	if (thread && trace->crash->signo && trace->crash->signo != SIGABRT)
		thread_drop_handler(thread);
	if (lines->line.s && symbols_line_cut(lines->line) && thread) {
		symbols_line_add(trace, thread, lines->line);
		trace->incomplete = true;
		lines_next(lines);
	}
}

/* "00400000-006d2000 r-xp …" */
static bool is_mapping(struct piece line)
{
	uint64_t from, to;

	return take_hex(&line, true, &from) && take_text(&line, "-") &&
	       take_hex(&line, true, &to) && take_text(&line, " ") && line.len >= 4;
}

static void read_maps(struct lines *lines, struct trace *trace)
{
	struct strbuf maps = STRBUF_INIT;

	if (!lines->line.s || !piece_starts(lines->line, "=======") ||
	    !piece_has(lines->line, " Memory map: "))
		return;
	while (lines_next(lines) && is_mapping(lines->line)) {
		char *line = piece_copy(lines->line);

		if (maps.len < MAPS_MAX) {
			strbuf_addstr(&maps, line);
			strbuf_addch(&maps, '\n');
		}
		free(line);
	}
	trace->crash->maps = strbuf_detach(&maps);
}

/* "*** Error in `python': free(): invalid pointer: 0x… ***": the program, and the address. */
static void old_words(struct piece line, struct trace *trace)
{
	struct piece program, before;
	size_t at = piece_find_last(line, ": 0x");
	struct piece address = { line.s + at, line.len - at };

	if (take_text(&line, "*** Error in `"))
		take_until(&line, "': ", &program) &&
			(trace_add_fact(trace, FACT_PROGRAM, program), true);
	else if (take_text(&line, "*** glibc detected *** "))
		take_until(&line, ": ", &program) &&
			(trace_add_fact(trace, FACT_PROGRAM, program), true);
	else
		return;
	if (take_until(&address, ": ", &before))
		trace->crash->has_addr = take_hex(&address, false, &trace->crash->addr);
}

static void read_said(struct lines *lines, struct trace *trace)
{
	size_t n = 0;
	bool thrown = false;

	for (; lines->line.s && n < SAID_MAX; n++, lines_next(lines)) {
		struct piece line = piece_trim(lines->line);
		bool what = thrown && piece_starts(line, "what():");

		if (!is_last_word(line) && !handler_signal(line) && !what)
			break;
		trace_add_message(trace, line);
		old_words(line, trace);
		if (!trace->crash->signo)
			trace->crash->signo = handler_signal(line);
		if (!trace->crash->signo)
			trace->crash->signo = SIGABRT;
		thrown = piece_starts(line, "terminate called after throwing");
	}
}

static void glibc_read(struct lines *lines, struct trace *trace)
{
	struct piece first = piece_trim(lines->line);
	size_t number = lines->number;

	if (kernel_line_begins(first)) {
		kernel_line_read(first, trace);
		trace_add_message(trace, first);
		lines_next(lines);
		return;
	}
	if (failure_handler_begins(first)) {
		failure_handler_read(lines, trace);
		shell_take(lines, trace);
		return;
	}
	read_said(lines, trace);
	read_frames(lines, trace);
	read_maps(lines, trace);
	/* What a shell says is the report itself if it is all there is. */
	if (lines->line.s && lines->number == number)
		trace_add_message(trace, first);
	shell_take(lines, trace);
}

const struct trace_reader glibc_reader = { "glibc", glibc_begins, glibc_read };
