/* SPDX-License-Identifier: Apache-2.0 */
#include "run/outcome.h"

#include <stdio.h>
#include <string.h>

static const char *const words[OUTCOME_COUNT] = {
	[OUTCOME_OK] = "ok",
	[OUTCOME_HANG] = "hang",
	[OUTCOME_PARKED] = "parked",
	[OUTCOME_EXIT] = "exit",
	[OUTCOME_WRONG] = "wrong",
	[OUTCOME_TIMEOUT] = "timeout",
};

static const char *signal_name(int signo)
{
	static char names[OUTCOME_SIGNAL_LAST + 1][16];
	const char *abbreviation = sigabbrev_np(signo);

	if (!names[signo][0] && abbreviation)
		snprintf(names[signo], sizeof(names[signo]), "SIG%s", abbreviation);
	else if (!names[signo][0])
		snprintf(names[signo], sizeof(names[signo]), "SIG%d", signo);
	return names[signo];
}

const char *outcome_name(enum outcome outcome)
{
	if (words[outcome])
		return words[outcome];
	return signal_name((int)outcome);
}

int outcome_parse(const char *name, enum outcome *outcome)
{
	for (int i = 0; i < OUTCOME_COUNT; i++) {
		if (!strcmp(outcome_name((enum outcome)i), name)) {
			*outcome = (enum outcome)i;
			return 0;
		}
	}
	return -1;
}

int outcome_set_add(struct outcome_set *set, const char *list, struct strbuf *err)
{
	while (list && *list) {
		size_t len = strcspn(list, " ");
		char word[32];
		enum outcome outcome;

		if (len) {
			snprintf(word, sizeof(word), "%.*s", (int)len, list);
			if (len >= sizeof(word) || outcome_parse(word, &outcome) < 0) {
				strbuf_addf(err, "a scenario's table names an unknown outcome "
					    "'%s': mend its file and build again", word);
				return -1;
			}
			set->has[outcome] = true;
		}
		list += len + strspn(list + len, " ");
	}
	return 0;
}

bool outcome_set_empty(const struct outcome_set *set)
{
	for (int i = 0; i < OUTCOME_COUNT; i++)
		if (set->has[i])
			return false;
	return true;
}

void outcome_set_describe(const struct outcome_set *set, struct strbuf *out)
{
	size_t start = out->len;

	for (int i = 0; i < OUTCOME_COUNT; i++)
		if (set->has[i])
			strbuf_addf(out, "%s%s", out->len > start ? " " : "",
				    outcome_name((enum outcome)i));
	if (out->len == start)
		strbuf_addstr(out, "nothing");
}
