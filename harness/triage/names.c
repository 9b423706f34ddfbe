/* SPDX-License-Identifier: Apache-2.0 */
/* Functions' names, without what compilers, linkers, libc and sanitizers add to them. */
#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "base/errors.h"
#include "triage/frames.h"

static bool starts(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

/* A word, or a number that is not the second half of 1.5 in a template's parameters. */
static bool begins_suffix(const char *s)
{
	size_t digits = strspn(s, "0123456789");

	return digits ? !s[digits] || s[digits] == '.' : ascii_is_alpha(*s) || *s == '_';
}

/* ".cold", ".part.0", ".llvm.123", "._omp_fn.0", ".7": not what is inside of arguments. */
static size_t before_dots(const char *name, size_t len)
{
	size_t from = len;

	while (from && name[from - 1] != ')')
		from--;
	for (size_t i = from ? from : 1; i + 1 < len; i++)
		if (name[i] == '.' && begins_suffix(name + i + 1))
			return i;
	return len;
}

/* Rust: a path ends in ::h and 16 digits. */
static size_t before_hash(const char *name, size_t len)
{
	static const char mark[] = "::h";
	size_t hash = strlen(mark) + 16;

	if (len <= hash || strncmp(name + len - hash, mark, strlen(mark)) != 0)
		return len;
	for (size_t i = len - 16; i < len; i++)
		if (!ascii_is_hex(name[i]) || ascii_is_upper(name[i]))
			return len;
	return len - hash;
}

/* macOS: pthread_mutex_lock$VARIANT$armv81, read$NOCANCEL. */
static size_t before_variant(const char *name, size_t len)
{
	static const char *const marks[] = {
		"$VARIANT$", "$NOCANCEL", "$INODE64", "$UNIX2003", "$DARWIN_EXTSN",
	};
	size_t cut = len;

	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++) {
		const char *at = strstr(name, marks[i]);

		if (at && (size_t)(at - name) < cut)
			cut = (size_t)(at - name);
	}
	return cut;
}

/* How much of the name is left when all of these are cut. */
static size_t stem_length(const char *name)
{
	const char *clone = strstr(name, " [clone ");
	size_t len = clone ? (size_t)(clone - name) : strlen(name);
	const char *version = memchr(name, '@', len);

	if (version && version > name)
		len = (size_t)(version - name);
	if (memchr(name, '$', len))
		len = before_variant(name, len);
	len = before_dots(name, len);
	return before_hash(name, len);
}

/*
 * Demangled names nest; a bracket belongs to its partner, but not in "operator<" or "operator->".
 * What follows the word and its sign, or `p` if no operator's name begins here.
 */
static const char *after_operator(const char *name, const char *p)
{
	static const char word[] = "operator";

	if (!starts(p, word) || (p > name && (ascii_is_alnum(p[-1]) || p[-1] == '_')))
		return p;
	p += strlen(word);
	if (starts(p, "()"))
		return p + 2;
	if (*p == ' ')
		return p + strcspn(p, "(");
	return p + strspn(p, "<>=-!+*/%^&|~[],");
}

static bool opens(char c)
{
	return c == '<' || c == '(' || c == '{' || c == '[';
}

static bool closes(char c)
{
	return c == '>' || c == ')' || c == '}' || c == ']';
}

/*
 * Where the "::{…}" begins with which a name ends, or its end: a closure or a lambda is told by
 * the function that it stands in.
 */
static size_t before_closure(const char *name, size_t len)
{
	size_t at = len, depth = 0;

	if (!len || name[len - 1] != '}')
		return len;
	while (at) {
		at--;
		if (name[at] == '}')
			depth++;
		else if (name[at] == '{' && !--depth)
			break;
	}
	return at > 2 && name[at - 1] == ':' && name[at - 2] == ':' ? at - 2 : len;
}

static void cut_closures(char *name)
{
	for (size_t len = strlen(name), cut; (cut = before_closure(name, len)) < len; len = cut)
		name[cut] = '\0';
}

