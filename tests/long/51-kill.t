#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# SIGKILL and Ctrl-C at random moments of the whole matrix: whatever was going on, nothing is left
# behind within about a second, and who was not killed goes on. FORKPOINT_TEST_SCALE multiplies the
# forty rounds; FORKPOINT_TEST_SEED repeats a run's choices, as far as a scheduler allows it.
use strict;
use warnings;
use lib 'tests/lib';

use Test::More;
use Time::HiRes qw(sleep time);
use Driven;

plan(skip_all => 'no interpreter is known: make pythons') if !interpreter();

my $rounds = 40 * ($ENV{FORKPOINT_TEST_SCALE} // 1);
my $seed = $ENV{FORKPOINT_TEST_SEED} // time;
srand($seed);
diag("FORKPOINT_TEST_SEED=$seed");

my @victims = qw(main worker zygote subject);
my @plans = (
	['run', '--budget', '1s'],
	['run', '--budget', '0.5s', '--isolation', 'exec'],
	['run', '--budget', '0.5s', '--explore', 'storm', 'fork-lru-list', 'finalize-hammer'],
	['run', '--trials', '5', 'selftest-child-hang', 'fork-held-mutex', 'selftest-spin',
	 'fork-stop-sampler', 'selftest-abort'],
);

for my $round (1 .. $rounds) {
	my $victim = $victims[$round % @victims];
	my @args = @{$plans[rand @plans]};
	my $run = start(@args);
	my $moment = 0.2 + rand 6;
	my $what = sprintf('%s killed after %.2f s of %s', $victim, $moment, "@args");

	sleep $moment;
	my @pids = await(5, sub { my @p = @{kin($run)->{$victim}}; return @p ? \@p : undef; });
	my @chosen = @{$pids[0] // []};
	my $pid = $chosen[rand @chosen];

	if (!$pid || waitpid($run->{pid}, POSIX::WNOHANG())) {
		pass("$what: it was over already");
		next;
	}
	kill 'KILL', $pid;
	if ($victim ne 'main') {
		sleep 0.5 + rand 1;
		is(waitpid($run->{pid}, POSIX::WNOHANG()), 0, "$what: the run goes on")
			or diag(slurp($run->{err}));
		is((grep { $_->{pid} == $pid } session_of($run)) ? 'there' : 'gone', 'gone',
		   "$what: and has reaped it");
		kill 'INT', $run->{pid};
		finish($run, 5);
		is($run->{status}, 130 << 8, "$what: and hears Ctrl-C");
		cmp_ok($run->{took}, '<', 1, "$what: within a second");
		is("@{tap_of($run->{text})->{faults}}", '', "$what: with TAP in order");
	} else {
		finish($run, 5);
	}
	is(left_behind($run, 1.5), '', "$what: nothing is left behind");
}
done_testing();
