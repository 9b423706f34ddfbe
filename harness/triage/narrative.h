/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A crash told in sentences, each of them composed from what the trace shows: the words of the
 * report in Markdown. What they do not know they say, or begin with "uncertain:". All appends
 * Markdown. For account_md.c.
 */
#ifndef FORKPOINT_TRIAGE_NARRATIVE_H
#define FORKPOINT_TRIAGE_NARRATIVE_H

#include "base/strbuf.h"
#include "triage/facts.h"
#include "triage/trace.h"
#include "triage/triage.h"

/* "CPython runtime", "extension": whose code a frame is. Static. */
const char *narrative_owner(enum frame_category category);
/* What the function of a frame is for; NULL: not known. Static. */
const char *narrative_deed(const struct facts *facts, int frame);
/* What the function of a frame does, in a few words, and how far its name can be believed. */
void narrative_add_frame(struct strbuf *out, const struct facts *facts, int frame);
/* "#3 `name` (`module`)". */
void narrative_add_place(struct strbuf *out, const struct facts *facts, int frame);

/* Two or three sentences: what, where, doing what. */
void narrative_add_summary(struct strbuf *out, const struct trace *trace,
			   const struct triage *triage, const struct facts *facts);
/* The numbered steps from the thread's start to its end. */
void narrative_add_flow(struct strbuf *out, const struct facts *facts);

/* What stands before a statement that the pattern makes: "likely: ", "uncertain: ", "". Static. */
const char *narrative_caution(const struct triage *triage);
/* harness/triage/crash_type.c: "double free → abort by the allocator". */
void narrative_add_type(struct strbuf *out, const struct triage *triage,
			const struct facts *facts);

#endif