/* Leave the last component of the qualified name, without parameters of either kind. */
static void cut_qualifiers(char *name)
{
	char *out = name, *start = name;
	int depth = 0;

	for (const char *p = name; *p;) {
		const char *next = after_operator(name, p);

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
		if (opens(*p)) {
			depth++;
		} else if (closes(*p)) {
			depth -= !(*p == '>' && depth && p[-1] == '-'); /* fn(u8) -> u8 */
		} else if (!depth && starts(p, "::<")) {
			p += 2; /* Rust's parameters: the name stands before them */
			continue;
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

/* What a sanitizer calls its own, and what libc calls its own alias of itself. */
static const char *after_prefix(const char *name)
{
	static const char *const prefixes[] = {
		"__interceptor_trampoline_", "___interceptor_", "__interceptor_", "__GI_",
	};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (starts(name, prefixes[i]) && name[strlen(prefixes[i])])
			return name + strlen(prefixes[i]);
	return name;
}

/*
 * "__memcpy_evex_unaligned_erms": which of its implementations libc takes is the machine's matter.
 * The public function's name, or NULL. Static.
 */
static const char *before_machine(const char *name)
{
	static const char *const functions[] = {
		"memchr", "memcmp", "memcpy", "memmove", "mempcpy", "memrchr", "memset",
		"rawmemchr", "stpcpy", "stpncpy", "strcasecmp", "strcat", "strchr", "strchrnul",
		"strcmp", "strcpy", "strcspn", "strlen", "strncasecmp", "strncat", "strncmp",
		"strncpy", "strnlen", "strpbrk", "strrchr", "strspn", "strstr", "wcslen",
		"wcsnlen", "wmemset",
	};
	static const char *const machines[] = {
		"_sse", "_ssse3", "_avx", "_evex", "_erms", "_generic", "_asimd", "_mte", "_sve",
		"_mops", "_aarch64", "_simd", "_chk_", "_thunderx", "_falkor", "_power", "_z1",
		"_l_",
	};

	if (!starts(name, "__"))
		return NULL;
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
		const char *rest = name + 2 + strlen(functions[i]);

		if (!starts(name + 2, functions[i]))
			continue;
		for (size_t k = 0; k < sizeof(machines) / sizeof(*machines); k++)
			if (starts(rest, machines[k]))
				return functions[i];
	}
	return NULL;
}

static const char *public_alias(const char *name)
{
	static const char *const aliases[][2] = {
		{ "cfree", "free" },           { "__libc_free", "free" },
		{ "__libc_malloc", "malloc" }, { "__libc_realloc", "realloc" },
		{ "__libc_calloc", "calloc" }, { "__libc_fork", "fork" },
		{ "__fork", "fork" },          { "gsignal", "raise" },
		{ "__pthread_mutex_lock", "pthread_mutex_lock" },
		{ "___pthread_mutex_lock", "pthread_mutex_lock" },
		{ "__pthread_cond_wait", "pthread_cond_wait" },
		{ "___pthread_cond_wait", "pthread_cond_wait" },
		{ "__new_sem_wait", "sem_wait" },
	};

	name = after_prefix(name);
	if (before_machine(name))
		return before_machine(name);
	for (size_t i = 0; i < sizeof(aliases) / sizeof(*aliases); i++)
		if (!strcmp(name, aliases[i][0]))
			return aliases[i][1];
	return name;
}

char *function_bare(const char *function)
{
	char *name = xstrdup(function), *bare;

	name[stem_length(name)] = '\0';
	cut_closures(name);
	if (strchr(name, ':') || strchr(name, '(') || strchr(name, '<'))
		cut_qualifiers(name);
	bare = xstrdup(*name ? public_alias(name) : function);
	free(name);
	return bare;
}

/* Behind the partner of the bracket at p. */
static const char *skip_group(const char *p, const char *end)
{
	int depth = 0;

	for (; p < end; p++) {
		if (opens(*p))
			depth++;
		else if (closes(*p) && !(*p == '>' && p[-1] == '-') && --depth == 0)
			return p + 1;
	}
	return end;
}

/* "<Foo as Bar>::baz" begins with what it is about, behind the signs of a reference. */
static const char *after_signs(const char *p, const char *end)
{
	static const char *const signs[] = { "<", "&", "mut ", "dyn ", "*const ", "*mut " };

	for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++) {
		if ((size_t)(end - p) > strlen(signs[i]) && starts(p, signs[i])) {
			p += strlen(signs[i]);
			i = (size_t)-1;
		}
	}
	return p;
}

struct piece function_qualified(const char *function)
{
	const char *begin = function, *end = function + stem_length(function);
	const char *first = after_signs(function, end);

	if (first > begin)
		return (struct piece){ first, (size_t)(end - first) };
	for (const char *p = function; p < end;) {
		const char *next = after_operator(function, p);

		if (next != p) {
			p = next < end ? next : end;
		} else if (starts(p, "(anonymous namespace)")) {
			p += strlen("(anonymous namespace)");
		} else if (*p == '(') {
			end = p;
		} else if (opens(*p)) {
			p = skip_group(p, end);
		} else if (*p == ' ' && p + 1 < end) {
			begin = ++p; /* that was the return type */
		} else {
			p++;
		}
	}
	if (starts(begin, "(anonymous namespace)::"))
		begin += strlen("(anonymous namespace)::");
	return (struct piece){ begin, end > begin ? (size_t)(end - begin) : 0 };
}
