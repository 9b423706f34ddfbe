/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The critical pairs of a map, a border each (explore/critical.h), as diagnostic lines of TAP:
 *
 *	# at each border: what W did last before it, and what F, or its child, does with that
 *	#   28  W read data of libpython3.12.so.1.0+0x643d48: PyGILState_Ensure+0x60 < work+0xb6
 *	#       F writes it: _PyGILState_Fini+0x1f < Py_FinalizeEx+0x110
 *
 * Internal to report/. Pure.
 */
#ifndef FORKPOINT_REPORT_BORDERS_H
#define FORKPOINT_REPORT_BORDERS_H

#include <jansson.h>
#include <stddef.h>

#include "base/strbuf.h"

/* More borders than these are for --json. */
#define BORDERS_SHOWN 12

/* Nothing where no pair is known. */
void borders_add(struct strbuf *sb, const json_t *map, size_t width);

#endif
