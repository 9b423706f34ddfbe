#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The README is run as it is written: every command of its sh blocks, in a copy of the tree, with
# the scenario that it tells to write. `make run`, `make check` and other targets are looked up in
# the Makefile by `make --dry-run` instead, for this test is a part of one of them. Its recorded
# output is compared with what the command prints now.
use strict;
use warnings;

use lib 'tests/lib';
use Cwd qw(abs_path);
use File::Temp qw(tempdir);
use Forkpoint;
use Test::More;

my $program = abs_path($ENV{FORKPOINT} // ($ENV{BUILD} // 'build') . '/forkpoint');
my $readme = slurp('README.md');
my %newest = map { line_of($_) => $_ } pythons();
plan(skip_all => 'Python 3.13 and 3.15 are not here: make pythons')
	if !$newest{'3.13'} || !$newest{'3.15'};

# A copy, so that `build/forkpoint` is ours and a new scenario is nobody else's; with a cache of its
# own for the hosts, in which the interpreters are those of the real one.
my $scratch = tempdir('forkpoint-readme.XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $cache = $ENV{FORKPOINT_CACHE} //
	    ($ENV{XDG_CACHE_HOME} || "$ENV{HOME}/.cache") . '/forkpoint';
system('cp', '-R', 'Makefile', 'README.md', 'LICENSE', 'ci', 'embed', 'harness', 'scenarios',
	$scratch) == 0 or BAIL_OUT('the tree cannot be copied');
mkdir("$scratch/build") && mkdir("$scratch/cache") or BAIL_OUT("no copy in $scratch: $!");
system('cp', $program, "$scratch/build/forkpoint");
symlink("$cache/interpreters", "$scratch/cache/interpreters");

sub sh {
	my ($command) = @_;
	my $quoted = $command =~ s/'/'\\''/gr;
	my $out = `cd '$scratch' && FORKPOINT_DATA= FORKPOINT_CACHE='$scratch/cache' timeout 300 sh -c '$quoted' 2>'$scratch/err' </dev/null`;

	return ($? >> 8, $out, slurp("$scratch/err"));
}

# What moves with Debian's suites is what is here today.
sub as_here {
	return $_[0] =~ s/\b3\.13\.18\b/$newest{'3.13'}/gr =~ s/\b3\.15\.2\b/$newest{'3.15'}/gr;
}

my @blocks; # [ language, text ]
push(@blocks, [ $1, $2 ]) while $readme =~ /^```(\S[^\n]*)?\n(.*?)^```$/msg;
my @languages = map { $_->[0] // '' } @blocks;
is(scalar(grep { /^sh\b/ } @languages), 4, 'the README has four blocks of commands');
is((grep { $_ eq 'c' } @languages), 1, 'and one scenario');

my ($ran, $looked_up) = (0, 0);
my $last_out;
for my $block (@blocks) {
	my ($language, $text) = @$block;

	if ($language eq 'c') {
		my ($file) = $readme =~ /^Write `(scenarios\/[a-z_]+\.c)`:$/m;

		ok($file, 'the README says where the scenario goes');
		open(my $fh, '>', "$scratch/$file") or BAIL_OUT("cannot write $file: $!");
		print($fh $text);
		close($fh) or BAIL_OUT("cannot write $file: $!");
	} elsif ($language eq 'text' && $text =~ /^TAP version/) {
		recorded($text, $last_out);
	}
	next if $language !~ /^sh\b/;
	for my $line (grep { /\S/ } split(/\n/, $text)) {
		my $command = as_here($line =~ s/\s+#.*//r);
		my ($status, $out, $err);

		if ($command =~ /^make(?: ([a-z-]+))?$/) {
			($status, $out, $err) = sh('make --dry-run ' . ($1 // 'all'));
			$looked_up++;
		} else {
			($status, $out, $err) = sh($command);
			$ran++;
		}
		is($status, 0, $command) or diag($out, $err);
		check_more($command, $out);
		$last_out = $out;
	}
}
cmp_ok($ran, '>', 10, "$ran commands were run");
cmp_ok($looked_up, '>=', 2, "$looked_up targets were looked up");

# Whatever the prose names as a target is one.
for my $target ($readme =~ /`make ([a-z-]+)`/g) {
	is((sh("make --dry-run $target"))[0], 0, "there is a target $target");
}

# What the README says of a command beyond that it works.
sub check_more {
	my ($command, $out) = @_;

	if ($command =~ /fork-reload --python 3\.13$/) {
		like($out, qr/^ok 1 - fork-reload \@ \S+ starve \(SIGSEGV as expected\)$/m,
			'the scenario of the README crashes');
		like($out, qr/^  trials: 3\n  hits: 3$/m, 'three times of three');
		like($out, qr/^  confirmed: true$/m, 'confirmed');
		like($out, qr/^ok 2 - fork-reload twin \@ \S+ starve \(clean\)$/m, 'its twin is clean');
	} elsif ($command =~ /--out (\w+)/) {
		my @files = glob("$scratch/$1/*");

		cmp_ok(scalar(@files), '>', 0, 'a file is kept for the hang');
		like(slurp($files[0]), qr/^registers|^maps:|^thread /m, 'with stacks');
	} elsif ($command =~ /fork-lru-list.* storm/) {
		like($out, qr/^  load:\n    tool: .*\n    without:\n(.*\n)+?    with:$/m,
			'a rate with and without load');
	} elsif ($command =~ /--trials 100$/) {
		like($out, qr/^  outcomes:\n    ok: 100$/m, 'a hundred clean trials');
	} elsif ($command =~ / replay /) {
		like($out, qr/^SIGSEGV again, in trial 1$/m, 'the trial is repeated');
	}
}

# The record is real if a run of today gives its lines. Seconds, addresses and the order of cells
# are each run's own; all else must be there.
sub recorded {
	my ($record, $out) = @_;
	my (%today, @gone);
	my $plain = sub { $_[0] =~ s/^((?:not )?ok) \d+/$1 N/r =~ s/seconds: \S+/seconds: N/r
			  =~ s/address 0x\w+/address 0xN/r };

	$today{$plain->($_)} = 1 for split(/\n/, $out);
	for my $line (split(/\n/, as_here($record))) {
		push(@gone, $line) if $line ne '[…]' && !$today{$plain->($line)};
	}
	is(join("\n", @gone), '', 'the recorded output is what is printed today');
}

done_testing();
