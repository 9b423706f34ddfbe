/* SPDX-License-Identifier: Apache-2.0 */
/* The little statistics that verdicts rest on. Pure. */
#ifndef FORKPOINT_RUN_STATS_H
#define FORKPOINT_RUN_STATS_H

#include <stdint.h>

/*
 * One-sided 95 % upper bound of a rate of which `hits` were seen in `trials` (Clopper and Pearson,
 * Biometrika 26, 1934): the largest p under which so few hits still have a chance of 5 %. 1 for no
 * trials. With no hit it is the rule of three, made exact: 1 - 0.05^(1/trials).
 */
double stats_upper95(uint64_t hits, uint64_t trials);

/* To so many digits that mean something, 0.0123456 to 0.0123: a time, a rate. */
double stats_rounded(double value, int digits);

/* The same for an upper bound, which may only be rounded up; a rate is at most 1. */
double stats_rounded_up(double bound, int digits);

/* Trials without a hit that it takes until the bound falls below p (0 < p < 1). */
uint64_t stats_trials_to_exclude(double p);

#endif
