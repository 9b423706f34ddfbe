/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walking a window against an operation that leaves the process whole: one subject, in which F
 * forks while W stands at one point after the other.
 *
 * A fork copies memory and nothing else, so a child can differ from the one before only where W has
 * changed memory in between: there F forks again, elsewhere the last child speaks for this point,
 * too. That takes for granted that F's own handlers leave memory as they found it, which undone.c
 * looks at; where they do not, step_points.c makes a subject for each point.
 */
#include <string.h>

#include "base/clock.h"
#include "explore/handlers.h"
#include "explore/standstill.h"
#include "explore/step.h"
#include "explore/strategy.h"
#include "explore/stride.h"
#include "explore/undone.h"

struct forks {
	struct cell *cell;
	struct course *course;
	struct operator operator;
	struct walker walker;
	struct map *map;
	bool exact;
	size_t since;   /* first point at which the pending fork has waited */
	bool pending;   /* F has begun to fork and waits for W */
	bool called;    /* W has called the kernel since it was found to */
	struct standstill_round round; /* W's, while a fork waits for it */
	unsigned int rounds;           /* so many have closed, and nothing has moved */
	struct undone undone; /* does a fork leave the subject as it was? */
	bool gone;      /* the subject has ended in the middle, or nobody lets it go on */
	struct strbuf *unsound; /* that it does not, or nobody knows */
};

static void forks_add(struct forks *f)
{
	const struct cpu_registers *w = &f->walker.registers;

	map_add(f->map, cpu_pc(w), cpu_sp(w));
}

/*
 * The next point; or several, of which the last is left to whoever asked, and none of the others
 * can differ from the one before for a child.
 */
static enum walk_state forks_step(struct forks *f, struct walk_effect *effect)
{
	enum walk_state state;
	struct stride stride;
	size_t n;

	if (f->exact || f->pending || f->map->n + STRIDE_MAX >= MAP_POINTS_MAX ||
	    !stride_plan(&stride, &f->walker))
		return walker_step(&f->walker, effect);
	state = stride_run(&stride, &f->walker, effect, &n);
	/* Where a signal has stopped it too early it stands a second time, as after a step. */
	for (size_t i = 1; i < stride.n && i <= n; i++)
		map_add(f->map, stride.points[i].pc, stride.points[i].sp);
	return state;
}

static struct map_point *last_point(struct forks *f)
{
	return &f->map->points[f->map->n - 1];
}

/* The fork has come to its end while W stands at the last point. False: nobody knows what of. */
static bool forks_note(struct forks *f)
{
	struct map_point *point = last_point(f);
	size_t k = f->pending ? f->since : f->map->n - 1;
	struct control_order order;
	struct trial child;

	course_take_child(f->course, &child);
	if (f->undone.before && !undone_check(&f->undone, child.outcome)) {
		trial_release(&child);
		return false;
	}
	point->tried = true;
	point->outcome = child.outcome;
	point->key = child.crash_key;
	for (size_t i = f->since; f->pending && i + 1 < f->map->n; i++) {
		f->map->points[i].waits = true;
		f->map->points[i].outcome = child.outcome;
		f->map->points[i].key = child.crash_key;
	}
	f->pending = false;
	strategy_step.order(f->cell, k, &order);
	cell_note(f->cell, &order, k, &child, NULL);
	f->map->tried++;
	trial_release(&child);
	return true;
}

/* W stands; F is on its way. False if the subject is no more, or no good. */
static bool forks_settle(struct forks *f)
{
	for (;;) {
		switch (operator_await(&f->operator)) {
		case OPERATOR_DONE:
			if (!forks_note(f))
				return false;
			/* It came through while W stands here: one begun here need not wait. */
			last_point(f)->waits = false;
			return true;
		case OPERATOR_CHILD:
			course_end_child(f->course);
			break;
		case OPERATOR_BLOCKED:
			if (!f->pending) {
				f->since = f->map->n - 1;
				f->called = false;
			}
			f->pending = true;
			undone_forget(&f->undone);
			last_point(f)->waits = true;
			return true;
		case OPERATOR_ON: /* nothing that is waited for */
		case OPERATOR_GONE:
			f->gone = true;
			return false;
		}
	}
}

static bool forks_try(struct forks *f)
{
	operator_tell(&f->operator, WALK_FORK);
	return forks_settle(f);
}

/* W goes back to a wait so often, and F has not moved: it is F that it waits for. */
#define ROUNDS 3

/*
 * While a fork waits for W. One that waits for F in turn, for the GIL in particular, does so in
 * rounds without end.
 */
static bool forks_go_on(struct forks *f, const struct walk_effect *effect)
{
	last_point(f)->waits = true;
	f->called |= effect->called;
	if (f->operator.endless && !f->called && operator_came_through(&f->operator)) {
		/* A machine under load may make it look so: where W was then nobody knows. */
		strbuf_addstr(f->unsound, "F was taken to wait for W, and came through by itself");
		return false;
	}
	if (effect->called && operator_moves(&f->operator)) {
		f->rounds = 0;
		return forks_settle(f);
	}
	if (effect->waited && standstill_again(&f->round, f->operator.waits_for,
					       &f->walker.registers))
		f->rounds++;
	return f->rounds < ROUNDS;
}

/* W has come to a new point. */
static bool forks_point(struct forks *f, const struct walk_effect *effect)
{
	forks_add(f);
	if (f->pending)
		return forks_go_on(f, effect);
	if (!f->exact && !effect->changed)
		return true;
	undone_refresh(&f->undone);
	return (!f->map->tried || undone_begin(&f->undone)) && forks_try(f);
}

