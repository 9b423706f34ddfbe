/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the program speaks of errors, and its exit statuses.
 *
 * A function that can fail for a reason that a person should read takes a `struct strbuf *err`,
 * appends one sentence to it (lower case, no full stop: what, why, what to do) and returns -1.
 * The command prints it. Nothing but main.c and the cmd_*.c files ends the program, with two
 * exceptions: no memory (EXIT_HARNESS) and bug(), which aborts with file and line.
 */
#ifndef FORKPOINT_BASE_ERRORS_H
#define FORKPOINT_BASE_ERRORS_H

#include <stddef.h>

enum {
	EXIT_AS_EXPECTED = 0,
	EXIT_UNEXPECTED = 1, /* a verdict differs, or a cell is vacuous */
	EXIT_USAGE = 2,
	EXIT_HARNESS = 3,    /* the harness itself failed */
	EXIT_SKIPPED = 77,   /* everything was skipped */
	EXIT_INTERRUPTED = 130,
	EXIT_ABANDONED = 141, /* nobody reads the results: as a shell has it of SIGPIPE */
};

/* "forkpoint: …" on stderr, without what could steer a terminal; line ends stay. */
void warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void die(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3), noreturn));

#define bug(...) bug_at(__FILE__, __LINE__, __VA_ARGS__)
void bug_at(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4), noreturn));

/* No memory: ends the program, or what the library was asked for (library/memory.h). */
void no_memory(void) __attribute__((noreturn));

/* base/memory.c: malloc, calloc, realloc, strdup that never return NULL. */
void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);
char *xstrfmt(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
