/* SPDX-License-Identifier: Apache-2.0 */
/* Where the source of a native module lies in its repository, for modules that are known. */
#ifndef FORKPOINT_SOURCE_RULES_H
#define FORKPOINT_SOURCE_RULES_H

#include <stddef.h>

/* A file, or a directory with a slash at its end; NULL: no rule knows the module. Static. */
const char *rule_source(const char *module);

/*
 * "_threads" of ".../_threads.cpython-312-x86_64-linux-gnu.so", "foo" of "libfoo.so.1": what a
 * source file of the module may be called. Points into it; 0: nothing is left.
 */
const char *rule_stem(const char *module, size_t *len);

#endif
