/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The replay line: what every finding prints, and `forkpoint replay` takes.
 *
 *	fp2:finalize-restore/noexcept:bug:3.13.0:starve:zygote:default:0x2a:17:SIGABRT
 *
 * format, scenario with variant, bug or twin, interpreter, strategy, isolation, setting of the
 * allocator, seed of the run, number of the trial, and the outcome it had. From seed and number the
 * trial's order follows. Lines of format fp1, which lack the setting, are read: it was the default.
 */
#ifndef FORKPOINT_MATRIX_REPLAY_H
#define FORKPOINT_MATRIX_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "explore/strategy.h"

struct replay {
	char *scenario; /* owned */
	char *python;   /* owned */
	bool twin;
	const struct strategy *strategy;
	enum isolation isolation;
	enum allocator allocator;
	uint64_t seed;
	uint64_t trial;
	enum outcome outcome;
};

void replay_format(const struct replay *replay, struct strbuf *out);
/* "forkpoint replay " before it is passed over. 0, or -1 and a sentence. */
int replay_parse(const char *line, struct replay *replay, struct strbuf *err);
void replay_release(struct replay *replay);

#endif
