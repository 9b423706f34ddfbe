/* SPDX-License-Identifier: Apache-2.0 */
#include "observe/stacktext.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "observe/waits.h"

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* What a process calls things may be meant to steer a terminal, or to look like lines of ours. */
static void add_name(struct strbuf *out, const char *name)
{
	text_add_line(out, name, strlen(name));
}

static void add_place(struct strbuf *out, const struct crash_frame *frame)
{
	if (!frame->file)
		return;
	strbuf_addstr(out, "  ");
	add_name(out, frame->file);
	strbuf_addf(out, ":%d", frame->line);
}

static void add_interp(struct strbuf *out, const struct crash_python *python,
		       const struct crash_interp *interp)
{
	strbuf_addf(out, "  interpreter %" PRId64 ": ", interp->id);
	if (python->free_threaded)
		strbuf_addstr(out, "no GIL (a free-threaded build)");
	else if (interp->gil_tid)
		strbuf_addf(out, "the GIL is held by thread %d", interp->gil_tid);
	else if (interp->gil_taken)
		strbuf_addstr(out, "the GIL is held by a thread state that is in no list: its "
			      "thread has been lost (in a fork, or it ended)");
	else
		strbuf_addstr(out, "the GIL is free");
	if (interp->collecting)
		strbuf_addstr(out, "; a garbage collection runs");
	strbuf_addch(out, '\n');
}

static void add_python(struct strbuf *out, const struct crash_python *python)
{
	if (!python->release) {
		strbuf_addstr(out, "CPython cannot be read: ");
		add_name(out, python->trouble);
		strbuf_addch(out, '\n');
		return;
	}
	strbuf_addf(out, "CPython %s%s, ", python->release,
		    python->free_threaded ? ", free-threaded" : "");
	add_name(out, python->module);
	strbuf_addch(out, '\n');
	if (python->finalizing && python->finalizing_tid)
		strbuf_addf(out, "  finalizing: thread %d ends the interpreter\n",
			    python->finalizing_tid);
	else if (python->finalizing)
		strbuf_addstr(out, "  finalizing, by a thread state that is in no list any more\n");
	for (size_t i = 0; i < python->ninterps; i++)
		add_interp(out, python, &python->interps[i]);
	if (!python->ninterps)
		strbuf_addstr(out, "  no interpreter is in its list (not initialised yet, "
			      "finalized, or taken apart just then): no Python frame can be "
			      "read\n");
	if (python->trouble)
		strbuf_addf(out, "  %s\n", python->trouble);
}

void stacktext_python(struct strbuf *out, const struct crash *crash, pid_t pid)
{
	for (size_t i = 0; i < crash->npythons; i++)
		if (crash->pythons[i].pid == pid)
			add_python(out, &crash->pythons[i]);
}

static void add_wait(struct strbuf *out, const struct crash_wait *wait)
{
	bool gil = wait->what && !strcmp(wait->what, "GIL");

	if (wait->syscall)
		strbuf_addf(out, "in %s()%s", wait->syscall,
			    wait->what || wait->address ? ", " : "");
	if (wait_is_for_process(wait) && wait->owner) {
		strbuf_addf(out, "waits for child process %d", wait->owner);
		return;
	}
	if (waits_is_parked(wait))
		strbuf_addf(out, "waits %s", wait->what);
	else if (wait->lock_type)
		strbuf_addf(out, "waits for a %s at 0x%" PRIx64, wait->lock_type, wait->lock);
	else if (wait->what)
		strbuf_addf(out, "waits for %s %s", gil ? "the" : "a", wait->what);
	else if (wait->address)
		strbuf_addf(out, "waits for the word at 0x%" PRIx64, wait->address);
	if (wait->owner)
		strbuf_addf(out, " of thread %d", wait->owner);
	if (wait->owner_missing && !wait->owner)
		strbuf_addstr(out, " whose owner is no thread of this process (any more)");
	else if (wait->owner_missing && !wait->owner_elsewhere)
		strbuf_addstr(out, ", which this process has not");
	if (waits_lock_has_no_owner(wait))
		strbuf_addstr(out, ", which does not tell its owner");
	if (wait->owner_elsewhere)
		strbuf_addf(out, ", which lives in process %d", wait->owner_elsewhere);
	/* For the GIL it waits in rounds. */
	if (wait->timed && !gil)
		strbuf_addstr(out, ", for some time at most");
}

