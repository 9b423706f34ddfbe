/* SPDX-License-Identifier: Apache-2.0 */
#include "source/remote.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/errors.h"

struct remote_host {
	const char *host;
	bool groups;         /* a repository may be deeper than OWNER/NAME */
	const char *tree, *file, *line, *commit;
	const char *request; /* NULL: "(#1)" is not for sure a request there */
};

static const struct remote_host hosts[] = {
	{ "github.com", false, "/tree/", "/blob/", "#L", "/commit/", "/pull/" },
	{ "gitlab.com", true, "/-/tree/", "/-/blob/", "#L", "/-/commit/", NULL },
	{ "bitbucket.org", false, "/src/", "/src/", "#lines-", "/commits/", NULL },
};

/* What follows "scheme://" or "user@", as HOST[:/]PATH; NULL: another kind of address. */
static const char *host_and_path(const char *url)
{
	static const char *const schemes[] = { "https://", "http://", "ssh://", "git://" };
	const char *rest = NULL, *end, *at;

	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++)
		if (!strncasecmp(url, schemes[i], strlen(schemes[i])))
			rest = url + strlen(schemes[i]);
	/* git@host:path, and no path of a machine, in which a slash comes first. */
	if (!rest && !strstr(url, "://") && strcspn(url, ":") < strcspn(url, "/"))
		rest = url;
	if (!rest)
		return NULL;
	end = rest + strcspn(rest, "/");
	at = memrchr(rest, '@', (size_t)(end - rest));
	return at ? at + 1 : rest;
}

static const struct remote_host *host_find(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++)
		if (len == strlen(hosts[i].host) && !strncasecmp(name, hosts[i].host, len))
			return &hosts[i];
	return NULL;
}

/* Names that need no escape, and at least one slash between them. */
static bool path_is_plain(const char *path)
{
	const char *slash = strchr(path, '/');

	for (const char *p = path; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("-._~/+", *p))
			return false;
	return slash && slash > path && slash[1] && !strstr(path, "//") && !strstr(path, "..");
}

void remote_parse(struct remote *remote, const char *url)
{
	const char *host = host_and_path(url), *path;
	char *name;
	size_t len;

	*remote = (struct remote){ 0 };
	if (!host)
		return;
	len = strcspn(host, ":/");
	path = host + len;
	/* A port, or what separates a host from a path. */
	if (*path == ':' && isdigit((unsigned char)path[1]) && strchr(path, '/') &&
	    path + 1 + strspn(path + 1, "0123456789") == strchr(path, '/'))
		path = strchr(path, '/');
	path += strspn(path, ":/");
	name = xstrdup(path);
	len = strlen(name);
	while (len && name[len - 1] == '/')
		name[--len] = '\0';
	if (len > 4 && !strcmp(name + len - 4, ".git"))
		name[len - 4] = '\0';
	if (!path_is_plain(name)) {
		free(name);
		return;
	}
	remote->name = name;
	remote->host = host_find(host, strcspn(host, ":/"));
	if (remote->host && !remote->host->groups && strchr(strchr(name, '/') + 1, '/'))
		remote->host = NULL;
	if (remote->host)
		remote->base = xstrfmt("https://%s/%s", remote->host->host, name);
}

void remote_release(struct remote *remote)
{
	free(remote->name);
	free(remote->base);
	*remote = (struct remote){ 0 };
}

/* Fit for an address, and for the brackets of Markdown around it. */
static void add_escaped(struct strbuf *sb, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (isalnum(c) || strchr("-._~/", c))
			strbuf_addch(sb, c);
		else
			strbuf_addf(sb, "%%%02X", c);
	}
}

char *remote_tree(const struct remote *remote, const char *ref)
{
	struct strbuf url = STRBUF_INIT;

	if (!remote->host)
		return NULL;
	strbuf_addf(&url, "%s%s", remote->base, remote->host->tree);
	add_escaped(&url, ref);
	return strbuf_detach(&url);
}

char *remote_file(const struct remote *remote, const char *ref, const char *path, int line)
{
	struct strbuf url = STRBUF_INIT;

	if (!remote->host)
		return NULL;
	strbuf_addf(&url, "%s%s", remote->base, remote->host->file);
	add_escaped(&url, ref);
	strbuf_addch(&url, '/');
	add_escaped(&url, path);
	if (line > 0)
		strbuf_addf(&url, "%s%d", remote->host->line, line);
	return strbuf_detach(&url);
}

char *remote_commit(const struct remote *remote, const char *id)
{
	return remote->host ? xstrfmt("%s%s%s", remote->base, remote->host->commit, id) : NULL;
}

char *remote_request(const struct remote *remote, const char *number)
{
	if (!remote->host || !remote->host->request)
		return NULL;
	return xstrfmt("%s%s%s", remote->base, remote->host->request, number);
}
