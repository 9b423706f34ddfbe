/* SPDX-License-Identifier: Apache-2.0 */
/* What link.c (the host's process) and link_trial.c (a trial in it) share. */
#ifndef FORKPOINT_RUN_LINK_PRIVATE_H
#define FORKPOINT_RUN_LINK_PRIVATE_H

#include "run/link.h"

struct link {
	enum isolation isolation;
	char *host;
	char *home;
	struct control *control;
	int control_fd;
	int sink_fd;
	int announce_fds[2];
	int link_fd;  /* to the zygote; -1 with ISOLATION_EXEC */
	pid_t zygote; /* 0: none */
};

/* Start the host in a mode ("--zygote", "--exec"). The pid, or -1 with errno. */
pid_t link_spawn(const struct link *link, const char *mode, int link_fd);

/* The last `max` bytes that the subject wrote. */
void link_read_sink(const struct link *link, struct strbuf *out, size_t max);

#endif
