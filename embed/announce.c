/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A crashing thread announces itself and waits until the driver has seen enough.
 *
 * Nothing is examined in here: a process that crashes cannot be trusted to look at itself. The
 * handler runs on an alternate stack, copies what the kernel gave it into the control block, wakes
 * the driver through a pipe and sleeps on a futex; the driver unwinds all threads from outside.
 * Then the thread dies the death it would have died anyhow: the outcome stays the kernel's.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "embed/frame.h"
#include "embed/futex.h"
#include "embed/registers.h"

/*
 * The kernel's own frame can take 11 KiB where AMX state is saved (AT_MINSIGSTKSZ); the handler
 * needs little beside it. 64 KiB is generous, and untouched pages of it cost nothing.
 */
#define ANNOUNCE_STACK (64u << 10)

/*
 * If the driver does not answer (it was killed while we waited), the thread dies by itself. A first
 * capture of a stripped library has been seen to take 300 ms on a loaded machine.
 */
#define ANNOUNCE_PATIENCE_NS 10000000000u

static const int announce_signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP };

static struct control *announce_control;

/* The record is there for the first, and again for another process once the driver let that go. */
static bool announce_claim(struct control_crash *crash)
{
	uint32_t state = atomic_load(&crash->state);

	if (state != CRASH_NONE &&
	    (state != CRASH_RELEASED || crash->pid == (uint32_t)getpid()))
		return false;
	if (!atomic_compare_exchange_strong(&crash->state, &state, CRASH_CLAIMED))
		return false;
	crash->pid = (uint32_t)getpid();
	return true;
}

/* Claim the record, after another process if need be. False: a thread of this process has it. */
static bool announce_turn(struct control_crash *crash)
{
	for (unsigned int i = 0; i < 100; i++) {
		while (atomic_load(&crash->state) == CRASH_CLAIMED)
			sched_yield();
		if (announce_claim(crash))
			return true;
		if (crash->pid == (uint32_t)getpid())
			return false;
		futex_wait(&crash->state, CRASH_ANNOUNCED, ANNOUNCE_PATIENCE_NS / 100);
	}
	return false;
}

static void announce_wait(struct control_crash *crash)
{
	for (unsigned int i = 0; i < 100 && atomic_load(&crash->state) == CRASH_ANNOUNCED; i++)
		futex_wait(&crash->state, CRASH_ANNOUNCED, ANNOUNCE_PATIENCE_NS / 100);
}

static void announce_make(struct control_crash *crash, int signo, const siginfo_t *info,
			  const ucontext_t *context)
{
	char byte = '!';

	crash->tid = (uint32_t)syscall(SYS_gettid);
	crash->signo = signo;
	crash->code = info->si_code;
	crash->addr = info->si_code > 0 ? (uint64_t)(uintptr_t)info->si_addr : 0;
	registers_copy(crash, context);
	atomic_store(&crash->state, CRASH_ANNOUNCED);
	if (write(SUBJECT_FD_ANNOUNCE, &byte, 1) == 1)
		announce_wait(crash);
}

/*
 * Another thread of this process was first. It is being looked at and will end us both: to die
 * before it would take the process away under the driver's eyes.
 */
static void announce_stand_by(struct control_crash *crash)
{
	while (atomic_load(&crash->state) == CRASH_CLAIMED)
		sched_yield();
	for (unsigned int i = 0; i < 100 && crash->pid == (uint32_t)getpid(); i++)
		futex_wait(&crash->state, atomic_load(&crash->state), ANNOUNCE_PATIENCE_NS / 100);
}

static void announce(int signo, siginfo_t *info, void *context)
{
	struct control_crash *crash = &announce_control->crash;
	int saved = errno;

	if (announce_control->order.announce && announce_turn(crash))
		announce_make(crash, signo, info, context);
	else if (announce_control->order.announce)
		announce_stand_by(crash);
	/* No core file, no crash daemon woken a thousand times; and then the true death. */
	prctl(PR_SET_DUMPABLE, 0);
	signal(signo, SIG_DFL);
	if (info->si_code <= 0 && signo != SIGABRT)
		syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), signo);
	/* A fault strikes again on return, now with SIG_DFL; abort() raises a second time. */
	errno = saved;
}

void announce_thread_stack(void)
{
	stack_t ss = { .ss_size = ANNOUNCE_STACK };

	ss.ss_sp = mmap(NULL, ANNOUNCE_STACK, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (ss.ss_sp != MAP_FAILED)
		sigaltstack(&ss, NULL);
}

void announce_install(struct control *control)
{
	struct sigaction sa = { .sa_sigaction = announce, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	announce_control = control;
	announce_thread_stack();
	sigfillset(&sa.sa_mask);
	for (size_t i = 0; i < sizeof(announce_signals) / sizeof(announce_signals[0]); i++)
		sigaction(announce_signals[i], &sa, NULL);
}
