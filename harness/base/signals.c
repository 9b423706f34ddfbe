/* SPDX-License-Identifier: Apache-2.0 */
#include "base/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/procfs.h"

static volatile bool interrupted;
static bool taken;

/*
 * Each end is opened the wrong way round, so that what is read or written there fails as it would
 * on a closed descriptor.
 */
static void descriptors_mend(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd ? O_RDONLY : O_WRONLY) != fd)
			_exit(3);
}

/* A worker has some 20 descriptors, and libdwfl one for each library of a crashed process. */
#define FILES_WANTED 1024

/*
 * CPython is built for the usual 8 MiB. Our own main thread grows into a limit that is raised while
 * it runs; hosts and subjects, and the stacks of their threads, begin with it.
 */
#define STACK_WANTED (8u << 20)
#define STACK_NEEDED (1u << 20)

/* Raise the soft limit as far as we may. What it is then. */
static rlim_t limit_mend(unsigned int what, rlim_t wanted)
{
	struct rlimit limit;

	if (getrlimit(what, &limit) < 0 || limit.rlim_cur >= wanted)
		return wanted;
	limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
	setrlimit(what, &limit);
	return limit.rlim_cur;
}

/* Without one, make and sh look in different places. */
static void path_mend(void)
{
	const char *path = getenv("PATH");
	char standard[256];

	if ((!path || !*path) && confstr(_CS_PATH, standard, sizeof(standard)) <= sizeof(standard))
		setenv("PATH", standard, 1);
}

int surroundings_mend(struct strbuf *err)
{
	sigset_t none;
	rlim_t stack;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	descriptors_mend();
	limit_mend(RLIMIT_NOFILE, FILES_WANTED);
	path_mend();
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_IGN);
	stack = limit_mend(RLIMIT_STACK, STACK_WANTED);
	if (stack >= STACK_NEEDED)
		return 0;
	strbuf_addf(err, "the stack is limited to %llu KiB, and CPython needs %u: raise the limit, "
		    "as by: ulimit -s %u", (unsigned long long)stack >> 10, STACK_NEEDED >> 10,
		    STACK_WANTED >> 10);
	return -1;
}

static void on_signal(int signo)
{
	(void)signo;
	interrupted = true;
}

/* Blocked but while we wait, so that none comes between the look at the flag and the wait. */
const volatile bool *signals_take(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction sa = { .sa_handler = on_signal }, before;
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		if (signals[i] == SIGHUP && sigaction(SIGHUP, NULL, &before) == 0 &&
		    before.sa_handler == SIG_IGN)
			continue;
		sigaction(signals[i], &sa, NULL);
		sigaddset(&set, signals[i]);
	}
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	taken = true;
	return &interrupted;
}

void signals_interrupt(void)
{
	interrupted = true;
}

bool signals_interrupted(void)
{
	return interrupted;
}

int signals_poll(struct pollfd *fds, nfds_t n, uint64_t timeout_ns)
{
	struct timespec ts = { (time_t)(timeout_ns / NSEC_PER_SEC),
			       (long)(timeout_ns % NSEC_PER_SEC) };
	sigset_t let_in;

	sigemptyset(&let_in);
	return ppoll(fds, n, &ts, taken ? &let_in : NULL);
}

void signals_default(void)
{
	sigset_t none;

	/* SIGKILL, SIGSTOP and what libc keeps for itself refuse, which is well. */
	for (int signo = 1; signo < NSIG; signo++)
		signal(signo, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

void die_with_parent(int signo, int parent)
{
	prctl(PR_SET_PDEATHSIG, signo);
	if (getppid() != parent)
		_exit(0);
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
		/* What was killed is gone, and its orphans ours, within a millisecond or so. */
		usleep(1000);
	}
}
