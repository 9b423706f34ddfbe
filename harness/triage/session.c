/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/session.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"

/* abort() and raise() are some frames deep themselves. */
#define RAISE_DEPTH 5

void session_begin(struct session *stacks, struct trace *trace)
{
	*stacks = (struct session){ .trace = trace };
}

struct crash_thread *session_current(const struct session *stacks)
{
	struct crash *crash = stacks->trace->crash;

	return stacks->open ? &crash->threads[crash->nthreads - 1] : NULL;
}

static struct crash_thread *thread_of(const struct session *stacks, uint64_t number)
{
	if (number >= stacks->nnumbers || !stacks->by_number[number])
		return NULL;
	return &stacks->trace->crash->threads[stacks->by_number[number] - 1];
}

bool session_has(const struct session *stacks, uint64_t number)
{
	return thread_of(stacks, number) != NULL;
}

/* Numbers beyond that are not remembered: such a thread is printed twice, at worst. */
static void number_set(struct session *stacks, uint64_t number, size_t value)
{
	size_t n = stacks->nnumbers ? stacks->nnumbers : 4;

	if (number > TRACE_THREADS_MAX)
		return;
	while (n <= number)
		n *= 2;
	if (n > stacks->nnumbers) {
		stacks->by_number = xrealloc(stacks->by_number, n * sizeof(*stacks->by_number));
		memset(stacks->by_number + stacks->nnumbers, 0,
		       (n - stacks->nnumbers) * sizeof(*stacks->by_number));
		stacks->nnumbers = n;
	}
	stacks->by_number[number] = (uint32_t)value;
}

static void frames_swap(struct crash_thread *a, struct crash_thread *b)
{
	struct crash_thread was = *a;

	a->frames = b->frames;
	a->nframes = b->nframes;
	a->left_out = b->left_out;
	a->truncated = b->truncated;
	b->frames = was.frames;
	b->nframes = was.nframes;
	b->left_out = was.left_out;
	b->truncated = was.truncated;
}

static bool is_python(const struct crash_thread *thread)
{
	return thread->nframes && thread->frames[0].python;
}

static size_t native_frames(const struct crash_thread *thread)
{
	size_t n = 0;

	while (n < thread->nframes && !thread->frames[n].python)
		n++;
	return n;
}

/* Those of Python stand behind the others. */
static void python_append(struct trace *trace, struct crash_thread *to, struct crash_thread *from)
{
	size_t native = native_frames(from);

	if (native_frames(to) < to->nframes)
		return; /* it has them already */
	for (size_t i = native; i < from->nframes; i++)
		*trace_add_frame(trace, to) = from->frames[i];
	trace->nframes -= from->nframes - native; /* they were counted twice */
	from->nframes = native;
}

/* Both are of one thread: `old` gets the best of both. */
static void merge(struct trace *trace, struct crash_thread *old, struct crash_thread *new)
{
	char *name = new->name;

	if (native_frames(new) > native_frames(old))
		frames_swap(old, new);
	python_append(trace, old, new);
	if (!old->name) {
		old->name = name;
		new->name = NULL;
	}
	if (!old->tid)
		old->tid = new->tid;
	if (!old->wait.what) {
		old->wait.what = new->wait.what;
		new->wait.what = NULL;
	}
}

static void thread_remove(struct crash *crash, size_t index)
{
	struct crash_thread *thread = &crash->threads[index];

	for (size_t i = 0; i < thread->nframes; i++)
		crash_frame_release(&thread->frames[i]);
	free(thread->frames);
	free(thread->name);
	free(thread->wait.what);
	memmove(thread, thread + 1, (--crash->nthreads - index) * sizeof(*thread));
}

/*
 * gdb leaves the address out where an inlined function was called from. Where no frame has one,
 * somebody has cut them off.
 */
static void inlining_settle(const struct session *stacks, struct crash_thread *thread)
{
	for (size_t i = 0; i < thread->nframes && !stacks->addressed; i++)
		thread->frames[i].inlined = false;
}

static void stack_close(struct session *stacks)
{
	struct crash_thread *thread = session_current(stacks), *old;
	uint64_t number = stacks->current.number;
	struct crash *crash = stacks->trace->crash;

	if (!thread)
		return;
	inlining_settle(stacks, thread);
	stacks->open = false;
	if (number == stacks->selected.number && !is_python(thread))
		stacks->selected_cut = stacks->cut;
	old = thread_of(stacks, number);
	if (!old) {
		number_set(stacks, number, crash->nthreads);
		return;
	}
	merge(stacks->trace, old, thread);
	stacks->trace->nframes -= thread->nframes;
	thread_remove(crash, crash->nthreads - 1);
}

