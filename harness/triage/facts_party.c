/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose a frame is by what surrounds it on the stack: a library that itself calls Python, an
 * allocator's inner functions. And by a sanitizer's last line, where the stack is cut.
 */
#include <stdlib.h>
#include <string.h>

#include "triage/facts.h"
#include "triage/rules.h"

static struct frame_origin *origin_of(const struct facts *facts, int i)
{
	return &facts->frames[i].origin;
}

static const char *module_of(const struct facts *facts, int i)
{
	return facts->culprit->frames[i].module;
}

static const char *file_of(const struct facts *facts, int i)
{
	return facts->culprit->frames[i].file;
}

static void become(struct facts *facts, int i, enum frame_kind kind, enum attribution owner)
{
	facts->frames[i].category = frame_kind_category(kind);
	facts->frames[i].origin = (struct frame_origin){
		.kind = kind,
		.category = frame_kind_category(kind),
		.owner = owner,
		.component = origin_of(facts, i)->component,
	};
}

/* Somebody's by its source or its name alone: no module, and no rule that knows it. */
static bool is_guessed(const struct facts *facts, int i)
{
	return origin_of(facts, i)->kind == KIND_EXTENSION && !origin_of(facts, i)->component &&
	       !module_of(facts, i);
}

bool facts_is_allocator(const struct facts *facts, int i)
{
	return origin_of(facts, i)->kind == KIND_ALLOCATOR &&
	       origin_of(facts, i)->owner == ATTRIBUTION_THIRD_PARTY;
}

/* Does `file` stand in the directory of `other`, or below it? */
static bool is_beside(const char *file, const char *other)
{
	const char *slash = other ? strrchr(other, '/') : NULL;

	if (!file || !slash)
		return false;
	file += strncmp(file, "./", 2) ? 0 : 2;
	other += strncmp(other, "./", 2) ? 0 : 2;
	return slash > other && !strncmp(file, other, (size_t)(slash + 1 - other));
}

/* What an allocator calls in its own sources is a part of it. */
static void claim_allocator(struct facts *facts)
{
	for (int i = facts->nframes - 2, at; i >= 0; i--) {
		at = i + 1;
		if (is_guessed(facts, i) && facts_is_allocator(facts, at) &&
		    (is_beside(file_of(facts, i), file_of(facts, at)) ||
		     is_beside(file_of(facts, at), file_of(facts, i)))) {
			origin_of(facts, i)->component = origin_of(facts, at)->component;
			become(facts, i, KIND_ALLOCATOR, ATTRIBUTION_THIRD_PARTY);
		}
	}
}

/* So far from the innermost frame who called CPython is asked for; a hostile stack has no end. */
#define CALLER_FRAMES 256

/*
 * A plain library knows nothing of Python. One that calls CPython's functions itself is native
 * Python code, however it is called and wherever it lies.
 */
static void claim_callers(struct facts *facts)
{
	for (int i = 1; i < facts->nframes && i < CALLER_FRAMES; i++) {
		const char *module = module_of(facts, i);

		if (origin_of(facts, i)->kind != KIND_LIBRARY || origin_of(facts, i)->component ||
		    !module || facts->frames[i - 1].category != CATEGORY_CPYTHON)
			continue;
		for (int k = 0; k < facts->nframes; k++)
			if (module_of(facts, k) && !strcmp(module_of(facts, k), module) &&
			    origin_of(facts, k)->kind == KIND_LIBRARY)
				become(facts, k, KIND_EXTENSION, ATTRIBUTION_EXTENSION);
	}
}

/* Named as a plug-in of anybody's may be: no tag of Python's, and no package around it. */
static bool is_plain(const struct facts *facts, int i)
{
	const char *module = module_of(facts, i);

	return origin_of(facts, i)->kind == KIND_EXTENSION && !origin_of(facts, i)->component &&
	       module && !strstr(module, "-packages/") && !strstr(module, "ython-") &&
	       pattern_matches_path("*.so", module) && !pattern_matches_path("*.abi3.so", module);
}

/* A plain module, called by a library on a stack without CPython, is that library's plug-in. */
static void claim_plugins(struct facts *facts)
{
	for (int i = 0; i < facts->nframes; i++)
		if (facts->frames[i].category == CATEGORY_CPYTHON)
			return;
	for (int i = facts->nframes - 2; i >= 0; i--)
		if (is_plain(facts, i) && origin_of(facts, i + 1)->kind == KIND_LIBRARY)
			become(facts, i, KIND_LIBRARY, ATTRIBUTION_THIRD_PARTY);
}

void facts_claim_parties(struct facts *facts)
{
	claim_allocator(facts);
	claim_callers(facts);
	claim_plugins(facts);
	facts_claim_program(facts);
}

/* "/src/a.cc:10:3", "(/lib/libA.so.1+0x7a5f09)": without what follows the path. */
static char *path_of(struct piece place)
{
	char *path = piece_copy(place);
	size_t len = strlen(path);

	path[strcspn(path, "+)")] = '\0';
	if (*path == '(')
		return path;
	while (len && (path[len - 1] == ':' || (path[len - 1] >= '0' && path[len - 1] <= '9')))
		path[--len] = '\0';
	return path;
}

/* SUMMARY: AddressSanitizer: KIND PLACE in FUNCTION */
static bool read_summary(const char *message, struct piece *place, char **function)
{
	const char *at = strstr(message, "SUMMARY: "), *name, *end;

	if (!at || !(at = strstr(at, "Sanitizer: ")))
		return false;
	at += strlen("Sanitizer: ");
	end = at + strcspn(at, "\n");
	at += strcspn(at, " \n");
	name = strstr(at, " in ");
	if (at == end || !name || name >= end)
		return false;
	*place = (struct piece){ at + 1, (size_t)(name > at ? name - at - 1 : 0) };
	name += strlen(" in ");
	*function = piece_copy((struct piece){ name, (size_t)(end - name) });
	return true;
}

enum attribution summary_owner(const struct facts *facts)
{
	struct crash_frame frame = { .trust = TRUST_EXACT };
	struct frame_origin origin;
	struct piece place;
	char *path;

	if (!facts->crash->finding || !read_summary(facts->crash->message, &place, &frame.function))
		return ATTRIBUTION_UNKNOWN;
	path = path_of(place);
	if (*path == '(')
		frame.module = path + 1;
	else
		frame.file = path;
	facts_origin(facts, &frame, &origin);
	free(frame.function);
	free(path);
	return category_is_native(origin.category) ? origin.owner : ATTRIBUTION_UNKNOWN;
}
