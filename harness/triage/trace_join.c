/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/trace_join.h"

#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "triage/frames.h"

/* From raise() to the function in which an assertion failed. */
#define ASSERTION_DEPTH 16

bool trace_is_empty(const struct trace *trace)
{
	return !trace->crash->nthreads && !*trace->crash->message && !trace->crash->finding;
}

static bool has_frames(const struct trace *trace)
{
	for (size_t i = 0; i < trace->crash->nthreads; i++)
		if (trace->crash->threads[i].nframes)
			return true;
	return false;
}

/* A sanitizer tells of a signal; what it writes is its message, too. */
static bool is_sanitized(const struct trace *trace)
{
	return (trace->format == TRACE_ASAN || trace->format == TRACE_TSAN) &&
	       trace->crash->kind == CRASH_KIND_SIGNAL;
}

static bool is_near(const struct trace *before, const struct trace *trace)
{
	return trace->line - before->end <= TRACE_NEAR_LINES;
}

/* Two deaths. */
static bool contradict(const struct trace *said, const struct trace *did)
{
	return said->crash->signo && did->crash->signo && said->crash->signo != did->crash->signo;
}

/* gdb's, without a signal: may it be the stack of one that gdb told before? */
static bool lacks_signal(const struct trace *trace)
{
	return trace->format == TRACE_GDB && trace->crash->kind == CRASH_KIND_LOOK &&
	       trace->crash->nthreads;
}

/* What gdb writes of itself where a program stops: a signal, and one frame. */
static bool is_stop(const struct trace *trace)
{
	const struct crash *crash = trace->crash;

	return trace->format == TRACE_GDB && crash->kind == CRASH_KIND_SIGNAL && crash->signo &&
	       crash->nthreads == 1 && crash->threads[0].nframes == 1;
}

static bool same_place(const struct crash_frame *a, const struct crash_frame *b)
{
	if (a->pc && b->pc)
		return a->pc == b->pc;
	return a->function && b->function && !strcmp(a->function, b->function);
}

static bool is_stack_of(const struct trace *stop, const struct trace *trace)
{
	const struct crash_thread *culprit = crash_culprit(trace->crash);

	return culprit && culprit->nframes > 1 &&
	       same_place(&stop->crash->threads[0].frames[0], &culprit->frames[0]);
}

/* gdb shows what a function was called with: the words are in the stack, too. */
static bool is_repeated(const struct trace *said, const struct trace *did)
{
	const char *words = said->crash->message, *again = did->crash->message;
	size_t len = strcspn(words, "\n");

	return len && did->format == TRACE_GDB && memmem(again, strlen(again), words, len);
}

/* A failed assertion names the function that it stands in, as if that were the stack. */
static bool is_assertion_in(const struct trace *said, const struct trace *did)
{
	const struct crash_thread *thread = said->crash->threads;
	const struct crash_thread *culprit = crash_culprit(did->crash);
	bool same = false;
	char *name;

	if (said->format != TRACE_FATAL_ERROR || said->crash->nthreads != 1 ||
	    thread->nframes != 1 || thread->frames[0].pc || !thread->frames[0].function ||
	    !culprit || culprit->nframes < 2 || contradict(said, did))
		return false;
	name = function_bare(thread->frames[0].function);
	for (size_t i = 0; i < culprit->nframes && i < ASSERTION_DEPTH && !same; i++) {
		const char *function = culprit->frames[i].function;
		char *other = function ? function_bare(function) : NULL;

		same = other && !strcmp(name, other);
		free(other);
	}
	free(name);
	return same;
}

bool traces_belong_together(const struct trace *said, const struct trace *did)
{
	if (is_assertion_in(said, did))
		return is_near(said, did);
	if (is_stop(said) && lacks_signal(did))
		return is_near(said, did) && is_stack_of(said, did);
	if (!*did->crash->message || is_repeated(said, did))
		return !said->crash->nthreads && did->crash->nthreads && !contradict(said, did);
	return is_sanitized(did) && !is_sanitized(said) && !has_frames(said) &&
	       *said->crash->message && said->end == did->line;
}

static void facts_move(struct trace *from, struct trace *to)
{
	for (size_t i = 0; i < from->nfacts; i++) {
		const char *value = from->facts[i].value;

		trace_add_fact(to, from->facts[i].key, (struct piece){ value, strlen(value) });
	}
}

void trace_join(struct trace *from, struct trace *to)
{
	char *both = xstrfmt("%s%s", from->crash->message, to->crash->message);

	free(to->crash->message);
	to->crash->message = both;
	if (from->format == TRACE_GDB && lacks_signal(to))
		to->crash->kind = CRASH_KIND_SIGNAL;
	if (!to->crash->signo)
		to->crash->signo = from->crash->signo;
	facts_move(from, to);
	to->line = from->line;
	trace_release(from);
}

void trace_hold(struct trace **held, struct trace *empty)
{
	if (empty->format != TRACE_GDB || !empty->crash->signo) {
		trace_release(empty);
		return;
	}
	trace_drop_held(held);
	*held = xmalloc(sizeof(**held));
	**held = *empty;
}

void trace_take_held(struct trace **held, struct trace *trace)
{
	if (!*held)
		return;
	if (lacks_signal(trace) && is_near(*held, trace)) {
		trace_join(*held, trace);
		free(*held);
		*held = NULL;
	}
	trace_drop_held(held);
}

void trace_drop_held(struct trace **held)
{
	if (*held)
		trace_release(*held);
	free(*held);
	*held = NULL;
}
