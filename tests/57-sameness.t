#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What must not change results: how subjects are started, how many workers there are, how the cells
# are shared out, and doing it again with the same seed.
use strict;
use warnings;
use lib 'tests/lib';

use Test::More;
use Driven;

my @pythons = map { $_->{python} } pythons();
plan(skip_all => 'no interpreter is known: make pythons') if !@pythons;
my @on = ('--python', $pythons[0]);
my @tests = map { "selftest-$_" } qw(noop crash child-crash hang child-hang silent window rare);

# { cell => "verdict outcomes" } of a run.
sub results {
	my (@args) = @_;

	unlink "$dir/json";
	my ($status, $out, $err) = run('run', @args, '--json', "$dir/json");
	my %of;

	for my $c (cells_of(slurp("$dir/json"))) {
		my $cell = join(' ', $c->{scenario}, $c->{twin} ? 'twin' : 'bug', $c->{python}, $c->{explore});

		fail("$cell came twice") if $of{$cell};
		$of{$cell} = join(' ', $c->{verdict} // 'none',
				  map { "$_:$c->{outcomes}{$_}" } sort keys %{$c->{outcomes} // {}});
	}
	return \%of;
}

my @fixed = (@tests, @on, '--trials', '4', '--seed', '11');
my $usual = results(@fixed, '--jobs', '2');

is(scalar(keys %$usual), 2 * @tests, 'each scenario and its twin has a result');
is_deeply(results(@fixed, '--isolation', 'exec'), $usual,
	  'a subject that is started afresh does what a forked one does');
is_deeply(results(@fixed, '--jobs', $_), $usual, "--jobs $_ changes nothing") for 1, 8;

my (%all, $n);
for my $k (1 .. 3) {
	my $part = results(@fixed, '--shard', "$k/3");

	fail("$_ is in two shards") for grep { $all{$_} } keys %$part;
	cmp_ok(scalar(keys %$part), '>', 0, "shard $k of 3 has its part");
	%all = (%all, %$part);
}
is_deeply(\%all, $usual, 'the shards together are the whole');

# The same of the whole matrix, and of interpreters that are not there.
sub listed {
	my ($status, $out) = run('run', '--dry-run', @_);

	is($status, 0, "--dry-run @_");
	return split(/\n/, $out);
}
my @whole = listed('--explore', 'all', '--python', '3.99', map { ('--python', $_) } @pythons);
my @parts = map { listed('--explore', 'all', '--shard', "$_/5", '--python', '3.99',
			 map { ('--python', $_) } @pythons) } 1 .. 5;

is(join("\n", sort @parts), join("\n", sort @whole), 'five shards of all cells are all cells, each once');
cmp_ok(scalar(@whole), '>', 10 * @pythons, 'which are many');
ok((grep { /3\.99/ } @whole) == 1, 'with one that is not there');
{
	my @cells = listed(@tests, @on);
	my $with_twin = grep { / \(and its twin\)$/ } @cells;

	is(@cells + $with_twin, keys %$usual, '--dry-run prints the cells that are run');
}

# Seeds.
sub rare {
	my (@args) = @_;
	my ($status) = run('run', 'selftest-rare', '--twins', 'without', '--trials', '200', @on, @args,
			   '--json', "$dir/json");
	my ($cell) = cells_of(slurp("$dir/json"));

	return "$cell->{outcomes}{SIGSEGV} $cell->{findings}[0]{replay}";
}
my $seven = rare('--seed', '7');
my ($hits, $trial) = $seven =~ /^(\d+) .*:0x7:(\d+):SIGSEGV$/ or fail("no replay line: $seven");

cmp_ok($hits, '>=', 2, 'one trial in twenty is two in two hundred at least');
cmp_ok($hits, '<=', 30, 'and thirty at most');
is(rare('--seed', '0x7'), $seven, 'the same seed finds the same trials');
is(rare('--seed', '7', '--isolation', 'exec') =~ s/:exec:/:zygote:/r, $seven, 'also in fresh processes');
isnt(join(',', map { rare('--seed', $_) =~ s/:0x\w+:/:/r } 8, 9, 10),
     join(',', ($seven =~ s/:0x\w+:/:/r) x 3), 'other seeds others');
{
	my ($line) = $seven =~ / (.*)/;
	my ($status, $out) = run('replay', $line, '--tries', '1');

	is($status, 0, 'its replay line finds it at the first try');
}

# --trials is exact, whatever the strategy.
for my $explore (qw(starve storm)) {
	for my $trials (1, 7) {
		run('run', 'selftest-rare', 'fork-lru-list', '--explore', $explore, '--trials', $trials, @on,
		    '--json', "$dir/json");
		is(join(' ', map { $_->{trials} } cells_of(slurp("$dir/json"))), join(' ', ($trials) x 4),
		   "--trials $trials under $explore");
	}
}
done_testing();
