/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libforkpoint-triage: what crash reports of CPython and of native code say. A text in, a list of
 * reports out: of each which pattern it is, on which evidence, who is at fault and how sure that
 * is. It is what `forkpoint triage` is made of, and answers the same.
 *
 *	struct fpt_reports *reports;
 *	char *why;
 *
 *	if (fpt_read(text, size, NULL, &reports, &why) != FPT_OK)
 *		…
 *	for (size_t i = 0; i < fpt_count(reports); i++)
 *		puts(fpt_get(reports, i)->signature);
 *	fpt_free(reports);
 *
 * Build with `pkg-config --cflags --libs --static forkpoint-triage`. C99 or later, and C++.
 *
 * Pure: the same text gives the same answer. It starts no process, opens no file and no socket,
 * writes nothing, asks for no time, no locale and no variable of the environment. It does not end
 * the process. It keeps nothing but what it returned; only jansson, which reads and writes JSON for
 * it, has one seed for its tables a process, which is set (from the bytes that the kernel gives to
 * each program) if nothing has set it before.
 *
 * The input is hostile: whatever its bytes are, a call ends, in time proportional to their number.
 * Texts that come out are valid UTF-8 without control characters, and end with a NUL. They may have
 * anything else in them, such as HTML.
 *
 * Threads: each function may be called by any number of threads at once, with reports that several
 * of them share, until one frees these. Not async-signal-safe.
 *
 * Memory: a function that runs out of it gives back what it had taken and says FPT_NO_MEMORY. But
 * jansson does not bear that: what it holds at that moment is lost, and where it runs out of memory
 * while it reads (a report in JSON), it may take that for the report's end, or end the process (by
 * an assertion, as 2.14 does).
 */
#ifndef FORKPOINT_TRIAGE_H
#define FORKPOINT_TRIAGE_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum fpt_status {
	FPT_OK = 0,
	FPT_NO_MEMORY, /* also: a text would exceed the address space */
	FPT_BAD_RULES, /* the rules have an error, which `why` tells */
	FPT_NO_REPORT, /* there is no report of that number */
	FPT_FAULT,     /* a fault of this library, which `fpt_status_text` asks you to report */
};

/* A sentence. Static. */
const char *fpt_status_text(enum fpt_status status);

/* All zero, like NULL: no name, and no rules but the built-in ones. Strings are the caller's. */
struct fpt_settings {
	const char *file;       /* what the text is called in reports; NULL: "-" */
	const char *rules;      /* whose code your own modules are: a text, as README.md has it */
	size_t rules_size;      /* in bytes */
	const char *rules_name; /* what the rules are called in errors; NULL: "rules" */
};

struct fpt_evidence {
	int frame;              /* index in `frames`; -1: it is a message or a lock */
	const char *why;        /* a sentence */
};

struct fpt_frame {
	size_t n;
	const char *function;   /* demangled, with arguments if the report has them; NULL: none */
	const char *module;     /* of the mapped file; NULL: not told */
	const char *file;       /* of the source; NULL: not told */
	int line;               /* 0: not told */
	const char *category;   /* whose code it is: "cpython", "extension", "libc", … */
	const char *component;  /* its name by the rules; NULL: none */
	const char *trust;      /* of the name: "exact", "near", "scanned", "inlined", "none" */
};

/*
 * What is said of a report, in the words of `forkpoint triage --json`, which README.md lists. New
 * members are added at the end, new words at any time.
 */
struct fpt_report {
	const char *format;      /* who wrote it: "gdb", "asan", … */
	const char *signal;      /* "SIGSEGV", "hang"; NULL: it does not tell */
	const char *pattern;
	const char *detail;      /* one sentence */
	const char *const *also; /* other patterns that hold as well */
	size_t nalso;
	const char *attribution; /* who is at fault */
	const char *component;   /* its name; NULL: not known */
	const char *confidence;  /* "high", "medium", "low" */
	const char *signature;   /* "v1 SIGABRT free<lru_clear<fork": one for each such crash */
	const struct fpt_evidence *evidence;
	size_t nevidence;
	const struct fpt_frame *frames; /* of the thread that crashed, innermost first */
	size_t nframes;
	const char *thread;      /* its name; NULL: not told */
	const char *python;      /* the release: "3.13.5"; NULL: not told */
	const char *confirmation; /* of forkpoint's own: "confirmed", …; NULL: no experiment */
	size_t line;             /* of the text, from 1, at which the report begins */
	bool incomplete;         /* it is cut off, or not all could be understood */
};

struct fpt_reports; /* what a text has */

/*
 * All reports in the text, in its order; none is fine, too. It may hold anything, zero bytes
 * included, and is not kept. `settings` may be NULL. With FPT_OK, *reports is the caller's, to be
 * freed by fpt_free(); else it is NULL. `why` may be NULL; else *why is NULL, or with FPT_BAD_RULES
 * a sentence, "NAME:LINE: …", which is the caller's to free().
 */
enum fpt_status fpt_read(const char *text, size_t size, const struct fpt_settings *settings,
			 struct fpt_reports **reports, char **why);
void fpt_free(struct fpt_reports *reports); /* NULL is fine */

/* For these and for those below, reports that are NULL are none. */
size_t fpt_count(const struct fpt_reports *reports);
/* The text has more reports than are taken of one (10000, or 2000000 threads and frames). */
bool fpt_more(const struct fpt_reports *reports);
/* NULL: there is none of that number. It lives as long as `reports`. */
const struct fpt_report *fpt_get(const struct fpt_reports *reports, size_t i);

/* One line of JSON, without a line end: what `forkpoint triage --json` writes. *text: to free(). */
enum fpt_status fpt_json(const struct fpt_reports *reports, size_t i, char **text);
/*
 * The whole report in Markdown. `generated`: the time that it shall bear, in ISO 8601; NULL: none.
 * It is made fit for a line as all texts are. *text: to free(). After a failure, it is NULL, here
 * as above.
 */
enum fpt_status fpt_markdown(const struct fpt_reports *reports, size_t i, const char *generated,
			     char **text);

/* Of the library: "0.1.0". Static. */
const char *fpt_version(void);
/* The date of the built-in rules: "2026-11-21". Static. */
const char *fpt_rules_version(void);
/* Only signatures of one version compare: 1 for those that begin with "v1 ". */
int fpt_signature_version(void);

#ifdef __cplusplus
}
#endif

#endif
