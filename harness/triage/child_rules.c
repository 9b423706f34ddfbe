/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fork-safety in reports that have no record of processes and locks: messages, and stacks that say
 * child, or handler.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "triage/patterns.h"
#include "triage/rules.h"
#include "triage/signs.h"

static void blame_owner(struct finding *finding, const struct facts *facts)
{
	finding->attribution = facts_owner(facts, &finding->frame);
}

static void match_fork_abort(const struct facts *facts, struct finding *finding)
{
	const char *class = facts->message[MESSAGE_CLASS_INIT];
	const char *child = facts->message[MESSAGE_FORK_ABORT];
	const char *spoken = facts->message[MESSAGE_FORK_SPOKEN];

	if (!class && !child && !spoken)
		return;
	/* A tree, or a repository, can be forked, too. */
	finding_say(finding, class || child ? SCORE_STRONG + 5 : SCORE_FAIR,
		    "a library that does not work in a forked child was used in one");
	if (class) {
		finding->attribution = ATTRIBUTION_INTERACTION;
		finding_because(finding, -1, "the Objective-C runtime said: %s", class);
	} else {
		blame_owner(finding, facts);
		if (facts->native < 0)
			finding->attribution = strstr(facts->crash->message, "BUG IN CLIENT OF") ?
						       ATTRIBUTION_INTERACTION :
						       ATTRIBUTION_THIRD_PARTY;
		finding_because(finding, -1, "it said: %s", child ? child : spoken);
	}
}

/* What takes a lock of the standard library's own, and in which file; NULL: in any. */
static const struct {
	const char *function, *file;
} lock_calls[] = {
	{ "flush", NULL },
	{ "_flush_std_streams", NULL },
	{ "emit", "logging" },
	{ "handle", "logging" },
	{ "callHandlers", "logging" },
	{ "acquire", NULL },
	{ "_acquireLock", NULL },
	{ "__enter__", NULL },
	{ "_acquire_restore", NULL },
	{ "_lock_unlock_module", NULL },
	{ "_get_module_lock", NULL },
};

static bool waits_for_stream(const struct facts *facts)
{
	const struct crash_frame *frame = facts->nframes ? &facts->culprit->frames[0] : NULL;

	if (!frame || !frame->python || !frame->function ||
	    (frame->file && strstr(frame->file, "synchronize")))
		return false;
	for (size_t i = 0; i < sizeof(lock_calls) / sizeof(*lock_calls); i++)
		if (!strcmp(frame->function, lock_calls[i].function) &&
		    (!lock_calls[i].file ||
		     (frame->file && strstr(frame->file, lock_calls[i].file))))
			return true;
	return false;
}

static void match_python_child(const struct facts *facts, struct finding *finding)
{
	char *place;

	if (!facts_hang(facts) || !sign_python_child(facts) || facts->finalize >= 0 ||
	    !(waits_for_stream(facts) || facts_lock_wait(facts)))
		return;
	place = facts_describe(facts, 0);
	finding_say(finding, SCORE_FAIR + 10,
		    "a forked child waits in %s for a lock that a thread of its parent "
		    "had at the fork", place);
	finding->frame = facts->native;
	finding->attribution = facts->native >= 0 ? facts->frames[facts->native].origin.owner :
						    python_owner(facts);
	finding_because(finding, 0, "%s needs a lock", place);
	finding_because(finding, -1, "this process was forked, and went on on the same stack");
	free(place);
}

static const char *const handler_names[] = {
	"*postfork*", "*post_fork*", "*prefork*", "*pre_fork*", "*atfork*", "*at_fork*",
	"*after_fork*", "*before_fork*", "*_fork_child*", "*fork_handler*",
	"*[Pp]ost[Ff]ork*", "*At[Ff]ork*", "*After[Ff]ork*", "*Before[Ff]ork*", "*ForkChild*",
	"*ForkHandler*", "Prefork*", "PreFork*", "PrepareFork*", NULL,
};

/* Who asks for handlers, and is called at no fork. */
static const char *const register_names[] = {
	"*register_atfork*", "*register_at_fork*", "*pthread_atfork*", NULL,
};

