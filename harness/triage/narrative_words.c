/* SPDX-License-Identifier: Apache-2.0 */
/* What single frames are and do. */
#include <stdlib.h>
#include <string.h>

#include "triage/markdown.h"
#include "triage/narrative.h"

const char *narrative_owner(enum frame_category category)
{
	static const char *const owners[] = {
		[CATEGORY_UNKNOWN] = "unknown",     [CATEGORY_CPYTHON] = "CPython runtime",
		[CATEGORY_PYTHON] = "Python",
		[CATEGORY_LIBC] = "libc",           [CATEGORY_CXX] = "C++ runtime",
		[CATEGORY_UNWINDER] = "unwinder",   [CATEGORY_LOADER] = "dynamic linker",
		[CATEGORY_EXTENSION] = "extension", [CATEGORY_PROGRAM] = "program",
		[CATEGORY_LIBRARY] = "library",     [CATEGORY_HARNESS] = "forkpoint",
	};

	return owners[category];
}

struct deed {
	const char *name; /* bare; '*' at its end: any that begins so */
	const char *what;
};

/* What these functions are for, whatever the crash. The first that fits. */
static const struct deed deeds[] = {
	{ "raise", "sends a signal to its own thread" },
	{ "pthread_kill", "sends a signal to a thread" },
	{ "__pthread_kill*", "sends a signal to a thread" },
	{ "abort", "ends the process by SIGABRT" },
	{ "__libc_message", "prints libc's last words" },
	{ "malloc_printerr", "tells that the heap is damaged" },
	{ "free", "gives memory back" },
	{ "malloc", "takes memory" },
	{ "calloc", "takes memory" },
	{ "realloc", "changes the size of a block of memory" },
	{ "_int_*", "works on the heap" },
	{ "fork", "makes a child process" },
	{ "_Fork", "makes a child process" },
	{ "os_fork_impl", "os.fork()" },
	{ "__run_*", "calls what was registered to run at a fork" },
	{ "PyOS_BeforeFork", "prepares the interpreter for a fork" },
	{ "PyOS_AfterFork*", "mends the interpreter after a fork" },
	{ "run_at_forkers", "calls what os.register_at_fork() was given" },
	{ "pthread_mutex_lock", "takes a mutex" },
	{ "pthread_mutex_unlock", "gives up a mutex" },
	{ "pthread_cond_*", "waits at, or wakes, a condition" },
	{ "__lll_lock_wait*", "waits for a mutex" },
	{ "__futex_*", "waits in the kernel" },
	{ "sem_*", "a semaphore" },
	{ "pthread_join", "waits for a thread's end" },
	{ "__pthread_clockjoin*", "waits for a thread's end" },
	{ "pthread_exit", "ends the calling thread, by unwinding its stack" },
	{ "_Unwind_ForcedUnwind*", "unwinds the stack of a thread that is to end" },
	{ "_Unwind_*", "unwinds the stack" },
	{ "terminate", "ends the process: an exception found no handler" },
	{ "__cxa_throw", "throws an exception" },
	{ "__cxa_rethrow", "throws an exception on" },
	{ "exit", "ends the program in order" },
	{ "__run_exit_handlers", "calls what was registered to run at exit" },
	{ "__cxa_finalize*", "runs destructors of static objects" },
	{ "start_thread", "first function of a thread" },
	{ "clone3", "where the kernel starts a thread" },
	{ "clone", "where the kernel starts a thread" },
	{ "__clone*", "where the kernel starts a thread" },
	{ "execute_native_thread_routine", "first function of a std::thread" },
	{ "pythread_wrapper", "first function of a thread of CPython's" },
	{ "thread_run", "runs what threading started" },
	{ "_start", "the program's entry" },
	{ "__libc_start_*", "calls main" },
	{ "main", "the program's main function" },
	{ "Py_BytesMain", "runs the interpreter as a program" },
	{ "Py_RunMain", "runs the interpreter as a program" },
	{ "Py_FinalizeEx", "ends the interpreter" },
	{ "Py_EndInterpreter", "ends a sub-interpreter" },
	{ "finalize_modules", "ends the modules, as the interpreter ends" },
	{ "PyThread_exit_thread", "ends a thread that may not attach any more" },
	{ "PyThread_hang_thread", "keeps for ever a thread that may not attach any more" },
	{ "take_gil", "waits for the GIL" },
	{ "drop_gil", "gives up the GIL" },
	{ "PyGILState_Ensure", "attaches the thread to the interpreter" },
	{ "PyGILState_Release", "detaches the thread from the interpreter" },
	{ "PyEval_RestoreThread", "attaches the thread to the interpreter again" },
	{ "PyEval_SaveThread", "detaches the thread from the interpreter" },
	{ "_PyThreadState_Attach", "attaches the thread to the interpreter" },
	{ "new_threadstate", "makes a thread state" },
	{ "_PyEval_EvalFrame*", "runs Python code" },
	{ "PyEval_EvalCode", "runs Python code" },
	{ "_Py_Dealloc", "destroys an object without references" },
	{ "gc_collect*", "collects cyclic garbage" },
	{ "PyObject_Malloc", "takes memory for an object" },
	{ "PyObject_Free", "gives an object's memory back" },
	{ "fatal_error*", "ends the process with CPython's last words" },
	{ "_Py_FatalError*", "ends the process with CPython's last words" },
	{ "rust_panic*", "a Rust panic" },
	{ "rust_begin_unwind", "a Rust panic" },
	{ "*", NULL },
};

