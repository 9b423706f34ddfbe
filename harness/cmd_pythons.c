/* SPDX-License-Identifier: Apache-2.0 */
/* forkpoint pythons: which interpreters are here, and how more of them come. */
#include <errno.h>
#include <ftw.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/paths.h"
#include "base/strbuf.h"
#include "base/suggest.h"
#include "cmd.h"
#include "run/interp.h"
#include "run/interp_file.h"
#include "run/machine.h"
#include "run/script.h"

#define SCHEMA 1

static struct {
	bool json;
	bool require_all;
} opt;

static const struct option_spec options[] = {
	OPT_FLAG("json", 0, &opt.json, "list: one JSON object a line"),
	OPT_FLAG("require-all", 0, &opt.require_all, "fetch: what cannot be had is a failure"),
	OPT_END,
};

/* --- list ---------------------------------------------------------------------------------- */

static void load_list(struct interp_list *list)
{
	struct strbuf err = STRBUF_INIT;

	if (interp_list_load(list, &err) < 0)
		die(EXIT_HARNESS, "%s", err.buf);
	strbuf_release(&err);
}

static void look_anew(void)
{
	struct strbuf store = STRBUF_INIT, err = STRBUF_INIT;

	if (paths_cache(&store, &err) < 0)
		die(EXIT_HARNESS, "%s", err.buf);
	strbuf_addstr(&store, "/interpreters");
	machine_look(store.buf, true);
	strbuf_release(&store);
	strbuf_release(&err);
}

static bool is_default(const struct interp_list *list, const struct interp *interp)
{
	const struct interp **defaults;
	size_t n = interp_defaults(list, &defaults);
	bool found = false;

	for (size_t i = 0; i < n; i++)
		found = found || defaults[i] == interp;
	free(defaults);
	return found;
}

static void print_json(const struct interp *interp, bool is_used, const char *broken)
{
	json_t *object;

	/* A path may hold any bytes, JSON may not: what is no UTF-8 is left out by jansson. */
	object = json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s*, s:b, s:s*}", "schema", SCHEMA,
			   "python", interp->name, "flavour", flavour_name(interp->flavour),
			   "source", interp->source, "prefix", interp->prefix, "file", interp->file,
			   "lib", interp->lib, "default", (int)is_used, "broken", broken);
	if (!object)
		return;
	json_dumpf(object, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(object);
}

static int pythons_list(void)
{
	struct interp_list list;

	look_anew();
	load_list(&list);
	for (size_t i = 0; i < list.n; i++) {
		const struct interp *interp = &list.v[i];

		if (opt.json)
			print_json(interp, is_default(&list, interp), NULL);
		else
			printf("%c %-10s %-14s %s\n", is_default(&list, interp) ? '*' : ' ',
			       interp->name, interp->source, interp->prefix);
	}
	for (size_t i = 0; i < list.nbroken; i++) {
		const struct interp_broken *broken = &list.broken[i];

		if (opt.json)
			print_json(&broken->interp, false, broken->why);
		else
			printf("! %-10s %-14s %s; type: forkpoint pythons %s %s\n",
			       broken->interp.name, broken->interp.source, broken->why,
			       interp_is_fetched(&broken->interp) ? "fetch" : "remove",
			       broken->interp.name);
	}
	if (!list.n && !opt.json)
		warning("no Python from 3.12 on is here; type: forkpoint pythons fetch");
	interp_list_release(&list);
	return EXIT_AS_EXPECTED;
}

/* --- fetch --------------------------------------------------------------------------------- */

/* fetch.sh's "ok SPEC NAME SOURCE FILE" and "skip SPEC WHY", as a person reads them. */
static void print_answer(char *line)
{
	char *save = NULL, *kind = strtok_r(line, " ", &save), *spec = strtok_r(NULL, " ", &save);
	char *name, *source;

	if (!kind || !spec)
		return;
	if (strcmp(kind, "ok") != 0) {
		printf("%-4s  %-10s %s\n", kind, spec, save);
		return;
	}
	name = strtok_r(NULL, " ", &save);
	source = strtok_r(NULL, " ", &save);
	printf("%-4s  %-10s %s from %s\n", kind, spec, name ? name : "?", source ? source : "?");
}

