/* SPDX-License-Identifier: Apache-2.0 */
/* Whose fault it is, as far as whose code it is tells. */
#include <string.h>

#include "triage/facts.h"
#include "triage/rules.h"

/* Sources of the platform, as debug information and transcriptions of it name them. */
static const char *const system_sources[] = {
	"sysdeps/*", "nptl/*", "csu/*", "elf/dl-*", "malloc/*.c", "libio/*", "iofclose.c",
	"pthread_*.c", "allocatestack.c", "abort.c", "raise.c", "getenv.c", "setenv.c", "clone.S",
	"clone3.S", "libsanitizer/*", "tsan_*", "asan_*", "sanitizer_*", "src_musl/*", "library/core/*",
	"library/std/*", "library/alloc/*", "/rustc/*", "libstd/*", "libcore/*", "bits/*.h",
	"ext/*.h", "include/c++/*", "ffi*.S", "libffi/*", "futex-internal.*", "sem_wait*.c",
	"libunwind/*", "unwind*.inc", "libgcc/*", "libstdc++-v3/*", "gthr-*.h", NULL,
};

/* CPython's headers as installed: what is in them is compiled into whoever includes them. */
static const char *const inline_sources[] = { "include/python*/*", NULL };

/* Where CPython's own sources stand; extensions have functions that are called like its own. */
static const char *const cpython_sources[] = {
	"Python/*", "Objects/*", "Modules/*", "Parser/*", "Include/*", "Programs/*", "PC/*",
	"include/python*/*", NULL,
};

static bool file_is_among(const struct crash_frame *frame, const char *const *patterns)
{
	for (; frame->file && *patterns; patterns++)
		if (pattern_matches_path(*patterns, frame->file))
			return true;
	return false;
}

static bool is_somebodys(const struct crash_frame *frame)
{
	if (frame->module || frame->python || !frame->function || frame->trust != TRUST_EXACT ||
	    file_is_among(frame, system_sources))
		return false;
	return frame->file || strstr(frame->function, "::");
}

static bool names_library(const char *file)
{
	return file && (pattern_matches_path("*.so", file) || pattern_matches_path("*.so.*", file));
}

/* CPython's by its function's name alone, but from a source, or with a word, not CPython's. */
static bool is_named_alike(const struct crash_frame *frame)
{
	if (frame->module || file_is_among(frame, cpython_sources))
		return false;
	return (frame->file && strchr(frame->file, '/')) ||
	       (frame->function && !facts_names_cpython(frame->function));
}

/* In a module whose name the excerpt has cut off: no libc, which lies at the top. */
static void find_unplaced(const struct facts *facts, const struct crash_frame *cut,
			  struct frame_origin *origin)
{
	const struct crash_frame frame = { .function = cut->function, .trust = cut->trust,
					   .file = cut->file };

	frame_find_origin(&frame, facts->rules, origin);
	if (origin->kind == KIND_UNKNOWN)
		*origin = (struct frame_origin){
			.kind = KIND_EXTENSION,
			.category = CATEGORY_EXTENSION,
			.owner = ATTRIBUTION_EXTENSION,
		};
}

void facts_origin(const struct facts *facts, const struct crash_frame *frame,
		  struct frame_origin *origin)
{
	const struct crash_frame mapped = { .function = frame->function, .trust = frame->trust,
					    .module = frame->file };

	/* Reports that went through a front end of gdb have "at" before a library, too. */
	if (!frame->module && !frame->python && names_library(frame->file))
		frame = &mapped;
	frame_find_origin(frame, facts->rules, origin);
	if (origin->kind == KIND_PROGRAM && facts_module_is_cut(frame->module)) {
		find_unplaced(facts, frame, origin);
		return;
	}
	if (origin->category == CATEGORY_CPYTHON && file_is_among(frame, inline_sources))
		*origin = (struct frame_origin){ .kind = KIND_UNKNOWN };
	else if ((origin->kind == KIND_UNKNOWN && is_somebodys(frame)) ||
		 (origin->kind == KIND_CPYTHON && is_named_alike(frame)))
		*origin = (struct frame_origin){
			.kind = KIND_EXTENSION,
			.category = CATEGORY_EXTENSION,
			.owner = ATTRIBUTION_EXTENSION,
		};
}

