/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine's own interpreters, noted in the store by embed/interpreters/find.sh. Asking uv and
 * pkg-config takes a third of a second, too long for each start, so it is done again only when
 * something that the answer hangs on has changed.
 */
#ifndef FORKPOINT_RUN_MACHINE_H
#define FORKPOINT_RUN_MACHINE_H

#include <stdbool.h>

#include "base/strbuf.h"

/*
 * Look for interpreters if need be, or in any case with `anew`. `store` is the interpreters'
 * directory. A machine on which this fails has none of its own: no error.
 */
void machine_look(const char *store, bool anew);

#endif
