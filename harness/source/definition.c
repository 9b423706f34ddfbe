/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking for a function by its name. Without a compiler this is a guess: of the lines on which the
 * name stands, the one that looks most like the head of a definition.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "source/places.h"
#include "triage/frames.h"

static bool is_identifier(const char *name)
{
	size_t len = 0;

	while (isalnum((unsigned char)name[len]) || name[len] == '_')
		len++;
	/* Shorter ones stand everywhere. */
	return len >= 3 && !name[len] && !isdigit((unsigned char)*name);
}

/* The word before `at`, which is in `line`: is it this one? */
static bool after_word(const char *line, const char *at, const char *word)
{
	size_t len = strlen(word);

	while (at > line && at[-1] == ' ')
		at--;
	return (size_t)(at - line) >= len && !strncmp(at - len, word, len) &&
	       ((size_t)(at - line) == len || !isalnum((unsigned char)at[-(ptrdiff_t)len - 1]));
}

/* Where the name stands as a word; NULL: nowhere. */
static const char *find_word(const char *line, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = line; (at = strstr(at, name)); at++)
		if ((at == line || (!isalnum((unsigned char)at[-1]) && at[-1] != '_')) &&
		    !isalnum((unsigned char)at[len]) && at[len] != '_')
			return at;
	return NULL;
}

static bool is_comment(const char *line)
{
	line += strspn(line, " \t");
	return !strncmp(line, "//", 2) || *line == '*' || *line == '#' || !strncmp(line, "/*", 2);
}

/* How much a line looks like the head of the function's definition; 0: not at all. */
static int line_score(const char *line, const char *name)
{
	static const char *const keywords[] = { "fn", "def", "func", "cdef", "cpdef" };
	const char *at = find_word(line, name), *end = line + strlen(line), *behind;

	if (!at || is_comment(line))
		return 0;
	for (size_t i = 0; i < sizeof(keywords) / sizeof(*keywords); i++)
		if (after_word(line, at, keywords[i]))
			return 4;
	behind = at + strlen(name);
	behind += strspn(behind, " ");
	while (end > line && isspace((unsigned char)end[-1]))
		end--;
	/* A call or a declaration ends with its line; an initialiser is no head. */
	if (*behind != '(' || (end > line && end[-1] == ';') ||
	    memchr(line, '=', (size_t)(at - line)))
		return 0;
	if (after_word(line, at, "return") || after_word(line, at, "."))
		return 0;
	if (!isspace((unsigned char)*line))
		return at > line && at[-1] == ':' ? 4 : 3;
	/* In a class: a type before the name, and a brace behind. */
	if (at > line && strchr(" *&", at[-1]) && end > line && strchr("{,", end[-1]) &&
	    isalnum((unsigned char)line[strspn(line, " \t")]) && !strchr("(,", *(at - 1)) &&
	    at > line + strspn(line, " \t"))
		return 2;
	return 0;
}

/* COMMIT:PATH<NUL>LINE<NUL>TEXT<line end>. PATH may hold line ends. */
struct hit {
	const char *path, *text;
	int line;
};

/* The text is cut off for it. */
static bool hit_next(char **at, char *end, size_t prefix, struct hit *hit)
{
	char *path = *at, *number, *text, *eol;

	if (path >= end || (size_t)(end - path) <= prefix)
		return false;
	number = memchr(path, '\0', (size_t)(end - path));
	text = number ? memchr(number + 1, '\0', (size_t)(end - number - 1)) : NULL;
	eol = text ? memchr(text + 1, '\n', (size_t)(end - text - 1)) : NULL;
	if (!eol)
		return false;
	*eol = '\0';
	*hit = (struct hit){ path + prefix, text + 1, atoi(number + 1) };
	*at = eol + 1;
	return true;
}

static void best_take(struct definition *best, int *score, const struct hit *hit,
		      const char *function)
{
	int now = line_score(hit->text, function);

	if (!now || now < *score)
		return;
	if (now == *score) {
		best->equals++;
		return;
	}
	free(best->path);
	*best = (struct definition){ xstrdup(hit->path), hit->line, 0 };
	*score = now;
}

