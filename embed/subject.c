/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a subject: one process, one trial.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "embed/frame.h"
#include "embed/futex.h"
#include "harness/base/rng.h"

static struct subject the_subject;
static struct subject *current;

struct subject *subject_current(void)
{
	return current;
}

void subject_progress(struct subject *s)
{
	atomic_fetch_add_explicit(&s->control->state.progress, 1, memory_order_relaxed);
}

void subject_stage(struct subject *s, enum stage stage)
{
	atomic_store(&s->control->state.stage, (uint32_t)stage);
	subject_progress(s);
}

void subject_say(struct subject *s, enum outcome outcome, const char *why)
{
	struct control_word *word = &s->control->said.words[control_word_of(outcome)];
	uint32_t unsaid = WORD_UNSAID;
	size_t i;

	if (!atomic_compare_exchange_strong(&word->state, &unsaid, WORD_BEGUN))
		return;
	for (i = 0; why[i] && i < sizeof(word->text) - 1; i++)
		word->text[i] = why[i];
	word->text[i] = '\0';
	word->outcome = outcome;
	atomic_store(&word->state, WORD_SAID);
}

void subject_fail(struct subject *s, const char *why)
{
	subject_say(s, OUTCOME_WRONG, why);
	_exit(HOST_EXIT_HARNESS);
}

uint64_t subject_random(struct subject *s)
{
	return rng_next(&s->rng);
}

bool subject_is(const struct subject *s, const char *variant)
{
	const struct variant *v = s->scenario->variants;

	return v && !strcmp(v[s->variant].name, variant);
}

static bool twin_retires(const struct subject *s)
{
	return s->twin && (s->scenario->flags & SCENARIO_TWIN_RETIRES);
}

void subject_note_hit(struct subject *s)
{
	struct control_state *state = &s->control->state;
	bool hit;

	if (!(s->scenario->flags & SCENARIO_WINDOW))
		hit = true;
	else if (twin_retires(s))
		hit = atomic_load(&state->windows) > 0;
	else
		hit = atomic_load(&s->in_window) != 0;
	if (hit)
		atomic_store(&state->hits, 1);
}

/*
 * First of all child handlers. s->in_window is private memory, so it tells where W stood at the
 * very instant of the fork, which may be inside although the operation began outside. The child
 * dies with the thread that forked it: F waits for it, so an F that is gone means a subject that is
 * gone.
 */
void subject_in_child(void)
{
	struct subject *s = current;

	if (!s)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	atomic_store(&s->control->state.child_pid, (uint32_t)getpid());
	subject_note_hit(s);
	subject_stage(s, STAGE_CHILD);
}

static void subject_prepare(struct control *control)
{
	struct subject *s = &the_subject;
	struct control_order *order = &control->order;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpgid(0, 0);
	dup2(SUBJECT_FD_SINK, STDOUT_FILENO);
	dup2(SUBJECT_FD_SINK, STDERR_FILENO);
	close(SUBJECT_FD_LINK);

	s->control = control;
	if (order->scenario >= host_scenario_count() ||
	    control_name_hash(host_scenarios[order->scenario]->name) != order->name_hash)
		subject_fail(s, "the host was built again from other sources meanwhile: run again");
	s->scenario = host_scenarios[order->scenario];
	s->variant = order->variant;
	s->twin = order->twin != 0;
	s->rng = order->seed;
	current = s;
	atomic_store(&control->state.subject_pid, (uint32_t)getpid());
	atomic_store(&control->state.operator_tid, (uint32_t)getpid());
	announce_install(control);
	meet_install(s);
}

/*
 * A thread of this process that has announced a crash is about to end it: leaving first would turn
 * the crash into a clean exit. A forked child's crash is over by now.
 */
static void await_own_crash(const struct control *control)
{
	while (atomic_load(&control->crash.state) == CRASH_CLAIMED)
		sched_yield();
	while (atomic_load(&control->crash.state) != CRASH_NONE &&
	       control->crash.pid == (uint32_t)getpid())
		pause();
}

void subject_main(struct control *control)
{
	struct subject *s = &the_subject;
	const struct scenario *scenario;

	subject_prepare(control);
	scenario = s->scenario;
	subject_stage(s, STAGE_SETUP);
	if (scenario->setup)
		scenario->setup(s);
	walk_prepare(s, __builtin_frame_address(0));
	subject_stage(s, STAGE_WORKING);
	Py_BEGIN_ALLOW_THREADS
	workers_start(s);
	meet_before(s);
	Py_END_ALLOW_THREADS
	if (scenario->before)
		scenario->before(s);
	operation_run(s);
	subject_stage(s, STAGE_CHECKING);
	if (control->order.meet == MEET_QUIET)
		subject_say(s, OUTCOME_OK, "");
	else if (scenario->check)
		scenario->check(s);
	/* Only now: check() may know better than the child, or say more. */
	if (operation_child_is_fine(s))
		subject_say(s, OUTCOME_OK, "");
	subject_stage(s, STAGE_OVER);
	await_own_crash(control);
	/* Not exit(): held and parked threads live on, and what exit runs is not under test. */
	_exit(0);
}
