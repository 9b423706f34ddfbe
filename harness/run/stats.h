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

/* Trials without a hit that it takes until the bound falls below p (0 < p < 1). */
uint64_t stats_trials_to_exclude(double p);

#endif
