/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What readers put into a trace, within the limits of trace.h.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "base/demangle.h"
#include "base/errors.h"
#include "base/text.h"
#include "triage/frames.h"
#include "triage/readers.h"

/* What a process wrote, as in struct crash. */
#define MESSAGE_MAX 65536
#define FACTS_MAX 256

void trace_add_fact(struct trace *trace, const char *key, struct piece value)
{
	if (trace_fact(trace, key) || trace->nfacts == FACTS_MAX || piece_is_blank(value))
		return;
	trace->facts = xrealloc(trace->facts, (trace->nfacts + 1) * sizeof(*trace->facts));
	trace->facts[trace->nfacts++] = (struct trace_fact){
		xstrdup(key), piece_copy(piece_trim(value)),
	};
}

/* The end of it, in crash->message. */
static void message_settle(struct trace *trace)
{
	const struct strbuf *said = &trace->said;
	const char *from = said->buf + (said->len > MESSAGE_MAX ? said->len - MESSAGE_MAX : 0);

	/* No character is cut in two. */
	while (((unsigned char)*from & 0xc0) == 0x80)
		from++;
	free(trace->crash->message);
	trace->crash->message = xstrdup(from);
}

void trace_add_message(struct trace *trace, struct piece line)
{
	struct strbuf *said = &trace->said;
	bool first = !said->buf;

	if (first) {
		strbuf_init(said);
		strbuf_addstr(said, trace->crash->message);
	}
	text_add_line(said, line.len ? line.s : "",
		      line.len < MESSAGE_MAX ? line.len : MESSAGE_MAX);
	strbuf_addch(said, '\n');
	/* Cut now and then: lines may be many and short. */
	if (said->len > 8 * MESSAGE_MAX) {
		memmove(said->buf, said->buf + said->len - MESSAGE_MAX, MESSAGE_MAX + 1);
		said->len = MESSAGE_MAX;
	}
	if (first)
		message_settle(trace);
}

struct trace *trace_add_next(struct trace *trace)
{
	struct trace *next = xcalloc(1, sizeof(*next));

	next->format = trace->format;
	next->line = trace->line;
	next->crash = crash_new();
	trace->next = next;
	return next;
}

struct crash_thread *trace_add_thread(struct trace *trace)
{
	if (trace->crash->nthreads < TRACE_THREADS_MAX)
		return crash_add_thread(trace->crash);
	trace->incomplete = true;
	return NULL;
}

/* It is filled in like others, and shown by none. */
static struct crash_frame *spare_frame(struct trace *trace, struct crash_thread *thread)
{
	trace->incomplete = true;
	thread->truncated = true;
	crash_frame_release(&trace->spare);
	return memset(&trace->spare, 0, sizeof(trace->spare));
}

struct crash_frame *trace_add_frame(struct trace *trace, struct crash_thread *thread)
{
	struct crash_frame *oldest;

	if (!thread)
		return NULL;
	if (thread->nframes < TRACE_FRAMES_FIRST + TRACE_FRAMES_LAST) {
		if (trace->nframes >= TRACE_ALL_FRAMES_MAX && thread->nframes)
			return spare_frame(trace, thread);
		trace->nframes++;
		return crash_thread_add_frame(thread);
	}
	/* The last ones are a ring until trace_settle(). */
	trace->incomplete = true;
	oldest = &thread->frames[TRACE_FRAMES_FIRST + thread->left_out++ % TRACE_FRAMES_LAST];
	crash_frame_release(oldest);
	return memset(oldest, 0, sizeof(*oldest));
}

static void ring_straighten(struct crash_thread *thread)
{
	struct crash_frame *ring = thread->frames + TRACE_FRAMES_FIRST;
	size_t first = thread->left_out % TRACE_FRAMES_LAST;
	struct crash_frame *copy = xcalloc(TRACE_FRAMES_LAST, sizeof(*copy));

	memcpy(copy, ring + first, (TRACE_FRAMES_LAST - first) * sizeof(*copy));
	memcpy(copy + TRACE_FRAMES_LAST - first, ring, first * sizeof(*copy));
	memcpy(ring, copy, TRACE_FRAMES_LAST * sizeof(*copy));
	free(copy);
}

/* Text that is mangled may call several so; the first is it, for crash_culprit() as well. */
static void culprit_settle(struct crash *crash)
{
	bool found = false;

	for (size_t i = 0; i < crash->nthreads; i++) {
		crash->threads[i].culprit &= !found;
		found |= crash->threads[i].culprit;
	}
}

void trace_settle(struct trace *trace)
{
	if (trace->said.buf) {
		message_settle(trace);
		strbuf_release(&trace->said);
		trace->said = (struct strbuf){ .buf = NULL };
	}
	crash_frame_release(&trace->spare);
	memset(&trace->spare, 0, sizeof(trace->spare));
	culprit_settle(trace->crash);
	for (size_t i = 0; i < trace->crash->nthreads; i++)
		if (trace->crash->threads[i].left_out &&
		    trace->crash->threads[i].nframes == TRACE_FRAMES_FIRST + TRACE_FRAMES_LAST)
			ring_straighten(&trace->crash->threads[i]);
}

