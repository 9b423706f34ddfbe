/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fork-safety in reports that have no record of processes and locks: bare stacks, and messages.
 * Each rule says what it requires, what supports it and what contradicts it.
 */
#include <stdlib.h>
#include <string.h>

#include "triage/patterns.h"

static void blame_owner(struct finding *finding, const struct facts *facts)
{
	finding->attribution = facts_owner(facts, &finding->frame);
}

/*
 * Required: the words of a library that refuses to work in a forked child. Nothing contradicts it:
 * it was written by the one that looked. Objective-C says which class was being initialised by
 * which other thread, so two parties meet there; other libraries simply do not stand a fork.
 *	https://github.com/python/cpython/issues/75020
 *	https://github.com/fonttools/fontbakery/issues/2982
 *	https://github.com/ged/ruby-pg/issues/311 (Kerberos in a child on macOS)
 */
static void match_fork_abort(const struct facts *facts, struct finding *finding)
{
	const char *class = facts->message[MESSAGE_CLASS_INIT];
	const char *child = facts->message[MESSAGE_FORK_ABORT];

	if (!class && !child)
		return;
	finding_say(finding, SCORE_STRONG + 5,
		    "a library that does not work in a forked child was used in one");
	if (class) {
		finding->attribution = ATTRIBUTION_INTERACTION;
		finding_because(finding, -1, "the Objective-C runtime said: %s", class);
	} else {
		blame_owner(finding, facts);
		if (facts->native < 0)
			finding->attribution = ATTRIBUTION_THIRD_PARTY;
		finding_because(finding, -1, "it said: %s", child);
	}
}

static const char *const stream_calls[] = {
	"flush", "_flush_std_streams", "emit", "handle", "acquire", "_acquireLock", "callHandlers",
	"_acquire_restore", "_lock_unlock_module", "_get_module_lock", "__enter__", NULL,
};

static bool waits_for_stream(const struct facts *facts)
{
	const struct crash_frame *frame = facts->nframes ? &facts->culprit->frames[0] : NULL;

	return frame && frame->python && facts_named(facts, 0, stream_calls) &&
	       !(frame->file && strstr(frame->file, "synchronize"));
}

/*
 * Required: Python frames that say "forked child" (multiprocessing's fork below its _bootstrap),
 * and a wait for a lock of a stream, of logging, of the import system. Contradicting: a wait for
 * another process (a queue's semaphore), which is what an idle worker does.
 *	https://github.com/18F/domain-scan/issues/157
 *	https://github.com/vmware-archive/runtimes/issues/94
 */
static void match_python_child(const struct facts *facts, struct finding *finding)
{
	char *place;

	if (!facts->python_child || !facts_hang(facts) ||
	    !(waits_for_stream(facts) || facts_lock_wait(facts)))
		return;
	place = facts_describe(facts, 0);
	finding_say(finding, SCORE_FAIR + 10,
		    "a child of multiprocessing waits in %s for a lock that a thread of its parent "
		    "had at the fork", place);
	finding->frame = facts->native;
	finding->attribution = facts->native >= 0 ? facts->frames[facts->native].origin.owner :
						    python_owner(facts);
	finding_because(finding, 0, "%s needs a lock", place);
	finding_because(finding, -1, "multiprocessing forked this process on the same stack");
	free(place);
}

static const char *const spin_names[] = {
	"SpinLockDelay", "AbslInternalSpinLockDelay*", "SlowLock", "SpinLock_lock*",
	"spin_lock_slow*", "Spinlock_lock*", "malloc_mutex_lock_slow",
	"je_malloc_mutex_lock_slow", "__spin_lock*",
	"_OSSpinLockLockSlow", NULL,
};

/*
 * Required: stacks of a process that does not go on, with a thread in the slow path of a spin lock
 * (or of an allocator's). Such locks are held for some instructions; who has one for long is not
 * there any more, and a thread vanishes with its locks at a fork. Supporting: the stack says child.
 * Contradicting: a crash, where the lock is only what was used.
 *	https://github.com/gperftools/gperftools/issues/932
 *	https://github.com/grpc/grpc/issues/38020
 */
