/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A crash as a finding of `run --json` records it: all that the classification looks at, so that a
 * record which is read back is classified as the crash was. read_forkpoint.c reads it.
 */
#ifndef FORKPOINT_TRIAGE_CRASH_JSON_H
#define FORKPOINT_TRIAGE_CRASH_JSON_H

#include <jansson.h>

#include "observe/crash.h"

/* The same keys each time; of no crash (NULL) all are null. */
void crash_json_add(json_t *object, const struct crash *crash);
/* "signal", "hang", …: the word of the key "kind". Static. */
const char *crash_kind_word(enum crash_kind kind);

#endif
