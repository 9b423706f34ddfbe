/* SPDX-License-Identifier: Apache-2.0 */
#include "source/git.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/command.h"
#include "base/errors.h"
#include "base/text.h"

/* The log of a large repository, searched for words, takes some seconds. */
#define SECONDS 10
#define ARGS_MAX 128

/*
 * env(1) gives git an environment of its own, with what is in these alone; the first is PATH. No
 * protocol is allowed: a repository that has a part of its objects elsewhere is not completed.
 */
static const char *const environment[] = {
	"LC_ALL=C", "TZ=UTC", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_SYSTEM=/dev/null",
	"GIT_CONFIG_GLOBAL=/dev/null", "GIT_ATTR_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0",
	"GIT_ALLOW_PROTOCOL=", "GIT_NO_LAZY_FETCH=1", "GIT_OPTIONAL_LOCKS=0",
	"GIT_NO_REPLACE_OBJECTS=1", "GIT_PAGER=cat",
};

/*
 * Stronger than what the repository's own configuration says. Git asks whose a directory is
 * lest its configuration run something; here it cannot, so another user's may be read.
 */
static const char *const options[] = {
	"--no-pager", "-c", "safe.directory=*", "-c", "core.hooksPath=/dev/null", "-c",
	"core.fsmonitor=false", "-c", "core.pager=cat", "-c", "core.attributesFile=/dev/null",
	"-c", "core.sshCommand=false", "-c", "core.alternateRefsCommand=false", "-c",
	"credential.helper=", "-c", "protocol.allow=never", "-c", "diff.external=", "-c",
	"log.showSignature=false", "-c", "log.mailmap=false", "-c", "gpg.program=false", "-c",
	"color.ui=false", "-c", "i18n.logOutputEncoding=UTF-8", "-c", "core.quotePath=false",
	"-c", "grep.patternType=default", "-c", "grep.fullName=true", "-c", "core.bare=true",
	"-c", "format.pretty=medium", "-c", "log.follow=false",
};

/* The first line, without git's "fatal: ". */
static void add_reason(struct strbuf *err, const struct strbuf *errors)
{
	const char *text = errors->buf;

	for (const char *const *p = (const char *const[]){ "fatal: ", "error: ", NULL }; *p; p++)
		if (!strncmp(text, *p, strlen(*p)))
			text += strlen(*p);
	if (*text)
		strbuf_addstr(err, ": ");
	text_add_line(err, text, strcspn(text, "\n"));
}

static void argv_add(char **argv, size_t *n, const char *arg)
{
	if (*n == ARGS_MAX - 1)
		bug("too many arguments for git");
	/* Nobody writes to the arguments; execvp() is only declared so. */
	argv[(*n)++] = (char *)(uintptr_t)arg;
}

/* As git_run(); `where` is --git-dir=… or -C and a directory. */
static int run(const char *const *where, struct strbuf *out, struct strbuf *err,
	       const char *const *args)
{
	char *argv[ARGS_MAX], *path = xstrfmt("PATH=%s", getenv("PATH") ? getenv("PATH") : "");
	struct strbuf errors = STRBUF_INIT;
	size_t n = 0;
	int status;

	argv_add(argv, &n, "env");
	argv_add(argv, &n, "-i");
	argv_add(argv, &n, path);
	for (size_t i = 0; i < sizeof(environment) / sizeof(*environment); i++)
		argv_add(argv, &n, environment[i]);
	argv_add(argv, &n, "git");
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		argv_add(argv, &n, options[i]);
	for (; *where; where++)
		argv_add(argv, &n, *where);
	for (size_t i = 0; args[i]; i++)
		argv_add(argv, &n, args[i]);
	argv[n] = NULL;
	status = command_run_within(SECONDS, "git", argv, out, &errors, err);
	free(path);
	if (status != -1 && WIFEXITED(status)) {
		status = WEXITSTATUS(status);
		if (status == 127 || status == 126) {
			strbuf_addstr(err, "git is not installed here");
		} else if (errors.len || status > 1) {
			strbuf_addf(err, "git %s failed", args[0]);
			add_reason(err, &errors);
		}
	} else if (status != -1) {
		strbuf_addf(err, "git %s was ended by signal %d", args[0], WTERMSIG(status));
		status = -1;
	}
	strbuf_release(&errors);
	return status;
}

int git_run(const struct git *git, struct strbuf *out, struct strbuf *err, const char *const *args)
{
	char *dir = xstrfmt("--git-dir=%s", git->dir);
	int status = run((const char *const[]){ dir, NULL }, out, err, args);

	free(dir);
	return status;
}

enum git_opened git_open(struct git *git, const char *directory, struct strbuf *err)
{
	struct strbuf out = STRBUF_INIT, why = STRBUF_INIT;
	/* A name that begins with a dash is an argument of -C all the same. */
	int status = run((const char *const[]){ "-C", directory, NULL }, &out, &why,
			 (const char *const[]){ "rev-parse", "--absolute-git-dir", NULL });
	enum git_opened opened = GIT_OPENED;

	*git = (struct git){ NULL };
	if (out.len && out.buf[out.len - 1] == '\n')
		out.buf[--out.len] = '\0';
	if (status == 0 && *out.buf == '/') {
		git->dir = strbuf_detach(&out);
	} else {
		opened = status == 126 || status == 127 || status < 0 ? GIT_NONE : GIT_REFUSED;
		strbuf_addstr(err, why.buf);
	}
	strbuf_release(&out);
	strbuf_release(&why);
	return opened;
}

void git_close(struct git *git)
{
	free(git->dir);
	*git = (struct git){ NULL };
}
