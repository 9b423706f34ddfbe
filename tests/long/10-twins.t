#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Every fix held against 1,000 trials: none ends in anything but ok, which bounds its rate of
# failure at 0.3 % on this machine. (tests/60-matrix.t does 50.) FORKPOINT_TWIN_TRIALS: another
# number.
use strict;
use warnings;

use lib 'tests/lib';
use Forkpoint;
use Test::More;

my $trials = $ENV{FORKPOINT_TWIN_TRIALS} // 1000;
my @pythons = pythons();
plan(skip_all => 'no interpreter is here: make pythons') if !@pythons;

my ($status, $cells, $tap, $err) = cells('--twins', 'only', '--trials', $trials);
is($status, 0, 'every twin is as expected') or diag($err);
cmp_ok(scalar(@$cells), '>=', 20 * @pythons, 'there are at least 20 on each interpreter');
for my $c (@$cells) {
	my $n = $c->{outcomes}{ok} // 0;

	is("$n of $c->{trials}", "$trials of $trials", "$c->{scenario} on $c->{python}: ok") or
		diag(join(', ', map { "$_: $c->{outcomes}{$_}" } keys %{$c->{outcomes}}), " $c->{replay}");
	cmp_ok($c->{hits}, '>', 0, 'and met');
}

done_testing();
