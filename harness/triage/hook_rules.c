/* SPDX-License-Identifier: Apache-2.0 */
/*
 * allocator-hook, env-race, and what else the functions' names tell: gil-not-held, cython-silent,
 * stripped-misattribution. Each rule says what it requires and what contradicts it.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "triage/patterns.h"
#include "triage/rules.h"

/* Tools that stand between a program and its allocator, by the names of their functions. */
static const char *const tool_names[] = {
	"memalloc_*", "tracemalloc_*", "PyTraceMalloc_*", "_PyTraceMalloc_*", "traceback_hash*",
	"trackAllocation*", "trackDeallocation*", "InvokeNewHook*", "InvokeDeleteHook*",
	"heaptrack_*", "xxmalloc", "xxfree", "traceback_to_pyobject", "pymemprofile_*", NULL,
};

static const char *const tool_sources[] = { "tracemalloc.c", "_memalloc*", NULL };
static const char *const tool_spaces[] = {
	"memray::intercept", "memray::hooks", "SampleHeap", NULL,
};

static const char *const hooked_names[] = {
	"*malloc", "*_alloc", "*calloc", "*realloc", "*_free", "mmap", "munmap", "free", NULL,
};

static bool source_is(const char *file, const char *const *names)
{
	const char *base = module_base(file);

	for (; base && *names; names++)
		if (pattern_matches(*names, base, strlen(base)))
			return true;
	return false;
}

static bool is_tool(const struct facts *facts, int i)
{
	const struct crash_frame *frame = &facts->culprit->frames[i];

	if (facts_like(facts, i, tool_names) || source_is(frame->file, tool_sources))
		return true;
	for (size_t k = 0; frame->function && tool_spaces[k]; k++)
		if (frame->trust == TRUST_EXACT && strstr(frame->function, tool_spaces[k]))
			return true;
	return false;
}

/* CPython called somebody's own allocation function: a hook that PyMem_SetAllocator() set. */
static bool is_hook(const struct facts *facts, int i)
{
	return i + 1 < facts->nframes && facts->frames[i].category == CATEGORY_EXTENSION &&
	       facts_like(facts, i, hooked_names) &&
	       facts->frames[i + 1].category == CATEGORY_CPYTHON;
}

/*
 * Required: a crash inside the functions of an allocation hook, or in what such a hook called:
 * tracemalloc, a memory profiler, or somebody's own function with an allocator's name right under
 * CPython. Contradicting: the tool only lies below much else that has nothing to do with it; a
 * hang, which is a lock's matter.
 *	https://github.com/DataDog/dd-trace-py/pull/17664
 *	https://github.com/python/cpython/issues/126314 and /issues/126315
 *	https://github.com/bloomberg/memray/pull/52
 */
static void match_hook(const struct facts *facts, struct finding *finding)
{
	const int reach = 12; /* frames: a hook is at the end of a stack, with some helpers */
	int hook = -1;
	char *name;

	if (!facts_troubled(facts) || facts->fork >= 0 || facts_lock_wait(facts))
		return;
	for (int i = 0; i < facts->nframes && i < reach && hook < 0; i++)
		if (is_tool(facts, i) || is_hook(facts, i))
			hook = i;
	if (hook < 0)
		return;
	name = facts_describe(facts, hook);
	finding_say(finding, facts->crash->kind == CRASH_KIND_SIGNAL ? SCORE_FAIR + 10 : SCORE_FAIR,
		    "it %s in a hook of the allocator, %s", facts_verb(facts), name);
	finding_blame(finding, facts, hook);
	if (finding->attribution == ATTRIBUTION_UNKNOWN)
		finding->attribution = ATTRIBUTION_EXTENSION;
	finding_because(finding, hook, "%s stands between the allocator and who allocates", name);
	free(name);
}

static const char *const env_names[] = {
	"getenv", "__GI_getenv", "secure_getenv", "__libc_secure_getenv", "setenv", "unsetenv",
	"putenv", "__add_to_environ", "clearenv", "tzset", "tzset_internal", "__tzset", "environ",
	"_os_env_get", "var_os", "curl_getenv", "GetEnv", "os_putenv_impl",
	"os_unsetenv_impl", NULL,
};

static const char *const outside_names[] = {
	"strlen", "strncmp", "strcmp", "__strlen_*", "__strncmp_*", "memcpy", "__memcpy_*",
	"__memmove_*", "*SignalHandler*", "__restore_rt", NULL,
};

/*
 * Required: a crash in getenv(), setenv() or their kin. They read a list that another thread may
 * be changing, and fail on nothing else: their argument is nearly always a literal. Who answers
 * for it: a caller of somebody's own; no single one if only a library called; who changes the
 * environment, if nothing is known of the caller. Contradicting: a hang.
 *	https://github.com/grpc/grpc/issues/38588 (application: one report)
 *	https://github.com/DataDog/dd-trace-php/pull/3528
 *	https://github.com/OpenMathLib/OpenBLAS/issues/716
 */
