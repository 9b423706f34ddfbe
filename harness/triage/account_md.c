/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report in Markdown. It describes what the trace shows and prescribes nothing. Sections stand
 * in the order in which people read them; each has one function here.
 */
#include "triage/account.h"

#include <stdlib.h>
#include <string.h>

#include "triage/account_private.h"
#include "triage/markdown.h"
#include "triage/narrative.h"
#include "triage/patterns.h"

/* Rows of a table that somebody reads. */
#define ROWS_FIRST 96
#define ROWS_LAST 32
#define THREADS_TOLD 20

static void add_head(struct strbuf *out, const struct account *account)
{
	const struct account_source *source = account->source;

	strbuf_addstr(out, "# Crash Analysis Report\n\n");
	if (account->generated) {
		strbuf_addstr(out, "**Generated**: ");
		markdown_add_text(out, account->generated);
		strbuf_addstr(out, "\n\n");
	}
	strbuf_addstr(out, "**Source ref**: ");
	if (!source) {
		strbuf_addstr(out, "none; no source was looked at\n\n");
		return;
	}
	if (!source->ref) {
		strbuf_addstr(out, "none; ");
	} else {
		markdown_add_link(out, source->ref, source->url);
		strbuf_addstr(out, " of ");
		markdown_add_text(out, source->name);
		strbuf_addf(out, " (commit %.12s); ", source->commit);
	}
	markdown_add_text(out, source->why);
	strbuf_addstr(out, "\n\n");
}

static void add_row(struct strbuf *out, const char *field, const char *value)
{
	if (!value)
		return;
	strbuf_addstr(out, "| ");
	markdown_add_text(out, field);
	strbuf_addstr(out, " | ");
	markdown_add_text(out, value);
	strbuf_addstr(out, " |\n");
}

/* Known fields first, in a fixed order; then the report's own. */
static const struct {
	const char *key, *title;
} fields[] = {
	{ FACT_TRACER_VERSION, "Tracer version" }, { FACT_RUNTIME_VERSION, "Runtime version" },
	{ FACT_PYTHON, "Python" },                 { FACT_PROGRAM, "Program" },
	{ FACT_SERVICE, "Service" },               { FACT_PLATFORM, "Platform" },
	{ FACT_ARCHITECTURE, "Architecture" },     { FACT_TIME, "Time" },
};

static bool is_field(const char *key)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		if (!strcmp(fields[i].key, key))
			return true;
	return false;
}

static void add_metadata(struct strbuf *out, const struct account *account)
{
	const struct trace *trace = account->trace;
	char word[16];

	if (!trace->nfacts)
		return;
	strbuf_addstr(out, "## Crash Metadata\n\n| Field | Value |\n|-------|-------|\n");
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		add_row(out, fields[i].title, trace_fact(trace, fields[i].key));
	if (trace->crash->signo)
		add_row(out, "Signal", signal_word(trace->crash->signo, word, sizeof(word)));
	for (size_t i = 0; i < trace->nfacts; i++)
		if (!is_field(trace->facts[i].key))
			add_row(out, trace->facts[i].key, trace->facts[i].value);
	strbuf_addch(out, '\n');
}

static void add_frame_row(struct strbuf *out, const struct facts *facts, int n)
{
	const struct crash_frame *frame = &facts->culprit->frames[n];
	const struct frame_origin *origin = &facts->frames[n].origin;
	char *place = facts_describe(facts, n);

	strbuf_addf(out, "| %d | %s", n, narrative_owner(origin->category));
	if (origin->component) {
		strbuf_addstr(out, ": ");
		markdown_add_text(out, origin->component);
	}
	strbuf_addstr(out, " | ");
	/* All of the name, arguments and all; without one, where it is. */
	if (frame->function || frame->module) {
		markdown_add_code_cell(out, frame->function ? frame->function : place);
	} else {
		strbuf_addf(out, "address 0x%llx", (unsigned long long)frame->pc);
	}
	if (frame->function && frame->module) {
		strbuf_addstr(out, " in ");
		markdown_add_code_cell(out, module_base(frame->module));
	}
	if (frame->file) {
		strbuf_addstr(out, " at ");
		markdown_add_code_cell(out, frame->file);
		if (frame->line)
			strbuf_addf(out, " line %d", frame->line);
	}
	strbuf_addstr(out, " | ");
	narrative_add_frame(out, facts, n);
	strbuf_addstr(out, " |\n");
	free(place);
}

