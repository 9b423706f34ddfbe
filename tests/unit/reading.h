/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of the readers of crash reports: a text is read, and what came of it is written
 * down in one text, which is compared with what is expected:
 *
 *	asan line 2 incomplete: signal 11 code 1 at 0x10 heap-use-after-free pid 12
 *	> heap-use-after-free on address …
 *	= python: 3.12
 *	* T0 tid 7 gil truncated (the culprit; "-" another)
 *	    0x55d0c5eb850c main+0x12 @/src/a.so+0x34 /src/a.c:10 inlined near
 *
 * What is not told is left out. A name is exact if nothing is said of it. Whatever a test expects
 * of a text, the text stands being spoilt as well: see check_stands().
 *
 * With FORKPOINT_SAMPLES=DIR in the environment, each text is written to a file of its own there,
 * and none is spoilt: so the fuzzers (tests/fuzz) and the bench get their reports.
 */
#ifndef FORKPOINT_TESTS_UNIT_READING_H
#define FORKPOINT_TESTS_UNIT_READING_H

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "tests/unit/tap.h"
#include "triage/trace.h"

/* Larger ones are made for limits, and no sample of anything. */
#define SAMPLE_MAX 65536

static const char *samples_dir(void)
{
	return getenv("FORKPOINT_SAMPLES");
}

static void sample_keep(const char *text, size_t size)
{
	static unsigned int n;
	char *path;
	FILE *file;

	if (!samples_dir() || !size || size > SAMPLE_MAX)
		return;
	path = xstrfmt("%s/%s-%03u", samples_dir(), program_invocation_short_name, n++);
	file = fopen(path, "w");
	CHECK(file && fwrite(text, 1, size, file) == size && !fclose(file), "%s is kept", path);
	free(path);
}

static void tell_frame(struct strbuf *sb, const struct crash_frame *frame)
{
	static const char *const trusts[] = {
		[TRUST_NONE] = "", [TRUST_EXACT] = "", [TRUST_NEAR] = " near",
		[TRUST_SCANNED] = " scanned",
	};

	strbuf_addstr(sb, "   ");
	if (frame->pc)
		strbuf_addf(sb, " %#" PRIx64, frame->pc);
	strbuf_addf(sb, " %s", frame->function ? frame->function : "?");
	if (frame->offset)
		strbuf_addf(sb, "+%#" PRIx64, frame->offset);
	if (frame->module)
		strbuf_addf(sb, " @%s", frame->module);
	if (frame->module_offset)
		strbuf_addf(sb, "+%#" PRIx64, frame->module_offset);
	if (frame->file)
		strbuf_addf(sb, " %s:%d", frame->file, frame->line);
	strbuf_addf(sb, "%s%s%s%s", frame->inlined ? " inlined" : "",
		    frame->python ? " python" : "", frame->signal_frame ? " signal" : "",
		    trusts[frame->trust]);
	if ((frame->trust != TRUST_NONE) != (frame->function != NULL))
		strbuf_addstr(sb, " TRUST");
	strbuf_addch(sb, '\n');
}

static void tell_thread(struct strbuf *sb, const struct crash_thread *thread)
{
	strbuf_addstr(sb, thread->culprit ? "*" : "-");
	if (thread->name)
		strbuf_addf(sb, " %s", thread->name);
	if (thread->tid)
		strbuf_addf(sb, " tid %d", (int)thread->tid);
	if (thread->role)
		strbuf_addf(sb, " (%s)", thread->role);
	if (thread->wait.what)
		strbuf_addf(sb, " waits for %s", thread->wait.what);
	strbuf_addf(sb, "%s%s\n", thread->has_gil ? " gil" : "",
		    thread->truncated ? " truncated" : "");
	for (size_t i = 0; i < thread->nframes; i++)
		tell_frame(sb, &thread->frames[i]);
}

static void tell_message(struct strbuf *sb, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		strbuf_addf(sb, "> %.*s\n", (int)len, text);
		text += len + (text[len] == '\n');
	}
}