static void match_spin_lock(const struct facts *facts, struct finding *finding)
{
	int spin = facts_find_like(facts, spin_names);
	char *place;

	if (!facts_hang(facts) || spin < 0 || facts->finalize >= 0)
		return;
	place = facts_describe(facts, spin);
	finding_say(finding, SCORE_FAIR,
		    "it waits in %s for a lock that is held for instants only: its holder is gone, "
		    "as threads are in a forked child", place);
	blame_owner(finding, facts);
	if (finding->attribution == ATTRIBUTION_UNKNOWN ||
	    finding->attribution == ATTRIBUTION_EXTENSION)
		finding->attribution = ATTRIBUTION_THIRD_PARTY;
	finding_because(finding, spin, "%s is the slow path of a spin lock", place);
	free(place);
}

/*
 * Required: a mutex that finds its own memory in an impossible state, in a library with threads of
 * its own in a Python process. Its waiters were threads of the parent. One report alone:
 *	https://github.com/grpc/grpc/issues/32992
 */
static void match_broken_mutex(const struct facts *facts, struct finding *finding)
{
	const char *message = facts->message[MESSAGE_MUTEX_BROKEN];

	if (!message || !facts_troubled(facts) || facts->native < 0 ||
	    facts->frames[facts->native].category != CATEGORY_EXTENSION)
		return;
	finding_say(finding, SCORE_FAIR, "a mutex is in a state that it cannot come to, but by a "
					 "fork that its waiters did not survive");
	finding_blame(finding, facts, facts->native);
	finding_because(finding, -1, "it said: %s", message);
}

/*
 * Required: the event loop of a Rust runtime has lost its own descriptor. kqueue's are not handed
 * on to a forked child, and a child that closes what it has inherited closes epoll's. One report:
 *	https://github.com/MarkusSintonen/pyreqwest/issues/51
 */
static void match_dead_runtime(const struct facts *facts, struct finding *finding)
{
	static const char *const runtimes[] = { "tokio", "mio-", "async-io", "polling-", "smol" };
	const char *text = facts->crash->message;
	bool runtime = false;

	for (size_t i = 0; i < sizeof(runtimes) / sizeof(*runtimes); i++)
		runtime |= strstr(text, runtimes[i]) != NULL;
	if (!facts->message[MESSAGE_BAD_FILE] || !runtime || !strstr(text, "panicked at"))
		return;
	finding_say(finding, SCORE_FAIR, "the event loop of an asynchronous runtime is not there: "
					 "it was made by another process, which forked this one");
	finding->attribution = ATTRIBUTION_EXTENSION;
	finding->frame = facts->native;
	finding_because(finding, -1, "it said: %s", facts->message[MESSAGE_BAD_FILE]);
}

static const char *const handler_names[] = {
	"*postfork*", "*post_fork*", "*prefork*", "*pre_fork*", "*atfork*", "*at_fork*",
	"*after_fork*", "*before_fork*", "*_fork_child*", "*fork_handler*", NULL,
};

/*
 * Required: somebody's own function that is named for what it is, an at-fork handler, where the
 * stack is cut before fork(); it crashed, or waits for a lock. Contradicting: CPython's own
 * functions of such a name (_PyThread_at_fork_reinit is what a stripped Python shows in the place
 * of PyThread_exit_thread), and fork() itself on the stack, which other rules know better.
 *	https://github.com/DataDog/dd-trace-py/pull/17042
 *	https://github.com/DataDog/dd-trace-py/pull/17183
 */
static void match_named_handler(const struct facts *facts, struct finding *finding)
{
	int handler = -1;
	char *name;

	for (int i = 0; i < facts->nframes; i++)
		if (category_is_native(facts->frames[i].category) &&
		    facts_like(facts, i, handler_names))
			handler = i;
	if (handler < 0 || facts->fork >= 0 || facts->unwind >= 0 || !facts_troubled(facts))
		return;
	if (facts->crash->kind == CRASH_KIND_LOOK && facts_lock_wait(facts) && facts->interpreting)
		return;
	name = facts_describe(facts, handler);
	finding_say(finding, SCORE_FAIR, "%s, which by its name is an at-fork handler, %s", name,
		    facts_verb(facts));
	finding_blame(finding, facts, handler);
	finding_because(finding, handler, "%s is an at-fork handler by its name", name);
	free(name);
}

/* The same with fork() below it, and no word on the signal: stacks that somebody looked at. */
static void match_handler_stack(const struct facts *facts, struct finding *finding)
{
	char *name;

	if (facts->crash->kind != CRASH_KIND_LOOK && facts->crash->kind != CRASH_KIND_FINDING)
		return;
	if (!facts->culprit || facts->handler < 0)
		return;
	name = facts_describe(facts, facts->handler);
	finding_say(finding, SCORE_FAIR, "the at-fork handler %s does not come to its end", name);
	finding_blame(finding, facts, facts->native);
	finding_because(finding, facts->handler, "%s runs inside fork()", name);
	free(name);
}

