#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What a user gets wrong on the command line of `run` and `replay`: one sentence that says what to
# do, the right exit status, and nothing is run. (Other commands: tests/11-options.t.)
use strict;
use warnings;
use lib 'tests/lib';

use Test::More;
use Driven;

my $python = interpreter();
plan(skip_all => 'no interpreter is known: make pythons') if !$python;

# mistake(STATUS, REGEX, ARGUMENTS…)
sub mistake {
	my ($wanted, $sentence, @args) = @_;
	my ($status, $out, $err) = run(@args);
	my $what = join(' ', map { length > 60 ? substr($_, 0, 57) . '…' : $_ } @args);

	subtest $what => sub {
		is($status, $wanted, "ends with $wanted");
		is($out, '', 'runs nothing');
		like($err, qr/\Aforkpoint: [^\n]*\n\z/, 'says one sentence');
		like($err, $sentence, 'namely the right one');
	};
}

my @on = ('--python', $python);
mistake(2, qr/no scenario 'fork-lru-lits': did you mean 'fork-lru-list'\?/, 'run', 'fork-lru-lits', @on);
mistake(2, qr/no scenario 'xyzzy' .*forkpoint list/, 'run', 'xyzzy', @on);
mistake(2, qr/no scenario 'finalize-restore\/xyzzy'/, 'run', 'finalize-restore/xyzzy', @on);
mistake(2, qr/no scenario 'xyzzy'/, 'run', 'selftest-noop', 'xyzzy', @on);
mistake(2, qr/no scenario ''/, 'run', '', @on);
mistake(2, qr/'banana' names no interpreter; write a release/, 'run', '--python', 'banana');
mistake(2, qr/'3\.x' names no interpreter/, 'run', '--python', '3.x');
mistake(2, qr/'3\.13\.1\.1' names no interpreter/, 'run', '--python', '3.13.1.1');
mistake(2, qr/cannot look into '\/nowhere': No such file/, 'run', '--python', '/nowhere');
mistake(2, qr/no Python that can be used in '[^']+': .*; name a prefix/, 'run', '--python', $dir);
mistake(2, qr/unknown option '--jsno': did you mean '--json'\?/, 'run', '--jsno', 'x');
mistake(2, qr/--json needs a value/, 'run', '--json');
mistake(2, qr/--budget: '\Q$_\E' /, 'run', '--budget', $_, @on)
	for '5q', '-1s', '0', 'nan', 'infs', '1e999s', '0s', '1.5.1s', ' 1s';
mistake(2, qr/--seed: '\Q$_\E' /, 'run', '--seed', $_, @on)
	for 'x', '-1', '0x', '0xg', '1.5', '18446744073709551616';
mistake(2, qr/--trials: '\Q$_\E' /, 'run', '--trials', $_, @on) for '0', '-5', '1e3', '1000000001';
mistake(2, qr/--jobs: '\Q$_\E' /, 'run', '--jobs', $_, @on) for '0', '65', 'two';
mistake(2, qr/'\Q$_\E' is no shard: write K\/N/, 'run', '--shard', $_, @on)
	for '0/3', '4/3', '1', '1/', '/3', 'a/b', '1/3x', '-1/3', '1/-3', '1/4294967299', '1/ 3', '';
mistake(2, qr/--$_: .*(is missing|is empty): /, 'run', "--$_", '', @on) for qw(budget seed trials json out);
mistake(2, qr/--tap: '12' is none of 13, 14/, 'run', '--tap', '12', @on);
mistake(2, qr/--isolation: 'jail' is none of zygote, exec/, 'run', '--isolation', 'jail', @on);
mistake(2, qr/--explore: 'harder' is none of /, 'run', '--explore', 'harder', @on);

# Where results are to go. As a superuser, only the file system itself refuses.
my @noop = ('run', 'selftest-noop', '--trials', '1', @on);
mistake(2, qr/cannot write '\/nowhere\/x': No such file.*: name a file/, @noop, '--json', '/nowhere/x');
mistake(2, qr/cannot write '\Q$dir\E': Is a directory/, @noop, '--json', $dir);
spew("$dir/file", '');
mistake(2, qr/cannot make the directory '\/proc\/x': .*--out takes a directory/, @noop, '--out',
	'/proc/x');
