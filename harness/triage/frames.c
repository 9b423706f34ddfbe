/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/frames.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"

static bool starts(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

const char *module_base(const char *module)
{
	const char *slash = module ? strrchr(module, '/') : NULL;

	return slash ? slash + 1 : module;
}

struct prefix_category {
	const char *prefix;
	enum frame_category category;
};

/* By the module's base name. The first that fits; names as on Linux, glibc or musl, and macOS. */
static const struct prefix_category modules[] = {
	{ "libpython", CATEGORY_CPYTHON },    { "libc.so", CATEGORY_LIBC },
	{ "libc-2.", CATEGORY_LIBC },         { "libc.musl", CATEGORY_LIBC },
	{ "libpthread", CATEGORY_LIBC },      { "libm.so", CATEGORY_LIBC },
	{ "libsystem_", CATEGORY_LIBC },      { "ld-linux", CATEGORY_LOADER },
	{ "ld-2.", CATEGORY_LOADER },         { "ld-musl", CATEGORY_LIBC },
	{ "dyld", CATEGORY_LOADER },          { "libstdc++", CATEGORY_CXX },
	{ "libc++", CATEGORY_CXX },           { "libgcc_s", CATEGORY_UNWINDER },
	{ "libunwind", CATEGORY_UNWINDER },
};

/* "python3", "python3.13", "python3.13d", "Python" (macOS): the interpreter's own program. */
static bool base_is_python(const char *base)
{
	if (!starts(base, "python") && !starts(base, "Python"))
		return false;
	base += strlen("python");
	return base[strspn(base, "0123456789.dtm")] == '\0';
}

static enum frame_category module_categorise(const char *module)
{
	const char *base = module_base(module);

	for (size_t i = 0; i < sizeof(modules) / sizeof(*modules); i++)
		if (starts(base, modules[i].prefix))
			return modules[i].category;
	if (base_is_python(base) || strstr(module, "/lib-dynload/"))
		return CATEGORY_CPYTHON;
	if (strstr(base, ".cpython-") || strstr(base, ".abi3.so"))
		return CATEGORY_EXTENSION;
	if (strstr(module, "/site-packages/") || strstr(module, "/dist-packages/"))
		return CATEGORY_EXTENSION;
	if (!strstr(base, ".so") && !strstr(base, ".dylib"))
		return CATEGORY_PROGRAM;
	/* What is loaded by name at run time seldom calls itself lib*. */
	return starts(base, "lib") ? CATEGORY_LIBRARY : CATEGORY_EXTENSION;
}

/*
 * CPython's naming convention; PyInit_* is each extension's own. A program can have the interpreter
 * linked in, so this also decides inside executables.
 */
static bool name_is_cpython(const char *name)
{
	if (starts(name, "PyInit_"))
		return false;
	if (starts(name, "_Py"))
		name++;
	return starts(name, "Py") && (isupper((unsigned char)name[2]) || name[2] == '_');
}

/* Source paths as CPython's own Makefile gives them to the compiler. */
static bool file_is_cpython(const char *file)
{
	static const char *const roots[] = { "Python/", "Objects/", "Modules/", "Parser/" };

	for (size_t i = 0; file && i < sizeof(roots) / sizeof(*roots); i++) {
		const char *at = strstr(file, roots[i]);

		if (at && (at == file || starts(file, "./") || starts(file, "../")))
			return true;
	}
	return false;
}

static enum frame_category name_categorise(const char *name)
{
	static const char *const libc_names[] = {
		"raise", "gsignal", "abort", "free", "malloc", "calloc", "realloc", "fork", "clone",
		"__libc_", "__GI_", "pthread_", "__pthread_", "start_thread", "clone3", "__clone",
		"_start", "sem_", "__run_", "__lll_",
	};

	if (starts(name, "_Unwind_"))
		return CATEGORY_UNWINDER;
	if (starts(name, "__cxa_") || starts(name, "__gxx_") || starts(name, "__cxxabiv1"))
		return CATEGORY_CXX;
	for (size_t i = 0; i < sizeof(libc_names) / sizeof(*libc_names); i++)
		if (starts(name, libc_names[i]))
			return CATEGORY_LIBC;
	return CATEGORY_UNKNOWN;
}

/*
 * Where a host's thread stands because forkpoint holds it there (embed/meet.c, embed/worker.c): it
 * is the scenario's code that called this which tells something.
 */
static bool frame_is_hold(const struct crash_frame *frame)
{
	static const char *const names[] = {
		"futex_wait", "futex_wake", "hold_handler", "meet_stand_quiet", "operator_look",
		"stand", "window_enter", "window_leave", "worker_await_operation", "worker_cycle",
	};
	size_t len = strcspn(frame->function, ".");

	if (strcmp(module_base(frame->module), "host") != 0)
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strlen(names[i]) == len && !strncmp(frame->function, names[i], len))
			return true;
	return false;
}

enum frame_category frame_categorise(const struct crash_frame *frame)
{
	enum frame_category category = CATEGORY_UNKNOWN;

