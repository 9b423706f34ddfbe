/* SPDX-License-Identifier: Apache-2.0 */
/* The sandbox of who looks at a process: it reads registers and memory, and writes neither. */
#include <elf.h>
#include <sys/syscall.h>

#include "tests/unit/sandbox.h"

/* As observe/tracee.c does it; 0, or errno. */
static int stop(void)
{
	siginfo_t info;

	if (ptrace(PTRACE_SEIZE, victim, NULL, NULL) < 0 ||
	    ptrace(PTRACE_INTERRUPT, victim, NULL, NULL) < 0)
		return errno;
	return told(waitid(P_PID, (id_t)victim, &info, WSTOPPED | __WALL));
}

/* Of the victim, when it stands: -1 if it does not come to that. */
static int traced(int request, void *address, void *data)
{
	int ret = stop();

	if (ret)
		return -1;
	ret = told(syscall(SYS_ptrace, request, victim, address, data));
	ptrace(PTRACE_DETACH, victim, NULL, NULL);
	return ret;
}

static int poke(int request)
{
	return traced(request, (void *)(uintptr_t)&word, (void *)2);
}

static int poke_data(void) { return poke(PTRACE_POKEDATA); }
static int poke_text(void) { return poke(PTRACE_POKETEXT); }
static int go_on(void) { return traced(PTRACE_CONT, NULL, NULL); }

/* Those that it has, so that a success does no harm. */
static int set_registers(void)
{
	unsigned long long registers[64];
	struct iovec set = { registers, sizeof(registers) };
	int ret = stop();

	if (!ret)
		ret = told(ptrace(PTRACE_GETREGSET, victim, NT_PRSTATUS, &set));
	if (ret)
		return -1;
	ret = told(ptrace(PTRACE_SETREGSET, victim, NT_PRSTATUS, &set));
	ptrace(PTRACE_DETACH, victim, NULL, NULL);
	return ret;
}

static int look(void)
{
	unsigned long long registers[64];
	struct iovec set = { registers, sizeof(registers) };
	int ret = stop();

	if (!ret)
		ret = told(ptrace(PTRACE_GETREGSET, victim, NT_PRSTATUS, &set));
	if (!ret)
		ret = read_memory();
	return ret ? ret : told(ptrace(PTRACE_DETACH, victim, NULL, NULL));
}

/* It would end with us. */
static int trace_for_life(void)
{
	return told(ptrace(PTRACE_SEIZE, victim, NULL, PTRACE_O_EXITKILL));
}

static int is_there(void) { return told(kill(victim, 0)); }

static int write_memory_file(void)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/mem", victim);
	return opened(path, O_RDWR);
}

static const struct act pokes[] = {
	{ "PTRACE_POKEDATA", poke_data },
	{ "PTRACE_POKETEXT", poke_text },
	{ "PTRACE_SETREGSET", set_registers },
	{ "PTRACE_CONT", go_on },
	{ "an option of PTRACE_SEIZE", trace_for_life },
	{ "another's memory as a file to write", write_memory_file },
};

static const struct act looking[] = {
	{ "to trace, and to read registers and memory", look },
	{ "to ask whether it is there", is_there },
};

int main(void)
{
	set_up();
	if (attempt(NO_WALL, look)) {
		tap_point(true, __FILE__, __LINE__, "to look at a process # SKIP no ptrace here");
	} else if (offered().seccomp) {
		REFUSED(FILTER_TRACE, "to look at a process", pokes);
		LEFT(FILTER_TRACE, "to look at a process", tracing);
		LEFT(FILTER_TRACE, "to look at a process", looking);
	}
	clean_up();
	return tap_done();
}
