/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/triage.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "base/strbuf.h"
#include "triage/patterns.h"

void finding_say(struct finding *finding, int score, const char *fmt, ...)
{
	struct strbuf text = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	finding->score = score;
	free(finding->detail);
	finding->detail = strbuf_detach(&text);
}

void finding_because(struct finding *finding, int frame, const char *fmt, ...)
{
	struct strbuf text = STRBUF_INIT;
	va_list ap;

	if (finding->nevidence == TRIAGE_EVIDENCE_MAX)
		return;
	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	finding->evidence[finding->nevidence].frame = frame;
	finding->evidence[finding->nevidence++].why = strbuf_detach(&text);
}

void finding_blame(struct finding *finding, const struct facts *facts, int frame)
{
	finding->frame = frame;
	if (frame >= 0 && frame < facts->nframes)
		finding->attribution = facts->frames[frame].origin.owner;
}

void finding_release(struct finding *finding)
{
	free(finding->detail);
	for (size_t i = 0; i < finding->nevidence; i++)
		free(finding->evidence[i].why);
	*finding = (struct finding){ 0 };
}

/* The best finding of each pattern, and which rule made it. */
static void rules_ask(const struct facts *facts, struct finding best[PATTERN_COUNT],
		      const char *names[PATTERN_COUNT])
{
	const struct pattern_rule *rule;

	for (size_t t = 0; (rule = pattern_rules(t)) != NULL; t++) {
		for (; rule->match; rule++) {
			struct finding finding = { .frame = -1 };

			rule->match(facts, &finding);
			if (finding.score > best[rule->pattern].score) {
				finding_release(&best[rule->pattern]);
				best[rule->pattern] = finding;
				names[rule->pattern] = rule->name;
			} else {
				finding_release(&finding);
			}
		}
	}
}

/* The words that the C++ runtime has for all of these. */
#define UNTOLD_TERMINATE "no known pattern: std::terminate() without an exception (a std::thread " \
			 "that nobody joined, a `throw;` without one, or a thread's forced end in " \
			 "a noexcept function: the report does not show which)"

static char *other_detail(const struct facts *facts)
{
	int frame = facts->native >= 0 ? facts->native : 0;
	char word[16], *place, *detail;

	if ((!facts->culprit || !facts->nframes) && facts->message[MESSAGE_TERMINATE])
		return xstrdup(UNTOLD_TERMINATE);
	if (!facts->culprit || !facts->nframes)
		return xstrdup("nothing is known of where it happened");
	place = facts_describe(facts, frame);
	if (facts->message[MESSAGE_TERMINATE])
		detail = xstrfmt("%s, in %s", UNTOLD_TERMINATE, place);
	else if (facts->crash->kind == CRASH_KIND_SIGNAL)
		detail = xstrfmt("no known pattern: %s in %s",
				 signal_word(facts->crash->signo, word, sizeof(word)), place);
	else if (facts->crash->kind == CRASH_KIND_HANG)
		detail = xstrfmt("no known pattern: it waits in %s", place);
	else
		detail = xstrfmt("no known pattern: it %s in %s", facts_verb(facts), place);
	free(place);
	return detail;
}

/* As the rules call it, or else the module's name; NULL: neither is known. */
static char *component_of(const struct facts *facts, int frame)
{
	const char *name;

	if (frame < 0 || frame >= facts->nframes)
		return NULL;
	name = facts->frames[frame].origin.component;
	if (!name)
		name = module_base(facts->culprit->frames[frame].module);
	return name ? xstrdup(name) : NULL;
}

static void triage_take(struct triage *triage, const struct facts *facts, enum pattern pattern,
			struct finding *finding)
{
	triage->pattern = pattern;
	triage->detail = finding->detail;
	finding->detail = NULL;
	triage->attribution = finding->attribution;
	triage->component = component_of(facts, finding->frame);
	memcpy(triage->evidence, finding->evidence, sizeof(triage->evidence));
	triage->nevidence = finding->nevidence;
	finding->nevidence = 0;
	triage->confidence = finding->score >= SCORE_STRONG ? CONFIDENCE_HIGH
			   : finding->score >= SCORE_FAIR   ? CONFIDENCE_MEDIUM
							    : CONFIDENCE_LOW;
	if (facts->crash->retold && triage->confidence == CONFIDENCE_HIGH)
		triage->confidence = CONFIDENCE_MEDIUM;
}

