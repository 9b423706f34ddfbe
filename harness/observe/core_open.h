/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A core file's bytes, as they are or decompressed by the programs that know how (gzip, zstd). They
 * are mapped, not read: cores are as large as the memory of what they are of.
 */
#ifndef FORKPOINT_OBSERVE_CORE_OPEN_H
#define FORKPOINT_OBSERVE_CORE_OPEN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strbuf.h"

/* Of a core that is decompressed. */
#define CORE_UNPACKED_MAX_GIB 64
/* What stays free where temporary files are. */
#define CORE_SPARE_MIB 256

struct core_input {
	void *bytes;
	size_t size;
};

/*
 * 0, or -1 and a sentence: it cannot be read, or is no core by its first bytes. What is compressed
 * goes into a file without a name in $TMPDIR, of which pages of zeros take no room; one that is cut
 * off or damaged gives what comes before, and `notes` a sentence. A file that others shorten while
 * it is read kills by SIGBUS.
 */
int core_open(struct core_input *input, const char *path, struct strbuf *notes, struct strbuf *err);
/* Is it, by its first bytes, an ELF file, or compressed as a core may be? */
bool core_may_be(const char *path);
void core_close(struct core_input *input);

#endif
