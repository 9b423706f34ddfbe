/* SPDX-License-Identifier: Apache-2.0 */
/* Circles, recursion, loops, and processes that only stand still. */
#include "tests/unit/triage.h"

static void test_circle(void)
{
	struct crash *crash = crash_make(0, "pthread_mutex_lock @" LIBC "\n"
	"f @/srv/host\n", NULL);
	struct triage *t;

	wait_set(&crash->threads[0], "mutex", 101, 0);
	wait_set(add_thread(crash, 100, 101, "pthread_mutex_lock @" LIBC "\n" "g @/srv/host\n"),
		 "mutex", 100, 0);
	t = classify(crash);
	CHECK_PATTERN(t, PATTERN_LOCK_ORDER, "two threads that wait for each other are lock-order");
	CHECK_INT(t->nevidence, 2, "each wait is evidence");
	triage_free(t);

	crash = crash_make(0, "pthread_mutex_lock @" LIBC "\n" "f @/srv/host\n", NULL);
	wait_set(&crash->threads[0], "mutex", 101, 0);
	add_thread(crash, 100, 101, "compute @/srv/host\n");
	t = classify(crash);
	CHECK_PATTERN(t, PATTERN_OTHER, "one that waits for a thread that works is no pattern");
	triage_free(t);
}

static void test_recursion(void)
{
	struct crash *crash = crash_new();
	struct crash_thread *thread;
	struct triage *t;

	crash->kind = CRASH_KIND_SIGNAL;
	crash->signo = SIGSEGV;
	thread = crash_add_thread(crash);
	thread->culprit = true;
	thread->truncated = true;
	for (int i = 0; i < 256; i++) {
		struct crash_frame *frame = crash_thread_add_frame(thread);

		frame->function = xstrdup(i % 2 ? "visit" : "walk");
		frame->trust = TRUST_EXACT;
		frame->module = xstrdup(EXTENSION);
	}
	t = classify(crash);
	CHECK_PATTERN(t, PATTERN_RECURSION_OR_LOOP, "a stack full of two functions is recursion");
	triage_free(t);
}

static struct crash *busy_crash(enum crash_kind kind, char state)
{
	struct crash *crash = crash_make(0, "strlen @" LIBC "\n" "walk @" EXTENSION "\n"
					    "_PyEval_EvalFrameDefault @" LIBPYTHON "\n", NULL);

	crash->kind = kind;
	crash->threads[0].state = state;
	return crash;
}

static void test_loop(void)
{
	struct triage *t = classify(busy_crash(CRASH_KIND_SPIN, 'R'));

	CHECK_PATTERN(t, PATTERN_RECURSION_OR_LOOP, "CPU used without end is a loop");
	CHECK_STR(confidence_name(t->confidence), "medium", "as far as one can see");
	CHECK_STR(t->detail, "it runs without end in walk", "it is not told as one that waits");
	CHECK_STR(t->signature, "v1 spin walk",
		  "nor is its signature, which leaves out what it called at the moment");
	triage_free(t);
	t = classify(busy_crash(CRASH_KIND_SPIN, 'S'));
	CHECK_STR(confidence_name(t->confidence), "low",
		  "a thread that was not running then may be the wrong one");
	triage_free(t);
}

static void test_stopped(void)
{
	struct crash *crash = busy_crash(CRASH_KIND_STOPPED, 'T');
	struct triage *t;

	crash->in_child = true;
	t = classify(crash);
	CHECK_PATTERN(t, PATTERN_OTHER, "a child that a signal stopped is no pattern");
	CHECK(strstr(t->detail, "was stopped by a signal in walk"), "but told for what it is");
	CHECK_STR(attribution_name(t->attribution), "unknown", "and nobody's fault");
	CHECK_STR(t->signature, "v1 stopped walk", "under a name of its own");
	triage_free(t);
}

static void test_late(void)
{
	struct triage *t = classify(busy_crash(CRASH_KIND_LATE, 'S'));

	CHECK_PATTERN(t, PATTERN_OTHER, "a process that is only late is no pattern");
	CHECK(strstr(t->detail, "was not over in time in walk"), "but told for what it is");
	CHECK_STR(t->signature, "v1 timeout walk", "and is no hang");
	triage_free(t);
}

/* Where a jump into nowhere leads is another place each time. */
static void test_nowhere(void)
{
	struct triage *t = classify(crash_make(SIGSEGV, "?\n", NULL));

	CHECK_STR(t->detail, "no known pattern: SIGSEGV in code that is in no module",
		  "a crash outside of all modules is told without its address");
	triage_free(t);
}

static void test_nothing(void)
{
	struct crash *crash = crash_new();
	struct triage *t;

	crash->kind = CRASH_KIND_SIGNAL;
	crash->signo = SIGBUS;
	t = triage_classify(crash, NULL);
	CHECK_PATTERN(t, PATTERN_OTHER, "a record without a thread is no pattern");
	CHECK_STR(t->signature, "v1 SIGBUS", "its signature is its signal");
	CHECK(t->detail && *t->detail, "and there is a sentence");
	triage_free(t);
	crash->kind = CRASH_KIND_HANG;
	t = triage_classify(crash, NULL);
	CHECK_STR(t->signature, "v1 hang", "or that it hangs");
	triage_free(t);
	crash_free(crash);
	triage_free(NULL);
}

int main(void)
{
	test_circle();
	test_recursion();
	test_loop();
	test_stopped();
	test_late();
	test_nowhere();
	test_nothing();
	return tap_done();
}
