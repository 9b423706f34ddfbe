/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What lldb prints: `bt`, `bt all`, `thread backtrace all`, and where it stopped.
 *
 *	Process 30050 stopped
 *	* thread #1, name = 'ext', stop reason = signal SIGSEGV: invalid address (…)
 *	  * frame #0: 0x00005555555551c9 ext`inner [inlined] inl(n=3, p=0x0) at ext.c:9:100 [opt]
 *	    frame #1: 0x00007ffff7dfc24a libc.so.6`__libc_start_call_main + 122
 *	  thread #2, name = 'worker'
 */
#include <signal.h>
#include <string.h>

#include "triage/session.h"

static struct piece lldb_text(struct piece line)
{
	take_blanks(&line);
	while (take_text(&line, "(lldb) "))
		take_blanks(&line);
	return line;
}

/* "thread #1", with a star if it is the selected one; what is behind the number stays. */
static bool take_thread(struct piece *text, bool *star, uint64_t *number)
{
	struct piece rest = *text;

	*star = take_text(&rest, "* ");
	take_blanks(&rest);
	if (!take_text(&rest, "thread #") || !take_decimal(&rest, number))
		return false;
	if (rest.len && *rest.s != ',' && *rest.s != ':')
		return false;
	*text = rest;
	return true;
}

static bool take_frame_number(struct piece *text, uint64_t *number)
{
	take_text(text, "* ");
	return take_text(text, "frame #") && take_decimal(text, number) && take_text(text, ": ");
}

static bool is_process(struct piece text, uint64_t *pid, const char *what)
{
	return take_text(&text, "Process ") && take_decimal(&text, pid) && piece_is(text, what);
}

static bool lldb_begins(const struct lines *lines)
{
	struct piece text = lldb_text(lines->line);
	uint64_t number;
	bool star;

	if (!text.len)
		return false;
	switch (*text.s) {
	case '*':
	case 't':
	case 'f':
		return take_thread(&text, &star, &number) ||
		       (take_frame_number(&text, &number) && piece_starts(text, "0x"));
	case 'P':
		return is_process(text, &number, " stopped");
	case 'C':
		return piece_starts(text, "Current executable set to '");
	default:
		return false;
	}
}

/* The bracket of the arguments: those of templates and names before it do not count. */
static size_t args_find(struct piece p)
{
	int depth = 0;

	for (size_t i = 0; i < p.len; i++) {
		struct piece rest = { p.s + i, p.len - i };
		char c = p.s[i];

		if (piece_starts(rest, "operator")) {
			i += strlen("operator");
			while (i < p.len && strchr("<>=-()*", p.s[i]) &&
			       (p.s[i] != '(' || (i + 1 < p.len && p.s[i + 1] == ')')))
				i++;
			i--;
		} else if (c == '(' && !depth && !piece_starts(rest, "(anonymous namespace)")) {
			return i;
		} else if (c == '(' || c == '<' || c == '{') {
			depth++;
		} else if (c == ')' || c == '}' || (c == '>' && i && p.s[i - 1] != '-')) {
			depth -= depth > 0;
		}
	}
	return p.len;
}

/* " at ext.c:9:100" at the end */
static void take_place(struct piece *p, struct session_frame *frame)
{
	size_t at = piece_find_last(*p, " at ");

	if (at == p->len || piece_ends(*p, ")"))
		return;
	frame->file = (struct piece){ p->s + at + 4, p->len - at - 4 };
	p->len = at;
}

static void name_parse(struct piece p, struct session_frame *frame)
{
	size_t inlined = piece_find(p, " [inlined] ");
	size_t args, plus;

	if (inlined < p.len) {
		inlined += strlen(" [inlined] ");
		p = (struct piece){ p.s + inlined, p.len - inlined };
		frame->inlined = true;
	}
	args = args_find(p);
	plus = piece_find_last(p, " + ");
	if (args == p.len && plus < p.len)
		args = plus;
	/* It makes a name up where there is none. */
	if (!piece_starts(p, "___lldb_unnamed_symbol"))
		frame->name = (struct piece){ p.s, args };
}

static bool frame_parse(struct piece text, struct session_frame *frame)
{
	static const char *const marks[] = { " [opt]", " [inlined]", " [artificial]" };

	*frame = (struct session_frame){ .has_pc = true };
	text = piece_trim(text);
	if (!take_frame_number(&text, &frame->number))
		return false;
	if (!take_text(&text, "0x..."))
		frame->bare = !take_hex(&text, false, &frame->pc);
	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
		if (piece_ends(text, marks[i]))
			text.len -= strlen(marks[i]);
	take_blanks(&text);
	if (take_until(&text, "`", &frame->module)) {
		take_place(&text, frame);
		take_text(&text, "::");
		name_parse(text, frame);
	} else {
		frame->module = text;
	}
	return true;
}

/* What a Mach exception is in signals. */
static int exception_signal(struct piece reason, int *code)
{
	static const struct {
		const char *name;
		int signo, code;
	} exceptions[] = {
		{ "EXC_BAD_ACCESS (code=1", SIGSEGV, 1 }, { "EXC_BAD_ACCESS (code=2", SIGBUS, 0 },
		{ "EXC_BAD_ACCESS", SIGSEGV, 0 }, { "EXC_BAD_INSTRUCTION", SIGILL, 0 },
		{ "EXC_ARITHMETIC", SIGFPE, 0 },
		{ "EXC_BREAKPOINT", SIGTRAP, 0 }, { "EXC_CRASH", SIGABRT, 0 },
	};

	for (size_t i = 0; i < sizeof(exceptions) / sizeof(*exceptions); i++)
		if (piece_starts(reason, exceptions[i].name)) {
			*code = exceptions[i].code;
			return exceptions[i].signo;
		}
	return 0;
}