mistake(2, qr/--out: cannot write in \/proc: .*: name a directory of yours/, @noop, '--out', '/proc');
mistake(2, qr/--out: cannot write in \Q$dir\E\/file: Not a directory/, @noop, '--out', "$dir/file");
mistake(2, qr/cannot make the directory '\Q$dir\E\/file\/x': Not a directory/, @noop, '--out',
	"$dir/file/x");

# Interpreters that could be here but are not: skipped, with what to type; or a failure.
for my $all (0, 1) {
	my ($status, $out) = run('run', 'selftest-noop', '--python', '3.99.1', '--python', '9.9',
				 $all ? '--require-all' : ());
	my $tap = tap_of($out);

	is($status, $all ? 1 : 77, $all ? 'with --require-all a missing one is a failure' :
	   'all skipped');
	is("@{$tap->{faults}}", '', 'the TAP stream is complete');
	is(scalar(@{$tap->{points}}), 2, 'with a line for each');
	like($out, qr/^ok \d - .*3\.99\.1.* # SKIP .*forkpoint pythons fetch 3\.99\.1/m,
	     'that says what to type') if !$all;
	like($out, qr/^not ok \d - .*3\.99\.1.*\n(?:  .*\n)*?  reason: .*pythons fetch 3\.99\.1/m,
	     'that says what to type') if $all;
}
{
	my ($status, $out) = run('run', 'selftest-noop', '--trials', '1', @on, '--python', '3.99.1');

	is($status, 0, 'one that is missing does not hide those that are here');
	like($out, qr/^ok \d - selftest-noop/m, 'which are run');
}

# Replay lines.
my $line = "fp1:selftest-crash:bug:$python:starve:zygote:0x1:0:SIGSEGV";
is((run('replay', $line))[0], 0, 'a replay line is accepted');
is((run('replay', "  forkpoint replay \"$line\"\n"))[0], 0, 'also as it is copied from a report');
my $shape = qr/a replay line reads fp1:SCENARIO/;
mistake(2, qr/is no replay line: it reads fp1:/, 'replay', $_)
	for '', 'x', 'fp1', ':' x 8 . ':', "$line:x", substr($line, 0, rindex($line, ':')), 'a' x 5000,
	':' x 70000;
my %wrong = (
	0 => ['fp2', qr/'fp2' is another format/], 1 => ['xyzzy', qr/no scenario 'xyzzy'/],
	2 => ['both', qr/'both' is neither bug nor twin/], 3 => ['banana', qr/'banana' names no/],
	4 => ['walk', qr/no strategy 'walk'/], 5 => ['jail', qr/'jail' is neither zygote nor exec/],
	6 => ['0xzz', qr/'0xzz' is not a whole number/], 7 => ['-1', qr/'-1' is not a whole number/],
	8 => ['SIGNONE', qr/no outcome 'SIGNONE'/],
);
for my $i (sort keys %wrong) {
	my @fields = split(/:/, $line);

	$fields[$i] = $wrong{$i}[0];
	mistake(2, $wrong{$i}[1], 'replay', join(':', @fields));
	$fields[$i] = '';
	mistake(2, qr/./, 'replay', join(':', @fields));
}
mistake(2, qr/Python 9\.9\.9 is not here .*type: forkpoint pythons fetch/, 'replay',
	'fp1:selftest-crash:bug:9.9.9:starve:zygote:0x1:0:SIGSEGV');
mistake(2, qr/does not name one scenario/, 'replay',
	"fp1:finalize-restore:bug:$python:starve:zygote:0x1:0:SIGSEGV");
mistake(2, qr/replay needs an operand/, 'replay');
mistake(2, qr/--tries: '0' /, 'replay', $line, '--tries', '0');

done_testing();
