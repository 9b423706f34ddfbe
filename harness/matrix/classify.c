/* SPDX-License-Identifier: Apache-2.0 */
#include "matrix/classify.h"

#include <stdlib.h>

#include "base/errors.h"

/* Its frames are the other one's, but for those of Python, which it has not. */
static void take_native(struct crash_thread *view, const struct crash_thread *thread)
{
	*view = *thread;
	view->frames = xcalloc(thread->nframes + 1, sizeof(*view->frames));
	view->nframes = 0;
	view->has_gil = false;
	view->left_out = 0;
	for (size_t i = 0; i < thread->nframes; i++)
		if (!thread->frames[i].python)
			view->frames[view->nframes++] = thread->frames[i];
}

struct triage *classify_finding(const struct crash *crash)
{
	struct crash view = *crash;
	struct triage *triage;

	view.threads = xcalloc(crash->nthreads + 1, sizeof(*view.threads));
	for (size_t i = 0; i < crash->nthreads; i++)
		take_native(&view.threads[i], &crash->threads[i]);
	triage = triage_classify(&view, NULL);
	for (size_t i = 0; i < crash->nthreads; i++)
		free(view.threads[i].frames);
	free(view.threads);
	return triage;
}
