/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fork-safety of what has threads of its own (allocators, gRPC, OpenMP, Rust's runtimes): a fork
 * copies its memory, and none of its threads.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "triage/patterns.h"
#include "triage/signs.h"

/* Is another thread inside the same library and not waiting: may it be who has the lock? */
static bool holder_lives(const struct facts *facts, int spin)
{
	const char *module = module_base(facts->culprit->frames[spin].module);

	for (size_t i = 0; i < facts->crash->nthreads; i++) {
		const struct crash_thread *thread = &facts->crash->threads[i];

		if (thread == facts->culprit || thread->role ||
		    thread_spins(thread) >= 0)
			continue;
		for (size_t k = 0; k < thread->nframes && k < 4; k++) {
			const char *other = module_base(thread->frames[k].module);

			if (module && other && !strcmp(module, other))
				return true;
		}
	}
	return false;
}

static void match_spin_lock(const struct facts *facts, struct finding *finding)
{
	int spin = facts->culprit ? thread_spins(facts->culprit) : -1;
	bool child = sign_child(facts);
	char *place;

	/* Of several threads one may be preempted with the lock, be it told or not. */
	if (!facts_hang(facts) || spin < 0 || facts->finalize >= 0 ||
	    (!child && (facts->crash->nthreads > 2 || holder_lives(facts, spin))))
		return;
	place = facts_describe(facts, spin);
	finding_say(finding, child ? SCORE_FAIR + 10 : SCORE_ALSO,
		    "it waits in %s for a lock that is held for instants only: its holder is gone, "
		    "as threads are in a forked child", place);
	finding->attribution = facts_owner(facts, &finding->frame);
	if (finding->attribution == ATTRIBUTION_UNKNOWN ||
	    finding->attribution == ATTRIBUTION_EXTENSION)
		finding->attribution = ATTRIBUTION_THIRD_PARTY;
	finding_because(finding, spin, "%s is the slow path of a spin lock", place);
	free(place);
}

static void match_broken_mutex(const struct facts *facts, struct finding *finding)
{
	const char *message = facts->message[MESSAGE_MUTEX_BROKEN];

	/* Abseil also says that it waits. */
	if (!message || !(strstr(message, "failed") || strstr(message, "corrupt")) ||
	    !facts_troubled(facts) || facts->native < 0 ||
	    facts->frames[facts->native].category != CATEGORY_EXTENSION)
		return;
	finding_say(finding, sign_child(facts) ? SCORE_FAIR + 5 : SCORE_ALSO,
		    "a mutex is in a state that it cannot come to, but by a fork that its waiters "
		    "did not survive");
	finding_blame(finding, facts, facts->native);
	finding_because(finding, -1, "it said: %s", message);
}

static void match_dead_runtime(const struct facts *facts, struct finding *finding)
{
	static const char *const runtimes[] = { "tokio", "mio-", "async-io", "polling-", "smol",
						"libuv", "uv__", "libev", "(libev)", "kevent",
						"epoll_ctl", "kqueue" };
	const char *text = facts->crash->message;
	bool runtime = false;

	for (size_t i = 0; i < sizeof(runtimes) / sizeof(*runtimes); i++)
		runtime |= strstr(text, runtimes[i]) != NULL;
	if (!facts->message[MESSAGE_BAD_FILE] || !runtime || facts->crash->kind == CRASH_KIND_LOOK)
		return;
	finding_say(finding, SCORE_FAIR, "the event loop of an asynchronous runtime is not there: "
					 "it was made by another process, which forked this one");
	finding->attribution = ATTRIBUTION_EXTENSION;
	finding->frame = facts->native;
	finding_because(finding, -1, "it said: %s", facts->message[MESSAGE_BAD_FILE]);
}

static const char *const pool_names[] = {
	"gomp_team_barrier_wait*", "gomp_barrier_wait*", "gomp_team_end", "gomp_simple_barrier*",
	"GOMP_parallel*", "__kmp_join_barrier*", "__kmp_fork_barrier*", "__kmp_*barrier*",
	"__kmp_acquire_bootstrap_lock", "__kmp_suspend*", "__kmpc_fork_call", "exec_blas*",
	"blas_thread_init", "blas_thread_*", "mkl_serv_*wait*", "mkl_*barrier*",
	"ThreadPool::wait*", "ThreadPool::schedule*", "_dispatch_sync_f_slow",
	"_dispatch_semaphore_wait_slow", "dispatch_semaphore_wait*", "dispatch_apply*",
	"_dispatch_lane_barrier_sync*", "grpc_completion_queue_next",
	"grpc_completion_queue_pluck", "cuInit", "cudaGetDeviceCount", "in_worker_cold",
	"wait_until_cold", NULL,
};

/* By their full names: the bare ones are everybody's. */
static const char *const pool_spaces[] = {
	"rayon_core::", "tokio::runtime::", "crossbeam_channel::", "async_std::", "smol::",
	"futures_executor::", "tbb::", "oneapi::tbb::", "arrow::internal::ThreadPool",
	"grpc_core::", "at::internal::", "Eigen::ThreadPool", "folly::", NULL,
};

/* How far from the innermost frame a crash is still the pool's own. */
#define CRASH_REACH 3

static void match_dead_pool(const struct facts *facts, struct finding *finding)
{
	bool crashed = facts->crash->kind == CRASH_KIND_SIGNAL;
	int pool = facts_find_like(facts, pool_names);

	if (pool < 0)
		pool = sign_within(facts, pool_spaces);
	/* A crash has to be in the pool itself: work that it was given has bugs of its own. */
	if (pool < 0 || !(facts_hang(facts) || (crashed && pool < CRASH_REACH)) ||
	    !sign_child(facts))
		return;
	finding_say(finding, crashed ? SCORE_FAIR : SCORE_FAIR + 15,
		    "a forked child %s a pool whose threads its parent has",
		    crashed ? "crashed in" : "waits for");
	finding->attribution = ATTRIBUTION_THIRD_PARTY;
	finding->frame = pool;
	finding_because(finding, pool, "it needs workers that a fork does not copy");
}

/*
 * A thread that is joined and is none of this process: in a forked child the handle leads to memory
 * that was given back, or that the child's own thread has got.
 */
static void match_dead_thread(const struct facts *facts, struct finding *finding)
{
	static const char *const joins[] = {
		"pthread_join", "__pthread_join", "__pthread_clockjoin_ex",
		"__pthread_timedjoin_ex", "pthread_timedjoin_np", NULL,
	};
	const char *said = strstr(facts->crash->message, "failed to join thread: ");
	int join = facts_find(facts, joins);
	bool faulted = join >= 0 && join < CRASH_REACH &&
		       (facts->crash->signo == SIGSEGV || facts->crash->signo == SIGBUS);

	if (!said && !faulted)
		return;
	finding_say(finding, SCORE_ALSO, "a thread was joined that is none of this process: it was "
					 "probably its parent's");
	finding->attribution = facts_owner(facts, &finding->frame);
	if (finding->attribution == ATTRIBUTION_UNKNOWN)
		finding->attribution = ATTRIBUTION_EXTENSION;
	if (said)
		finding_because(finding, -1, "it said: %.*s", (int)strcspn(said, "\n"), said);
	else
		finding_because(finding, join, "where the thread lives, or has ended, this call "
					       "does not crash");
}

const struct pattern_rule runtime_rules[] = {
	{
		.pattern = PATTERN_FORK_SAFETY,
		.name = "spin-lock",
		.match = match_spin_lock,
		.required = "stacks with the slow path of a spin lock, or of an allocator's lock: "
			    "such are held for some instructions, so who has one for long is not "
			    "there any more",
		.supporting = "the stack says child",
		.contradicting = "a crash; finalization; another thread inside the same library, "
				 "or so many that one of them may have the lock",
		.sources = { "gperftools/gperftools#932", "gperftools/gperftools#178",
			     "grpc/grpc#38020" },
	}, {
		.pattern = PATTERN_FORK_SAFETY,
		.name = "broken-mutex",
		.match = match_broken_mutex,
		.required = "the words of a mutex that finds itself in an impossible state, in a "
			    "Python module",
		.supporting = "the report says child",
		.sources = { "grpc/grpc#32992" },
	}, {
		.pattern = PATTERN_FORK_SAFETY,
		.name = "dead-runtime",
		.match = match_dead_runtime,
		.required = "an event loop (tokio's, mio's, libuv's, libev's) that finds its own "
			    "descriptor closed: kqueue's are not handed on to a child, and a child "
			    "that closes what it has inherited closes epoll's",
		.sources = { "MarkusSintonen/pyreqwest#51" },
	}, {
		.pattern = PATTERN_FORK_SAFETY,
		.name = "dead-pool",
		.match = match_dead_pool,
		.required = "a report that says child, and a wait, or a crash, in a pool of "
			    "threads (OpenMP, OpenBLAS, MKL, libdispatch, rayon, tokio, TBB, gRPC)",
		.contradicting = "no sign of a child: a pool is waited for in every process",
		.sources = { "OpenMathLib/OpenBLAS#240", "facebookresearch/faiss#5206",
			     "april-org/april-ann#173", "granne/granne#18",
			     "RyanCodrai/turbovec#147" },
	}, {
		.pattern = PATTERN_FORK_SAFETY,
		.name = "dead-thread",
		.match = match_dead_thread,
		.required = "a fault in the joining of a thread, or Rust's word that a thread "
			    "could not be joined: it is none of this process",
		.contradicting = "a wait in that call, which is its business",
		.sources = { "man-group/ArcticDB#3285", "delta-io/delta-rs#2744" },
	},
	{ .match = NULL },
};
