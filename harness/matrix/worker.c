/* SPDX-License-Identifier: Apache-2.0 */
#include "matrix/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/signals.h"
#include "matrix/unit.h"

static void send_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return; /* nobody is there to hear it */
		data += n;
		len -= (size_t)n;
	}
}

static void emit(void *context, json_t *result)
{
	int fd = *(int *)context;
	char *text = json_dumps(result, JSON_COMPACT);

	if (!text)
		bug("a result is no JSON");
	send_all(fd, text, strlen(text));
	send_all(fd, "\n", 1);
	free(text);
	json_decref(result);
}

/* The next unit, or -1: dismissed, interrupted, or alone in the world. */
static int64_t next_unit(int fd, const volatile bool *interrupted)
{
	uint32_t index;
	ssize_t n;

	/* Not after Ctrl-C: there will be none, and nobody to say so. */
	if (*interrupted)
		return -1;
	do
		n = recv(fd, &index, sizeof(index), MSG_WAITALL);
	while (n < 0 && errno == EINTR && !*interrupted);
	return n == (ssize_t)sizeof(index) && !*interrupted ? (int64_t)index : -1;
}

void worker_main(int fd, const struct plan *plan, const struct cell_limits *limits,
		 const volatile bool *interrupted, pid_t parent)
{
	struct bench *bench;
	int64_t index;

	die_with_parent(SIGTERM, parent);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	/* The terminal sends Ctrl-C to all of us; the main process decides, and says so. */
	signal(SIGINT, SIG_IGN);
	bench = bench_new(limits, interrupted);
	while ((index = next_unit(fd, interrupted)) >= 0) {
		bench_run(bench, &plan->units[index], emit, &fd);
		if (!*interrupted)
			send_all(fd, "\n", 1);
	}
	bench_free(bench);
	processes_sweep();
	_exit(0);
}
