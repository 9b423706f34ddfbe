/* SPDX-License-Identifier: Apache-2.0 */
/* allocator-hook, env-race, cython-silent and stripped-misattribution, by functions' names. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "triage/patterns.h"
#include "triage/rules.h"
#include "triage/signs.h"

/* Tools that stand between a program and its allocator, by the names of their functions. */
static const char *const tool_names[] = {
	"memalloc_*", "tracemalloc_*", "PyTraceMalloc_*", "_PyTraceMalloc_*", "traceback_hash*",
	"trackAllocation*", "trackDeallocation*", "InvokeNewHook*", "InvokeDeleteHook*",
	"track_allocation*", "track_deallocation*", "heaptrack_*", "xxmalloc", "xxfree", "traceback_to_pyobject", "pymemprofile_*", NULL,
};

static const char *const tool_sources[] = { "tracemalloc.c", "_memalloc*", NULL };
static const char *const tool_spaces[] = {
	"memray::intercept", "memray::hooks", "SampleHeap", "AllocationTracker::", NULL,
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

/*
 * CPython called somebody's own allocation function: a hook that PyMem_SetAllocator() set. What
 * ends a module or a capsule is called "…_free" as well, and allocates nothing.
 */
static bool is_hook(const struct facts *facts, int i)
{
	static const char *const enders[] = {
		"module_dealloc", "capsule_dealloc", "subtype_dealloc", NULL,
	};

	return i + 1 < facts->nframes && facts->frames[i].category == CATEGORY_EXTENSION &&
	       facts_like(facts, i, hooked_names) &&
	       facts->frames[i + 1].category == CATEGORY_CPYTHON &&
	       !facts_named(facts, i + 1, enders);
}

/* The lock that is waited for is the allocator's own: the hook has come back into it. */
static bool waits_in_allocator(const struct facts *facts)
{
	for (int i = 0; i < facts->nframes; i++)
		if (facts_is_allocator(facts, i))
			return true;
		else if (facts->frames[i].category != CATEGORY_LIBC &&
			 facts->frames[i].origin.kind != KIND_UNKNOWN)
			return false;
	return false;
}

static void match_hook(const struct facts *facts, struct finding *finding)
{
	const int reach = 12; /* frames: a hook is at the end of a stack, with some helpers */
	int hook = -1;
	char *name;

	if (!facts_troubled(facts) || facts->fork >= 0 ||
	    (facts_lock_wait(facts) && !waits_in_allocator(facts)) ||
	    (facts->crash->kind == CRASH_KIND_LOOK && thread_spins(facts->culprit) >= 0))
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
		finding->attribution = facts_only_cpython(facts, hook) ? ATTRIBUTION_CPYTHON :
									 ATTRIBUTION_EXTENSION;
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
	"strlen", "strncmp", "strcmp", "memcpy", "memmove", "*SignalHandler*", "__restore_rt", NULL,
};

/* Where a handler was called, which may have raised the signal again. */
static bool is_signal(const struct facts *facts, int i)
{
	const struct crash_frame *frame = &facts->culprit->frames[i];

	return frame->signal_frame || (!frame->function && !frame->module);
}

/* The call got NULL for a name or a value: its caller's mistake, without any other thread. */
static bool null_for_env(const struct facts *facts, int env)
{
	static const char *const inner[] = { "__add_to_environ", NULL };

	while (env < facts->nframes && facts_named(facts, env, inner))
		env++;
	return env < facts->nframes && facts->culprit->frames[env].null_argument;
}

static void match_env(const struct facts *facts, struct finding *finding)
{
	int env = facts_find(facts, env_names);
	char *name;

	if (env < 0 || !facts_troubled(facts) || facts_lock_wait(facts) || null_for_env(facts, env))
		return;
	for (int i = 0; i < env; i++)
		if (!facts_like(facts, i, outside_names) && !is_signal(facts, i) &&
		    facts->frames[i].category != CATEGORY_LIBC &&
		    facts->frames[i].category != CATEGORY_CXX)
			return;
	name = facts_describe(facts, env);
	finding_say(finding, SCORE_FAIR + 10, "the environment was read or changed, probably while "
					      "another thread changed it");
	finding->attribution = ATTRIBUTION_APPLICATION;
	if (facts->native >= 0) {
		finding_blame(finding, facts, facts->native);
		if (finding->attribution == ATTRIBUTION_THIRD_PARTY)
			finding->attribution = ATTRIBUTION_INTERACTION;
	}
	finding_because(finding, env,
			"it was in %s, which reads or writes the environment", name);
	free(name);
}

static const char *const tracebacks[] = { "PyTraceBack_Here", "__Pyx_AddTraceback", NULL };

/* An exported name that is only the nearest: so near to its beginning nothing else stands. */
#define NEAR_OFFSET 0x80

static bool begins_traceback(const struct facts *facts)
{
	const struct crash_frame *frame = facts->nframes ? facts->culprit->frames : NULL;

	return frame && frame->trust == TRUST_NEAR && frame->function &&
	       frame->offset < NEAR_OFFSET && !strcmp(frame->function, tracebacks[0]);
}

static void match_unraisable(const struct facts *facts, struct finding *finding)
{
	static const char *const reports[] = { "__Pyx_WriteUnraisable", NULL };
	const char *message = facts->message[MESSAGE_UNRAISABLE];
	int frame = facts_find(facts, reports);

	/* It takes the error that was set, and there is none. */
	if (frame < 0 && (facts_named(facts, 0, tracebacks) || begins_traceback(facts)))
		frame = 0;
	if (facts->crash->kind != CRASH_KIND_SIGNAL || (!message && frame < 0) ||
	    facts->crash->signo == SIGABRT)
		return;
	finding_say(finding, SCORE_FAIR,
		    "an exception was left aside, and its function's caller went on with what is "
		    "not there");
	finding->attribution = facts_owner(facts, &finding->frame);
	if (finding->attribution == ATTRIBUTION_UNKNOWN)
		finding->attribution = ATTRIBUTION_APPLICATION;
	if (!message && finding->attribution == ATTRIBUTION_CPYTHON)
		finding->attribution = ATTRIBUTION_EXTENSION;
	if (message)
		finding_because(finding, -1, "it said: %s", message);
	else
		finding_because(finding, frame,
				frame ? "Cython writes such an exception out here" :
					"a traceback is written for an error that was never set");
}

/* How many functions have to have one and the same source line. */
#define SAME_PLACE 3

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
	{
		.pattern = PATTERN_ALLOCATOR_HOOK,
		.name = "hook",
		.match = match_hook,
		.required = "a crash inside a hook of an allocator, or in what such a hook called: "
			    "tracemalloc, a memory profiler, or somebody's own function with an "
			    "allocator's name right under CPython",
		.contradicting = "a hook far from the innermost frame; a hang, which is a lock's "
				 "matter, unless it is the lock of an allocator that the hook "
				 "called; a fork",
		.sources = { "DataDog/dd-trace-py#17664", "DataDog/dd-trace-py#16661",
			     "python/cpython#126314", "bloomberg/memray#52",
			     "bloomberg/memray#433" },
	}, {
		.pattern = PATTERN_ENV_RACE,
		.name = "environment",
		.match = match_env,
		.required = "a crash in getenv(), setenv() or their kin: they read a list that "
			    "another thread may be changing, and their argument is nearly always a "
			    "literal",
		.contradicting = "somebody's own code above the call; a hang; NULL for a name or a "
				 "value",
		.sources = { "grpc/grpc#38588", "DataDog/dd-trace-php#3528",
			     "OpenMathLib/OpenBLAS#716" },
	}, {
		.pattern = PATTERN_CYTHON_SILENT,
		.name = "unraisable",
		.match = match_unraisable,
		.required = "an error that could not be raised was written out and left aside, and "
			    "then the process crashed: a cdef function without an `except` clause "
			    "gave NULL back as if nothing was. Or the other way round: the crash "
			    "is in the writing of a traceback, for an error that was never set",
		.contradicting = "SIGABRT, which tells its own reason",
		.sources = { "cython/cython#2163", "rapidsai/ucx-py#889", "NVIDIA/cudf#2229",
			     "cython/cython#7857" },
	}, {
		.pattern = PATTERN_STRIPPED_MISATTRIBUTION,
		.name = "misnamed",
		.match = match_misnamed,
		.required = "functions of different names with one and the same line of source, or "
			    "the name of an at-fork function under CPython's taking of the GIL: it "
			    "is what a library without symbols shows for the end of a thread",
		.contradicting = "frames of one inlined function",
		.sources = { "benfred/py-spy#565", "DataDog/dd-trace-py#20081",
			     "rust-lang/rust#68674" },
	},
	{ .match = NULL },
};
