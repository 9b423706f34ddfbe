/* SPDX-License-Identifier: Apache-2.0 */
#include "base/demangle.h"

#include <libiberty/demangle.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "base/strbuf.h"
#include "base/text.h"

struct sink {
	struct strbuf text;
	bool rust;
	jmp_buf too_long;
};

static bool is_ascii(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] >= 0x80)
			return false;
	return true;
}

/*
 * A hundred characters can stand for 2^30 of them, and the demanglers know no other end than their
 * caller's. Both keep what they work with on the stack, so they can be left at any piece of text;
 * only a Rust identifier in punycode, which is never plain ASCII, comes out of allocated memory.
 */
static void take(const char *piece, size_t len, void *opaque)
{
	struct sink *sink = opaque;

	if (!len)
		return; /* piece is NULL then, for some */
	if (sink->text.len + len <= DEMANGLED_MAX)
		strbuf_add(&sink->text, piece, len);
	else if (!sink->rust || is_ascii(piece, len))
		longjmp(sink->too_long, 1);
}

/* Without DMGL_NO_RECURSE_LIMIT, which would lift libiberty's own bound on nesting. */
static bool demangle_into(struct sink *sink, const char *mangled)
{
	const int options = DMGL_PARAMS | DMGL_ANSI;

	if (setjmp(sink->too_long))
		return false;
	/* Legacy Rust names are C++ names as well: Rust comes first. */
	sink->rust = true;
	if (rust_demangle_callback(mangled, options, take, sink))
		return true;
	strbuf_reset(&sink->text);
	sink->rust = false;
	return cplus_demangle_v3_callback(mangled, options, take, sink);
}

/* The mangled name's beginning, or NULL; Mach-O puts one more '_' before each name. */
static const char *mangled_name(const char *name)
{
	if (!strncmp(name, "__Z", 3) || !strncmp(name, "__R", 3))
		name++;
	return !strncmp(name, "_Z", 2) || !strncmp(name, "_R", 2) ? name : NULL;
}

char *demangle(const char *name)
{
	const char *begin = mangled_name(name);
	struct sink sink = { .text = STRBUF_INIT };
	struct strbuf clean = STRBUF_INIT;
	char *mangled;
	bool done;

	if (!begin)
		return xstrdup(name);
	/* Symbol tables write versions into the name: _ZSt9terminatev@@GLIBCXX_3.4. */
	mangled = xstrdup(begin);
	mangled[strcspn(mangled, "@")] = '\0';
	done = demangle_into(&sink, mangled) && sink.text.len;
	free(mangled);
	if (!done) {
		strbuf_release(&sink.text);
		return xstrdup(name);
	}
	/* A name of plain ASCII may stand for any character (Rust's punycode, and its literals). */
	text_add_line(&clean, sink.text.buf, sink.text.len);
	strbuf_release(&sink.text);
	return strbuf_detach(&clean);
}
