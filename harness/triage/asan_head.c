/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/asan_head.h"

#include <signal.h>
#include <string.h>

bool asan_head(struct piece line, uint64_t *pid, struct piece *what)
{
	struct piece p = line, before;

	*pid = 0;
	if (!piece_has(line, "Sanitizer: ") || piece_has(line, "SUMMARY: "))
		return false;
	if (!take_until(&p, "ERROR: ", &before) && !take_until(&p, "WARNING: ", &before))
		return false;
	if (take_until(&before, "==", &(struct piece){ NULL, 0 }))
		take_decimal(&before, pid);
	/* ThreadSanitizer's own are another reader's, but for signals. */
	if (piece_starts(p, "ThreadSanitizer: ") && !piece_has(p, " on unknown address "))
		return false;
	return take_until(&p, "Sanitizer: ", &before) && !piece_has(before, " ") &&
	       (*what = p, true);
}

void asan_set_finding(struct crash *crash, struct piece kind)
{
	if (crash->finding || !kind.len)
		return;
	crash->finding = piece_copy(kind);
}

void asan_read_what(struct crash *crash, struct piece what)
{
	struct piece kind = what, before;
	int signo;

	take_text(&kind, "attempting ");
	if (take_text(&kind, "free on address which was not malloc"))
		kind = (struct piece){ "bad-free", strlen("bad-free") };
	kind.len = piece_find(kind, " on ");
	kind.len = piece_find(kind, ": ");
	kind.len = piece_find(kind, " (");
	signo = piece_has(what, " on unknown address") ? signal_number(kind) : 0;
	if (piece_is(kind, "stack-overflow"))
		crash->signo = SIGSEGV; /* that is how it was noticed */
	if (signo) {
		crash->kind = CRASH_KIND_SIGNAL;
		crash->signo = signo;
	} else if (piece_is(kind, "detected memory leaks")) {
		asan_set_finding(crash, (struct piece){ "memory-leak", strlen("memory-leak") });
	} else if (!piece_has(kind, " ")) {
		asan_set_finding(crash, kind); /* else the summary has it in one word */
	}
	if (take_until(&what, " 0x", &before))
		crash->has_addr = take_hex(&what, true, &crash->addr);
	if (take_until(&what, "pc 0x", &before))
		take_hex(&what, true, &crash->pc);
	if (take_until(&what, "bp 0x", &before))
		take_hex(&what, true, &crash->fp);
	if (take_until(&what, "sp 0x", &before))
		take_hex(&what, true, &crash->sp);
}
