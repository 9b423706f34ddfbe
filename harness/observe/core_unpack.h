/* SPDX-License-Identifier: Apache-2.0 */
/* What another program decompresses, in a file without a name. */
#ifndef FORKPOINT_OBSERVE_CORE_UNPACK_H
#define FORKPOINT_OBSERVE_CORE_UNPACK_H

#include "base/strbuf.h"

/*
 * A descriptor of what `program -dc` makes of the file `fd`, within the limits of
 * observe/core_open.h; -1 and a sentence that goes on from the file's name. Where the program
 * fails after its first output, that is kept, and `notes` says so.
 */
int core_unpack(int fd, const char *program, struct strbuf *notes, struct strbuf *err);

#endif
