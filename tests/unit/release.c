/* SPDX-License-Identifier: Apache-2.0 */
/* Releases and ranges of releases. */
#include "run/release.h"

#include "tap.h"

static struct release parse(const char *text)
{
	struct release release = { 0 };

	if (release_parse(text, &release, NULL) < 0)
		CHECK(false, "'%s' is a release", text);
	return release;
}

static void check_parsing(void)
{
	static const struct {
		const char *text;
		int major, minor, micro;
		enum release_level level;
		int serial;
		const char *rest;
	} good[] = {
		{ "3.13.18", 3, 13, 18, RELEASE_FINAL, 0, "" },
		{ "3.13.18d", 3, 13, 18, RELEASE_FINAL, 0, "d" },
		{ "3.14t", 3, 14, -1, RELEASE_FINAL, 0, "t" },
		{ "3.15.0a7", 3, 15, 0, RELEASE_ALPHA, 7, "" },
		{ "3.15.0b1", 3, 15, 0, RELEASE_BETA, 1, "" },
		{ "3.15.0rc2d", 3, 15, 0, RELEASE_RC, 2, "d" },
		{ "3.15.0b", 3, 15, 0, RELEASE_FINAL, 0, "b" },
		{ "3.13.", 3, 13, -1, RELEASE_FINAL, 0, "." },
		{ "3.13.5+", 3, 13, 5, RELEASE_FINAL, 0, "+" },
	};
	static const char *const bad[] = {
		"", "3", "3.", ".3", "x", "python3.13", "-3.13", "3.9999999999999", "99999999999.1",
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		const char *rest = NULL;
		struct release r = { 0 };

		CHECK(release_parse(good[i].text, &r, &rest) == 0 && r.major == good[i].major &&
		      r.minor == good[i].minor && r.micro == good[i].micro &&
		      r.level == good[i].level && r.serial == good[i].serial,
		      "'%s' is read", good[i].text);
		CHECK_STR(rest, good[i].rest, "what follows the release in '%s' is left",
			  good[i].text);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct release r;

		CHECK_INT(release_parse(bad[i], &r, NULL), -1, "'%s' is no release", bad[i]);
	}
}

static void check_order(void)
{
	static const char *const ascending[] = {
		"3.12.1", "3.12.10", "3.13.0a1", "3.13.0a2", "3.13.0b1", "3.13.0rc1", "3.13.0rc10",
		"3.13.0", "3.13.1", "3.13.18", "3.14.0b4", "3.14.10", "4.0.0",
	};
	size_t n = sizeof(ascending) / sizeof(ascending[0]);

	for (size_t i = 0; i < n; i++) {
		char text[RELEASE_TEXT_MAX];
		bool good = true;
		struct release a = parse(ascending[i]);

		for (size_t j = 0; j < n; j++) {
			struct release b = parse(ascending[j]);
			int order = release_compare(&a, &b);

			good = good && (i < j ? order < 0 : i > j ? order > 0 : order == 0);
		}
		CHECK(good, "%s has its place in the order of releases", ascending[i]);
		CHECK_STR(release_format(&a, text), ascending[i], "%s is written as it was read",
			  ascending[i]);
	}
}

static void check_ranges(void)
{
	static const struct {
		const char *range, *release;
		int holds;
	} cases[] = {
		{ "", "3.12.1", 1 },
		{ "<3.13.8", "3.13.5", 1 },
		{ "<3.13.8", "3.13.8", 0 },
		{ "<=3.13.8", "3.13.8", 1 },
		{ ">3.13.8", "3.13.8", 0 },
		{ ">=3.13,<3.15", "3.12.1", 0 },
		{ ">=3.13,<3.15", "3.13.0", 1 },
		{ ">=3.13,<3.15", "3.14.10", 1 },
		{ ">=3.13,<3.15", "3.15.0", 0 },
		{ " >= 3.13 , < 3.15 ", "3.14.0", 1 },
		/* a pre-release belongs to its line */
		{ "<3.14", "3.14.0a1", 0 },
		{ ">=3.14", "3.14.0a1", 1 },
		{ ">=3.15", "3.15.0b1", 1 },
		{ ">=3.15.0", "3.15.0b1", 0 },
		{ ">=3.15.0b1", "3.15.0rc1", 1 },
		{ "==3.14", "3.14.7", 1 },
		{ "==3.14", "3.13.7", 0 },
		{ "!=3.14", "3.14.0a1", 0 },
		{ "==3.14.7", "3.14.7", 1 },
		{ "3.14", "3.14.0", -1 },
		{ "<", "3.14.0", -1 },
		{ "<3.14,", "3.13.0", -1 },
		{ "<3.14 <3.15", "3.13.0", -1 },
		{ "<3.13d", "3.12.0", -1 },
		/* what is malformed is so on each release, though an earlier bound fails already */
		{ ">=3.15,<x", "3.12.0", -1 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct release r = parse(cases[i].release);

		CHECK_INT(range_matches(cases[i].range, &r), cases[i].holds, "'%s' for %s",
			  cases[i].range, cases[i].release);
	}
}

int main(void)
{
	check_parsing();
	check_order();
	check_ranges();
	CHECK_STR(flavour_name(FLAVOUR_FREE_THREADED), "free-threaded", "t is free-threaded");
	CHECK_STR(flavour_suffix(FLAVOUR_DEBUG), "d", "a debug build has the suffix d");
	return tap_done();
}
