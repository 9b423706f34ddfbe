/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls a function of a library, and tells the stack of the crash that it makes: as
 * `0xPC MODULE+0xOFFSET`, or as addresses alone with /proc/self/maps behind them.
 *
 *	crash LIBRARY FUNCTION raw|maps
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

static int with_maps;

static void *pc_of(const ucontext_t *context)
{
#if defined(__x86_64__)
	return (void *)context->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
	return (void *)context->uc_mcontext.pc;
#endif
}

static void tell(void *pc)
{
	Dl_info info;

	if (with_maps || !dladdr(pc, &info))
		printf("%p\n", pc);
	else
		printf("%p %s+0x%lx\n", pc, strrchr(info.dli_fname, '/') ?
		       strrchr(info.dli_fname, '/') + 1 : info.dli_fname,
		       (unsigned long)((char *)pc - (char *)info.dli_fbase));
}

static void crashed(int signo, siginfo_t *info, void *context)
{
	void *frames[64];
	int n = backtrace(frames, 64), i = 0;
	char chunk[4096];
	ssize_t got;

	(void)signo;
	(void)info;
	while (i < n && frames[i] != pc_of(context))
		i++;
	for (; i < n; i++)
		tell(frames[i]);
	fflush(stdout);
	if (with_maps) {
		int fd = open("/proc/self/maps", O_RDONLY);

		while ((got = read(fd, chunk, sizeof(chunk))) > 0)
			if (write(1, chunk, (size_t)got) < 0)
				break;
	}
	_exit(0);
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_sigaction = crashed, .sa_flags = SA_SIGINFO };
	struct { int *cells, n; } table = { NULL, 3 };
	void *library = argc > 3 ? dlopen(argv[1], RTLD_NOW) : NULL;
	void (*run)(void *) = library ? (void (*)(void *))dlsym(library, argv[2]) : NULL;
	void *warm[1];

	if (!run)
		return 2;
	with_maps = !strcmp(argv[3], "maps");
	backtrace(warm, 1);
	sigaction(SIGSEGV, &action, NULL);
	run(&table);
	return 1;
}
