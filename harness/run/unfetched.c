/* SPDX-License-Identifier: Apache-2.0 */
#include "run/unfetched.h"

#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "base/paths.h"

/* A line for each spec that the lock file names, and some more. */
#define NOTES_MAX (256u << 10)

/* For free(); NULL: nothing is noted. */
static char *noted_reason(const char *spec)
{
	struct strbuf path = STRBUF_INIT, notes = STRBUF_INIT, err = STRBUF_INIT;
	size_t len = strlen(spec);
	char *save = NULL, *why = NULL;

	if (paths_cache(&path, &err) < 0)
		goto out;
	strbuf_addstr(&path, "/interpreters/.unfetched");
	if (strbuf_read_file(&notes, path.buf, NOTES_MAX) < 0 || !notes.len)
		goto out;
	for (char *line = strtok_r(notes.buf, "\n", &save); line && !why;
	     line = strtok_r(NULL, "\n", &save))
		if (!strncmp(line, spec, len) && line[len] == ' ')
			why = xstrdup(line + len + 1);
out:
	strbuf_release(&path);
	strbuf_release(&notes);
	strbuf_release(&err);
	return why;
}

void unfetched_add_remedy(struct strbuf *sb, const char *spec)
{
	char *why = noted_reason(spec);

	if (why)
		strbuf_addf(sb, "the last fetch said: %s; to try again, ", why);
	strbuf_addf(sb, "type: forkpoint pythons fetch %s", spec);
	free(why);
}
