/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/narrative.h"

#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "triage/markdown.h"
#include "triage/patterns.h"

/* More changes between components than these are not told one by one. */
#define STEPS_FIRST 12
#define STEPS_LAST 8

static bool any_named(const struct facts *facts, const char *const *names)
{
	for (int i = 0; i < facts->nframes; i++)
		if (!facts->culprit->frames[i].python && facts_named(facts, i, names))
			return true;
	return false;
}

/* What kind of thread it is, by how its stack begins. */
static const char *thread_kind(const struct facts *facts)
{
	static const char *const main_names[] = {
		"main", "_start", "__libc_start_main", "__libc_start_main_impl",
		"__libc_start_call_main", "Py_RunMain", "Py_BytesMain", "Py_Main", NULL,
	};
	static const char *const python_names[] = {
		"pythread_wrapper", "thread_run", "t_bootstrap", "thread_PyThread_start_new_thread",
		NULL,
	};
	static const char *const cxx_names[] = { "execute_native_thread_routine", NULL };
	static const char *const native_names[] = {
		"start_thread", "clone", "clone3", "__clone", "__clone3", "thread_start",
		"_pthread_start", NULL,
	};

	if (any_named(facts, main_names))
		return "the main thread";
	if (any_named(facts, python_names))
		return "a thread that Python started";
	if (any_named(facts, cxx_names))
		return "a thread that C++ code started (std::thread)";
	if (any_named(facts, native_names))
		return "a thread that native code started";
	if (facts->culprit->tid && facts->culprit->tid == facts->culprit->pid)
		return "the main thread";
	return NULL;
}

static void add_thread(struct strbuf *out, const struct facts *facts)
{
	const struct crash_thread *thread = facts->culprit;
	const char *kind = thread_kind(facts);

	strbuf_addstr(out, kind ? kind : "a thread of unknown origin");
	if (thread->name) {
		strbuf_addstr(out, ", named ");
		markdown_add_code(out, thread->name);
	}
	if (thread->tid)
		strbuf_addf(out, ", id %d", thread->tid);
}

static void add_end(struct strbuf *out, const struct facts *facts)
{
	char word[16];

	if (facts->crash->kind == CRASH_KIND_SIGNAL && facts->crash->signo)
		strbuf_addf(out, "was ended by %s",
			    signal_word(facts->crash->signo, word, sizeof(word)));
	else if (facts->crash->kind == CRASH_KIND_SIGNAL)
		strbuf_addstr(out, "crashed (the report does not name a signal)");
	else
		strbuf_addstr(out, facts_verb(facts));
}

/* "while it …": from where fork and finalization stand on the stack. */
static void add_doing(struct strbuf *out, const struct facts *facts)
{
	if (facts->fork >= 0 && facts->handler >= 0) {
		strbuf_addstr(out, " It was in a handler that a fork calls: ");
		narrative_add_place(out, facts, facts->handler);
		strbuf_addstr(out, facts->in_child ? ", in the child." : ".");
	} else if (facts->fork >= 0) {
		strbuf_addstr(out, " It was in a fork: ");
		narrative_add_place(out, facts, facts->fork);
		strbuf_addch(out, '.');
	} else if (facts->in_child) {
		strbuf_addstr(out, " It was in a process that was forked.");
	}
	if (facts->finalize >= 0) {
		strbuf_addstr(out, " The thread itself was ending the interpreter: ");
		narrative_add_place(out, facts, facts->finalize);
		strbuf_addch(out, '.');
	} else if (facts->finalizer) {
		strbuf_addf(out, " Another thread (id %d) was ending the interpreter.",
			    facts->finalizer->tid);
	}
	if (facts->unwind >= 0) {
		strbuf_addstr(out, " The thread's stack was being unwound by force: ");
		narrative_add_place(out, facts, facts->unwind);
		strbuf_addch(out, '.');
	}
}

static void add_where(struct strbuf *out, const struct facts *facts)
{
	strbuf_addstr(out, " The innermost frame is ");
	narrative_add_place(out, facts, 0);
	if (facts->native > 0) {
		strbuf_addstr(out, "; the innermost one beside the platform's is ");
		narrative_add_place(out, facts, facts->native);
	} else if (facts->native < 0) {
		strbuf_addstr(out, "; no frame of this thread is known to be of a native module, a "
			      "program or a library");
	}
	strbuf_addch(out, '.');
}

