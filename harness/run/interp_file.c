/* SPDX-License-Identifier: Apache-2.0 */
#include "run/interp_file.h"

#include <ctype.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/errors.h"

/* An interpreter file has a dozen lines, a patchlevel.h two screens. */
#define TEXT_MAX (64u << 10)

struct fields {
	char *release, *flavour, *source, *prefix, *home, *include, *lib, *lib_size;
};

static char **field_of(struct fields *fields, const char *key, size_t len)
{
	const struct {
		const char *key;
		char **value;
	} known[] = {
		{ "release", &fields->release }, { "flavour", &fields->flavour },
		{ "source", &fields->source },   { "prefix", &fields->prefix },
		{ "home", &fields->home },       { "include", &fields->include },
		{ "lib", &fields->lib },         { "lib_size", &fields->lib_size },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strlen(known[i].key) == len && !memcmp(known[i].key, key, len))
			return known[i].value;
	return NULL;
}

static void fields_release(struct fields *fields)
{
	free(fields->release);
	free(fields->flavour);
	free(fields->source);
	free(fields->prefix);
	free(fields->home);
	free(fields->include);
	free(fields->lib);
	free(fields->lib_size);
}

/* Lines key=value. Keys that are not known here are for host.mk, or of a later version. */
static void fields_parse(struct fields *fields, char *text)
{
	for (char *line = text, *next; line; line = next) {
		char *value, **field;

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		value = strchr(line, '=');
		if (!value)
			continue;
		field = field_of(fields, line, (size_t)(value - line));
		if (!field || !value[1])
			continue;
		free(*field);
		*field = xstrdup(value + 1);
	}
}

static int flavour_parse(const char *text, enum flavour *flavour)
{
	static const enum flavour all[] = {
		FLAVOUR_RELEASE, FLAVOUR_DEBUG, FLAVOUR_FREE_THREADED,
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (text && !strcmp(flavour_name(all[i]), text)) {
			*flavour = all[i];
			return 0;
		}
	}
	return -1;
}

static char *take(char **field)
{
	char *value = *field;

	*field = NULL;
	return value;
}

static int interp_fill(struct interp *interp, struct fields *fields, const char *path)
{
	char text[RELEASE_TEXT_MAX];
	const char *rest;

	if (!fields->release || release_parse(fields->release, &interp->release, &rest) < 0 ||
	    *rest || interp->release.micro < 0 ||
	    flavour_parse(fields->flavour, &interp->flavour) < 0 || !fields->source ||
	    !fields->prefix || !fields->include || !fields->lib)
		return -1;
	interp->name = xstrfmt("%s%s", release_format(&interp->release, text),
			       flavour_suffix(interp->flavour));
	interp->source = take(&fields->source);
	interp->prefix = take(&fields->prefix);
	interp->home = take(&fields->home);
	interp->lib = take(&fields->lib);
	interp->file = xstrdup(path);
	return 0;
}

void interp_clear(struct interp *interp)
{
	free(interp->name);
	free(interp->source);
	free(interp->prefix);
	free(interp->file);
	free(interp->home);
	free(interp->lib);
	*interp = (struct interp){ 0 };
}

bool interp_is_fetched(const struct interp *interp)
{
	static const char *const found[] = { "prefix", "pyenv", "uv", "system" };

	for (size_t i = 0; i < sizeof(found) / sizeof(found[0]); i++)
		if (!strcmp(interp->source, found[i]))
			return false;
	return true;
}

/* The release that a patchlevel.h defines; -1: none. */
static int header_release(const char *include, struct release *release)
{
	char *path = xstrfmt("%s/patchlevel.h", include);
	struct strbuf text = STRBUF_INIT;
	int ret = -1;
	char *s;

	if (strbuf_read_file(&text, path, TEXT_MAX) < 0)
		goto out;
	s = strstr(text.buf, "PY_VERSION ");
	if (!s)
		goto out;
	s += strcspn(s, "\"\n");
	if (*s == '"')
		ret = release_parse(s + 1, release, NULL);
out:
	strbuf_release(&text);
	free(path);
	return ret;
}

