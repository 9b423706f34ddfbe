/* SPDX-License-Identifier: Apache-2.0 */
/* The maps of a cell that was read from a file. Internal to report/. Pure. */
#ifndef FORKPOINT_REPORT_RECORD_MAP_H
#define FORKPOINT_REPORT_RECORD_MAP_H

#include "report/part.h"

/*
 * 0 if the cell's map, and that of each of its allocators, goes without gap from the first point of
 * its window to the last. Else -1, and why.
 */
int record_map_check(const struct part *cell);

#endif