void session_open(struct session *stacks, const struct session_thread *what)
{
	struct session_thread copy = *what; /* it may be the one that is replaced */
	struct crash_thread *thread;

	stack_close(stacks);
	thread = trace_add_thread(stacks->trace);
	stacks->open = thread != NULL;
	stacks->addressed = stacks->numbered = stacks->cut = false;
	stacks->current = copy;
	if (!thread)
		return;
	thread->tid = (pid_t)(copy.tid & INT32_MAX);
	thread->pid = (pid_t)(copy.pid & INT32_MAX);
	if (copy.name.len)
		thread->name = piece_copy(copy.name);
}

void session_select(struct session *stacks, const struct session_thread *what)
{
	struct crash_thread *thread;
	bool moves = !stacks->selected.number;

	if (moves && stacks->open && !stacks->current.number)
		stacks->current = *what;
	stacks->selected = *what;
	if (moves && thread_of(stacks, 0) && !thread_of(stacks, what->number))
		number_set(stacks, what->number, stacks->by_number[0]);
	thread = stacks->open ? session_current(stacks) : thread_of(stacks, what->number);
	if (thread && !thread->tid)
		thread->tid = (pid_t)(what->tid & INT32_MAX);
}

static struct crash_frame *frame_last(struct crash_thread *thread)
{
	size_t at = thread->nframes - 1;

	if (!thread->nframes)
		return NULL;
	if (thread->left_out)
		at = TRACE_FRAMES_FIRST + (thread->left_out - 1) % TRACE_FRAMES_LAST;
	return &thread->frames[at];
}

/* "raise (sig=6)", "__pthread_kill_internal (signo=6, …)", "abort ()" */
static int raised_signal(const struct session_frame *frame)
{
	static const char *const words[] = { "signo@entry=", "sig@entry=", "signo=", "sig=" };
	struct piece rest = frame->args, skipped;
	uint64_t signo;

	if (piece_ends(frame->name, "abort"))
		return SIGABRT;
	if (!piece_ends(frame->name, "raise") && !piece_has(frame->name, "pthread_kill"))
		return 0;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (take_until(&rest, words[i], &skipped))
			return take_decimal(&rest, &signo) && signo < 128 ? (int)signo : 0;
	return 0;
}

static void raise_look(struct session *stacks, const struct session_frame *frame)
{
	int signo = frame->number < RAISE_DEPTH && !stacks->raised ? raised_signal(frame) : 0;

	if (!signo)
		return;
	stacks->raised = true;
	stacks->raised_number = stacks->current.number;
	stacks->raised_signo = signo;
}

/* What tells one function from another that is called like it, and its caller's mistake. */
static void frame_arguments(struct crash_frame *frame, struct piece args)
{
	static const char *const nulls[] = { "name=0x0", "value=0x0", "string=0x0" };

	frame->method = piece_starts(args, "(this=");
	for (size_t i = 0; i < sizeof(nulls) / sizeof(*nulls); i++) {
		size_t at = piece_find(args, nulls[i]), end = at + strlen(nulls[i]);

		if (at < args.len && at && (args.s[at - 1] == '(' || args.s[at - 1] == ' ') &&
		    end < args.len && (args.s[end] == ',' || args.s[end] == ')'))
			frame->null_argument = true;
	}
}

static void frame_fill(struct crash_frame *frame, const struct session_frame *from)
{
	frame->pc = from->pc;
	frame->python = from->python;
	frame->inlined = from->inlined;
	frame->signal_frame = from->handler;
	frame_arguments(frame, from->args);
	frame_name(frame, from->name);
	frame_module(frame, from->module);
	if (from->python && from->file.len) {
		frame->file = piece_copy(from->file);
		frame->line = from->line <= INT32_MAX ? (int)from->line : 0;
	} else {
		frame_source(frame, from->file);
	}
}

