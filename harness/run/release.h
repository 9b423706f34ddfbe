/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Releases of CPython and ranges of them. Pre-releases sort a < b < rc < final.
 */
#ifndef FORKPOINT_RUN_RELEASE_H
#define FORKPOINT_RUN_RELEASE_H

#include <stdbool.h>
#include <stddef.h>

/* Values as in PY_VERSION_HEX. */
enum release_level {
	RELEASE_ALPHA = 0xA,
	RELEASE_BETA = 0xB,
	RELEASE_RC = 0xC,
	RELEASE_FINAL = 0xF,
};

enum flavour { FLAVOUR_RELEASE, FLAVOUR_DEBUG, FLAVOUR_FREE_THREADED };

struct release {
	int major, minor, micro;
	enum release_level level;
	int serial;
};

#define RELEASE_TEXT_MAX 32

/*
 * "3.13.18", "3.15.0b1", "3.14.0rc2". With micro missing ("3.13") micro is -1: a line, not a
 * release. *rest is what follows ("d", "t" or ""). -1 if it does not begin with a release.
 */
int release_parse(const char *text, struct release *release, const char **rest);
int release_compare(const struct release *a, const struct release *b);
/* Writes "3.13.18", "3.15.0b1" into out[RELEASE_TEXT_MAX]; returns out. */
char *release_format(const struct release *release, char *out);

/*
 * Does a range as scenario tables have it ("", "<3.13.8", ">=3.13,<3.15") hold? A bound "3.14"
 * stands for 3.14.0a0, so that pre-releases of a line belong to it. 1, 0, or -1: malformed.
 */
int range_matches(const char *range, const struct release *release);

/* "release", "debug", "free-threaded". */
const char *flavour_name(enum flavour flavour);
/* "", "d", "t". */
const char *flavour_suffix(enum flavour flavour);

#endif