/* The stack is whole from there on, as far as a fork() could be: to where code begins to run. */
static bool is_called_by_no_fork(const struct facts *facts, int frame)
{
	static const char *const begins[] = {
		"main", "_start", "__libc_start_*", "start_thread", "clone", "clone3",
		"_pthread_start", "_PyEval_EvalFrame*", "PyEval_Eval*", "Py_RunMain", NULL,
	};

	while (++frame < facts->nframes && facts->frames[frame].name)
		if (facts_like(facts, frame, begins))
			return true;
	return false;
}

static void match_named_handler(const struct facts *facts, struct finding *finding)
{
	int handler = -1;
	char *name;

	for (int i = 0; i < facts->nframes; i++)
		if (category_is_native(facts->frames[i].category) &&
		    facts_like(facts, i, handler_names) && !facts_like(facts, i, register_names))
			handler = i;
	if (handler < 0 || facts->fork >= 0 || facts->unwind >= 0 || !facts_troubled(facts) ||
	    is_called_by_no_fork(facts, handler))
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

/* Python code whose one line is os.fork(): what crashes in it is a handler, or the child itself. */
static void match_fork_call(const struct facts *facts, struct finding *finding)
{
	static const struct {
		const char *function, *file;
	} calls[] = {
		{ "_launch", "popen_fork.py" }, { "fork", "pty.py" },
		{ "_fork_exec", "subprocess.py" }, { "_execute_child", "subprocess.py" },
		{ "fork_processes", "tornado/process.py" },
	};
	const struct crash_frame *frame = facts->nframes ? facts->culprit->frames : NULL;

	if (facts->crash->kind != CRASH_KIND_SIGNAL || !frame || !frame->python ||
	    !frame->function || !frame->file)
		return;
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		if (strcmp(frame->function, calls[i].function) != 0 ||
		    !strstr(frame->file, calls[i].file))
			continue;
		finding_say(finding, SCORE_FAIR, "it crashed in os.fork(), or in the child before "
						 "that ran anything else");
		finding->attribution = ATTRIBUTION_THIRD_PARTY;
		finding_because(finding, 0, "this function's work is to fork");
		return;
	}
}

/* macOS's own ends of a child: functions that are called for nothing else. */
static void match_child_end(const struct facts *facts, struct finding *finding)
{
	static const char *const ends[] = {
		"objc_initializeAfterForkError", "performForkChildInitialize",
		"*THE_PROCESS_HAS_FORKED*", "*child_has_forked*", NULL,
	};
	int end = facts_find_like(facts, ends);

	if (end < 0)
		return;
	finding_say(finding, SCORE_STRONG, "a library of the system ended a child that was forked "
					   "and went on without exec()");
	finding->attribution = ATTRIBUTION_INTERACTION;
	finding->frame = facts->native;
	finding_because(finding, end, "it is called in forked children only");
}

/*
 * A warning goes with every such fork, and most go well. But here something went wrong, and nothing
 * else says what.
 */
static void match_warned(const struct facts *facts, struct finding *finding)
{
	const char *said = facts->message[MESSAGE_FORK_WARNED];

	if (!said || facts->message[MESSAGE_FINALIZING])
		return;
	finding_say(finding, facts_lock_wait(facts) ? SCORE_ALSO : SCORE_WEAK,
		    "the process had threads when it was forked, and was warned of that");
	blame_owner(finding, facts);
	if (finding->attribution == ATTRIBUTION_UNKNOWN)
		finding->attribution = ATTRIBUTION_APPLICATION;
	finding_because(finding, -1, "it said: %s", said);
}

/* What a thread that has nothing to do calls, or that waits for another process. */
static const char *const idle_calls[] = {
	"wait", "wait_for", "get", "select", "poll", "epoll_wait", "kqueue", "sleep", "accept",
	"recv*", "read*", "join", "_wait_for_tstate_lock", "_shutdown", "waitpid", NULL,
};

