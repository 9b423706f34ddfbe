/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols/improve.h"

#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "triage/readers.h"

/* What the kernel lets a signal handler return to: the next frame was interrupted, not called. */
static bool is_return_from_signal(const struct crash_frame *frame)
{
	static const char *const names[] = {
		"__restore_rt", "__kernel_rt_sigreturn", "_sigtramp", "<signal handler called>",
	};

	for (size_t i = 0; frame->function && i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(frame->function, names[i]))
			return true;
	return false;
}

/*
 * A mark of crash_frame.signal_frame is on the return from the signal, or on the frame behind it:
 * tools differ. It is the former if the frame before it is none itself.
 */
static bool was_interrupted(const struct crash_thread *thread, size_t n)
{
	const struct crash_frame *before = &thread->frames[n - 1];

	if (is_return_from_signal(before))
		return true;
	return before->signal_frame && (n < 2 || !is_return_from_signal(before - 1));
}

bool frame_is_after_call(const struct trace *trace, const struct crash_thread *thread, size_t n)
{
	/* These have taken it back to the call already. */
	if (trace->format == TRACE_ASAN || trace->format == TRACE_TSAN)
		return false;
	return n && !was_interrupted(thread, n);
}

bool frame_is_wanted(const struct crash_thread *thread, size_t n)
{
	const struct crash_frame *frame = &thread->frames[n];

	/* What was inlined, and what around it, has been looked up by somebody already. */
	if (!frame->module || !frame->module_offset || frame->python || frame->inlined ||
	    (n && thread->frames[n - 1].inlined))
		return false;
	return frame->trust != TRUST_EXACT || !frame->file || frame->line <= 0;
}

static void set_name(struct crash_frame *frame, const char *name, enum trust trust)
{
	if (!name)
		return;
	free(frame->function);
	frame->function = NULL;
	frame->trust = TRUST_NONE;
	frame_name(frame, (struct piece){ name, strlen(name) });
	if (frame->function)
		frame->trust = trust;
}

static void set_place(struct crash_frame *frame, const struct inline_function *function)
{
	if (!function->file)
		return;
	free(frame->file);
	frame->file = piece_copy((struct piece){ function->file, strlen(function->file) });
	frame->line = function->line;
}

/* The function itself; what the report has stays where the file knows less. */
static void frame_improve(struct crash_frame *frame, const struct improvement *improvement)
{
	const struct lookup_answer *answer = improvement->answer;
	const struct inline_function *function = &answer->v[answer->n - 1];

	if (answer->trust < frame->trust && !function->file)
		return;
	if (answer->trust >= frame->trust) {
		set_name(frame, function->name, answer->trust);
		frame->offset = answer->offset;
	}
	set_place(frame, function);
	frame->debug = improvement->match;
}

static void add_inlined(struct crash_thread *thread, const struct crash_frame *around,
			const struct improvement *improvement, size_t n)
{
	struct crash_frame *frame = crash_thread_add_frame(thread);

	frame->pc = around->pc;
	frame->module = xstrdup(around->module);
	frame->module_offset = around->module_offset;
	frame->build_id = around->build_id ? xstrdup(around->build_id) : NULL;
	frame->inlined = true;
	frame->debug = improvement->match;
	set_name(frame, improvement->answer->v[n].name, TRUST_EXACT);
	set_place(frame, &improvement->answer->v[n]);
}

/* Frames that may come in between; a thread whose middle is missing stays as it is. */
static size_t room(const struct trace *trace, const struct crash_thread *thread)
{
	size_t most = TRACE_FRAMES_FIRST + TRACE_FRAMES_LAST, all = 0;

	if (thread->left_out || thread->nframes >= most)
		return 0;
	for (size_t i = 0; i < trace->crash->nthreads; i++)
		all += trace->crash->threads[i].nframes;
	if (all >= TRACE_ALL_FRAMES_MAX)
		return 0;
	most -= thread->nframes;
	all = TRACE_ALL_FRAMES_MAX - all;
	return most < all ? most : all;
}

void thread_improve(struct trace *trace, struct crash_thread *thread, const struct improvement *v,
		    size_t n)
{
	struct crash_thread fresh = { .frames = NULL };
	size_t left = room(trace, thread), next = 0;

	for (size_t i = 0; i < thread->nframes; i++) {
		struct crash_frame *frame = &thread->frames[i];
		const struct improvement *improvement = next < n && v[next].frame == i ? &v[next++]
										       : NULL;
		size_t inlined = improvement ? improvement->answer->n - 1 : 0;

		for (size_t k = 0; k < inlined && left; k++, left--) {
			add_inlined(&fresh, frame, improvement, k);
			/* Who was interrupted is the innermost of them. */
			fresh.frames[fresh.nframes - 1].signal_frame = !k && frame->signal_frame;
		}
		if (improvement)
			frame_improve(frame, improvement);
		if (inlined && fresh.nframes)
			frame->signal_frame = false;
		*crash_thread_add_frame(&fresh) = *frame;
	}
	free(thread->frames);
	thread->frames = fresh.frames;
	thread->nframes = fresh.nframes;
}
