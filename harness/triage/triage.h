/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The triage classifier: a crash in, a classification out. Pure: reads nothing, asks nobody, the
 * same answer each time. Knows observe/crash.h and base only.
 *
 * It names what the record bears out, and says how sure it is. Whether a pattern is *confirmed* is
 * not its business: the harness's experiments decide that (matrix/confirm.h, experiment.h).
 */
#ifndef FORKPOINT_TRIAGE_TRIAGE_H
#define FORKPOINT_TRIAGE_TRIAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "observe/crash.h"

enum pattern {
	PATTERN_OTHER = 0,
	PATTERN_FINALIZATION_TOCTOU,
	PATTERN_FORK_SAFETY,
	PATTERN_USE_AFTER_FREE,
	PATTERN_ALLOCATOR_HOOK,
	PATTERN_FFI_UNWIND,
	PATTERN_RECURSION_OR_LOOP,
	PATTERN_CYTHON_SILENT,
	PATTERN_STRIPPED_MISATTRIBUTION,
	PATTERN_ENV_RACE,
	PATTERN_GIL_NOT_HELD,
	PATTERN_SHUTDOWN_LOCK,
	PATTERN_LOCK_ORDER,
	PATTERN_COUNT,
};

enum attribution {
	ATTRIBUTION_UNKNOWN = 0,
	ATTRIBUTION_EXTENSION,   /* the native Python module that holds the fault */
	ATTRIBUTION_THIRD_PARTY, /* a library or tool beneath it, or not Python's */
	ATTRIBUTION_CPYTHON,
	ATTRIBUTION_INTERACTION, /* no single one */
	ATTRIBUTION_APPLICATION, /* the user's own code or use */
};

enum confidence { CONFIDENCE_LOW, CONFIDENCE_MEDIUM, CONFIDENCE_HIGH };

/* A frame of the culprit thread (-1: none, it is the message or a lock), and a sentence on why. */
struct evidence {
	int frame;
	char *why;
};

#define TRIAGE_EVIDENCE_MAX 8

/*
 * Every signature begins with it, "v1 ", so that the version goes wherever the string is kept. It
 * grows by one with each change that gives crashes of which signatures may be kept another one:
 * only signatures of one version can be compared.
 */
#define SIGNATURE_VERSION 1

struct triage {
	enum pattern pattern;
	/* One sentence, never NULL, the same for each such crash: no thread id, no address. */
	char *detail;
	enum pattern also[3];    /* other patterns that hold as well */
	size_t nalso;
	enum attribution attribution;
	bool likeliest;          /* that is a likelihood alone: nobody's code is to be seen */
	char *component;         /* what is at fault: a name of the rules, a module's; NULL: none */
	enum confidence confidence;
	const char *rule;        /* which one found it (patterns.h); NULL: none. Static */
	/*
	 * Stable over address layout, compiler and release: "v1 SIGABRT free<_M_clear<fork".
	 * Two crashes with one signature are taken for one bug.
	 */
	char *signature;
	struct evidence evidence[TRIAGE_EVIDENCE_MAX];
	size_t nevidence;
};

struct frame_rules;

/* All zero, like NULL: what is built in, and no more. */
struct triage_settings {
	const struct frame_rules *rules; /* a user's own (rules.h), asked first */
};

/* Never NULL; triage_free() frees it. It keeps nothing of its arguments. */
struct triage *triage_classify(const struct crash *crash, const struct triage_settings *settings);
void triage_free(struct triage *triage);

/* The words of design.md: "fork-safety", "interaction", "high". Static strings. */
const char *pattern_name(enum pattern pattern);
const char *attribution_name(enum attribution attribution);
const char *confidence_name(enum confidence confidence);

#endif
