/* SPDX-License-Identifier: Apache-2.0 */
#include "report/result.h"

#include <stdio.h>
#include <string.h>

static const char *const verdict_names[RESULT_VERDICTS] = {
	[RESULT_AS_EXPECTED] = "as-expected",
	[RESULT_UNEXPECTED] = "unexpected",
	[RESULT_NOT_SEEN] = "not-seen",
	[RESULT_VACUOUS] = "vacuous",
	[RESULT_SKIPPED] = "skipped",
	[RESULT_BROKEN] = "harness-error",
};

enum result_verdict result_verdict(const json_t *cell)
{
	const char *verdict = result_text(cell, "verdict", "");

	if (json_is_string(json_object_get(cell, "harness_error")))
		return RESULT_BROKEN;
	for (enum result_verdict v = 0; v < RESULT_BROKEN; v++)
		if (!strcmp(verdict, verdict_names[v]))
			return v;
	return RESULT_BROKEN;
}

const char *result_verdict_name(enum result_verdict verdict)
{
	return verdict_names[verdict];
}

const char *result_text(const json_t *cell, const char *key, const char *otherwise)
{
	const char *text = json_string_value(json_object_get(cell, key));

	return text && *text ? text : otherwise;
}

bool result_flag(const json_t *cell, const char *key)
{
	return json_is_true(json_object_get(cell, key));
}

json_int_t result_count(const json_t *cell, const char *key)
{
	return json_integer_value(json_object_get(cell, key));
}

void result_add_name(struct strbuf *sb, const json_t *cell)
{
	const char *explore = result_text(cell, "explore", NULL);
	const char *isolation = result_text(cell, "isolation", "zygote");

	if (json_is_null(json_object_get(cell, "scenario"))) {
		strbuf_addf(sb, "Python %s", result_text(cell, "python", "(no name)"));
		return;
	}
	strbuf_addf(sb, "%s%s @ %s", result_text(cell, "scenario", "(no name)"),
		    result_flag(cell, "twin") ? " twin" : "",
		    result_text(cell, "python", "(no interpreter)"));
	if (explore)
		strbuf_addf(sb, " %s", explore);
	if (strcmp(isolation, "zygote"))
		strbuf_addf(sb, " %s", isolation);
}

static json_int_t sum_outcomes(const json_t *cell, bool signals)
{
	json_t *outcomes = json_object_get(cell, "outcomes"), *count;
	const char *outcome;
	json_int_t sum = 0;

	json_object_foreach(outcomes, outcome, count)
		if (signals ? !strncmp(outcome, "SIG", 3) : !strcmp(outcome, "hang"))
			sum += json_integer_value(count);
	return sum;
}

json_int_t result_crashes(const json_t *cell)
{
	return sum_outcomes(cell, true);
}

json_int_t result_hangs(const json_t *cell)
{
	return sum_outcomes(cell, false);
}

bool outcome_is_bad(const char *outcome, const json_t *count)
{
	return strcmp(outcome, "ok") && json_integer_value(count) != 0;
}

static const struct {
	const char *outcome, *word;
} outcomes[] = {
	{ "ok", "ok" }, { "parked", "park" }, { "exit", "exit" }, { "wrong", "wrong" },
	{ "timeout", "slow" }, { "hang", "hang" },
};

#define OUTCOMES ((int)(sizeof(outcomes) / sizeof(outcomes[0])))
#define SIGNALS (RESULT_GRAVITIES - OUTCOMES)

static int signal_of(const char *outcome)
{
	if (strncmp(outcome, "SIG", 3) != 0)
		return 0;
	for (int signo = 1; signo <= SIGNALS; signo++) {
		const char *abbreviation = sigabbrev_np(signo);
		char number[16];

		snprintf(number, sizeof(number), "%d", signo);
		if (!strcmp(outcome + 3, abbreviation ? abbreviation : number))
			return signo;
	}
	return 0;
}

