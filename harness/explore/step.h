/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the `step` strategy share: step.c (the strategy), step_forks.c (one subject,
 * many forks), undone.c (which it may serve), step_points.c (one subject a point), operator.c (F),
 * critical.c (borders explained).
 */
#ifndef FORKPOINT_EXPLORE_STEP_H
#define FORKPOINT_EXPLORE_STEP_H

#include "explore/map.h"
#include "explore/rest.h"
#include "explore/walker.h"
#include "run/cell.h"
#include "run/course.h"

/* Where F is, once the driver has told it something. */
enum operator_state {
	OPERATOR_DONE,    /* it has answered */
	OPERATOR_ON,      /* it is on its way; from operator_look() alone */
	OPERATOR_BLOCKED, /* it waits for something that W has to do */
	OPERATOR_CHILD,   /* it waits for its forked child, which does not end */
	OPERATOR_GONE,    /* the subject has ended or is stopped, or we are interrupted */
};

/* F, as it is told what to do. */
struct operator {
	struct course *course;
	/* When it was found blocked: how often it had fallen asleep, and on which word it waits. */
	uint64_t sleeps, waits_for;
	bool endless; /* without a time limit: only a system call of W's can wake it */
};

/* Has F carried out what it was told last? */
bool operator_answered(const struct control *control);
/* Tell F something, without waiting. */
void operator_tell(struct operator *f, enum walk_command command);
/* Wait while F works and W stands still. */
enum operator_state operator_await(struct operator *f);
/* One look at F, which has not forked; OPERATOR_BLOCKED, if that and the looks before say so. */
enum operator_state operator_look(struct operator *f, struct rest *rest);
/* Is F, found blocked, on its way again, or was it? For right after W has made a system call. */
bool operator_moves(const struct operator *f);
/* Has F, found blocked in a fork, come through? It says so itself, so this costs nothing. */
bool operator_came_through(const struct operator *f);

/* Where W was at last, for the map. */
enum map_end step_map_end(enum walk_state state);

/* The subject is at its window: W stands, F waits for a command. False: it never comes so far. */
bool step_await_window(struct course *course);

/*
 * One subject, F forks at each point at which a child could differ. That a fork leaves the subject
 * as it was is looked at; where it does not, or nobody can tell, a sentence is in `unsound`, and
 * the map is not to be used.
 */
enum link_result step_forks(struct cell *cell, struct map *map, bool exact, struct strbuf *unsound,
			    struct strbuf *err);

/* W's way through its window when nobody disturbs it, into an empty map; nothing is tried. */
enum link_result step_record(struct cell *cell, struct map *map, struct strbuf *err);
/* A subject for point k; as course_begin(). */
struct course *step_course(struct cell *cell, size_t k, struct trial *trial);
/*
 * W, at its window's start, is brought to point k, by a breakpoint and some steps, or without them.
 * False: it did not come there by the way that it came before.
 */
bool step_go_to(struct walker *walker, const struct map *map, size_t k, bool stepping);

/*
 * One subject, in which W is brought to point k by a breakpoint, not by stepping. `trial` is to be
 * released in any case; a trial in which W did not come there is no hit.
 */
enum link_result step_point(struct cell *cell, const struct map *map, size_t k,
			    struct trial *trial, struct strbuf *err);

/* One subject a point. */
enum link_result step_points(struct cell *cell, struct map *map, bool exact, struct strbuf *err);

#endif
