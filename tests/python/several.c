/* SPDX-License-Identifier: Apache-2.0 */
/*
 * several TEXT LIBPYTHON HOME [LIBPYTHON HOME]: each CPython runs TEXT in a thread, in one process.
 * None sees the other's symbols; so TEXT may import built-in modules only.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <wchar.h>

#define HOME_MAX 4096

static const char *text;

static void *find(void *library, const char *name)
{
	void *found = dlsym(library, name);

	if (!found) {
		fprintf(stderr, "%s\n", dlerror());
		exit(1);
	}
	return found;
}

static void *run(void *arguments)
{
	char **argv = arguments;
	void *library = dlopen(argv[0], RTLD_NOW | RTLD_LOCAL);
	/* Kept: Python does not copy it. */
	wchar_t *home = calloc(HOME_MAX, sizeof(*home));
	void (*set_home)(const wchar_t *), (*initialize)(int);
	int (*run_string)(const char *, void *);

	if (!library || !home) {
		fprintf(stderr, "%s\n", dlerror());
		exit(1);
	}
	*(void **)&set_home = find(library, "Py_SetPythonHome");
	*(void **)&initialize = find(library, "Py_InitializeEx");
	*(void **)&run_string = find(library, "PyRun_SimpleStringFlags");
	mbstowcs(home, argv[1], HOME_MAX - 1);
	set_home(home);
	initialize(0);
	run_string(text, NULL);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	text = argv[1];
	for (int i = 2; i + 1 < argc; i += 2)
		pthread_create(&thread, NULL, run, &argv[i]);
	for (;;)
		pause();
}
