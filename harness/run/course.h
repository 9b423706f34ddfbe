/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One trial while it runs, for who directs it from outside (explore/step*.c): begin, poll until
 * something has happened that you wait for, end. link_trial() is begin and end with nothing in
 * between.
 *
 * Crashes are looked at and let die while this polls; so poll whenever you wait for the subject.
 */
#ifndef FORKPOINT_RUN_COURSE_H
#define FORKPOINT_RUN_COURSE_H

#include <stdbool.h>
#include <stdint.h>

#include "run/link.h"

struct course;

/*
 * Start the trial. Arguments as for link_trial(); `trial` is filled in by course_end(). Never NULL;
 * end it in any case.
 */
struct course *course_begin(struct link *link, const struct control_order *order,
			    struct capture_cache *cache, struct crash_keys *keys,
			    const volatile bool *interrupted, struct trial *trial);

/* The subject's own end of the control block. */
struct control *course_control(struct course *course);

/* The process that the subject is a fork of; 0: none, it was started afresh. */
pid_t course_zygote(const struct course *course);

/* MEET_WALK: a command for F. Does not wait. */
void course_tell(struct course *course, enum walk_command command);
/* MEET_WALK: W, which stands at its window, may go on. */
void course_let_go(struct course *course);

/*
 * Wait for up to timeout_ns for a word of the subject or its end, and do what it asks for. True as
 * long as the subject lives and nobody has interrupted us; then only course_end() is left.
 */
bool course_poll(struct course *course, uint64_t timeout_ns);

/*
 * The forked child of a course that lets one trial have many: how it ended goes to `child`, its
 * crash with it, and the control block forgets it. Call it when the subject has reaped the child.
 */
void course_take_child(struct course *course, struct trial *child);
/* While the subject waits for its child: a look of the watchdog's at it. */
bool course_child_is_stuck(struct course *course);
/*
 * The child does not end: look at all processes of the subject (once for each kind of hang), end
 * the child, and have the next course_take_child() call it a hang.
 */
void course_end_child(struct course *course);

/* Before it is ended: W and F have been seen to wait for each other, see watchdog.h. */
void course_expect_standstill(struct course *course);

/*
 * End it now, as a hang: its threads stand where those of an earlier trial stood, which the
 * watchdog has called one.
 */
enum link_result course_end_stuck(struct course *course, struct strbuf *err);

/* End it now, whatever it does; what is in the trial then is no outcome. */
enum link_result course_abandon(struct course *course, struct strbuf *err);

/* Under the watchdog until the subject has ended; then the outcome. Frees the course. */
enum link_result course_end(struct course *course, struct strbuf *err);

#endif
