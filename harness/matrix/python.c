/* SPDX-License-Identifier: Apache-2.0 */
#include "matrix/python.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/signals.h"
#include "matrix/build.h"
#include "run/host.h"
#include "run/unfetched.h"
#include "run/wanted.h"

static struct python *python_add(struct python_list *list, const char *name)
{
	struct python *python;

	list->v = xrealloc(list->v, (list->n + 1) * sizeof(*list->v));
	python = &list->v[list->n++];
	memset(python, 0, sizeof(*python));
	python->name = xstrdup(name);
	return python;
}

static bool python_known(const struct python_list *list, const struct interp *interp)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i].interp == interp)
			return true;
	return false;
}

static void add_missing(struct python_list *list, const char *name, const char *why)
{
	struct python *python = python_add(list, name);

	python->problem = xstrdup(why);
	python->missing = true;
}

static void add_broken(struct python_list *list)
{
	for (size_t i = 0; i < list->found.nbroken; i++) {
		const struct interp_broken *broken = &list->found.broken[i];
		struct python *python = python_add(list, broken->interp.name);

		python->problem = xstrfmt("%s: type forkpoint pythons fetch %s", broken->why,
					  broken->interp.name);
		python->missing = true;
	}
}

static int add_spec(struct python_list *list, const char *spec, struct strbuf *err)
{
	struct strbuf why = STRBUF_INIT;
	const struct interp *interp = interp_find(&list->found, spec, &why);
	int ret = 0;

	if (interp) {
		if (!python_known(list, interp))
			python_add(list, interp->name)->interp = interp;
	} else if (interp_spec_is_possible(spec)) {
		add_missing(list, spec, why.buf);
	} else {
		strbuf_addstr(err, why.buf);
		ret = -1;
	}
	strbuf_release(&why);
	return ret;
}

/* Every release that is there, and a line for each that the lock file wants and is not. */
static int add_defaults(struct python_list *list, struct strbuf *err)
{
	const struct interp **defaults;
	size_t n = interp_defaults(&list->found, &defaults);
	struct wanted_list wanted;

	for (size_t i = 0; i < n; i++)
		python_add(list, defaults[i]->name)->interp = defaults[i];
	free(defaults);
	if (wanted_load(&wanted, err) < 0)
		return -1;
	for (size_t i = 0; i < wanted.n; i++) {
		struct strbuf why = STRBUF_INIT;

		if (wanted_satisfied(&wanted.v[i], &list->found))
			continue;
		strbuf_addf(&why, "%s is not on this machine; ", wanted.v[i].text);
		unfetched_add_remedy(&why, wanted.v[i].text);
		add_missing(list, wanted.v[i].text, why.buf);
		strbuf_release(&why);
	}
	wanted_release(&wanted);
	add_broken(list);
	return 0;
}

/* A first build takes some ten seconds; whoever looks on is told why. */
static void announce_builds(const struct python_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (!list->v[i].problem && !host_exists(list->v[i].interp))
			warning("building the host of %s", list->v[i].name);
}

/* Which interpreters there are, and which of them are wanted. 0, or -1 and a sentence. */
static int list_choose(struct python_list *list, char *const *specs, size_t nspecs,
		       struct strbuf *err)
{
	if (interp_list_load(&list->found, err) < 0)
		return -1;
	for (size_t i = 0; i < nspecs; i++)
		if (add_spec(list, specs[i], err) < 0)
			return -1;
	return nspecs ? 0 : add_defaults(list, err);
}

int python_list_load(struct python_list *list, char *const *specs, size_t nspecs, unsigned int jobs,
		     struct strbuf *err)
{
	int ret;

	memset(list, 0, sizeof(*list));
	ret = list_choose(list, specs, nspecs, err);
	if (signals_interrupted()) {
		strbuf_reset(err);
		return 1;
	}
	if (ret < 0)
		return -1;
	if (isatty(STDERR_FILENO))
		announce_builds(list);
	return build_all(list, jobs);
}

void python_list_release(struct python_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		free(list->v[i].name);
		free(list->v[i].host);
		free(list->v[i].problem);
		catalog_release(&list->v[i].catalog);
	}
	free(list->v);
	interp_list_release(&list->found);
	memset(list, 0, sizeof(*list));
}
