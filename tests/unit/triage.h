/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records made by hand, for the tests of the classifier.
 *
 * A stack is written as lines "function @module", innermost first; "~" before the function marks a
 * name that is only near, "?" no name at all, "%" a function of Python code. What stands behind
 * " =" at the end is the source, and its line behind a colon.
 */
#ifndef FORKPOINT_TESTS_UNIT_TRIAGE_H
#define FORKPOINT_TESTS_UNIT_TRIAGE_H

#include <signal.h>
#include <stdlib.h>

#include "base/errors.h"
#include "observe/crash.h"
#include "tests/unit/tap.h"
#include "triage/triage.h"

#define LIBC "/lib/x86_64-linux-gnu/libc.so.6"
#define LIBPYTHON "/opt/lib/libpython3.13.so.1.0"
#define LIBSTDCXX "/usr/lib/x86_64-linux-gnu/libstdc++.so.6"
#define LIBGCC "/usr/lib/x86_64-linux-gnu/libgcc_s.so.1"
#define EXTENSION "/venv/lib/python3.13/site-packages/probe/_probe.cpython-313-x86_64-linux-gnu.so"

__attribute__((unused))
static void frame_parse(struct crash_frame *frame, char *line)
{
	char *source = strstr(line, " ="), *at;

	if (source) {
		char *colon = strrchr(source, ':');

		*source = '\0';
		if (colon)
			*colon = '\0';
		frame->line = colon ? atoi(colon + 1) : 0;
		frame->file = xstrdup(source + 2);
	}
	at = strstr(line, " @");
	if (at) {
		*at = '\0';
		frame->module = xstrdup(at + 2);
	}
	if (*line == '?')
		return;
	frame->trust = *line == '~' ? TRUST_NEAR : TRUST_EXACT;
	frame->python = *line == '%';
	frame->function = xstrdup(line + (*line == '~' || *line == '%'));
}

/* Pointers to earlier threads are void afterwards. */
__attribute__((unused))
static struct crash_thread *add_thread(struct crash *crash, pid_t pid, pid_t tid, const char *stack)
{
	struct crash_thread *thread = crash_add_thread(crash);
	char *text = xstrdup(stack), *save = NULL;
	uint64_t pc = 0x7f0000001000;

	thread->pid = pid;
	thread->tid = tid;
	for (char *p = strtok_r(text, "\n", &save); p; p = strtok_r(NULL, "\n", &save)) {
		struct crash_frame *frame = crash_thread_add_frame(thread);

		frame->pc = pc += 0x111;
		frame->module_offset = pc & 0xffff;
		frame_parse(frame, p);
	}
	free(text);
	return thread;
}

__attribute__((unused))
static struct crash *crash_make(int signo, const char *stack, const char *message)
{
	struct crash *crash = crash_new();

	crash->kind = signo ? CRASH_KIND_SIGNAL : CRASH_KIND_HANG;
	crash->signo = signo;
	crash->code = signo == SIGABRT ? SI_TKILL : SEGV_MAPERR;
	crash->pid = crash->tid = 100;
	if (message) {
		free(crash->message);
		crash->message = xstrdup(message);
	}
	add_thread(crash, 100, 100, stack)->culprit = true;
	return crash;
}

__attribute__((unused))
static void wait_set(struct crash_thread *thread, const char *what, pid_t owner, pid_t elsewhere)
{
	thread->wait.syscall = xstrdup("futex");
	thread->wait.what = what ? xstrdup(what) : NULL;
	thread->wait.owner = owner;
	thread->wait.owner_missing = elsewhere != 0;
	thread->wait.owner_elsewhere = elsewhere;
}

__attribute__((unused))
static bool also(const struct triage *triage, enum pattern pattern)
{
	for (size_t i = 0; i < triage->nalso; i++)
		if (triage->also[i] == pattern)
			return true;
	return false;
}

__attribute__((unused))
static bool evidence_says(const struct triage *triage, const char *part)
{
	for (size_t i = 0; i < triage->nevidence; i++)
		if (strstr(triage->evidence[i].why, part))
			return true;
	return false;
}

/* The same crash of another process: what a second run would find. */
__attribute__((unused))
static void crash_renumber(struct crash *crash)
{
	const pid_t more = 7000;

	crash->pid += more;
	crash->tid += more;
	for (size_t i = 0; i < crash->nthreads; i++) {
		struct crash_thread *thread = &crash->threads[i];

		thread->pid += more;
		thread->tid += more;
		thread->wait.owner += thread->wait.owner ? more : 0;
		thread->wait.owner_elsewhere += thread->wait.owner_elsewhere ? more : 0;
		thread->wait.address += (uint64_t)more;
		for (size_t k = 0; k < thread->nframes; k++)
			thread->frames[k].pc += (uint64_t)more;
	}
}

/* Classify and free the record. Of each it is checked that the words hold for a second run, too. */
__attribute__((unused))
static struct triage *classify(struct crash *crash)
{
	struct triage *triage = triage_classify(crash, NULL), *again;

	crash_renumber(crash);
	again = triage_classify(crash, NULL);
	CHECK_STR(again->detail, triage->detail, "the next process is told in the same sentence");
	CHECK_STR(again->signature, triage->signature, "and has the same signature");
	triage_free(again);
	crash_free(crash);
	return triage;
}

#define CHECK_PATTERN(triage, wanted, ...) \
	CHECK_STR(pattern_name((triage)->pattern), pattern_name(wanted), __VA_ARGS__)

#endif
