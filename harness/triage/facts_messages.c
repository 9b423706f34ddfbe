/* SPDX-License-Identifier: Apache-2.0 */
/* What processes say before they die, in the words of CPython, libc, C++, Rust and macOS. */
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "triage/facts.h"

struct message_text {
	enum message_kind kind;
	const char *text;
};

static const struct message_text message_texts[] = {
	{ MESSAGE_HEAP_REUSED, "double free" },
	{ MESSAGE_HEAP_CORRUPT, "free(): " },
	{ MESSAGE_HEAP_CORRUPT, "malloc(): " },
	{ MESSAGE_HEAP_CORRUPT, "realloc(): " },
	{ MESSAGE_HEAP_CORRUPT, "munmap_chunk(): " },
	{ MESSAGE_HEAP_CORRUPT, "malloc_consolidate(): " },
	{ MESSAGE_HEAP_CORRUPT, "corrupted double-linked list" },
	{ MESSAGE_HEAP_CORRUPT, "corrupted size vs. prev_size" },
	{ MESSAGE_HEAP_CORRUPT, "c0000374" },
	{ MESSAGE_HEAP_CORRUPT, "C0000374" },
	{ MESSAGE_NOT_RETHROWN, "FATAL: exception not rethrown" },
	{ MESSAGE_TERMINATE, "terminate called without an active exception" },
	{ MESSAGE_TSTATE_DEAD, "auto-releasing thread-state, but no thread-state" },
	{ MESSAGE_TSTATE_DEAD, "gilstate_tss_set: failed to set current tstate" },
	{ MESSAGE_TSTATE_DEAD, "thread state already initialized" },
	{ MESSAGE_TSTATE_DEAD, "tstate_is_alive(" },
	{ MESSAGE_TSTATE_DEAD, "autoInterpreterState" },
	{ MESSAGE_TSTATE_DEAD, "_PyEval_ThreadsInitialized()' failed" },
	{ MESSAGE_TSTATE_DEAD, "tstate_tss_initialized(" },
	{ MESSAGE_TSTATE_DEAD, "_status.initialized && " },
	{ MESSAGE_TSTATE_DEAD, "unbind_gilstate_tstate" },
	{ MESSAGE_TSTATE_DEAD, "autoTSSkey" },
	{ MESSAGE_TSTATE_DEAD, "_PyMem_IsPtrFreed(tstate" },
	{ MESSAGE_TSTATE_DEAD, "PyMUTEX_LOCK(" },
	{ MESSAGE_TSTATE_DEAD, "PyCOND_SIGNAL(" },
	{ MESSAGE_TSTATE_DEAD, "PyCOND_WAIT(" },
	{ MESSAGE_TSTATE_DEAD, "PyImport_GetModuleDict: no module dictionary" },
	{ MESSAGE_TSTATE_FOREIGN, "gilstate_tss_get(" },
	{ MESSAGE_TSTATE_FOREIGN, "gilstate_counter" },
	{ MESSAGE_TSTATE_FOREIGN, "must be current when releasing" },
	{ MESSAGE_TSTATE_FOREIGN, "non-NULL old thread state" },
	{ MESSAGE_TSTATE_FOREIGN, "wrong thread state" },
	{ MESSAGE_TSTATE_FOREIGN, "tstate mix-up" },
	{ MESSAGE_TSTATE_FOREIGN, "orphan tstate" },
	{ MESSAGE_TSTATE_FOREIGN, "Invalid thread state for this thread" },
	{ MESSAGE_GIL_NOT_HELD, "must be called with the GIL held" },
	{ MESSAGE_GIL_NOT_HELD, "must be called with an active thread state" },
	{ MESSAGE_GIL_NOT_HELD, "called without holding the GIL" },
	{ MESSAGE_GIL_NOT_HELD, "but the GIL is released" },
	{ MESSAGE_GIL_NOT_HELD, "PyThreadState_Get: no current thread" },
	{ MESSAGE_GIL_NOT_HELD, ": NULL tstate" },
	{ MESSAGE_GIL_NOT_HELD, "without the GIL being held" },
	{ MESSAGE_GIL_NOT_HELD, "while the GIL is either not held" },
	{ MESSAGE_GIL_NOT_HELD, "while the GIL was not held" },
	{ MESSAGE_GIL_NOT_HELD, "without holding the GIL" },
	{ MESSAGE_GIL_NOT_HELD, "PyGILState_Check()' failed" },
	{ MESSAGE_GIL_NOT_HELD, "PyGILState_Check() failure" },
	{ MESSAGE_GIL_NOT_HELD, "_Py_EnsureTstateNotNULL" },
	{ MESSAGE_GIL_NOT_HELD, "_Py_EnsureFuncTstateNotNULL" },
	{ MESSAGE_SHUTDOWN_IO, "at interpreter shutdown, possibly due to daemon threads" },
	{ MESSAGE_SHUTDOWN_IO, "_enter_buffered_busy: could not acquire lock" },
	{ MESSAGE_FINALIZING, "Python runtime state: finalizing" },
	{ MESSAGE_FINALIZING, "can't create new thread at interpreter shutdown" },
	{ MESSAGE_FINALIZING, "cannot schedule new futures after interpreter shutdown" },
	{ MESSAGE_FINALIZING, "Python is likely shutting down" },
	{ MESSAGE_FINALIZING, "Py_EndInterpreter: not the last thread" },
	{ MESSAGE_NOT_INITIALIZED, "The Python interpreter is not initialized" },
	{ MESSAGE_FORK_ABORT, "crashed on child side of fork pre-exec" },
	{ MESSAGE_FORK_ABORT, "multi-threaded process forked" },
	{ MESSAGE_FORK_ABORT, "in the fork() child process" },
	{ MESSAGE_FORK_ABORT, "The process has forked and you cannot use this CoreFoundation" },
	{ MESSAGE_FORK_ABORT, "fork() called from a process already using GNU OpenMP" },
	{ MESSAGE_FORK_ABORT, "in forked subprocess" },
	{ MESSAGE_FORK_ABORT, "in a forked process" },
	{ MESSAGE_FORK_ABORT, "in a forked child" },
	{ MESSAGE_FORK_ABORT, "fork() is not allowed" },
	{ MESSAGE_FORK_ABORT, "fork() is not supported" },
	{ MESSAGE_FORK_ABORT, "fork() without exec() is not" },
	{ MESSAGE_FORK_SPOKEN, "after fork()" },
	{ MESSAGE_FORK_SPOKEN, "after os.fork" },
	{ MESSAGE_FORK_ABORT, "_PyInterpreterState_DeleteExceptMain: not main interpreter" },
	{ MESSAGE_FORK_WARNED, "use of fork() may lead to deadlocks in the child" },
	{ MESSAGE_FORK_WARNED, "os.fork() is incompatible with multithreaded code" },
	{ MESSAGE_FORK_WARNED, "calling into gRPC, skipping fork() handlers" },
	{ MESSAGE_FORK_WARNED, "FD from fork parent still in poll list" },
	{ MESSAGE_CLASS_INIT, "in progress in another thread when fork() was called" },
	{ MESSAGE_BAD_FILE, "Bad file descriptor" },
	{ MESSAGE_BAD_FILE, "kind: BadFileDescriptor" },
	{ MESSAGE_MUTEX_BROKEN, "failed: Mutex::" },
	{ MESSAGE_MUTEX_BROKEN, "Mutex corrupt" },
	{ MESSAGE_MUTEX_BROKEN, "mutex.cc" },
	{ MESSAGE_MUTEX_BROKEN, "mutex->__data.__owner == 0" },
	{ MESSAGE_STACK_OVERFLOW, "Cannot recover from stack overflow" },
	{ MESSAGE_STACK_OVERFLOW, "Cannot recover from Python stack overflow" },
	{ MESSAGE_STACK_OVERFLOW, "Unrecoverable stack overflow" },
	{ MESSAGE_STACK_OVERFLOW, "Windows fatal exception: stack overflow" },
	{ MESSAGE_STACK_OVERFLOW, "has overflowed its stack" },
	{ MESSAGE_STACK_OVERFLOW, "fatal runtime error: stack overflow" },
	{ MESSAGE_STACK_OVERFLOW, "stack size exceeded due to excessive recursion" },
	{ MESSAGE_UNWIND_FORBIDDEN, "panic in a function that cannot unwind" },
	{ MESSAGE_UNWIND_FORBIDDEN, "Rust cannot catch foreign exceptions" },
	{ MESSAGE_UNWIND_FORBIDDEN, "Rust panics must be rethrown" },
	{ MESSAGE_UNWIND_FORBIDDEN, "failed to initiate panic" },
	{ MESSAGE_UNWIND_FORBIDDEN, "panic in a destructor during cleanup" },
	{ MESSAGE_THROWN_PYTHON, "instance of 'pybind11::" },
	{ MESSAGE_THROWN_PYTHON, "instance of 'nanobind::" },
	{ MESSAGE_THROWN_PYTHON, "instance of 'boost::python::" },
	{ MESSAGE_THROWN_PYTHON, "uncaught exception of type pybind11::" },
	{ MESSAGE_THROWN_PYTHON, "uncaught exception of type nanobind::" },
	{ MESSAGE_THROWN, "terminate called after throwing an instance of " },
	{ MESSAGE_THROWN, "uncaught exception of type " },
	{ MESSAGE_UNRAISABLE, "' ignored" },
	{ MESSAGE_UNRAISABLE, "Exception ignored in: '" },
	{ MESSAGE_UNRAISABLE, "returned NULL without setting an" },
	{ MESSAGE_REFCOUNT, "refcount is negative" },
	{ MESSAGE_REFCOUNT, "object has negative ref count" },
	{ MESSAGE_REFCOUNT, "object has been freed" },
	{ MESSAGE_REFCOUNT, "_PyObject_IsFreed" },
	{ MESSAGE_REFCOUNT, "deallocating None" },
	{ MESSAGE_FREED_STATE, "<freed thread state>" },
};

/* The line around a place in a text. */
static char *line_around(const char *text, const char *at)
{
	const char *begin = at, *end = at + strcspn(at, "\n");
	char *line;

	while (begin > text && begin[-1] != '\n')
		begin--;
	line = xmalloc((size_t)(end - begin) + 1);
	memcpy(line, begin, (size_t)(end - begin));
	line[end - begin] = '\0';
	return line;
}

void messages_find(const char *text, char *message[MESSAGE_KINDS])
{
	for (size_t i = 0; i < sizeof(message_texts) / sizeof(*message_texts); i++) {
		const char *at = *text ? strstr(text, message_texts[i].text) : NULL;
		char **line = &message[message_texts[i].kind];

		if (at && !*line)
			*line = line_around(text, at);
	}
}
