/* SPDX-License-Identifier: Apache-2.0 */
/*
 * systemd's account of a core: `coredumpctl info`, or the message in the journal.
 *
 *	           PID: 4242 (python3)
 *	        Signal: 11 (SEGV)
 *	    Executable: /usr/bin/python3.12
 *	       Message: Process 4242 (python3) of user 1000 dumped core.
 *
 *	                Stack trace of thread 4242:
 *	                #0  0x00007f1c4f1d2f10 strlen (libc.so.6 + 0x167ad8)
 *	                #1  0x00007f1c4e0013f2 n/a (_probe.cpython-312.so + 0x13f2)
 */
#include <signal.h>
#include <string.h>

#include "triage/readers.h"

/* The message's line is neither shorter nor longer; this is asked at each line of any text. */
#define LINE_MIN_LEN 40
#define LINE_MAX_LEN 1024

static const struct {
	const char *name, *fact;
} keys[] = {
	{ "Executable", FACT_PROGRAM }, { "Timestamp", FACT_TIME },
	{ "Command Line", "command line" }, { "Unit", "unit" }, { "Hostname", "host" },
	{ "ELF object binary architecture", FACT_ARCHITECTURE }, { "Package", "package" },
	{ "PID", NULL }, { "Signal", NULL }, { "UID", NULL }, { "GID", NULL }, { "TID", NULL },
	{ "Control Group", NULL }, { "Slice", NULL }, { "Session", NULL }, { "Owner UID", NULL },
	{ "Boot ID", NULL }, { "Machine ID", NULL }, { "Storage", NULL }, { "Size on Disk", NULL },
	{ "Disk Size", NULL }, { "Message", NULL }, { "User Unit", NULL }, { "build-id", NULL },
	{ "Module", NULL }, { "Coredump", NULL }, { "Comm", NULL },
};

/* "Key: value"; its place in the table, -1: no such. */
static int key_find(struct piece text, struct piece *value)
{
	struct piece key;

	text = piece_trim(text);
	if (!take_until(&text, ": ", &key))
		return -1;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (piece_is(key, keys[i].name)) {
			*value = piece_trim(text);
			return (int)i;
		}
	return -1;
}

/* "Process 4242 (python3) of user 1000 dumped core.", with the journal's beginning or without. */
static bool is_message(struct piece text)
{
	return text.len >= LINE_MIN_LEN && text.len < LINE_MAX_LEN &&
	       piece_has(text, ") of user ") &&
	       piece_has(text, "dumped core.") && piece_has(text, "Process ");
}

static bool is_thread(struct piece text, uint64_t *tid)
{
	text = piece_trim(text);
	return take_text(&text, "Stack trace of thread ") && take_decimal(&text, tid) &&
	       piece_is(text, ":");
}

/* Cut "name (module + 0x12)" in two; `told`: an offset must be told. */
static bool module_split(struct piece text, bool told, struct piece *name, struct piece *module,
			 uint64_t *offset)
{
	size_t open = piece_find_last(text, " (");
	struct piece inside = { text.s + open + 2, text.len - open - 3 };
	size_t plus;

	if (open == text.len || !piece_ends(text, ")") || text.len < open + 3)
		return false;
	*name = (struct piece){ text.s, open };
	plus = piece_find(inside, " + 0x");
	*module = (struct piece){ inside.s, plus };
	if (plus == inside.len)
		return !told;
	inside = (struct piece){ inside.s + plus + 3, inside.len - plus - 3 };
	return take_hex(&inside, false, offset) && !inside.len;
}

static bool take_number(struct piece *text)
{
	uint64_t number;

	if (!take_text(text, "#") || !take_decimal(text, &number) || !text->len)
		return false;
	take_blanks(text);
	return text->len > 0;
}

/* A frame alone, where somebody has cut off all before it: "#0  0x… name (module + 0x12)". */
static bool is_lone_frame(struct piece text)
{
	struct piece name, module;
	uint64_t number;

	text = piece_trim(text);
	if (!piece_ends(text, ")") || !take_number(&text))
		return false;
	take_hex(&text, false, &number);
	return module_split(text, true, &name, &module, &number);
}

