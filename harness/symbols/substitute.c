/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols/substitute.h"

#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "base/text.h"
#include "triage/lines.h"

static char *without_slashes(const char *text, size_t len)
{
	while (len > 1 && text[len - 1] == '/')
		len--;
	return xstrfmt("%.*s", (int)len, text);
}

int substitutions_add(struct substitutions *substitutions, const char *text, struct strbuf *err)
{
	const char *equals = strchr(text, '=');
	struct substitution *rule;

	if (!equals || equals == text) {
		strbuf_addch(err, '\'');
		text_add_line(err, text, strlen(text));
		strbuf_addf(err, "' is no FROM=TO: write the directory in which it was built, '=', "
			    "and the one where its source is");
		return -1;
	}
	substitutions->v = xrealloc(substitutions->v, (substitutions->n + 1) *
				    sizeof(*substitutions->v));
	rule = &substitutions->v[substitutions->n++];
	rule->from = without_slashes(text, (size_t)(equals - text));
	rule->to = without_slashes(equals + 1, strlen(equals + 1));
	return 0;
}

int substitutions_parse(const char *text, void *value, struct strbuf *err)
{
	return substitutions_add(value, text, err);
}

void substitutions_release(struct substitutions *substitutions)
{
	for (size_t i = 0; i < substitutions->n; i++) {
		free(substitutions->v[i].from);
		free(substitutions->v[i].to);
	}
	free(substitutions->v);
	*substitutions = (struct substitutions){ .n = 0 };
}

char *substitute(const struct substitutions *substitutions, const char *path)
{
	for (size_t i = 0; i < substitutions->n; i++) {
		const struct substitution *rule = &substitutions->v[i];
		size_t len = strlen(rule->from);

		if (strncmp(path, rule->from, len) == 0 &&
		    (!path[len] || path[len] == '/' || rule->from[len - 1] == '/'))
			return xstrfmt("%s%s%s", rule->to, rule->from[len - 1] == '/' &&
				       rule->to[0] ? "/" : "", path + len);
	}
	return NULL;
}

static void substitute_frame(const struct substitutions *substitutions, struct crash_frame *frame)
{
	char *path = frame->file ? substitute(substitutions, frame->file) : NULL;

	if (!path)
		return;
	free(frame->file);
	/* A rule may hold anything, and is the user's; what is told is one clean line. */
	frame->file = piece_copy((struct piece){ path, strlen(path) });
	free(path);
}

void substitute_all(const struct substitutions *substitutions, struct traces *traces)
{
	for (size_t t = 0; substitutions->n && t < traces->n; t++) {
		struct crash *crash = traces->v[t].crash;

		for (size_t i = 0; i < crash->nthreads; i++)
			for (size_t k = 0; k < crash->threads[i].nframes; k++)
				substitute_frame(substitutions, &crash->threads[i].frames[k]);
	}
}
