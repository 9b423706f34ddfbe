/* SPDX-License-Identifier: Apache-2.0 */
/* Bounds against values that can be had from a table of the binomial or F distribution. */
#include <math.h>

#include "run/stats.h"
#include "tap.h"

static bool near(double got, double wanted)
{
	return fabs(got - wanted) < 0.0005 * (wanted > 0.01 ? 1 : wanted);
}

int main(void)
{
	CHECK(near(stats_upper95(0, 20), 0.1391), "none of 20: the rate is below 13.9 %%");
	CHECK(near(stats_upper95(0, 3), 0.6316), "none of 3: below 63.2 %%");
	CHECK(near(stats_upper95(1, 10), 0.3942), "1 of 10: below 39.4 %%");
	CHECK(near(stats_upper95(5, 10), 0.7776), "5 of 10: below 77.8 %%");
	CHECK(near(stats_upper95(9, 10), 0.9949), "9 of 10: below 99.5 %%");
	CHECK(stats_upper95(10, 10) == 1, "10 of 10: nothing is excluded");
	CHECK(stats_upper95(0, 0) == 1, "no trials: nothing is known");
	CHECK(near(stats_upper95(0, 1000000), 2.9957e-6), "none of a million: the rule of three");
	CHECK(stats_upper95(50, 100000) > 0.0005 && stats_upper95(50, 100000) < 0.0007,
	      "large counts do not underflow");
	CHECK_INT(stats_trials_to_exclude(0.01), 299, "299 clean trials exclude one per cent");
	CHECK(stats_upper95(0, 298) > 0.01 && stats_upper95(0, 299) <= 0.01,
	      "and 298 do not: both functions agree");
	/* In 97 trials without one, the bound is 0.030412: nearest would be below what is known. */
	CHECK(stats_upper95(0, 97) > 0.0304, "none of 97 leaves more than 3.04 %%");
	CHECK(near(stats_rounded_up(stats_upper95(0, 97), 2), 0.031), "a bound is rounded up");
	CHECK(stats_rounded(stats_upper95(0, 97), 2) < 0.0301, "where a rate is not");
	for (uint64_t trials = 1; trials < 3000; trials++) {
		double bound = stats_upper95(0, trials), shown = stats_rounded_up(bound, 3);
		bool good = shown >= bound && shown <= 1 && shown < bound * 1.0101;

		if (!good || trials == 2999)
			CHECK(good, "the bound of %d trials is told as %g, not too low, nor far up",
			      (int)trials, shown);
	}
	CHECK(stats_rounded_up(0.9999, 3) == 1 && stats_rounded_up(1, 3) == 1,
	      "and a bound is at most 1");
	CHECK(near(stats_rounded(0.0123456, 3), 0.0123) && stats_rounded(1234.5, 3) == 1230 &&
	      stats_rounded(0, 3) == 0, "a number has as many digits as are asked for");
	return tap_done();
}
