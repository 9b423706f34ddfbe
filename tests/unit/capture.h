/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Live processes to be captured: crashes that announce themselves as a host's do (embed/subject.h).
 * Each subject is a fork of the test, so the wanted frames are functions of the test itself, and of
 * this file. They are kept apart by noinline, and have something to do after each call, so that no
 * call becomes a jump.
 */
#ifndef FORKPOINT_TESTS_UNIT_CAPTURE_H
#define FORKPOINT_TESTS_UNIT_CAPTURE_H

#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "embed/registers.h"
#include "embed/subject.h"
#include "observe/capture.h"
#include "tests/unit/tap.h"

#define NOINLINE __attribute__((noinline, noclone))
#define AFTER_CALL __asm__ volatile("" ::: "memory")

static struct control_crash *shared; /* in memory that subject and test share */
static int control_fd;               /* which this is */
static int announce_fd[2];
static struct capture_cache *cache;

__attribute__((unused))
static pid_t gettid_raw(void)
{
	return (pid_t)syscall(SYS_gettid);
}

__attribute__((unused))
static void shared_map(int fd)
{
	shared = mmap(NULL, CONTROL_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

/* Before anything else. False: there is no memory, and nothing to test with. */
__attribute__((unused))
static bool capture_begin(void)
{
	alarm(120);
	control_fd = memfd_create("control", MFD_CLOEXEC);
	if (control_fd < 0 || ftruncate(control_fd, CONTROL_SIZE) || pipe(announce_fd))
		return false;
	shared_map(control_fd);
	cache = capture_cache_new();
	return true;
}

__attribute__((unused))
static int capture_end(void)
{
	capture_cache_free(cache);
	return tap_done();
}

__attribute__((unused))
static void announce(int signo, siginfo_t *info, void *context)
{
	shared->pid = (uint32_t)getpid();
	shared->tid = (uint32_t)gettid_raw();
	shared->signo = signo;
	shared->code = info->si_code;
	shared->addr = info->si_code > 0 ? (uint64_t)(uintptr_t)info->si_addr : 0;
	registers_copy(shared, context);
	atomic_store(&shared->state, CRASH_ANNOUNCED);
	if (write(announce_fd[1], "!", 1) != 1)
		_exit(99);
	while (atomic_load(&shared->state) == CRASH_ANNOUNCED)
		syscall(SYS_futex, &shared->state, FUTEX_WAIT, CRASH_ANNOUNCED, NULL, NULL, 0);
	signal(signo, SIG_DFL);
}

/* In the subject: what a host does before a trial. */
__attribute__((unused))
static void subject_prepare(void)
{
	struct sigaction sa = { .sa_sigaction = announce, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	stack_t ss = { .ss_size = 64 << 10 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(60);
	ss.ss_sp = mmap(NULL, ss.ss_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			0);
	sigaltstack(&ss, NULL);
	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGABRT, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
}

__attribute__((unused))
static pid_t subject_start(void (*run)(void))
{
	pid_t pid;

	memset(shared, 0, sizeof(*shared));
	pid = fork();
	if (!pid) {
		subject_prepare();
		run();
		_exit(98);
	}
	return pid;
}

/* Wait for the announcement, 10 s at most. */
__attribute__((unused))
static bool announced(void)
{
	struct pollfd p = { .fd = announce_fd[0], .events = POLLIN };
	char byte;

	return poll(&p, 1, 10000) == 1 && read(announce_fd[0], &byte, 1) == 1;
}

__attribute__((unused))
static int subject_release(pid_t pid)
{
	int status = 0;

	atomic_store(&shared->state, CRASH_RELEASED);
	syscall(SYS_futex, &shared->state, FUTEX_WAKE, 1, NULL, NULL, 0);
	waitpid(pid, &status, 0);
	return status;
}

/* Start, await the crash, capture it; the subject still waits. NULL if it did not crash. */
__attribute__((unused))
static struct crash *crash_of(void (*run)(void), pid_t *pid, const char *message)
{
	struct control_crash copy;

	*pid = subject_start(run);
	if (!CHECK(announced(), "the subject announces its crash")) {
		kill(*pid, SIGKILL);
		waitpid(*pid, NULL, 0);
		return NULL;
	}
	memcpy(&copy, shared, sizeof(copy));
	return capture_signal(cache, &copy, message);
}

__attribute__((unused))
static const struct crash_thread *thread_of(const struct crash *crash, pid_t tid)
{
	for (size_t i = 0; i < crash->nthreads; i++)
		if (crash->threads[i].tid == tid)
			return &crash->threads[i];
	return NULL;
}

/* The exact name of a frame, "" if it has none. */
__attribute__((unused))
static const char *name_at(const struct crash_thread *thread, size_t frame)
{
	if (!thread || frame >= thread->nframes || thread->frames[frame].trust != TRUST_EXACT)
		return "";
	return thread->frames[frame].function;
}

__attribute__((unused))
static bool has_name(const struct crash_thread *thread, const char *name)
{
	for (size_t i = 0; thread && i < thread->nframes; i++)
		if (!strcmp(name_at(thread, i), name))
			return true;
	return false;
}

static int *volatile nowhere = (int *)0x10;

__attribute__((unused))
static NOINLINE void crash_inner(void)
{
	*nowhere = 1;
	AFTER_CALL;
}

__attribute__((unused))
static NOINLINE void crash_middle(void)
{
	crash_inner();
	AFTER_CALL;
}

__attribute__((unused))
static NOINLINE void crash_outer(void)
{
	crash_middle();
	AFTER_CALL;
}

#define SLEEPERS 3

static _Atomic int sleepers;

__attribute__((unused))
static NOINLINE void sleeper_pause(void)
{
	atomic_fetch_add(&sleepers, 1);
	for (;;)
		pause();
}

__attribute__((unused))
static void *sleeper(void *arg)
{
	sleeper_pause();
	AFTER_CALL;
	return arg;
}

__attribute__((unused))
static void *crasher(void *arg)
{
	while (atomic_load(&sleepers) < SLEEPERS)
		sched_yield();
	crash_outer();
	return arg;
}

__attribute__((unused))
static void crash_among_threads(void)
{
	pthread_t thread;

	for (int i = 0; i < SLEEPERS; i++)
		pthread_create(&thread, NULL, sleeper, NULL);
	pthread_create(&thread, NULL, crasher, NULL);
	pthread_join(thread, NULL);
}

#endif
