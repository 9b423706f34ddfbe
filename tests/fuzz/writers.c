/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is told of a record whose every text is made of the input as it is, and of a repository that
 * says the same: the report is clean whoever has forgotten to clean, and JSON is JSON in one line.
 */
#include <jansson.h>

#include "base/errors.h"
#include "tests/fuzz/fuzz.h"
#include "triage/account.h"

struct bytes {
	const uint8_t *at;
	size_t left;
};

static unsigned int number(struct bytes *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->at++;
}

/* Up to a NUL, or NULL now and then. Allocated. */
static char *text(struct bytes *in)
{
	size_t len = strnlen((const char *)in->at, in->left);
	char *copy;

	if (!in->left || number(in) % 8 == 0)
		return NULL;
	len = len ? len - 1 : 0;
	copy = xmalloc(len + 1);
	memcpy(copy, in->at, len);
	copy[len] = '\0';
	len += len < in->left;
	in->at += len;
	in->left -= len;
	return copy;
}

static char *text_always(struct bytes *in)
{
	char *got = text(in);

	return got ? got : xstrdup("");
}

static void add_thread(struct crash *crash, struct bytes *in)
{
	struct crash_thread *thread = crash_add_thread(crash);

	thread->name = text(in);
	thread->role = text(in);
	thread->wait.syscall = text(in);
	thread->wait.what = text(in);
	thread->culprit = crash->nthreads == 1;
	for (unsigned int n = number(in) % 32; n; n--) {
		struct crash_frame *frame = crash_thread_add_frame(thread);
		unsigned int bits = number(in);

		frame->function = text(in);
		frame->trust = frame->function ? (enum trust)(1 + bits % 3) : TRUST_NONE;
		frame->module = text(in);
		frame->file = text(in);
		frame->line = (int)number(in);
		frame->inlined = bits & 4;
		frame->python = bits & 8;
		frame->signal_frame = bits & 16;
	}
}

static void trace_make(struct trace *trace, struct bytes *in)
{
	struct crash *crash = trace->crash = crash_new();

	trace->format = (enum trace_format)(number(in) % TRACE_FORMATS);
	crash->kind = (enum crash_kind)(number(in) % (CRASH_KIND_LOOK + 1));
	crash->signo = (int)number(in) % 65;
	crash->finding = text(in);
	free(crash->message);
	crash->message = text_always(in);
	crash->degraded = text(in);
	for (unsigned int n = number(in) % 4; n; n--)
		add_thread(crash, in);
	trace->nfacts = number(in) % 4;
	trace->facts = xcalloc(trace->nfacts + 1, sizeof(*trace->facts));
	for (size_t i = 0; i < trace->nfacts; i++)
		trace->facts[i] = (struct trace_fact){ text_always(in), text_always(in) };
}

static void check_json(const struct trace *trace, const struct triage *triage,
		       const struct account_source *source)
{
	json_t *json = account_json("FILE", trace, triage, NULL, source), *again;
	char *line = json_dumps(json, JSON_COMPACT);
	uint32_t character;

	FUZZ_CHECK(line);
	for (size_t at = 0, n; line[at]; at += n) {
		n = text_decode(line + at, strlen(line + at), &character);
		FUZZ_CHECK(character >= ' ' && !(character == TEXT_INVALID && n == 1));
	}
	again = json_loads(line, 0, NULL);
	FUZZ_CHECK(again && json_equal(json, again));
	json_decref(again);
	free(line);
	json_decref(json);
}

static void check_report(const struct trace *trace, const struct triage *triage, struct bytes *in)
{
	char *name = text_always(in), *path = text_always(in), *line = text_always(in);
	struct account_place place = { .path = path, .line = 2, .first = 1, .lines = &line,
				       .nlines = 1, .doubt = text(in) };
	struct account_commit commit = { .id = (char[]){ "0123456789abcdef" }, .subject = line,
					 .why = path };
	struct account_source source = {
		.name = name, .ref = path, .commit = commit.id, .why = line,
		.places = &place, .nplaces = trace->crash->nthreads &&
					     trace->crash->threads[0].nframes,
		.commits = &commit, .ncommits = 1, .notes = &name, .nnotes = 1,
	};
	struct strbuf report = STRBUF_INIT;

	check_json(trace, triage, &source);
	account_md(&report, name, "2000-01-01T00:00:00Z", trace, triage, NULL, NULL);
	account_md(&report, name, "2000-01-01T00:00:00Z", trace, triage, NULL, &source);
	FUZZ_CHECK(strlen(report.buf) == report.len);
	FUZZ_CHECK(fuzz_is_clean(report.buf, true));
	strbuf_release(&report);
	free(place.doubt);
	free(line);
	free(path);
	free(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = { data, size };
	struct trace trace = { .line = 1 };
	struct traces traces = { .v = xmalloc(sizeof(trace)), .n = 1 };
	struct triage *triage;

	trace_make(&trace, &in);
	triage = triage_classify(trace.crash, NULL);
	check_json(&trace, triage, NULL);
	check_report(&trace, triage, &in);
	triage_free(triage);
	*traces.v = trace;
	traces_release(&traces);
	return 0;
}
