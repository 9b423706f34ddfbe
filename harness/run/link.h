/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver's end of one host: start it, run trials in it one at a time, end it.
 *
 * The control block, the sink for the subject's output and the announcement pipe live as long as
 * the link. Everything that a host starts stays below this process: what outlives its parent
 * becomes this process's child (the worker is a subreaper, base/signals.h), and is swept.
 */
#ifndef FORKPOINT_RUN_LINK_H
#define FORKPOINT_RUN_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "embed/subject.h"
#include "observe/capture.h"

enum isolation {
	ISOLATION_ZYGOTE, /* Python is initialised once; a subject is a fork */
	ISOLATION_EXEC,   /* each subject is a program started afresh */
};

const char *isolation_name(enum isolation isolation);

/*
 * How the allocator of libc is set in a host, and so in all of its subjects: damage that one
 * setting hides may show under another (a double free that a thread's own cache swallows). The
 * setting is an environment variable, which libc reads when a program starts. It is glibc's: where
 * libc is musl, or an older or later glibc does not know it, nothing changes.
 */
enum allocator {
	ALLOCATOR_DEFAULT,
	ALLOCATOR_NO_TCACHE, /* glibc.malloc.tcache_count=0: no thread keeps what it frees */
	ALLOCATOR_COUNT,
};

/* "default", "tcache_count=0": in records, replay lines and options. */
const char *allocator_name(enum allocator allocator);
/* 0, or -1: no such name. */
int allocator_parse(const char *name, enum allocator *allocator);

/* What one trial came to. Strings are the trial's own until trial_release(). */
struct trial {
	enum outcome outcome;
	bool hit;
	bool held;
	/* What was said, or how it was known. */
	char text[sizeof(((struct control_word *)0)->text)];
	uint64_t crash_key;      /* equal for crashes of one host that look the same; 0: no crash */
	struct crash *crash;     /* NULL: none, or its key was known already */
	uint64_t measured_ns;
	uint32_t windows;
};

void trial_release(struct trial *trial);

/*
 * Which crashes need no second look: those whose key is in here. The link adds to it. A new link
 * of an exec'ed host has the same addresses as the last one (hosts run without address
 * randomisation where the kernel allows it), so keys may outlive links.
 */
struct crash_keys {
	uint64_t *v;
	size_t n;
};

bool crash_keys_has(const struct crash_keys *keys, uint64_t key);
void crash_keys_release(struct crash_keys *keys);

struct link;

/*
 * `home` may be NULL. In ISOLATION_ZYGOTE, Python is up when this returns. NULL and a sentence if
 * the host cannot be started, or *interrupted became true.
 */
struct link *link_open(const char *host, const char *home, enum isolation isolation,
		       enum allocator allocator, const volatile bool *interrupted,
		       struct strbuf *err);
/* Ends the host and whatever is left below it. NULL is fine. */
void link_close(struct link *link);

enum link_result {
	LINK_DONE,        /* the trial has an outcome */
	LINK_BROKEN,      /* the harness failed: a sentence in err; the link can only be closed */
	LINK_INTERRUPTED, /* *interrupted became true: the subject is ended, there is no outcome */
};

/*
 * One trial. `cache` and `keys` may be NULL: then nothing is captured. The caller has SIGINT and
 * SIGTERM blocked; they are let in while this waits, and their handler sets *interrupted.
 */
enum link_result link_trial(struct link *link, const struct control_order *order,
			    struct capture_cache *cache, struct crash_keys *keys,
			    const volatile bool *interrupted, struct trial *trial,
			    struct strbuf *err);

#endif