void frame_name(struct crash_frame *frame, struct piece name)
{
	char *text;

	name = piece_trim(name);
	if (!frame || frame->function || !name.len || piece_is(name, "??") ||
	    piece_starts(name, "<unknown>") || piece_is(name, "???"))
		return;
	text = piece_copy(name);
	frame->function = demangle(text);
	frame->trust = TRUST_EXACT;
	/* A short mangled name may be a very long one, and there may be very many. */
	if (strlen(frame->function) > TRACE_TEXT_MAX) {
		free(frame->function);
		frame->function = text;
		text = NULL;
	}
	free(text);
}

/* ":123" at the end is taken off. */
static bool cut_number(struct piece *p, uint64_t *value)
{
	size_t colon = piece_find_last(*p, ":");
	struct piece digits = { p->s + colon + 1, p->len - colon - 1 };

	if (colon == p->len || !take_decimal(&digits, value) || digits.len)
		return false;
	p->len = colon;
	return true;
}

void frame_source(struct crash_frame *frame, struct piece source)
{
	uint64_t line = 0, before;

	source = piece_trim(source);
	if (!frame || frame->file || !source.len)
		return;
	if (cut_number(&source, &line) && cut_number(&source, &before))
		line = before; /* that was the column */
	frame->file = piece_copy(source);
	frame->line = line <= INT32_MAX ? (int)line : 0;
}

void frame_module(struct crash_frame *frame, struct piece module)
{
	module = piece_trim(module);
	if (frame && !frame->module && module.len && !piece_is(module, "??"))
		frame->module = piece_copy(module);
}

/* Of SHA-512, in digits. */
#define BUILD_ID_MAX 128

void frame_build_id(struct crash_frame *frame, struct piece id)
{
	id = piece_trim(id);
	if (!frame || frame->build_id || !id.len || id.len > BUILD_ID_MAX)
		return;
	for (size_t i = 0; i < id.len; i++)
		if (!ascii_is_hex(id.s[i]))
			return;
	frame->build_id = piece_copy(id);
	for (char *digit = frame->build_id; *digit; digit++)
		*digit = ascii_lower(*digit);
}

void frame_mark_inlined(struct crash_thread *thread)
{
	struct crash_frame *inner, *outer;

	/* The last ones may be a ring, see trace_add_frame(). */
	if (!thread || thread->nframes < 2 || thread->left_out)
		return;
	inner = &thread->frames[thread->nframes - 2];
	outer = &thread->frames[thread->nframes - 1];
	if (inner->function && outer->function && strcmp(inner->function, outer->function) &&
	    (outer->pc || outer->module_offset) && inner->pc == outer->pc &&
	    inner->module_offset == outer->module_offset)
		inner->inlined = true;
}

/* A handler that looks at its stack is not deeper. */
#define HANDLER_FRAMES_MAX 6

/* libc, or what has the return from a signal elsewhere; there, it has no name. */
static bool may_be_signal_frame(const struct crash_frame *frame)
{
	static const char *const modules[] = {
		"libc.so", "libc-", "libpthread", "ld-musl", "libsystem_platform",
	};
	const char *base = module_base(frame->module);

	for (size_t i = 0; base && i < sizeof(modules) / sizeof(*modules); i++)
		if (!strncmp(base, modules[i], strlen(modules[i])))
			return !frame->function || strstr(frame->function, "sig");
	return false;
}

size_t frames_of_handler(const struct crash_frame *frames, size_t n)
{
	for (size_t i = 1; i < n && i < HANDLER_FRAMES_MAX; i++)
		if (may_be_signal_frame(&frames[i]))
			return i + 1;
	return 0;
}

void thread_drop_handler(struct crash_thread *thread)
{
	size_t n = thread->left_out ? 0 : frames_of_handler(thread->frames, thread->nframes);

	for (size_t i = 0; i < n; i++)
		crash_frame_release(&thread->frames[i]);
	thread->nframes -= n;
	memmove(thread->frames, thread->frames + n, thread->nframes * sizeof(*thread->frames));
}

struct signal_word {
	const char *word;
	int number;
};

/* "SIG" before them is left out. Their numbers are those of Linux on most machines. */
static const struct signal_word signal_words[] = {
	{ "SEGV", SIGSEGV }, { "ABRT", SIGABRT }, { "BUS", SIGBUS },   { "ILL", SIGILL },
	{ "FPE", SIGFPE },   { "TRAP", SIGTRAP }, { "SYS", SIGSYS },   { "KILL", SIGKILL },
	{ "TERM", SIGTERM }, { "INT", SIGINT },   { "HUP", SIGHUP },   { "PIPE", SIGPIPE },
	{ "QUIT", SIGQUIT }, { "ALRM", SIGALRM }, { "USR1", SIGUSR1 }, { "USR2", SIGUSR2 },
	{ "Segmentation fault", SIGSEGV },        { "Aborted", SIGABRT },
	{ "Bus error", SIGBUS },                  { "Illegal instruction", SIGILL },
	{ "Floating point exception", SIGFPE },   { "Floating-point exception", SIGFPE },
	{ "Trace/breakpoint trap", SIGTRAP },     { "Bad system call", SIGSYS },
};

int signal_number(struct piece name)
{
	uint64_t number;

	name = piece_trim(name);
	take_text(&name, "SIG");
	for (size_t i = 0; i < sizeof(signal_words) / sizeof(*signal_words); i++) {
		const char *word = signal_words[i].word;

		if (name.len == strlen(word) && ascii_same(name.s, word, name.len))
			return signal_words[i].number;
	}
	return take_decimal(&name, &number) && !name.len && number < 128 ? (int)number : 0;
}