static void add_other_thread(struct strbuf *out, const struct facts *facts,
			     const struct crash_thread *thread)
{
	char *native = thread_describe_native(facts, thread);

	strbuf_addf(out, "- thread %d", thread->tid);
	if (thread->name) {
		strbuf_addstr(out, " ");
		markdown_add_code(out, thread->name);
	}
	if (thread->role) {
		strbuf_addstr(out, " (");
		markdown_add_text(out, thread->role);
		strbuf_addch(out, ')');
	}
	if (native) {
		strbuf_addstr(out, ": the innermost frame beside the platform's is ");
		markdown_add_code(out, native);
	} else if (thread->nframes && thread->frames[0].function) {
		strbuf_addstr(out, ": in ");
		markdown_add_code(out, thread->frames[0].function);
	}
	if (thread->wait.what) {
		strbuf_addstr(out, "; waits for: ");
		markdown_add_text(out, thread->wait.what);
	}
	if (thread->has_gil)
		strbuf_addstr(out, "; holds the GIL");
	strbuf_addch(out, '\n');
	free(native);
}

static void add_threads(struct strbuf *out, const struct account *account)
{
	const struct crash *crash = account->trace->crash;
	size_t told = 0;

	if (crash->nthreads < 2)
		return;
	strbuf_addf(out, "\nOther threads in the report: %zu. That one stands here does not mean "
		    "that it has a part in it.\n\n", crash->nthreads - 1);
	for (size_t i = 0; i < crash->nthreads && told < THREADS_TOLD; i++) {
		if (&crash->threads[i] == account->facts.culprit)
			continue;
		add_other_thread(out, &account->facts, &crash->threads[i]);
		told++;
	}
	if (crash->nthreads - 1 > told)
		strbuf_addf(out, "- and %zu more\n", crash->nthreads - 1 - told);
}

static void add_stack(struct strbuf *out, const struct account *account)
{
	const struct facts *facts = &account->facts;
	int n = facts->nframes;

	strbuf_addstr(out, "## Stack Trace Classification\n\n");
	if (!n)
		strbuf_addstr(out, "The report has no stack.\n");
	else
		strbuf_addstr(out, "| # | Type | Symbol / Location | Description |\n"
			      "|---|------|-------------------|-------------|\n");
	for (int i = 0; i < n; i++) {
		if (n > ROWS_FIRST + ROWS_LAST && i == ROWS_FIRST) {
			i = n - ROWS_LAST;
			strbuf_addf(out, "| … | | | %d frames are not shown |\n", i - ROWS_FIRST);
		}
		add_frame_row(out, facts, i);
	}
	if (facts->culprit && facts->culprit->truncated)
		strbuf_addstr(out, "\nThe stack ends before the thread's first function.\n");
	add_threads(out, account);
	strbuf_addch(out, '\n');
}

static void add_evidence(struct strbuf *out, const struct account *account)
{
	const struct triage *triage = account->triage;

	for (size_t i = 0; i < triage->nevidence; i++) {
		strbuf_addstr(out, "- ");
		if (triage->evidence[i].frame >= 0) {
			narrative_add_place(out, &account->facts, triage->evidence[i].frame);
			strbuf_addstr(out, ": ");
		}
		markdown_add_text(out, triage->evidence[i].why);
		strbuf_addch(out, '\n');
	}
}

static void add_pattern(struct strbuf *out, const struct account *account)
{
	const struct triage *triage = account->triage;

	strbuf_addstr(out, "## Pattern Match\n\n");
	if (triage->pattern == PATTERN_OTHER)
		strbuf_addstr(out, "**other**: ");
	else
		strbuf_addf(out, "**%s**, confidence: %s: ", pattern_name(triage->pattern),
			    confidence_name(triage->confidence));
	markdown_add_text(out, triage->detail);
	strbuf_addstr(out, ".\n");
	if (triage->pattern != PATTERN_OTHER && triage->confidence == CONFIDENCE_LOW)
		strbuf_addstr(out, "\nuncertain: the signs are few, and another cause may have "
			      "them, too.\n");
	if (triage->nevidence) {
		strbuf_addstr(out, "\nEvidence:\n\n");
		add_evidence(out, account);
	}
	if (triage->nalso) {
		strbuf_addstr(out, "\nWhat holds as well:");
		for (size_t i = 0; i < triage->nalso; i++)
			strbuf_addf(out, "%s %s", i ? "," : "", pattern_name(triage->also[i]));
		strbuf_addstr(out, ".\n");
	}
	strbuf_addch(out, '\n');
}

