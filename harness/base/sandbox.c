/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sandbox.h"

#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/sandbox_files.h"

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

/* Which kinds a rule is for. */
#define READ (1u << SANDBOX_READ)
#define FORK (1u << SANDBOX_READ_FORK)
#define TRACE (1u << SANDBOX_TRACE)
#define ALL (READ | FORK | TRACE)
/* Only where Landlock keeps signals inside. */
#define SCOPED (1u << 31)

/* In 64 bits; of an argument that the kernel takes as an int, `mask` leaves out the upper half. */
struct condition {
	bool given;
	unsigned int arg;
	uint64_t mask, value;
};

/* A system call is let through by any rule of which all conditions hold. */
struct rule {
	unsigned int kinds;
	long nr;
	struct condition conditions[3]; /* the last one is not given */
};

#define INT(n, wanted) { true, (n), UINT32_MAX, (uint32_t)(wanted) }
#define LONG(n, wanted) { true, (n), UINT64_MAX, (uint64_t)(wanted) }
#define NONE_OF(n, bits) { true, (n), (uint64_t)(bits), 0 }

/* O_TMPFILE is a further bit beside O_DIRECTORY, which is for reading, too. */
#define WRITES (O_ACCMODE | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY))
/* As the C library's fork() has it. */
#define FORKS (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD)
/* Stands for this process's number. */
#define SELF (-1)

