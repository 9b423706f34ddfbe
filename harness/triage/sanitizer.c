/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/sanitizer.h"

#include <stdlib.h>
#include <string.h>

#include "base/errors.h"

bool sanitizer_frame(struct piece line, uint64_t *number, struct piece *rest)
{
	struct piece p = piece_trim(line);

	if (!take_text(&p, "#") || !take_decimal(&p, number))
		return false;
	if (p.len && *p.s != ' ')
		return false;
	*rest = piece_trim(p);
	return true;
}

/* "(module+0x12)" at the end is taken off. */
static bool cut_module(struct piece *p, struct piece *module, uint64_t *offset)
{
	size_t open = piece_find_last(*p, "("), plus;
	struct piece inside = { p->s + open + 1, p->len - open - 1 }, digits;

	if (open == p->len || !piece_ends(*p, ")"))
		return false;
	inside.len--;
	plus = piece_find_last(inside, "+0x");
	if (plus == inside.len && !piece_starts(inside, "<unknown module>"))
		return false;
	if (plus < inside.len) {
		*module = (struct piece){ inside.s, plus };
		digits = (struct piece){ inside.s + plus + 1, inside.len - plus - 1 };
		/* An offset that is cut off is none. */
		if (!take_hex(&digits, false, offset) || digits.len)
			*offset = 0;
	}
	*p = piece_trim((struct piece){ p->s, open });
	return true;
}

static void cut_build_id(struct piece *p)
{
	size_t at = piece_find_last(*p, "(BuildId: ");

	if (at < p->len && piece_ends(*p, ")"))
		*p = piece_trim((struct piece){ p->s, at });
}

/* The source is the last word; a path that is absolute may hold blanks. */
static bool cut_source(struct piece *p, struct piece *source)
{
	size_t at = piece_find_last(*p, " /");
	struct piece word;

	if (at == p->len || !piece_is_place(*p))
		at = piece_find_last(*p, " ");
	if (at == p->len)
		return false;
	word = (struct piece){ p->s + at + 1, p->len - at - 1 };
	if (!piece_is_place(word) && !piece_is(word, "<null>") && *word.s != '/')
		return false;
	*source = piece_is(word, "<null>") ? (struct piece){ NULL, 0 } : word;
	*p = piece_trim((struct piece){ p->s, at });
	return true;
}

bool sanitizer_frame_alone(struct piece line)
{
	struct piece rest, module, source;
	uint64_t number, value;
	bool placed;

	if (!piece_starts(line, "    #") || !sanitizer_frame(line, &number, &rest))
		return false;
	take_hex(&rest, false, &value);
	take_blanks(&rest);
	if (!take_text(&rest, "in ") || piece_has(rest, ") at ") || piece_has(rest, " from "))
		return false;
	cut_build_id(&rest);
	placed = cut_module(&rest, &module, &value);
	return cut_source(&rest, &source) || placed;
}

void sanitizer_add_frame(struct trace *trace, struct crash_thread *thread, struct piece rest)
{
	struct crash_frame *frame = trace_add_frame(trace, thread);
	struct piece module = { NULL, 0 }, source = { NULL, 0 };

	if (!frame)
		return;
	if (!take_hex(&rest, false, &frame->pc))
		take_text(&rest, "0x...");
	take_blanks(&rest);
	take_text(&rest, "in ");
	cut_build_id(&rest);
	cut_module(&rest, &module, &frame->module_offset);
	cut_source(&rest, &source);
	frame_module(frame, module);
	frame_source(frame, source);
	if (!piece_is(rest, "<null>"))
		frame_name(frame, rest);
	frame_mark_inlined(thread);
}

/* "T1" in "… thread T1 (worker) …" or "… by T0 here:". */
static bool thread_number(struct piece text, struct piece *number, struct piece *rest)
{
	struct piece p = text, before;
	uint64_t n;

	while (take_until(&p, "T", &before)) {
		const char *t = p.s - 1;

		if ((t == text.s || t[-1] == ' ') && take_decimal(&p, &n)) {
			*number = (struct piece){ t, (size_t)(p.s - t) };
			*rest = p;
			return true;
		}
	}
	return false;
}

/* " (worker)" or " 'worker'" behind the number. */
static bool thread_name(struct piece rest, struct piece *name)
{
	if (take_text(&rest, " '"))
		return take_until(&rest, "'", name);
	return take_text(&rest, " (") && !piece_starts(rest, "mutexes: ") &&
	       !piece_starts(rest, "tid=") && take_until(&rest, ")", name);
}

struct crash_thread *sanitizer_add_thread(struct trace *trace, struct piece text,
					  const char *role)
{
	struct crash_thread *thread = trace_add_thread(trace);
	struct piece name, rest;

	if (!thread)
		return NULL;
	thread->culprit = trace->crash->nthreads == 1;
	if (role)
		thread->role = xstrdup(role);
	if (piece_has(text, "main thread"))
		thread->name = xstrdup("main thread");
	else if (thread_number(text, &name, &rest)) {
		thread_name(rest, &name);
		thread->name = piece_copy(name);
	}
	return thread;
}

/* Of one report. It has few threads of which more is told; a report may be made to have many. */
#define NAMED_MAX 64

void sanitizer_name_threads(struct trace *trace, struct piece line)
{
	struct piece number, rest, name, before;
	struct crash *crash = trace->crash;
	uint64_t tid = 0;

	if (!thread_number(line, &number, &rest))
		return;
	name = number;
	thread_name(rest, &name);
	if (take_until(&rest, "(tid=", &before) && take_decimal(&rest, &tid) && tid > INT32_MAX)
		tid = 0;
	for (size_t i = 0; i < crash->nthreads && i < NAMED_MAX; i++) {
		struct crash_thread *thread = &crash->threads[i];

		if (!thread->name || !piece_is(number, thread->name))
			continue;
		thread->tid = (pid_t)tid;
		free(thread->name);
		thread->name = piece_copy(name);
	}
}

struct piece sanitizer_summary_kind(struct piece line)
{
	struct piece p = line, before, kind;

	if (!take_until(&p, "SUMMARY: ", &before) || !take_until(&p, "Sanitizer: ", &before))
		return (struct piece){ NULL, 0 };
	/* ThreadSanitizer's kinds are of several words, and end where a place begins. */
	kind = (struct piece){ p.s, 0 };
	while (p.len) {
		struct piece word;

		if (!take_word(&p, &word) || piece_is_place(word) || *word.s == '/' ||
		    *word.s == '(')
			break;
		kind.len = (size_t)(word.s + word.len - kind.s);
	}
	return kind;
}
