/* SPDX-License-Identifier: Apache-2.0 */
/* A thread stopped when it comes by for the n-th time: exactly then, each time. */
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>

#include "explore/cpu.h"
#include "explore/passes.h"
#include "tests/unit/tap.h"
#include "tests/unit/traced.h"

#define TURNS 5000

static atomic_uint *turns; /* that have been made; shared */

__attribute__((noinline)) static void turn(void)
{
	atomic_fetch_add(turns, 1);
}

static void child(void)
{
	for (int i = 0; i < TURNS; i++)
		turn();
}

/* Turns made when the child stands before its n-th, there or (0 in *there) elsewhere. */
static unsigned int turns_before(unsigned int n, bool *there)
{
	pid_t pid = traced_start(child);
	struct cpu_registers registers;
	unsigned int made;
	int fd, signo;

	atomic_store(turns, 0);
	fd = passes_count(pid, (uintptr_t)turn, n);
	if (fd < 0)
		traced_fail("counting");
	if (ptrace(PTRACE_CONT, pid, NULL, NULL) < 0)
		traced_fail("letting the child go");
	signo = traced_wait(pid);
	*there = signo == SIGTRAP && cpu_fetch(pid, &registers) == 0 &&
		 cpu_pc(&registers) == (uintptr_t)turn;
	made = atomic_load(turns);
	close(fd);
	if (signo && ptrace(PTRACE_CONT, pid, NULL, NULL) == 0)
		CHECK_INT(traced_wait(pid), 0, "closed, it stops nobody any more");
	CHECK_INT(atomic_load(turns), TURNS, "all turns are made");
	return made;
}

static bool can_count(void)
{
	pid_t pid = traced_start(child);
	int fd = passes_count(pid, (uintptr_t)turn, 1);

	if (fd >= 0)
		close(fd);
	kill(pid, SIGKILL);
	traced_wait(pid);
	return fd >= 0;
}

int main(void)
{
	static const unsigned int counts[] = { 1, 2, 3, 10, 100, 511, 1000, 4999, 5000 };

	turns = mmap(NULL, sizeof(*turns), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (turns == MAP_FAILED)
		traced_fail("memory");
	if (!cpu_supported() || !can_count())
		return tap_skip_all("this machine or kernel does not count for us");
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		bool there = false;

		CHECK_INT(turns_before(counts[i], &there), counts[i] - 1,
			  "stopped before turn %u", counts[i]);
		CHECK(there, "at its first instruction");
	}
	return tap_done();
}
