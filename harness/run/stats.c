/* SPDX-License-Identifier: Apache-2.0 */
#include "run/stats.h"

#include <math.h>

#define ALPHA 0.05

/* P(X <= hits) for X binomial(trials, p), in logarithms so that large counts do not vanish. */
static double binomial_cdf(uint64_t hits, uint64_t trials, double p)
{
	double n = (double)trials, sum = 0;

	for (uint64_t i = 0; i <= hits; i++) {
		double k = (double)i;
		double log_choose = lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1);

		sum += exp(log_choose + k * log(p) + (n - k) * log1p(-p));
	}
	return sum;
}

double stats_upper95(uint64_t hits, uint64_t trials)
{
	double low, high = 1;

	if (hits >= trials)
		return 1;
	if (hits == 0)
		return 1 - pow(ALPHA, 1 / (double)trials);
	low = (double)hits / (double)trials;
	/* 50 halvings of an interval below 1 leave nothing that a double could tell apart. */
	for (int i = 0; i < 50; i++) {
		double middle = (low + high) / 2;

		if (binomial_cdf(hits, trials, middle) > ALPHA)
			low = middle;
		else
			high = middle;
	}
	return high;
}

static double scale_of(double value, int digits)
{
	return value > 0 ? pow(10, digits - ceil(log10(value))) : 1;
}

double stats_rounded(double value, int digits)
{
	double scale = scale_of(value, digits);

	return round(value * scale) / scale;
}

double stats_rounded_up(double bound, int digits)
{
	double scale = scale_of(bound, digits);

	return fmin(1, ceil(bound * scale) / scale);
}

uint64_t stats_trials_to_exclude(double p)
{
	return (uint64_t)ceil(log(ALPHA) / log1p(-p));
}
