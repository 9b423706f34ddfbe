/* SPDX-License-Identifier: Apache-2.0 */
#include "run/verdict.h"

#include "run/stats.h"

const char *verdict_name(enum verdict verdict)
{
	static const char *const names[] = {
		[VERDICT_AS_EXPECTED] = "as-expected", [VERDICT_UNEXPECTED] = "unexpected",
		[VERDICT_NOT_SEEN] = "not-seen",       [VERDICT_VACUOUS] = "vacuous",
		[VERDICT_SKIPPED] = "skipped",
	};

	return names[verdict];
}

void tally_add(struct tally *tally, const struct trial *trial)
{
	tally->trials++;
	tally->outcomes[trial->outcome]++;
	if (trial->hit) {
		tally->hits++;
		tally->hit_outcomes[trial->outcome]++;
	}
	if (trial->measured_ns) {
		tally->measured++;
		tally->measured_sum_ns += trial->measured_ns;
	}
}

void tally_merge(struct tally *tally, const struct tally *from)
{
	tally->trials += from->trials;
	tally->hits += from->hits;
	for (int i = 0; i < OUTCOME_COUNT; i++) {
		tally->outcomes[i] += from->outcomes[i];
		tally->hit_outcomes[i] += from->hit_outcomes[i];
	}
	tally->measured += from->measured;
	tally->measured_sum_ns += from->measured_sum_ns;
}

uint64_t tally_count(const struct tally *tally, const struct outcome_set *set)
{
	uint64_t n = 0;

	for (int i = 0; i < OUTCOME_COUNT; i++)
		if (set->has[i])
			n += tally->outcomes[i];
	return n;
}

uint64_t tally_bad_hits(const struct tally *tally)
{
	return tally->hits - tally->hit_outcomes[OUTCOME_OK];
}

void expected_bad(const struct expected *expected, struct outcome_set *bad)
{
	*bad = expected->shows;
	bad->has[OUTCOME_OK] = false;
}

/* The first outcome that was seen and is not allowed; -1: none. */
static int outsider(const struct expected *expected, const struct tally *tally)
{
	for (int i = 0; i < OUTCOME_COUNT; i++)
		if (tally->outcomes[i] && !expected->allows.has[i])
			return i;
	return -1;
}

static bool floor_excluded(const struct expected *expected, const struct tally *tally)
{
	return expected->floor > 0 && stats_upper95(0, tally->hits) < expected->floor;
}

static enum verdict judge_absence(const struct expected *expected, const struct tally *tally,
				  bool random, struct strbuf *reason)
{
	struct strbuf wanted = STRBUF_INIT;
	enum verdict verdict = VERDICT_UNEXPECTED;

	outcome_set_describe(&expected->shows, &wanted);
	if (random && floor_excluded(expected, tally)) {
		strbuf_addf(reason, "%s was to be seen in at least %g of the hits; %llu hits "
			    "without one exclude that at 95 %%", wanted.buf, expected->floor,
			    (unsigned long long)tally->hits);
	} else if (random) {
		strbuf_addf(reason, "%s not met in %llu hits: its rate is below %.2g at 95 %%",
			    wanted.buf, (unsigned long long)tally->hits,
			    stats_rounded_up(stats_upper95(0, tally->hits), 2));
		verdict = VERDICT_NOT_SEEN;
	} else {
		strbuf_addf(reason, "%s expected each time and never seen in %llu trials",
			    wanted.buf, (unsigned long long)tally->trials);
	}
	strbuf_release(&wanted);
	return verdict;
}

enum verdict verdict_judge(const struct expected *expected, const struct tally *tally, bool random,
			   struct strbuf *reason)
{
	int stranger = outsider(expected, tally);

	if (stranger >= 0) {
		struct strbuf allowed = STRBUF_INIT;

		outcome_set_describe(&expected->allows, &allowed);
		strbuf_addf(reason, "%s in %llu of %llu trials, where only %s is expected",
			    outcome_name((enum outcome)stranger),
			    (unsigned long long)tally->outcomes[stranger],
			    (unsigned long long)tally->trials, allowed.buf);
		strbuf_release(&allowed);
		return VERDICT_UNEXPECTED;
	}
	if (!tally->hits) {
		strbuf_addf(reason, "in %llu trials the operation never began inside the window",
			    (unsigned long long)tally->trials);
		return VERDICT_VACUOUS;
	}
	if (!outcome_set_empty(&expected->shows) && !tally_count(tally, &expected->shows))
		return judge_absence(expected, tally, random, reason);
	strbuf_addstr(reason, expected->source ? expected->source : "");
	return VERDICT_AS_EXPECTED;
}

bool verdict_decided(const struct expected *expected, const struct tally *tally, bool random,
		     uint64_t enough)
{
	struct outcome_set bad;

	if (outsider(expected, tally) >= 0)
		return true;
	if (!tally->hits)
		return !random && tally->trials >= enough;
	if (!random)
		return tally->trials >= enough;
	expected_bad(expected, &bad);
	if (outcome_set_empty(&bad))
		return stats_upper95(0, tally->hits) < VERDICT_CLEAN_BOUND;
	if (tally_count(tally, &bad))
		return tally_count(tally, &bad) >= enough;
	return floor_excluded(expected, tally);
}

bool verdict_awaits(const struct expected *expected, const struct tally *tally)
{
	struct outcome_set bad;

	expected_bad(expected, &bad);
	return !outcome_set_empty(&bad) && !tally_count(tally, &bad) &&
	       outsider(expected, tally) < 0;
}
