/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose a module without a suffix is. A process has one program: WinDbg and macOS name libraries,
 * too, without a suffix, and an excerpt may have cut a path in the middle.
 */
#include <string.h>

#include "triage/facts.h"
#include "triage/rules.h"

static const char *module_of(const struct facts *facts, int i)
{
	return facts->culprit->frames[i].module;
}

static bool has_suffix(const char *text, const char *suffix)
{
	size_t len = strlen(text), n = strlen(suffix);

	return len >= n && !strcmp(text + len - n, suffix);
}

bool facts_module_is_cut(const char *module)
{
	return module && (strstr(module, "[...]") || has_suffix(module, "..."));
}

/* Taken for the program for want of a better sign. */
static bool is_taken(const struct facts *facts, int i)
{
	const struct frame_origin *origin = &facts->frames[i].origin;

	return origin->kind == KIND_PROGRAM && origin->owner == ATTRIBUTION_APPLICATION &&
	       !origin->component && module_of(facts, i);
}

static bool same_module(const struct facts *facts, int i, const char *module)
{
	return module_of(facts, i) && !strcmp(module_of(facts, i), module);
}

/* The module in which the program's start is; NULL: that is not on the stack. */
static const char *start_module(const struct facts *facts)
{
	static const char *const starts[] = {
		"main", "wmain", "WinMain", "wWinMain", "_start", "start", "mainCRTStartup",
		"wmainCRTStartup", "WinMainCRTStartup", "__scrt_common_main*", "invoke_main",
		"__tmainCRTStartup", NULL,
	};

	for (int i = facts->nframes - 1; i >= 0; i--)
		if (is_taken(facts, i) && facts_like(facts, i, starts))
			return module_of(facts, i);
	return NULL;
}

/* Windows has its own parts on nearly each stack, and WinDbg calls all modules so. */
static bool on_windows(const struct facts *facts)
{
	static const char *const parts[] = {
		"ntdll", "KERNEL32", "kernel32", "KERNELBASE", "ucrtbase", "VCRUNTIME140", NULL,
	};

	for (int i = 0; i < facts->nframes; i++)
		for (size_t k = 0; module_of(facts, i) && parts[k]; k++)
			if (!strcmp(module_base(module_of(facts, i)), parts[k]))
				return true;
	/* python312: elsewhere there is a dot in it. */
	for (int i = 0; i < facts->nframes; i++)
		if (module_of(facts, i) &&
		    pattern_matches_path("python3[0-9]*", module_base(module_of(facts, i))) &&
		    !strchr(module_base(module_of(facts, i)), '.'))
			return true;
	return false;
}

static bool on_linux(const struct facts *facts)
{
	for (int i = 0; i < facts->nframes; i++)
		if (module_of(facts, i) && strstr(module_of(facts, i), ".so"))
			return true;
	return false;
}

static bool is_cpython(const struct facts *facts, int i)
{
	return i >= 0 && i < facts->nframes && facts->frames[i].category == CATEGORY_CPYTHON;
}

/*
 * The outermost of them, where nothing tells that it is a library: that is all of them on Windows,
 * and what Python calls where libraries have no suffix.
 */
static const char *likely_module(const struct facts *facts)
{
	bool linux_names = on_linux(facts);

	if (on_windows(facts))
		return NULL;
	for (int i = facts->nframes - 1; i >= 0; i--) {
		if (is_taken(facts, i) && !facts_module_is_cut(module_of(facts, i)))
			return module_of(facts, i);
		if (is_cpython(facts, i) && !linux_names)
			return NULL;
	}
	return NULL;
}

/* What CPython calls, or calls CPython, is native Python code. */
static bool meets_cpython(const struct facts *facts, const char *module)
{
	for (int i = 0; i < facts->nframes; i++)
		if (same_module(facts, i, module) &&
		    (is_cpython(facts, i - 1) || is_cpython(facts, i + 1)))
			return true;
	return false;
}

static enum frame_kind kind_of(const struct facts *facts, const char *module)
{
	return meets_cpython(facts, module) ? KIND_EXTENSION : KIND_LIBRARY;
}

static void become(struct facts *facts, const char *module, enum frame_kind kind)
{
	for (int i = 0; i < facts->nframes; i++) {
		if (!is_taken(facts, i) || !same_module(facts, i, module))
			continue;
		facts->frames[i].category = frame_kind_category(kind);
		facts->frames[i].origin.kind = kind;
		facts->frames[i].origin.category = frame_kind_category(kind);
		facts->frames[i].origin.owner = frame_kind_owner(kind);
	}
}

/* So far from the innermost frame modules are looked at; a hostile stack has no end. */
#define MODULE_FRAMES 256

void facts_claim_program(struct facts *facts)
{
	const char *program = start_module(facts);

	if (!program)
		program = likely_module(facts);
	for (int i = 0; i < facts->nframes && i < MODULE_FRAMES; i++)
		if (is_taken(facts, i) && !(program && same_module(facts, i, program)))
			become(facts, module_of(facts, i), kind_of(facts, module_of(facts, i)));
}