/*
 * W sleeps, and so does F, which waits for W to move. Nobody else moves, most likely; if somebody
 * does, all that is lost by not waiting longer is that each point gets a subject of its own.
 */
#define STUCK_NS (20 * NSEC_PER_MSEC)

/* Where W was at last; WALK_ON: in the middle, for the walk is void. */
static enum walk_state forks_walk(struct forks *f)
{
	struct walk_effect effect;

	while (f->map->n < MAP_POINTS_MAX) {
		enum walk_state state = forks_step(f, &effect);

		/* F may be what W waits for. */
		if (state == WALK_BLOCKED && f->pending && operator_moves(&f->operator) &&
		    !forks_settle(f))
			return WALK_BLOCKED;
		if (state == WALK_BLOCKED)
			state = walker_resume(&f->walker, f->pending ? STUCK_NS : NSEC_PER_SEC);
		/* F has forked once, or never again at once. */
		if (state == WALK_OVER && f->map->tried && !f->pending &&
		    !undone_end(&f->undone))
			return WALK_ON;
		if (state != WALK_ON || !forks_point(f, &effect))
			return state;
	}
	return WALK_ON;
}

/*
 * Where the window's code is. Of a subject that has ended the zygote knows it, whose modules it
 * had.
 */
static void forks_place(struct forks *f)
{
	struct capture_cache *cache = f->cell->cache;

	if (f->undone.before)
		f->map->places = places_of(cache, &picture_copy(f->undone.before)->maps);
	else
		f->map->places = places_take(cache, f->walker.pid);
	if (!f->map->places && f->walker.zygote)
		f->map->places = places_take(cache, f->walker.zygote);
}

/*
 * The first point. What is W's alone is looked for in the picture behind the fork, if one came
 * through: W has not moved.
 */
static int forks_begin(struct forks *f, struct strbuf *err)
{
	int ret = 0;

	forks_add(f);
	if (forks_try(f)) {
		if (f->pending)
			ret = walker_observe(&f->walker, err);
		else if (undone_begin(&f->undone))
			walker_observe_copy(&f->walker, picture_copy(f->undone.before));
	}
	forks_place(f);
	return ret;
}

/*
 * W stands behind its window, and ends there when it is let go, once F has called its operation
 * over. Otherwise it would work on, and take the CPU that F needs for its own end.
 */
static void forks_rest(struct forks *f)
{
	operator_tell(&f->operator, WALK_REST);
	operator_await(&f->operator);
}

/*
 * What became of the subject: of the fork that never came through, of one that ended in the middle,
 * or of a window never reached.
 */
static void forks_conclude(struct forks *f, const struct control_order *order, struct trial *trial)
{
	size_t from = f->pending ? f->since : f->gone && f->map->n ? f->map->n - 1 : f->map->n;

	if (f->map->n && !f->pending && trial->outcome == OUTCOME_OK)
		return;
	for (size_t k = from; k < f->map->n; k++) {
		f->map->points[k].outcome = trial->outcome;
		f->map->points[k].key = trial->crash_key;
		f->map->points[k].tried |= f->gone;
	}
	f->map->tried += from < f->map->n;
	cell_note(f->cell, order, from < f->map->n ? from : 0, trial, NULL);
}

/* W is at its window. -1 and a sentence: it cannot be walked. */
static int forks_explore(struct forks *f, struct strbuf *err)
{
	enum walk_state state = WALK_ON;

	if (walker_begin(&f->walker, f->course, err) < 0)
		return -1;
	if (forks_begin(f, err) < 0)
		return -1;
	if (f->walker.code)
		state = forks_walk(f);
	if (state == WALK_ASTRAY)
		strbuf_addstr(f->unsound, "W went another way through its window than what it had "
			      "before it told, so somebody else moved");
	f->gone = f->gone || f->undone.gone;
	f->map->end = f->gone ? MAP_CUT : step_map_end(state);
	if (state == WALK_OVER && !f->pending && f->undone.checked)
		forks_rest(f);
	if (!map_is_whole(f->map, err))
		return -1;
	if (f->gone)
		strbuf_reset(f->unsound);
	else if (!f->undone.checked && !f->unsound->len)
		strbuf_addstr(f->unsound, "no two forks came through while W was in its window, "
			      "so whether one leaves the process as it was is not known");
	return 0;
}

enum link_result step_forks(struct cell *cell, struct map *map, bool exact, struct strbuf *unsound,
			    struct strbuf *err)
{
	struct forks f = { .cell = cell, .map = map, .exact = exact, .unsound = unsound };
	struct control_order order;
	enum link_result result;
	struct trial trial;
	int ret = 0;

	strategy_step.order(cell, 0, &order);
	f.course = course_begin(cell->link, &order, cell->cache, &cell->keys, cell->interrupted,
				&trial);
	f.operator.course = f.course;
	f.undone = (struct undone){ .operator = &f.operator, .walker = &f.walker,
				    .unsound = unsound };
	if (step_await_window(f.course)) {
		ret = forks_explore(&f, err);
		walker_end(&f.walker);
		undone_forget(&f.undone);
	}
	if (ret < 0 || unsound->len) {
		result = course_abandon(f.course, err);
		trial_release(&trial);
		return ret < 0 ? LINK_BROKEN : result;
	}
	if (f.pending && operator_await(&f.operator) == OPERATOR_DONE)
		forks_note(&f);
	operator_tell(&f.operator, WALK_LEAVE);
	result = course_end(f.course, err);
	if (result == LINK_DONE)
		forks_conclude(&f, &order, &trial);
	trial_release(&trial);
	map_fill(map);
	return result;
}