/* What else holds, best first. */
static void triage_also(struct triage *triage, const struct finding best[PATTERN_COUNT])
{
	bool told[PATTERN_COUNT] = { [PATTERN_OTHER] = true };
	size_t room = sizeof(triage->also) / sizeof(*triage->also);

	told[triage->pattern] = true;
	while (triage->nalso < room) {
		enum pattern next = PATTERN_OTHER;

		for (enum pattern p = 0; p < PATTERN_COUNT; p++)
			if (!told[p] && best[p].score >= SCORE_ALSO &&
			    (next == PATTERN_OTHER || best[p].score > best[next].score))
				next = p;
		if (next == PATTERN_OTHER)
			return;
		told[next] = true;
		triage->also[triage->nalso++] = next;
	}
}

/* Somebody wanted it to stop there; nothing went wrong. */
static bool at_breakpoint(const struct crash *crash)
{
	return crash->kind == CRASH_KIND_LOOK && crash->breakpoint;
}

static void blame_other(struct triage *triage, const struct facts *facts, struct finding *finding)
{
	finding->attribution = facts_owner(facts, &finding->frame);
	if (finding->attribution == ATTRIBUTION_UNKNOWN) {
		finding->attribution = facts_lean(facts, &finding->frame);
		triage->likeliest = finding->attribution != ATTRIBUTION_UNKNOWN;
	}
}

struct triage *triage_classify(const struct crash *crash, const struct triage_settings *settings)
{
	struct triage *triage = xcalloc(1, sizeof(*triage));
	struct finding best[PATTERN_COUNT] = { { 0 } };
	const char *names[PATTERN_COUNT] = { NULL };
	enum pattern pattern = PATTERN_OTHER;
	struct facts facts;

	facts_collect(&facts, crash, settings ? settings->rules : NULL);
	if (crash->kind != CRASH_KIND_STOPPED && !at_breakpoint(crash))
		rules_ask(&facts, best, names);
	for (enum pattern p = 0; p < PATTERN_COUNT; p++)
		if (best[p].score > best[pattern].score)
			pattern = p;
	if (pattern == PATTERN_OTHER) {
		best[pattern].detail = other_detail(&facts);
		/* Where a process was when a signal stopped it is chance, and nobody's fault. */
		if (crash->kind != CRASH_KIND_STOPPED)
			blame_other(triage, &facts, &best[pattern]);
	}
	triage_take(triage, &facts, pattern, &best[pattern]);
	triage->rule = names[pattern];
	triage_also(triage, best);
	triage->signature = signature_make(&facts);
	for (enum pattern p = 0; p < PATTERN_COUNT; p++)
		finding_release(&best[p]);
	facts_release(&facts);
	return triage;
}

void triage_free(struct triage *triage)
{
	if (!triage)
		return;
	for (size_t i = 0; i < triage->nevidence; i++)
		free(triage->evidence[i].why);
	free(triage->detail);
	free(triage->component);
	free(triage->signature);
	free(triage);
}

const char *pattern_name(enum pattern pattern)
{
	static const char *const names[PATTERN_COUNT] = {
		[PATTERN_OTHER] = "other",
		[PATTERN_FINALIZATION_TOCTOU] = "finalization-toctou",
		[PATTERN_FORK_SAFETY] = "fork-safety",
		[PATTERN_USE_AFTER_FREE] = "use-after-free",
		[PATTERN_ALLOCATOR_HOOK] = "allocator-hook",
		[PATTERN_FFI_UNWIND] = "ffi-unwind",
		[PATTERN_RECURSION_OR_LOOP] = "recursion-or-loop",
		[PATTERN_CYTHON_SILENT] = "cython-silent",
		[PATTERN_STRIPPED_MISATTRIBUTION] = "stripped-misattribution",
		[PATTERN_ENV_RACE] = "env-race",
		[PATTERN_GIL_NOT_HELD] = "gil-not-held",
		[PATTERN_SHUTDOWN_LOCK] = "shutdown-lock",
		[PATTERN_LOCK_ORDER] = "lock-order",
	};

	return pattern < PATTERN_COUNT ? names[pattern] : "other";
}

const char *attribution_name(enum attribution attribution)
{
	static const char *const names[] = {
		[ATTRIBUTION_UNKNOWN] = "unknown",         [ATTRIBUTION_EXTENSION] = "extension",
		[ATTRIBUTION_THIRD_PARTY] = "third-party", [ATTRIBUTION_CPYTHON] = "cpython",
		[ATTRIBUTION_INTERACTION] = "interaction",
		[ATTRIBUTION_APPLICATION] = "application",
	};

	return names[attribution];
}

const char *confidence_name(enum confidence confidence)
{
	static const char *const names[] = {
		[CONFIDENCE_LOW] = "low",
		[CONFIDENCE_MEDIUM] = "medium",
		[CONFIDENCE_HIGH] = "high",
	};

	return names[confidence];
}
