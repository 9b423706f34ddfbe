/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols/symbols.h"

#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "base/text.h"
#include "symbols/context.h"
#include "symbols/improve.h"
#include "symbols/lookup.h"
#include "symbols/store.h"
#include "triage/frames.h"
#include "triage/readers.h"

/* Of one text: frames that are looked up, and modules whose files are read. */
#define WANTED_MAX 200000
#define MODULES_MAX 1000
/* Sentences that were told already. */
#define TOLD_MAX 1000

struct symbols {
	struct store store;
	char **told;
	size_t ntold;
};

/* A frame that shall be looked up. The strings are the report's. */
struct wanted {
	size_t trace, thread, frame;
	const char *module, *build_id; /* build_id "": not known */
	struct lookup_address address;
	size_t group, answer;
};

/* Frames of one module. */
struct group {
	struct lookup_result result;
	size_t naddresses;
};

struct search {
	struct symbols *symbols;
	struct traces *traces;
	struct strbuf *notes;
	struct wanted *v;
	size_t n;
	bool more; /* frames, or modules */
	struct group *groups;
	size_t ngroups;
};

struct symbols *symbols_new(void)
{
	return xcalloc(1, sizeof(struct symbols));
}

void symbols_free(struct symbols *symbols)
{
	if (!symbols)
		return;
	for (size_t i = 0; i < symbols->ntold; i++)
		free(symbols->told[i]);
	free(symbols->told);
	store_release(&symbols->store);
	free(symbols);
}

int symbols_add(struct symbols *symbols, const char *directory, struct strbuf *err)
{
	return store_add(&symbols->store, directory, err);
}

bool symbols_other_root(const struct symbols *symbols)
{
	return symbols->store.other_root;
}

int symbols_parse(const char *directory, void *value, struct strbuf *err)
{
	struct symbols **symbols = value;

	if (!*symbols)
		*symbols = symbols_new();
	return symbols_add(*symbols, directory, err);
}

/* Each sentence once, however many reports it is true of. */
static void tell(struct search *search, const char *sentence, size_t len)
{
	struct symbols *symbols = search->symbols;

	for (size_t i = 0; i < symbols->ntold; i++)
		if (strlen(symbols->told[i]) == len && !memcmp(symbols->told[i], sentence, len))
			return;
	if (symbols->ntold == TOLD_MAX)
		return;
	symbols->told = xrealloc(symbols->told, (symbols->ntold + 1) * sizeof(*symbols->told));
	symbols->told[symbols->ntold++] = xstrfmt("%.*s", (int)len, sentence);
	strbuf_addf(search->notes, "%.*s\n", (int)len, sentence);
}

static void tell_all(struct search *search, const char *lines)
{
	while (*lines) {
		size_t len = strcspn(lines, "\n");

		if (len)
			tell(search, lines, len);
		lines += len + (lines[len] == '\n');
	}
}

static void want(struct search *search, size_t t, size_t i, size_t k)
{
	const struct trace *trace = &search->traces->v[t];
	const struct crash_thread *thread = &trace->crash->threads[i];
	const struct crash_frame *frame = &thread->frames[k];
	struct wanted *wanted;

	if (search->n == WANTED_MAX) {
		search->more = true;
		return;
	}
	if (!(search->n & (search->n - 1)))
		search->v = xrealloc(search->v, (search->n ? 2 * search->n : 1) *
				     sizeof(*search->v));
	wanted = &search->v[search->n++];
	*wanted = (struct wanted){
		.trace = t, .thread = i, .frame = k, .module = frame->module,
		.build_id = frame->build_id ? frame->build_id : "", .group = SIZE_MAX,
		.address = { frame->module_offset, frame->offset_kind,
			     frame_is_after_call(trace, thread, k) },
	};
}

static void want_all(struct search *search)
{
	for (size_t t = 0; t < search->traces->n; t++) {
		const struct crash *crash = search->traces->v[t].crash;

		for (size_t i = 0; i < crash->nthreads; i++)
			for (size_t k = 0; k < crash->threads[i].nframes; k++)
				if (frame_is_wanted(&crash->threads[i], k))
					want(search, t, i, k);
	}
}

static int by_module(const struct wanted *x, const struct wanted *y)
{
	int order = strcmp(x->module, y->module);

	return order ? order : strcmp(x->build_id, y->build_id);
}

static int by_address(const void *a, const void *b)
{
	const struct wanted *x = a, *y = b;
	int order = by_module(x, y);

	if (order)
		return order;
	if (x->address.offset != y->address.offset)
		return x->address.offset < y->address.offset ? -1 : 1;
	if (x->address.kind != y->address.kind)
		return x->address.kind < y->address.kind ? -1 : 1;
	return x->address.after_call - y->address.after_call;
}

static int by_place(const void *a, const void *b)
{
	const struct wanted *x = a, *y = b;

	if (x->trace != y->trace)
		return x->trace < y->trace ? -1 : 1;
	if (x->thread != y->thread)
		return x->thread < y->thread ? -1 : 1;
	return x->frame < y->frame ? -1 : x->frame > y->frame;
}

