/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The source of what crashed: a git repository on this machine, asked which revision a trace is of,
 * where its frames are in there, and what was changed there before. The repository is hostile, as
 * the trace is: nothing of it is run (git.h), nothing is written, and git has bounded time.
 */
#ifndef FORKPOINT_SOURCE_SOURCE_H
#define FORKPOINT_SOURCE_SOURCE_H

#include "base/strbuf.h"
#include "triage/account.h"

struct source;

/*
 * "DIR" or "DIR@REVISION"; what is a directory as a whole is that. NULL and a sentence: there is no
 * such directory, it is no repository, or the revision is not in there. Where there is no git, that
 * is no failure: source_look() says so then.
 */
struct source *source_open(const char *where, struct strbuf *err);
void source_close(struct source *source);

/* Why nothing can be had of it; NULL: it can. */
const char *source_lack(const struct source *source);

/* Never NULL; source_release() frees it. */
struct account_source *source_look(struct source *source, const struct trace *trace,
				   const struct triage *triage);
void source_release(struct account_source *looked);

#endif