static void tell_trace(struct strbuf *sb, const struct trace *trace, bool with_line)
{
	static const char *const kinds[] = {
		[CRASH_KIND_SIGNAL] = "signal",   [CRASH_KIND_HANG] = "hang",
		[CRASH_KIND_SPIN] = "spin",       [CRASH_KIND_STOPPED] = "stopped",
		[CRASH_KIND_LATE] = "late",       [CRASH_KIND_FINDING] = "finding",
		[CRASH_KIND_LOOK] = "look",
	};
	const struct crash *crash = trace->crash;

	strbuf_addstr(sb, trace_format_name(trace->format));
	if (with_line)
		strbuf_addf(sb, " line %zu", trace->line);
	strbuf_addf(sb, "%s: %s", trace->incomplete ? " incomplete" : "", kinds[crash->kind]);
	if (crash->signo)
		strbuf_addf(sb, " %d", crash->signo);
	if (crash->code)
		strbuf_addf(sb, " code %d", crash->code);
	if (crash->has_addr)
		strbuf_addf(sb, " at 0x%" PRIx64, crash->addr);
	if (crash->finding)
		strbuf_addf(sb, " %s", crash->finding);
	if (crash->pid)
		strbuf_addf(sb, " pid %d", (int)crash->pid);
	strbuf_addch(sb, '\n');
	tell_message(sb, crash->message);
	for (size_t i = 0; i < trace->nfacts; i++)
		strbuf_addf(sb, "= %s: %s\n", trace->facts[i].key, trace->facts[i].value);
	for (size_t i = 0; i < crash->nthreads; i++)
		tell_thread(sb, &crash->threads[i]);
	if (crash->maps)
		strbuf_addf(sb, "maps:\n%s", crash->maps);
	if (trace->next || trace->said.buf)
		strbuf_addstr(sb, "UNSETTLED\n");
}

/* Of a copy that ends where the text does, so that a sanitizer sees who reads on. */
static void reports_of(const char *text, size_t size, struct traces *traces)
{
	char *copy = xmalloc(size + !size);

	memcpy(copy, text, size);
	traces_read(copy, size, traces);
	free(copy);
}

/* Allocated. */
static char *tell(const char *text, size_t size, bool with_lines)
{
	struct strbuf sb = STRBUF_INIT;
	struct traces traces;

	reports_of(text, size, &traces);
	for (size_t i = 0; i < traces.n; i++)
		tell_trace(&sb, &traces.v[i], with_lines);
	traces_release(&traces);
	return strbuf_detach(&sb);
}

/* Valid UTF-8, and no control but the line ends of this file's own. */
static bool told_is_clean(const char *told)
{
	uint32_t character;

	for (size_t len; *told; told += len) {
		len = text_decode(told, strlen(told), &character);
		if ((character == TEXT_INVALID && len == 1) ||
		    (character != '\n' && !text_is_printable(character)))
			return false;
	}
	return true;
}

/* Read without fault, to its end, and clean. */
__attribute__((unused))
static bool reads_clean(const char *text, size_t size)
{
	char *told = tell(text, size, true);
	bool clean = told_is_clean(told) && !strstr(told, "UNSETTLED\n");

	free(told);
	return clean;
}

/* Cut off at each byte, at either end. */
static void check_cut(const char *text, const char *what)
{
	size_t size = strlen(text), bad = 0;

	for (size_t at = 0; at <= size; at++) {
		bad += !reads_clean(text, at);
		bad += !reads_clean(text + at, size - at);
	}
	CHECK_INT(bad, 0, "%s, cut off at each byte", what);
}

/* Each byte another one: NUL, one that no UTF-8 has, and two of those that readers look for. */
static void check_replaced(const char *text, const char *what)
{
	static const char bytes[] = "\x1b \"{\n(\\#[9>:";
	size_t size = strlen(text), bad = 0;
	char *copy = xstrdup(text);

	for (size_t at = 0; at < size; at++) {
		const char other[] = { '\0', '\xff', bytes[at % (sizeof(bytes) - 1)],
				       bytes[(at + 5) % (sizeof(bytes) - 1)] };

		for (size_t i = 0; i < sizeof(other); i++) {
			copy[at] = other[i];
			bad += !reads_clean(copy, size);
		}
		copy[at] = text[at];
	}
	CHECK_INT(bad, 0, "%s, each byte replaced", what);
	free(copy);
}

