#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The harness judged by scenarios that do one known thing each: scenarios/selftest.c. They say what
# happens to a crash, a hang, a loop, silence, and a window that is never met.
use strict;
use warnings;

use lib 'tests/lib';
use Forkpoint;
use Test::More;

my @pythons = pythons();
plan(skip_all => 'no interpreter is here: make pythons') if !@pythons;
# The harness's own doings do not depend on the release; the newest has most in its way.
my $python = $pythons[-1];

sub run_one {
	my ($name, @more) = @_;
	my ($status, $cells, $tap, $err) = cells("selftest-$name", '--python', $python, '--twins',
						 'without', @more);

	BAIL_OUT("selftest-$name ended with $status: $err") if @$cells != 1;
	return ($cells->[0], $status, $tap);
}

# What fails must fail, in the verdict, the TAP and the exit status.
for my $case ([ 'vacuous', 'vacuous', qr/never began inside the window/ ],
	      [ 'promise', 'unexpected', qr/only SIGSEGV is expected/ ],
	      [ 'floor', 'unexpected', qr/at least 0\.02 of the hits; 149 hits/ ]) {
	my ($name, $verdict, $why) = @$case;
	my ($c, $status, $tap) = run_one($name, '--budget', '60s');

	is($status, 1, "selftest-$name ends with 1");
	is($c->{verdict}, $verdict, "it is $verdict");
	like($c->{reason}, $why, 'and says why');
	like($tap, qr/^not ok 1 - selftest-$name /m, 'it is no ok in the TAP either');
	is(outcomes($c), 'ok', 'though nothing bad was seen');
}

# A crash in one trial of twenty, drawn from the seed: 150 trials without are one run in 2,200.
my ($rare, $status, $tap) = run_one('rare', '--seed', '42', '--budget', '60s');
is($status, 0, 'a rare crash that is expected passes');
is($rare->{verdict}, 'as-expected', 'once it is seen');
cmp_ok($rare->{rate_upper95}, '>', $rare->{rate}, 'its rate has a bound above it');
my $again = (run_one('rare', '--seed', '42', '--budget', '60s'))[0];
is_deeply([ @$again{'trials', 'outcomes', 'replay'} ], [ @$rare{'trials', 'outcomes', 'replay'} ],
	'the same seed gives the same trials');
my ($short) = run_one('rare', '--seed', '42', '--trials', '2');
is($short->{verdict}, 'not-seen', 'two trials do not meet it: not seen is no failure');
like($short->{reason}, qr/its rate is below 0\.78 at 95 %/, 'it is told with its bound');

# The controls: a crash of the window's own, and one that has nothing to do with it.
my $window = (run_one('window'))[0];
is(ref($window->{triage}{confirmed}) && $window->{triage}{confirmed} ? 'yes' : 'no', 'yes',
	'a crash inside the window only is confirmed');
is_deeply([ @{$window->{controls}{quiet}}{'trials', 'bad'} ], [ 3, 0 ], 'the quiet control is clean');
my $outside = (run_one('outside'))[0];
is(ref($outside->{triage}{confirmed}) && !$outside->{triage}{confirmed} ? 'yes' : 'no', 'yes',
	'a crash that happens without the race is not');
is($outside->{controls}{quiet}{bad}, 3, 'the quiet control has refuted it');

# Slow, busy, silent, stuck: four different things.
my ($slow) = run_one('slow', '--trials', '1');
is(outcomes($slow), 'ok', 'a subject that takes three seconds and moves is no hang');
cmp_ok($slow->{seconds}, '>', 2.9, 'it was let be');
my ($spin) = run_one('spin', '--trials', '1');
is(outcomes($spin), 'timeout', 'one that only burns CPU is a timeout');
like($spin->{said}, qr/CPU used and nothing moved/, 'and no hang');
my ($silent) = run_one('silent');
is(outcomes($silent), 'wrong', 'one that ends without a word is wrong');
like($silent->{said}, qr/without a word \(exit status 0\)/, 'whatever its exit status');
my ($hang) = run_one('hang', '--trials', '2');
is(outcomes($hang), 'hang', 'one that waits for its own lock is a hang');
is($hang->{triage}{pattern}, 'lock-order', 'and known for one');
my $locks = grep { ($_->{function} // '') =~ /lock/ } @{$hang->{findings}[0]{frames}};
cmp_ok($locks, '>', 0, 'its stack shows where');

# Signals: what was raised by whom, and what was said before.
my ($crash) = run_one('crash');
is(outcomes($crash), 'SIGSEGV', 'a null pointer is SIGSEGV');
is($crash->{findings}[0]{si_code}, 1, 'a fault has si_code SEGV_MAPERR');
is($crash->{findings}[0]{address}, 16, 'and its address');
is($crash->{findings}[0]{frames}[0]{function}, 'fault', 'its stack begins where it happened');
my ($kill) = run_one('kill');
is(outcomes($kill), 'SIGSEGV', 'a signal that was sent is the same outcome');
is($kill->{findings}[0]{si_code}, 0, 'but has si_code SI_USER');
ok(!exists($kill->{findings}[0]{address}), 'and no address');
my ($abort) = run_one('abort');
is(outcomes($abort), 'SIGABRT', 'abort is SIGABRT');
is($abort->{findings}[0]{si_code}, -6, 'with si_code SI_TKILL');
is($abort->{findings}[0]{message}, "selftest: these words come before the abort\n",
	'and the message before it');

# The child's death is the trial's, and known for the child's.
my ($child) = run_one('child-crash');
is(outcomes($child), 'SIGSEGV', "a forked child's crash is the trial's outcome");
is($child->{triage}{pattern}, 'fork-safety', 'and known for a child\'s');
my ($child_hang) = run_one('child-hang', '--trials', '2');
is(outcomes($child_hang), 'hang', "a forked child's hang is the trial's outcome");
ok((grep { $_ eq 'fork-safety' } $child_hang->{triage}{pattern}, @{$child_hang->{triage}{also}}),
	"and known for a child's");

# Hidden: none of this is in the matrix unless it is named.
my (undef, $plan) = forkpoint('run', '--dry-run');
unlike($plan, qr/selftest/, 'the matrix itself has none of them');

done_testing();
