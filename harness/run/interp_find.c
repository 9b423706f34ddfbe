/* SPDX-License-Identifier: Apache-2.0 */
/* From a spec that a user typed to the interpreter it names. */
#include "run/interp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/errors.h"
#include "base/paths.h"
#include "run/interp_file.h"
#include "run/script.h"
#include "run/unfetched.h"

struct spec {
	struct release release; /* micro -1: any of the line */
	enum flavour flavour;
	bool or_later;          /* "3.13.18+" */
};

static int spec_parse(const char *text, struct spec *spec)
{
	const char *rest;

	if (release_parse(text, &spec->release, &rest) < 0)
		return -1;
	spec->flavour = FLAVOUR_RELEASE;
	if (*rest == 'd')
		spec->flavour = FLAVOUR_DEBUG;
	else if (*rest == 't')
		spec->flavour = FLAVOUR_FREE_THREADED;
	if (spec->flavour != FLAVOUR_RELEASE)
		rest++;
	spec->or_later = *rest == '+';
	if (spec->or_later)
		rest++;
	return *rest ? -1 : 0;
}

bool interp_spec_is_possible(const char *text)
{
	struct spec spec;

	return spec_parse(text, &spec) == 0 && interp_is_supported(&spec.release);
}

static bool spec_accepts(const struct spec *spec, const struct interp *interp)
{
	int order;

	if (interp->flavour != spec->flavour || interp->release.major != spec->release.major ||
	    interp->release.minor != spec->release.minor)
		return false;
	if (spec->release.micro < 0)
		return true;
	order = release_compare(&interp->release, &spec->release);
	return spec->or_later ? order >= 0 : order == 0;
}

/* The newest, and of equal ones the first. */
static const struct interp *best_match(const struct interp_list *list, const struct spec *spec)
{
	const struct interp *best = NULL;

	for (size_t i = 0; i < list->n; i++) {
		const struct interp *interp = &list->v[i];

		if (spec_accepts(spec, interp) &&
		    (!best || release_compare(&interp->release, &best->release) > 0))
			best = interp;
	}
	return best;
}

static void add_names(const struct interp_list *list, struct strbuf *err)
{
	const char *last = "";

	for (size_t i = 0; i < list->n; i++) {
		if (!strcmp(list->v[i].name, last))
			continue;
		strbuf_addf(err, "%s%s", *last ? ", " : "", list->v[i].name);
		last = list->v[i].name;
	}
	if (!*last)
		strbuf_addstr(err, "none");
}

static const struct interp *find_release(const struct interp_list *list, const char *text,
					 struct strbuf *err)
{
	const struct interp *found;
	struct spec spec;

	if (spec_parse(text, &spec) < 0) {
		strbuf_addf(err, "'%s' names no interpreter; write a release (3.13.5, 3.13.5d), "
			    "a line (3.13) or the path of a prefix: 'forkpoint pythons' lists what "
			    "is here", text);
		return NULL;
	}
	if (!interp_is_supported(&spec.release)) {
		strbuf_addf(err, "'%s' cannot be run: forkpoint runs 3.12 and later releases of "
			    "Python 3", text);
		return NULL;
	}
	found = best_match(list, &spec);
	if (found)
		return found;
	for (size_t i = 0; i < list->nbroken; i++) {
		const struct interp_broken *broken = &list->broken[i];

		if (!spec_accepts(&spec, &broken->interp))
			continue;
		strbuf_addf(err, "Python %s cannot be used: %s; type: forkpoint pythons %s %s",
			    broken->interp.name, broken->why,
			    interp_is_fetched(&broken->interp) ? "fetch" : "remove",
			    broken->interp.name);
		return NULL;
	}
	strbuf_addf(err, "Python %s is not here (there are: ", text);
	add_names(list, err);
	strbuf_addstr(err, "); ");
	unfetched_add_remedy(err, text);
	return NULL;
}

