/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fork-atfork-order: two libraries repair themselves after a fork, in the wrong order.
 *
 * Child handlers of pthread_atfork() run in the order in which they were registered, the oldest
 * first, and registered is what the first import or dlopen() of a library does. A sampler that adds
 * to a profile was loaded before the profile was. In the child the sampler begins anew and adds its
 * one thread, while the profile has not repaired itself yet. Nothing races: each fork of such a
 * process fails, and none of a process that happened to load them the other way round.
 *
 *   lock     the profile took its lock in its prepare handler, as one should, and gives the child a
 *            new one in its child handler. The sampler wants it before: the child's only thread
 *            waits for a lock that it took itself.
 *   memory   the profile keeps its buffers out of children (MADV_DONTFORK) and maps new ones in its
 *            child handler. The sampler writes before: SIGSEGV.
 *
 * Users saw rare segmentation faults in forked workers, and only with some orders of imports.
 *
 * The fix is to load, and so to register, the profile first. Prepare handlers run the other way
 * round, newest first, so that the sampler then comes to rest before what it uses does.
 *
 * On the way this holds each interpreter to the order that is documented for pthread_atfork() and
 * for os.register_at_fork(): Python's `before` hooks, newest first, ahead of all prepare handlers;
 * Python's parent and child hooks, oldest first, behind all of C's. The two libraries are
 * lib/so_profile.c and lib/so_sampler.c.
 *
 * The sampler's child handler takes a lock, which is not async-signal-safe: that is the bug.
 */
#include <string.h>

#include "scenarios/lib/beside.h"
#include "scenarios/lib/hooks.h"
#include "scenarios/lib/so_profile.h"
#include "scenarios/scenario.h"

/* What must run, in this order, in a process that registers as setup() does. */
#define DUE_BEFORE 6
#define DUE_AFTER 6

static const char *due_before[DUE_BEFORE] = {
	"before hook 2", "before hook 1", "prepare newest", NULL, NULL, "prepare oldest",
};
static const char *due_in_parent[DUE_AFTER] = {
	"parent oldest", NULL, NULL, "parent newest", "parent hook 1", "parent hook 2",
};
static const char *due_in_child[DUE_AFTER] = {
	"child oldest", NULL, NULL, "child newest", "child hook 1", "child hook 2",
};

/* The child begins with the parent's count, like everything else here. */
static unsigned int ran_before, ran_in_parent, ran_in_child;

static struct subject *subject;
static profile_total_fn *profile_total;

/* Said at once, since what comes next may be the hang. */
static void say_out_of_order(const char *due, const char *ran)
{
	static char text[128];

	strcpy(text, "at-fork handlers out of order: ");
	strcat(text, ran);
	strcat(text, " ran where ");
	strcat(text, due ? due : "nothing more");
	strcat(text, " was due");
	subject_say(subject, OUTCOME_WRONG, text);
}

static void ran(const char *handler, const char *const *due, unsigned int ndue, unsigned int *count)
{
	const char *expected = *count < ndue ? due[*count] : NULL;

	if (!expected || strcmp(expected, handler) != 0)
		say_out_of_order(expected, handler);
	++*count;
}

/* Child-safe, async-signal-safe. */
static void note(const char *handler)
{
	if (handler[0] == 'c')
		ran(handler, due_in_child, DUE_AFTER, &ran_in_child);
	else if (!strncmp(handler, "pa", 2))
		ran(handler, due_in_parent, DUE_AFTER, &ran_in_parent);
	else
		ran(handler, due_before, DUE_BEFORE, &ran_before);
}

static void oldest_prepare(void) { note("prepare oldest"); }
static void oldest_parent(void) { note("parent oldest"); }
static void oldest_child(void) { note("child oldest"); }
static void newest_prepare(void) { note("prepare newest"); }
static void newest_parent(void) { note("parent newest"); }
static void newest_child(void) { note("child newest"); }

static void hook_1_before(struct subject *s) { (void)s; note("before hook 1"); }
static void hook_1_parent(struct subject *s) { (void)s; note("parent hook 1"); }
static void hook_1_child(struct subject *s) { (void)s; note("child hook 1"); }
static void hook_2_before(struct subject *s) { (void)s; note("before hook 2"); }
static void hook_2_parent(struct subject *s) { (void)s; note("parent hook 2"); }
static void hook_2_child(struct subject *s) { (void)s; note("child hook 2"); }

