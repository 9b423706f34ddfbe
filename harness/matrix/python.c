/* SPDX-License-Identifier: Apache-2.0 */
#include "matrix/python.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/errors.h"
#include "run/wanted.h"
#include "run/host.h"

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
	struct release release;
	const char *rest;
	int ret = 0;

	if (interp) {
		if (!python_known(list, interp))
			python_add(list, interp->name)->interp = interp;
	} else if (release_parse(spec, &release, &rest) == 0 &&
		   (!*rest || !strcmp(rest, "d") || !strcmp(rest, "t"))) {
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
		char *why;

		if (wanted_satisfied(&wanted.v[i], &list->found))
			continue;
		why = xstrfmt("%s is not on this machine: type forkpoint pythons fetch %s",
			      wanted.v[i].text, wanted.v[i].text);
		add_missing(list, wanted.v[i].text, why);
		free(why);
	}
	wanted_release(&wanted);
	add_broken(list);
	return 0;
}

/* Builders are processes, since a compiler is what takes the time; each leaves its problem here. */
static pid_t builder_start(const struct python *python, int *fd)
{
	struct strbuf err = STRBUF_INIT;
	int pipes[2];
	pid_t pid;

	if (pipe(pipes) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		char *host = host_build(python->interp, &err);

		/* A pipe takes 64 KiB before it blocks; a problem is one sentence. */
		if (!host && write(pipes[1], err.buf, err.len) < 0)
			_exit(EXIT_HARNESS);
		_exit(host ? 0 : EXIT_HARNESS);
	}
	close(pipes[1]);
	*fd = pipes[0];
	return pid;
}

static void builder_end(struct python *python, pid_t pid, int fd)
{
	struct strbuf text = STRBUF_INIT;
	int status = -1;

	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid > 0) {
		strbuf_read(&text, fd, 65536);
		close(fd);
	}
	if (status != 0)
		python->problem = text.len ? strbuf_detach(&text) :
				  xstrdup("its host could not be built: no process for it");
	strbuf_release(&text);
}

/* A first build takes some ten seconds; whoever looks on is told why. */
static void announce_builds(const struct python_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (!list->v[i].problem && !host_exists(list->v[i].interp))
			warning("building the host of %s", list->v[i].name);
}

static void build_all(struct python_list *list, unsigned int jobs)
{
	pid_t *pids = xcalloc(list->n, sizeof(*pids));
	int *fds = xcalloc(list->n, sizeof(*fds));
	size_t ended = 0;

	for (size_t i = 0; i < list->n || ended < list->n;) {
		if (i < list->n && i - ended < jobs) {
			if (!list->v[i].problem)
				pids[i] = builder_start(&list->v[i], &fds[i]);
			i++;
			continue;
		}
		if (!list->v[ended].problem)
			builder_end(&list->v[ended], pids[ended], fds[ended]);
		ended++;
	}
	free(pids);
	free(fds);
}

/* Tables are chosen by what the host was compiled as, cells named by what was looked for. */
static void check_identity(struct python *python)
{
	const struct catalog *catalog = &python->catalog;
	char is[RELEASE_TEXT_MAX];

	if (catalog->flavour == python->interp->flavour &&
	    release_compare(&catalog->release, &python->interp->release) == 0)
		return;
	python->problem = xstrfmt("its host says that it is %s%s: the headers or the library have "
				  "changed, remove the interpreter and provide it again",
				  release_format(&catalog->release, is),
				  flavour_suffix(catalog->flavour));
	catalog_release(&python->catalog);
}

static void describe(struct python *python)
{
	struct strbuf err = STRBUF_INIT;
	json_t *json;

	/* Built just now: this only finds the path again. */
	python->host = host_build(python->interp, &err);
	json = python->host ? host_describe_at(python->host, &err) : NULL;
	if (!json || catalog_read(&python->catalog, json, &err) < 0)
		python->problem = strbuf_detach(&err);
	else
		check_identity(python);
	strbuf_release(&err);
}

int python_list_load(struct python_list *list, char *const *specs, size_t nspecs, unsigned int jobs,
		     struct strbuf *err)
{
	memset(list, 0, sizeof(*list));
	if (interp_list_load(&list->found, err) < 0)
		return -1;
	for (size_t i = 0; i < nspecs; i++)
		if (add_spec(list, specs[i], err) < 0)
			return -1;
	if (!nspecs && add_defaults(list, err) < 0)
		return -1;
	if (isatty(STDERR_FILENO))
		announce_builds(list);
	build_all(list, jobs);
	for (size_t i = 0; i < list->n; i++)
		if (!list->v[i].problem)
			describe(&list->v[i]);
	return 0;
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