static bool coredumpctl_begins(const struct lines *lines)
{
	struct piece text = lines->line, value;
	uint64_t number;

	take_blanks(&text);
	if (!text.len)
		return false;
	switch (*text.s) {
	case '#':
		return is_lone_frame(text);
	case 'S':
		if (is_thread(text, &number))
			return true;
		if (!take_text(&text, "Signal: ") || !take_decimal(&text, &number))
			return is_message(lines->line);
		return take_text(&text, " (");
	case 'P':
		if (piece_starts(text, "PID: ") && key_find(text, &value) >= 0)
			return take_decimal(&value, &number) && take_text(&value, " (");
		return is_message(lines->line);
	default:
		return is_message(lines->line);
	}
}

/* What it says of modules; people take the indentation away. */
static bool is_module(struct piece text)
{
	return piece_starts(text, "Module ") || piece_starts(text, "Found module ") ||
	       piece_starts(text, "Metadata for module ");
}

struct report {
	struct trace *trace;
	struct crash_thread *thread;
	bool headed; /* it has "PID:" */
	bool said;   /* it has its message */
};

static void frame_read(struct report *report, struct piece text)
{
	struct crash_frame *frame;
	struct piece name = text, module = { NULL, 0 };
	uint64_t pc = 0, offset = 0;

	take_hex(&text, false, &pc);
	take_blanks(&text);
	if (!module_split(text, false, &name, &module, &offset)) {
		report->trace->incomplete = true;
		name = text;
	}
	if (!report->thread)
		report->thread = trace_add_thread(report->trace);
	frame = trace_add_frame(report->trace, report->thread);
	if (!frame)
		return;
	frame->pc = pc;
	frame->module_offset = offset;
	if (!piece_is(piece_trim(name), "n/a"))
		frame_name(frame, name);
	if (!piece_is(piece_trim(module), "n/a"))
		frame_module(frame, module);
}

static void pid_read(struct report *report, struct piece value)
{
	uint64_t pid;

	report->headed = true;
	if (take_decimal(&value, &pid))
		report->trace->crash->pid = (pid_t)(pid & INT32_MAX);
}

static void signal_read(struct report *report, struct piece value)
{
	uint64_t signo;

	if (take_decimal(&value, &signo) && signo < 128)
		report->trace->crash->signo = (int)signo;
}

/* "Process 4242 (python3) of user 1000 dumped core." */
static void message_read(struct report *report, struct piece text)
{
	struct piece skipped, name;
	uint64_t pid;

	report->said = true;
	if (!take_until(&text, "Process ", &skipped) || !take_decimal(&text, &pid))
		return;
	report->trace->crash->pid = (pid_t)(pid & INT32_MAX);
	if (take_text(&text, " (") && take_until(&text, ")", &name))
		trace_add_fact(report->trace, "command", name);
}

static void thread_add(struct report *report, uint64_t tid)
{
	report->thread = trace_add_thread(report->trace);
	if (!report->thread)
		return;
	report->thread->tid = (pid_t)(tid & INT32_MAX);
	report->thread->pid = report->trace->crash->pid;
}

/* False: it is of the next report, or of none. */
static bool take_line(struct report *report, struct piece line)
{
	struct piece text = piece_trim(line), value;
	bool began = report->trace->crash->nthreads != 0;
	uint64_t tid;
	int key;

	if (is_message(text)) {
		if (report->said)
			return false;
		message_read(report, text);
		return true;
	}
	if (is_thread(text, &tid)) {
		thread_add(report, tid);
		return true;
	}
	if (take_number(&text)) {
		frame_read(report, text);
		return true;
	}
	key = key_find(text, &value);
	if (key >= 0 && piece_starts(text, "PID: ")) {
		if (report->headed || began)
			return false;
		pid_read(report, value);
	} else if (key >= 0 && piece_starts(text, "Signal: ")) {
		signal_read(report, value);
	} else if (key >= 0 && keys[key].fact) {
		trace_add_fact(report->trace, keys[key].fact, value);
	}
	return key >= 0 || !text.len || *line.s == ' ' || *line.s == '\t' || is_module(text);
}

static void coredumpctl_read(struct lines *lines, struct trace *trace)
{
	struct report report = { .trace = trace };
	struct crash *crash = trace->crash;

	crash->kind = CRASH_KIND_SIGNAL;
	while (lines->line.s && take_line(&report, lines->line))
		lines_next(lines);
	if (!crash->nthreads)
		return;
	/* The one that got the signal comes first. */
	crash->threads[0].culprit = true;
	crash->tid = crash->threads[0].tid;
	if (!crash->signo && thread_aborts(&crash->threads[0]))
		crash->signo = SIGABRT;
}

const struct trace_reader coredumpctl_reader = {
	"coredumpctl", coredumpctl_begins, coredumpctl_read,
};
