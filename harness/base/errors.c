/* SPDX-License-Identifier: Apache-2.0 */
#include "base/errors.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* One write for each message, so that lines of several processes do not mix. */
static void complain(const char *prefix, const char *fmt, va_list ap)
{
	char text[4096];
	int n = snprintf(text, sizeof(text), "forkpoint: %s", prefix);

	vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	fprintf(stderr, "%s\n", text);
}

void warning(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain("", fmt, ap);
	va_end(ap);
}

void die(int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain("", fmt, ap);
	va_end(ap);
	exit(status);
}

void bug_at(const char *file, int line, const char *fmt, ...)
{
	char prefix[256];
	va_list ap;

	snprintf(prefix, sizeof(prefix), "bug at %s:%d: ", file, line);
	va_start(ap, fmt);
	complain(prefix, fmt, ap);
	va_end(ap);
	abort();
}

void no_memory(void)
{
	die(EXIT_HARNESS, "out of memory: give the process more or run fewer --jobs");
}
