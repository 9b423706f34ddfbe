/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "trials" and "outcomes" of a cell that was read from a file, or of one of its settings of the
 * allocator: outcomes that there are, and that sum up to the trials. Internal to report/. Pure.
 */
#ifndef FORKPOINT_REPORT_RECORD_OUTCOMES_H
#define FORKPOINT_REPORT_RECORD_OUTCOMES_H

#include "report/part.h"

/* -1: one cannot be true, and `why` says which. Keys that are null are no fault. */
int record_outcomes_check(const struct part *part);

#endif
