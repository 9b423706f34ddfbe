/* SPDX-License-Identifier: Apache-2.0 */
#include "observe/crash.h"

#include <stdlib.h>
#include <string.h>

#include "base/errors.h"

struct crash *crash_new(void)
{
	struct crash *crash = xcalloc(1, sizeof(*crash));

	crash->message = xstrdup("");
	return crash;
}

const char *trust_name(enum trust trust)
{
	static const char *const names[] = {
		[TRUST_NONE] = "none", [TRUST_SCANNED] = "scanned", [TRUST_NEAR] = "near",
		[TRUST_EXACT] = "exact",
	};

	return names[trust];
}

const char *debug_match_name(enum debug_match match)
{
	static const char *const names[] = {
		[DEBUG_ID] = "build-id", [DEBUG_LINK] = "debug-link", [DEBUG_NAME] = "name",
	};

	return names[match];
}

void crash_frame_release(struct crash_frame *frame)
{
	free(frame->function);
	free(frame->module);
	free(frame->build_id);
	free(frame->file);
}

static void thread_release(struct crash_thread *thread)
{
	for (size_t i = 0; i < thread->nframes; i++)
		crash_frame_release(&thread->frames[i]);
	free(thread->frames);
	free(thread->name);
	free(thread->role);
	free(thread->runtime);
	free(thread->wait.syscall);
	free(thread->wait.what);
	free(thread->wait.lock_type);
}

static void python_release(struct crash_python *python)
{
	free(python->release);
	free(python->module);
	free(python->interps);
	free(python->trouble);
}

void crash_free(struct crash *crash)
{
	if (!crash)
		return;
	for (size_t i = 0; i < crash->npythons; i++)
		python_release(&crash->pythons[i]);
	free(crash->pythons);
	for (size_t i = 0; i < crash->nthreads; i++)
		thread_release(&crash->threads[i]);
	free(crash->threads);
	free(crash->regs);
	free(crash->finding);
	free(crash->message);
	free(crash->maps);
	free(crash->degraded);
	free(crash);
}

/* Room for one more element, zeroed. Arrays double, so that their size follows from n alone. */
static void *array_grow(void *v, size_t n, size_t size)
{
	char *p = v;

	if ((n & (n - 1)) == 0)
		p = xrealloc(v, (n ? 2 * n : 1) * size);
	memset(p + n * size, 0, size);
	return p;
}

struct crash_thread *crash_add_thread(struct crash *crash)
{
	crash->threads = array_grow(crash->threads, crash->nthreads, sizeof(*crash->threads));
	return &crash->threads[crash->nthreads++];
}

struct crash_frame *crash_thread_add_frame(struct crash_thread *thread)
{
	thread->frames = array_grow(thread->frames, thread->nframes, sizeof(*thread->frames));
	return &thread->frames[thread->nframes++];
}

struct crash_python *crash_add_python(struct crash *crash)
{
	crash->pythons = array_grow(crash->pythons, crash->npythons, sizeof(*crash->pythons));
	return &crash->pythons[crash->npythons++];
}

const struct crash_thread *crash_culprit(const struct crash *crash)
{
	for (size_t i = 0; i < crash->nthreads; i++)
		if (crash->threads[i].culprit)
			return &crash->threads[i];
	return crash->nthreads ? &crash->threads[0] : NULL;
}
