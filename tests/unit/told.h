/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of the readers of crash reports: a text is read, and what came of it is written
 * down in one text, which is compared with what is expected:
 *
 *	asan line 2 incomplete: SIGSEGV 1 at 0x10, finding heap-use-after-free, pid 12
 *	> heap-use-after-free on address …
 *	= python: 3.12
 *	* T0: (the culprit; "-" another)
 *	    0x55d0c5eb850c main+0x12 @/src/a.so+0x34 /src/a.c:10 inlined near
 *
 * What is not told is left out. A name is exact if nothing is said of it.
 */
#ifndef FORKPOINT_TESTS_UNIT_TOLD_H
#define FORKPOINT_TESTS_UNIT_TOLD_H

#include <ctype.h>
#include <signal.h>
#include <stdlib.h>

#include "base/errors.h"
#include "base/strbuf.h"
#include "tests/unit/tap.h"
#include "triage/trace.h"

static void tell_frame(struct strbuf *sb, const struct crash_frame *frame)
{
	strbuf_addstr(sb, "   ");
	if (frame->pc)
		strbuf_addf(sb, " %#llx", (unsigned long long)frame->pc);
	strbuf_addf(sb, " %s", frame->function ? frame->function : "?");
	if (frame->offset)
		strbuf_addf(sb, "+%#llx", (unsigned long long)frame->offset);
	if (frame->module)
		strbuf_addf(sb, " @%s", frame->module);
	if (frame->module_offset)
		strbuf_addf(sb, "+%#llx", (unsigned long long)frame->module_offset);
	if (frame->file)
		strbuf_addf(sb, " %s:%d", frame->file, frame->line);
	strbuf_addstr(sb, frame->inlined ? " inlined" : "");
	strbuf_addstr(sb, frame->python ? " python" : "");
	strbuf_addstr(sb, frame->trust == TRUST_NEAR ? " near" : "");
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
	if (thread->truncated)
		strbuf_addstr(sb, " truncated");
	strbuf_addch(sb, '\n');
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

static void tell_trace(struct strbuf *sb, const struct trace *trace)
{
	static const char *const kinds[] = {
		[CRASH_KIND_SIGNAL] = "signal",   [CRASH_KIND_HANG] = "hang",
		[CRASH_KIND_SPIN] = "spin",       [CRASH_KIND_STOPPED] = "stopped",
		[CRASH_KIND_LATE] = "late",       [CRASH_KIND_FINDING] = "finding",
		[CRASH_KIND_LOOK] = "look",
	};
	const struct crash *crash = trace->crash;

	strbuf_addf(sb, "%s line %zu%s: %s", trace_format_name(trace->format), trace->line,
		    trace->incomplete ? " incomplete" : "", kinds[crash->kind]);
	if (crash->signo)
		strbuf_addf(sb, " %d", crash->signo);
	if (crash->code)
		strbuf_addf(sb, " code %d", crash->code);
	if (crash->has_addr)
		strbuf_addf(sb, " at 0x%llx", (unsigned long long)crash->addr);
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
}

/* In a copy of that size exactly, so that a checker sees a byte too much. Allocated. */
static char *tell(const char *text, size_t size)
{
	struct strbuf sb = STRBUF_INIT;
	struct traces traces;
	char *copy = xmalloc(size ? size : 1);

	memcpy(copy, text, size);
	traces_read(copy, size, &traces);
	free(copy);
	for (size_t i = 0; i < traces.n; i++)
		tell_trace(&sb, &traces.v[i]);
	traces_release(&traces);
	return strbuf_detach(&sb);
}

struct sample {
	const char *what, *text, *told;
};

static void check_sample(const struct sample *sample)
{
	char *told = tell(sample->text, strlen(sample->text));

	CHECK_STR(told, sample->told, "%s", sample->what);
	free(told);
}

/* The same text, with CR before each LF. */
static void check_crlf(const struct sample *sample)
{
	struct strbuf text = STRBUF_INIT;
	char *told;

	for (const char *p = sample->text; *p; p++)
		strbuf_addstr(&text, *p == '\n' ? "\r\n" : (char[]){ *p, '\0' });
	told = tell(text.buf, text.len);
	CHECK_STR(told, sample->told, "%s, with CRLF", sample->what);
	free(told);
	strbuf_release(&text);
}

/* Whether it is valid, and has no control but the line ends of this file's own. */
static bool is_clean(const char *told)
{
	for (; *told; told++)
		if ((unsigned char)*told < ' ' && *told != '\n')
			return false;
	return true;
}

/* Cut at each byte, and with each byte replaced: read without fault, and clean. */
static void check_mangled(const struct sample *sample)
{
	static const char bytes[] = { '\0', '\x1b', '\xff', ' ', '(', '[', '9', '\n' };
	size_t size = strlen(sample->text), bad = 0;
	char *text = xstrdup(sample->text);

	for (size_t i = 0; i < size; i++) {
		char *told = tell(text, i);

		bad += !is_clean(told);
		free(told);
		text[i] = bytes[i % sizeof(bytes)];
		told = tell(text, size);
		bad += !is_clean(told);
		free(told);
		text[i] = sample->text[i];
	}
	CHECK_INT(bad, 0, "%s, cut and mangled at each of %zu bytes", sample->what, size);
	free(text);
}

/* Between prose, and twice in one file: one report, and then the same again. */
static void check_twice(const struct sample *sample, size_t reports)
{
	char *text = xstrfmt("It fell over (see below).\n\n%s\nThat was it.\n\n%s\nand so on.\n",
			     sample->text, sample->text);
	struct traces traces;

	traces_read(text, strlen(text), &traces);
	CHECK_INT(traces.n, 2 * reports, "%s, twice, with prose around", sample->what);
	traces_release(&traces);
	free(text);
}

__attribute__((unused))
static void check_samples(const struct sample *samples, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t reports = 0;

		check_sample(&samples[i]);
		check_crlf(&samples[i]);
		check_mangled(&samples[i]);
		for (const char *p = samples[i].told; p; p = strchr(p, '\n')) {
			p += *p == '\n';
			reports += islower((unsigned char)*p) && strncmp(p, "maps:", 5);
		}
		check_twice(&samples[i], reports);
	}
}

#define CHECK_SAMPLES(samples) check_samples(samples, sizeof(samples) / sizeof(*(samples)))

#endif
