/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/valgrind_line.h"

#include <string.h>

/* Of a time and a number. */
#define PREFIX_MAX 40

bool valgrind_text(struct piece line, struct piece *text, uint64_t *pid)
{
	static const char *const marks[] = { "==", "--", "**" };
	struct piece rest = piece_trim(line), inside;
	uint64_t number;

	*text = rest;
	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++) {
		size_t end;

		if (!take_text(&rest, marks[i]))
			continue;
		inside = (struct piece){ rest.s, rest.len < PREFIX_MAX ? rest.len : PREFIX_MAX };
		end = piece_find(inside, marks[i]);
		if (end == inside.len)
			return false;
		inside.len = end;
		piece_cut(&rest, end + strlen(marks[i]));
		if (piece_has(inside, " ")) /* the time is before it */
			take_until(&inside, " ", &(struct piece){ NULL, 0 });
		if (!take_decimal(&inside, &number) || inside.len ||
		    (rest.len && !is_blank_char(*rest.s)))
			return false;
		*pid = number;
		*text = piece_trim(rest);
		return true;
	}
	return false;
}

/* "a.c:12" */
static bool is_source(struct piece place)
{
	size_t colon = piece_find_last(place, ":");
	struct piece digits = { place.s + colon + 1, place.len - colon - 1 };
	uint64_t number;

	return colon && colon < place.len && take_decimal(&digits, &number) && !digits.len;
}

bool valgrind_frame(struct piece text, struct valgrind_frame *frame)
{
	size_t open;
	struct piece place;

	*frame = (struct valgrind_frame){ .innermost = piece_starts(text, "at 0x") };
	if (!take_text(&text, "at ") && !take_text(&text, "by "))
		return false;
	if (!take_hex(&text, false, &frame->pc) || !take_text(&text, ": "))
		return false;
	frame->name = piece_trim(text);
	open = piece_find_last(text, " (");
	if (open == text.len || !piece_ends(text, ")"))
		return true;
	place = (struct piece){ text.s + open + 2, text.len - open - 3 };
	if (take_text(&place, "in "))
		frame->module = place;
	else if (is_source(place))
		frame->source = place;
	else
		return true; /* arguments */
	frame->name = piece_trim((struct piece){ text.s, open });
	return true;
}

static const struct {
	const char *begins, *has, *error;
} errors[] = {
	{ "Invalid read of size ", "", "invalid-read" },
	{ "Invalid write of size ", "", "invalid-write" },
	{ "Invalid free() ", "", "bad-free" },
	{ "Mismatched free() ", "", "alloc-dealloc-mismatch" },
	{ "Mismatched new/delete ", "", "alloc-dealloc-mismatch" },
	{ "Conditional jump or move depends on uninitialised", "", "use-of-uninitialized-value" },
	{ "Use of uninitialised value of size ", "", "use-of-uninitialized-value" },
	{ "Syscall param ", "uninitialised byte", "use-of-uninitialized-value" },
	{ "Syscall param ", "unaddressable byte", "invalid-read" },
	{ "Source and destination overlap in ", "", "param-overlap" },
	{ "Jump to the invalid address stated on the next line", "", "invalid-jump" },
	{ "Possible data race during ", "", "data-race" },
	{ "Conflicting load by thread ", " at 0x", "data-race" },
	{ "Conflicting store by thread ", " at 0x", "data-race" },
	{ "Thread #", ": lock order \"", "lock-order-inversion" },
	{ "Thread #", ": Exiting thread still holds ", "held-lock-at-thread-exit" },
	{ "Thread #", " unlocked a not-locked lock at ", "bad-unlock" },
	{ "Thread #", " unlocked lock at ", "bad-unlock" },
	{ "The impossible happened", "", "valgrind-failure" },
};

const char *valgrind_error(struct piece text, int *signo)
{
	struct piece before;
	uint64_t number;

	if (!text.len || !strchr("IMCUSJPT0123456789", *text.s))
		return NULL;
	if (piece_starts(text, "Process terminating with default action of signal ")) {
		take_until(&text, "of signal ", &before);
		if (!take_decimal(&text, &number) || !number || number >= 128)
			return NULL;
		*signo = (int)number;
		return "signal";
	}
	if (strchr("0123456789", *text.s)) {
		if (!piece_has(text, " bytes in ") || !piece_has(text, " in loss record "))
			return NULL;
		return piece_has(text, " lost ") ? "memory-leak" : "still-reachable";
	}
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
		if (piece_starts(text, errors[i].begins) &&
		    (!*errors[i].has || piece_has(text, errors[i].has)))
			return errors[i].error;
	return NULL;
}

static const struct {
	const char *has, *role;
} sections[] = {
	{ "Block was alloc'd at", "allocated by" },
	{ "value was created by ", "origin of the value" },
	{ "This conflicts with a previous ", "previous access" },
	{ "Other segment start (", "previous access" },
	{ "Other segment end (", "previous access" },
	{ "was first observed at", "lock first seen" },
	{ " was created", "thread created" },
	{ "followed by a later acquisition of lock", "later acquisition" },
	{ "Required order was established by", "required order" },
	{ "Lock at 0x", "lock first seen" },
};

const char *valgrind_section(struct piece text, const char *error, const char **finding)
{
	*finding = NULL;
	if (!text.len)
		return NULL;
	/* " Address 0x5204048 is 8 bytes inside a block of size 40 free'd" */
	if (piece_has(text, " block of size ")) {
		if (piece_ends(text, "free'd")) {
			*finding = error && !strcmp(error, "bad-free") ? "double-free" :
				   "heap-use-after-free";
			return "freed by";
		}
		if (!piece_ends(text, "alloc'd"))
			return NULL;
		if (piece_has(text, " after a block ") || piece_has(text, " before a block "))
			*finding = "heap-buffer-overflow";
		return "allocated by";
	}
	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++)
		if (piece_has(text, sections[i].has))
			return sections[i].role;
	return NULL;
}