	if (frame->module)
		category = module_categorise(frame->module);
	if (category != CATEGORY_UNKNOWN && category != CATEGORY_PROGRAM)
		return category;
	if (frame->function && frame->trust == TRUST_EXACT) {
		if (name_is_cpython(frame->function) || file_is_cpython(frame->file))
			return CATEGORY_CPYTHON;
		if (category == CATEGORY_UNKNOWN)
			return name_categorise(frame->function);
		if (frame_is_hold(frame))
			return CATEGORY_HARNESS;
	}
	return category;
}

const char *category_name(enum frame_category category)
{
	static const char *const names[] = {
		[CATEGORY_UNKNOWN] = "unknown",     [CATEGORY_CPYTHON] = "cpython",
		[CATEGORY_LIBC] = "libc",           [CATEGORY_CXX] = "c++ runtime",
		[CATEGORY_UNWINDER] = "unwinder",   [CATEGORY_LOADER] = "loader",
		[CATEGORY_EXTENSION] = "extension", [CATEGORY_PROGRAM] = "program",
		[CATEGORY_LIBRARY] = "library",   [CATEGORY_HARNESS] = "forkpoint",
	};

	return names[category];
}

bool category_is_native(enum frame_category category)
{
	return category == CATEGORY_EXTENSION || category == CATEGORY_PROGRAM ||
	       category == CATEGORY_LIBRARY;
}

/* ".cold", ".part.0", ".llvm.123": a dot before a letter, outside of any arguments. */
static void cut_dots(char *name)
{
	char *from = strrchr(name, ')');

	for (char *p = from ? from : name; *p; p++) {
		if (*p == '.' && p > name && isalpha((unsigned char)p[1])) {
			*p = '\0';
			return;
		}
	}
}

static void cut_suffixes(char *name)
{
	char *p = strstr(name, " [clone ");

	if (p)
		*p = '\0';
	name[strcspn(name, "@")] = '\0';
	cut_dots(name);
	/* Rust: a path ends in ::h and 16 digits. */
	p = strrchr(name, ':');
	if (p && p > name && p[-1] == ':' && p[1] == 'h' && strlen(p) == 18 &&
	    strspn(p + 2, "0123456789abcdef") == 16)
		p[-1] = '\0';
}

/*
 * Demangled names nest; a bracket belongs to its partner, but not in "operator<" or "operator->".
 * What follows the word and its sign, or `p` if no operator's name begins here.
 */
static char *after_operator(const char *name, char *p)
{
	static const char word[] = "operator";

	if (!starts(p, word) || (p > name && (isalnum((unsigned char)p[-1]) || p[-1] == '_')))
		return p;
	p += strlen(word);
	if (starts(p, "()"))
		return p + 2;
	if (*p == ' ')
		return p + strcspn(p, "(");
	return p + strspn(p, "<>=-!+*/%^&|~[],");
}

/* Leave the last component of the qualified name, without parameters of either kind. */
static void cut_qualifiers(char *name)
{
	char *out = name, *start = name;
	int depth = 0;

	for (char *p = name; *p;) {
		char *next = after_operator(name, p);

		if (next != p) {
			if (!depth) {
				memmove(out, p, (size_t)(next - p));
				out += next - p;
			}
			p = next;
			continue;
		}
		if (!depth && starts(p, "(anonymous namespace)")) {
			p += strlen("(anonymous namespace)");
			continue;
		}
		if (*p == '<' || *p == '(' || *p == '{' || *p == '[') {
			depth++;
		} else if (*p == '>' || *p == ')' || *p == '}' || *p == ']') {
			depth--;
		} else if (!depth && (starts(p, "::") || (*p == ' ' && p[1] != '\0'))) {
			/* A blank ends a return type, or begins " const" after arguments. */
			if (*p == ' ' && out > start && starts(p, " const"))
				break;
			out = start;
			p += *p == ':' ? 2 : 1;
			continue;
		} else if (!depth) {
			*out++ = *p;
		}
		p++;
	}
	*out = '\0';
}

char *function_bare(const char *function)
{
	static const char *const aliases[][2] = {
		{ "cfree", "free" },          { "__libc_free", "free" },
		{ "__libc_malloc", "malloc" }, { "__libc_realloc", "realloc" },
		{ "__libc_calloc", "calloc" }, { "__libc_fork", "fork" },
		{ "__fork", "fork" },          { "gsignal", "raise" },
		{ "__GI_raise", "raise" },     { "__GI_abort", "abort" },
		{ "__GI___fork", "fork" },     { "__pthread_mutex_lock", "pthread_mutex_lock" },
	};
	char *name = xstrdup(function);

	cut_suffixes(name);
	if (strchr(name, ':') || strchr(name, '(') || strchr(name, '<'))
		cut_qualifiers(name);
	for (size_t i = 0; i < sizeof(aliases) / sizeof(*aliases); i++) {
		if (!strcmp(name, aliases[i][0])) {
			free(name);
			name = xstrdup(aliases[i][1]);
			break;
		}
	}
	if (!*name) {
		free(name);
		name = xstrdup(function);
	}
	return name;
}
