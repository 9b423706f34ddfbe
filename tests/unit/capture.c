/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capturing live processes: crashes that announce themselves as a host's do (embed/subject.h), and
 * hangs. Each subject is a fork of this program, or a copy of it that was deleted; so the wanted
 * frames are functions of this file. They are kept apart by noinline, and have something to do
 * after each call, so that no call becomes a jump.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/ucontext.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/procfs.h"
#include "base/strbuf.h"
#include "embed/subject.h"
#include "observe/capture.h"
#include "observe/tracee.h"
#include "tests/unit/tap.h"

#define NOINLINE __attribute__((noinline, noclone))
#define AFTER_CALL __asm__ volatile("" ::: "memory")

static struct control_crash *shared; /* in memory that subject and test share */
static int announce_fd[2];
static struct capture_cache *cache;

static pid_t gettid_raw(void)
{
	return (pid_t)syscall(SYS_gettid);
}

static void registers_copy(struct control_crash *crash, const ucontext_t *uc)
{
#if defined(__x86_64__)
	const greg_t *gregs = uc->uc_mcontext.gregs;

	crash->nregs = REG_EFL + 1;
	for (unsigned int i = 0; i < crash->nregs; i++)
		crash->regs[i] = (uint64_t)gregs[i];
	crash->pc = (uint64_t)gregs[REG_RIP];
	crash->sp = (uint64_t)gregs[REG_RSP];
#else
	const mcontext_t *mc = &uc->uc_mcontext;

	memcpy(crash->regs, mc->regs, sizeof(mc->regs));
	crash->regs[31] = mc->sp;
	crash->regs[32] = mc->pc;
	crash->nregs = 34;
	crash->pc = mc->pc;
	crash->sp = mc->sp;
#endif
}

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
static bool announced(void)
{
	struct pollfd p = { .fd = announce_fd[0], .events = POLLIN };
	char byte;

	return poll(&p, 1, 10000) == 1 && read(announce_fd[0], &byte, 1) == 1;
}

static int subject_release(pid_t pid)
{
	int status = 0;

	atomic_store(&shared->state, CRASH_RELEASED);
	syscall(SYS_futex, &shared->state, FUTEX_WAKE, 1, NULL, NULL, 0);
	waitpid(pid, &status, 0);
	return status;
}

/* Start, await the crash, capture it; the subject still waits. NULL if it did not crash. */
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

static const struct crash_thread *thread_of(const struct crash *crash, pid_t tid)
{
	for (size_t i = 0; i < crash->nthreads; i++)
		if (crash->threads[i].tid == tid)
			return &crash->threads[i];
	return NULL;
}

/* The exact name of a frame, "" if it has none. */
static const char *name_at(const struct crash_thread *thread, size_t frame)
{
	if (!thread || frame >= thread->nframes || thread->frames[frame].trust != TRUST_EXACT)
		return "";
	return thread->frames[frame].function;
}

static bool has_name(const struct crash_thread *thread, const char *name)
{
	for (size_t i = 0; thread && i < thread->nframes; i++)
		if (!strcmp(name_at(thread, i), name))
			return true;
	return false;
}

static void explain_stack(const struct crash_thread *thread)
{
	for (size_t i = 0; thread && i < thread->nframes && i < 12; i++)
		printf("# frame %zu: %s (%d) %s\n", i, thread->frames[i].function,
		       thread->frames[i].trust, thread->frames[i].module);
}

static pid_t tracer_of(pid_t pid, pid_t tid)
{
	struct strbuf text = STRBUF_INIT;
	char path[64];
	const char *p;
	pid_t tracer = -1;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", pid, tid);
	if (!strbuf_read_file(&text, path, 4096) && (p = strstr(text.buf, "\nTracerPid:")))
		tracer = (pid_t)atol(p + strlen("\nTracerPid:"));
	strbuf_release(&text);
	return tracer;
}

/* -------- crashes */

static int *volatile nowhere = (int *)0x10;

static NOINLINE void crash_inner(void)
{
	*nowhere = 1;
	AFTER_CALL;
}

static NOINLINE void crash_middle(void)
{
	crash_inner();
	AFTER_CALL;
}

static NOINLINE void crash_outer(void)
{
	crash_middle();
	AFTER_CALL;
}

