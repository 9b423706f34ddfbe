/* SPDX-License-Identifier: Apache-2.0 */
/* struct crash: making, growing, freeing. Run under a leak checker, it also shows the last. */
#include "base/errors.h"
#include "observe/crash.h"
#include "tests/unit/tap.h"

static void test_empty(void)
{
	struct crash *crash = crash_new();

	CHECK_STR(crash->message, "", "a new record's message is empty, not NULL");
	CHECK(!crash_culprit(crash), "a record without threads has no culprit");
	crash_free(crash);
	crash_free(NULL);
}

#define THREADS 37
#define FRAMES 300

static void test_growing(void)
{
	struct crash *crash = crash_new();
	bool zeroed = true, kept = true;

	for (int i = 0; i < THREADS; i++) {
		struct crash_thread *thread = crash_add_thread(crash);

		zeroed &= !thread->tid && !thread->frames && !thread->culprit && !thread->name;
		thread->tid = i + 1;
		thread->name = xstrdup("w");
		thread->wait.syscall = xstrdup("futex");
		thread->wait.what = xstrdup("mutex");
	}
	for (int i = 0; i < FRAMES; i++) {
		struct crash_frame *frame = crash_thread_add_frame(&crash->threads[5]);

		zeroed &= !frame->pc && !frame->function && frame->trust == TRUST_NONE;
		frame->pc = (uint64_t)i;
		frame->function = xstrdup("f");
		frame->module = xstrdup("m");
		frame->file = xstrdup("c");
	}
	for (int i = 0; i < THREADS; i++)
		kept &= crash->threads[i].tid == i + 1;
	for (int i = 0; i < FRAMES; i++)
		kept &= crash->threads[5].frames[i].pc == (uint64_t)i;
	CHECK_INT(crash->nthreads, THREADS, "threads are counted");
	CHECK_INT(crash->threads[5].nframes, FRAMES, "so are frames");
	CHECK(zeroed, "new ones are zeroed");
	CHECK(kept, "growing keeps the old ones");
	CHECK_INT(crash_culprit(crash)->tid, 1, "without a mark the first thread is the culprit");
	crash->threads[20].culprit = true;
	CHECK_INT(crash_culprit(crash)->tid, 21, "with a mark it is the marked one");
	crash->maps = xstrdup("maps");
	crash->degraded = xstrdup("no ptrace");
	crash->regs = xcalloc(3, sizeof(*crash->regs));
	crash_free(crash);
}

int main(void)
{
	test_empty();
	test_growing();
	return tap_done();
}
