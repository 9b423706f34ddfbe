/* SPDX-License-Identifier: Apache-2.0 */
#include "observe/denied.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sandbox.h"

/* A field of /proc/PID/status, of any base; 0 where there is none. */
static uint64_t status_field(pid_t pid, const char *name, int base)
{
	struct strbuf text = STRBUF_INIT;
	uint64_t value = 0;
	char path[48], key[32];
	const char *p;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	snprintf(key, sizeof(key), "\n%s:", name);
	if (!strbuf_read_file(&text, path, 8192) && (p = strstr(text.buf, key)))
		value = strtoull(p + strlen(key), NULL, base);
	strbuf_release(&text);
	return value;
}

static bool has_capability(void)
{
	return status_field(getpid(), "CapEff", 16) >> CAP_SYS_PTRACE & 1;
}

static char yama_scope(void)
{
	struct strbuf scope = STRBUF_INIT;
	char letter = '0';

	if (!strbuf_read_file(&scope, "/proc/sys/kernel/yama/ptrace_scope", 16) && scope.len)
		letter = scope.buf[0];
	strbuf_release(&scope);
	return letter;
}

static bool is_anothers(pid_t pid)
{
	struct stat st;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d", pid);
	return pid && stat(path, &st) == 0 && st.st_uid != geteuid();
}

/* Is there a filter of system calls that is not our own? */
static bool is_filtered(void)
{
	return sandbox_enter(SANDBOX_NONE).seccomp ?
	       status_field(getpid(), "Seccomp_filters", 10) > 1 :
	       status_field(getpid(), "Seccomp", 10) != 0;
}

/* Whoever traces us traces our children as well (strace -f). */
static bool explain_tracer(struct strbuf *text, pid_t pid)
{
	struct strbuf name = STRBUF_INIT;
	uint64_t tracer = status_field(pid ? pid : getpid(), "TracerPid", 10);
	char path[48];

	if (!tracer || (pid_t)tracer == getpid())
		return false;
	snprintf(path, sizeof(path), "/proc/%d/comm", (pid_t)tracer);
	if (!strbuf_read_file(&name, path, 64))
		strbuf_rtrim(&name);
	strbuf_addf(text, "%s (process %d) traces it already: run forkpoint without it",
		    name.len ? name.buf : "a tracer", (pid_t)tracer);
	strbuf_release(&name);
	return true;
}

void denied_explain(struct strbuf *text, const char *call, int error, pid_t pid)
{
	char scope = yama_scope();

	strbuf_addf(text, "no %s: %s; ", call, strerror(error));
	if (explain_tracer(text, pid))
		return;
	if (scope == '3')
		strbuf_addstr(text, "kernel.yama.ptrace_scope is 3, which only a reboot changes");
	else if (scope == '2' && !has_capability())
		strbuf_addstr(text, "set kernel.yama.ptrace_scope to 1 or 0, or run as root");
	else if (is_anothers(pid) && !has_capability())
		strbuf_addstr(text, "run as the owner of the process, or as root (in a container, "
				    "start it with --cap-add=SYS_PTRACE)");
	else if (is_filtered())
		strbuf_addstr(text, "a seccomp filter forbids it: in a container, start it with "
				    "--cap-add=SYS_PTRACE or --security-opt seccomp=unconfined; "
				    "else run without that sandbox");
	else
		strbuf_addstr(text, "a sandbox or security module (SELinux, AppArmor) forbids it: "
				    "in a container, start it with --cap-add=SYS_PTRACE");
}
