/* SPDX-License-Identifier: Apache-2.0 */
/* What has no regard to lines: how a text is encoded, and what steered a terminal. For paste.c. */
#ifndef FORKPOINT_TRIAGE_PASTE_BYTES_H
#define FORKPOINT_TRIAGE_PASTE_BYTES_H

#include "triage/paste.h"

/* paste->own, a copy of what is to be read if there was none. */
char *paste_own(struct paste *paste);
/* A byte order mark is left out; after one of UTF-16, all is made UTF-8. */
void paste_decode(struct paste *paste);
/* Where no line ends otherwise, it ends with CR. */
void paste_mend_line_ends(struct paste *paste);
/* CSI, OSC and the choice of a character set; what does not end loses its ESC. */
void paste_strip_escapes(struct paste *paste);
/* A blank at which no line breaks, as browsers copy it, is a blank. */
void paste_mend_blanks(struct paste *paste);

/* A character in UTF-8, four bytes at most; behind its end. Half a surrogate pair is no better. */
char *utf8_put(char *to, unsigned int c);

#endif
