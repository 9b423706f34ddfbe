#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A machine short of CPU makes trials slow, and slow is no hang. And many trials cost no more memory
# or descriptors than a few. (tests/long/56-load.t does the same for longer.)
use strict;
use warnings;
use lib 'tests/lib';

use Test::More;
use Time::HiRes qw(sleep);
use Driven;

my $python = interpreter();
plan(skip_all => 'no interpreter is known: make pythons') if !$python;

my $scale = $ENV{FORKPOINT_TEST_SCALE} // 1;
my $cpus = () = slurp('/proc/cpuinfo') =~ /^processor\s*:/mg;

# Four busy processes for each CPU; they end with us, and by themselves.
my @busy;
for (1 .. 4 * ($cpus || 1)) {
	my $pid = fork() // die "fork: $!";

	if (!$pid) {
		my $parent = getppid();
		alarm(120 * $scale);
		while (1) {
			for (my $i = 0; $i < 1e6; $i++) {
			}
			POSIX::_exit(0) if getppid() != $parent;
		}
	}
	push @busy, $pid;
}
{
	my @clean = qw(selftest-noop selftest-child-hang selftest-window fork-held-mutex fork-lru-list
		       fork-atfork-order fork-stop-sampler finalize-ensure-after finalize-hammer);
	my ($status, $out) = run('run', @clean, '--twins', 'only', '--trials', 25 * $scale, '--python',
				 $python, '--jobs', '4', '--explore', 'all', '--json', "$dir/json");
	my @cells = cells_of(slurp("$dir/json"));

	kill 'KILL', @busy;
	waitpid($_, 0) for @busy;
	is($status, 0, 'under a load of four times the CPUs, twins stay clean');
	cmp_ok(scalar(@cells), '>=', 2 * @clean, 'all of them');
	for my $cell (@cells) {
		is_deeply($cell->{outcomes}, { ok => 25 * $scale },
			  "$cell->{scenario} $cell->{explore}: no trial of " . 25 * $scale . ' is a hang')
			or diag($cell->{said} // '');
	}
}

sub resources {
	my ($pid) = @_;
	my ($rss) = slurp("/proc/$pid/status") =~ /^VmRSS:\s+(\d+) kB/m or return;
	my @fds = glob("/proc/$pid/fd/*");

	return { rss => $rss, fds => scalar(@fds) };
}

# Forked children that end well, that crash, and that hang: in each a descriptor could be lost.
for my $case (['selftest-noop', 5000], ['selftest-child-crash', 1000], ['selftest-child-hang', 30],
	      ['selftest-child-crash', 100, '--isolation', 'exec']) {
	my ($scenario, $trials, @more) = @$case;
	my $run = start('run', $scenario, '--trials', $trials * $scale, '--twins', 'without', '--python',
			$python, '--jobs', '1', @more);
	my (%of, $zombies);

	while (waitpid($run->{pid}, POSIX::WNOHANG()) == 0) {
		my $kin = kin($run);

		for my $pid (@{$kin->{worker}}, @{$kin->{zygote}}) {
			my $got = resources($pid);

			push @{$of{$pid}}, $got if $got;
		}
		my $n = grep { $_->{state} eq 'Z' } session_of($run);

		$zombies = $n if $n > ($zombies // 0);
		sleep 0.02;
	}
	$run->{status} = $?;
	is($run->{status}, 0, "$trials trials of $scenario") or diag(slurp($run->{err}));
	my @lives = grep { @$_ >= 8 } values %of;

	cmp_ok(scalar(@lives), '>=', @more ? 1 : 2, 'worker and host could be watched');
	for my $samples (@lives) {
		# The first quarter is for what is read once: symbols, caches. A few descriptors
		# come and go: /proc is looked at, a control starts its own host.
		my @later = @$samples[@$samples / 4 .. $#$samples];
		my ($first, $last) = @later[0, -1];

		cmp_ok($last->{rss} - $first->{rss}, '<', 1024,
		       "the resident memory does not grow ($first->{rss} to $last->{rss} KiB)");
		my $most = (sort { $b <=> $a } map { $_->{fds} } @later)[0];
		my $least = (sort { $a <=> $b } map { $_->{fds} } @later)[0];

		cmp_ok($most - $least, '<=', 8, "nor the number of descriptors ($least to $most)");
	}
	cmp_ok($zombies // 0, '<', 5, 'and zombies do not pile up');
	is(left_behind($run, 0.5), '', 'nothing is left behind');
}
done_testing();