const char *narrative_deed(const struct facts *facts, int frame)
{
	const char *name = facts->frames[frame].name;

	if (facts->culprit->frames[frame].python)
		return "Python code";
	for (size_t i = 0; name && deeds[i].what; i++) {
		size_t len = strcspn(deeds[i].name, "*");

		if (!strncmp(name, deeds[i].name, len) && (deeds[i].name[len] || !name[len]))
			return deeds[i].what;
	}
	return NULL;
}

static const char *const category_deeds[] = {
	[CATEGORY_UNKNOWN] = "code whose owner the report does not tell",
	[CATEGORY_CPYTHON] = "the interpreter's own code",
	[CATEGORY_PYTHON] = "Python code",
	[CATEGORY_LIBC] = "libc's own code",
	[CATEGORY_CXX] = "the C++ runtime's own code",
	[CATEGORY_UNWINDER] = "unwinds the stack",
	[CATEGORY_LOADER] = "the dynamic linker's own code",
	[CATEGORY_EXTENSION] = "code of a native module",
	[CATEGORY_PROGRAM] = "the program's own code",
	[CATEGORY_LIBRARY] = "code of a library",
	[CATEGORY_HARNESS] = "where forkpoint holds a thread",
};

static const char *trust_doubt(const struct crash_frame *frame)
{
	switch (frame->trust) {
	case TRUST_NEAR:
		return "uncertain: the name is the nearest export, the function may be another";
	case TRUST_SCANNED:
		return "uncertain: found by looking through the stack, perhaps of an earlier call";
	case TRUST_NONE:
		return "uncertain: the function has no name";
	default:
		return frame->debug != DEBUG_NAME ? NULL :
		       "uncertain: its debug symbols were found by the module's name alone";
	}
}

void narrative_add_frame(struct strbuf *out, const struct facts *facts, int n)
{
	const struct crash_frame *frame = &facts->culprit->frames[n];
	const char *deed = narrative_deed(facts, n);
	const char *doubt = trust_doubt(frame);

	strbuf_addstr(out, deed ? deed : category_deeds[facts->frames[n].category]);
	if (frame->inlined)
		strbuf_addstr(out, "; inlined into the frame below");
	if (frame->signal_frame)
		strbuf_addstr(out, "; a signal came: the frame below was interrupted and called "
			      "nothing");
	if (doubt)
		strbuf_addf(out, "; %s", doubt);
}

void narrative_add_place(struct strbuf *out, const struct facts *facts, int n)
{
	char *name = facts_describe(facts, n);
	const struct crash_frame *frame;

	if (n < 0 || n >= facts->nframes) {
		strbuf_addstr(out, name);
		free(name);
		return;
	}
	frame = &facts->culprit->frames[n];
	strbuf_addf(out, "\\#%d ", n);
	/* A name that is not exact may be another's, but is what people search for. */
	markdown_add_code(out, facts->frames[n].name || !frame->function ? name : frame->function);
	if (frame->function && !facts->frames[n].name)
		strbuf_addstr(out, " (uncertain name)");
	if (frame->module && (frame->function || facts->frames[n].name)) {
		strbuf_addstr(out, " in ");
		markdown_add_code(out, module_base(frame->module));
	}
	free(name);
}
