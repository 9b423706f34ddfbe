/* SPDX-License-Identifier: Apache-2.0 */
/*
 * starts N PROGRAM [ARGUMENT…]: start a program N times, one after the other, the way the driver
 * starts a host, and print the nanoseconds that each took to its end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/personality.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

static int start_one(char **argv)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		setpgid(0, 0);
		personality(ADDR_NO_RANDOMIZE);
		execv(argv[0], argv);
		_exit(127);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0 ? 0 : -1;
}

int main(int argc, char **argv)
{
	long n = argc > 2 ? atol(argv[1]) : 0;
	uint64_t start = clock_now();

	if (n < 1)
		return 2;
	for (long i = 0; i < n; i++)
		if (start_one(argv + 2) < 0)
			return 1;
	printf("%llu\n", (unsigned long long)(clock_now() - start) / (unsigned long long)n);
	return 0;
}
