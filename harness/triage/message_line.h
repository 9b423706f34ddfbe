/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines that tell of a crash though no report begins with them: what a program wrote about itself,
 * by whose words one knows it. Only these: prose may say anything.
 */
#ifndef FORKPOINT_TRIAGE_MESSAGE_LINE_H
#define FORKPOINT_TRIAGE_MESSAGE_LINE_H

#include "triage/readers.h"

bool message_is_telling(struct piece line);
/* Of one that tells of a signal, which; else 0. */
int message_signal(struct piece line);

#endif
