/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of embed/traceback.c do in C. With it a shared object that every interpreter
 * loads by ctypes (tests/python/traceback_by.py).
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "embed/traceback.h"

/* Lines */

struct piece {
	uint64_t address, size;
};

static bool piece_read(void *context, uint64_t address, void *to, size_t size)
{
	const struct piece *piece = context;

	if (address < piece->address || size > piece->size ||
	    address - piece->address > piece->size - size)
		return false;
	memcpy(to, (const void *)(uintptr_t)address, size);
	return true;
}

void shim_lines(const void *table, size_t n, int first_line, int count, int *lines);
int shim_line_at(const void *table, size_t n, int first_line, int64_t offset);

/* The line of every instruction of a code object. */
void shim_lines(const void *table, size_t n, int first_line, int count, int *lines)
{
	for (int i = 0; i < count; i++)
		lines[i] = shim_line_at(table, n, first_line, 2l * i);
}

int shim_line_at(const void *table, size_t n, int first_line, int64_t offset)
{
	struct piece piece = { (uintptr_t)table, n };
	struct traceback_reader reader = { piece_read, &piece };

	return traceback_line(&reader, piece.address, n, first_line, offset);
}

/* Denying what is read by */

int shim_deny(int error);

/* From now on this process gets an error from process_vm_readv(2). */
int shim_deny(int error)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_readv, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ((unsigned int)error & 0xffff)),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(*filter), filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) ||
	    syscall(SYS_process_vm_readv, getpid(), NULL, 0, NULL, 0, 0) != -1 || errno != error)
		return -1;
	return 0;
}

/* Samples, from signals and from another thread */

#define SAMPLE_FRAMES 30
#define SAMPLES_MAX 30000
#define TARGETS 64

struct sample {
	int n;   /* frames; -1 */
	int own; /* the thread's that was interrupted */
	struct traceback_frame innermost, outermost;
};

static struct sample *samples;
static atomic_uint nsamples;
static struct _ts *_Atomic targets[TARGETS];
/* Whose they are. No thread-local variable: in a shared object its first use allocates. */
static atomic_long owners[TARGETS];
static atomic_bool sampling;
static pthread_t sampler;

int shim_sample_start(int from_thread);
unsigned int shim_sample_stop(void);
const struct sample *shim_samples(void);
void shim_mine(struct _ts *tstate, int target);

/* What the calling thread's own thread state is, from now on: one that all look at. */
void shim_mine(struct _ts *tstate, int target)
{
	owners[target % TARGETS] = 0;
	targets[target % TARGETS] = tstate;
	owners[target % TARGETS] = tstate ? syscall(SYS_gettid) : 0;
}

static struct _ts *mine(void)
{
	long tid = syscall(SYS_gettid);

	for (int i = 0; i < TARGETS; i++)
		if (owners[i] == tid)
			return targets[i];
	return NULL;
}

static void take(struct _ts *tstate, int own)
{
	struct traceback_frame frames[SAMPLE_FRAMES];
	struct sample sample = { .own = own };
	unsigned int at;

	if (!tstate)
		return;
	sample.n = traceback_frames(tstate, frames, SAMPLE_FRAMES);
	if (sample.n > SAMPLE_FRAMES || sample.n < -1)
		abort();
	if (sample.n > 0) {
		sample.innermost = frames[0];
		sample.outermost = frames[sample.n - 1];
	}
	at = atomic_fetch_add(&nsamples, 1);
	if (at < SAMPLES_MAX)
		samples[at] = sample;
}

static void on_signal(int signo)
{
	static atomic_uint turn;
	int saved = errno;

	(void)signo;
	errno = 4711;
	take(mine(), 1);
	take(targets[atomic_fetch_add(&turn, 1) % TARGETS], 0);
	if (errno != 4711)
		abort();
	errno = saved;
}

static void *sample_always(void *unused)
{
	(void)unused;
	for (unsigned int i = 0; sampling; i++)
		take(targets[i % TARGETS], 0);
	return NULL;
}

/* The threads in turn, wherever they are. A timer of the kernel's would come every 4 ms. */
static void *interrupt_always(void *unused)
{
	const struct timespec pause = { 0, 200000 };
	sigset_t all;

	(void)unused;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	for (unsigned int i = 0; sampling; i++)
		if (owners[i % TARGETS]) {
			syscall(SYS_tgkill, getpid(), owners[i % TARGETS], SIGPROF);
			nanosleep(&pause, NULL);
		}
	return NULL;
}

int shim_sample_start(int from_thread)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART | SA_ONSTACK };

	if (!samples)
		samples = calloc(SAMPLES_MAX, sizeof(*samples));
	nsamples = 0;
	sampling = true;
	if (!samples || sigaction(SIGPROF, &action, NULL))
		return -1;
	return pthread_create(&sampler, NULL, from_thread ? sample_always : interrupt_always, NULL);
}

/* How many samples there are. */
unsigned int shim_sample_stop(void)
{
	sampling = false;
	pthread_join(sampler, NULL);
	return nsamples < SAMPLES_MAX ? nsamples : SAMPLES_MAX;
}

const struct sample *shim_samples(void)
{
	return samples;
}

/* Stack */

#define STACK_SIZE (1 << 17)
#define PAINT 0x5a
/* What memset() itself may take. */
#define MARGIN 512

struct stack {
	struct _ts *tstate;
	unsigned char *memory;
	long used;
};

long shim_stack(struct _ts *tstate);

static void *stack_measure(void *context)
{
	static struct traceback_frame frames[100];
	struct stack *stack = context;
	unsigned char here;
	long size = &here - stack->memory, left = 0;

	memset(stack->memory, PAINT, (size_t)(size - MARGIN));
	traceback_frames(stack->tstate, frames, 100);
	while (left < size && stack->memory[left] == PAINT)
		left++;
	stack->used = size - left;
	return NULL;
}

/* What traceback_frames() takes of the stack, or MARGIN, if that is more. */
long shim_stack(struct _ts *tstate)
{
	struct stack stack = { tstate, aligned_alloc(4096, STACK_SIZE), -1 };
	pthread_attr_t attr;
	pthread_t thread;

	if (stack.memory && !pthread_attr_init(&attr) &&
	    !pthread_attr_setstack(&attr, stack.memory, STACK_SIZE) &&
	    !pthread_create(&thread, &attr, stack_measure, &stack))
		pthread_join(thread, NULL);
	free(stack.memory);
	return stack.used;
}
