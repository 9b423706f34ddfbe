#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A core_pattern that is a pipe wakes a program for each crash of the machine. Ours wake nobody, and
# are captured all the same. The pattern is the whole machine's, so it is changed for a few seconds
# and only if FORKPOINT_TEST_CORE_PATTERN=1 allows it; a second process puts it back if we die.
use strict;
use warnings;
use lib 'tests/lib';

use Test::More;
use Driven;

my $python = interpreter();
my $file = '/proc/sys/kernel/core_pattern';

plan(skip_all => 'no interpreter is known: make pythons') if !$python;
plan(skip_all => 'it changes the machine: FORKPOINT_TEST_CORE_PATTERN=1 allows it')
	if !$ENV{FORKPOINT_TEST_CORE_PATTERN};
plan(skip_all => "$file cannot be written") if !-w $file;

my $before = slurp($file);
spew("$dir/taker", "#!/bin/sh\necho \"\$1\" >>$dir/taken\ncat >/dev/null\n");
chmod(0755, "$dir/taker", $dir);

pipe(my $read, my $write) or die "pipe: $!";
my $keeper = fork() // die "fork: $!";
if (!$keeper) {
	POSIX::setsid();
	close($write);
	sysread($read, my $nothing, 1);
	spew($file, $before);
	POSIX::_exit(0);
}
close($read);
spew($file, "|$dir/taker %p");

# The pattern works: a process that nobody captures is handed over.
system('sh', '-c', 'ulimit -c unlimited; kill -SEGV $$');
my $works = await(2, sub { -s "$dir/taken" });
unlink("$dir/taken");
my ($status) = run({ program => ['sh', '-c', 'ulimit -c unlimited; exec "$0" "$@"', $forkpoint] }, 'run',
		   map({ "selftest-$_" } qw(crash child-crash abort kill)), '--trials', '5', '--twins',
		   'without', '--python', $python, '--json', "$dir/json");
my $taken = slurp("$dir/taken");
close($write);
waitpid($keeper, 0);

is(slurp($file), $before, 'the pattern is what it was');
ok($works, 'a pipe is served on this machine');
is($status, 0, 'crashes are what they are');
is($taken, '', 'and none of them woke the pipe');
cmp_ok(scalar(@{$_->{findings}[0]{frames}}), '>', 0, "$_->{scenario} is captured")
	for cells_of(slurp("$dir/json"));
done_testing();
