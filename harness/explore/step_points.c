/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walking a window against an operation that destroys the process (or whose handlers change it):
 * one subject a point. W is brought there at full speed, F operates until it is done or waits for
 * W, then W goes on.
 *
 * Both threads keep their registers here, so two neighbouring points are equal only if W's
 * instruction between them met no memory that F can touch, neither writing nor reading, and made no
 * system call. Of all others, those are tried of which F's own way to where it waits does not show
 * that they are equal (follow.h).
 */
#include <string.h>

#include "base/clock.h"
#include "explore/follow.h"
#include "explore/standstill.h"
#include "explore/step.h"
#include "explore/strategy.h"
#include "observe/tracee.h"

struct course *step_course(struct cell *cell, size_t k, struct trial *trial)
{
	struct control_order order;

	strategy_step.order(cell, k, &order);
	return course_begin(cell->link, &order, cell->cache, &cell->keys, cell->interrupted, trial);
}

enum map_end step_map_end(enum walk_state state)
{
	return state == WALK_OVER ? MAP_LEFT : state == WALK_GONE ? MAP_CUT : MAP_WAITS;
}

/* What W does in its window when nobody disturbs it. */
static void record(struct walker *walker, struct map *map)
{
	enum walk_state state = WALK_ON;

	while (state == WALK_ON && map->n < MAP_POINTS_MAX) {
		const struct cpu_registers *w = &walker->registers;
		struct map_point *point = map_add(map, cpu_pc(w), cpu_sp(w));
		struct walk_effect effect;

		state = walker_step(walker, &effect);
		if (state == WALK_BLOCKED)
			state = walker_resume(walker, NSEC_PER_SEC);
		point->touched = effect.touched;
		point->called = effect.called;
	}
	map->end = step_map_end(state);
}

/* W goes on alone until it leaves its window, ends, or rests. A crash is looked at meanwhile. */
static enum walk_state run_alone(struct course *course, struct walker *walker)
{
	enum walk_state state = walker_run_out(walker);

	while (state == WALK_ON && course_poll(course, 0))
		state = walker_run_out(walker);
	return state;
}

/*
 * F waits for W. It is held, so that being woken does not make it run beside W; and when W waits in
 * turn, so is W. WALK_ON: it does.
 */
static enum walk_state run_ahead(struct operator *f, struct walker *walker)
{
	struct tracees held;
	enum walk_state state;

	tracees_stop(&held, walker->pid, clock_now() + NSEC_PER_SEC);
	state = run_alone(f->course, walker);
	if (state == WALK_BLOCKED)
		state = walker_hold(walker);
	tracees_release(&held);
	return state;
}

/* How far F's finalization has come; nobody moves. */
static struct final_stage stage_of(const struct operator *f, enum operator_state state)
{
	const struct control *control = course_control(f->course);

	if (state != OPERATOR_DONE && state != OPERATOR_BLOCKED)
		return (struct final_stage){ FINAL_UNKNOWN, FINAL_MOVES };
	return final_stage_read((pid_t)atomic_load(&control->state.subject_pid),
				&control->walk.runtime, state == OPERATOR_DONE, f->waits_for);
}

/* What a walk learns on its way from point to point. */
struct lessons {
	struct map *map; /* that it makes */
	bool stages;     /* F finalizes, and how far it has come at a point is part of the map */
	struct standstills hangs;
	struct follow_policy following;
};

/* What was met at a point. */
struct met {
	bool found;  /* W came to the point, and beyond it went the way it went before */
	bool waits;  /* F operated there, and had to wait for W */
	size_t last; /* of the points from there on that are known to be equal */
	bool still;  /* in the end each waits for the other, and that is where: */
	struct standstill_round round;
	struct final_stage stage; /* of F, when W was about to go on */
};

/* The stages of points that need no experiment are read as W comes by. */
static void go_on(struct follow *follow, const struct operator *f, struct walker *walker,
		  struct lessons *lessons, struct met *met, enum walk_state *w)
{
	while (follow_w(follow, walker, lessons->map, met->last, w)) {
		met->last++;
		if (lessons->stages)
			lessons->map->points[met->last].stage = stage_of(f, OPERATOR_BLOCKED);
	}
}

/*
 * F operates, until it is done or waits for W. Where it is worth it, F is followed, and W may then
 * go on beyond its point, for as long as that changes nothing. `lessons` NULL: it never is.
 */
static enum operator_state operate(struct operator *f, struct walker *walker,
				   struct lessons *lessons, struct met *met, enum walk_state *w)
{
	enum operator_state state;
	struct follow follow;

	if (!lessons || !follow_is_due(&lessons->following)) {
		operator_tell(f, WALK_OPERATE);
		state = operator_await(f);
		met->stage = stage_of(f, state);
		if (lessons)
			follow_note(&lessons->following, state, false);
		return state;
	}
	state = follow_begin(&follow, f, walker);
	met->stage = stage_of(f, state);
	follow_note(&lessons->following, state, !follow.known);
	if (follow.known)
		go_on(&follow, f, walker, lessons, met, w);
	met->found = !follow.strayed;
	follow_end(&follow);
	return state;
}

/*
 * One thread at a time, and none is interrupted but W at its point: F works until it is done or
 * waits for W; W then goes on until it has left its window or waits for F; and so on, until each
 * waits for the other.
 */
static void take_turns(struct operator *f, struct walker *walker, struct lessons *lessons,
		       struct met *met)
{
	enum walk_state w = WALK_ON;
	enum operator_state state = operate(f, walker, lessons, met, &w);

