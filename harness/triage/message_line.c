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

/*
 * A parent tells of its child: subprocess, PyCharm, billiard, torch's loader, gunicorn, uWSGI,
 * Apache. Of the signal the number or the name is there.
 */
static int child_signal(struct piece line)
{
	static const char *const words[] = {
		"died with <Signals.", "interrupted by signal ", "exited prematurely: signal ",
		"is killed by signal: ", "was terminated due to signal ", "killed by signal ",
		"exit signal ",
	};
	struct piece rest = { NULL, 0 }, before;
	uint64_t number;

	for (size_t i = 0; i < sizeof(words) / sizeof(*words) && !rest.len; i++) {
		rest = line;
		if (!take_until(&rest, words[i], &before))
			rest.len = 0;
	}
	if (take_decimal(&rest, &number))
		return number == SIGSEGV || number == SIGABRT || number == SIGBUS ||
		       number == SIGILL || number == SIGFPE ? (int)number : 0;
	for (size_t i = 0; i < rest.len; i++)
		if (memchr(".:(", rest.s[i], 3))
			rest.len = i;
	rest = piece_trim(rest);
	if (piece_starts(rest, "SIG"))
		return fault_signal(rest);
	return piece_has(rest, " ") ? signal_number(rest) : 0;
}

/* ZeroMQ's; strace's two, with a process's number before them, and Gramine's. */
int message_signal(struct piece line)
{
	struct piece before, p = line;

	/* Both are followed by abort(). */
	if (piece_starts(p, "Assertion failed: ") || piece_starts(p, "Bad file descriptor ("))
		return SIGABRT;
	if (piece_has(p, " signal") || piece_has(p, "<Signals."))
		return child_signal(p);
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

/* "aborting: fork() is not allowed since …": a library's own end of a child, not advice. */
static bool is_fork_refusal(struct piece line)
{
	static const char *const ends[] = { "abort", "Abort", "ABORT", "terminat", "Terminat",
					    "fatal", "Fatal", "FATAL" };
	size_t fork = piece_has_char(line, '(') ? piece_find(line, "fork()") : line.len;
	struct piece behind = { line.s + fork, line.len - fork };

	if (fork == line.len || !(piece_has(behind, " not allowed") ||
				  piece_has(behind, " not supported")))
		return false;
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		if (piece_starts(line, ends[i]))
			return true;
	return false;
}

bool message_is_telling(struct piece line)
{
	static const char *const forked[] = {
		"calling into gRPC, skipping fork() handlers", "FD from fork parent still in poll",
		"os.fork() is incompatible with multithreaded code", " in forked subprocess.",
	};

	line = piece_trim(line);
	if (line.len < 12 || line.len > TRACE_TEXT_MAX)
		return false;
	for (size_t i = 0; i < sizeof(forked) / sizeof(*forked) && piece_has(line, "fork"); i++)
		if (piece_has(line, forked[i]))
			return true;
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
	case 'A': /* Apache's begin so, too */
		if (piece_starts(line, "Assertion failed: "))
			return ends_with_source(line);
		break;
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
	return message_signal(line) || is_gil_check(line) || is_fork_refusal(line) ||
	       (piece_has_char(line, '+') && piece_has(line, "+[") &&
		piece_has(line, "] may have been in progress in another thread when fork()"));
}
