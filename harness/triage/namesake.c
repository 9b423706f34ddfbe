/* SPDX-License-Identifier: Apache-2.0 */
/* Functions that are called like one of libc's and are not: Repo::fork, an extension's own fork. */
#include <stdlib.h>
#include <string.h>

#include "triage/facts.h"
#include "triage/rules.h"

/* Names of libc's that rules take for what libc's function does, by themselves. */
static const char *const libc_names[] = {
	"fork", "vfork", "_Fork", "forkpty", "exit", "getenv", "secure_getenv", "setenv",
	"unsetenv", "putenv", "clearenv", "tzset", "pthread_exit", NULL,
};

/* Their sources, or the library itself where a report has it in a source's place. */
static const char *const libc_files[] = {
	"*fork.c", "*fork.S", "_Fork.c", "exit.c", "getenv.c", "secure-getenv.c", "secure_getenv.c",
	"setenv.c", "unsetenv.c", "putenv.c", "clearenv.c", "tzset.c", "pthread_exit.c", NULL,
};

static const char *const libc_places[] = {
	"sysdeps/*", "nptl/*", "posix/*", "stdlib/*", "time/*", "glibc*/*", "musl*/*", "src_musl/*",
	"src/process/*", "src/env/*", "src/exit/*", "src/thread/*", NULL,
};

static const char *const other_files[] = {
	"libc.so*", "libc-*.so", "ld-musl*", "libpthread*", "sanitizer_*", "asan_*", "tsan_*",
	"libsanitizer/*", "compiler-rt/*", NULL,
};

static bool is_libc_name(const char *name)
{
	for (size_t i = 0; libc_names[i]; i++)
		if (!strcmp(name, libc_names[i]))
			return true;
	return false;
}

/* A part of a namespace or a class. */
static bool is_qualified(const struct crash_frame *frame)
{
	struct piece name = function_qualified(frame->function);

	return frame->method || memmem(name.s, name.len, "::", 2);
}

/* The kinds of code that libc's functions are in, or are reached through. */
static bool is_platform(enum frame_kind kind)
{
	return kind == KIND_LIBC || kind == KIND_ALLOCATOR || kind == KIND_SANITIZER ||
	       kind == KIND_KERNEL || kind == KIND_LOADER || kind == KIND_CPYTHON ||
	       kind == KIND_UNKNOWN;
}

static bool path_among(const char *path, const char *const *patterns)
{
	for (; *patterns; patterns++)
		if (pattern_matches_path(*patterns, path))
			return true;
	return false;
}

static bool is_libc_source(const char *file)
{
	return path_among(file, other_files) ||
	       (path_among(file, libc_files) &&
		(!strchr(file, '/') || path_among(file, libc_places)));
}

bool facts_is_namesake(const struct crash_frame *frame, const struct frame_fact *fact)
{
	if (!fact->name || frame->python || !is_libc_name(fact->name))
		return false;
	if (is_qualified(frame) || !is_platform(fact->origin.kind))
		return true;
	return !frame->module && frame->file && !is_libc_source(frame->file);
}
