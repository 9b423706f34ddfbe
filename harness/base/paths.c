/* SPDX-License-Identifier: Apache-2.0 */
#include "base/paths.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/errors.h"

/* Set and not empty: the XDG specification takes an empty variable for one that is not set. */
static const char *environment(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

int paths_home(struct strbuf *out, struct strbuf *err)
{
	const char *home = environment("HOME");
	const struct passwd *user = home ? NULL : getpwuid(geteuid());

	if (!home && user)
		home = user->pw_dir;
	if (!home || home[0] != '/') {
		strbuf_addstr(err, "there is no home directory to keep anything in; set HOME or "
				   "FORKPOINT_CACHE to an absolute path");
		return -1;
	}
	strbuf_addstr(out, home);
	return 0;
}

static int below_home(const char *variable, const char *dir, struct strbuf *out,
		      struct strbuf *err)
{
	const char *base = environment(variable);

	/* A relative path there is to be ignored, says the XDG specification. */
	if (base && base[0] == '/') {
		strbuf_addf(out, "%s/forkpoint", base);
		return 0;
	}
	if (paths_home(out, err) < 0)
		return -1;
	strbuf_addf(out, "/%s/forkpoint", dir);
	return 0;
}

int paths_cache(struct strbuf *out, struct strbuf *err)
{
	const char *cache = environment("FORKPOINT_CACHE");

	if (!cache)
		return below_home("XDG_CACHE_HOME", ".cache", out, err);
	if (cache[0] != '/') {
		strbuf_addf(err, "FORKPOINT_CACHE is '%s'; set it to an absolute path", cache);
		return -1;
	}
	strbuf_addstr(out, cache);
	return 0;
}

int paths_config(struct strbuf *out, struct strbuf *err)
{
	return below_home("XDG_CONFIG_HOME", ".config", out, err);
}

/* The real path if embed/host.mk is there, else NULL. */
static char *data_at(const char *dir)
{
	char *host = xstrfmt("%s/embed/host.mk", dir);
	bool there = access(host, R_OK) == 0;

	free(host);
	return there ? realpath(dir, NULL) : NULL;
}

static char *data_from_program(void)
{
	static const char *const places[] = { "..", ".", "../share/forkpoint", "../.." };
	char program[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", program, sizeof(program) - 1);
	char *slash, *found = NULL;

	if (len <= 0)
		return NULL;
	program[len] = '\0';
	slash = strrchr(program, '/');
	if (!slash)
		return NULL;
	*slash = '\0';
	for (size_t i = 0; !found && i < sizeof(places) / sizeof(places[0]); i++) {
		char *place = xstrfmt("%s/%s", program, places[i]);

		found = data_at(place);
		free(place);
	}
	return found;
}

int paths_data(struct strbuf *out, struct strbuf *err)
{
	const char *named = environment("FORKPOINT_DATA");
	char *found;

	found = named ? data_at(named) : data_from_program();
#ifdef FORKPOINT_DATADIR
	if (!found && !named)
		found = data_at(FORKPOINT_DATADIR);
#endif
	if (found)
		strbuf_addstr(out, found);
	else if (named)
		strbuf_addf(err, "FORKPOINT_DATA is '%s', which has no embed/host.mk; set it to "
			    "forkpoint's sources or unset it", named);
	else
		strbuf_addstr(err, "forkpoint's own files (embed/, scenarios/) are not where they "
				   "were installed; set FORKPOINT_DATA to a directory that has "
				   "them");
	free(found);
	return found ? 0 : -1;
}

int paths_make_directories(const char *path, struct strbuf *err)
{
	char *copy = xstrdup(path);
	int ret = 0;

	for (char *s = copy + 1; !ret; s++) {
		char c = *s;

		if (c != '/' && c != '\0')
			continue;
		*s = '\0';
		if (mkdir(copy, 0777) < 0 && errno != EEXIST) {
			strbuf_addf(err, "cannot make the directory '%s': %s", copy,
				    strerror(errno));
			ret = -1;
		}
		*s = c;
		if (!c)
			break;
	}
	free(copy);
	return ret;
}