/* Each line between two other texts. Allocated. */
static char *lines_changed(const char *text, const char *before, const char *after)
{
	struct strbuf changed = STRBUF_INIT;
	const char *end;

	for (; *text; text = end + (*end == '\n')) {
		end = strchrnul(text, '\n');
		strbuf_addstr(&changed, before);
		strbuf_add(&changed, text, (size_t)(end - text));
		strbuf_addstr(&changed, after);
	}
	return strbuf_detach(&changed);
}

/* The same with CRLF. */
static void check_crlf(const char *text, const char *what)
{
	char *crlf = lines_changed(text, "", "\r\n");
	char *told = tell(crlf, strlen(crlf), true), *wanted = tell(text, strlen(text), true);

	CHECK_STR(told, wanted, "%s, with CRLF", what);
	free(wanted);
	free(told);
	free(crlf);
}

/* Between prose, and twice in one file: one report, and then the same again. */
static void check_twice(const char *text, const char *what)
{
	char *twice = xstrfmt("It fell over (see below).\n\n%s\nAnd on another machine:\n\n%s\n"
			      "and so on.\n", text, text);
	char *told = tell(twice, strlen(twice), false), *once = tell(text, strlen(text), false);
	char *wanted = xstrfmt("%s%s", once, once);

	CHECK_STR(told, wanted, "%s, twice, with prose around", what);
	free(wanted);
	free(once);
	free(told);
	free(twice);
}

/* What every text has to stand, whatever is told of it. */
__attribute__((unused))
static void check_stands(const char *text, const char *what)
{
	if (samples_dir())
		return;
	check_crlf(text, what);
	check_twice(text, what);
	check_cut(text, what);
	check_replaced(text, what);
}

static void check_reading(const char *text, const char *wanted, const char *what)
{
	char *told = tell(text, strlen(text), true);

	sample_keep(text, strlen(text));
	CHECK_STR(told, wanted, "%s", what);
	free(told);
}

__attribute__((unused))
static void check_report(const char *text, const char *wanted, const char *what)
{
	check_reading(text, wanted, what);
	check_stands(text, what);
}

struct sample {
	const char *what, *text, *told;
};

#define CHECK_SAMPLES(samples)                                                                    \
	do {                                                                                      \
		for (size_t n_ = 0; n_ < sizeof(samples) / sizeof(*(samples)); n_++)              \
			check_report((samples)[n_].text, (samples)[n_].told, (samples)[n_].what); \
	} while (0)

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

/* For what is looked at piece by piece. */
__attribute__((unused))
static void reports_read(const char *text, struct traces *traces)
{
	sample_keep(text, strlen(text));
	reports_of(text, strlen(text), traces);
}

/* NULL: there is no such frame. */
__attribute__((unused))
static const struct crash_frame *frame_at(const struct traces *traces, size_t report, size_t thread,
					  size_t frame)
{
	const struct crash *crash;

	if (report >= traces->n)
		return NULL;
	crash = traces->v[report].crash;
	return thread < crash->nthreads && frame < crash->threads[thread].nframes ?
	       &crash->threads[thread].frames[frame] : NULL;
}

/* "function file:line" of each frame, a line each; "?" for no name. Allocated. */
__attribute__((unused))
static char *stack_text(const struct traces *traces, size_t report, size_t thread)
{
	struct strbuf out = STRBUF_INIT;
	const struct crash_frame *frame;

	for (size_t i = 0; (frame = frame_at(traces, report, thread, i)); i++) {
		strbuf_addstr(&out, frame->function ? frame->function : "?");
		if (frame->file)
			strbuf_addf(&out, " %s:%d", frame->file, frame->line);
		strbuf_addstr(&out, frame->inlined ? " inlined\n" : "\n");
	}
	return strbuf_detach(&out);
}

#define CHECK_STACK(traces, report, thread, wanted, ...)                                          \
	do {                                                                                      \
		char *stack_ = stack_text(traces, report, thread);                                \
		CHECK_STR(stack_, wanted, __VA_ARGS__);                                           \
		free(stack_);                                                                     \
	} while (0)

#define CHECK_FORMAT(traces, report, wanted, ...)                                                 \
	CHECK_STR((report) < (traces)->n ? trace_format_name((traces)->v[report].format) : NULL,  \
		  wanted, __VA_ARGS__)

#endif
