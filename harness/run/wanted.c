/* SPDX-License-Identifier: Apache-2.0 */
#include "run/wanted.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "base/paths.h"

#define LOCK_MAX 65536

static void wanted_add(struct wanted_list *list, const char *text)
{
	struct wanted wanted = { .text = xstrdup(text) };
	const char *rest;

	if (release_parse(text, &wanted.release, &rest) < 0 || (*rest && strcmp(rest, "+") != 0)) {
		free(wanted.text);
		return;
	}
	wanted.or_later = *rest == '+';
	list->v = xrealloc(list->v, (list->n + 1) * sizeof(*list->v));
	list->v[list->n++] = wanted;
}

int wanted_load(struct wanted_list *list, struct strbuf *err)
{
	struct strbuf path = STRBUF_INIT, text = STRBUF_INIT;
	char *save = NULL;
	int ret = -1;

	memset(list, 0, sizeof(*list));
	if (paths_data(&path, err) < 0)
		goto out;
	strbuf_addstr(&path, "/embed/interpreters/lock");
	if (strbuf_read_file(&text, path.buf, LOCK_MAX) < 0) {
		strbuf_addf(err, "cannot read %s: %s", path.buf, strerror(errno));
		goto out;
	}
	for (char *line = text.len ? strtok_r(text.buf, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save))
		if (!strncmp(line, "want ", 5))
			wanted_add(list, line + 5);
	ret = 0;
out:
	strbuf_release(&path);
	strbuf_release(&text);
	return ret;
}

void wanted_release(struct wanted_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->v[i].text);
	free(list->v);
	memset(list, 0, sizeof(*list));
}

static bool serves(const struct wanted *wanted, const struct interp *interp)
{
	const struct release *have = &interp->release, *want = &wanted->release;

	if (interp->flavour != FLAVOUR_RELEASE)
		return false;
	if (!wanted->or_later)
		return release_compare(have, want) == 0;
	return have->major == want->major && have->minor == want->minor &&
	       release_compare(have, want) >= 0;
}

bool wanted_satisfied(const struct wanted *wanted, const struct interp_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (serves(wanted, &list->v[i]))
			return true;
	return false;
}
