/* SPDX-License-Identifier: Apache-2.0 */
#include "source/revision.h"

#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "triage/frames.h"

static void settle(struct revision *revision, char *ref, char *commit, char *why)
{
	revision->ref = ref;
	revision->commit = commit;
	revision->why = why;
}

/* HEAD and the like mean another commit tomorrow; a tag, a branch and a number stay in links. */
static bool is_lasting(const char *ref)
{
	return !strpbrk(ref, "~^:@{ ") && strcmp(ref, "HEAD") != 0 && !strstr(ref, "_HEAD");
}

static int take_given(struct repository *repository, const char *given, struct revision *revision,
		      struct strbuf *err)
{
	char *commit = repository_commit(repository, given);

	if (!commit) {
		strbuf_addf(err, "there is no revision '%s' in %s: give a commit, a tag or a "
			    "branch that is there", given, repository->directory);
		return -1;
	}
	settle(revision, xstrdup(is_lasting(given) ? given : commit), commit,
	       xstrfmt("as given: '%s'", given));
	return 0;
}

/* vX.Y.Z or X.Y.Z. True: it is there. */
static bool take_tag(struct repository *repository, const char *version, const char *whence,
		     struct revision *revision)
{
	static const char *const forms[] = { "v", "" };

	version += *version == 'v';
	if (!*version || version_length(version) != strlen(version))
		return false;
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		char *tag = xstrfmt("%s%s", forms[i], version);
		char *name = xstrfmt("refs/tags/%s", tag);
		char *commit = repository_commit(repository, name);

		free(name);
		if (commit) {
			settle(revision, tag, commit, xstrfmt("the tag of %s %s", whence, version));
			return true;
		}
		free(tag);
	}
	if (!revision->missed)
		revision->missed = xstrfmt("uncertain: there is no tag v%s or %s, of %s; the lines "
					   "of another revision may be others", version, version,
					   whence);
	return false;
}

/* The version of CPython is that of its own repository; the tracer's is any other's. */
static bool take_metadata(struct repository *repository, const struct trace *trace,
			  struct revision *revision)
{
	bool cpython = !strcmp(module_base(repository_name(repository)), "cpython");
	const char *version = trace_fact(trace, cpython ? FACT_PYTHON : FACT_TRACER_VERSION);

	return version && take_tag(repository, version,
				   "the version that the report's metadata have:", revision);
}

static bool take_path(struct repository *repository, const struct trace *trace,
		      struct revision *revision)
{
	struct strbuf err = STRBUF_INIT;
	char *head = repository_commit(repository, "HEAD"), *version;
	bool taken;

	if (head)
		repository_tree(repository, head, &err);
	version = version_in_paths(repository, trace);
	taken = version && take_tag(repository, version, "the version in a path of the trace:",
				    revision);
	free(version);
	free(head);
	strbuf_release(&err);
	return taken;
}

static bool is_main(const char *branch)
{
	return !strcmp(branch, "main") || !strcmp(branch, "master");
}

/* The branch of the checkout; NULL: it is of none (detached). */
static char *branch_get(const struct repository *repository)
{
	struct strbuf out = STRBUF_INIT, err = STRBUF_INIT;
	char *branch = NULL;

	if (git(&repository->git, &out, &err, "symbolic-ref", "--quiet", "--short", "HEAD") == 0) {
		strbuf_rtrim(&out);
		branch = xstrdup(out.buf);
	}
	strbuf_release(&out);
	strbuf_release(&err);
	return branch;
}

static bool take_checkout(struct repository *repository, struct revision *revision)
{
	char *branch = branch_get(repository), *commit = NULL;

	if (!branch || !is_main(branch))
		commit = repository_commit(repository, "HEAD");
	if (commit)
		settle(revision, xstrdup(commit), commit, branch
		       ? xstrfmt("what is checked out, branch '%s': nothing in the report tells "
				 "the revision", branch)
		       : xstrdup("what is checked out, of no branch: nothing in the report tells "
				 "the revision"));
	free(branch);
	return commit;
}

static bool take_main(struct repository *repository, struct revision *revision)
{
	static const char *const names[][2] = {
		{ "refs/heads/main", "main" },
		{ "refs/heads/master", "master" },
		{ "refs/remotes/origin/main", "main" },
		{ "refs/remotes/origin/master", "master" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char *commit = repository_commit(repository, names[i][0]);

		if (!commit)
			continue;
		settle(revision, xstrdup(names[i][1]), commit,
		       xstrdup("the main branch: nothing in the report or the checkout tells the "
			       "revision; uncertain: lines may differ from those that crashed"));
		return true;
	}
	return false;
}

int revision_resolve(struct repository *repository, const char *given, const struct trace *trace,
		     struct revision *revision, struct strbuf *err)
{
	*revision = (struct revision){ 0 };
	if (given)
		return take_given(repository, given, revision, err);
	if (!take_metadata(repository, trace, revision) &&
	    !take_path(repository, trace, revision) && !take_checkout(repository, revision) &&
	    !take_main(repository, revision))
		revision->why = xstrdup("the repository has no commit that could be looked at");
	return 0;
}

void revision_release(struct revision *revision)
{
	free(revision->ref);
	free(revision->commit);
	free(revision->why);
	free(revision->missed);
	*revision = (struct revision){ 0 };
}
