/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose code a frame is, and what its function is called once compilers have had their way.
 */
#ifndef FORKPOINT_TRIAGE_FRAMES_H
#define FORKPOINT_TRIAGE_FRAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "observe/crash.h"

enum frame_category {
	CATEGORY_UNKNOWN = 0,
	CATEGORY_CPYTHON,   /* interpreter, and the standard library's own extension modules */
	CATEGORY_LIBC,      /* with its threads */
	CATEGORY_CXX,       /* C++ runtime */
	CATEGORY_UNWINDER,
	CATEGORY_LOADER,    /* dynamic linker */
	CATEGORY_EXTENSION, /* native Python module, or a plugin beside the program */
	CATEGORY_PROGRAM,   /* the executable, where that is not Python itself: it embeds it */
	CATEGORY_LIBRARY,   /* any other shared library */
	CATEGORY_HARNESS,   /* forkpoint's own, by which a host holds threads: says nothing */
};

enum frame_category frame_categorise(const struct crash_frame *frame);
/* "cpython", "libc", … Static. */
const char *category_name(enum frame_category category);
/* Somebody's own code: EXTENSION, PROGRAM, LIBRARY. */
bool category_is_native(enum frame_category category);

/*
 * The bare name: no arguments, no template parameters, no namespaces, none of the suffixes that
 * compilers (.cold, .part.0, .llvm.123…), linkers (@GLIBC_2.34) and Rust (::h0123456789abcdef)
 * add, and libc's aliases under one name (__libc_free, cfree: free). Allocated; never NULL.
 */
char *function_bare(const char *function);
/* Base name of a path, NULL for NULL. Points into it. */
const char *module_base(const char *module);

#endif
