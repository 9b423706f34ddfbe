/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Crash reports as people have them: what a debugger, a sanitizer, a crash tracker or the crashed
 * program itself has written, in whatever order it stands in a file. traces_read() finds out what
 * it is, and makes of each report a struct crash, which triage_classify() then looks at.
 *
 * The input is hostile. Whatever the bytes are, reading takes time in proportion to their number
 * and bounded memory, and what comes out is valid UTF-8 without control characters. What is cut off
 * or mangled gives what can be had, and says that it is not all.
 *
 * Pure: no file, no process, no global state. Running out of memory ends the program.
 */
#ifndef FORKPOINT_TRIAGE_TRACE_H
#define FORKPOINT_TRIAGE_TRACE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strbuf.h"
#include "observe/crash.h"
#include "triage/experiment.h"

/* By the order in which they are asked, see readers.h. */
enum trace_format {
	TRACE_FORKPOINT,
	TRACE_MACOS,
	TRACE_CRASHTRACKER_JSON,
	TRACE_CRASHTRACKER,
	TRACE_ASAN,
	TRACE_TSAN,
	TRACE_FATAL_ERROR,
	TRACE_FAULTHANDLER,
	TRACE_COREDUMPCTL,
	TRACE_EU_STACK,
	TRACE_PYSTACK,
	TRACE_PY_SPY,
	TRACE_LLDB,
	TRACE_GDB,
	TRACE_RUST,
	TRACE_GLIBC,
	TRACE_VALGRIND,
	TRACE_WINDOWS,
	TRACE_BACKTRACE,
	TRACE_RAW,
	TRACE_DRAWN,
	TRACE_MESSAGE,
	TRACE_FORMATS,
};

/* "crashtracker-json", "gdb", …: the words of --json. Static. */
const char *trace_format_name(enum trace_format format);

/* What a report says beside its stacks: a key of the report's own, or one of these. */
#define FACT_PYTHON "python"             /* release of CPython: "3.12.1" */
#define FACT_PROGRAM "program"           /* path or name of what crashed */
#define FACT_PLATFORM "platform"
#define FACT_ARCHITECTURE "architecture"
#define FACT_TRACER_VERSION "tracer version"
#define FACT_RUNTIME_VERSION "runtime version"
#define FACT_SERVICE "service"
#define FACT_TIME "time"

struct trace_fact {
	char *key, *value;
};

struct trace {
	enum trace_format format;
	struct crash *crash; /* never NULL */
	struct trace_fact *facts; /* in the report's order; a key stands there once */
	size_t nfacts;
	size_t line;         /* of the input, from 1, at which it begins */
	size_t end;          /* the line behind it */
	bool incomplete;     /* it is cut off, or something in it could not be understood */
	struct experiment experiment; /* of one that forkpoint has made itself */
	/* While it is read, see readers.h; empty then. */
	struct trace *next;  /* the next report of the same text, allocated */
	struct strbuf said;  /* of the message, more than is kept */
	size_t nframes;      /* of all threads */
	struct crash_frame spare; /* what becomes of a frame beyond TRACE_ALL_FRAMES_MAX */
};

/* More than these are left out, and the report is incomplete. */
#define TRACES_MAX 10000
#define TRACE_THREADS_MAX 10000
/* A recursion is recognised by its first and its last frames. */
#define TRACE_FRAMES_FIRST 1024
#define TRACE_FRAMES_LAST 1024
/* Of all threads; but each may have one. */
#define TRACE_ALL_FRAMES_MAX 200000
/* Threads and frames of all reports of a text: what is behind them is left out. */
#define TRACES_PARTS_MAX 2000000
/* Of a name or a path, in bytes. */
#define TRACE_TEXT_MAX 4096

struct traces {
	struct trace *v;
	size_t n;
	size_t nparts; /* threads and frames */
	bool more; /* there were more than TRACES_MAX, or TRACES_PARTS_MAX */
	struct trace *held; /* while it is read, see trace_join.h; NULL then */
};

/* All that is in there, in order; 0 reports: nothing is recognised. Release it. */
void traces_read(const char *data, size_t size, struct traces *traces);
void traces_release(struct traces *traces);

/* NULL: it does not say. */
const char *trace_fact(const struct trace *trace, const char *key);

#endif
