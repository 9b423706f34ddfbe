/* SPDX-License-Identifier: Apache-2.0 */
/* Captures where ptrace is forbidden, or the process another user's. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include "base/strbuf.h"
#include "tests/unit/capture.h"

/* Both ways to look into a process by system call are refused, as containers' filters do. */
static bool forbid_ptrace(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_readv, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(*filter), filter };

	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* Run checks in a process of their own, and go on counting here. */
static void in_process(void (*checks)(void))
{
	int fds[2], counts[2] = { 0, 1 };
	pid_t pid;

	if (pipe(fds))
		return;
	pid = fork();
	if (!pid) {
		checks();
		counts[0] = tap_count;
		counts[1] = tap_failed;
		if (write(fds[1], counts, sizeof(counts)) < 0)
			_exit(1);
		_exit(0);
	}
	close(fds[1]);
	if (read(fds[0], counts, sizeof(counts)) == sizeof(counts)) {
		tap_count = counts[0];
		tap_failed = counts[1];
	} else {
		tap_failed++;
	}
	close(fds[0]);
	waitpid(pid, NULL, 0);
}

static void check_forbidden(void)
{
	struct strbuf err = STRBUF_INIT;
	const struct crash_thread *thread;
	struct crash *crash;
	pid_t pid;

	if (!CHECK(forbid_ptrace(), "ptrace is forbidden for the tests that follow"))
		return;
	CHECK_INT(capture_check_ptrace(&err), -1, "that ptrace is not allowed is found out");
	CHECK(strstr(err.buf, "no ptrace") && strstr(err.buf, "SYS_PTRACE"),
	      "and said, with what to do");
	strbuf_release(&err);
	crash = crash_of(crash_among_threads, &pid, NULL);
	if (!crash)
		return;
	thread = crash_culprit(crash);
	CHECK(crash->degraded && strstr(crash->degraded, "no ptrace: ") &&
		      strstr(crash->degraded, "SYS_PTRACE"),
	      "a record says that it was made without ptrace, and what to do");
	CHECK_INT(crash->signo, SIGSEGV, "it has the signal");
	CHECK(crash->maps != NULL, "and the maps");
	CHECK_STR(name_at(thread, 0), "crash_inner", "and the place of the crash by name");
	CHECK_STR(name_at(thread, 2), "crash_outer",
		  "and its callers, since /proc still shows the memory");
	CHECK_INT(crash->nthreads, SLEEPERS + 2, "the other threads are counted");
	subject_release(pid);
	crash_free(crash);
}

/* Another user's process: not even its maps may be read. */
static void check_other_user(void)
{
	struct control_crash copy;
	struct crash *crash;
	pid_t pid = subject_start(crash_outer);
	int status = 0;

	CHECK(announced(), "a subject of one user announces");
	memcpy(&copy, shared, sizeof(copy));
	if (setgid(65534) || setuid(65534))
		return;
	crash = capture_signal(cache, &copy, "words");
	CHECK(crash->degraded && strstr(crash->degraded, "no ptrace: "),
	      "another user may not look at it, and the record says so");
	CHECK(crash_culprit(crash)->nframes == 1 && crash_culprit(crash)->frames[0].pc == copy.pc,
	      "it has the announced place");
	CHECK_STR(crash->message, "words", "and the message");
	crash_free(crash);
	subject_release(pid);
	waitpid(pid, &status, 0);
}

static void check_allowed(void)
{
	struct strbuf err = STRBUF_INIT;

	CHECK_INT(capture_check_ptrace(&err), 0, "where ptrace is allowed it is found to be");
	CHECK_STR(err.buf, "", "and nothing is said");
	strbuf_release(&err);
}

int main(void)
{
	if (!capture_begin())
		return 1;
	check_allowed();
	in_process(check_forbidden);
	if (getuid() == 0)
		in_process(check_other_user);
	return capture_end();
}