static bool thread_names(const struct crash_thread *thread, const char *pattern)
{
	for (size_t i = 0; i < thread->nframes; i++) {
		const struct crash_frame *frame = &thread->frames[i];

		if (frame->function && frame->trust == TRUST_EXACT &&
		    pattern_matches(pattern, frame->function, strlen(frame->function)))
			return true;
	}
	return false;
}

/* Reached by ctypes or cffi: a plain library, of which Python knows nothing. */
static enum attribution beneath_ffi(const struct crash_thread *thread, enum attribution owner)
{
	return owner == ATTRIBUTION_EXTENSION && thread_names(thread, "ffi_call*") ?
		       ATTRIBUTION_THIRD_PARTY : owner;
}

enum attribution thread_owner(const struct facts *facts, const struct crash_thread *thread)
{
	enum attribution owner = ATTRIBUTION_UNKNOWN;

	for (size_t i = 0; i < thread->nframes; i++) {
		struct frame_origin origin;

		facts_origin(facts, &thread->frames[i], &origin);
		if (category_is_native(origin.category) && origin.kind != KIND_ALLOCATOR &&
		    origin.kind != KIND_SANITIZER)
			return beneath_ffi(thread, origin.owner);
		if (origin.category == CATEGORY_CPYTHON)
			owner = ATTRIBUTION_CPYTHON;
	}
	return owner;
}

/* "panicked at '…', …/tokio-1.53.1/src/…": a crate of its own, not the extension's code. */
static bool panics_in_crate(const struct facts *facts)
{
	const char *at = strstr(facts->crash->message, "panicked at");
	const char *src = at ? strstr(at, "/src/") : NULL;

	if (!src)
		return false;
	for (const char *p = src; p > at && p[-1] != '/' && p[-1] != ' '; p--)
		if (*p >= '0' && *p <= '9' && p[-1] == '-')
			return true;
	return false;
}

static bool is_of(const struct crash_frame *frame, const char *part)
{
	return frame->module && strstr(frame->module, part);
}

bool facts_through_ctypes(const struct facts *facts)
{
	for (int i = 0; i < facts->nframes; i++) {
		const struct crash_frame *frame = &facts->culprit->frames[i];

		if ((frame->file && strstr(frame->file, "_ctypes/")) || is_of(frame, "_ctypes"))
			return true;
		if (facts->frames[i].origin.kind == KIND_LIBRARY && !is_of(frame, "libffi"))
			return false;
	}
	return false;
}

/* Who ends the interpreter has started it: a program that embeds Python. */
static bool calls_finalize(const struct facts *facts)
{
	return facts->finalize >= 0 && facts->native == facts->finalize + 1;
}

/* Qt gives up where it is used against its rules; it is Python code that uses it. */
static bool toolkit_refuses(const struct facts *facts)
{
	static const char *const refusals[] = {
		"qAbort", "qt_message_fatal", "qFatal", NULL,
	};
	const struct crash_frame *frame = &facts->culprit->frames[facts->native];

	if (!facts_like(facts, facts->native, refusals) &&
	    !(frame->function && strstr(frame->function, "QMessageLogger::fatal(")))
		return false;
	for (int i = facts->native; i < facts->nframes; i++)
		if (facts->frames[i].category == CATEGORY_CPYTHON ||
		    facts->frames[i].category == CATEGORY_EXTENSION)
			return true;
	return false;
}

/* A program with a main() of its own and nothing of Python's on any stack. */
static bool without_python(const struct facts *facts)
{
	static const char *const mains[] = { "main", NULL };
	int outer = -1;

	for (int i = 0; i < facts->nframes; i++)
		if (facts_named(facts, i, mains) && category_is_native(facts->frames[i].category))
			outer = i;
	if (outer < 0)
		return false;
	for (size_t i = 0; i < facts->crash->nthreads; i++) {
		const struct crash_thread *thread = &facts->crash->threads[i];

		for (size_t k = 0; k < thread->nframes; k++) {
			enum frame_category category =
				frame_categorise(&thread->frames[k], facts->rules);

			if (category == CATEGORY_CPYTHON || category == CATEGORY_PYTHON)
				return false;
		}
	}
	return true;
}

