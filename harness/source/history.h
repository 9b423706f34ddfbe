/* SPDX-License-Identifier: Apache-2.0 */
/* Commits that may have to do with a crash, up to the revision that crashed. */
#ifndef FORKPOINT_SOURCE_HISTORY_H
#define FORKPOINT_SOURCE_HISTORY_H

#include "source/repository.h"
#include "source/revision.h"
#include "triage/account.h"

/*
 * Those that changed the files of `source->places`, and those whose message has words of the
 * pattern's: fill in `commits`, each once.
 */
void history_find(const struct repository *repository, const struct revision *revision,
		  enum pattern pattern, struct account_source *source);

#endif
