/* SPDX-License-Identifier: Apache-2.0 */
/* A load is there when it is said to be, goes on beyond its time if it is kept, and is missed. */
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#include "base/clock.h"
#include "explore/load.h"
#include "tests/unit/tap.h"

static void nap(void)
{
	const struct timespec ts = { 0, 50000000 };

	nanosleep(&ts, NULL);
}

/* Kept for three times what it would last by itself. */
static void test_renewal(void)
{
	struct strbuf err = STRBUF_INIT;
	uint64_t until = clock_now() + 6 * NSEC_PER_SEC;
	struct load load;
	bool kept = true;
	pid_t first;

	CHECK_INT(load_start(&load, 2, &err), 0, "a load of two seconds is started");
	first = load.pid;
	while (kept && clock_now() < until) {
		nap();
		kept = load_keep(&load, &err) == 0;
	}
	CHECK(kept, "it goes on for six: %s", err.buf ? err.buf : "");
	CHECK(load.pid != first, "by another one in its place");
	CHECK_INT(load_check(&load, &err), 0, "which is there");
	load_stop(&load);
	strbuf_release(&err);
}

static void test_loss(int signo, const char *what)
{
	struct strbuf err = STRBUF_INIT;
	uint64_t until = clock_now() + 20 * NSEC_PER_SEC;
	struct load load;
	int ret = 0;

	CHECK_INT(load_start(&load, 60, &err), 0, "a load is started");
	kill(load.pid, signo);
	while (!ret && clock_now() < until) {
		nap();
		ret = load_keep(&load, &err);
	}
	CHECK_INT(ret, -1, "a load that was %s is missed", what);
	CHECK(err.buf && strstr(err.buf, "went away"), "and it is told");
	load_stop(&load);
	strbuf_release(&err);
}

int main(void)
{
	/* No stress-ng on an empty path: what is tested is ours. */
	setenv("PATH", "/var/empty", 1);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	test_renewal();
	test_loss(SIGKILL, "killed");
	test_loss(SIGSTOP, "stopped");
	return tap_done();
}