/*
 * What the C++ runtime sets up once in a process, done by a copy of it in somebody's module: two
 * copies meet, and each is right alone.
 */
static bool two_runtimes(const struct facts *facts)
{
	const struct crash_frame *frame = &facts->culprit->frames[facts->native];
	struct piece name;

	if (!frame->function || !frame->module)
		return false;
	name = function_qualified(frame->function);
	return pattern_matches("std::locale::*", name.s, name.len) ||
	       pattern_matches("std::ios_base::Init::*", name.s, name.len);
}

static enum attribution native_owner(const struct facts *facts)
{
	enum attribution owner = facts->frames[facts->native].origin.owner;

	if (toolkit_refuses(facts))
		return ATTRIBUTION_APPLICATION;
	if (two_runtimes(facts))
		return ATTRIBUTION_INTERACTION;
	if (owner == ATTRIBUTION_EXTENSION && without_python(facts))
		return ATTRIBUTION_THIRD_PARTY;
	return beneath_ffi(facts->culprit, owner);
}

/*
 * The allocator crashed in its own structures as CPython called it: others have written there.
 * CPython's own writes are checked by its debug builds.
 */
static bool damaged_heap(const struct facts *facts)
{
	int i = 0;

	if (facts->crash->kind != CRASH_KIND_SIGNAL)
		return false;
	while (i < facts->nframes && facts->frames[i].category == CATEGORY_LIBC &&
	       facts->frames[i].origin.kind != KIND_ALLOCATOR)
		i++;
	return i < facts->nframes && facts->frames[i].origin.kind == KIND_ALLOCATOR;
}

enum attribution facts_owner(const struct facts *facts, int *frame)
{
	enum attribution owner;

	*frame = facts->native;
	if (panics_in_crate(facts))
		return ATTRIBUTION_THIRD_PARTY;
	if (facts->native >= 0 && is_of(&facts->culprit->frames[facts->native], "libffi") &&
	    facts_through_ctypes(facts)) {
		*frame = -1;
		return ATTRIBUTION_APPLICATION;
	}
	if (calls_finalize(facts))
		return ATTRIBUTION_APPLICATION;
	if (facts->native >= 0)
		return native_owner(facts);
	owner = summary_owner(facts);
	if (owner != ATTRIBUTION_UNKNOWN)
		return owner;
	for (*frame = 0; *frame < facts->nframes; ++*frame)
		if (facts->frames[*frame].category == CATEGORY_CPYTHON)
			return damaged_heap(facts) ? ATTRIBUTION_EXTENSION : ATTRIBUTION_CPYTHON;
	*frame = facts->nframes ? 0 : -1;
	if (!facts->nframes)
		return ATTRIBUTION_UNKNOWN;
	/* CPython has no C++ in it, so a container's code belongs to an extension. */
	if (facts->frames[0].category == CATEGORY_CXX)
		return ATTRIBUTION_EXTENSION;
	if (facts->culprit->frames[0].python && facts->crash->kind == CRASH_KIND_SIGNAL)
		return python_crash_owner(facts);
	*frame = facts_reporter(facts) + 1;
	return facts->frames[*frame].origin.owner;
}

bool facts_only_cpython(const struct facts *facts, int frame)
{
	bool any = false;

	for (int i = 0; i < frame && i < facts->nframes; i++) {
		enum frame_kind kind = facts->frames[i].origin.kind;

		any |= kind == KIND_CPYTHON;
		if (kind != KIND_CPYTHON && kind != KIND_ALLOCATOR && kind != KIND_SANITIZER &&
		    kind != KIND_LIBC && kind != KIND_KERNEL && kind != KIND_UNKNOWN)
			return false;
	}
	return any || !frame;
}