static void test_fault(void)
{
	const struct crash_thread *thread;
	struct crash *crash;
	pid_t pid;
	int status;

	crash = crash_of(crash_outer, &pid, "what it wrote");
	if (!crash)
		return;
	thread = crash_culprit(crash);
	CHECK(!crash->degraded, "nothing is missing");
	if (crash->degraded)
		tap_explain("degraded", crash->degraded);
	CHECK_INT(crash->kind, CRASH_KIND_SIGNAL, "a crash is a crash");
	CHECK_INT(crash->signo, SIGSEGV, "with its signal");
	CHECK_INT(crash->code, SEGV_MAPERR, "and its code");
	CHECK(crash->has_addr && crash->addr == 0x10, "and the address of the fault");
	CHECK_STR(crash->message, "what it wrote", "and the message it was given");
	CHECK(crash->maps && strstr(crash->maps, "[stack]"), "the maps are taken");
	CHECK(crash->nregs > 16 && crash->regs, "so are the registers");
	CHECK(thread && thread->culprit && thread->tid == pid,
	      "the crashing thread is the culprit");
	CHECK_STR(name_at(thread, 0), "crash_inner", "the first frame is the one that faulted");
	CHECK_STR(name_at(thread, 1), "crash_middle", "the second is its caller");
	CHECK_STR(name_at(thread, 2), "crash_outer", "the third the caller's caller");
	CHECK(thread && thread->nframes && thread->frames[0].pc == crash->pc,
	      "the first frame's address is the announced one");
	CHECK(thread && thread->nframes && thread->frames[0].file &&
		      strstr(thread->frames[0].file, "capture.c") && thread->frames[0].line > 0,
	      "source file and line are known, as this program has DWARF");
	CHECK(thread && thread->nframes && thread->frames[0].module &&
		      thread->frames[0].module[0] == '/',
	      "the module is a path");
	CHECK(!has_name(thread, "announce"), "the announcing handler is not on the stack");
	CHECK(thread && !thread->truncated, "the stack goes down to the process's start");
	CHECK(has_name(thread, "main"), "by way of main");
	CHECK_INT(tracer_of(pid, pid), 0, "afterwards nobody traces the subject");
	status = subject_release(pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV,
	      "released, it dies of what it would have died of");
	crash_free(crash);
}

static NOINLINE void abort_it(void)
{
	abort();
}

static void test_abort(void)
{
	struct crash *crash;
	pid_t pid;

	crash = crash_of(abort_it, &pid, "free(): invalid pointer\n");
	if (!crash)
		return;
	CHECK_INT(crash->signo, SIGABRT, "an abort is SIGABRT");
	CHECK_INT(crash->code, SI_TKILL, "sent by the thread to itself");
	CHECK(!crash->has_addr, "without an address");
	CHECK(has_name(crash_culprit(crash), "abort_it"), "the caller of abort is on the stack, "
						       "though it returns nowhere");
	subject_release(pid);
	crash_free(crash);
}

/* A function whose first instruction faults: what stands before it is another function's. */
void fault_at_entry(int *p);
__asm__(".text\n"
	".globl fault_at_entry\n"
	".type fault_at_entry, %function\n"
	"fault_at_entry:\n"
	".cfi_startproc\n"
#if defined(__x86_64__)
	"movl $1, (%rdi)\n"
#else
	"str wzr, [x0]\n"
#endif
	"ret\n"
	".cfi_endproc\n"
	".size fault_at_entry, . - fault_at_entry\n");

static void fault_first(void)
{
	fault_at_entry((int *)nowhere);
	AFTER_CALL;
}

static void test_edges(void)
{
	struct crash *crash;
	pid_t pid;

	crash = crash_of(fault_first, &pid, NULL);
	if (!crash)
		return;
	CHECK_STR(name_at(crash_culprit(crash), 0), "fault_at_entry",
		  "a fault at a function's first instruction is in that function");
	subject_release(pid);
	crash_free(crash);
}

typedef void jump_fn(void);
static jump_fn *volatile bad_pointer;

static NOINLINE void call_bad_pointer(void)
{
	bad_pointer();
	AFTER_CALL;
}

static void call_null(void)
{
	bad_pointer = NULL;
	call_bad_pointer();
	AFTER_CALL;
}

static void call_data(void)
{
	static char not_code[64];

	memcpy((void *)&bad_pointer, &(void *){ not_code }, sizeof(bad_pointer));
	call_bad_pointer();
	AFTER_CALL;
}