static int pythons_fetch(int argc, char **argv)
{
	struct strbuf out = STRBUF_INIT, err = STRBUF_INIT;
	char *save = NULL;
	int status;

	(void)argc;
	status = script_run("fetch.sh", (const char *const *)argv, false, &out, &err);
	if (status < 0)
		die(EXIT_HARNESS, "%s", err.buf);
	for (char *line = strtok_r(out.buf, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		print_answer(line);
	strbuf_release(&out);
	strbuf_release(&err);
	switch (status) {
	case EXIT_AS_EXPECTED:
	case EXIT_USAGE:
	case EXIT_HARNESS:
	case EXIT_INTERRUPTED:
		return status;
	case EXIT_SKIPPED:
		return opt.require_all ? EXIT_UNEXPECTED : EXIT_AS_EXPECTED;
	}
	die(EXIT_HARNESS, "fetch.sh ended with status %d", status);
}

/* --- add and remove ------------------------------------------------------------------------ */

static int add_one(const char *text)
{
	struct strbuf out = STRBUF_INIT, err = STRBUF_INIT;
	char *path = realpath(text, NULL);
	const char *answer;
	int status;

	if (!path) {
		warning("cannot add '%s': %s; name a prefix, such as /usr/local", text,
			strerror(errno));
		return EXIT_USAGE;
	}
	status = script_run("prefix.sh", (const char *[]){ "find", path, NULL }, false, &out, &err);
	if (status < 0)
		die(EXIT_HARNESS, "%s", err.buf);
	strbuf_rtrim(&out);
	answer = strchr(out.buf, ' ');
	if (answer && !strncmp(answer + 1, path, strlen(path)) && answer[1 + strlen(path)] == ' ')
		answer += strlen(path) + 2;
	else
		answer = NULL;
	if (status == EXIT_AS_EXPECTED && answer) {
		struct interp interp;

		status = interp_file_read(answer, &interp, &err);
		if (status < 0)
			warning("cannot add '%s': %s", text, err.buf);
		else
			printf("ok    %-10s from %s\n", interp.name, interp.prefix);
		status = status < 0 ? EXIT_USAGE : EXIT_AS_EXPECTED;
		interp_clear(&interp);
	} else {
		warning("cannot add '%s': %s", text, answer ? answer : "prefix.sh gave no answer");
		status = status == EXIT_SKIPPED ? EXIT_USAGE : EXIT_HARNESS;
	}
	free(path);
	strbuf_release(&out);
	strbuf_release(&err);
	return status;
}

static int pythons_add(int argc, char **argv)
{
	int status = EXIT_AS_EXPECTED;

	if (argc < 1)
		die(EXIT_USAGE, "add needs a prefix; type: forkpoint pythons add /usr/local");
	for (int i = 0; i < argc; i++) {
		int one = add_one(argv[i]);

		if (one > status)
			status = one;
	}
	return status;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* Descriptors for nftw() to walk with; it opens some anew when a tree is deeper. */
#define WALK_FDS 16

/* The directory of an interpreter file of ours, with all that was unpacked into it. */
static void remove_files(const struct interp *interp)
{
	char *dir = xstrdup(interp->file), *slash = strrchr(dir, '/');

	if (!slash || strcmp(slash, "/interp") != 0)
		bug("an interpreter file is named '%s'", interp->file);
	*slash = '\0';
	/* First the file by which it is found: half of an interpreter must never be seen. */
	if (unlink(interp->file) < 0)
		die(EXIT_HARNESS, "cannot remove '%s': %s", interp->file, strerror(errno));
	if (nftw(dir, remove_entry, WALK_FDS, FTW_DEPTH | FTW_PHYS) < 0)
		die(EXIT_HARNESS, "cannot remove '%s': %s; remove it by hand", dir,
		    strerror(errno));
	printf("removed %s (%s)\n", interp->name, interp->source);
	free(dir);
}

static bool is_named(const struct interp *interp, const char *text)
{
	char *path = realpath(text, NULL);
	bool yes;

	yes = !strcmp(interp->name, text) || !strcmp(interp->prefix, text) ||
	      (path && !strcmp(interp->prefix, path));
	free(path);
	return yes;
}

static int remove_one(const struct interp_list *list, const char *text)
{
	const struct interp *foreign = NULL;
	bool removed = false;

	for (size_t i = 0; i < list->n + list->nbroken; i++) {
		const struct interp *interp =
			i < list->n ? &list->v[i] : &list->broken[i - list->n].interp;

		if (!is_named(interp, text))
			continue;
		if (!interp_is_fetched(interp) && strcmp(interp->source, "prefix") != 0) {
			foreign = interp;
			continue;
		}
		remove_files(interp);
		removed = true;
	}
	if (removed)
		return EXIT_AS_EXPECTED;
	if (foreign)
		warning("cannot remove %s: it is not forkpoint's, but was found on this machine "
			"(%s)", foreign->name, foreign->source);
	else
		warning("cannot remove '%s': no such interpreter; 'forkpoint pythons' lists them",
			text);
	return EXIT_USAGE;
}

static int pythons_remove(int argc, char **argv)
{
	struct interp_list list;
	int status = EXIT_AS_EXPECTED;

	if (argc < 1)
		die(EXIT_USAGE, "remove needs a name; type: forkpoint pythons remove 3.13.5");
	load_list(&list);
	for (int i = 0; i < argc; i++)
		if (remove_one(&list, argv[i]) != EXIT_AS_EXPECTED)
			status = EXIT_USAGE;
	interp_list_release(&list);
	return status;
}

/* --- the command --------------------------------------------------------------------------- */

static int pythons_list_operands(int argc, char **argv)
{
	if (argc)
		die(EXIT_USAGE, "list takes no operand, and '%s' is one; type: forkpoint pythons",
		    argv[0]);
	return pythons_list();
}

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} actions[] = {
	{ "list", pythons_list_operands },
	{ "fetch", pythons_fetch },
	{ "add", pythons_add },
	{ "remove", pythons_remove },
};
#define ACTIONS (sizeof(actions) / sizeof(actions[0]))

static int cmd_pythons(int argc, char **argv)
{
	struct strbuf err = STRBUF_INIT;
	const char *names[ACTIONS];

	if (!argc)
		return pythons_list();
	for (size_t i = 0; i < ACTIONS; i++) {
		if (!strcmp(actions[i].name, argv[0]))
			return actions[i].run(argc - 1, argv + 1);
		names[i] = actions[i].name;
	}
	suggest_append(&err, "forkpoint pythons ", argv[0], names, ACTIONS);
	if (!err.len)
		strbuf_addstr(&err, ": there are list, fetch, add and remove");
	die(EXIT_USAGE, "unknown action '%s'%s", argv[0], err.buf);
}

static const struct command_example examples[] = {
	{ "forkpoint pythons", "what is here; * marks what runs without --python" },
	{ "forkpoint pythons fetch", "provide all that the lock file names" },
	{ "forkpoint pythons fetch 3.13d 3.14.3", "a debug build, and one release" },
	{ "forkpoint pythons add ~/build/cpython", "a build of your own" },
	{ NULL, NULL },
};

const struct command pythons_command = {
	.name = "pythons",
	.synopsis = "[list | fetch [SPEC…] | add PREFIX… | remove NAME…] [OPTION…]",
	.summary = "interpreters: list them, fetch them, add your own",
	.description =
		"Lists the interpreters that forkpoint knows: those of this machine (pyenv, uv, "
		"the system), those it has fetched and those that were added. An interpreter needs "
		"its headers, a shared or static libpython and its standard library.\n\n"
		"fetch provides what the SPECs name (3.13.18; 3.13.18+ for that or a later one; "
		"3.13; 3.13d for a debug build), without them what embed/interpreters/lock names. "
		"What is here already is not fetched again. Sources are uv, Debian's suites and "
		"Maven. With FORKPOINT_OFFLINE=1 nothing is downloaded.",
	.options = options,
	.examples = examples,
	.operands_max = OPERANDS_ANY,
	.run = cmd_pythons,
};
