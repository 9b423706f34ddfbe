/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing string. `buf` is always NUL-terminated and never NULL after strbuf_init or STRBUF_INIT;
 * the owner of the struct calls strbuf_release(), or takes the memory with strbuf_detach().
 * Running out of memory ends the program (base/errors.h). Not async-signal-safe.
 */
#ifndef FORKPOINT_BASE_STRBUF_H
#define FORKPOINT_BASE_STRBUF_H

#include <stdarg.h>
#include <stddef.h>

struct strbuf {
	size_t len;
	size_t alloc; /* 0: buf is the shared empty string */
	char *buf;
};

extern char strbuf_empty[];
#define STRBUF_INIT { .buf = strbuf_empty }

void strbuf_init(struct strbuf *sb);
void strbuf_release(struct strbuf *sb);
void strbuf_reset(struct strbuf *sb);
/* The string, now the caller's to free(); the strbuf is empty again. */
char *strbuf_detach(struct strbuf *sb);

void strbuf_add(struct strbuf *sb, const void *data, size_t len);
void strbuf_addstr(struct strbuf *sb, const char *s);
void strbuf_addch(struct strbuf *sb, int c);
void strbuf_addf(struct strbuf *sb, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void strbuf_vaddf(struct strbuf *sb, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));
/* Take white space off the end. */
void strbuf_rtrim(struct strbuf *sb);
/*
 * strbuf_read.c: append what can be read from fd until its end, `max` bytes at most. 0, or -1 with
 * errno.
 */
int strbuf_read(struct strbuf *sb, int fd, size_t max);
/* The same of a file. */
int strbuf_read_file(struct strbuf *sb, const char *path, size_t max);

#endif