static void test_bad_call(void (*run)(void), const char *what)
{
	const struct crash_thread *thread;
	struct crash *crash;
	pid_t pid;

	crash = crash_of(run, &pid, NULL);
	if (!crash)
		return;
	thread = crash_culprit(crash);
	CHECK(thread->nframes && thread->frames[0].pc == crash->pc &&
		      thread->frames[0].trust != TRUST_EXACT,
	      "a call to %s: the first frame is the bad address, and has no exact name", what);
	CHECK_STR(name_at(thread, 1), "call_bad_pointer", "the second is who called it");
	CHECK(has_name(thread, "main"), "and from there on the stack is whole");
	subject_release(pid);
	crash_free(crash);
}

static volatile int depth, stop_at = -1;

static NOINLINE int recurse(int n)
{
	volatile char room[512];

	room[n & 511] = (char)n;
	if (n != stop_at)
		depth = recurse(n + 1) + room[0];
	return depth;
}

static void recurse_for_ever(void)
{
	struct rlimit small = { 1 << 20, 1 << 20 };

	setrlimit(RLIMIT_STACK, &small);
	recurse(0);
}

static void test_blown_stack(void)
{
	const struct crash_thread *thread;
	struct crash *crash;
	pid_t pid;

	crash = crash_of(recurse_for_ever, &pid, NULL);
	if (!crash)
		return;
	thread = crash_culprit(crash);
	CHECK_STR(name_at(thread, 0), "recurse", "a blown stack can still be unwound");
	CHECK_INT(thread->nframes, 256, "up to a limit");
	CHECK(thread->truncated, "which is told");
	subject_release(pid);
	crash_free(crash);
}

static NOINLINE void lose_stack(void)
{
#if defined(__x86_64__)
	__asm__ volatile("movq $0x5a5a5a5a5a50, %%rsp\n\t"
			 "movq %%rsp, %%rbp\n\t"
			 "movl $1, 0x10" ::: "memory");
#else
	__asm__ volatile("mov x0, #0x5a50\n\t"
			 "mov sp, x0\n\t"
			 "mov x29, x0\n\t"
			 "mov x30, x0\n\t"
			 "mov x1, #16\n\t"
			 "str xzr, [x1]" ::: "memory");
#endif
}

static void test_garbage_stack(void)
{
	const struct crash_thread *thread;
	struct crash *crash;
	pid_t pid;

	crash = crash_of(lose_stack, &pid, NULL);
	if (!crash)
		return;
	thread = crash_culprit(crash);
	CHECK_STR(name_at(thread, 0), "lose_stack", "with garbage for a stack there is one frame");
	CHECK(thread->truncated, "and it is said that there were more");
	subject_release(pid);
	crash_free(crash);
}

#define SLEEPERS 3

static _Atomic int sleepers;

static NOINLINE void sleeper_pause(void)
{
	atomic_fetch_add(&sleepers, 1);
	for (;;)
		pause();
}

static void *sleeper(void *arg)
{
	sleeper_pause();
	AFTER_CALL;
	return arg;
}

static void *crasher(void *arg)
{
	while (atomic_load(&sleepers) < SLEEPERS)
		sched_yield();
	crash_outer();
	return arg;
}

static void crash_among_threads(void)
{
	pthread_t thread;

	for (int i = 0; i < SLEEPERS; i++)
		pthread_create(&thread, NULL, sleeper, NULL);
	pthread_create(&thread, NULL, crasher, NULL);
	pthread_join(thread, NULL);
}

static void test_threads(void)
{
	const struct crash_thread *culprit;
	struct crash *crash;
	size_t paused = 0;
	pid_t pid;

	crash = crash_of(crash_among_threads, &pid, NULL);
	if (!crash)
		return;
	culprit = crash_culprit(crash);
	CHECK_INT(crash->nthreads, SLEEPERS + 2, "all threads are in the record");
	CHECK(culprit->tid == (pid_t)shared->tid && culprit->tid != pid,
	      "the culprit is the thread that crashed");
	CHECK_STR(name_at(culprit, 0), "crash_inner", "whose stack begins where it crashed");
	for (size_t i = 0; i < crash->nthreads; i++)
		paused += has_name(&crash->threads[i], "sleeper_pause");
	CHECK_INT(paused, SLEEPERS, "the others' stacks are there, too");
	CHECK_STR(thread_of(crash, pid)->wait.what, "thread join", "the main thread joins");
	CHECK_INT(thread_of(crash, pid)->wait.owner, culprit->tid, "the one that crashed");
	subject_release(pid);
	crash_free(crash);
}

