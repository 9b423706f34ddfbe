/* SPDX-License-Identifier: Apache-2.0 */
#include "explore/undone.h"

#include "explore/handlers.h"

static struct picture_subject undone_subject(struct undone *u)
{
	const struct control *control = course_control(u->operator->course);

	return (struct picture_subject){
		.pid = u->walker->pid, .zygote = u->walker->zygote,
		.operator_tid = (pid_t)atomic_load(&control->state.operator_tid),
		.operator_frame = control->walk.operator_frame,
	};
}

static struct picture *undone_picture(struct undone *u, struct picture *before)
{
	struct picture_subject subject = undone_subject(u);

	return picture_take(&subject, before, u->unsound);
}

void undone_forget(struct undone *u)
{
	picture_free(u->before);
	u->before = NULL;
}

void undone_refresh(struct undone *u)
{
	struct picture_subject subject = undone_subject(u);

	if (!u->before)
		return;
	if (!u->walker->stores_known) {
		undone_forget(u);
		return;
	}
	for (size_t i = 0; i < u->walker->nstores; i++)
		picture_refresh(u->before, &subject, u->walker->stores[i].address,
				u->walker->stores[i].size);
}

/*
 * How many more forks there are at one point until two pictures are equal: what is done once, at
 * the first fork or the second or third, is not done again.
 */
#define CHECK_FORKS 3

/* One more fork where W stands, which is to end as the one before it; OUTCOME_COUNT: none was. */
static bool undone_repeat(struct undone *u, enum outcome *outcome)
{
	enum operator_state state;
	struct trial child;

	operator_tell(u->operator, WALK_FORK);
	while ((state = operator_await(u->operator)) == OPERATOR_CHILD)
		course_end_child(u->operator->course);
	u->gone = state == OPERATOR_GONE;
	if (state != OPERATOR_DONE) {
		strbuf_addstr(u->unsound, "a second fork at one point did not come through");
		return false;
	}
	course_take_child(u->operator->course, &child);
	if (*outcome == OUTCOME_COUNT)
		*outcome = child.outcome;
	if (child.outcome != *outcome)
		strbuf_addf(u->unsound, "of two forks at one point one ended with %s, one with %s",
			    outcome_name(*outcome), outcome_name(child.outcome));
	trial_release(&child);
	return !u->unsound->len;
}

/* Is memory what it was in the last picture? `where` it is not. This one is the last then. */
static bool undone_compare(struct undone *u, struct strbuf *where)
{
	struct picture *after = undone_picture(u, u->before);
	bool same;

	strbuf_reset(where);
	same = after && picture_equals(u->before, after, &u->walker->reach, where);
	picture_free(u->before);
	u->before = after;
	return same;
}

bool undone_check(struct undone *u, enum outcome outcome)
{
	struct strbuf where = STRBUF_INIT;

	u->checked = undone_compare(u, &where);
	for (int i = 0; !u->checked && u->before && i < CHECK_FORKS; i++) {
		if (!undone_repeat(u, &outcome))
			break;
		u->checked = undone_compare(u, &where);
	}
	undone_forget(u);
	if (!u->checked && !u->unsound->len)
		strbuf_addf(u->unsound, "a fork does not leave the process as it was: %s",
			    where.buf);
	strbuf_release(&where);
	return u->checked;
}

bool undone_begin(struct undone *u)
{
	if (!u->checked && !u->before)
		u->before = undone_picture(u, NULL);
	return u->checked || u->before;
}

bool undone_end(struct undone *u)
{
	enum outcome outcome = OUTCOME_COUNT;

	if (u->checked)
		return true;
	undone_refresh(u);
	return undone_begin(u) && undone_repeat(u, &outcome) && undone_check(u, outcome);
}