static const char *state_word(char state)
{
	switch (state) {
	case 'R':
		return "runs";
	case 'S':
		return "sleeps";
	case 'D':
		return "sleeps where nothing can wake it but the kernel";
	case 'T':
	case 't':
		return "stopped";
	case 'Z':
	case 'X':
		return "has ended";
	default:
		return NULL;
	}
}

/* A core does not tell each thread's state; what it waits for says enough then. */
static void add_state(struct strbuf *out, const struct crash_thread *thread)
{
	const char *word = state_word(thread->state);
	bool waits = thread->wait.syscall || thread->wait.what;

	if (!word && thread->culprit)
		word = "the signal came to it";
	if (!word && !waits)
		word = "state unknown";
	if (word)
		strbuf_addf(out, "%s%s", word, waits ? ", " : "");
	if (waits)
		add_wait(out, &thread->wait);
}

bool stacktext_shows(const struct crash_frame *frame, enum stacktext_frames which)
{
	if (frame->python)
		return which != STACKTEXT_NATIVE;
	return which == STACKTEXT_NATIVE || (which == STACKTEXT_MERGED && !frame->evaluator);
}

static void add_frame(struct strbuf *out, size_t n, const struct crash_frame *frame)
{
	strbuf_addf(out, "  #%-3zu ", n);
	if (frame->python) {
		strbuf_addstr(out, "(Python) ");
		add_name(out, frame->function ? frame->function : "?");
		add_place(out, frame);
		strbuf_addch(out, '\n');
		return;
	}
	if (frame->function) {
		strbuf_addstr(out, frame->trust == TRUST_NEAR ? "near " : "");
		add_name(out, frame->function);
		strbuf_addf(out, "+0x%" PRIx64, frame->offset);
	} else {
		strbuf_addf(out, "0x%" PRIx64, frame->pc);
	}
	add_place(out, frame);
	if (frame->module) {
		strbuf_addstr(out, "  (");
		add_name(out, base_name(frame->module));
		strbuf_addf(out, "+0x%" PRIx64 ")", frame->module_offset);
	}
	if (frame->signal_frame)
		strbuf_addstr(out, "  a signal's handler returns here");
	strbuf_addch(out, '\n');
}

void stacktext_thread(struct strbuf *out, const struct crash_thread *thread, pid_t pid,
		      enum stacktext_frames which)
{
	size_t n = 0;

	strbuf_addf(out, "Thread %d", thread->tid);
	if (thread->name) {
		strbuf_addstr(out, " \"");
		add_name(out, thread->name);
		strbuf_addch(out, '"');
	}
	if (thread->pid != pid)
		strbuf_addf(out, " of process %d", thread->pid);
	strbuf_addstr(out, ": ");
	if (thread->has_gil)
		strbuf_addstr(out, "has the GIL, ");
	add_state(out, thread);
	if (thread->has_python && thread->interp)
		strbuf_addf(out, ", of interpreter %" PRId64, thread->interp);
	if (thread->runtime) {
		strbuf_addstr(out, ", in ");
		add_name(out, base_name(thread->runtime));
	}
	strbuf_addch(out, '\n');
	for (size_t i = 0; i < thread->nframes; i++)
		if (stacktext_shows(&thread->frames[i], which))
			add_frame(out, n++, &thread->frames[i]);
	if (thread->left_out)
		strbuf_addf(out, "  %zu more Python frames\n", thread->left_out);
	if (thread->python_torn && which != STACKTEXT_NATIVE)
		strbuf_addstr(out, "  the Python frames end in memory that is none of a frame\n");
	if (thread->truncated && which != STACKTEXT_PYTHON)
		strbuf_addstr(out, "  the unwinder went no further\n");
	if (!n)
		strbuf_addstr(out, which == STACKTEXT_PYTHON ? "  no Python frame\n" :
			      "  no frame\n");
}
