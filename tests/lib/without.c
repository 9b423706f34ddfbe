/* SPDX-License-Identifier: Apache-2.0 */
/*
 * without ptrace|memory|readv PROGRAM [ARGUMENT…]: run a program in which ptrace(2),
 * process_vm_readv(2), or both fail with EPERM, as in a container whose seccomp profile denies
 * them.
 *
 * without tracer PROGRAM [ARGUMENT…]: run it traced, and all that it starts, as strace -f does.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Until the last is gone; the exit status of the first. */
static int trace(char **argv)
{
	intptr_t options = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
			   PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
	pid_t first = fork(), pid;
	int status, result = 127;

	if (!first) {
		raise(SIGSTOP);
		execvp(*argv, argv);
		_exit(127);
	}
	waitpid(first, &status, WUNTRACED);
	if (ptrace(PTRACE_SEIZE, first, NULL, (void *)options) < 0)
		result = 77;
	kill(first, result == 77 ? SIGKILL : SIGCONT);
	while ((pid = waitpid(-1, &status, __WALL)) > 0) {
		int signo = WIFSTOPPED(status) ? WSTOPSIG(status) : 0;

		if (pid == first && WIFEXITED(status))
			result = WEXITSTATUS(status);
		/* An event, and not a signal, is in the bits above. */
		if (WIFSTOPPED(status))
			ptrace(PTRACE_CONT, pid, NULL,
			       (void *)(intptr_t)(status >> 16 ? 0 : signo));
	}
	return result;
}

int main(int argc, char **argv)
{
	int ptraces = argc > 2 && strcmp(argv[1], "memory");
	int readv = argc > 2 && strcmp(argv[1], "ptrace");
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ptraces ? SYS_ptrace : SYS_process_vm_readv,
			 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, readv ? SYS_process_vm_readv : SYS_ptrace, 1,
			 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

	if (argc < 3)
		return 2;
	if (!strcmp(argv[1], "tracer"))
		return trace(argv + 2);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) {
		perror("without");
		return 77;
	}
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 127;
}