/* "signal SIGSEGV: address not mapped to object (fault address: 0x0)" */
static void reason_read(struct crash *crash, struct piece reason)
{
	struct piece rest = reason, before, name;
	int signo;

	if (take_text(&rest, "signal ")) {
		name = (struct piece){ rest.s, 0 };
		while (name.len < rest.len && rest.s[name.len] != ':' && rest.s[name.len] != ',' &&
		       rest.s[name.len] != ' ')
			name.len++;
		signo = signal_number(name);
		if (piece_has(rest, "address not mapped") || piece_has(rest, ": invalid address"))
			crash->code = 1; /* SEGV_MAPERR */
		if (piece_has(rest, "invalid permissions") ||
		    piece_has(rest, "address access protected"))
			crash->code = 2; /* SEGV_ACCERR */
	} else {
		signo = exception_signal(rest, &crash->code);
	}
	if (!signo || signo == SIGINT) /* somebody stopped it */
		return;
	crash->kind = CRASH_KIND_SIGNAL;
	crash->signo = signo;
	if (take_until(&rest, "fault address: ", &before) || take_until(&rest, "address=", &before))
		crash->has_addr = take_hex(&rest, false, &crash->addr);
}

/* ", name = 'ext', tid = 0x1234, stop reason = signal SIGSEGV" */
static void thread_parse(struct piece p, struct session_thread *thread)
{
	struct piece rest = p, skipped;

	if (take_until(&rest, "tid = ", &skipped) && !take_hex(&rest, false, &thread->tid))
		take_decimal(&rest, &thread->tid);
	rest = p;
	if (!take_until(&rest, "name = '", &skipped))
		return;
	/* A name may have a quotation mark itself. */
	thread->name = (struct piece){ rest.s, piece_find(rest, "', ") };
	if (thread->name.len == rest.len && piece_ends(rest, "'"))
		thread->name.len--;
}

static void thread_read(struct session *session, struct piece rest, bool star, uint64_t number)
{
	struct session_thread thread = { .number = number };
	struct crash *crash = session->trace->crash;
	struct piece before;

	thread_parse(rest, &thread);
	if (star)
		session_select(session, &thread);
	session_open(session, &thread);
	if (take_until(&rest, "stop reason = ", &before) && (star || !crash->signo))
		reason_read(crash, rest);
}

/* "Current executable set to '/usr/bin/python3' (x86_64)." */
static bool take_program(struct trace *trace, struct piece text)
{
	struct piece program, architecture;

	if (!take_text(&text, "Current executable set to '"))
		return false;
	if (take_until(&text, "' (", &program)) {
		trace_add_fact(trace, FACT_PROGRAM, program);
		if (take_until(&text, ")", &architecture))
			trace_add_fact(trace, FACT_ARCHITECTURE, architecture);
	}
	return true;
}

/* "libprobe.so`probe_get:", above the instructions that lldb shows where it stops. */
static bool is_listing(struct piece text)
{
	return piece_has_char(text, '`') && piece_ends(piece_trim(text), ":");
}

static bool is_noise(struct piece line, struct piece text)
{
	/* Where lldb's Python modules are not installed, each command complains of that. */
	return piece_starts(text, "Traceback (most recent call last):") ||
	       piece_starts(text, "NameError: ") || piece_starts(text, "ModuleNotFoundError: ") ||
	       !text.len || *line.s == ' ' || *line.s == '\t' || piece_starts(line, "(lldb)") ||
	       piece_starts(text, "->") || is_listing(text) || piece_starts(text, "Process ") ||
	       piece_starts(text, "Target ") || piece_starts(text, "warning: ") ||
	       piece_starts(text, "note: ") || piece_starts(text, "Executing commands in ") ||
	       piece_starts(text, "Core file '");
}

/* False: the line is not the report's any more. */
static bool take_line(struct session *session, struct piece line)
{
	struct piece text = lldb_text(line);
	struct session_frame frame;
	uint64_t number;
	bool star;

	if (frame_parse(text, &frame))
		return session_add(session, &frame);
	if (take_thread(&text, &star, &number)) {
		thread_read(session, text, star, number);
		return true;
	}
	if (is_process(text, &number, " stopped")) {
		if (session->trace->crash->nthreads)
			return false;
		session->trace->crash->pid = (pid_t)(number & INT32_MAX);
		return true;
	}
	return take_program(session->trace, text) || is_noise(line, text);
}

static void lldb_read(struct lines *lines, struct trace *trace)
{
	struct session session;
	pid_t pid;

	trace->crash->kind = CRASH_KIND_LOOK;
	session_begin(&session, trace);
	while (lines->line.s && take_line(&session, lines->line))
		lines_next(lines);
	pid = trace->crash->pid;
	session_end(&session);
	if (pid)
		trace->crash->pid = pid;
}

const struct trace_reader lldb_reader = { "lldb", lldb_begins, lldb_read };
