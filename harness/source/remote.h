/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of a repository's pages, made from the address of its remote. Pure. */
#ifndef FORKPOINT_SOURCE_REMOTE_H
#define FORKPOINT_SOURCE_REMOTE_H

#include "base/strbuf.h"

struct remote {
	char *name;                /* "OWNER/NAME"; NULL: not known */
	char *base;                /* "https://HOST/OWNER/NAME"; NULL: no known host */
	const struct remote_host *host;
};

/*
 * From https://, ssh://, git:// or git@HOST:PATH, with or without .git, user and password (which
 * are dropped). Anything else is no remote: all NULL.
 */
void remote_parse(struct remote *remote, const char *url);
void remote_release(struct remote *remote);

/* Allocated; NULL where the host is none whose addresses are known. `line` 0: of the file. */
char *remote_tree(const struct remote *remote, const char *ref);
char *remote_file(const struct remote *remote, const char *ref, const char *path, int line);
char *remote_commit(const struct remote *remote, const char *id);
/* Of a number that a commit's subject names; not every host calls the same thing so. */
char *remote_request(const struct remote *remote, const char *number);

#endif
