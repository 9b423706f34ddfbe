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

/* CPython's by its function's name alone, but from a source that is not CPython's. */
static bool is_named_alike(const struct crash_frame *frame)
{
	return !frame->module && frame->file && strchr(frame->file, '/') &&
	       !file_is_among(frame, cpython_sources);
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

static bool in_package(const char *file)
{
	return file && (strstr(file, "site-packages") || strstr(file, "dist-packages"));
}

static bool in_library(const char *file)
{
	return file && !in_package(file) &&
	       (strstr(file, "/lib/python") || strstr(file, "\\Lib\\") || strstr(file, "<frozen "));
}

/* dd-trace-py is seen as one component, whichever language a part of it is written in. */
enum attribution python_owner(const struct facts *facts)
{
	for (int i = 0; i < facts->nframes; i++) {
		const struct crash_frame *frame = &facts->culprit->frames[i];

		if (!frame->python || !in_package(frame->file))
			continue;
		return strstr(frame->file, "-packages/ddtrace/") ? ATTRIBUTION_EXTENSION :
								   ATTRIBUTION_THIRD_PARTY;
	}
	return facts->nframes ? ATTRIBUTION_APPLICATION : ATTRIBUTION_UNKNOWN;
}

/* Whose code a thread that threading started runs; UNKNOWN: it shows none but the library's. */
static enum attribution target_owner(const struct crash_thread *thread)
{
	enum attribution owner = ATTRIBUTION_UNKNOWN;
	bool started = false;

	for (size_t i = 0; i < thread->nframes; i++) {
		const struct crash_frame *frame = &thread->frames[i];

		if (!frame->python)
			continue;
		started |= frame->function && !strcmp(frame->function, "_bootstrap");
		if (!in_library(frame->file))
			owner = in_package(frame->file) ? ATTRIBUTION_THIRD_PARTY :
							  ATTRIBUTION_APPLICATION;
	}
	return started ? owner : ATTRIBUTION_UNKNOWN;
}

enum attribution stream_owner(const struct facts *facts)
{
	for (size_t i = 0; i < facts->crash->nthreads; i++) {
		enum attribution owner = target_owner(&facts->crash->threads[i]);

		if (owner != ATTRIBUTION_UNKNOWN)
			return owner;
	}
	return ATTRIBUTION_INTERACTION;
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

/* A module's own initialisation runs below this. */
static bool is_loading(const struct crash_frame *frame)
{
	static const char *const loads[] = {
		"_call_with_frames_removed", "create_module", "exec_module", "load_dynamic", NULL,
	};

	for (size_t i = 0; frame->function && loads[i]; i++)
		if (!strcmp(frame->function, loads[i]))
			return true;
	return false;
}

/*
 * Python code cannot crash: it is what it called, and the standard library calls CPython; ctypes,
 * what the program says; and others, most often the extensions that were loaded.
 */
static enum attribution owner_beneath_python(const struct facts *facts)
{
	const struct crash_frame *frame = &facts->culprit->frames[0];
	const char *file = frame->file;

	if (file && strstr(file, "/ctypes/"))
		return ATTRIBUTION_APPLICATION;
	if (is_loading(frame))
		return ATTRIBUTION_EXTENSION;
	if (in_library(file))
		return ATTRIBUTION_CPYTHON;
	for (int i = 0; i < facts->nframes; i++)
		if (in_package(facts->culprit->frames[i].file))
			return ATTRIBUTION_EXTENSION;
	return strstr(facts->crash->message, "Extension modules: ") ? ATTRIBUTION_EXTENSION :
								      ATTRIBUTION_UNKNOWN;
}

/* Who ends the interpreter has started it: a program that embeds Python. */
static bool calls_finalize(const struct facts *facts)
{
	return facts->finalize >= 0 && facts->native == facts->finalize + 1;
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
		return beneath_ffi(facts->culprit, facts->frames[facts->native].origin.owner);
	owner = summary_owner(facts);
	if (owner != ATTRIBUTION_UNKNOWN)
		return owner;
	for (*frame = 0; *frame < facts->nframes; ++*frame)
		if (facts->frames[*frame].category == CATEGORY_CPYTHON)
			return ATTRIBUTION_CPYTHON;
	*frame = facts->nframes ? 0 : -1;
	if (!facts->nframes)
		return ATTRIBUTION_UNKNOWN;
	/* CPython has no C++ in it, so a container's code belongs to an extension. */
	if (facts->frames[0].category == CATEGORY_CXX)
		return ATTRIBUTION_EXTENSION;
	if (facts->culprit->frames[0].python && facts->crash->kind == CRASH_KIND_SIGNAL)
		return owner_beneath_python(facts);
	return facts->frames[0].origin.owner;
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

/*
 * multiprocessing's start method "fork" goes on in the child on the same Python stack: _launch()
 * calls os.fork(), and then the child's _bootstrap().
 */
bool thread_is_python_child(const struct crash_thread *thread)
{
	bool began = false;

	for (size_t i = 0; i < thread->nframes; i++) {
		const struct crash_frame *frame = &thread->frames[i];

		if (!frame->python || !frame->function)
			continue;
		if (!strcmp(frame->function, "_bootstrap"))
			began = true;
		if (began && !strcmp(frame->function, "_launch"))
			return frame->file && strstr(frame->file, "popen_fork");
		if (!strcmp(frame->function, "_after_fork") ||
		    !strcmp(frame->function, "_run_after_forkers"))
			return true;
	}
	return false;
}
