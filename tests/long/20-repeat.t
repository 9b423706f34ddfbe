#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The whole matrix, 20 times in a row with another seed each: the same verdicts, no fault of the
# harness, nothing left behind. FORKPOINT_REPEAT and FORKPOINT_REPEAT_BUDGET: how often, and with
# what time a cell.
#
# Where chance decides, a run may miss an expected crash: not-seen is no other verdict than
# as-expected then. How often is told; a cell that misses it every time has lost it.
use strict;
use warnings;

use lib 'tests/lib';
use Forkpoint;
use Test::More;

my $times = $ENV{FORKPOINT_REPEAT} // 20;
my $budget = $ENV{FORKPOINT_REPEAT_BUDGET} // '1.5s';
my @pythons = pythons();
plan(skip_all => 'no interpreter is here: make pythons') if !@pythons;

# What we have started, and what that has: known by its environment, for others may run hosts, too.
my $mark = $ENV{FORKPOINT_TEST_MARK} = "repeat-$$-";
sub started { return grep { $_ != $$ && slurp("/proc/$_/environ") =~ /\Q$mark\E/ }
	      map { m{/proc/(\d+)$} } glob('/proc/[0-9]*') }

my (%verdicts, %outcomes, %missed, @faults);
for my $turn (1 .. $times) {
	my ($status, $cells, $tap, $err) = cells('--budget', $budget, '--seed', $turn);

	is($status, 0, "run $turn of $times is as expected") or
		diag(grep { /^not ok/ } split(/^/, $tap), $err);
	for my $c (@$cells) {
		my $name = "$c->{scenario}" . ($c->{twin} ? ' twin' : '') . " on $c->{python}";
		my $verdict = $c->{verdict} // 'none';

		push(@faults, "run $turn, $name: $c->{harness_error}") if $c->{harness_error};
		$missed{$name}++ if $verdict eq 'not-seen';
		$verdict = 'as-expected' if $verdict eq 'not-seen';
		$verdicts{$name}{$verdict}++;
		# Met each time, a cell has one outcome; for ever.
		$outcomes{$name}{outcomes($c)}++ if $c->{scenario} =~
			/^(finalize-(ensure|check|restore)|fork-(atfork|held|live|stop))/;
	}
	my @left = started();
	is("@left", '', 'and leaves no process');
}

is(join("\n", @faults), '', 'the harness never failed');
for my $name (sort keys %verdicts) {
	my %of = %{$verdicts{$name}};

	is(join(', ', map { "$_ $of{$_}" } sort keys %of), "as-expected $times", "$name: verdict");
	is(join(' | ', sort keys %{$outcomes{$name}}), (sort keys %{$outcomes{$name}})[0],
	   "$name: outcome") if $outcomes{$name};
}
for my $name (sort keys %missed) {
	diag("$name: not seen in $missed{$name} of $times runs");
	cmp_ok($missed{$name}, '<', $times, "$name is met now and then") if $times > 4;
}

done_testing();