int result_gravity(const char *outcome)
{
	int signo = signal_of(outcome);

	if (signo)
		return OUTCOMES + signo - 1;
	for (int i = 0; i < OUTCOMES; i++)
		if (!strcmp(outcome, outcomes[i].outcome))
			return i;
	return -1;
}

const char *result_word(const char *outcome)
{
	if (!strncmp(outcome, "SIG", 3))
		return outcome + 3;
	for (int i = 0; i < OUTCOMES; i++)
		if (!strcmp(outcome, outcomes[i].outcome))
			return outcomes[i].word;
	return outcome;
}

bool result_expects(const json_t *cell, const char *outcome)
{
	json_t *word;
	size_t i;

	json_array_foreach(json_object_get(cell, "expected"), i, word)
		if (json_is_string(word) && !strcmp(json_string_value(word), outcome))
			return true;
	return false;
}

/* "a", "a or b": all bad members of the expected set; which of them chance chose must not show. */
static void add_expected(struct strbuf *sb, const json_t *cell)
{
	size_t i, n = 0;
	json_t *word;

	json_array_foreach(json_object_get(cell, "expected"), i, word)
		if (json_is_string(word) && strcmp(json_string_value(word), "ok"))
			strbuf_addf(sb, "%s%s", n++ ? " or " : "", json_string_value(word));
}

static bool any_bad(const json_t *cell)
{
	json_t *count;
	const char *outcome;

	json_object_foreach(json_object_get(cell, "outcomes"), outcome, count)
		if (outcome_is_bad(outcome, count))
			return true;
	return false;
}

static bool was_seen(const json_t *cell, const char *outcome)
{
	return json_integer_value(json_object_get(json_object_get(cell, "outcomes"), outcome)) > 0;
}

/* Of what is expected, all that never came. */
static void add_absent(struct strbuf *sb, const json_t *cell)
{
	size_t i, n = 0;
	json_t *word;

	json_array_foreach(json_object_get(cell, "expected"), i, word)
		if (json_is_string(word) && !was_seen(cell, json_string_value(word)))
			strbuf_addf(sb, "%s%s", n++ ? " or " : "", json_string_value(word));
	strbuf_addstr(sb, n ? " did not happen" : "unexpected");
}

/* Where an ok is all that was not expected, what did not happen says more, if nothing bad did. */
static void add_unexpected(struct strbuf *sb, const json_t *cell)
{
	size_t n = 0;
	json_t *count;
	const char *outcome;

	json_object_foreach(json_object_get(cell, "outcomes"), outcome, count)
		if (outcome_is_bad(outcome, count) && !result_expects(cell, outcome))
			strbuf_addf(sb, "%s%s", n++ ? ", " : "unexpected: ", outcome);
	if (n)
		return;
	if (any_bad(cell) && was_seen(cell, "ok") && !result_expects(cell, "ok"))
		strbuf_addstr(sb, "unexpected: ok");
	else
		add_absent(sb, cell);
}

void result_add_finding(struct strbuf *sb, const json_t *cell)
{
	struct strbuf text = STRBUF_INIT;

	switch (result_verdict(cell)) {
	case RESULT_AS_EXPECTED:
		if (any_bad(cell))
			add_expected(&text, cell);
		strbuf_addstr(&text, text.len ? " as expected" : "clean");
		break;
	case RESULT_UNEXPECTED:
		add_unexpected(&text, cell);
		break;
	case RESULT_NOT_SEEN:
		strbuf_addstr(&text, "not seen");
		break;
	case RESULT_VACUOUS:
		strbuf_addstr(&text, "vacuous");
		break;
	case RESULT_SKIPPED:
		strbuf_addstr(&text, "skipped");
		break;
	default:
		strbuf_addstr(&text, "the harness failed");
		break;
	}
	strbuf_add(sb, text.buf, text.len);
	strbuf_release(&text);
}
