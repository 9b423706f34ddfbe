/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The map of a cell at a glance, as diagnostic lines of TAP:
 *
 *	#
 *	# 47 points of the window, one a column
 *	# 0                                 34 35
 *	# ..................................S............
 *	# S SEGV 1 · . ok 46
 *	#
 *	#  0-33  ok    work+0x84                          fork_lru_stdlist.cc:144
 *	#    34  SEGV  _List_node_base::_M_transfer+0x14  libstdc++.so.6.0.30+0xb95fc
 *	# 35-46  ok    _List_node_base::_M_transfer+0x17  libstdc++.so.6.0.30+0xb95ff
 *
 * The strip is the whole window. Where it has more points than there are columns, a column stands
 * for several and shows the gravest of their outcomes, so that one bad point among thousands shows.
 * Small letters, and '-' for ok: F waits there. The legend counts points,
 * and tells of outcomes that no column shows. Below it each segment has
 * its range, its outcome, and the place of its first instruction. Internal to report/. Pure.
 */
#ifndef FORKPOINT_REPORT_PICTURE_H
#define FORKPOINT_REPORT_PICTURE_H

#include <jansson.h>
#include <stddef.h>

#include "base/strbuf.h"

/*
 * At most `width` columns. Nothing for a cell without a map, or one that is ok at every point. A
 * setting of the allocator under which the map is another one has a picture of its own.
 */
void picture_add(struct strbuf *sb, const json_t *cell, size_t width);

#endif