/* One slot was kept for each path that may be named. */
static const struct interp *list_append(struct interp_list *list, struct interp *interp,
					struct strbuf *err)
{
	for (size_t i = 0; i < list->n; i++) {
		if (!strcmp(list->v[i].file, interp->file)) {
			interp_clear(interp);
			return &list->v[i];
		}
	}
	if (list->n == list->alloc) {
		strbuf_addf(err, "more than %u paths of interpreters are named; add them with: "
			    "forkpoint pythons add PREFIX", INTERP_PATHS_MAX);
		interp_clear(interp);
		return NULL;
	}
	list->v[list->n] = *interp;
	return &list->v[list->n++];
}

static const struct interp *find_file(struct interp_list *list, const char *path,
				      struct strbuf *err)
{
	struct strbuf why = STRBUF_INIT;
	const struct interp *found = NULL;
	struct interp interp;
	bool usable = interp_file_read(path, &interp, &why) == 0;

	if (interp.name && !interp_is_supported(&interp.release)) {
		strbuf_addf(err, "Python %s of '%s' cannot be run: forkpoint runs 3.12 and later "
			    "releases of Python 3", interp.name, path);
		interp_clear(&interp);
	} else if (usable) {
		found = list_append(list, &interp, err);
	} else {
		if (interp.name)
			strbuf_addf(err, "Python %s of '%s' cannot be used: %s", interp.name, path,
				    why.buf);
		else
			strbuf_addstr(err, why.buf);
		interp_clear(&interp);
	}
	strbuf_release(&why);
	return found;
}

/* prefix.sh says "ok PREFIX FILE" or "skip PREFIX WHY", and PREFIX may hold blanks. */
static const struct interp *find_prefix(struct interp_list *list, const char *path,
					struct strbuf *err)
{
	const char *args[] = { "find", "-d", NULL, path, NULL };
	struct strbuf out = STRBUF_INIT, dir = STRBUF_INIT;
	const struct interp *found = NULL;
	const char *answer;
	int status;

	/* Apart from the store: what is named once on a command line is not there next time. */
	if (paths_cache(&dir, err) < 0)
		goto out;
	strbuf_addstr(&dir, "/prefixes");
	args[2] = dir.buf;
	status = script_run("prefix.sh", args, false, &out, err);
	if (status < 0)
		goto out;
	strbuf_rtrim(&out);
	answer = strchr(out.buf, ' ');
	if (answer && !strncmp(answer + 1, path, strlen(path)))
		answer += 1 + strlen(path);
	else
		answer = NULL;
	if (answer && *answer == ' ' && !strncmp(out.buf, "ok ", 3))
		found = find_file(list, answer + 1, err);
	else if (answer && *answer == ' ')
		strbuf_addf(err, "no Python that can be used in '%s': %s", path, answer + 1);
	else
		strbuf_addf(err, "cannot look into '%s' (prefix.sh ended with status %d)", path,
			    status);
out:
	strbuf_release(&out);
	strbuf_release(&dir);
	return found;
}

/* Else it is a program or a library within a prefix. */
static bool is_interp_file(const char *path)
{
	struct strbuf text = STRBUF_INIT;
	bool yes;

	yes = strbuf_read_file(&text, path, 8) == 0 && !strcmp(text.buf, "release=");
	strbuf_release(&text);
	return yes;
}

static const struct interp *find_path(struct interp_list *list, const char *text,
				      struct strbuf *err)
{
	const struct interp *found = NULL;
	char *path = realpath(text, NULL);
	struct stat st;
	char *file;

	if (!path || stat(path, &st) < 0) {
		strbuf_addf(err, "cannot look into '%s': %s; name a prefix, such as /usr/local",
			    text, strerror(errno));
		free(path);
		return NULL;
	}
	file = xstrfmt("%s/interp", path);
	if (S_ISREG(st.st_mode) && is_interp_file(path))
		found = find_file(list, path, err);
	else if (S_ISDIR(st.st_mode) && stat(file, &st) == 0)
		found = find_file(list, file, err);
	else
		found = find_prefix(list, path, err);
	free(file);
	free(path);
	return found;
}

const struct interp *interp_find(struct interp_list *list, const char *spec, struct strbuf *err)
{
	/* "." and ".." are paths, too, and no release begins with a dot. */
	if (strchr(spec, '/') || spec[0] == '.')
		return find_path(list, spec, err);
	return find_release(list, spec, err);
}
