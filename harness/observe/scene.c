/* SPDX-License-Identifier: Apache-2.0 */
#include "observe/scene.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/errors.h"
#include "base/strbuf.h"
#include "observe/machine.h"
#include "observe/merge.h"
#include "observe/places.h"

void crash_degrade(struct crash *crash, const char *fmt, ...)
{
	struct strbuf text = STRBUF_INIT;
	va_list ap;

	if (crash->degraded) {
		strbuf_addstr(&text, crash->degraded);
		strbuf_addstr(&text, "; ");
	}
	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	free(crash->degraded);
	crash->degraded = strbuf_detach(&text);
}

pid_t scene_tid(const struct scene *scene, const struct crash *crash, pid_t own)
{
	if (!scene->own_tids)
		return own;
	for (size_t i = 0; i < scene->n; i++)
		if (scene->own_tids[i] == own)
			return crash->threads[scene->first + i].tid;
	return 0;
}

/* As they are called here. */
static void python_translate(const struct scene *scene, const struct crash *crash,
			     struct python *python)
{
	for (; python; python = python->next) {
		for (size_t i = 0; i < python->nthreads; i++)
			python->threads[i].tid = scene_tid(scene, crash, python->threads[i].tid);
		python->finalizing_tid = scene_tid(scene, crash, python->finalizing_tid);
	}
}

/* Is any of its thread states one of a thread that is there? */
static bool states_fit(const struct scene *scene, const struct crash *crash,
		       const struct python *python)
{
	for (size_t i = 0; i < scene->n; i++)
		for (size_t k = 0; k < python->nthreads; k++)
			if (python->threads[k].tid == crash->threads[scene->first + i].tid)
				return true;
	return false;
}

/*
 * Until CPython's own part of a fork is over, what the child has in memory names the parent's
 * threads. Where a thread has its descriptor is the same for both. Where some fit, the others are
 * of threads that have ended.
 */
static void states_claim(const struct scene *scene, const struct crash *crash,
			 const struct wait_notes *notes, struct python *python)
{
	for (size_t i = 0; i < scene->n; i++) {
		pid_t tid = crash->threads[scene->first + i].tid;
		uint64_t pointer = notes->v[scene->first + i].thread_pointer;

		for (size_t k = 0; k < python->nthreads; k++)
			if (machine_descriptor_holds(pointer, python->threads[k].ident))
				python_claim(python, &python->threads[k], tid);
	}
}

void scene_read_python(struct scene *scene, struct crash *crash, const struct wait_notes *notes,
		       uint64_t within_ns)
{
	struct strbuf why = STRBUF_INIT;
	bool late = false;

	scene->python = python_read(&scene->maps, scene->memory, scene->session,
				    clock_now() + within_ns, &why);
	python_translate(scene, crash, scene->python);
	for (struct python *python = scene->python; python; python = python->next) {
		late |= python->late;
		if (!states_fit(scene, crash, python))
			states_claim(scene, crash, notes, python);
	}
	if (late)
		crash_degrade(crash, "what CPython has in memory is not read to its end: it took "
			      "more than %u s", (unsigned int)(within_ns / NSEC_PER_SEC));
	merge_process(crash, scene->pid, scene->python, why.buf);
	strbuf_release(&why);
}

void scene_read_locks(const struct scene *scene, struct wait_notes *notes)
{
	const struct pylock_memory in = {
		.maps = &scene->maps, .memory = scene->memory, .pythons = scene->python,
	};

	for (size_t i = 0; scene->python && i < scene->n; i++) {
		struct wait_note *note = &notes->v[scene->first + i];

		note->lock = pylock_read(&in, note->futex, &scene->stacks[i]);
	}
}

static void frame_symbolise(struct scene *scene, const struct unwind_frame *raw,
			    struct crash_frame *frame)
{
	const struct maps_module *module =
		maps_module_at(&scene->maps, raw->activation ? raw->pc : raw->pc - 1);
	struct image *image = NULL;

	/* The kernel's return from a signal is in libc, but nobody called it there. */
	if (module && !raw->trampoline)
		image = unwind_image(scene->session, module);
	place_name(module, image, raw->pc, !raw->activation, frame);
	frame->signal_frame = raw->trampoline;
}

static void thread_tell(struct scene *scene, struct crash_thread *thread,
			const struct unwind_stack *stack)
{
	for (size_t k = 0; k < stack->n; k++)
		frame_symbolise(scene, &stack->frames[k], crash_thread_add_frame(thread));
	thread->truncated = stack->truncated;
	if (!scene->announced || scene->announced != thread->tid)
		wait_name(thread);
	if (scene->python)
		merge_thread(thread, stack, scene->python);
}

void scene_tell(struct scene *scene, struct crash *crash)
{
	for (size_t i = 0; i < scene->n; i++)
		thread_tell(scene, &crash->threads[scene->first + i], &scene->stacks[i]);
	if (!crash->maps)
		crash->maps = xstrdup(scene->maps.text);
}

void scene_release(struct scene *scene)
{
	memory_close(scene->memory);
	maps_release(&scene->maps);
	free(scene->stacks);
	free(scene->own_tids);
	python_free(scene->python);
}
