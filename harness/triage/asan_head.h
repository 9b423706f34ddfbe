/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The line by which a sanitizer says what it has found:
 *
 *	==123==ERROR: AddressSanitizer: heap-use-after-free on address 0x604000000013 at pc 0x…
 *	==123==ERROR: AddressSanitizer: attempting double-free on 0x604000000010 in thread T0:
 *	==123==ERROR: AddressSanitizer: SEGV on unknown address 0x000000000000 (pc 0x… T0)
 *	==123==ERROR: LeakSanitizer: detected memory leaks
 */
#ifndef FORKPOINT_TRIAGE_ASAN_HEAD_H
#define FORKPOINT_TRIAGE_ASAN_HEAD_H

#include "triage/readers.h"

/* Of a transcription, the number may be a word: pid 0. Not ThreadSanitizer, but for signals. */
bool asan_head(struct piece line, uint64_t *pid, struct piece *what);
/* The finding or the signal, address and registers. A kind of several words is left to others. */
void asan_read_what(struct crash *crash, struct piece what);
/* The first one stays. */
void asan_set_finding(struct crash *crash, struct piece kind);

#endif