static void match_env(const struct facts *facts, struct finding *finding)
{
	int env = facts_find(facts, env_names);

	if (env < 0 || !facts_troubled(facts) || facts_lock_wait(facts))
		return;
	for (int i = 0; i < env; i++)
		if (!facts_like(facts, i, outside_names) &&
		    facts->frames[i].category != CATEGORY_LIBC &&
		    facts->frames[i].category != CATEGORY_CXX)
			return;
	finding_say(finding, SCORE_FAIR + 10, "the environment was read or changed while another "
					      "thread changed it");
	finding->attribution = ATTRIBUTION_APPLICATION;
	if (facts->native >= 0) {
		finding_blame(finding, facts, facts->native);
		if (finding->attribution == ATTRIBUTION_THIRD_PARTY)
			finding->attribution = ATTRIBUTION_INTERACTION;
	}
	finding_because(finding, env,
			"the environment is one list for all threads, without a lock");
}

/* Is the innermost code, libc's left aside, CPython's, called straight from somebody's own? */
static bool dies_in_api(const struct facts *facts)
{
	int i = 0;

	while (i < facts->nframes && facts->frames[i].category == CATEGORY_LIBC)
		i++;
	return i < facts->nframes && facts->frames[i].category == CATEGORY_CPYTHON &&
	       facts->native > i;
}

/*
 * Required: CPython's functions crashed under a native thread's own code, with no Python code and
 * no attaching on the stack, and the thread's start to be seen. Contradicting: a fork,
 * finalization, the program's main thread.
 *	https://github.com/mxmlnkn/rapidgzip/issues/24
 *	https://github.com/pybind/pybind11/issues/1360
 */
static void match_unattached(const struct facts *facts, struct finding *finding)
{
	static const char *const starts[] = {
		"start_thread", "clone", "clone3", "__clone*", "_pthread_start", "thread_start",
		"execute_native_thread_routine", NULL,
	};

	if (facts->crash->kind != CRASH_KIND_SIGNAL || facts->interpreting || facts->fork >= 0 ||
	    facts->finalize >= 0 || facts->unwind >= 0 || facts->in_child ||
	    facts_find_like(facts, starts) < 0 || !dies_in_api(facts))
		return;
	finding_say(finding, SCORE_WEAK, "a native thread uses Python, perhaps without the GIL");
	finding_blame(finding, facts, facts->native);
	finding_because(finding, facts->native, "nothing on the stack attaches it to Python");
}

/*
 * Required: an error that could not be raised was written out and left aside, and then the process
 * crashed: a cdef function without an `except` clause gave NULL back as if nothing was. Or
 * Cython's own report of that on the stack. One report, and Cython's documentation:
 *	https://github.com/cython/cython/issues/2163
 */
static void match_unraisable(const struct facts *facts, struct finding *finding)
{
	static const char *const reports[] = { "__Pyx_WriteUnraisable", NULL };
	const char *message = facts->message[MESSAGE_UNRAISABLE];
	int frame = facts_find(facts, reports);

	if (facts->crash->kind != CRASH_KIND_SIGNAL || (!message && frame < 0) ||
	    facts->crash->signo == SIGABRT)
		return;
	finding_say(finding, SCORE_FAIR,
		    "an exception was left aside, and its function's caller went on with what is "
		    "not there");
	finding->attribution = facts_owner(facts, &finding->frame);
	if (finding->attribution == ATTRIBUTION_UNKNOWN)
		finding->attribution = ATTRIBUTION_APPLICATION;
	if (message)
		finding_because(finding, -1, "it said: %s", message);
	else
		finding_because(finding, frame, "Cython writes such an exception out here");
}

/* How many functions have to have one and the same source line. */
#define SAME_PLACE 3

/*
 * Required: functions of different names with one and the same line of source, or the name of an
 * at-fork function under CPython's taking of the GIL (it is PyThread_exit_thread, which the
 * stripped library has no name for). The names cannot be believed; what happened is another
 * question, so this is told beside other patterns.
 *	https://github.com/benfred/py-spy/issues/565
 *	https://github.com/DataDog/dd-trace-py/pull/20081
 */
static void match_misnamed(const struct facts *facts, struct finding *finding)
{
	static const char *const reinit[] = { "_PyThread_at_fork_reinit", NULL };
	static const char *const takers[] = { "take_gil", "PyEval_RestoreThread", NULL };
	int same = 0, frame = -1;

	for (int i = 0; i + 1 < facts->nframes && same < SAME_PLACE; i++) {
		const struct crash_frame *a = &facts->culprit->frames[i], *b = a + 1;

		if (facts_named(facts, i, reinit) && facts_named(facts, i + 1, takers))
			frame = i;
		same = a->file && b->file && a->function && b->function && a->line && !a->python &&
				       a->line == b->line && !strcmp(a->file, b->file) &&
				       strcmp(a->function, b->function) ?
			       same + 1 : 0;
		if (same == SAME_PLACE - 1)
			frame = i;
	}
	if (frame < 0)
		return;
	finding_say(finding, SCORE_ALSO,
		    "names or places on the stack are not those of the functions");
	finding->attribution = facts_owner(facts, &finding->frame);
	finding_because(finding, frame, "this name or place cannot be right");
}

const struct pattern_rule hook_rules[] = {
	{ PATTERN_ALLOCATOR_HOOK, "hook", match_hook },
	{ PATTERN_ENV_RACE, "environment", match_env },
	{ PATTERN_GIL_NOT_HELD, "unattached", match_unattached },
	{ PATTERN_CYTHON_SILENT, "unraisable", match_unraisable },
	{ PATTERN_STRIPPED_MISATTRIBUTION, "misnamed", match_misnamed },
	{ .match = NULL },
};
