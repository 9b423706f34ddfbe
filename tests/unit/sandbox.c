/* SPDX-License-Identifier: Apache-2.0 */
/* The filter of system calls: what it refuses in each kind of sandbox, and what it leaves. */
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "tests/unit/sandbox.h"

static int change_mode(void) { return told(chmod(file, 0700)); }
static int make_memory_file(void) { return told(syscall(SYS_memfd_create, "x", 0)); }
static int send_to_thread(void) { return told(syscall(SYS_tgkill, victim, victim, SIGCONT)); }
static int take_unix(void) { return told(socket(AF_UNIX, SOCK_STREAM, 0)); }

static int limit_other(void)
{
	struct rlimit now;

	return told(prlimit(victim, RLIMIT_CORE, NULL, &now));
}

static int ask_device(void)
{
	int n;

	return told(ioctl(pipe_ends[0], FIONREAD, &n));
}

static int own_signals(void) { return told(fcntl(pipe_ends[0], F_SETOWN, victim)); }

static int send_queued(void)
{
	return told(sigqueue(victim, SIGCONT, (union sigval){ .sival_int = 0 }));
}

static void *idle(void *nothing)
{
	return nothing;
}

static int start_thread(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, idle, NULL);
}

static int map_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0) == MAP_FAILED ? errno : 0;
}

static int make_code(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return told(mprotect(page, 4096, PROT_READ | PROT_EXEC));
}

static int write_memory(void)
{
	long other = 1;
	struct iovec here = { &other, sizeof(other) };
	struct iovec there = { (void *)(uintptr_t)&word, sizeof(word) };

	return told(process_vm_writev(victim, &here, 1, &there, 1, 0));
}

#ifdef __x86_64__
static int call_by_32_bits(void)
{
	long ret;

	/* getpid */
	__asm__ volatile("int $0x80" : "=a"(ret) : "a"(20) : "memory");
	return ret < 0 ? (int)-ret : 0;
}

static int call_by_x32(void) { return told(syscall(0x40000000 | SYS_getpid)); }
#endif

static int abort_self(void)
{
	abort();
}

static const struct act processes[] = {
	{ "to start a thread", start_thread },
	{ "memory that is code", map_code },
	{ "to make memory code", make_code },
	{ "a file in memory", make_memory_file },
	{ "to change a file's mode", change_mode },
	{ "TCP", take_tcp },
	{ "a socket", take_unix },
	{ "to send a signal", send_signal },
	{ "to end a process", end_other },
	{ "to send one to a thread", send_to_thread },
	{ "to queue one", send_queued },
	{ "to let the kernel send one", own_signals },
	{ "to ask a device", ask_device },
	{ "to ask for another's limits", limit_other },
	{ "to write another's memory", write_memory },
#ifdef __x86_64__
	{ "a call by the convention of 32 bits", call_by_32_bits },
	{ "a call by that of x32", call_by_x32 },
#endif
};

static const struct act forks[] = { { "to fork", fork_once } };

static void check_kind(enum walls walls, const char *where)
{
	REFUSED(walls, where, changes);
	REFUSED(walls, where, programs);
	REFUSED(walls, where, processes);
	LEFT(walls, where, reading);
	CHECK_INT(attempt(walls, abort_self), DIED + SIGABRT, "%s: abort() is what it was", where);
}

int main(void)
{
	set_up();
	CHECK_INT(sandbox_enter(SANDBOX_NONE).seccomp, false, "none is none");
	if (offered().seccomp) {
		check_kind(FILTER, "to read");
		REFUSED(FILTER, "to read", forks);
		REFUSED(FILTER, "to read", tracing);
		check_kind(FILTER_FORK, "to read and fork");
		LEFT(FILTER_FORK, "to read and fork", forks);
		REFUSED(FILTER_FORK, "to read and fork", tracing);
		check_kind(FILTER_TRACE, "to look at a process");
		REFUSED(FILTER_TRACE, "to look at a process", forks);
	}
	clean_up();
	return tap_done();
}
