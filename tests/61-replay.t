#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A replay line of every kind that a run prints, pasted back as it was printed, gives the same
# outcome; what is no replay line is refused in one sentence.
use strict;
use warnings;

use lib 'tests/lib';
use Forkpoint;
use Test::More;

my @pythons = grep { line_of($_) ne '3.15' } pythons();
plan(skip_all => 'no interpreter before 3.15 is here: make pythons') if !@pythons;
my $python = $pythons[-1];

# Ends of each kind, met each time and met by chance, of the subject and of its child.
my @scenarios = ('selftest-crash', 'selftest-child-crash', 'selftest-abort', 'selftest-hang',
	'selftest-child-hang', 'selftest-spin', 'selftest-window', 'selftest-rare',
	'finalize-ensure-after', 'finalize-hammer/after', 'fork-lru-list', 'fork-held-mutex');
my @runs = (
	[ @scenarios, '--budget', '3s' ],
	[ 'selftest-crash', 'selftest-hang', 'finalize-ensure-after', '--isolation', 'exec' ],
	[ 'selftest-crash', 'fork-live-subinterpreter', '--explore', 'storm', '--budget', '1s' ],
);
my %kinds;
my $tap_line;
for my $run (@runs) {
	my ($status, $cells, $tap, $err) = cells(@$run, '--python', $python, '--twins', 'without');

	is($status, 0, "run @$run") or diag($err, $tap);
	for my $c (@$cells) {
		for my $f (@{$c->{findings}}) {
			my @fields = split(/:/, $f->{replay});

			is($fields[8], $f->{outcome}, "a line for $fields[1] $f->{outcome}");
			$kinds{join(':', @fields[1, 4, 5, 8])} //= $f->{replay};
		}
	}
	($tap_line) = $tap =~ /^  (replay: .*)$/m if !$tap_line;
}

# What was to be found at all; the outcomes that chance chooses are whatever they were.
for my $kind ('selftest-crash:starve:zygote:SIGSEGV', 'selftest-child-crash:starve:zygote:SIGSEGV',
	      'selftest-abort:starve:zygote:SIGABRT', 'selftest-hang:starve:zygote:hang',
	      'selftest-child-hang:starve:zygote:hang', 'selftest-spin:starve:zygote:timeout',
	      'selftest-rare:starve:zygote:SIGSEGV', 'selftest-crash:starve:exec:SIGSEGV',
	      'selftest-hang:starve:exec:hang', 'finalize-ensure-after/gilstate:starve:exec:SIGSEGV',
	      'selftest-crash:storm:zygote:SIGSEGV', 'fork-held-mutex:starve:zygote:hang') {
	ok($kinds{$kind}, "there is a replay line for $kind");
}
ok((grep { /^fork-lru-list:/ } keys %kinds), 'there is one for fork-lru-list');
ok((grep { /^finalize-hammer/ } keys %kinds), 'there is one for finalize-hammer');

for my $kind (sort keys %kinds) {
	my $outcome = (split(/:/, $kind))[3];
	my ($status, $out, $err) = forkpoint('replay', $kinds{$kind});

	is($status, 0, "forkpoint replay $kinds{$kind}") or diag($out, $err);
	like($out, qr/^\Q$outcome\E again, in trial [0-9]+$/m, 'has that outcome again');
	# Where no chance enters, the first trial has it.
	like($out, qr/ in trial 1$/m, 'at once') if $kind =~ /selftest|ensure-after|held-mutex|live/;
}

# As it stands in the TAP, with the quotes of YAML, and with the command before it.
my ($quoted) = $tap_line =~ /^replay: (.*)$/;
for my $pasted ($quoted, ($quoted =~ s/"//gr), 'forkpoint replay ' . ($quoted =~ s/"//gr)) {
	my ($status, $out) = forkpoint('replay', $pasted);

	is($status, 0, "pasted as $pasted");
}

# An outcome that does not come again is told, with what the trials exclude.
my $other = $kinds{'selftest-crash:starve:zygote:SIGSEGV'} =~ s/SIGSEGV$/SIGBUS/r;
my ($status, $out) = forkpoint('replay', '--tries', '7', $other);
is($status, 1, 'an outcome that does not come again ends with 1');
like($out, qr/^no SIGBUS in 7 trials: its rate is below 0\.35 at 95 %/, 'and a bound');

# One field at a time is spoilt.
my $good = "fp1:selftest-crash:bug:$python:starve:zygote:0x2a:0:SIGSEGV";
is((forkpoint('replay', $good))[0], 0, 'a line written by hand is as good');
my @spoilt = (
	[ 0, 'fp9', qr/'fp9' is another format/ ],
	[ 1, 'selftest-crahs', qr/no scenario 'selftest-crahs': did you mean 'selftest-crash'/ ],
	[ 1, 'fork-atfork-order', qr/'fork-atfork-order' does not name one scenario/ ],
	[ 2, 'bugg', qr/'bugg' is neither bug nor twin/ ],
	[ 3, '3.99.1', qr/Python 3\.99\.1 is not here .*type: forkpoint pythons fetch 3\.99\.1/ ],
	[ 3, 'banana', qr/'banana' names no interpreter/ ],
	[ 4, 'starvation', qr/no strategy 'starvation'/ ],
	[ 5, 'fork', qr/'fork' is neither zygote nor exec/ ],
	[ 6, '0xzz', qr/'0xzz' is not a whole number/ ],
	[ 7, '-1', qr/'-1' is not a whole number/ ],
	[ 7, '99999999999999999999', qr/99999999999999999999/ ],
	[ 8, 'SIGNOT', qr/no outcome 'SIGNOT'/ ],
);
my @garbage = map { my @f = split(/:/, $good); $f[$_->[0]] = $_->[1]; [ join(':', @f), $_->[2] ] }
	      @spoilt;
push(@garbage, map { [ $_, qr/is no replay line/ ] } '', ' ', 'fp1', ':' x 8 . 'x:', "$good:more",
	substr($good, 0, -8), '%s%n%s', "\x{7f}" x 5000);
for my $case (@garbage) {
	my ($line, $why) = @$case;
	my ($status, $out, $err) = forkpoint('replay', $line);
	my $shown = length($line) > 70 ? length($line) . ' characters' : "'$line'";

	is($status, 2, "$shown ends with 2");
	like($err, $why, 'and is explained');
	is($out . ($err =~ tr/\n//), '1', 'in one line on standard error');
}

done_testing();
