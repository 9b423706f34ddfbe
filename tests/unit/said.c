/* SPDX-License-Identifier: Apache-2.0 */
/* Which of a subject's words counts, as the driver reads them. */
#include "embed/subject.h"
#include "tests/unit/tap.h"

static struct control control;

static void say(enum word word, uint32_t state, uint32_t outcome, const char *text)
{
	struct control_word *at = &control.said.words[word];

	at->state = state;
	at->outcome = outcome;
	snprintf(at->text, sizeof(at->text), "%s", text);
}

static void check_said(enum outcome wanted, const char *wanted_text, const char *why)
{
	enum outcome outcome = OUTCOME_COUNT;
	const char *text = NULL;

	CHECK(control_said(&control, &outcome, &text), "%s: something was said", why);
	CHECK_INT(outcome, wanted, "%s: which", why);
	CHECK_STR(text, wanted_text, "%s: and why", why);
	CHECK(control_said(&control, &outcome, NULL), "%s: without the reason, too", why);
}

int main(void)
{
	enum outcome outcome;

	CHECK(!control_said(&control, &outcome, NULL), "at first nothing was said");
	for (int i = 0; i < OUTCOME_COUNT; i++) {
		bool own = i == OUTCOME_OK || i == OUTCOME_PARKED || i == OUTCOME_EXIT;

		if (own == (control_word_of((enum outcome)i) == WORD_WRONG))
			CHECK(false, "outcome %d has the wrong word", i);
	}
	say(WORD_PARKED, WORD_SAID, OUTCOME_PARKED, "it is held");
	check_said(OUTCOME_PARKED, "it is held", "one word");
	say(WORD_OK, WORD_SAID, OUTCOME_OK, "all is well");
	check_said(OUTCOME_PARKED, "it is held", "a better word beside it");
	say(WORD_WRONG, WORD_SAID, OUTCOME_TIMEOUT, "too slow");
	check_said(OUTCOME_TIMEOUT, "too slow", "the worst word, which is any other outcome");
	say(WORD_WRONG, WORD_SAID, OUTCOME_COUNT + 1000, "garbage");
	check_said(OUTCOME_WRONG, "garbage", "an outcome that there is not");
	say(WORD_WRONG, WORD_BEGUN, OUTCOME_OK, "half a w");
	check_said(OUTCOME_WRONG, "the subject ended in the middle of saying so",
		   "a word that was not finished");
	return tap_done();
}
