/* SPDX-License-Identifier: Apache-2.0 */
/* Verdicts on tallies: what was seen against what a table allows. */
#include "run/verdict.h"
#include "tap.h"

static struct expected row(const char *shows, const char *allows, double floor)
{
	struct expected expected = { .releases = "", .floor = floor, .source = "here" };
	struct strbuf err = STRBUF_INIT;

	outcome_set_add(&expected.shows, shows, &err);
	outcome_set_add(&expected.allows, shows, &err);
	outcome_set_add(&expected.allows, allows, &err);
	strbuf_release(&err);
	return expected;
}

static void add(struct tally *tally, enum outcome outcome, bool hit, unsigned int times)
{
	struct trial trial = { .outcome = outcome, .hit = hit };

	while (times--)
		tally_add(tally, &trial);
}

static enum verdict judge(const struct expected *expected, const struct tally *tally, bool random)
{
	struct strbuf reason = STRBUF_INIT;
	enum verdict verdict = verdict_judge(expected, tally, random, &reason);

	CHECK(reason.len > 0, "a verdict has its reason (%s: %s)", verdict_name(verdict),
	      reason.buf);
	strbuf_release(&reason);
	return verdict;
}

static void test_met_each_time(void)
{
	struct expected crash = row("SIGSEGV SIGABRT", NULL, 0), clean = row("ok", NULL, 0);
	struct tally t = { 0 };

	add(&t, 11, true, 2);
	add(&t, 6, true, 1);
	CHECK_INT(judge(&crash, &t, false), VERDICT_AS_EXPECTED, "either promised signal will do");
	CHECK_INT(judge(&clean, &t, false), VERDICT_UNEXPECTED,
		  "where ok is promised neither will");
	add(&t, OUTCOME_HANG, true, 1);
	CHECK_INT(judge(&crash, &t, false), VERDICT_UNEXPECTED,
		  "one outcome outside the set spoils the cell");
	t = (struct tally){ 0 };
	add(&t, OUTCOME_OK, true, 3);
	CHECK_INT(judge(&crash, &t, false), VERDICT_UNEXPECTED, "ok where a crash is promised");
	CHECK_INT(judge(&clean, &t, false), VERDICT_AS_EXPECTED, "ok where ok is promised");
}

static void test_hits(void)
{
	struct expected clean = row("ok", NULL, 0);
	struct tally t = { 0 };

	add(&t, OUTCOME_OK, false, 1000);
	CHECK_INT(judge(&clean, &t, false), VERDICT_VACUOUS, "a thousand trials without a hit");
	add(&t, OUTCOME_OK, true, 1);
	CHECK_INT(judge(&clean, &t, false), VERDICT_AS_EXPECTED, "one hit is one");
	t = (struct tally){ 0 };
	CHECK_INT(judge(&clean, &t, false), VERDICT_VACUOUS, "no trial at all is vacuous");
}

static void test_chance(void)
{
	struct expected rare = row("SIGSEGV", "ok", 0), floor = row("SIGSEGV", "ok", 0.01);
	struct tally t = { 0 };

	add(&t, OUTCOME_OK, true, 298);
	CHECK_INT(judge(&rare, &t, true), VERDICT_NOT_SEEN, "luck may lack");
	CHECK_INT(judge(&rare, &t, false), VERDICT_UNEXPECTED, "a meeting each time needs none");
	CHECK_INT(judge(&floor, &t, true), VERDICT_NOT_SEEN, "298 hits do not exclude 1 %%");
	add(&t, OUTCOME_OK, false, 1000);
	CHECK_INT(judge(&floor, &t, true), VERDICT_NOT_SEEN, "misses exclude nothing");
	add(&t, OUTCOME_OK, true, 1);
	CHECK_INT(judge(&floor, &t, true), VERDICT_UNEXPECTED, "299 hits do: the floor is broken");
	add(&t, 11, true, 1);
	CHECK_INT(judge(&floor, &t, true), VERDICT_AS_EXPECTED, "one crash and it stands");
}

static void test_decided(void)
{
	struct expected crash = row("SIGSEGV", "ok", 0), clean = row("ok", NULL, 0);
	struct tally t = { 0 };

	add(&t, OUTCOME_OK, true, 2);
	CHECK(!verdict_decided(&clean, &t, false, 3), "two of three trials decide nothing");
	add(&t, OUTCOME_OK, true, 1);
	CHECK(verdict_decided(&clean, &t, false, 3), "three do where each trial meets");
	CHECK(!verdict_decided(&clean, &t, true, 3), "and not where chance does");
	CHECK(!verdict_decided(&crash, &t, true, 3), "a promised crash is waited for");
	add(&t, 11, true, 2);
	CHECK(!verdict_decided(&crash, &t, true, 3), "until it was seen three times");
	add(&t, 11, true, 1);
	CHECK(verdict_decided(&crash, &t, true, 3), "which ends it");
	CHECK(verdict_decided(&clean, &t, true, 3), "an outsider ends a clean cell at once");
	t = (struct tally){ 0 };
	add(&t, OUTCOME_OK, true, 597);
	CHECK(!verdict_decided(&clean, &t, true, 3), "597 clean hits bound the rate above 0.5 %%");
	add(&t, OUTCOME_OK, true, 1);
	CHECK(verdict_decided(&clean, &t, true, 3), "598 below");
}

static void test_awaits(void)
{
	struct expected rare = row("SIGSEGV", "ok", 0), clean = row("ok", NULL, 0);
	struct tally t = { 0 };

	CHECK(verdict_awaits(&rare, &t), "a promised crash is awaited from the first trial on");
	CHECK(!verdict_awaits(&clean, &t), "where ok is promised, nothing is");
	add(&t, OUTCOME_OK, true, 1000);
	CHECK(verdict_awaits(&rare, &t), "as long as all goes well");
	add(&t, 6, true, 1);
	CHECK(!verdict_awaits(&rare, &t), "an outcome outside the set ends it");
	t = (struct tally){ 0 };
	add(&t, 11, true, 1);
	CHECK(!verdict_awaits(&rare, &t), "as the crash itself does");
}

int main(void)
{
	test_met_each_time();
	test_hits();
	test_chance();
	test_decided();
	test_awaits();
	return tap_done();
}
