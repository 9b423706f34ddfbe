/* SPDX-License-Identifier: Apache-2.0 */
/* The sections of the report in Markdown, for account_md.c and account_parts.c alone. */
#ifndef FORKPOINT_TRIAGE_ACCOUNT_PRIVATE_H
#define FORKPOINT_TRIAGE_ACCOUNT_PRIVATE_H

#include "triage/account.h"
#include "triage/facts.h"

struct account {
	const char *file, *generated;
	const struct trace *trace;
	const struct triage *triage;
	const struct account_source *source; /* NULL: none was looked at */
	struct facts facts;
};

void account_add_code(struct strbuf *out, const struct account *account);
void account_add_attribution(struct strbuf *out, const struct account *account);
void account_add_flow(struct strbuf *out, const struct account *account);
void account_add_related(struct strbuf *out, const struct account *account);
void account_add_context(struct strbuf *out, const struct account *account);

#endif