	met->waits = state == OPERATOR_BLOCKED;
	for (; state == OPERATOR_BLOCKED; state = operator_await(f)) {
		/* W stands behind its window, or is no more: what F waits for is the rest of it. */
		if (w == WALK_OVER || w == WALK_GONE)
			return;
		w = run_ahead(f, walker);
		met->still = w == WALK_ON && standstill_again(&met->round, f->waits_for,
							      &walker->registers);
		if (met->still)
			return;
	}
	if (state == OPERATOR_DONE && w != WALK_OVER && w != WALK_GONE)
		run_alone(f->course, walker);
}

bool step_go_to(struct walker *walker, const struct map *map, size_t k, bool stepping)
{
	struct map_route route = map_route(map, k, stepping);

	if (route.pc && walker_run_to(walker, route.pc, route.times) != WALK_ON)
		return false;
	while (route.steps--)
		if (walker_step(walker, NULL) != WALK_ON)
			return false;
	if (route.rounds && walker_run_rounds(walker, route.rounds) != WALK_ON)
		return false;
	/* One that runs past its point may come by in another window. */
	return !atomic_load(&walker->control->walk.left) &&
	       cpu_pc(&walker->registers) == map->points[k].pc &&
	       cpu_sp(&walker->registers) == map->points[k].sp;
}

/*
 * One subject, W brought to point k, the operation. Where both stand still they are let go, for the
 * watchdog to judge, unless it has judged that standstill before. `lessons` NULL: this is no walk,
 * nothing is learnt, and W runs to its point by a breakpoint, without a single step.
 */
static enum link_result point_trial(struct cell *cell, const struct map *map, size_t k,
				    struct lessons *lessons, struct met *met,
				    struct trial *trial, struct strbuf *err)
{
	enum link_result result;
	struct course *course = step_course(cell, k, trial);
	struct operator f = { .course = course };
	struct walker walker;

	*met = (struct met){ .last = k };
	if (!step_await_window(course))
		return course_end(course, err);
	if (walker_begin(&walker, course, err) < 0) {
		walker_end(&walker);
		return course_abandon(course, err);
	}
	met->found = step_go_to(&walker, map, k, lessons != NULL);
	if (met->found)
		take_turns(&f, &walker, lessons, met);
	walker_end(&walker);
	if (met->still && lessons && standstills_have(&lessons->hangs, &met->round.kept))
		return course_end_stuck(course, err);
	if (met->still)
		course_expect_standstill(course);
	operator_tell(&f, WALK_LEAVE);
	result = course_end(course, err);
	if (met->still && lessons && result == LINK_DONE && trial->outcome == OUTCOME_HANG)
		standstills_add(&lessons->hangs, &met->round.kept);
	return result;
}

enum link_result step_record(struct cell *cell, struct map *map, struct strbuf *err)
{
	struct control_order order;
	enum link_result result;
	struct course *course;
	struct walker walker;
	struct trial trial;
	int ret;

	strategy_step.order(cell, 0, &order);
	/* A crash that is looked at here would be known where it counts, and not looked at. */
	course = course_begin(cell->link, &order, NULL, NULL, cell->interrupted, &trial);
	if (!step_await_window(course)) {
		result = course_end(course, err);
		trial_release(&trial);
		return result;
	}
	ret = walker_begin(&walker, course, err);
	if (!ret)
		ret = walker_observe(&walker, err);
	if (!ret)
		record(&walker, map);
	if (!ret)
		map->places = places_take(cell->cache, walker.pid);
	walker_end(&walker);
	result = course_abandon(course, err);
	trial_release(&trial);
	if (result == LINK_INTERRUPTED)
		return LINK_INTERRUPTED;
	return ret < 0 || !map_is_whole(map, err) ? LINK_BROKEN : LINK_DONE;
}

static bool must_try(const struct map *map, size_t k, bool exact)
{
	return exact || k == 0 || map->points[k - 1].touched;
}

/* *k becomes the last point that is known to be equal. */
static enum link_result try_point(struct cell *cell, struct map *map, size_t *k,
				  struct lessons *lessons, struct strbuf *err)
{
	struct map_point *point = &map->points[*k];
	struct control_order order;
	enum link_result result;
	struct trial trial;
	struct met met;

	result = point_trial(cell, map, *k, lessons, &met, &trial, err);
	if (result == LINK_DONE && !met.found) {
		strbuf_addf(err, "W did not come to point %zu of its window by the way it came "
			    "before: what it does there depends on chance; "
			    "try --explore starve", *k);
		result = LINK_BROKEN;
	}
	if (result == LINK_DONE) {
		point->tried = true;
		if (lessons->stages)
			point->stage = met.stage;
		map->tried++;
		strategy_step.order(cell, *k, &order);
		cell_note(cell, &order, *k, &trial, NULL);
		for (; point <= &map->points[met.last]; point++) {
			point->outcome = trial.outcome;
			point->key = trial.crash_key;
			point->waits = met.waits;
		}
		*k = met.last;
	}
	trial_release(&trial);
	return result;
}

static bool finalizes(const struct cell *cell)
{
	return !strcmp(cell->scenario->operation, "finalize") ||
	       !strcmp(cell->scenario->operation, "reinit");
}

enum link_result step_points(struct cell *cell, struct map *map, bool exact, struct strbuf *err)
{
	enum link_result result = step_record(cell, map, err);
	struct lessons lessons = {
		.map = map, .stages = finalizes(cell), .following.never = exact,
	};

	for (size_t k = 0; k < map->n && result == LINK_DONE; k++)
		if (must_try(map, k, exact))
			result = try_point(cell, map, &k, &lessons, err);
	map_fill(map);
	return result;
}

enum link_result step_point(struct cell *cell, const struct map *map, size_t k,
			    struct trial *trial, struct strbuf *err)
{
	struct met met;

	return point_trial(cell, map, k, NULL, &met, trial, err);
}
