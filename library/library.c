/* SPDX-License-Identifier: Apache-2.0 */
#include "library/forkpoint-triage.h"

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "base/errors.h"
#include "base/version.h"
#include "library/memory.h"
#include "triage/account.h"
#include "triage/rules.h"

struct fpt_reports {
	struct memory memory; /* of all that is below */
	const char *file;
	struct triage_settings settings;
	struct traces traces;
	struct triage **triages;
	struct fpt_report *v;
};

/* jansson would open /dev/urandom. Sixteen bytes of the kernel's, told by none of their hash. */
static void seed_set(void)
{
	const unsigned char *bytes = (const unsigned char *)getauxval(AT_RANDOM);
	uint32_t hash = 2166136261; /* FNV-1a */

	for (size_t i = 0; bytes && i < 16; i++)
		hash = (hash ^ bytes[i]) * 16777619;
	if (bytes)
		json_object_seed(hash | 1);
}

static enum fpt_status status_of(enum memory_end end)
{
	switch (end) {
	case MEMORY_DONE:
		return FPT_OK;
	case MEMORY_NONE:
		return FPT_NO_MEMORY;
	default:
		return FPT_FAULT;
	}
}

static const struct fpt_evidence *evidence_make(const struct triage *triage)
{
	struct fpt_evidence *v = xcalloc(triage->nevidence, sizeof(*v));

	for (size_t i = 0; i < triage->nevidence; i++)
		v[i] = (struct fpt_evidence){ triage->evidence[i].frame, triage->evidence[i].why };
	return v;
}

static const char *const *also_make(const struct triage *triage)
{
	const char **v = xcalloc(triage->nalso, sizeof(*v));

	for (size_t i = 0; i < triage->nalso; i++)
		v[i] = pattern_name(triage->also[i]);
	return v;
}

static const struct fpt_frame *frames_make(const struct crash_thread *thread,
					   const struct frame_rules *rules)
{
	struct fpt_frame *v = xcalloc(thread->nframes, sizeof(*v));

	for (size_t i = 0; i < thread->nframes; i++) {
		const struct crash_frame *frame = &thread->frames[i];
		struct frame_origin origin;

		frame_find_origin(frame, rules, &origin);
		v[i] = (struct fpt_frame){
			.n = i, .function = frame->function, .module = frame->module,
			.file = frame->file, .line = frame->line,
			.category = frame_kind_name(origin.kind), .component = origin.component,
			.trust = frame_trust_word(frame),
		};
	}
	return v;
}

static void report_make(struct fpt_reports *reports, size_t i)
{
	const struct trace *trace = &reports->traces.v[i];
	const struct crash_thread *thread = crash_culprit(trace->crash);
	struct triage *triage = triage_classify(trace->crash, &reports->settings);
	char word[ACCOUNT_SIGNAL_MAX];
	const char *signal = account_signal(trace->crash, word);

	reports->triages[i] = triage;
	reports->v[i] = (struct fpt_report){
		.format = trace_format_name(trace->format),
		.signal = signal ? xstrdup(signal) : NULL,
		.pattern = pattern_name(triage->pattern), .detail = triage->detail,
		.also = also_make(triage), .nalso = triage->nalso,
		.attribution = attribution_name(triage->attribution),
		.component = triage->component,
		.confidence = confidence_name(triage->confidence),
		.signature = triage->signature,
		.evidence = evidence_make(triage), .nevidence = triage->nevidence,
		.frames = thread ? frames_make(thread, reports->settings.rules) : NULL,
		.nframes = thread ? thread->nframes : 0,
		.thread = thread ? thread->name : NULL,
		.python = trace_fact(trace, FACT_PYTHON),
		.confirmation = confirmation_name(trace->experiment.confirmation),
		.line = trace->line, .incomplete = trace->incomplete,
	};
}

struct reading {
	const char *text;
	size_t size;
	const struct fpt_settings *settings;
	struct fpt_reports *reports;
	struct strbuf err; /* the rules'; empty: they have none */
};

/* False and a sentence: they have an error. */
static bool rules_take(struct reading *reading)
{
	const struct fpt_settings *settings = reading->settings;
	const char *name = settings->rules_name ? settings->rules_name : "rules";

	if (!settings->rules)
		return true;
	reading->reports->settings.rules = frame_rules_parse(name, settings->rules,
							     settings->rules_size, &reading->err);
	return reading->reports->settings.rules != NULL;
}

