/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host: the program that embeds one interpreter and runs scenarios in it.
 *
 *   host --describe               what scenarios this interpreter offers, as JSON
 *   host [--home DIR] --zygote    serve a driver (descriptors: embed/subject.h)
 *   host [--home DIR] --exec      be the subject of one trial, started fresh
 *   host [--home DIR] --init-only initialise Python and end: what --exec cannot go below
 *   host [--home DIR] --try …     one trial by hand (embed/try.c)
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "embed/host.h"

static struct control *control_map(void)
{
	struct control *control = mmap(NULL, CONTROL_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
				       SUBJECT_FD_CONTROL, 0);

	if (control == MAP_FAILED) {
		perror("host: no control block on descriptor 3 (a driver starts this mode)");
		return NULL;
	}
	if (control->magic != CONTROL_MAGIC || control->version != CONTROL_VERSION) {
		fprintf(stderr, "host: the control block is of another version: "
			"build the host again\n");
		return NULL;
	}
	return control;
}

const char *host_home(int argc, char **argv)
{
	for (int i = 1; i + 1 < argc; i++)
		if (!strcmp(argv[i], "--home"))
			return argv[i + 1];
	return NULL;
}

static int has_mode(int argc, char **argv, const char *mode)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], mode))
			return 1;
	return 0;
}

void subject_exec(struct control *control, const char *home)
{
	if (python_start(home) < 0)
		_exit(HOST_EXIT_HARNESS);
	subject_main(control);
}

static int serve(int argc, char **argv)
{
	struct control *control = control_map();

	if (!control)
		return HOST_EXIT_HARNESS;
	if (has_mode(argc, argv, "--exec"))
		subject_exec(control, host_home(argc, argv));
	if (python_start(host_home(argc, argv)) < 0)
		return HOST_EXIT_HARNESS;
	return zygote_serve(control);
}

int main(int argc, char **argv)
{
	/* Before Python, and before any scenario: child handlers run in order of registration. */
	pthread_atfork(NULL, NULL, subject_in_child);

	if (has_mode(argc, argv, "--describe"))
		return host_describe() < 0 ? HOST_EXIT_HARNESS : 0;
	if (has_mode(argc, argv, "--try"))
		return try_run(argc, argv);
	if (has_mode(argc, argv, "--init-only"))
		_exit(python_start(host_home(argc, argv)) < 0 ? HOST_EXIT_HARNESS : 0);
	if (has_mode(argc, argv, "--zygote") || has_mode(argc, argv, "--exec"))
		_exit(serve(argc, argv));
	fprintf(stderr, "usage: host --describe\n"
		"       host [--home DIR] --zygote | --exec | --init-only | --try SCENARIO\n");
	return HOST_EXIT_USAGE;
}
