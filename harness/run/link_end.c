/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a trial ended, and how a host did that was not to end.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/signals.h"
#include "run/link_private.h"
#include "run/outcome.h"

/* A process that has closed its descriptors is dead within microseconds, on any machine. */
#define DEATH_PATIENCE_MS 2000

#define MIB (1u << 20)

bool crash_keys_has(const struct crash_keys *keys, uint64_t key)
{
	for (size_t i = 0; i < keys->n; i++)
		if (keys->v[i] == key)
			return true;
	return false;
}

void crash_keys_release(struct crash_keys *keys)
{
	free(keys->v);
	memset(keys, 0, sizeof(*keys));
}

void trial_release(struct trial *trial)
{
	crash_free(trial->crash);
	trial->crash = NULL;
}

/* The signal that ended the subject, or the child that it forked; 0: none did. */
static int fatal_signal(const struct control *control, int status)
{
	uint32_t child = atomic_load(&control->state.child_status);

	if (WIFSIGNALED(status))
		return WTERMSIG(status);
	if (child & CHILD_STATUS_SET && WIFSIGNALED((int)(child & ~CHILD_STATUS_SET)))
		return WTERMSIG((int)(child & ~CHILD_STATUS_SET));
	return 0;
}

static void trial_end(struct trial *trial, enum outcome outcome, const char *text)
{
	trial->outcome = outcome;
	snprintf(trial->text, sizeof(trial->text), "%.*s", (int)sizeof(trial->text) - 1, text);
}

static void trial_judge(const struct link *link, int status, struct trial *trial)
{
	int signo = fatal_signal(link->control, status);
	enum outcome outcome = OUTCOME_WRONG;
	const char *why = "";
	bool said = control_said(link->control, &outcome, &why);

	/* The limit is ours, so this is no crash of the subject's; not so with any other file. */
	if (signo == SIGXFSZ && link_sink_is_full(link)) {
		trial->outcome = OUTCOME_WRONG;
		snprintf(trial->text, sizeof(trial->text),
			 "the subject wrote more than %u MiB to its output, and was ended for it",
			 SINK_MAX / MIB);
	} else if (signo) {
		trial_end(trial, (enum outcome)signo, said ? why : "");
	} else if (said) {
		trial_end(trial, outcome, why);
	} else {
		trial->outcome = OUTCOME_WRONG;
		snprintf(trial->text, sizeof(trial->text),
			 "the subject ended without a word (exit status %d)", WEXITSTATUS(status));
	}
}

void link_conclude(const struct link *link, const char *stuck, enum outcome stuck_outcome,
		   int status, struct trial *trial)
{
	const struct control_state *state = &link->control->state;

	if (stuck)
		trial_end(trial, stuck_outcome, stuck);
	else
		trial_judge(link, status, trial);
	trial->hit = atomic_load(&state->hits) != 0;
	trial->held = atomic_load(&state->held) != 0;
	trial->windows = atomic_load(&state->windows);
	trial->measured_ns = atomic_load(&state->measured_ns);
}

/* How the zygote ended. It stays a zombie, for link_close(). False: it has not. */
static bool zygote_end(pid_t zygote, siginfo_t *info)
{
	int pidfd = (int)syscall(SYS_pidfd_open, zygote, 0);
	struct pollfd fd = { .fd = pidfd, .events = POLLIN };

	if (pidfd >= 0) {
		poll(&fd, 1, DEATH_PATIENCE_MS);
		close(pidfd);
	}
	info->si_pid = 0;
	return waitid(P_PID, (id_t)zygote, info, WEXITED | WNOWAIT | WNOHANG) == 0 && info->si_pid;
}

/* What one does about it hangs on whether it came to harm itself, or somebody else did it. */
static const char *death_remedy(const siginfo_t *info)
{
	static const int sent[] = { SIGKILL, SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2 };

	for (size_t i = 0; info->si_code != CLD_EXITED && i < sizeof(sent) / sizeof(*sent); i++)
		if (info->si_status == sent[i])
			return "the scenario may have killed its parent process; else somebody "
			       "did, or the kernel for want of memory (dmesg tells)";
	return "what a scenario leaves behind may have harmed it: run it with --isolation exec, "
	       "where each trial has a process of its own";
}

void link_tell_death(const struct link *link, struct strbuf *err)
{
	bool ran = link->subject || atomic_load(&link->control->state.subject_pid);
	struct strbuf output = STRBUF_INIT;
	siginfo_t info;

	strbuf_addf(err, "the host %s died %s: ", link->host,
		    ran ? "while its subject ran" : "between trials");
	if (!zygote_end(link->zygote, &info)) {
		strbuf_addstr(err, "it hung up, and lives on: somebody has closed its descriptors");
		return;
	}
	if (info.si_code == CLD_EXITED)
		strbuf_addf(err, "exit status %d", info.si_status);
	else
		strbuf_addstr(err, outcome_name((enum outcome)info.si_status));
	link_read_sink(link, &output, 1000);
	strbuf_rtrim(&output);
	strbuf_addf(err, "%s%s: %s", output.len ? ": " : "", output.buf, death_remedy(&info));
	strbuf_release(&output);
}
