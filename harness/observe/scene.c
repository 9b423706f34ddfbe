/* SPDX-License-Identifier: Apache-2.0 */
#include "observe/scene.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/errors.h"
#include "base/strbuf.h"
#include "observe/merge.h"
#include "observe/places.h"
#include "observe/waits.h"

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

void scene_read_python(struct scene *scene, struct crash *crash)
{
	struct strbuf why = STRBUF_INIT;

	scene->python = python_read(&scene->maps, scene->memory, scene->session, &why);
	merge_process(crash, scene->pid, scene->python, why.buf);
	strbuf_release(&why);
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
	python_free(scene->python);
}
