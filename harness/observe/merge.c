/* SPDX-License-Identifier: Apache-2.0 */
#include "observe/merge.h"

#include <stdlib.h>
#include <string.h>

#include "base/errors.h"

static char *release_text(uint32_t release)
{
	static const char *const levels[16] = { [0xa] = "a", [0xb] = "b", [0xc] = "rc" };
	unsigned int major = release >> 24, minor = release >> 16 & 0xff;
	const char *level = levels[release >> 4 & 0xf];

	if (!(release & 0xffff))
		return xstrfmt("%u.%u", major, minor);
	if (level)
		return xstrfmt("%u.%u.%u%s%u", major, minor, release >> 8 & 0xff, level,
			       release & 0xf);
	return xstrfmt("%u.%u.%u", major, minor, release >> 8 & 0xff);
}

/* Who has its GIL: a thread of this interpreter or of one that shares it. */
static pid_t gil_tid(const struct python *python, size_t interp)
{
	pid_t tid = 0;

	for (size_t i = 0; i < python->nthreads; i++)
		if (python->threads[i].has_gil &&
		    (!tid || python->threads[i].interp == interp))
			tid = python->threads[i].tid;
	return tid;
}

static void merge_runtime(struct crash *crash, pid_t pid, const struct python *python)
{
	struct crash_python *to = crash_add_python(crash);

	to->pid = pid;
	to->release = release_text(python->release);
	to->free_threaded = python->free_threaded;
	to->module = xstrdup(python->module);
	to->finalizing = python->finalizing;
	to->finalizing_tid = python->finalizing_tid;
	to->interps = xcalloc(python->ninterps + 1, sizeof(*to->interps));
	to->ninterps = python->ninterps;
	for (size_t i = 0; i < python->ninterps; i++) {
		const struct python_interp *interp = &python->interps[i];

		to->interps[i] = (struct crash_interp){
			.id = interp->id, .gil = interp->gil, .gil_taken = interp->gil_taken,
			.gil_tid = interp->gil_taken ? gil_tid(python, i) : 0,
			.collecting = interp->collecting,
		};
	}
	if (python->torn)
		to->trouble = xstrdup("its lists of interpreters and threads are torn");
	else if (python->late)
		to->trouble = xstrdup("there was no time to read all of its threads and frames");
}

void merge_process(struct crash *crash, pid_t pid, const struct python *python, const char *why)
{
	if (!python && *why) {
		struct crash_python *to = crash_add_python(crash);

		to->pid = pid;
		to->trouble = xstrdup(why);
	}
	for (; python; python = python->next)
		merge_runtime(crash, pid, python);
}

/* The next frame of a thread state that has not been put anywhere yet. */
struct cursor {
	const struct python_thread *python;
	size_t next;
};

static void frame_put(struct crash_thread *thread, const struct python_frame *from)
{
	struct crash_frame *to;

	if (from->entry)
		return;
	to = crash_thread_add_frame(thread);
	to->python = true;
	to->function = from->function ? xstrdup(from->function) : NULL;
	to->file = from->file ? xstrdup(from->file) : NULL;
	to->line = from->line;
	to->trust = from->function ? TRUST_EXACT : TRUST_NONE;
}

/* Everything before frame `end`. */
static void frames_put(struct crash_thread *thread, struct cursor *cursor, size_t end)
{
	for (; cursor->next < end; cursor->next++)
		frame_put(thread, &cursor->python->frames[cursor->next]);
}

/* The first entry, not put yet, that stands on this piece of the stack; false: there is none. */
static bool entry_find(const struct cursor *cursor, uint64_t low, uint64_t high, size_t *entry)
{
	for (size_t i = cursor->next; i < cursor->python->nframes; i++) {
		const struct python_frame *frame = &cursor->python->frames[i];

		if (frame->entry && frame->address >= low && frame->address < high) {
			*entry = i;
			return true;
		}
	}
	return false;
}

/* Python frames that this piece of the stack runs, of all thread states. Were there any? */
static bool evaluated_put(struct crash_thread *thread, struct cursor *cursors, size_t n,
			  uint64_t low, uint64_t high)
{
	bool any = false;
	size_t entry;

	for (size_t i = 0; i < n; i++)
		while (entry_find(&cursors[i], low, high, &entry)) {
			frames_put(thread, &cursors[i], entry + 1);
			any = true;
		}
	return any;
}

/* What 3.15 can be built to have instead of one long function: a function an instruction. */
static bool is_part_of_evaluator(const struct crash_frame *frame)
{
	return frame->function && !strncmp(frame->function, "_TAIL_CALL_", 11);
}

static void threads_merge(struct crash_thread *thread, const struct unwind_stack *stack,
			  struct cursor *cursors, size_t n)
{
	struct crash_frame *native = thread->frames;
	size_t nnative = thread->nframes;

	thread->frames = NULL;
	thread->nframes = 0;
	for (size_t i = 0; i < nnative; i++) {
		uint64_t low = i < stack->n ? stack->frames[i].sp : 0;
		uint64_t high = i + 1 < stack->n ? stack->frames[i + 1].sp : UINT64_MAX;
		bool evaluator = is_part_of_evaluator(&native[i]);

		if (low && high)
			evaluator |= evaluated_put(thread, cursors, n, low, high);
		native[i].evaluator = evaluator;
		*crash_thread_add_frame(thread) = native[i];
	}
	for (size_t i = 0; i < n; i++)
		frames_put(thread, &cursors[i], cursors[i].python->nframes);
	free(native);
}

/* Those thread states of one runtime that are the thread's, behind `n` cursors. All cursors. */
static size_t states_find(struct crash_thread *thread, const struct python *python,
			  bool several, struct cursor *cursors, size_t n)
{
	for (size_t i = 0; i < python->nthreads; i++) {
		const struct python_thread *from = &python->threads[i];

		if (from->tid != thread->tid)
			continue;
		cursors[n++].python = from;
		thread->has_gil |= from->has_gil;
		thread->python_torn |= from->torn;
		thread->left_out += from->left_out;
		if (!thread->has_python || from->has_gil) {
			thread->interp = python->interps[from->interp].id;
			if (several) {
				free(thread->runtime);
				thread->runtime = xstrdup(python->module);
			}
		}
		thread->has_python = true;
	}
	return n;
}

void merge_thread(struct crash_thread *thread, const struct unwind_stack *stack,
		  const struct python *pythons)
{
	struct cursor *cursors;
	size_t n = 0;

	for (const struct python *python = pythons; python; python = python->next)
		n += python->nthreads;
	cursors = xcalloc(n + 1, sizeof(*cursors));
	n = 0;
	for (const struct python *python = pythons; python; python = python->next)
		n = states_find(thread, python, pythons->next, cursors, n);
	if (n)
		threads_merge(thread, stack, cursors, n);
	free(cursors);
}