static void test_gone(void)
{
	struct control_crash copy;
	struct crash *crash;
	pid_t pid;

	pid = subject_start(crash_outer);
	CHECK(announced(), "a subject announces, and is killed before it is looked at");
	memcpy(&copy, shared, sizeof(copy));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	crash = capture_signal(cache, &copy, "last words");
	CHECK_INT(crash->signo, SIGSEGV, "what it announced is kept");
	CHECK(crash->degraded && strstr(crash->degraded, "gone"), "that it is gone is said");
	CHECK(crash_culprit(crash) && crash_culprit(crash)->nframes == 1 &&
		      crash_culprit(crash)->frames[0].pc == copy.pc,
	      "one frame is where it stood");
	crash_free(crash);
}

/* -------- a program whose file is gone */

enum { CONTROL_FD = 40, ANNOUNCE_FD = 41 };

static void shared_map(int fd)
{
	shared = mmap(NULL, CONTROL_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

static int control_fd;

static void copy_self(const char *path)
{
	char command[256];

	snprintf(command, sizeof(command), "cp /proc/%d/exe %s", getpid(), path);
	if (system(command))
		printf("# cannot copy this program\n");
}

static void test_deleted_file(void)
{
	char path[] = "/tmp/forkpoint-capture-XXXXXX";
	struct control_crash copy;
	struct crash *crash;
	int fd = mkstemp(path);
	pid_t pid;

	close(fd);
	copy_self(path);
	chmod(path, 0700);
	memset(shared, 0, sizeof(*shared));
	pid = fork();
	if (!pid) {
		dup2(control_fd, CONTROL_FD);
		dup2(announce_fd[1], ANNOUNCE_FD);
		execl(path, path, "deleted", NULL);
		_exit(97);
	}
	CHECK(announced(), "a program that deleted its own file announces its crash");
	memcpy(&copy, shared, sizeof(copy));
	crash = capture_signal(cache, &copy, NULL);
	CHECK_STR(name_at(crash_culprit(crash), 0), "crash_inner",
		  "what it had mapped is still read, not what stands under the name now");
	CHECK(crash_culprit(crash)->frames[0].module &&
		      !strcmp(crash_culprit(crash)->frames[0].module, path),
	      "and goes by the name that it had");
	subject_release(pid);
	crash_free(crash);
	unlink(path);
}

/* Under the name of the running program there is now another file, which is no program. */
static int run_deleted(const char *self)
{
	FILE *f;

	announce_fd[1] = ANNOUNCE_FD;
	shared_map(CONTROL_FD);
	unlink(self);
	f = fopen(self, "w");
	if (f) {
		fputs("nothing\n", f);
		fclose(f);
	}
	subject_prepare();
	crash_outer();
	return 98;
}

/* -------- hangs */

static pthread_mutex_t mutex_a = PTHREAD_MUTEX_INITIALIZER, mutex_b = PTHREAD_MUTEX_INITIALIZER;
static pid_t *shared_pids; /* [0]: a forked child, [1]: the owner's tid */
static _Atomic int holding;

static NOINLINE void *hold_a(void *arg)
{
	pthread_mutex_lock(&mutex_a);
	shared_pids[1] = gettid_raw();
	atomic_store(&holding, 1);
	sleeper_pause();
	AFTER_CALL;
	return arg;
}

static NOINLINE void child_wants_a(void)
{
	pthread_mutex_lock(&mutex_a);
	AFTER_CALL;
}

static void fork_with_held_mutex(void)
{
	pthread_t thread;
	pid_t pid;

	pthread_create(&thread, NULL, hold_a, NULL);
	while (!atomic_load(&holding))
		sched_yield();
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		child_wants_a();
		_exit(0);
	}
	shared_pids[0] = pid;
	waitpid(pid, NULL, 0);
	_exit(0);
}

/* Until the task waits in a futex, 10 s at most. */
static bool await_futex(pid_t pid, pid_t tid)
{
	struct task_state task;

	for (int i = 0; i < 10000; i++) {
		if (!procfs_task_read(pid, tid, &task) && task.in_syscall &&
		    task.nr == SYS_futex && task.state == 'S')
			return true;
		usleep(1000);
	}
	return false;
}

static bool await_word(volatile pid_t *word)
{
	for (int i = 0; i < 10000 && !*word; i++)
		usleep(1000);
	return *word != 0;
}

static void test_lost_owner(void)
{
	const struct crash_thread *culprit, *owner;
	struct crash *crash;
	pid_t pids[2];

	shared_pids[0] = shared_pids[1] = 0;
	pids[0] = subject_start(fork_with_held_mutex);
	CHECK(await_word(&shared_pids[0]), "a child is forked while a thread holds a mutex");
	pids[1] = shared_pids[0];
	CHECK(await_futex(pids[1], pids[1]), "and blocks on it");
	crash = capture_hang(cache, pids, 2, NULL);
	culprit = crash_culprit(crash);
	owner = thread_of(crash, shared_pids[1]);
	CHECK_INT(crash->kind, CRASH_KIND_HANG, "a hang is a hang");
	CHECK_INT(culprit->pid, pids[1], "the culprit is the child's thread");
	CHECK(crash->in_child, "which is told to be in the child");
	CHECK_STR(culprit->wait.what, "mutex", "it waits for a mutex");
	CHECK_INT(culprit->wait.address, (uintptr_t)&mutex_a, "that very one");
	CHECK_INT(culprit->wait.owner, shared_pids[1], "whose owner is the thread that took it");
	CHECK(culprit->wait.owner_missing, "which the child does not have");
	CHECK_INT(culprit->wait.owner_elsewhere, pids[0], "and its parent has");
	CHECK(owner && has_name(owner, "hold_a"), "the owner's stack is in the record");
	CHECK_STR(thread_of(crash, pids[0])->wait.what, "child process", "the parent waits for it");
	CHECK_INT(thread_of(crash, pids[0])->wait.owner, pids[1], "by its process id");
	if (!owner)
		explain_stack(culprit);
	crash_free(crash);
	kill(pids[1], SIGKILL);
	kill(pids[0], SIGKILL);
	waitpid(pids[0], NULL, 0);
}

static void *wait_for_a(void *arg)
{
	shared_pids[0] = gettid_raw();
	pthread_mutex_lock(&mutex_b);
	while (!atomic_load(&holding))
		sched_yield();
	child_wants_a();
	return arg;
}

static void lock_in_circle(void)
{
	pthread_t thread, bystander;

	pthread_create(&bystander, NULL, sleeper, NULL);
	pthread_mutex_lock(&mutex_a);
	pthread_create(&thread, NULL, wait_for_a, NULL);
	while (!shared_pids[0])
		sched_yield();
	usleep(1000);
	while (pthread_mutex_trylock(&mutex_b) == 0) {
		pthread_mutex_unlock(&mutex_b);
		sched_yield();
	}
	atomic_store(&holding, 1);
	pthread_mutex_lock(&mutex_b);
}

static void test_circle(void)
{
	const struct crash_thread *first, *second;
	struct crash *crash;
	pid_t pid;

	shared_pids[0] = 0;
	pid = subject_start(lock_in_circle);
	CHECK(await_word(&shared_pids[0]) && await_futex(pid, pid) &&
		      await_futex(pid, shared_pids[0]),
	      "two threads lock two mutexes, each in its own order");
	crash = capture_hang(cache, &pid, 1, NULL);
	first = thread_of(crash, pid);
	second = thread_of(crash, shared_pids[0]);
	CHECK_INT(first->wait.owner, second->tid, "the first waits for the second");
	CHECK_INT(second->wait.owner, first->tid, "the second waits for the first");
	CHECK(!first->wait.owner_missing && !second->wait.owner_missing, "and both are there");
	CHECK(first->culprit || second->culprit, "the culprit is one of them, not the bystander");
	CHECK(!crash->in_child, "in no child");
	crash_free(crash);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Looks like a mutex's futex word, and is none. */
static void wait_for_number(void)
{
	static uint32_t words[8] = { 2, 0, 12345, 0, 0 };

	syscall(SYS_futex, words, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
}

static void test_no_mutex(void)
{
	const struct crash_thread *thread;
	struct crash *crash;
	pid_t pid = subject_start(wait_for_number);

	CHECK(await_futex(pid, pid), "a thread waits for a futex that is no mutex");
	crash = capture_hang(cache, &pid, 1, NULL);
	thread = crash_culprit(crash);
	CHECK_STR(thread->wait.syscall, "futex", "it is seen to wait for a futex");
	CHECK_INT(thread->wait.owner, 0, "no owner is made up");
	CHECK_STR(thread->wait.what, NULL, "nor what it is");
	CHECK(!thread->wait.timed, "it would wait for ever");
	crash_free(crash);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void pause_for_ever(void)
{
	for (;;)
		pause();
}

/* A stopped or exited thread must not become ours to bury, nor be kept from its parent. */
static void test_status_is_left(void)
{
	struct crash *crash;
	pid_t pid = subject_start(pause_for_ever);
	int status;

	crash = capture_hang(cache, &pid, 1, NULL);
	crash_free(crash);
	kill(pid, SIGTERM);
	CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM,
	      "a process that was captured ends for its parent as any other");
}

/* A subject that is killed while it is held, by whomever. */
static void kill_while_held(pid_t pid)
{
	struct tracees tracees;

	CHECK_INT(tracees_stop(&tracees, pid, clock_now() + NSEC_PER_SEC), 0, "a process is held");
	kill(pid, SIGKILL);
	tracees_release(&tracees);
}

static void sleep_in_threads(void)
{
	pthread_t thread;

	for (int i = 0; i < SLEEPERS; i++)
		pthread_create(&thread, NULL, sleeper, NULL);
	shared_pids[0] = getpid();
	pause_for_ever();
}

/* Its parent is not the tracer, as with a zygote's subjects. */
static void wait_for_sleeper(void)
{
	pid_t pid = fork();
	int status = 0;

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		sleep_in_threads();
	}
	_exit(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) ? 42 : 1);
}

static void test_killed_while_held(void)
{
	pid_t pid, parent;
	int status = 0;

	shared_pids[0] = 0;
	parent = subject_start(wait_for_sleeper);
	CHECK(await_word(&shared_pids[0]), "a process with threads is another's child");
	kill_while_held(shared_pids[0]);
	for (int i = 0; i < 5000 && waitpid(parent, &status, WNOHANG) == 0; i++)
		usleep(1000);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42,
	      "killed while it is held, its end is told to its own parent");
	kill(parent, SIGKILL);

	shared_pids[0] = 0;
	pid = subject_start(sleep_in_threads);
	CHECK(await_word(&shared_pids[0]), "a process with threads is a child of the tracer's");
	kill_while_held(pid);
	CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
	      "killed while it is held, its end is still there to be waited for");
}

