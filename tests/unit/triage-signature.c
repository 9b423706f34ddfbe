/* SPDX-License-Identifier: Apache-2.0 */
/* That signatures stay the same where the bug does. */
#include "tests/unit/triage.h"

/* What differs between two crashes of one bug must not be in the signature. */
static void test_signature_stable(void)
{
	static const char with_symbols[] =
		"__pthread_kill_implementation @" LIBC "\n" "raise @" LIBC "\n" "abort @" LIBC "\n"
		"__libc_message @" LIBC "\n" "malloc_printerr @" LIBC "\n" "_int_free @" LIBC "\n"
		"free @" LIBC "\n" "lru_clear.part.0 @/srv/host\n"
		"__run_postfork_handlers @" LIBC "\n" "fork @" LIBC "\n"
		"os_fork_impl @" LIBPYTHON "\n" "_PyEval_EvalFrameDefault @" LIBPYTHON "\n";
	static const char stripped[] =
		"~pthread_key_delete @" LIBC "\n" "raise @" LIBC "\n" "abort @" LIBC "\n"
		"~timer_settime @" LIBC "\n" "~x @" LIBC "\n" "~x @" LIBC "\n"
		"lru_clear @/opt/x/host\n" "~__register_atfork @" LIBC "\n" "fork @" LIBC "\n"
		"~PyOS_x @" LIBPYTHON "\n" "_PyEval_EvalFrameDefault @" LIBPYTHON "\n";
	const char *message = "free(): double free detected in tcache 2\n";
	struct triage *a = classify(crash_make(SIGABRT, with_symbols, message));
	struct triage *b = classify(crash_make(SIGABRT, stripped, message));
	struct triage *again = classify(crash_make(SIGABRT, stripped, message));

	CHECK_STR(a->signature, "SIGABRT free<lru_clear<fork",
		      "a signature names what tells bugs apart");
	CHECK_STR(b->signature, a->signature, "and is the same with a stripped libc that jumps");
	CHECK_STR(again->signature, b->signature, "and the same each time");
	triage_free(a);
	triage_free(b);
	triage_free(again);
}

int main(void)
{
	test_signature_stable();
	return tap_done();
}
