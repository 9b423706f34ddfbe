/* SPDX-License-Identifier: Apache-2.0 */
/* Which thread a record is about, where it says that processes did not end. */
#include "observe/waits.h"
#include "tests/unit/triage.h"

/* The first process has three threads, the last one two; in each, the second one runs. */
static struct crash *family(enum crash_kind kind)
{
	static const struct {
		pid_t pid, tid;
		char state;
	} threads[] = {
		{ 10, 10, 'S' }, { 10, 11, 'R' }, { 10, 12, 'S' }, { 20, 20, 'S' }, { 20, 21, 'R' },
	};
	struct crash *crash = crash_new();

	crash->kind = kind;
	for (size_t i = 0; i < sizeof(threads) / sizeof(*threads); i++) {
		struct crash_thread *thread = add_thread(crash, threads[i].pid, threads[i].tid, "");

		thread->state = threads[i].state;
		if (thread->state == 'S')
			wait_set(thread, "condition", 0, 0);
	}
	return crash;
}

static void check_culprit(struct crash *crash, pid_t last, pid_t wanted, const char *why)
{
	const struct crash_thread *chosen = waits_choose_culprit(crash, last);

	CHECK_INT(chosen ? chosen->tid : 0, wanted, "%s", why);
	CHECK(!chosen || chosen->culprit, "and it is marked");
	crash_free(crash);
}

int main(void)
{
	struct crash *crash = family(CRASH_KIND_HANG);

	check_culprit(crash, 20, 20, "a hang is about one that waits");
	crash = family(CRASH_KIND_HANG);
	crash->threads[0].wait.owner = 12;
	crash->threads[2].wait.owner = 10;
	check_culprit(crash, 20, 10, "above all about a circle");
	check_culprit(family(CRASH_KIND_SPIN), 20, 21, "a loop is about one that runs");
	check_culprit(family(CRASH_KIND_SPIN), 10, 11, "of the process that is meant");
	crash = family(CRASH_KIND_SPIN);
	crash->threads[4].state = 'S';
	check_culprit(crash, 20, 20, "and if none runs about the first");
	check_culprit(family(CRASH_KIND_STOPPED), 30, 0, "a process that is gone has no culprit");
	return tap_done();
}
