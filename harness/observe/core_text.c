/* SPDX-License-Identifier: Apache-2.0 */
#include "observe/core_text.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

void core_text_process(struct strbuf *out, const struct core *core)
{
	const struct core_process *process = &core->process;

	if (!core->has_process)
		return;
	strbuf_addstr(out, "Core file information:\n");
	strbuf_addf(out, "state: %c zombie: %s niceness: %d\n",
		    process->state ? process->state : '?', process->zombie ? "True" : "False",
		    process->nice);
	strbuf_addf(out, "pid: %d ppid: %d sid: %d\n", process->pid, process->ppid, process->sid);
	strbuf_addf(out, "uid: %u gid: %u pgrp: %d\n", process->uid, process->gid, process->pgrp);
	strbuf_addf(out, "executable: %s arguments: %s", process->name, process->args);
	strbuf_rtrim(out);
	strbuf_addstr(out, "\n\n");
}

void core_text_signal(struct strbuf *out, int signo)
{
	const char *name = sigabbrev_np(signo);

	if (name)
		strbuf_addf(out, "SIG%s", name);
	else
		strbuf_addf(out, "signal %d", signo);
}

void core_text_command(struct strbuf *out, pid_t pid)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	if (pid <= 0 || strbuf_read_file(out, path, 64) < 0)
		strbuf_reset(out);
	strbuf_rtrim(out);
}

const char *core_text_fault(const struct core_signal *signal)
{
	if (signal->signo == SIGSEGV && signal->code == SEGV_MAPERR)
		return "nothing is mapped there";
	if (signal->signo == SIGSEGV && signal->code == SEGV_ACCERR)
		return "what is mapped there does not permit it";
	if (signal->signo == SIGBUS && signal->code == BUS_ADRALN)
		return "it is not aligned";
	if (signal->signo == SIGBUS && signal->code == BUS_ADRERR)
		return "there is no memory behind it, as behind the end of a mapped file";
	return NULL;
}

static void add_sender(struct strbuf *out, const struct core_look *look)
{
	const struct core *core = look->core;
	struct strbuf command = STRBUF_INIT;

	if (core->has_process && core->signal.pid == core->process.pid) {
		strbuf_addf(out, " sent by itself (pid %d)", core->signal.pid);
		return;
	}
	core_text_command(&command, core->signal.pid);
	strbuf_addf(out, " sent by pid %d, uid %u", core->signal.pid, core->signal.uid);
	if (command.len)
		strbuf_addf(out, " (here and now that is %s)", command.buf);
	strbuf_release(&command);
}

static void add_fault(struct strbuf *out, const struct core_look *look)
{
	const char *why = core_text_fault(&look->core->signal);

	strbuf_addf(out, " accessing address: 0x%" PRIx64, look->core->signal.address);
	if (look->access)
		strbuf_addf(out, ", %s", look->access);
	if (why)
		strbuf_addf(out, ": %s", why);
}

void core_text_origin(struct strbuf *out, const struct core_look *look)
{
	const struct core *core = look->core;
	const struct core_signal *signal = &core->signal;

	if (look->crash->kind != CRASH_KIND_SIGNAL) {
		if (core->nthreads)
			strbuf_addstr(out, "The core file seems to have been generated on demand "
				      "(the process did not crash)\n");
		return;
	}
	if (signal->signo == SIGSEGV && (signal->fault || signal->code == SI_KERNEL)) {
		strbuf_addstr(out, "The process died due to a segmentation fault");
	} else {
		strbuf_addstr(out, "The process died due to receiving signal ");
		core_text_signal(out, look->crash->signo);
	}
	if (signal->fault && (signal->signo == SIGSEGV || signal->signo == SIGBUS))
		add_fault(out, look);
	else if (signal->fault)
		strbuf_addf(out, " at instruction: 0x%" PRIx64, signal->address);
	else if (signal->signo == SIGSEGV && signal->code == SI_KERNEL)
		strbuf_addstr(out, " accessing an address that no process can have (it is not "
			      "canonical), which the kernel does not tell");
	else if (signal->sent)
		add_sender(out, look);
	strbuf_addch(out, '\n');
}