static bool has_debug_symbols(const struct crash *crash)
{
	for (size_t i = 0; i < crash->nthreads; i++)
		for (size_t k = 0; k < crash->threads[i].nframes; k++)
			if (crash->threads[i].frames[k].debug != DEBUG_NONE)
				return true;
	return false;
}

static void add_end(struct strbuf *out, const struct account *account)
{
	bool debug = has_debug_symbols(account->trace->crash);
	bool source = account->source && account->source->ref;

	strbuf_addf(out, "---\n\n*Made by `forkpoint triage` from the report%s%s alone. It "
		    "describes what is to be seen there; people judge.*\n",
		    !debug ? "" : source ? ", debug symbols" : " and debug symbols",
		    source ? " and the source" : "");
}

static void add_control(struct strbuf *out, const char *what, const struct control_result *control,
			const char *how)
{
	if (control->applies)
		strbuf_addf(out, "- %s: %llu of %llu trials %s\n", what,
			    (unsigned long long)control->bad, (unsigned long long)control->trials,
			    how);
}

static void add_controls(struct strbuf *out, const struct controls *controls)
{
	static const char wrong[] = "went wrong";

	strbuf_addch(out, '\n');
	add_control(out, "outside the window", &controls->outside, wrong);
	add_control(out, "quiet, the thread parked before its window", &controls->quiet, wrong);
	add_control(out, "twin, the same code with the fix", &controls->twin, wrong);
	if (controls->twin.applies)
		strbuf_addf(out, "- of the twin's trials, %llu met the race\n",
			    (unsigned long long)controls->twin.hits);
	add_control(out, "fresh, a process of its own", &controls->fresh, "ended the same way");
	if (controls->fresh.applies && controls->fresh_otherwise)
		strbuf_addf(out, "- of the fresh trials, %llu ended in another way that is "
			    "expected of it\n", (unsigned long long)controls->fresh_otherwise);
}

static const char *experiment_meaning(const struct experiment *experiment)
{
	static const char *const meanings[] = {
		[CONFIRMATION_OPEN] = "no control of the experiment could tell",
		[CONFIRMATION_CONTRADICTED] = "a control of the experiment shows it where the race "
					      "cannot be",
		[CONFIRMATION_CONFIRMED] = "each control of the experiment that applies agrees",
	};

	if (experiment->confirmation != CONFIRMATION_OPEN)
		return meanings[experiment->confirmation];
	if (!experiment->controls.done)
		return "no control was run, or its figures are not in the report";
	/* The twin has told something, so it was another one that did not bear it out. */
	if (experiment->controls.twin.hits)
		return "no control of the experiment speaks against it, but not each bears it out";
	return meanings[CONFIRMATION_OPEN];
}

/* What the harness did with a crash that it has made. */
static void add_experiment(struct strbuf *out, const struct experiment *experiment)
{
	if (experiment->confirmation == CONFIRMATION_NONE)
		return;
	strbuf_addf(out, "**%s**: %s.\n", confirmation_name(experiment->confirmation),
		    experiment_meaning(experiment));
	if (experiment->controls.done)
		add_controls(out, &experiment->controls);
	strbuf_addch(out, '\n');
}

void account_md(struct strbuf *out, const char *file, const char *generated,
		const struct trace *trace, const struct triage *triage,
		const struct triage_settings *settings, const struct account_source *source)
{
	struct account account = {
		.file = file, .generated = generated, .trace = trace, .triage = triage,
		.source = source,
	};

	facts_collect(&account.facts, trace->crash, settings ? settings->rules : NULL);
	add_head(out, &account);
	add_metadata(out, &account);
	strbuf_addstr(out, "## Executive Summary\n\n");
	narrative_add_summary(out, trace, triage, &account.facts);
	strbuf_addch(out, '\n');
	add_stack(out, &account);
	account_add_code(out, &account);
	add_pattern(out, &account);
	add_experiment(out, &trace->experiment);
	account_add_attribution(out, &account);
	account_add_flow(out, &account);
	account_add_related(out, &account);
	account_add_context(out, &account);
	add_end(out, &account);
	facts_release(&account.facts);
}
