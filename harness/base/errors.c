/* SPDX-License-Identifier: Apache-2.0 */
#include "base/errors.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define MESSAGE_MAX 4096

/*
 * What a message quotes may be anybody's, and must not steer a terminal. As text_add_line(), but
 * line ends stay, and without memory: a message may be of its lack. `clean` has room for thrice the
 * text, which is the most that it can become.
 */
static void make_clean(const char *text, char *clean)
{
	size_t n;

	for (size_t len = strlen(text); len; text += n, len -= n) {
		uint32_t c;

		n = text_decode(text, len, &c);
		if (c == TEXT_INVALID)
			clean = stpcpy(clean, "\xef\xbf\xbd");
		else if (c == '\n' || text_is_printable(c))
			clean = mempcpy(clean, text, n);
		else
			*clean++ = c == '\t' || c == '\r' ? ' ' : '?';
	}
	*clean = '\0';
}

/* One write for each message, so that lines of several processes do not mix. */
static void complain(const char *prefix, const char *fmt, va_list ap)
{
	char text[MESSAGE_MAX], clean[3 * MESSAGE_MAX];
	int n = snprintf(text, sizeof(text), "forkpoint: %s", prefix);

	vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	make_clean(text, clean);
	fprintf(stderr, "%s\n", clean);
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