static void match_alone(const struct facts *facts, struct finding *finding)
{
	const struct crash_thread *thread = facts->culprit;
	bool listed = facts->crash->one_thread;

	/* A thread has a name here where gdb has told the list of all. */
	if (facts->crash->kind != CRASH_KIND_LOOK || !thread || !thread->nframes ||
	    facts->crash->nthreads != 1 || !(thread->name || listed) || facts->finalize >= 0 ||
	    !(thread_waits_for(thread, "GIL") || (listed && facts_lock_wait(facts))) ||
	    facts_like(facts, 0, idle_calls) || thread_exits(thread))
		return;
	finding_say(finding, SCORE_WEAK, "the only thread of the process waits for a lock: whoever "
					 "has it lived in another process, or is gone");
	if (thread->frames[0].python)
		finding->attribution = python_owner(facts);
	else
		finding->attribution = facts_owner(facts, &finding->frame);
	finding_because(finding, 0, "it waits for %s", thread->wait.what ? thread->wait.what :
								      "a lock");
}

static bool was_spawned(const struct facts *facts)
{
	for (int i = 0; i < facts->nframes; i++)
		if (facts->frames[i].name && !strcmp(facts->frames[i].name, "spawn_main"))
			return true;
	return false;
}

static void match_proxies(const struct facts *facts, struct finding *finding)
{
	static const char *const asks[] = {
		"*_macosx_sysconf", "SCDynamicStoreCopyProxies*", "get_proxy_settings",
		"get_proxies", NULL,
	};
	int frame = facts_find_like(facts, asks);

	if (facts->crash->kind != CRASH_KIND_SIGNAL || frame < 0 || frame > 8 ||
	    was_spawned(facts))
		return;
	finding_say(finding, SCORE_FAIR,
		    "macOS was asked for its proxies, probably in a forked child");
	finding->attribution = ATTRIBUTION_INTERACTION;
	finding->frame = -1;
	finding_because(finding, frame, "what answers it does not work in a forked child");
}

/*
 * libdispatch finds its queues' threads gone, or NULL: it dies of itself in no other state, and a
 * library that uses it (Accelerate, Security, SystemConfiguration) called it.
 */
static bool name_is_like(const char *name, const char *const *patterns)
{
	for (; *patterns; patterns++)
		if (pattern_matches(*patterns, name, strlen(name)))
			return true;
	return false;
}

/* Where its queues point to in a child, so that their use is fatal: dispatch_atfork_child(). */
#define DISPATCH_POISON 0x100
#define DISPATCH_FIELDS 0x100

static void match_dispatch(const struct facts *facts, struct finding *finding)
{
	static const char *const dispatch[] = { "dispatch_*", "_dispatch_*", "_os_object_*", NULL };
	static const char *const work[] = {
		"_dispatch_call_block_and_release", "_dispatch_client_callout*",
		"_dispatch_worker_thread*", "_dispatch_main_queue*", NULL,
	};
	/* The system's own that use it, and are used in forked children by who does not know. */
	static const char *const users[] = {
		"libBLAS*", "libLAPACK*", "libvDSP*", "libvecLib*", "vecLib", "Accelerate",
		"Security", "CoreFoundation", "SystemConfiguration", "CFNetwork", "Network",
		"Foundation", "libnetwork*", "libxpc*", "libcoretls*", "libsystem_info*", NULL,
	};
	bool poisoned = facts->crash->has_addr && facts->crash->addr >= DISPATCH_POISON &&
			facts->crash->addr < DISPATCH_POISON + DISPATCH_FIELDS;
	const char *user = NULL;
	bool python = false;

	if (facts->crash->kind != CRASH_KIND_SIGNAL || facts->crash->signo == SIGABRT ||
	    !facts->nframes || !facts_like(facts, 0, dispatch) ||
	    facts_find_like(facts, work) >= 0 || was_spawned(facts))
		return;
	for (int i = 0; i < facts->nframes; i++) {
		python |= facts->frames[i].category == CATEGORY_CPYTHON;
		if (!user && !facts_like(facts, i, dispatch))
			user = module_base(facts->culprit->frames[i].module);
	}
	if (!poisoned && (!python || !user || !name_is_like(user, users)))
		return;
	finding_say(finding, sign_child(facts) ? SCORE_FAIR + 15 : SCORE_FAIR,
		    "libdispatch crashed in itself: its threads are the parent's, and this is "
		    "probably a forked child");
	finding->attribution = ATTRIBUTION_THIRD_PARTY;
	finding->frame = 0;
	finding_because(finding, 0, "libdispatch has no threads in a forked child, and what it "
				    "knows of them is void");
}

