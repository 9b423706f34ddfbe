#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Places and limits that a user may run us in: all works, or one is told what is lost. A limit never
# turns into a verdict.
use strict;
use warnings;
use lib 'tests/lib';

use POSIX qw(:signal_h);
use Test::More;
use Driven;

my $python = interpreter();
plan(skip_all => 'no interpreter is known: make pythons') if !$python;

my @run = ('run', 'selftest-noop', 'selftest-crash', 'selftest-child-hang', '--trials', '2', '--python',
	   $python);

# works(WHAT, { how to start }): all cells are as expected, nothing is said, nothing stays.
sub works {
	my ($what, $how, @args) = @_;
	my $run = start($how, @run, @args);

	is(finish($run, 60), 0, "$what: all is as expected") or diag("$run->{text}$run->{errors}");
	is($run->{errors}, '', "$what: and quiet");
	is(left_behind($run, 0.5), '', "$what: nothing stays");
	return $run;
}

works('a working directory where nobody can write', { cwd => '/proc/self' });
mkdir "$dir/gone";
works('a working directory that is gone', { cwd => "$dir/gone", before => sub { rmdir "$dir/gone" } });
works('no HOME', { env => { HOME => undef } });
works('no environment', { before => sub {
	my %keep = map { $_ => $ENV{$_} } grep { /^FORKPOINT_/ && defined $ENV{$_} } keys %ENV;

	%ENV = %keep;
} });
works('SIGCHLD ignored', { before => sub { $SIG{CHLD} = 'IGNORE' } });
works('all signals blocked', { before => sub {
	my $all = POSIX::SigSet->new;

	$all->fillset;
	sigprocmask(SIG_SETMASK, $all);
} });
works('all signals ignored', { before => sub { $SIG{$_} = 'IGNORE' for qw(INT TERM QUIT PIPE ALRM USR1 USR2
	CHLD SEGV ABRT BUS FPE ILL XFSZ XCPU) } });
for my $size (0, 'unlimited') {
	my $run = works("core files limited to $size", { program => ['sh', '-c',
			"ulimit -c $size 2>/dev/null; exec \"\$0\" \"\$\@\"", $forkpoint] }, '--json',
			"$dir/json");
	my ($crash) = grep { $_->{scenario} eq 'selftest-crash' && !$_->{twin} } cells_of(slurp("$dir/json"));

	cmp_ok(scalar(@{$crash->{findings}[0]{frames}}), '>', 0, 'and the crash is captured');
}

# No limit may make a verdict of ours: either all is well, or the harness says that it failed.
sub bears {
	my ($what, $run) = @_;
	my $json = "$dir/json.$run->{pid}";

	finish($run, 90);
	my $status = defined $run->{status} ? $run->{status} >> 8 : 'none';
	my @cells = eval { cells_of(slurp("$dir/json")) };

	ok(defined $run->{status} && !($run->{status} & 127) && $status =~ /^[03]$/,
	   "$what: status 0 or 3") or diag("$run->{status}: $run->{text}$run->{errors}");
	is(join(' ', grep { !/^(?:as-expected|none)$/ } map { $_->{verdict} // 'none' } @cells), '',
	   "$what: no verdict for it");
	ok($status eq '0' || "$run->{text}$run->{errors}" =~ /(?:limit|descriptors|Too many open files|temporarily unavailable|Cannot fork)/,
	   "$what: told if it hurts") or diag("$run->{text}$run->{errors}");
	is(left_behind($run, 1), '', "$what: nothing stays");
	return $status;
}

my @seen;
for my $files (8, 10, 12, 14, 17, 20, 24, 32, 64) {
	unlink "$dir/json";
	push @seen, bears("$files open files", start({ program => ['sh', '-c',
		"ulimit -n $files; exec \"\$0\" \"\$\@\"", $forkpoint] }, @run, '--json', "$dir/json"));
}
is($seen[-1], 0, '64 descriptors are enough');

# Processes: the superuser has no limit, so be somebody else whose files we may read all the same.
# (access(2) would forget the capability without that securebit.)
my @somebody = $> ? () : split(' ', 'setpriv --securebits=+no_setuid_fixup --reuid=54321 --clear-groups ' .
	'--inh-caps=-all,+dac_override,+dac_read_search --ambient-caps=-all,+dac_override,+dac_read_search --');
SKIP: {
	skip('nobody else can be', 24) if @somebody && system(join(' ', @somebody, 'true 2>/dev/null')) != 0;
	my $mine = 0;

	for my $status (glob('/proc/[0-9]*/status')) {
		my $text = slurp($status);

		$mine += $1 if $text =~ /^Uid:\t(\d+)/m && $1 == ($> || 54321) && $text =~ /^Threads:\t(\d+)/m;
	}
	@seen = ();
	for my $more (1, 2, 3, 5, 8, 64) {
		unlink "$dir/json";
		spew("$dir/json", '');
		chmod(0666, "$dir/json");
		chmod(0755, $dir);
		push @seen, bears("$more processes", start({ program => [@somebody, 'bash', '-c', "ulimit -u " .
			($mine + $more) . '; exec "$0" "$@"', $forkpoint] }, @run, '--json', "$dir/json"));
	}
	is($seen[0], 3, 'a single process is not enough, and that is told');
	is($seen[-1], 0, '64 processes are enough');
}

# Without ptrace, stacks are lost and nothing else.
my $cc = $ENV{CC} // 'cc';
SKIP: {
	skip('no compiler', 1) if system("$cc -o $dir/without tests/lib/without.c") != 0;
	skip('no seccomp', 1) if system("$dir/without", 'ptrace', 'true') != 0;
	for my $denied (qw(ptrace readv)) {
		for my $isolation (qw(zygote exec)) {
			my $what = "without $denied ($isolation)";
			my $run = works($what, { program => ["$dir/without", $denied, $forkpoint] },
					'--json', "$dir/json", '--isolation', $isolation);
			my %of = map { $_->{scenario} => $_ } grep { !$_->{twin} } cells_of(slurp("$dir/json"));
			my $crash = $of{'selftest-crash'};

			is_deeply($crash->{outcomes}, { SIGSEGV => 2 }, "$what: crashes are counted");
			is($crash->{findings}[0]{si_code}, 1, "$what: with their code");
			is($crash->{findings}[0]{address}, 0x10, "$what: and their address");
			like($crash->{findings}[0]{degraded}, qr/ptrace|permitted/, "$what: and what is lost is told");
			is_deeply($of{'selftest-child-hang'}{outcomes}, { hang => 2 }, "$what: hangs are hangs");
			like($run->{text}, qr/^ +degraded: /m, "$what: the TAP tells, too");
		}
	}
}

# Without stress-ng a storm saturates the CPUs by itself.
{
	mkdir "$dir/bin";
	for my $tool (qw(make sh cc c++ gcc g++ ld as mkdir mv cmp sed printf cat rm)) {
		my ($where) = grep { -x } map { "$_/$tool" } split(/:/, $ENV{PATH});

		symlink($where, "$dir/bin/$tool") if $where;
	}
	my ($status) = run({ env => { PATH => "$dir/bin" } }, 'run', 'fork-lru-list', '--explore', 'storm',
			   '--budget', '0.4s', '--twins', 'only', '--python', $python, '--json', "$dir/json");
	my ($cell) = cells_of(slurp("$dir/json"));

	is($status, 0, 'without stress-ng a storm goes on');
	is($cell->{load}{tool}, 'built-in spinner', 'with the load of our own');
	cmp_ok($cell->{load}{with}{trials}, '>', 0, 'under which there were trials');
}
done_testing();
