/* SPDX-License-Identifier: Apache-2.0 */
/* Crashes, captured while the crashed thread waits. */
#include <sys/resource.h>

#include "base/clock.h"
#include "base/strbuf.h"
#include "tests/unit/capture.h"

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
		      strstr(thread->frames[0].file, "capture.h") && thread->frames[0].line > 0,
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

int main(void)
{
	if (!capture_begin())
		return 1;
	test_fault();
	test_abort();
	test_edges();
	test_bad_call(call_null, "NULL");
	test_bad_call(call_data, "data");
	test_blown_stack();
	test_garbage_stack();
	test_threads();
	test_gone();
	report_speed();
	return capture_end();
}