static const struct rule rules[] = {
	{ ALL, SYS_openat, { NONE_OF(2, WRITES) } },
#ifdef SYS_open
	{ ALL, SYS_open, { NONE_OF(1, WRITES) } },
	{ ALL, SYS_stat, { } },
	{ ALL, SYS_lstat, { } },
	{ ALL, SYS_access, { } },
	{ ALL, SYS_readlink, { } },
	{ ALL, SYS_poll, { } },
#endif
	{ ALL, SYS_close, { } },
#ifdef SYS_close_range
	{ ALL, SYS_close_range, { } },
#endif
	{ ALL, SYS_read, { } },
	{ ALL, SYS_readv, { } },
	{ ALL, SYS_pread64, { } },
	{ ALL, SYS_lseek, { } },
	{ ALL, SYS_fstat, { } },
	{ ALL, SYS_newfstatat, { } },
#ifdef SYS_statx
	{ ALL, SYS_statx, { } },
#endif
	{ ALL, SYS_statfs, { } },
	{ ALL, SYS_fstatfs, { } },
	{ ALL, SYS_faccessat, { } },
#ifdef SYS_faccessat2
	{ ALL, SYS_faccessat2, { } },
#endif
	{ ALL, SYS_readlinkat, { } },
	{ ALL, SYS_getdents64, { } },
	{ ALL, SYS_getcwd, { } },
	/* Others of it make the kernel send signals. */
	{ ALL, SYS_fcntl, { INT(1, F_GETFD) } },
	{ ALL, SYS_fcntl, { INT(1, F_SETFD) } },
	{ ALL, SYS_fcntl, { INT(1, F_GETFL) } },
	{ ALL, SYS_fcntl, { INT(1, F_DUPFD_CLOEXEC) } },
	/* Is it a terminal? Others of it type into one. */
	{ ALL, SYS_ioctl, { INT(1, TCGETS) } },
#ifdef TCGETS2
	{ ALL, SYS_ioctl, { INT(1, TCGETS2) } },
#endif
	{ ALL, SYS_write, { } },
	{ ALL, SYS_writev, { } },
	{ ALL, SYS_ppoll, { } },
	{ ALL, SYS_mmap, { NONE_OF(2, PROT_EXEC) } },
	{ ALL, SYS_mprotect, { NONE_OF(2, PROT_EXEC) } },
	{ ALL, SYS_munmap, { } },
	{ ALL, SYS_mremap, { } },
	{ ALL, SYS_madvise, { } },
	{ ALL, SYS_brk, { } },
	{ ALL, SYS_futex, { } },
	{ ALL, SYS_set_robust_list, { } },
	{ ALL, SYS_rt_sigaction, { } },
	{ ALL, SYS_rt_sigprocmask, { } },
	{ ALL, SYS_rt_sigreturn, { } },
	{ ALL, SYS_sigaltstack, { } },
	/* abort() and raise(). */
	{ ALL, SYS_tgkill, { INT(0, SELF) } },
	{ ALL, SYS_clock_gettime, { } },
	{ ALL, SYS_clock_nanosleep, { } },
	{ ALL, SYS_nanosleep, { } },
	{ ALL, SYS_restart_syscall, { } },
	{ ALL, SYS_gettimeofday, { } },
	{ ALL, SYS_sched_yield, { } },
	{ ALL, SYS_sched_getaffinity, { } },
	{ ALL, SYS_getrandom, { } },
	{ ALL, SYS_getpid, { } },
	{ ALL, SYS_getppid, { } },
	{ ALL, SYS_gettid, { } },
	{ ALL, SYS_getuid, { } },
	{ ALL, SYS_geteuid, { } },
	{ ALL, SYS_getgid, { } },
	{ ALL, SYS_getegid, { } },
	{ ALL, SYS_uname, { } },
	{ ALL, SYS_sysinfo, { } },
	{ ALL, SYS_getrusage, { } },
	{ ALL, SYS_prlimit64, { INT(0, 0) } },
	{ ALL, SYS_exit, { } },
	{ ALL, SYS_exit_group, { } },

	/* base/apart.c, and a further sandbox in its child. */
	{ FORK, SYS_clone, { LONG(0, FORKS) } },
	{ FORK, SYS_pipe2, { } },
	{ FORK, SYS_wait4, { } },
	{ FORK | SCOPED, SYS_kill, { INT(1, SIGKILL) } },
	{ FORK | SCOPED, SYS_tgkill, { } },
	{ FORK, SYS_prctl, { INT(0, PR_SET_PDEATHSIG) } },
	{ FORK, SYS_prctl, { INT(0, PR_SET_DUMPABLE), LONG(1, 0) } },
	{ FORK, SYS_prctl, { INT(0, PR_SET_NO_NEW_PRIVS) } },
	{ FORK, SYS_seccomp, { INT(0, SECCOMP_SET_MODE_FILTER), INT(1, 0) } },

	/* observe/tracee.c. An option of PTRACE_SEIZE would end the tracee with us. */
	{ TRACE, SYS_ptrace, { LONG(0, PTRACE_SEIZE), LONG(3, 0) } },
	{ TRACE, SYS_ptrace, { LONG(0, PTRACE_INTERRUPT) } },
	{ TRACE, SYS_ptrace, { LONG(0, PTRACE_GETREGSET) } },
	{ TRACE, SYS_ptrace, { LONG(0, PTRACE_DETACH) } },
	{ TRACE, SYS_waitid, { } },
	{ TRACE, SYS_process_vm_readv, { } },
	/* Is there such a process? */
	{ TRACE, SYS_kill, { INT(1, 0) } },
};

#define NRULES (sizeof(rules) / sizeof(*rules))

/*
 * A rule has at most two conditions of six instructions, and three around them; then there are two
 * of each for what is refused, and five of all.
 */
#define PROGRAM_MAX (NRULES * 17 + 5)

struct program {
	struct sock_filter v[PROGRAM_MAX];
	unsigned short n;
};

static void add(struct program *program, unsigned int code, uint32_t k, unsigned int no)
{
	if (program->n == PROGRAM_MAX)
		bug("a filter of system calls is too long");
	program->v[program->n++] = (struct sock_filter){
		.code = (unsigned short)code, .jf = (unsigned char)no, .k = k,
	};
}

static void add_load(struct program *program, size_t offset)
{
	add(program, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0);
}

static void add_refusal(struct program *program, int error)
{
	add(program, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)error, 0);
}

