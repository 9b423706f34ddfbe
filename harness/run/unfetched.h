/* SPDX-License-Identifier: Apache-2.0 */
/* What to do about an interpreter that is not here, and why the last fetch did not bring it. */
#ifndef FORKPOINT_RUN_UNFETCHED_H
#define FORKPOINT_RUN_UNFETCHED_H

#include "base/strbuf.h"

/*
 * Adds what to type to get what a spec names, as it is written for `forkpoint pythons fetch`
 * ("3.13.18+"). Where that has been typed in vain, what it said goes before: fetch.sh notes it in
 * the store.
 */
void unfetched_add_remedy(struct strbuf *sb, const char *spec);

#endif