/* -------- without ptrace */

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

/* Two captures of one program: the second finds all tables in the cache. Told, not judged. */
static void report_speed(void)
{
	struct control_crash copy;
	uint64_t took[3];
	pid_t pid;

	capture_cache_free(cache);
	cache = capture_cache_new();
	pid = subject_start(crash_among_threads);
	if (announced()) {
		memcpy(&copy, shared, sizeof(copy));
		for (int i = 0; i < 3; i++) {
			uint64_t begin = clock_now();

			crash_free(capture_signal(cache, &copy, NULL));
			took[i] = clock_now() - begin;
		}
		printf("# capture of %d threads: first %.1f ms, then %.2f and %.2f ms\n",
		       SLEEPERS + 2, (double)took[0] / 1e6, (double)took[1] / 1e6,
		       (double)took[2] / 1e6);
	}
	subject_release(pid);
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "deleted"))
		return run_deleted(argv[0]);
	alarm(120);
	control_fd = memfd_create("control", MFD_CLOEXEC);
	if (control_fd < 0 || ftruncate(control_fd, CONTROL_SIZE) || pipe(announce_fd))
		return 1;
	shared_map(control_fd);
	shared_pids = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cache = capture_cache_new();

	check_allowed();
	test_fault();
	test_abort();
	test_edges();
	test_bad_call(call_null, "NULL");
	test_bad_call(call_data, "data");
	test_blown_stack();
	test_garbage_stack();
	test_threads();
	test_gone();
	test_deleted_file();
	test_lost_owner();
	test_circle();
	test_no_mutex();
	test_status_is_left();
	test_killed_while_held();
	in_process(check_forbidden);
	if (getuid() == 0)
		in_process(check_other_user);
	report_speed();
	capture_cache_free(cache);
	return tap_done();
}
