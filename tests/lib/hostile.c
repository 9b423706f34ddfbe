/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded: a libelf that a hostile file has taken over. Where a file is opened by it, it tries
 * what HOSTILE says, and ends the process with 42 if it can; else it does what libelf does.
 * HOSTILE_FILE is a file to create, HOSTILE_PID and HOSTILE_ADDRESS a word of another process.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

void *elf_begin(int fd, int command, void *reference);

static pid_t other(void)
{
	return atoi(getenv("HOSTILE_PID"));
}

static void *address(void)
{
	return (void *)strtoul(getenv("HOSTILE_ADDRESS"), NULL, 16);
}

static int try_fork(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	return pid < 0 ? -1 : 0;
}

static int try_execute(void)
{
	return execl("/bin/sh", "sh", "-c", "exit 42", (char *)NULL);
}

static int try_write_memory(void)
{
	long word = 1;
	struct iovec here = { &word, sizeof(word) }, there = { address(), sizeof(word) };

	return process_vm_writev(other(), &here, 1, &there, 1, 0) < 0 ? -1 : 0;
}

static int try(const char *what)
{
	if (!strcmp(what, "create"))
		return open(getenv("HOSTILE_FILE"), O_WRONLY | O_CREAT, 0600);
	if (!strcmp(what, "connect"))
		return socket(AF_UNIX, SOCK_STREAM, 0);
	if (!strcmp(what, "fork"))
		return try_fork();
	if (!strcmp(what, "execute"))
		return try_execute();
	if (!strcmp(what, "signal"))
		return kill(other(), SIGCONT);
	if (!strcmp(what, "write"))
		return try_write_memory();
	if (!strcmp(what, "poke"))
		return (int)ptrace(PTRACE_POKEDATA, other(), address(), 1);
	return 0;
}

void *elf_begin(int fd, int command, void *reference)
{
	void *(*real)(int, int, void *);

	if (try(getenv("HOSTILE")) >= 0)
		_exit(42);
	real = (void *(*)(int, int, void *))dlsym(RTLD_NEXT, "elf_begin");
	return real(fd, command, reference);
}
