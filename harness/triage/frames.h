/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose code a frame is, and what its function is called once compilers have had their way.
 *
 * Whose it is say rules (rules.h): the user's, then those of rules_builtin.c. Pure.
 */
#ifndef FORKPOINT_TRIAGE_FRAMES_H
#define FORKPOINT_TRIAGE_FRAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "observe/crash.h"
#include "triage/lines.h"
#include "triage/triage.h"

/* What the patterns ask: is it the platform's, Python's or somebody's own? */
enum frame_category {
	CATEGORY_UNKNOWN = 0,
	CATEGORY_CPYTHON,   /* interpreter, and the standard library's own extension modules */
	CATEGORY_PYTHON,    /* Python code */
	CATEGORY_LIBC,      /* with its threads; allocators, sanitizers and the kernel's entries */
	CATEGORY_CXX,       /* C++ runtime, Rust runtime */
	CATEGORY_UNWINDER,
	CATEGORY_LOADER,    /* dynamic linker */
	CATEGORY_EXTENSION, /* native Python module, or a plugin beside the program */
	CATEGORY_PROGRAM,   /* the executable, where that is not Python itself: it embeds it */
	CATEGORY_LIBRARY,   /* any other shared library */
	CATEGORY_HARNESS,   /* forkpoint's own, by which a host holds threads: says nothing */
};

/* The finer word, for people: a kind belongs to one category, and has one who answers for it. */
enum frame_kind {
	KIND_UNKNOWN = 0,
	KIND_CPYTHON,
	KIND_PYTHON,
	KIND_DD_TRACE,
	KIND_PYROSCOPE,
	KIND_GEVENT,
	KIND_GRPC,
	KIND_RUST,
	KIND_CXX,
	KIND_UNWINDER,
	KIND_ALLOCATOR,
	KIND_SANITIZER,
	KIND_LIBC,
	KIND_LOADER,
	KIND_KERNEL,
	KIND_EXTENSION,
	KIND_APPLICATION,
	KIND_PROGRAM,
	KIND_LIBRARY,
	KIND_HARNESS,
	FRAME_KINDS,
};

struct frame_origin {
	enum frame_kind kind;
	enum frame_category category;
	enum attribution owner; /* whose fault it is if it is this frame's; UNKNOWN: nobody's */
	const char *component;  /* "_memalloc", "OpenBLAS"; NULL: the module's name. The rule's. */
};

struct frame_rules;

/* `rules` are asked before the built-in ones, and must outlive *origin; NULL: there are none. */
void frame_find_origin(const struct crash_frame *frame, const struct frame_rules *rules,
		       struct frame_origin *origin);
enum frame_category frame_categorise(const struct crash_frame *frame,
				     const struct frame_rules *rules);

/* "cpython", "libc", … Static. */
const char *category_name(enum frame_category category);
/* Somebody's own code: EXTENSION, PROGRAM, LIBRARY. */
bool category_is_native(enum frame_category category);
/* "dd-trace-py", "rust runtime", …: the words of --json and of --rules. Static. */
const char *frame_kind_name(enum frame_kind kind);
enum frame_category frame_kind_category(enum frame_kind kind);
enum attribution frame_kind_owner(enum frame_kind kind);
/* How far to believe it: "inlined", or trust_name(). Static. */
const char *frame_trust_word(const struct crash_frame *frame);

/* triage/names.c */

/*
 * The bare name: no arguments, no template parameters, no namespaces, no closures, none of the
 * suffixes that compilers (.cold, .part.0, .llvm.12, [clone .isra.0]), linkers (@GLIBC_2.34) and
 * Rust (::h0123456789abcdef) add, and libc's aliases and a sanitizer's interceptors under the name
 * that a program calls (__libc_free, cfree, __interceptor_free: free). Allocated; never NULL.
 */
char *function_bare(const char *function);
/*
 * The name with its namespaces, but without return type, arguments, suffixes and the '<' and '&'
 * before a Rust type: what rules match. Points into it.
 */
struct piece function_qualified(const char *function);
/* Base name of a path, NULL for NULL. Points into it. */
const char *module_base(const char *module);

#endif
