/* SPDX-License-Identifier: Apache-2.0 */
#include "source/history.h"

#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "source/places.h"

#define FILES_MAX 4
#define WORDS_MAX 6
#define COMMITS_MAX 40

/*
 * Words of each pattern, as they stand in messages. In capitals or not; '*' at the end: whatever
 * the word ends in. A pattern without words is looked for by those of crashes.
 */
static const char *const pattern_words[PATTERN_COUNT][WORDS_MAX] = {
	[PATTERN_OTHER] = { "crash*", "segfault*", "SIGSEGV", "SIGABRT", "deadlock*" },
	[PATTERN_FINALIZATION_TOCTOU] = { "finaliz*", "GIL", "shutdown", "atexit" },
	[PATTERN_FORK_SAFETY] = { "fork*", "atfork", "postfork", "prefork" },
	[PATTERN_USE_AFTER_FREE] = { "use-after-free", "refcount*", "lifetime*", "double free",
				     "dangling" },
	[PATTERN_ALLOCATOR_HOOK] = { "allocator*", "memalloc", "reentran*", "malloc" },
	[PATTERN_FFI_UNWIND] = { "unwind*", "panic*", "forced_unwind", "terminate" },
	[PATTERN_RECURSION_OR_LOOP] = { "recursi*", "infinite", "unbounded", "loop", "cycl*" },
	[PATTERN_CYTHON_SILENT] = { "cython", "nogil", "noexcept" },
	[PATTERN_STRIPPED_MISATTRIBUTION] = { "crash*", "segfault*" },
	[PATTERN_ENV_RACE] = { "getenv", "setenv", "environ*" },
	[PATTERN_GIL_NOT_HELD] = { "GIL", "thread state", "PyGILState*" },
	[PATTERN_SHUTDOWN_LOCK] = { "shutdown", "daemon", "finaliz*", "exit" },
	[PATTERN_LOCK_ORDER] = { "deadlock*", "lock", "mutex*" },
};

/* "Fix a leak (#123)", "(#12) (#34)": the last one, which the merge added. Allocated, or NULL. */
static char *request_of(const char *subject)
{
	char *number = NULL;

	for (const char *p = strstr(subject, "(#"); p; p = strstr(p + 1, "(#")) {
		size_t len = strspn(p + 2, "0123456789");

		if (!len || len > 9 || p[2 + len] != ')')
			continue;
		free(number);
		number = xstrfmt("%.*s", (int)len, p + 2);
	}
	return number;
}

static void commit_add(const struct repository *repository, struct account_source *source,
		       const char *id, const char *subject, const char *why)
{
	struct account_commit *commit;
	char *both;

	for (size_t i = 0; i < source->ncommits; i++) {
		commit = &source->commits[i];
		if (strcmp(commit->id, id) != 0)
			continue;
		both = xstrfmt("%s, %s", commit->why, why);
		free(commit->why);
		commit->why = both;
		return;
	}
	if (source->ncommits == COMMITS_MAX)
		return;
	source->commits = xrealloc(source->commits, (source->ncommits + 1) * sizeof(*commit));
	commit = &source->commits[source->ncommits++];
	*commit = (struct account_commit){
		.id = xstrdup(id), .subject = xstrdup(subject), .why = xstrdup(why),
		.url = remote_commit(&repository->remote, id), .request = request_of(subject),
	};
	if (commit->request)
		commit->request_url = remote_request(&repository->remote, commit->request);
}

/* ID<tab>SUBJECT<NUL>… */
static void commits_take(const struct repository *repository, struct account_source *source,
			 struct strbuf *log, const char *why)
{
	for (char *p = log->buf, *end = log->buf + log->len; p < end; p += strlen(p) + 1) {
		char *tab = strchr(p, '\t');

		if (!tab)
			continue;
		*tab = '\0';
		commit_add(repository, source, p, tab + 1, why);
		p = tab + 1;
	}
}

static void log_failed(struct account_source *source, const struct strbuf *err)
{
	source_note(source, xstrfmt("uncertain: not all of the history was looked at: %s",
				    err->buf));
	if (!source->history_lack)
		source->history_lack = xstrdup(err->buf);
}

static void by_file(const struct repository *repository, const struct revision *revision,
		    const char *path, struct account_source *source)
{
	struct strbuf out = STRBUF_INIT, err = STRBUF_INIT;
	char *only = xstrfmt(":(top,literal)%s", path), *why = xstrfmt("changes %s", path);

	if (git(&repository->git, &out, &err, "log", "-10", "-z", "--no-color", "--no-decorate",
		"--format=%H%x09%s", revision->commit, "--", only) == 0)
		commits_take(repository, source, &out, why);
	else
		log_failed(source, &err);
	free(only);
	free(why);
	strbuf_release(&out);
	strbuf_release(&err);
}

/* As an extended regular expression that asks for a whole word. */
static char *word_pattern(const char *word)
{
	size_t len = strcspn(word, "*");

	return xstrfmt("--grep=(^|[^[:alnum:]])%.*s%s", (int)len, word,
		       word[len] ? "" : "([^[:alnum:]]|$)");
}

static void by_words(const struct repository *repository, const struct revision *revision,
		     enum pattern pattern, struct account_source *source)
{
	struct strbuf out = STRBUF_INIT, err = STRBUF_INIT, why = STRBUF_INIT;
	const char *args[WORDS_MAX + 12] = {
		"log", "-20", "-z", "--no-color", "--no-decorate", "--format=%H%x09%s", "-i", "-E",
	};
	char *words[WORDS_MAX];
	size_t n = 0, at = 8;

	strbuf_addstr(&why, "its message has a word of these:");
	for (; n < WORDS_MAX && pattern_words[pattern][n]; n++) {
		const char *word = pattern_words[pattern][n];

		words[n] = word_pattern(word);
		args[at++] = words[n];
		strbuf_addf(&why, "%s %.*s", n ? "," : "", (int)strcspn(word, "*"), word);
	}
	args[at++] = revision->commit;
	args[at++] = "--";
	args[at] = NULL;
	if (git_run(&repository->git, &out, &err, args) == 0)
		commits_take(repository, source, &out, why.buf);
	else
		log_failed(source, &err);
	while (n)
		free(words[--n]);
	strbuf_release(&out);
	strbuf_release(&err);
	strbuf_release(&why);
}

static bool is_done(const struct account_source *source, size_t place)
{
	for (size_t i = 0; i < place; i++)
		if (!strcmp(source->places[i].path, source->places[place].path))
			return true;
	return false;
}

void history_find(const struct repository *repository, const struct revision *revision,
		  enum pattern pattern, struct account_source *source)
{
	size_t files = 0;

	for (size_t i = 0; i < source->nplaces && files < FILES_MAX; i++) {
		if (is_done(source, i))
			continue;
		by_file(repository, revision, source->places[i].path, source);
		files++;
	}
	by_words(repository, revision, pattern, source);
	if (repository->shallow)
		source_note(source, xstrdup("uncertain: the repository is a shallow clone, so its "
					    "history is cut off"));
}
