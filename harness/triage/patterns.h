/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules. One says of one pattern how far the facts bear it out, and why. All are asked; the
 * best finding of each pattern counts, the best of all names the crash, the others that are good
 * enough are what holds as well. A new pattern, or a new way to see one, is a new line in a table.
 */
#ifndef FORKPOINT_TRIAGE_PATTERNS_H
#define FORKPOINT_TRIAGE_PATTERNS_H

#include "base/strbuf.h"
#include "triage/facts.h"
#include "triage/triage.h"

/*
 * Scores are ranks, not probabilities. 90 and more: the record proves it (a lock's owner that is in
 * another process, a forced unwinding under CPython's attach call). 75: several signs agree that
 * have one common explanation. 55: one good sign. 40: a sign that is worth telling beside another
 * pattern. Below that a finding is used only when there is nothing else.
 */
enum {
	SCORE_PROOF = 90,
	SCORE_STRONG = 75,
	SCORE_FAIR = 55,
	SCORE_ALSO = 40,
	SCORE_WEAK = 30,
};

struct finding {
	int score; /* 0: does not apply */
	enum attribution attribution;
	int frame; /* of the culprit, whose module is the component; -1: none */
	char *detail;
	struct evidence evidence[TRIAGE_EVIDENCE_MAX];
	size_t nevidence;
};

/* Public threads that a rule has learned from. */
#define RULE_SOURCES_MAX 6

/*
 * A rule says of itself what it looks for; docs/triage-rules.md is these words. A rule is about a
 * cause that any project's report would show: names of functions stand for what they do.
 */
struct pattern_rule {
	enum pattern pattern;
	const char *name;          /* one of its kind */
	void (*match)(const struct facts *facts, struct finding *finding);
	const char *required;
	const char *supporting;    /* NULL: nothing makes it surer */
	const char *contradicting; /* NULL: nothing speaks against it */
	const char *versions;      /* of CPython in which that is so; NULL: in all */
	/* "owner/name#number" of GitHub, or an address. Ended by NULL. */
	const char *sources[RULE_SOURCES_MAX + 1];
};

/* Each is ended by a NULL match. */
extern const struct pattern_rule fork_rules[];     /* by a record of processes and locks */
extern const struct pattern_rule lock_rules[];
extern const struct pattern_rule deadlock_rules[];
extern const struct pattern_rule finalize_rules[];  /* of threads that come late */
extern const struct pattern_rule finalizer_rules[]; /* of the thread that finalizes */
extern const struct pattern_rule unwind_rules[];
extern const struct pattern_rule memory_rules[];
extern const struct pattern_rule child_rules[];    /* of forks, in reports from elsewhere */
extern const struct pattern_rule runtime_rules[];  /* of threads that a fork has not copied */
extern const struct pattern_rule exit_rules[];     /* of finalization, in reports from elsewhere */
extern const struct pattern_rule shutdown_rules[];
extern const struct pattern_rule hook_rules[];
extern const struct pattern_rule gil_rules[];
extern const struct pattern_rule finding_rules[];

/* The table of i, from 0; NULL: there are no more. */
const struct pattern_rule *pattern_rules(size_t i);
/* All rules by their patterns, in Markdown: what `forkpoint triage --rules-list` writes. */
void pattern_rules_list(struct strbuf *out);

void finding_say(struct finding *finding, int score, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Add evidence; what is beyond TRIAGE_EVIDENCE_MAX is dropped. */
void finding_because(struct finding *finding, int frame, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Attribute to whoever owns the frame. */
void finding_blame(struct finding *finding, const struct facts *facts, int frame);
/* The at-fork handler that the culprit is in, as evidence; nothing if it is in none. */
void finding_handler(struct finding *finding, const struct facts *facts);
void finding_release(struct finding *finding);

/* triage/signature.c. Allocated. */
char *signature_make(const struct facts *facts);
/* "SIGSEGV", "signal 99"; into a buffer of 16. */
const char *signal_word(int signo, char *buf, size_t size);

#endif
