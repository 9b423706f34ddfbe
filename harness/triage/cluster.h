/* SPDX-License-Identifier: Apache-2.0 */
/* Reports grouped by signature and pattern: what is one bug, and how often it came. Pure. */
#ifndef FORKPOINT_TRIAGE_CLUSTER_H
#define FORKPOINT_TRIAGE_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strbuf.h"
#include "triage/triage.h"

struct cluster_member; /* a report */

/* All zero: empty. */
struct clusters {
	struct cluster_member *v;
	size_t n;
};

/* `file` must live as long as the clusters; the classification is not needed any more. */
void clusters_add(struct clusters *clusters, const char *file, const struct triage *triage);

/*
 * A line a cluster, the largest first: count, signature, pattern and files, between tabs, the files
 * between blanks; or a JSON object. A file stands there once each time it was given, however many
 * reports it has. The members are sorted.
 */
void clusters_tell(struct clusters *clusters, bool json, struct strbuf *out);

void clusters_release(struct clusters *clusters);

#endif
