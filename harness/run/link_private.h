/* SPDX-License-Identifier: Apache-2.0 */
/* What link.c (the host's process), course.c (a trial in it), link_look.c and link_end.c share. */
#ifndef FORKPOINT_RUN_LINK_PRIVATE_H
#define FORKPOINT_RUN_LINK_PRIVATE_H

#include "run/link.h"
#include "run/watchdog.h"

/* What one trial may write before it gets SIGXFSZ: a scenario writes lines, not files. */
#define SINK_MAX (16u << 20)

struct link {
	enum isolation isolation;
	enum allocator allocator;
	char *host;
	char *home;
	struct control *control;
	int control_fd;
	int sink_fd;
	int announce_fds[2];
	int link_fd;  /* to the zygote; -1 with ISOLATION_EXEC */
	pid_t zygote; /* 0: none */
	pid_t subject; /* of the zygote, by its own word; 0: none runs */
};

/* Start the host in a mode ("--zygote", "--exec"). The pid, or -1 with errno. */
pid_t link_spawn(const struct link *link, const char *mode, int link_fd);

/* Has the subject written all that it may? */
bool link_sink_is_full(const struct link *link);

/* The last `max` bytes that the subject wrote. */
void link_read_sink(const struct link *link, struct strbuf *out, size_t max);

/* link_look.c: who looks at crashes, and where what it finds goes. */
struct looker {
	struct link *link;
	struct capture_cache *cache; /* NULL: nothing is captured */
	struct crash_keys *keys;     /* what needs no second look; may be NULL */
	struct trial *trial;
	pid_t pid;                   /* the subject; 0 until it has started */
	/* The last announcement: of which process and signal, and is its key new in `keys`? */
	pid_t pid_died;
	int signo;
	bool is_news;
	bool stuck;                  /* the watchdog has spoken */
};

/* What was captured so far has been taken away: the next crash is another trial's. */
void link_look_anew(struct looker *looker);
/*
 * A child may crash, and its parent die of something else: a capture goes with its own outcome.
 * `died` is whose death gave it.
 */
void link_look_settle(struct looker *looker, pid_t died, enum outcome outcome);

/* A thread has announced its crash: look, then let it die. */
void link_look_crash(struct looker *looker);
/* The subject or its child is stuck: look at all of its processes. */
void link_look_stuck(struct looker *looker, const struct watchdog *watchdog, enum watch watch);

/*
 * link_end.c. Fill in what a trial came to. `stuck` says why the watchdog ended it, with which
 * outcome; NULL: it did not, and the subject's wait status tells.
 */
void link_conclude(const struct link *link, const char *stuck, enum outcome stuck_outcome,
		   int status, struct trial *trial);

/* The zygote has hung up in the middle of its work: a sentence on how it ended, and on a remedy. */
void link_tell_death(const struct link *link, struct strbuf *err);

#endif