/* Both machines have the lower half first. */
static void add_half(struct program *program, const struct condition *condition, unsigned int half)
{
	uint32_t mask = (uint32_t)(condition->mask >> 32 * half);

	if (!mask)
		return;
	add_load(program, offsetof(struct seccomp_data, args) + 8 * condition->arg + 4 * half);
	if (mask != UINT32_MAX)
		add(program, BPF_ALU | BPF_AND | BPF_K, mask, 0);
	/* What is to be skipped if it does not hold is known later. */
	add(program, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(condition->value >> 32 * half), 1);
}

static void add_rule(struct program *program, const struct rule *rule, pid_t self)
{
	unsigned int first;

	add_load(program, offsetof(struct seccomp_data, nr));
	first = program->n;
	add(program, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)rule->nr, 1);
	for (const struct condition *at = rule->conditions; at->given; at++) {
		struct condition condition = *at;

		if (condition.value == (uint32_t)SELF)
			condition.value = (uint32_t)self;
		add_half(program, &condition, 0);
		add_half(program, &condition, 1);
	}
	add(program, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0);
	for (unsigned int i = first; i < program->n; i++)
		if (program->v[i].jf)
			program->v[i].jf = (unsigned char)(program->n - i - 1);
}

static void add_rules(struct program *program, enum sandbox_kind kind, bool scoped)
{
	pid_t self = getpid();

	for (size_t i = 0; i < NRULES; i++)
		if (rules[i].kinds >> kind & 1 && (scoped || !(rules[i].kinds & SCOPED)))
			add_rule(program, &rules[i], self);
	add_load(program, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < NRULES; i++) {
		if (!(rules[i].kinds >> kind & 1) || !rules[i].conditions[0].given)
			continue;
		add(program, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)rules[i].nr, 1);
		add_refusal(program, EPERM);
	}
	add_refusal(program, ENOSYS);
}

/*
 * A list of what is let through: what a kernel gets new tomorrow is refused without a word here.
 * What is refused fails, and does not end the process: a C library or a libdw of tomorrow may try a
 * call that ours does not and do without it, while hostile input gains nothing from an error.
 * Calls by another convention (32 bits, x32) have other numbers, and none of them is let through.
 */
static bool filter_enter(enum sandbox_kind kind, bool scoped)
{
#ifdef ARCHITECTURE
	struct program program = { .n = 0 };
	struct sock_fprog filter = { .filter = program.v };

	add_load(&program, offsetof(struct seccomp_data, arch));
	add(&program, BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 0);
	program.v[program.n - 1].jt = 1; /* over the refusal */
	add_refusal(&program, ENOSYS);
	add_rules(&program, kind, scoped);
	filter.len = program.n;
	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter);
#else
	(void)kind;
	(void)scoped;
	return false;
#endif
}

/*
 * Some look over Landlock: who may profile the machine may read any process's memory by /proc. They
 * can only become fewer, so nothing can go wrong, but in a sandbox, where it has been done.
 */
static void capabilities_drop(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data) < 0)
		return;
	data[0].permitted &= 1u << CAP_DAC_READ_SEARCH;
	data[0].effective = data[0].permitted;
	data[1].permitted = data[1].effective = 0;
	data[0].inheritable = data[1].inheritable = 0;
	syscall(SYS_capset, &header, data);
}

struct sandbox sandbox_enter(enum sandbox_kind kind)
{
	/* A forked child of a sandbox has its walls already. */
	static struct sandbox now;
	bool other_root = kind & SANDBOX_OTHER_ROOT;

	kind &= SANDBOX_OTHER_ROOT - 1u;
	if (kind == SANDBOX_NONE)
		return now;
	/* The filter refuses the calls of the others, so they come first. */
	if (kind != SANDBOX_TRACE && !other_root && !now.landlock) {
		capabilities_drop();
		now.landlock = sandbox_files_enter();
	}
	now.seccomp |= filter_enter(kind, now.landlock >= SANDBOX_FILES_SCOPED);
	return now;
}
