/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What has become of a worker, seen from F when the operation is over.
 *
 * Nothing is concluded from time that has passed. A thread is gone when the kernel lists it no
 * more, and then its own marks tell how it went. It is parked when the kernel says that it is in
 * pause(): from there CPython's loop never lets it return, and nothing else in a subject calls it.
 * A thread that is neither may still become either, so we look again; if it never does, the
 * watchdog ends the trial and calls it a hang. A thread that crashes takes us with it.
 *
 * What the kernel calls pause() depends on machine and libc. glibc and musl use the system call of
 * that name where there is one (x86-64) and ppoll() on nothing, without a limit, where there is
 * none (AArch64). Either is accepted on every machine: a ppoll() on nothing for ever is a pause.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "embed/frame.h"

/*
 * Between two looks. Long enough that looking (some 5 us) leaves the CPU to the workers, short
 * beside the 4 ms that a finalization takes. A longer pause would make trials slower, not surer.
 */
#define FATE_LOOK_NS 50000

enum look {
	LOOK_GONE,
	LOOK_PAUSED,
	LOOK_BUSY,
};

/*
 * One line of /proc/PID/task/TID/syscall: the number and six arguments in hexadecimal, then stack
 * and program counter; "running" if the thread is in no system call, "-1 …" if it is in none but
 * blocked.
 */
static bool line_is_pause(const char *line)
{
	char *rest;
	long number = strtol(line, &rest, 10);

	if (rest == line)
		return false;
#ifdef SYS_pause
	if (number == SYS_pause)
		return true;
#endif
	/* ppoll(fds, nfds, timeout, mask, …) */
	return number == SYS_ppoll && !strncmp(rest, " 0x0 0x0 0x0 0x0 ", 17);
}

static enum look thread_look(uint32_t tid)
{
	char path[64], line[256];
	ssize_t n;
	int fd, error;

	snprintf(path, sizeof(path), "/proc/self/task/%u/syscall", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? LOOK_GONE : LOOK_BUSY;
	n = read(fd, line, sizeof(line) - 1);
	error = errno;
	close(fd);
	if (n < 0)
		return error == ESRCH ? LOOK_GONE : LOOK_BUSY;
	line[n] = '\0';
	return line_is_pause(line) ? LOOK_PAUSED : LOOK_BUSY;
}

enum fate worker_await_fate(struct subject *s, unsigned int index)
{
	struct worker *w = &s->workers[index];
	const struct timespec pause = { 0, FATE_LOOK_NS };

	for (;;) {
		switch (thread_look(atomic_load(&w->tid))) {
		case LOOK_GONE:
			return atomic_load(&w->returned) ? FATE_RETURNED : FATE_ENDED;
		case LOOK_PAUSED:
			return FATE_PARKED;
		case LOOK_BUSY:
			nanosleep(&pause, NULL);
			break;
		}
	}
}

/* How bad a fate is, and what it says of the trial. The worst worker speaks for all. */
static const struct {
	enum outcome outcome;
	const char *what;
} fates[] = {
	[FATE_RETURNED] = { OUTCOME_OK, "returned" },
	[FATE_PARKED] = { OUTCOME_PARKED, "is held in pause() for ever, the process ends" },
	[FATE_ENDED] = { OUTCOME_EXIT, "was ended under its own code" },
};

static const enum fate fates_by_badness[] = { FATE_ENDED, FATE_PARKED, FATE_RETURNED };

void subject_say_fates(struct subject *s)
{
	unsigned int count[FATE_PARKED + 1] = { 0 }, first[FATE_PARKED + 1] = { 0 };
	static char text[256];

	for (unsigned int i = 0; i < s->nworkers; i++) {
		enum fate fate = worker_await_fate(s, i);

		if (!count[fate]++)
			first[fate] = i;
	}
	for (size_t i = 0; i < sizeof(fates_by_badness) / sizeof(fates_by_badness[0]); i++) {
		enum fate fate = fates_by_badness[i];

		if (!count[fate])
			continue;
		snprintf(text, sizeof(text), "worker %u %s (%u ended, %u parked, %u returned)",
			 first[fate], fates[fate].what, count[FATE_ENDED], count[FATE_PARKED],
			 count[FATE_RETURNED]);
		subject_say(s, fates[fate].outcome, text);
		return;
	}
	subject_say(s, OUTCOME_OK, "no worker ran");
}
