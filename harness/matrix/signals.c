/* SPDX-License-Identifier: Apache-2.0 */
/* Ctrl-C and its kin, and ending what is left below this process. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/procfs.h"
#include "matrix/pool.h"

static volatile bool interrupted;

static void on_signal(int signo)
{
	(void)signo;
	interrupted = true;
}

/*
 * They are blocked but while we wait for something (ppoll), so that a signal never comes between
 * the look at the flag and the wait.
 */
const volatile bool *signals_take(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction sa = { .sa_handler = on_signal };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		sigaction(signals[i], &sa, NULL);
		sigaddset(&set, signals[i]);
	}
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	return &interrupted;
}

/* Each round ends a generation; what had children hands them to us. */
void processes_sweep(void)
{
	for (int round = 0; round < 100; round++) {
		pid_t *pids;
		int n = procfs_descendants(getpid(), &pids);

		for (int i = 0; i < n; i++)
			kill(pids[i], SIGKILL);
		if (n >= 0)
			free(pids);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (n <= 0 && waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD)
			return;
		usleep(1000);
	}
}