static void frame_add(struct session *stacks, const struct session_frame *from)
{
	struct crash_thread *thread = session_current(stacks);
	struct crash_frame *before = thread ? frame_last(thread) : NULL;

	if (!thread)
		return;
	if (before && !from->has_pc && !from->handler && !from->python && !before->signal_frame)
		before->inlined = true;
	stacks->addressed |= from->has_pc;
	stacks->listed = from->python && !from->number;
	if (!from->python) {
		bool gap = stacks->numbered ? from->number != stacks->last + 1 : from->number;

		stacks->trace->incomplete |= gap || (from->bare && !from->handler);
		stacks->cut |= !stacks->numbered && from->number;
		stacks->numbered = true;
		stacks->last = from->number;
		raise_look(stacks, from);
	}
	frame_fill(trace_add_frame(stacks->trace, thread), from);
}

static bool same_function(const struct crash_frame *a, const struct crash_frame *b)
{
	if (a->function && b->function)
		return !strcmp(a->function, b->function);
	return !a->function && !b->function && (!a->pc || !b->pc || a->pc == b->pc);
}

/* Does a frame begin the stack anew that it would be added to? */
static bool is_restart(const struct session *stacks, const struct session_frame *frame)
{
	const struct crash_thread *thread = session_current(stacks);

	return !thread ||
	       (!frame->python && stacks->numbered && frame->number <= stacks->last);
}

static bool is_another_crash(const struct session *stacks, const struct session_frame *from)
{
	const struct crash_thread *known = thread_of(stacks, stacks->selected.number);
	struct crash_frame frame = { .pc = 0 };
	bool another;

	if (stacks->open && stacks->current.number == stacks->selected.number)
		known = session_current(stacks);
	if (!known || !known->nframes || is_python(known) || from->number || stacks->selected_cut)
		return known && known->nframes && !is_python(known);
	frame_fill(&frame, from);
	another = !same_function(&frame, &known->frames[0]);
	crash_frame_release(&frame);
	return another;
}

bool session_add(struct session *stacks, const struct session_frame *frame)
{
	struct crash_thread *thread = session_current(stacks);

	if (is_restart(stacks, frame)) {
		if (!frame->python && is_another_crash(stacks, frame))
			return false;
		session_open(stacks, &stacks->selected);
	} else if (thread->nframes && (is_python(thread) != frame->python ||
				       (frame->python && stacks->listed != !frame->number))) {
		session_open(stacks, &stacks->current);
	}
	frame_add(stacks, frame);
	return true;
}

/* `bt` printed it without a heading, and `thread apply all bt` with one. */
static struct crash_thread *heading_find(struct session *stacks, struct crash_thread *plain)
{
	struct crash *crash = stacks->trace->crash;

	for (size_t i = 0; i < crash->nthreads && plain->nframes; i++) {
		struct crash_thread *thread = &crash->threads[i];

		if (thread != plain && thread->nframes && !is_python(thread) &&
		    same_function(&thread->frames[0], &plain->frames[0]) &&
		    thread->frames[0].pc == plain->frames[0].pc)
			return thread;
	}
	return NULL;
}

static struct crash_thread *selected_settle(struct session *stacks)
{
	struct crash *crash = stacks->trace->crash;
	struct crash_thread *plain = thread_of(stacks, stacks->selected.number), *headed;
	size_t at;

	if (!plain || stacks->selected.number || crash->nthreads == 1)
		return plain;
	headed = heading_find(stacks, plain);
	if (!headed)
		return stacks->selected_cut ? NULL : plain;
	merge(stacks->trace, headed, plain);
	at = (size_t)(plain - crash->threads);
	headed -= headed > plain;
	thread_remove(crash, at);
	return headed;
}

void session_end(struct session *stacks)
{
	struct crash *crash = stacks->trace->crash;
	struct crash_thread *culprit = NULL;

	stack_close(stacks);
	if (!crash->signo && stacks->raised) {
		crash->kind = CRASH_KIND_SIGNAL;
		crash->signo = stacks->raised_signo;
		if (!thread_of(stacks, stacks->selected.number))
			culprit = thread_of(stacks, stacks->raised_number);
	}
	if (!culprit)
		culprit = selected_settle(stacks);
	if (!culprit && thread_of(stacks, 1) && stacks->selected.number != 1)
		culprit = thread_of(stacks, 1);
	if (!culprit && crash->nthreads)
		culprit = &crash->threads[0];
	if (culprit) {
		culprit->culprit = true;
		crash->tid = culprit->tid;
		crash->pid = culprit->pid;
	}
	free(stacks->by_number);
}