const struct pattern_rule child_rules[] = {
	{
		.pattern = PATTERN_FORK_SAFETY,
		.name = "fork-abort",
		.match = match_fork_abort,
		.required = "the words of a library, a runtime or the system that it is a forked "
			    "child in which they do not work; Objective-C's name the class that "
			    "another thread was about to initialise",
		.contradicting = "no more than the words `after fork()`: medium",
		.sources = { "python/cpython#75020", "fonttools/fontbakery#2982", "ged/ruby-pg#311",
			     "inducer/pycuda#137" },
	}, {
		.pattern = PATTERN_FORK_SAFETY,
		.name = "python-child",
		.match = match_python_child,
		.required = "Python code that says child (multiprocessing's start method \"fork\", "
			    "or hooks after a fork), and a wait for a lock: of a stream, of "
			    "logging, of imports, or by libc's or CPython's functions",
		.contradicting = "a wait for another process, as an idle worker has it; "
				 "finalization",
		.versions = "the locks of logging and of concurrent.futures are renewed in the "
			    "child, those of streams and modules are not",
		.sources = { "18F/domain-scan#157", "vmware-archive/runtimes#94",
			     "python/cpython#96971" },
	}, {
		.pattern = PATTERN_FORK_SAFETY,
		.name = "named-handler",
		.match = match_named_handler,
		.required = "somebody's own function that is named for an at-fork handler, where "
			    "the stack is cut before fork(); it crashed, or waits",
		.contradicting = "a nearest name; CPython's own functions of such names; a forced "
				 "unwinding; fork() itself, of which other rules know more; a stack "
				 "that is whole, and has no fork()",
		.sources = { "DataDog/dd-trace-py#17042", "DataDog/dd-trace-py#17183" },
	}, {
		.pattern = PATTERN_FORK_SAFETY,
		.name = "fork-call",
		.match = match_fork_call,
		.required = "a signal, and the innermost Python code is what calls os.fork()",
		.sources = { "python/cpython#77906", "grpc/grpc#13998" },
	}, {
		.pattern = PATTERN_FORK_SAFETY,
		.name = "child-end",
		.match = match_child_end,
		.required = "on the stack, a function that macOS calls in a forked child only",
		.sources = { "jgehrcke/gipc#52", "python/cpython#77906" },
	}, {
		.pattern = PATTERN_FORK_SAFETY,
		.name = "warned",
		.match = match_warned,
		.required = "a library's or Python's warning that a process with threads was "
			    "forked, beside what went wrong",
		.supporting = "a wait for a lock",
		.contradicting = "any other finding, but for the wait: the warning comes where "
				 "nothing goes wrong, too",
		.versions = "Python's own warning is of 3.12 and later",
		.sources = { "python/cpython#100228", "grpc/grpc#37710" },
	}, {
		.pattern = PATTERN_FORK_SAFETY,
		.name = "alone",
		.match = match_alone,
		.required = "a list of all threads that has one only, and that one waits for the "
			    "GIL or a lock of Python's",
		.contradicting = "it waits for work, or is at its end",
		.sources = { "DataDog/dd-trace-py#935", "python/cpython#50970" },
	}, {
		.pattern = PATTERN_FORK_SAFETY,
		.name = "proxies",
		.match = match_proxies,
		.required = "a signal in the standard library's question for macOS's proxies, "
			    "which frameworks answer that do not work in a forked child",
		.contradicting = "a child that multiprocessing has spawned",
		.sources = { "python/cpython#75999", "python/cpython#105912",
			     "benoitc/gunicorn#2761", "urllib3/urllib3#1179" },
	}, {
		.pattern = PATTERN_FORK_SAFETY,
		.name = "dispatch",
		.match = match_dispatch,
		.required = "a signal, not SIGABRT, in libdispatch's own functions, called by a "
			    "system's library under Python; or at the address a little above 0x100 "
			    "that libdispatch gives its queues in a child",
		.supporting = "the report says child",
		.contradicting = "work that libdispatch runs; a child that was spawned",
		.sources = { "urllib3/urllib3#1179", "skyfielders/python-skyfield#1024",
			     "FCP-INDI/C-PAC#383", "psycopg/psycopg2#691" },
	},
	{ .match = NULL },
};