static void reading_work(void *arg)
{
	struct reading *reading = arg;
	struct fpt_reports *reports = reading->reports;
	const char *file = reading->settings->file;

	reports->file = xstrdup(file ? file : "-");
	if (!rules_take(reading))
		return;
	traces_read(reading->text, reading->size, &reports->traces);
	reports->triages = xcalloc(reports->traces.n, sizeof(*reports->triages));
	reports->v = xcalloc(reports->traces.n, sizeof(*reports->v));
	for (size_t i = 0; i < reports->traces.n; i++)
		report_make(reports, i);
}

/* A sentence that outlives the reports; NULL: there is no memory for it, or nobody asks. */
static enum fpt_status tell_rules(const struct strbuf *err, char **why)
{
	if (!why)
		return FPT_BAD_RULES;
	*why = strdup(err->buf);
	return *why ? FPT_BAD_RULES : FPT_NO_MEMORY;
}

enum fpt_status fpt_read(const char *text, size_t size, const struct fpt_settings *settings,
			 struct fpt_reports **reports, char **why)
{
	static const struct fpt_settings none;
	struct reading reading = { text, size, settings ? settings : &none, NULL, STRBUF_INIT };
	enum fpt_status status;

	*reports = NULL;
	if (why)
		*why = NULL;
	reading.reports = calloc(1, sizeof(*reading.reports));
	if (!reading.reports)
		return FPT_NO_MEMORY;
	seed_set();
	status = status_of(memory_run(&reading.reports->memory, reading_work, &reading));
	if (status == FPT_OK && reading.err.len)
		status = tell_rules(&reading.err, why);
	if (status == FPT_OK)
		*reports = reading.reports;
	else
		fpt_free(reading.reports);
	return status;
}

void fpt_free(struct fpt_reports *reports)
{
	if (!reports)
		return;
	memory_release(&reports->memory);
	free(reports);
}

size_t fpt_count(const struct fpt_reports *reports)
{
	return reports ? reports->traces.n : 0;
}

bool fpt_more(const struct fpt_reports *reports)
{
	return reports && reports->traces.more;
}

const struct fpt_report *fpt_get(const struct fpt_reports *reports, size_t i)
{
	return i < fpt_count(reports) ? &reports->v[i] : NULL;
}

struct telling {
	const struct fpt_reports *reports;
	size_t i;
	const char *generated;
	struct strbuf text;
};

static void json_work(void *arg)
{
	struct telling *telling = arg;
	const struct fpt_reports *reports = telling->reports;

	account_add_json(&telling->text, reports->file, &reports->traces.v[telling->i],
			 reports->triages[telling->i], &reports->settings, NULL);
}

static void markdown_work(void *arg)
{
	struct telling *telling = arg;
	const struct fpt_reports *reports = telling->reports;

	account_md(&telling->text, reports->file, telling->generated,
		   &reports->traces.v[telling->i], reports->triages[telling->i],
		   &reports->settings, NULL);
}

static enum fpt_status tell(struct telling *telling, void (*work)(void *arg), char **text)
{
	struct memory memory = { .first = NULL };
	enum fpt_status status;

	*text = NULL;
	if (telling->i >= fpt_count(telling->reports))
		return FPT_NO_REPORT;
	seed_set();
	status = status_of(memory_run(&memory, work, telling));
	if (status == FPT_OK) {
		*text = strdup(telling->text.buf);
		status = *text ? FPT_OK : FPT_NO_MEMORY;
	}
	memory_release(&memory);
	return status;
}

enum fpt_status fpt_json(const struct fpt_reports *reports, size_t i, char **text)
{
	struct telling telling = { reports, i, NULL, STRBUF_INIT };

	return tell(&telling, json_work, text);
}

enum fpt_status fpt_markdown(const struct fpt_reports *reports, size_t i, const char *generated,
			     char **text)
{
	struct telling telling = { reports, i, generated, STRBUF_INIT };

	return tell(&telling, markdown_work, text);
}

const char *fpt_status_text(enum fpt_status status)
{
	switch (status) {
	case FPT_OK:
		return "it is done";
	case FPT_NO_MEMORY:
		return "there is no memory for it";
	case FPT_BAD_RULES:
		return "the rules have an error";
	case FPT_NO_REPORT:
		return "there is no report of that number";
	case FPT_FAULT:
		break;
	}
	return "a fault of libforkpoint-triage: please report it, with the text that it was given";
}

const char *fpt_version(void)
{
	return FORKPOINT_VERSION;
}

const char *fpt_rules_version(void)
{
	return FRAME_RULES_VERSION;
}

int fpt_signature_version(void)
{
	return SIGNATURE_VERSION;
}
