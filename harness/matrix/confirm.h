/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Controls: the experiments that bear a finding out, or refute it.
 *
 *   outside  no trial that was no hit ended badly: it strikes only inside the window
 *   quiet    W parked before its window, the same operation: clean
 *   twin     the same code with the fix, met the same way: clean, and met at all
 *   fresh    what a zygote's fork showed shows in a program started afresh, too: a zygote's child
 *            has other thread ids, arenas and handler counts. Where the table promises several
 *            outcomes of one defect, another of them bears it out, too, and is counted apart.
 *
 * A control that does not apply (no window, no trial outside it, a random meeting in a fresh
 * process) is left out and decides nothing.
 */
#ifndef FORKPOINT_MATRIX_CONFIRM_H
#define FORKPOINT_MATRIX_CONFIRM_H

#include <stdbool.h>
#include <stdint.h>

#include "explore/strategy.h"
#include "triage/experiment.h"

struct confirm {
	struct controls controls;
	struct tally fresh_tally; /* what the fresh trials came to */
};

/*
 * Run the controls that need trials of their own. `bug` has been explored; `twin` too, or it is
 * NULL and then the twin runs here. `fresh` is a link to the same host in ISOLATION_EXEC, under the
 * first finding's setting of the allocator.
 */
enum link_result confirm_run(struct cell *bug, const struct strategy *strategy,
			     const struct cell *twin, struct link *fresh,
			     struct confirm *out, struct strbuf *err);

/*
 * What the controls say of one of the cell's findings. Three of them are about whatever goes wrong,
 * and one that is not clean contradicts all findings. Nothing is confirmed by a twin that was never
 * met. The cell's main finding is confirmed if `fresh`, where it applies, showed the same or
 * another outcome of the defect; any other one only if its own outcome came again: in `fresh`, or,
 * where that does not apply, in more than one hit. That it did not come in `fresh`, which has few
 * trials, contradicts nothing. Never CONFIRMATION_NONE.
 */
enum confirmation confirm_finding(const struct confirm *confirm, const struct cell *cell,
				  const struct finding *finding);

#endif
