/* SPDX-License-Identifier: Apache-2.0 */
/* A file that is new, or not there at all: nothing is overwritten, and no half of one is left. */
#ifndef FORKPOINT_REPORT_KEEP_H
#define FORKPOINT_REPORT_KEEP_H

#include "base/strbuf.h"

/* Files of one stem after each other: none of them tries the names again that are taken. */
struct keep_series {
	char stem[64];
	unsigned int number;
};

/*
 * Writes DIR/STEM.EXTENSION, or where that is taken DIR/STEM-2.EXTENSION and so on, and appends its
 * path. DIR is there already, and always the same for one series, which is all zero at first. 0, or
 * -1 and a sentence, with no file left. Who ends this process meanwhile finds no part of it either,
 * on file systems that know unnamed files.
 */
int keep_file(struct keep_series *series, const char *dir, const char *stem, const char *extension,
	      const struct strbuf *data, struct strbuf *path, struct strbuf *err);

#endif
