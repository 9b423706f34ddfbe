/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The critical pair of a border of the map: what W's last instruction before it did to memory that
 * others can see, and what F, or the child that it forked, did with the same memory. The order of
 * these two is what the border tells of.
 *
 * A pair is found with a subject of its own: W is brought to the border, and F, or its child, is
 * watched by a debug register. A processor tells of a watched word after it was met: F's first
 * frame is the instruction behind that one, and an access that has left the word as it was is
 * called a read, which a write of the same value is, too. Of what is wider than a word the word
 * that W has changed is watched, else the first.
 *
 * In JSON, without addresses:
 *
 *   {"w": {"access": "write", "size": 8, "what": "heap", "frames": ["f+0x14 (libx.so)", …]},
 *    "f": {"access": "read", "who": "child", "size": 8, "what": "heap", "frames": […]}}
 *
 * "access" of W is "read", "write", "read and write", or "system call" (then size is 0 and "what"
 * null). "what" is "heap" (memory of no module, and not W's stack: in rare cases another stack),
 * "stack of W", or "data of MODULE+0xOFFSET". "f" is null where the word was not met: then the
 * order of something else decides, of a lock say.
 */
#ifndef FORKPOINT_EXPLORE_CRITICAL_H
#define FORKPOINT_EXPLORE_CRITICAL_H

#include "explore/step.h"

/* Borders next to a bad segment come first. */
#define CRITICAL_BORDERS_MAX 16

/*
 * Find the pairs of a complete map, for map_json(). What cannot be found is left out.
 *
 * `forks`: of an operation that forks the child's first access is asked for, and F's own where the
 * child has none. Of another one it is the last before W goes on (of more than 1,000 the first);
 * where W only reads, writes alone count.
 */
enum link_result critical_pairs(struct cell *cell, struct map *map, bool forks, struct strbuf *err);

#endif
