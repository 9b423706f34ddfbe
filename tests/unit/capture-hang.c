/* SPDX-License-Identifier: Apache-2.0 */
/* Hangs: who waits for whom; and processes that are killed while they are held. */
#include "base/clock.h"
#include "base/procfs.h"
#include "observe/tracee.h"
#include "tests/unit/capture.h"

static void explain_stack(const struct crash_thread *thread)
{
	for (size_t i = 0; thread && i < thread->nframes && i < 12; i++)
		printf("# frame %zu: %s (%d) %s\n", i, thread->frames[i].function,
		       thread->frames[i].trust, thread->frames[i].module);
}

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
	crash = capture_hang(cache, CRASH_KIND_HANG, pids, 2, NULL);
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
	crash = capture_hang(cache, CRASH_KIND_HANG, &pid, 1, NULL);
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
	crash = capture_hang(cache, CRASH_KIND_HANG, &pid, 1, NULL);
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

	crash = capture_hang(cache, CRASH_KIND_HANG, &pid, 1, NULL);
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

int main(void)
{
	if (!capture_begin())
		return 1;
	shared_pids = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	test_lost_owner();
	test_circle();
	test_no_mutex();
	test_status_is_left();
	test_killed_while_held();
	return capture_end();
}