void narrative_add_summary(struct strbuf *out, const struct trace *trace,
			   const struct triage *triage, const struct facts *facts)
{
	const char *program = trace_fact(trace, FACT_PROGRAM);
	const char *python = trace_fact(trace, FACT_PYTHON);

	if (program)
		markdown_add_code(out, program);
	else
		strbuf_addstr(out, "A process");
	if (python) {
		strbuf_addstr(out, " (Python ");
		markdown_add_text(out, python);
		strbuf_addch(out, ')');
	}
	strbuf_addch(out, ' ');
	add_end(out, facts);
	if (facts->nframes) {
		strbuf_addstr(out, " in ");
		add_thread(out, facts);
	}
	strbuf_addch(out, '.');
	if (facts->nframes)
		add_where(out, facts);
	else
		strbuf_addstr(out, " The report has no stack of it.");
	add_doing(out, facts);
	if (triage->pattern == PATTERN_OTHER) {
		strbuf_addstr(out, " No known pattern fits.");
	} else {
		strbuf_addf(out, " The signs are those of **%s** (confidence: %s): ",
			    pattern_name(triage->pattern), confidence_name(triage->confidence));
		markdown_add_text(out, triage->detail);
		strbuf_addch(out, '.');
	}
	strbuf_addch(out, '\n');
}

static const char *module_of(const struct facts *facts, int frame)
{
	return module_base(facts->culprit->frames[frame].module);
}

/* Frames of one owner in a row: [first, last], last being the innermost. */
struct step {
	int first, last;
};

static bool same_owner(const struct facts *facts, int a, int b)
{
	const char *of_a = module_of(facts, a), *of_b = module_of(facts, b);

	if (facts->frames[a].category != facts->frames[b].category ||
	    facts->culprit->frames[a].python != facts->culprit->frames[b].python)
		return false;
	/* A signal's handler is no call of what it interrupts. */
	if (facts->culprit->frames[b].signal_frame)
		return false;
	return !category_is_native(facts->frames[a].category) || !of_a || !of_b ||
	       !strcmp(of_a, of_b);
}

/* From the outermost frame inwards. */
static size_t steps_find(const struct facts *facts, struct step *steps)
{
	size_t n = 0;

	for (int i = facts->nframes - 1; i >= 0; i--) {
		if (n && same_owner(facts, steps[n - 1].last, i))
			steps[n - 1].last = i;
		else
			steps[n++] = (struct step){ i, i };
	}
	return n;
}

static void add_step(struct strbuf *out, const struct facts *facts, const struct step *step,
		     size_t number)
{
	bool python = facts->culprit->frames[step->last].python;
	const char *deed = python ? NULL : narrative_deed(facts, step->last);

	strbuf_addf(out, "%zu. **%s**: ", number, python ? "Python code" :
		    narrative_owner(facts->frames[step->last].category));
	if (facts->culprit->frames[step->last].signal_frame)
		strbuf_addstr(out, "a signal interrupts the thread, and its handler is called: ");
	narrative_add_place(out, facts, step->first);
	if (step->first != step->last) {
		strbuf_addstr(out, step->first == step->last + 1 ? " calls "
								 : " leads, by further calls, to ");
		narrative_add_place(out, facts, step->last);
	}
	if (deed)
		strbuf_addf(out, " (%s)", deed);
	strbuf_addstr(out, ".\n");
}

void narrative_add_flow(struct strbuf *out, const struct facts *facts)
{
	struct step *steps;
	size_t n;

	if (!facts->nframes) {
		strbuf_addstr(out, "The report has no stack, so the way to the crash is not "
			      "known.\n");
		return;
	}
	strbuf_addstr(out, "It happened in ");
	add_thread(out, facts);
	strbuf_addstr(out, ". From its outermost known frame to where it ended:\n\n");
	steps = xcalloc((size_t)facts->nframes, sizeof(*steps));
	n = steps_find(facts, steps);
	for (size_t i = 0; i < n; i++) {
		if (n > STEPS_FIRST + STEPS_LAST && i == STEPS_FIRST) {
			size_t left_out = n - STEPS_FIRST - STEPS_LAST;

			strbuf_addf(out, "%zu. (%zu more changes between components)\n", i + 1,
				    left_out);
			i += left_out;
		}
		add_step(out, facts, &steps[i], i + 1);
	}
	free(steps);
	if (!thread_kind(facts) || facts->culprit->truncated)
		strbuf_addstr(out, "\nuncertain: where the thread began is not in the trace.\n");
	if (facts->culprit->left_out)
		strbuf_addf(out, "\n%zu frames in the middle of the stack are not in it.\n",
			    facts->culprit->left_out);
}
