/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TAP for unit programs: each CHECK is a test point, named by a sentence (a printf format). Ends
 * with `return tap_done();`. Both values of a failed comparison are told.
 */
#ifndef FORKPOINT_TESTS_UNIT_TAP_H
#define FORKPOINT_TESTS_UNIT_TAP_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int tap_count, tap_failed;

__attribute__((format(printf, 4, 5), unused))
static bool tap_point(bool good, const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	printf("%s %d - ", good ? "ok" : "not ok", ++tap_count);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	if (!good) {
		tap_failed++;
		printf("# failed at %s:%d\n", file, line);
	}
	fflush(stdout);
	return good;
}

/* The value in a comment, each of its lines behind a '#'. */
__attribute__((unused))
static void tap_explain(const char *what, const char *text)
{
	printf("# %s: ", what);
	for (; text && *text; text++)
		printf(*text == '\n' ? "\n#   " : "%c", *text);
	printf("%s\n", text ? "" : "NULL");
}

#define CHECK(condition, ...) tap_point((condition), __FILE__, __LINE__, __VA_ARGS__)

#define CHECK_INT(got, wanted, ...)                                                               \
	do {                                                                                      \
		intmax_t got_ = (intmax_t)(got), wanted_ = (intmax_t)(wanted);                    \
		if (!tap_point(got_ == wanted_, __FILE__, __LINE__, __VA_ARGS__))                 \
			printf("# got %jd, wanted %jd\n", got_, wanted_);                         \
	} while (0)

#define CHECK_STR(got, wanted, ...)                                                               \
	do {                                                                                      \
		const char *got_ = (got), *wanted_ = (wanted);                                    \
		bool same_ = got_ && wanted_ ? !strcmp(got_, wanted_) : got_ == wanted_;          \
		if (!tap_point(same_, __FILE__, __LINE__, __VA_ARGS__)) {                         \
			tap_explain("got", got_);                                                 \
			tap_explain("wanted", wanted_);                                           \
		}                                                                                 \
	} while (0)

/* Instead of all points; what main() returns. */
__attribute__((unused))
static int tap_skip_all(const char *why)
{
	printf("1..0 # SKIP %s\n", why);
	return 0;
}

/* For the tests that need registers, or steps. */
#define TAP_NO_STEPPING "there is no stepping on this machine yet"

__attribute__((unused))
static int tap_done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed != 0;
}

#endif