static const struct fork_hooks hooks_1 = { hook_1_before, hook_1_parent, hook_1_child };
static const struct fork_hooks hooks_2 = { hook_2_before, hook_2_parent, hook_2_child };

static void expect_libraries(bool profile_first)
{
	due_before[3] = profile_first ? "prepare sampler" : "prepare profile";
	due_before[4] = profile_first ? "prepare profile" : "prepare sampler";
	due_in_parent[1] = profile_first ? "parent profile" : "parent sampler";
	due_in_parent[2] = profile_first ? "parent sampler" : "parent profile";
	due_in_child[1] = profile_first ? "child profile" : "child sampler";
	due_in_child[2] = profile_first ? "child sampler" : "child profile";
}

/* Loading is registering. */
static void load_libraries(struct subject *s)
{
	void *first = beside_open(s, s->twin ? "profile" : "sampler");
	void *second = beside_open(s, s->twin ? "sampler" : "profile");
	void *profile = s->twin ? first : second, *sampler = s->twin ? second : first;
	enum profile_guard guard = subject_is(s, "memory") ? PROFILE_UNSHARED : PROFILE_LOCKED;
	profile_start_fn *profile_start = beside_symbol(s, profile, "profile_start");
	profile_add_fn *profile_add = beside_symbol(s, profile, "profile_add");
	sampler_start_fn *sampler_start = beside_symbol(s, sampler, "sampler_start");

	profile_total = beside_symbol(s, profile, "profile_total");
	if (!profile_start || !profile_add || !profile_total || !sampler_start)
		return;
	if (profile_start(guard, note))
		subject_say(s, OUTCOME_WRONG, "no memory for the profile");
	sampler_start(profile_add, note);
	profile_add(1);
	profile_add(2);
	expect_libraries(s->twin);
}

/* Python's hooks are registered first and last of all, and it must make no difference. */
static void setup(struct subject *s)
{
	subject = s;
	fork_hooks_register(s, &hooks_1);
	pthread_atfork(oldest_prepare, oldest_parent, oldest_child);
	load_libraries(s);
	pthread_atfork(newest_prepare, newest_parent, newest_child);
	fork_hooks_register(s, &hooks_2);
}

static void child(struct subject *s)
{
	if (ran_before != DUE_BEFORE || ran_in_child != DUE_AFTER || ran_in_parent != 0)
		subject_say(s, OUTCOME_WRONG, "the child ran other handlers than its own");
	else if (profile_total() != 1)
		subject_say(s, OUTCOME_WRONG, "the child's profile is not the one thread it has");
}

static void check(struct subject *s)
{
	if (ran_before != DUE_BEFORE || ran_in_parent != DUE_AFTER || ran_in_child != 0)
		subject_say(s, OUTCOME_WRONG, "the parent ran other handlers than its own");
	else if (profile_total() != 2)
		subject_say(s, OUTCOME_WRONG, "the parent's profile has changed");
}

static const char *const links[] = {
	"https://github.com/DataDog/dd-trace-py/pull/17183",
	NULL,
};

static const struct variant variants[] = {
	{ .name = "lock", .doc = "what is repaired too late is a lock" },
	{ .name = "memory", .doc = "what is repaired too late is memory that is not inherited" },
	{ .name = NULL },
};

static const struct expectation expectations[] = {
	{
		.releases = "",
		.variant = "lock",
		.shows = "hang",
		.allows = "hang",
		.source = "POSIX, pthread_atfork(): child handlers run in order of registration",
	},
	{
		.releases = "",
		.variant = "memory",
		.shows = "SIGSEGV",
		.allows = "SIGSEGV",
		.source = "dd-trace-py 17183; madvise(2), MADV_DONTFORK",
	},
	{ .releases = NULL },
};

const struct scenario scenario_fork_atfork_order = {
	.name = "fork-atfork-order",
	.race = "in the child, one library's at-fork handler uses another library, which repairs "
		"itself in a handler that comes later",
	.symptom = "every forked child hangs or dies below fork(), with one order of imports only",
	.fix = "the library that is used is loaded first, so that its child handler runs first",
	.links = links,
	.operation = OPERATION_FORK,
	.flags = SCENARIO_GATED,
	.variants = variants,
	.expectations = expectations,
	.setup = setup,
	.child = child,
	.check = check,
};
