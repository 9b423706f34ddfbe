/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of readers: a text in, its reports out, and the same text spoilt in every way.
 */
#ifndef FORKPOINT_TESTS_UNIT_REPORTS_H
#define FORKPOINT_TESTS_UNIT_REPORTS_H

#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "base/text.h"
#include "tests/unit/tap.h"
#include "triage/trace.h"

/* Of a copy that ends where the text does, so that a sanitizer sees who reads on. */
__attribute__((unused))
static void reports_of(const char *text, size_t size, struct traces *traces)
{
	char *copy = xmalloc(size + !size);

	memcpy(copy, text, size);
	traces_read(copy, size, traces);
	free(copy);
}

__attribute__((unused))
static void reports_read(const char *text, struct traces *traces)
{
	reports_of(text, strlen(text), traces);
}

__attribute__((unused))
static bool text_is_clean(const char *text)
{
	uint32_t character;

	for (size_t len; text && *text; text += len) {
		len = text_decode(text, strlen(text), &character);
		if ((character == TEXT_INVALID && len == 1) || character < 0x20)
			return false;
	}
	return true;
}

/* All text that may be shown: names, paths, facts. */
__attribute__((unused))
static bool report_is_clean(const struct trace *trace)
{
	bool clean = true;

	for (size_t i = 0; i < trace->nfacts; i++)
		clean = clean && text_is_clean(trace->facts[i].value);
	for (size_t i = 0; i < trace->crash->nthreads; i++) {
		const struct crash_thread *thread = &trace->crash->threads[i];

		clean = clean && text_is_clean(thread->name);
		for (size_t k = 0; k < thread->nframes; k++)
			clean = clean && text_is_clean(thread->frames[k].function) &&
				text_is_clean(thread->frames[k].module) &&
				text_is_clean(thread->frames[k].file);
	}
	return clean && !trace->next;
}

__attribute__((unused))
static bool reads_clean(const char *text, size_t size)
{
	struct traces traces;
	bool clean = true;

	reports_of(text, size, &traces);
	for (size_t i = 0; i < traces.n; i++)
		clean = clean && report_is_clean(&traces.v[i]);
	traces_release(&traces);
	return clean;
}

/* Cut off at each byte, and each byte another one. */
__attribute__((unused))
static void check_spoilt(const char *text, const char *what)
{
	static const char bytes[] = { '\0', '\xff', '"', '{', '\n', '(', '\\', '#' };
	size_t size = strlen(text), bad = 0;
	char *copy = xstrdup(text);

	for (size_t cut = 0; cut <= size; cut++)
		bad += !reads_clean(text, cut);
	CHECK_INT(bad, 0, "%s may be cut off at each byte", what);
	for (size_t at = 0; at < size; at++) {
		copy[at] = bytes[at % sizeof(bytes)];
		bad += !reads_clean(copy, size);
		copy[at] = bytes[(at + 1) % sizeof(bytes)];
		bad += !reads_clean(copy, size);
		copy[at] = text[at];
	}
	CHECK_INT(bad, 0, "each byte of %s may be another one", what);
	free(copy);
}

/* With CR before each LF. Allocated. */
__attribute__((unused))
static char *with_crlf(const char *text)
{
	struct strbuf out = STRBUF_INIT;

	for (; *text; text++)
		strbuf_addf(&out, *text == '\n' ? "\r\n" : "%c", *text);
	return strbuf_detach(&out);
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
