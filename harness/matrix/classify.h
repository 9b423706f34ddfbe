/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the classifier says of a subject's crash. Its signature is to be the same whether or not
 * CPython's memory could be read, which may be torn at that moment: so native frames decide.
 */
#ifndef FORKPOINT_MATRIX_CLASSIFY_H
#define FORKPOINT_MATRIX_CLASSIFY_H

#include "observe/crash.h"
#include "triage/triage.h"

/* As triage_classify() of the crash without Python frames, which its evidence does not count. */
struct triage *classify_finding(const struct crash *crash);

#endif
