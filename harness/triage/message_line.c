/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/message_line.h"

#include <signal.h>

#include "base/ascii.h"

/* "SIGSEGV": of those that a fault raises. */
static int fault_signal(struct piece name)
{
	int signo = piece_starts(name, "SIG") ? signal_number(name) : 0;

	return signo == SIGSEGV || signo == SIGABRT || signo == SIGBUS || signo == SIGILL ||
	       signo == SIGFPE ? signo : 0;
}

/* ZeroMQ's; strace's two, with a process's number before them, and Gramine's. */
int message_signal(struct piece line)
{
	struct piece before, p = line;

	/* Both are followed by abort(). */
	if (piece_starts(p, "Assertion failed: ") || piece_starts(p, "Bad file descriptor ("))
		return SIGABRT;
	if (take_text(&p, "[")) {
		if (!take_until(&p, "]", &before))
			return 0;
		take_blanks(&p);
		if (take_text(&p, "killed by "))
			return fault_signal(p);
	}
	if (take_text(&p, "+++ killed by "))
		return piece_ends(p, " +++") ?
		       fault_signal((struct piece){ p.s, piece_find(p, " ") }) : 0;
	if (!take_text(&p, "--- SIG") || !piece_has(p, " {si_signo=SIG"))
		return 0;
	return fault_signal((struct piece){ p.s - 3, piece_find(p, " {") + 3 });
}

/* "(src/epoll.cpp:73)" at its end. */
static bool ends_with_source(struct piece line)
{
	size_t open = piece_find_last(line, "("), colon;
	struct piece place;
	uint64_t number;

	if (open == line.len || !piece_ends(line, ")"))
		return false;
	place = (struct piece){ line.s + open + 1, line.len - open - 2 };
	colon = piece_find_last(place, ".cpp:");
	if (colon == place.len || piece_has(place, " "))
		return false;
	piece_cut(&place, colon + 5);
	return take_decimal(&place, &number) && !place.len;
}

/* "gilstate.cc: probe::get() is being called while …": what is called stands before it. */
static bool is_gil_check(struct piece line)
{
	size_t at = !piece_has_char(line, 'G') ? line.len :
		    piece_find(line, " is being called while the GIL is either not held");

	return at >= 2 && at < line.len && line.s[at - 1] == ')' &&
	       (line.s[at - 2] == '(' || ascii_is_alnum(line.s[at - 2]));
}

bool message_is_telling(struct piece line)
{
	line = piece_trim(line);
	if (line.len < 12 || line.len > TRACE_TEXT_MAX)
		return false;
	switch (*line.s) {
	case '[': /* Abseil, of itself */
		if (piece_has(line, " RAW: ") && piece_has(line, " failed: "))
			return true;
		break;
	case 'E': /* Python, of an error that it could not raise */
		if (piece_starts(line, "Exception ") && piece_has(line, " in ") &&
		    piece_ends(line, " ignored"))
			return true;
		break;
	case 'B': /* ZeroMQ, before it aborts */
		return piece_starts(line, "Bad file descriptor (") && ends_with_source(line);
	case 'A':
		return piece_starts(line, "Assertion failed: ") && ends_with_source(line);
	case 'T':
		return piece_starts(line, "The process has forked and you cannot use this Core") ||
		       piece_starts(line, "Terminating: fork() called from a process already");
	case 'o':
		if (piece_starts(line, "objc[") && piece_has(line, "fork()"))
			return true;
		break;
	default:
		break;
	}
	return message_signal(line) || is_gil_check(line) ||
	       (piece_has_char(line, '+') && piece_has(line, "+[") &&
		piece_has(line, "] may have been in progress in another thread when fork()"));
}