/* The lines on which the name stands as a word, in one place or in all source files. */
static int grep(const struct repository *repository, const char *commit, const char *function,
		const char *only, struct strbuf *out, struct strbuf *err)
{
	static const char *const everywhere[] = {
		"c", "cc", "cpp", "cxx", "h", "hh", "hpp", "rs", "pyx", "pxd", "py", "go", "m", "mm",
	};
	enum { COUNT = sizeof(everywhere) / sizeof(*everywhere) };
	const char *args[COUNT + 16] = {
		"grep", "-n", "-z", "-w", "-I", "-F", "--full-name", "--no-color", "--no-column",
		"-e", function, commit, "--", only,
	};
	char *globs[COUNT];
	size_t n = 13;
	int status;

	for (size_t i = 0; i < COUNT; i++) {
		globs[i] = xstrfmt(":(top,glob)**/*.%s", everywhere[i]);
		if (!only)
			args[n++] = globs[i];
	}
	status = git_run(&repository->git, out, err, args);
	for (size_t i = 0; i < COUNT; i++)
		free(globs[i]);
	return status;
}

int definition_find(const struct repository *repository, const char *commit,
		    const char *function, const char *within, struct definition *definition,
		    struct strbuf *err)
{
	char *only = within ? xstrfmt(":(top,literal)%s", within) : NULL, *at, *end;
	struct strbuf out = STRBUF_INIT, why = STRBUF_INIT;
	int status = 1, score = 0;
	struct hit hit;

	*definition = (struct definition){ 0 };
	if (is_identifier(function))
		status = grep(repository, commit, function, only, &out, &why);
	strbuf_addstr(err, why.buf);
	at = out.buf;
	end = out.buf + out.len;
	while (status == 0 && hit_next(&at, end, strlen(commit) + 1, &hit))
		best_take(definition, &score, &hit, function);
	free(only);
	strbuf_release(&out);
	strbuf_release(&why);
	return definition->path ? 0 : -1;
}

/* As line_score(), but a macro may define it, and its type may stand on the line above. */
static bool may_be_head(const char *line, const char *name)
{
	const char *at = find_word(line, name), *end = line + strlen(line);

	if (!at || is_comment(line))
		return false;
	while (end > line && isspace((unsigned char)end[-1]))
		end--;
	if (line_score(line, name))
		return true;
	return end[-1] != ';' && (!isspace((unsigned char)*line) ||
				  at == line + strspn(line, " \t"));
}

/* At the left margin, where what is a function's own seldom stands. */
static bool is_some_head(const char *line)
{
	const char *open = strchr(line, '('), *end = line + strlen(line);

	while (end > line && isspace((unsigned char)end[-1]))
		end--;
	return open && open > line && (isalpha((unsigned char)*line) || *line == '_') &&
	       end[-1] != ';' && !memchr(line, '=', (size_t)(open - line));
}

enum standing definition_stands(const char *text, size_t size, long line, const char *function)
{
	const char *at = text, *end = text + size, *eol;
	enum standing standing = STANDING_NOT;
	char *name = function_bare(function), *copy;

	if (!is_identifier(name)) {
		free(name);
		return STANDING_UNKNOWN;
	}
	/* The last head up to the line counts; the line itself may be the head's second. */
	for (long n = 1; n <= line && at < end; n++, at = eol + 1) {
		eol = memchr(at, '\n', (size_t)(end - at));
		eol = eol ? eol : end;
		if (!isalpha((unsigned char)*at) && *at != '_' &&
		    !memmem(at, (size_t)(eol - at), name, strlen(name)))
			continue;
		copy = xstrfmt("%.*s", (int)(eol - at > 4096 ? 4096 : eol - at), at);
		if (may_be_head(copy, name))
			standing = STANDING_HERE;
		else if (is_some_head(copy))
			standing = STANDING_NOT;
		free(copy);
	}
	free(name);
	return standing;
}
