/* SPDX-License-Identifier: Apache-2.0 */
#include "run/release.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Digits, at most `max`. The number, or -1; *text moves behind it. */
static int parse_number(const char **text, int max)
{
	const char *s = *text;
	int n = 0;

	if (!isdigit((unsigned char)*s))
		return -1;
	for (; isdigit((unsigned char)*s); s++) {
		n = n * 10 + (*s - '0');
		if (n > max)
			return -1;
	}
	*text = s;
	return n;
}

/* "a1", "b2", "rc3"; final when there is none of them. */
static void parse_level(const char **text, struct release *release)
{
	static const struct {
		const char *word;
		enum release_level level;
	} levels[] = {
		{ "a", RELEASE_ALPHA }, { "b", RELEASE_BETA }, { "rc", RELEASE_RC },
	};

	release->level = RELEASE_FINAL;
	release->serial = 0;
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		const char *s = *text + strlen(levels[i].word);
		int serial;

		if (strncmp(*text, levels[i].word, strlen(levels[i].word)) != 0)
			continue;
		serial = parse_number(&s, 999);
		if (serial < 0)
			continue;
		release->level = levels[i].level;
		release->serial = serial;
		*text = s;
		return;
	}
}

int release_parse(const char *text, struct release *release, const char **rest)
{
	struct release r = { .micro = -1, .level = RELEASE_FINAL };

	r.major = parse_number(&text, 999);
	if (r.major < 0 || *text++ != '.')
		return -1;
	r.minor = parse_number(&text, 999);
	if (r.minor < 0)
		return -1;
	if (text[0] == '.' && isdigit((unsigned char)text[1])) {
		text++;
		r.micro = parse_number(&text, 9999);
		if (r.micro < 0)
			return -1;
		parse_level(&text, &r);
	}
	*release = r;
	if (rest)
		*rest = text;
	return 0;
}

static int compare_ints(int a, int b)
{
	return (a > b) - (a < b);
}

int release_compare(const struct release *a, const struct release *b)
{
	int order = compare_ints(a->major, b->major);

	if (!order)
		order = compare_ints(a->minor, b->minor);
	if (!order)
		order = compare_ints(a->micro, b->micro);
	if (!order)
		order = compare_ints((int)a->level, (int)b->level);
	if (!order)
		order = compare_ints(a->serial, b->serial);
	return order;
}

char *release_format(const struct release *release, char *out)
{
	const char *level = "";
	int len;

	if (release->micro < 0) {
		snprintf(out, RELEASE_TEXT_MAX, "%d.%d", release->major, release->minor);
		return out;
	}
	switch (release->level) {
	case RELEASE_ALPHA:
		level = "a";
		break;
	case RELEASE_BETA:
		level = "b";
		break;
	case RELEASE_RC:
		level = "rc";
		break;
	case RELEASE_FINAL:
		break;
	}
	len = snprintf(out, RELEASE_TEXT_MAX, "%d.%d.%d", release->major, release->minor,
		       release->micro);
	if (*level && len < RELEASE_TEXT_MAX)
		snprintf(out + len, (size_t)(RELEASE_TEXT_MAX - len), "%s%d", level,
			 release->serial);
	return out;
}

enum comparison { LESS, LESS_EQUAL, GREATER, GREATER_EQUAL, EQUAL, UNEQUAL };

/* The longer sign stands before the shorter one that it begins with. */
static const struct {
	const char *sign;
	enum comparison comparison;
} comparisons[] = {
	{ "<=", LESS_EQUAL }, { ">=", GREATER_EQUAL }, { "==", EQUAL },
	{ "!=", UNEQUAL },    { "<", LESS },           { ">", GREATER },
};

static int parse_comparison(const char **text, enum comparison *comparison)
{
	for (size_t i = 0; i < sizeof(comparisons) / sizeof(comparisons[0]); i++) {
		size_t len = strlen(comparisons[i].sign);

		if (strncmp(*text, comparisons[i].sign, len) != 0)
			continue;
		*comparison = comparisons[i].comparison;
		*text += len;
		return 0;
	}
	return -1;
}

static bool comparison_holds(enum comparison comparison, int order)
{
	switch (comparison) {
	case LESS:
		return order < 0;
	case LESS_EQUAL:
		return order <= 0;
	case GREATER:
		return order > 0;
	case GREATER_EQUAL:
		return order >= 0;
	case EQUAL:
		return order == 0;
	case UNEQUAL:
		return order != 0;
	}
	return false;
}

static const char *skip_blanks(const char *s)
{
	return s + strspn(s, " \t");
}

int range_matches(const char *range, const struct release *release)
{
	const char *s = skip_blanks(range);
	bool holds = true;

	while (*s) {
		enum comparison comparison;
		struct release bound;
		int order;

		if (parse_comparison(&s, &comparison) < 0)
			return -1;
		s = skip_blanks(s);
		if (release_parse(s, &bound, &s) < 0)
			return -1;
		if (bound.micro < 0 && (comparison == EQUAL || comparison == UNEQUAL)) {
			/* "==3.14" is the line, as "3.14" is everywhere else. */
			order = bound.major != release->major || bound.minor != release->minor;
		} else {
			if (bound.micro < 0) {
				bound.micro = 0;
				bound.level = RELEASE_ALPHA;
			}
			order = release_compare(release, &bound);
		}
		holds = holds && comparison_holds(comparison, order);
		s = skip_blanks(s);
		if (*s == ',') {
			s = skip_blanks(s + 1);
			if (!*s)
				return -1;
		} else if (*s) {
			return -1;
		}
	}
	return holds;
}

const char *flavour_name(enum flavour flavour)
{
	switch (flavour) {
	case FLAVOUR_RELEASE:
		return "release";
	case FLAVOUR_DEBUG:
		return "debug";
	case FLAVOUR_FREE_THREADED:
		return "free-threaded";
	}
	return "unknown";
}

const char *flavour_suffix(enum flavour flavour)
{
	switch (flavour) {
	case FLAVOUR_RELEASE:
		return "";
	case FLAVOUR_DEBUG:
		return "d";
	case FLAVOUR_FREE_THREADED:
		return "t";
	}
	return "";
}
