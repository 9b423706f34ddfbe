/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line alone by which a program, a library or a tool tells what killed it, or what was wrong:
 *
 *	objc[42]: +[NSProbe initialize] may have been in progress in another thread when fork(…
 *	probe::get() is being called while the GIL is either not held or invalid. …
 *	Bad file descriptor (src/epoll.cpp:73)
 *	--- SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0x8} ---
 *
 * Where another report stands near, such a line is part of it: see trace.c.
 */
#include <signal.h>
#include <string.h>

#include "triage/message_line.h"

static bool message_begins(const struct lines *lines)
{
	return message_is_telling(lines->line);
}

/* "+++ killed by SIGSEGV (core dumped) +++", "--- SIGSEGV {…, si_addr=0x8} ---" */
static void signal_read(struct piece line, struct crash *crash)
{
	struct piece before, word;

	if (crash->signo)
		return;
	crash->signo = message_signal(piece_trim(line));
	if (crash->signo && take_until(&line, "si_addr=", &before)) {
		take_hex(&line, false, &crash->addr);
		crash->has_addr = take_word(&line, &word);
	}
}

static void message_read(struct lines *lines, struct trace *trace)
{
	for (; lines->line.s && message_is_telling(lines->line); lines_next(lines)) {
		trace_add_message(trace, piece_trim(lines->line));
		signal_read(lines->line, trace->crash);
	}
}

const struct trace_reader message_reader = { "message", message_begins, message_read };
