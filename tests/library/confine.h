/* SPDX-License-Identifier: Apache-2.0 */
/* Leave a thread no system call but those for memory, output and its end. */
#ifndef FORKPOINT_TESTS_LIBRARY_CONFINE_H
#define FORKPOINT_TESTS_LIBRARY_CONFINE_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define ALLOW(number)                                                                             \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, 1),                                      \
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

/* False: this kernel has no such filter. qsort() asks by sysinfo() how much memory there is. */
static bool confine(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		ALLOW(SYS_brk),
		ALLOW(SYS_mmap),
		ALLOW(SYS_munmap),
		ALLOW(SYS_mremap),
		ALLOW(SYS_mprotect),
		ALLOW(SYS_madvise),
		ALLOW(SYS_sysinfo),
		ALLOW(SYS_write),
		ALLOW(SYS_newfstatat), /* of standard output, by stdio */
		ALLOW(SYS_exit_group),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

#endif
