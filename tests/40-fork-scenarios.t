#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What the fork scenarios claim beyond an outcome in a table: that a hang lies in the window and
# nowhere else, that the twin is clean, and what stopping a sampler costs.
# On the oldest and the newest interpreter of this machine.
use strict;
use warnings;

use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;

my $forkpoint = ($ENV{BUILD} // 'build') . '/forkpoint';
my $dir = tempdir(CLEANUP => 1);

my @pythons = grep { $_->{default} } map { decode_json($_) } `$forkpoint pythons --json`;
plan(skip_all => 'no interpreter is known: make pythons') if !@pythons;
my @ends = @pythons > 1 ? @pythons[0, -1] : @pythons;

my $specs = join(' ', map { "--python $_->{python}" } @ends);
my $names = 'fork-held-mutex fork-stop-sampler fork-atfork-order fork-stop-cost';
system("$forkpoint run $names $specs --budget 1s --json $dir/cells >$dir/out 2>$dir/err");
is($? >> 8, 0, 'every cell is as expected') or diag(`grep '^not' $dir/out`, `cat $dir/err`);

my %cell;
open(my $fh, '<', "$dir/cells") or die "no cells: $!";
while (<$fh>) {
	my $c = decode_json($_);
	$cell{$c->{python}}{$c->{scenario}}{$c->{twin} ? 'twin' : 'bug'} = $c;
}

for my $python (map { $_->{python} } @ends) {
	my $of = $cell{$python};

	for my $name ('fork-held-mutex', 'fork-stop-sampler/join', 'fork-atfork-order/lock') {
		my $bug = $of->{$name}{bug};

		is_deeply([keys %{$bug->{outcomes}}], ['hang'], "$name hangs on $python");
		ok($bug->{triage}{confirmed}, 'and the controls bear it out');
		is_deeply([keys %{$of->{$name}{twin}{outcomes}}], ['ok'], 'its twin does not');
	}

	# A sampler that wakes every 10 ms is waited for 5 ms on average. A loaded machine may add
	# to both, so only half of that is demanded, and that it dwarfs the other.
	my ($stop, $fresh) = map { $of->{'fork-stop-cost'}{$_}{measured_ns} / 1e6 } qw(bug twin);
	cmp_ok($stop, '>', 2.5, "stopping the sampler holds up fork for milliseconds on $python");
	cmp_ok($stop, '>', 3 * $fresh, sprintf('%.2f ms against %.2f ms for a fresh cache', $stop,
		$fresh));
}
done_testing();