/* Look up frames from..to, which are of one module. */
static void look_up(struct search *search, struct store_found *found, size_t from, size_t to)
{
	struct wanted *v = search->v;
	struct lookup_address *addresses = xcalloc(to - from, sizeof(*addresses));
	struct group *group = &search->groups[search->ngroups];
	struct lookup lookup = {
		.store = &search->symbols->store, .module = v[from].module, .found = *found,
		.build_id = *v[from].build_id ? v[from].build_id : NULL, .addresses = addresses,
	};

	for (size_t i = from; i < to; i++) {
		if (i == from || by_address(&v[i - 1], &v[i]) != 0)
			addresses[lookup.n++] = v[i].address;
		v[i].group = search->ngroups;
		v[i].answer = lookup.n - 1;
	}
	search->ngroups++;
	group->naddresses = lookup.n;
	lookup_run(&lookup, &group->result);
	tell_all(search, group->result.notes.buf);
	free(addresses);
}

static void look_up_all(struct search *search)
{
	search->groups = xcalloc(MODULES_MAX, sizeof(*search->groups));
	for (size_t from = 0, to; from < search->n; from = to) {
		const struct wanted *first = &search->v[from];
		bool has_id = is_build_id(first->build_id);
		struct store_found found;

		for (to = from + 1; to < search->n && !by_module(first, &search->v[to]); to++)
			;
		/* What is none cannot be compared; a report may hold anything. */
		if (*first->build_id && !has_id)
			continue;
		store_find(&search->symbols->store, first->module, has_id ? first->build_id : NULL,
			   &found);
		if (found.n && search->ngroups == MODULES_MAX)
			search->more = true;
		else if (found.n)
			look_up(search, &found, from, to);
	}
}

static void add_fact(struct trace *trace, const struct wanted *wanted,
		     const struct lookup_result *result)
{
	char *key = xstrfmt("debug symbols of %s", module_base(wanted->module));
	struct strbuf value = STRBUF_INIT;

	strbuf_addstr(&value, result->file);
	if (result->match == DEBUG_ID)
		strbuf_addf(&value, ", by its build-id %s", wanted->build_id);
	else if (result->match == DEBUG_LINK)
		strbuf_addf(&value, ", by the debug link of the module with the build-id %s",
			    wanted->build_id);
	else
		strbuf_addstr(&value, ", by its name alone: the report has no build-id");
	trace_add_fact(trace, key, (struct piece){ value.buf, value.len });
	free(key);
	strbuf_release(&value);
}

static const struct lookup_answer *answer_of(const struct search *search,
					     const struct wanted *wanted)
{
	const struct lookup_result *result;

	if (wanted->group == SIZE_MAX)
		return NULL;
	result = &search->groups[wanted->group].result;
	return result->answers && result->answers[wanted->answer].n ?
	       &result->answers[wanted->answer] : NULL;
}

/* Of one thread, whose frames are from..to. */
static void improve_thread(struct search *search, size_t from, size_t to)
{
	struct trace *trace = &search->traces->v[search->v[from].trace];
	struct improvement *improvements = xcalloc(to - from, sizeof(*improvements));
	size_t n = 0;

	for (size_t i = from; i < to; i++) {
		const struct wanted *wanted = &search->v[i];
		const struct lookup_answer *answer = answer_of(search, wanted);
		const struct lookup_result *result;

		if (!answer)
			continue;
		result = &search->groups[wanted->group].result;
		add_fact(trace, wanted, result);
		improvements[n++] = (struct improvement){ wanted->frame, answer, result->match };
	}
	if (n)
		thread_improve(trace, &trace->crash->threads[search->v[from].thread], improvements,
			       n);
	free(improvements);
}

static void improve_all(struct search *search)
{
	if (search->n)
		qsort(search->v, search->n, sizeof(*search->v), by_place);
	for (size_t from = 0, to; from < search->n; from = to) {
		const struct wanted *first = &search->v[from];

		for (to = from + 1; to < search->n && search->v[to].trace == first->trace &&
		     search->v[to].thread == first->thread; to++)
			;
		improve_thread(search, from, to);
	}
}

static void tell_limits(struct search *search)
{
	char *sentence;

	if (search->more) {
		sentence = xstrfmt("more than %d frames, or more than %d modules, have debug "
				   "symbols: the rest is left as it is", WANTED_MAX, MODULES_MAX);
		tell_all(search, sentence);
		free(sentence);
	}
	if (search->symbols->store.cut) {
		sentence = xstrfmt("there are more than %d files: the rest is not looked at",
				   STORE_FILES_MAX);
		tell_all(search, sentence);
		free(sentence);
	}
	if (search->symbols->store.unread)
		tell_all(search, "some directories cannot be read, or are too deep: their files "
			 "are not looked at");
	if (search->n && !search->ngroups)
		tell_all(search, "there are no debug symbols of the modules in the report");
}

void symbols_improve(struct symbols *symbols, struct traces *traces, const char *text, size_t size,
		     struct strbuf *notes)
{
	struct search search = { .symbols = symbols, .traces = traces, .notes = notes };

	context_apply(traces, text, size);
	want_all(&search);
	if (search.n)
		qsort(search.v, search.n, sizeof(*search.v), by_address);
	look_up_all(&search);
	improve_all(&search);
	tell_limits(&search);
	for (size_t i = 0; i < search.ngroups; i++)
		lookup_release(&search.groups[i].result, search.groups[i].naddresses);
	free(search.groups);
	free(search.v);
}