static bool readable(const char *dir, const char *file)
{
	char *path = xstrfmt("%s/%s", dir, file);
	bool yes = access(path, R_OK) == 0;

	free(path);
	return yes;
}

/*
 * The file that the standard library below `home` lacks, for free(), or NULL. Where it may lie in
 * two places and is whole in neither, the one that is there is spoken of.
 */
static char *stdlib_lacks(const struct interp *interp, const char *home)
{
	static const char *const libs[] = { "lib", "lib64" };
	char *lacks = NULL;
	bool found = false;

	for (size_t i = 0; !found && i < sizeof(libs) / sizeof(libs[0]); i++) {
		char *below = xstrfmt("%s/python%d.%d%s", libs[i], interp->release.major,
				      interp->release.minor,
				      interp->flavour == FLAVOUR_FREE_THREADED ? "t" : "");
		char *dir = xstrfmt("%s/%s", home, below);
		const char *file = readable(dir, "os.py") ? "encodings/__init__.py" : "os.py";

		found = readable(dir, file);
		if (!lacks || access(dir, F_OK) == 0) {
			free(lacks);
			lacks = xstrfmt("%s/%s", below, file);
		}
		free(below);
		free(dir);
	}
	if (!found)
		return lacks;
	free(lacks);
	return NULL;
}

/* The section headers stand at the end of a library, so a truncated one lacks them. */
static bool elf_complete(const Elf64_Ehdr *header, uint64_t size)
{
	return header->e_shoff + (uint64_t)header->e_shnum * header->e_shentsize <= size;
}

/* A shared or static libpython of full length? NULL, or what is wrong with it. */
static const char *lib_fault(const char *path, const char *expected_size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	Elf64_Ehdr header = { 0 };
	const char *fault = NULL;
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? "is gone" : "cannot be read";
	n = read(fd, &header, sizeof(header));
	if (fstat(fd, &st) < 0 || n < (ssize_t)sizeof(header))
		fault = "is cut short";
	else if (expected_size && st.st_size != strtoll(expected_size, NULL, 10))
		fault = "is damaged";
	else if (!memcmp(&header, "!<arch>\n", 8))
		fault = NULL;
	else if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
		fault = "is no library";
	else if (header.e_ident[EI_CLASS] == ELFCLASS64 &&
		 !elf_complete(&header, (uint64_t)st.st_size))
		fault = "is cut short";
	close(fd);
	return fault;
}

static int interp_check(const struct interp *interp, const struct fields *fields,
			struct strbuf *err)
{
	const char *fault = lib_fault(interp->lib, fields->lib_size);
	const char *home = interp->home ? interp->home : interp->prefix;
	char text[RELEASE_TEXT_MAX], *lacks;
	struct release release;

	if (fault) {
		strbuf_addf(err, "its libpython '%s' %s", interp->lib, fault);
	} else if (header_release(fields->include, &release) < 0 ||
		   !readable(fields->include, "Python.h")) {
		strbuf_addf(err, "its headers in '%s' are gone", fields->include);
	} else if (release_compare(&release, &interp->release) != 0) {
		strbuf_addf(err, "'%s' is %s now", interp->prefix, release_format(&release, text));
	} else if ((lacks = stdlib_lacks(interp, home))) {
		strbuf_addf(err, "it has no standard library under '%s': %s is missing", home,
			    lacks);
		free(lacks);
	} else {
		return 0;
	}
	return -1;
}

int interp_file_read(const char *path, struct interp *interp, struct strbuf *err)
{
	struct strbuf text = STRBUF_INIT;
	struct fields fields = { 0 };
	int ret = -1;

	*interp = (struct interp){ 0 };
	if (strbuf_read_file(&text, path, TEXT_MAX) < 0) {
		strbuf_addf(err, "cannot read '%s': %s", path, strerror(errno));
		goto out;
	}
	fields_parse(&fields, text.buf);
	if (interp_fill(interp, &fields, path) < 0) {
		interp_clear(interp);
		strbuf_addf(err, "'%s' is no interpreter file", path);
		goto out;
	}
	ret = interp_check(interp, &fields, err);
out:
	fields_release(&fields);
	strbuf_release(&text);
	return ret;
}