static const char *const pool_names[] = {
	"gomp_team_barrier_wait*", "gomp_barrier_wait*", "__kmp_join_barrier*",
	"exec_blas_async_wait", "blas_thread_init", "exec_blas*", "__kmp_acquire_bootstrap_lock",
	"mkl_serv_*wait*",
	"ThreadPool::wait*", "_dispatch_sync_f_slow", "dispatch_semaphore_wait*", NULL,
};

/*
 * Required: the forked child, told by its stack, waits for the workers of a pool (OpenMP, OpenBLAS,
 * libdispatch), none of which live in it. Contradicting: no sign of a child.
 * No report of the corpus: from what GNU OpenMP and OpenBLAS document of fork().
 */
static void match_dead_pool(const struct facts *facts, struct finding *finding)
{
	int pool = facts_find_like(facts, pool_names);

	if (pool < 0 || !facts_hang(facts) || !(facts->python_child || facts->in_child))
		return;
	finding_say(finding, SCORE_FAIR + 10, "a forked child waits for the threads of a pool that "
					      "its parent has");
	finding->attribution = ATTRIBUTION_THIRD_PARTY;
	finding->frame = pool;
	finding_because(finding, pool, "it waits for workers that a fork does not copy");
}

/*
 * Required: the only thread that a list of threads has waits for CPython's lock or another of
 * Python's. Nobody is there to release it. Never certain: lists are cut. One report alone:
 *	https://github.com/DataDog/dd-trace-py/issues/935
 */
static void match_alone(const struct facts *facts, struct finding *finding)
{
	const struct crash_thread *thread = facts->culprit;

	if (facts->crash->kind != CRASH_KIND_LOOK || !thread || facts->crash->nthreads != 1 ||
	    !thread->name || !thread_waits_for(thread, "GIL") || facts->finalize >= 0)
		return;
	finding_say(finding, SCORE_WEAK, "the only thread of the process waits for a lock: whoever "
					 "has it lived in another process");
	finding->attribution = python_owner(facts);
	finding->frame = facts->native;
	finding_because(finding, 0, "it waits for %s", thread->wait.what);
}

/*
 * Required: a crash in the standard library's question for macOS's proxies, which is answered by
 * frameworks that do not work in a forked child; elsewhere it does not fail. Contradicting: a child
 * that was spawned, whose stack begins in multiprocessing's spawn.py.
 *	https://docs.python.org/3/library/multiprocessing.html#contexts-and-start-methods
 */
static void match_proxies(const struct facts *facts, struct finding *finding)
{
	static const char *const asks[] = {
		"*_macosx_sysconf", "SCDynamicStoreCopyProxies*", "get_proxy_settings", NULL,
	};
	int frame = facts_find_like(facts, asks);

	if (facts->crash->kind != CRASH_KIND_SIGNAL || frame < 0)
		return;
	for (int i = 0; i < facts->nframes; i++)
		if (facts->frames[i].name && !strcmp(facts->frames[i].name, "spawn_main"))
			return;
	finding_say(finding, SCORE_FAIR,
		    "macOS was asked for its proxies, probably in a forked child");
	finding->attribution = ATTRIBUTION_INTERACTION;
	finding->frame = -1;
	finding_because(finding, frame, "what answers it does not work in a forked child");
}

const struct pattern_rule child_rules[] = {
	{ PATTERN_FORK_SAFETY, "fork-abort", match_fork_abort },
	{ PATTERN_FORK_SAFETY, "python-child", match_python_child },
	{ PATTERN_FORK_SAFETY, "spin-lock", match_spin_lock },
	{ PATTERN_FORK_SAFETY, "broken-mutex", match_broken_mutex },
	{ PATTERN_FORK_SAFETY, "dead-runtime", match_dead_runtime },
	{ PATTERN_FORK_SAFETY, "named-handler", match_named_handler },
	{ PATTERN_FORK_SAFETY, "handler-stack", match_handler_stack },
	{ PATTERN_FORK_SAFETY, "dead-pool", match_dead_pool },
	{ PATTERN_FORK_SAFETY, "alone", match_alone },
	{ PATTERN_FORK_SAFETY, "proxies", match_proxies },
	{ .match = NULL },
};
