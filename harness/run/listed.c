/* SPDX-License-Identifier: Apache-2.0 */
#include "run/listed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "base/paths.h"

#define LIST_MAX (256u << 10)

/* A name has dashes where the C identifier must have underscores. */
static void add_name(struct listed *listed, const char *identifier, size_t len)
{
	char *name = xstrfmt("%.*s", (int)len, identifier);

	for (char *c = name; *c; c++)
		if (*c == '_')
			*c = '-';
	listed->names = xrealloc(listed->names, (listed->n + 1) * sizeof(*listed->names));
	listed->names[listed->n++] = name;
}

int listed_load(struct listed *listed, struct strbuf *err)
{
	static const char before[] = "SCENARIO(";
	struct strbuf path = STRBUF_INIT, text = STRBUF_INIT;
	char *save = NULL;
	int ret = -1;

	memset(listed, 0, sizeof(*listed));
	if (paths_data(&path, err) < 0)
		goto out;
	strbuf_addstr(&path, "/scenarios/list.h");
	if (strbuf_read_file(&text, path.buf, LIST_MAX) < 0) {
		strbuf_addf(err, "cannot read %s: %s", path.buf, strerror(errno));
		goto out;
	}
	for (char *line = text.len ? strtok_r(text.buf, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (strncmp(line, before, strlen(before)) != 0)
			continue;
		line += strlen(before);
		add_name(listed, line, strcspn(line, ")"));
	}
	ret = 0;
out:
	strbuf_release(&path);
	strbuf_release(&text);
	return ret;
}

void listed_release(struct listed *listed)
{
	for (size_t i = 0; i < listed->n; i++)
		free(listed->names[i]);
	free(listed->names);
	memset(listed, 0, sizeof(*listed));
}
