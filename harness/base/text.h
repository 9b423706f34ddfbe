/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text from elsewhere (names, messages of a dying process) made fit for a line of output. Whatever
 * the bytes are, what comes out is valid UTF-8, one line, and cannot steer a terminal. Pure.
 */
#ifndef FORKPOINT_BASE_TEXT_H
#define FORKPOINT_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"

#define TEXT_INVALID 0xfffdu

/* The first character and its length in bytes; TEXT_INVALID and 1 where the bytes are no UTF-8. */
size_t text_decode(const char *s, size_t len, uint32_t *character);

/* May be shown as it is: no control character, no line separator, no change of direction. */
bool text_is_printable(uint32_t character);

/* Made valid UTF-8 and otherwise left as it is, line ends and controls too: for JSON strings. */
void text_add_utf8(struct strbuf *sb, const char *s, size_t len);

/* Line ends and tabs become blanks, other controls '?', bytes that are no UTF-8 U+FFFD. */
void text_add_line(struct strbuf *sb, const char *s, size_t len);

/* The same for a TAP description or reason: '#' and '\' are escaped. */
void text_add_tap(struct strbuf *sb, const char *s, size_t len);

/* Characters, each taken for one column wide. */
size_t text_width(const char *s);

/* Cut to `width` columns, the last of which becomes '…' if anything is cut. */
void text_cut(struct strbuf *sb, size_t width);

#endif
