/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of the readers: all that was read of a text, in a few words, and what each text has
 * to stand.
 *
 * One line for the report: format, signal or kind, code and address, facts; one for each thread:
 * tid, name, marks; and one for each of its frames: name, module, file:line, marks.
 */
#ifndef FORKPOINT_TESTS_UNIT_READING_H
#define FORKPOINT_TESTS_UNIT_READING_H

#include <stdlib.h>

#include "base/errors.h"
#include "base/strbuf.h"
#include "tests/unit/tap.h"
#include "triage/patterns.h"
#include "triage/trace.h"

static void frame_tell(struct strbuf *out, const struct crash_frame *frame)
{
	strbuf_addf(out, "  %s", frame->function ? frame->function : "?");
	if (frame->module)
		strbuf_addf(out, " @%s", frame->module);
	if (frame->module_offset)
		strbuf_addf(out, "+0x%" PRIx64, frame->module_offset);
	if (frame->file)
		strbuf_addf(out, " %s:%d", frame->file, frame->line);
	strbuf_addf(out, "%s%s%s%s\n", frame->inlined ? " inlined" : "",
		    frame->python ? " python" : "", frame->signal_frame ? " signal" : "",
		    frame->trust == (frame->function ? TRUST_EXACT : TRUST_NONE) ? "" : " trust?");
}

static void thread_tell(struct strbuf *out, const struct crash_thread *thread)
{
	strbuf_addf(out, " %d", (int)thread->tid);
	if (thread->name)
		strbuf_addf(out, " '%s'", thread->name);
	strbuf_addf(out, "%s%s%s", thread->culprit ? " culprit" : "",
		    thread->has_gil ? " gil" : "", thread->truncated ? " truncated" : "");
	if (thread->wait.what)
		strbuf_addf(out, " waits:%s", thread->wait.what);
	strbuf_addch(out, '\n');
	for (size_t i = 0; i < thread->nframes; i++)
		frame_tell(out, &thread->frames[i]);
}

static void report_tell(struct strbuf *out, const struct trace *trace)
{
	const struct crash *crash = trace->crash;
	char word[16];

	strbuf_addstr(out, trace_format_name(trace->format));
	if (crash->kind == CRASH_KIND_SIGNAL)
		strbuf_addf(out, " %s", signal_word(crash->signo, word, sizeof(word)));
	else
		strbuf_addstr(out, crash->kind == CRASH_KIND_LOOK ? " look" : " kind?");
	if (crash->code)
		strbuf_addf(out, " code %d", crash->code);
	if (crash->has_addr)
		strbuf_addf(out, " at 0x%" PRIx64, crash->addr);
	if (crash->pid)
		strbuf_addf(out, " pid %d", (int)crash->pid);
	strbuf_addstr(out, trace->incomplete ? " incomplete" : "");
	for (size_t i = 0; i < trace->nfacts; i++)
		strbuf_addf(out, " [%s=%s]", trace->facts[i].key, trace->facts[i].value);
	strbuf_addch(out, '\n');
	for (size_t i = 0; i < crash->nthreads; i++)
		thread_tell(out, &crash->threads[i]);
}

/* Allocated. The text is read from a copy that ends where it ends. */
static char *reading(const char *text, size_t len)
{
	char *copy = xcalloc(len ? len : 1, 1);
	struct strbuf out = STRBUF_INIT;
	struct traces traces;

	memcpy(copy, text, len);
	traces_read(copy, len, &traces);
	for (size_t i = 0; i < traces.n; i++)
		report_tell(&out, &traces.v[i]);
	traces_release(&traces);
	free(copy);
	return strbuf_detach(&out);
}

static void check_reading(const char *text, const char *wanted, const char *what)
{
	char *got = reading(text, strlen(text));

	CHECK_STR(got, wanted, "%s", what);
	free(got);
}

/* Each LF as CRLF, or each line indented. */
static void check_lines_changed(const char *text, const char *wanted, const char *before,
				const char *after, const char *what)
{
	struct strbuf changed = STRBUF_INIT;
	const char *end;

	for (; *text; text = end + (*end == '\n')) {
		end = strchrnul(text, '\n');
		strbuf_addstr(&changed, before);
		strbuf_add(&changed, text, (size_t)(end - text));
		strbuf_addstr(&changed, after);
	}
	check_reading(changed.buf, wanted, what);
	strbuf_release(&changed);
}

static void check_twice(const char *text, const char *wanted)
{
	struct strbuf twice = STRBUF_INIT, both = STRBUF_INIT;

	strbuf_addf(&twice, "It crashes here:\n\n%s\nAnd on another machine:\n\n%s\nAny idea?\n",
		    text, text);
	strbuf_addf(&both, "%s%s", wanted, wanted);
	check_reading(twice.buf, both.buf, "two reports with prose around them are told apart");
	strbuf_release(&twice);
	strbuf_release(&both);
}

/* Cut off at each byte, and with each byte made a NUL or one that no UTF-8 has. */
static void check_mangled(const char *text)
{
	size_t len = strlen(text), read = 0;
	char *copy = xstrdup(text);

	for (size_t i = 0; i <= len; i++) {
		free(reading(text, i));
		free(reading(text + i, len - i));
		copy[i] = '\0';
		free(reading(copy, len));
		copy[i] = '\xff';
		free(reading(copy, i < len ? len : i));
		copy[i] = text[i];
		read++;
	}
	free(copy);
	CHECK_INT(read, len + 1, "it is read with any byte cut off or mangled");
}

/* A text that has all of one report. */
__attribute__((unused))
static void check_report(const char *text, const char *wanted, const char *what)
{
	check_reading(text, wanted, what);
	check_lines_changed(text, wanted, "", "\r\n", "the same with CRLF");
	check_twice(text, wanted);
	check_mangled(text);
}

/* Head, then a line n times; how many frames are kept of the culprit, and left out. */
__attribute__((unused))
static void check_long(const char *head, const char *line, size_t n)
{
	struct strbuf text = STRBUF_INIT;
	const struct crash_thread *thread;
	struct traces traces;

	strbuf_addstr(&text, head);
	for (size_t i = 0; i < n; i++)
		strbuf_addf(&text, line, i + 1);
	traces_read(text.buf, text.len, &traces);
	CHECK_INT(traces.n, 1, "a recursion of %zu frames is one report", n);
	if (traces.n) {
		thread = crash_culprit(traces.v[0].crash);
		CHECK_INT(thread->nframes, TRACE_FRAMES_FIRST + TRACE_FRAMES_LAST, "bounded");
		CHECK(thread->left_out > n - 2 * thread->nframes, "and what is left out is told");
		CHECK(traces.v[0].incomplete, "and that it is not all");
	}
	traces_release(&traces);
	strbuf_release(&text);
}

#endif
