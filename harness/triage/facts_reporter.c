/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The innermost frames of a stack that a program wrote of itself: they tell of the crash, and have
 * no part in it.
 */
#include "triage/facts.h"

/* By which programs and libraries catch their fatal signals. */
static const char *const reporter_names[] = {
	"uwsgi_backtrace", "uwsgi_segfault", "*[cC]rash*[hH]andler*", "*[fF]atal*[hH]andler*",
	"*[fF]ailure*[hH]andler*", "*[sS]egfault*[hH]andler*", "*[sS]egv*[hH]andler*",
	"*[hH]andle*[sS]egv*", "*[hH]andle*[cC]rash*", "*[sS]ignalHandler", "*signal_handler",
	"SegfaultLogger", "show_stackframe", "ucs_handle_error", "sigdie_handler", NULL,
};

/* Such handlers are short. */
#define REPORTER_FRAMES 8

static bool is_quiet(const struct facts *facts, int i)
{
	return facts->frames[i].category == CATEGORY_LIBC || !facts->frames[i].name;
}

int facts_reporter(const struct facts *facts)
{
	int last = -1, next;

	if (facts->crash->kind != CRASH_KIND_SIGNAL && facts->crash->kind != CRASH_KIND_LOOK)
		return -1;
	for (int i = 0; i < facts->nframes && i < REPORTER_FRAMES; i++) {
		if (facts->culprit->frames[i].signal_frame)
			break;
		if (facts_like(facts, i, reporter_names))
			last = i;
	}
	/* Its caller is the signal's own frame, whatever that is called here. */
	next = last + 1;
	return last >= 0 && next < facts->nframes && is_quiet(facts, next) ? last : -1;
}
