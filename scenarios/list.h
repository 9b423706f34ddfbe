/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every scenario, in the order in which they are listed and run. A line
 *
 *	SCENARIO(name)
 *
 * names `extern const struct scenario scenario_<name>`, which scenarios/<name>.c (or .cc) defines.
 * No include guard: whoever includes this defines SCENARIO() first, as often as needed.
 */

SCENARIO(fork_lru_list)
SCENARIO(fork_lru_stdlist)
SCENARIO(fork_atfork_order)
SCENARIO(fork_held_mutex)
SCENARIO(fork_stop_sampler)
SCENARIO(fork_stop_cost)
SCENARIO(fork_live_subinterpreter)
SCENARIO(fork_atfork_head_lock)

SCENARIO(finalize_ensure_after)
SCENARIO(finalize_check_then_ensure)
SCENARIO(finalize_restore)
SCENARIO(finalize_hammer)
SCENARIO(restore_after_reinit)

/* The harness against itself: scenarios/selftest.c, selftest_*.c. */
SCENARIO(selftest_noop)
SCENARIO(selftest_crash)
SCENARIO(selftest_child_crash)
SCENARIO(selftest_abort)
SCENARIO(selftest_kill)
SCENARIO(selftest_hang)
SCENARIO(selftest_child_hang)
SCENARIO(selftest_spin)
SCENARIO(selftest_stop)
SCENARIO(selftest_slow)
SCENARIO(selftest_silent)
SCENARIO(selftest_words)
SCENARIO(selftest_flood)
SCENARIO(selftest_parricide)
SCENARIO(selftest_vacuous)
SCENARIO(selftest_window)
SCENARIO(selftest_outside)
SCENARIO(selftest_promise)
SCENARIO(selftest_rare)
SCENARIO(selftest_awaited)
SCENARIO(selftest_floor)
SCENARIO(selftest_step_one)
SCENARIO(selftest_step_clean)
SCENARIO(selftest_step_stack)
SCENARIO(selftest_step_lock)
SCENARIO(selftest_step_rounds)
SCENARIO(selftest_step_counted)
SCENARIO(selftest_step_late)
SCENARIO(selftest_step_fill)
SCENARIO(selftest_step_copy)
SCENARIO(selftest_step_call)
SCENARIO(selftest_step_crash)
SCENARIO(selftest_step_crash_late)
SCENARIO(selftest_step_seen)
SCENARIO(selftest_step_asked)
SCENARIO(selftest_step_apart)
SCENARIO(selftest_step_chance)
SCENARIO(selftest_step_ends)
