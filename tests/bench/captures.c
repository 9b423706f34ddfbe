/* SPDX-License-Identifier: Apache-2.0 */
/*
 * captures N PROGRAM [ARGUMENT…]: start a program that says a line once it is up and then waits;
 * capture it N + 1 times with one cache, and print the nanoseconds of the first capture, and the
 * median of the others. The first opens every module and reads its tables.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/errors.h"
#include "observe/capture.h"

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The program's pid once it has said its line; -1 if it never does. */
static pid_t start(char **argv)
{
	int said[2];
	char byte;
	pid_t pid;

	if (pipe(said) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		dup2(said[1], STDOUT_FILENO);
		execv(argv[0], argv);
		_exit(127);
	}
	close(said[1]);
	if (pid > 0 && read(said[0], &byte, 1) != 1) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return -1;
	}
	return pid;
}

static uint64_t capture_once(struct capture_cache *cache, pid_t pid)
{
	uint64_t begun = clock_now();
	struct crash *crash = capture_hang(cache, CRASH_KIND_HANG, &pid, 1, "");
	uint64_t took = clock_now() - begun;

	if (!crash || !crash->nthreads || !crash->threads[0].nframes)
		die(EXIT_HARNESS, "nothing was captured of process %d", pid);
	crash_free(crash);
	return took;
}

int main(int argc, char **argv)
{
	size_t n = argc > 2 ? (size_t)atol(argv[1]) : 0;
	struct capture_cache *cache = capture_cache_new();
	uint64_t *later, first;
	pid_t pid;

	if (!n || (pid = start(argv + 2)) < 0)
		return 2;
	later = xcalloc(n, sizeof(*later));
	first = capture_once(cache, pid);
	for (size_t i = 0; i < n; i++)
		later[i] = capture_once(cache, pid);
	qsort(later, n, sizeof(*later), compare);
	printf("%llu %llu\n", (unsigned long long)first, (unsigned long long)later[n / 2]);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	capture_cache_free(cache);
	free(later);
	return 0;
}
