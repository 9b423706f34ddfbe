#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# SIGKILL, which nobody can prepare for, to each kind of process of a run. What is below it ends
# with it; what is above goes on, and says what was lost.
use strict;
use warnings;
use lib 'tests/lib';

use Test::More;
use Time::HiRes qw(sleep);
use Driven;

my $python = interpreter();
plan(skip_all => 'no interpreter is known: make pythons') if !$python;

# A trial for ever: in each, processes are where a kill may leave something behind.
my @endless = (
	['a child that hangs', 'selftest-child-hang', '--trials', '1000000'],
	['a child that waits for a lock', 'fork-held-mutex', '--trials', '1000000'],
	['a loop without end', 'selftest-spin', '--trials', '1000000'],
	['trials in quick succession', 'selftest-child-crash', '--trials', '1000000'],
	['a storm', 'fork-lru-list', '--explore', 'storm', '--budget', '60s'],
);

# The main process: all is gone within about a second.
for my $case (@endless) {
	for my $isolation (qw(zygote exec)) {
		my ($what, @args) = @$case;
		my $run = start('run', @args, '--twins', 'without', '--python', $python,
				'--isolation', $isolation);
		my $ready = await(20, sub {
			my $kin = kin($run);

			return @{$kin->{$isolation eq 'exec' ? 'zygote' : 'subject'}};
		});

		ok($ready, "$what ($isolation) runs");
		sleep(0.05 + rand 0.1);
		kill 'KILL', $run->{pid};
		finish($run, 5);
		is(left_behind($run, 1.5), '', "$what ($isolation): a killed main process takes all along");
	}
}

# While a load runs, of stress-ng and of our own.
for my $own (0, 1) {
	my $path = $own ? "$dir/bin" : $ENV{PATH};
	my $what = $own ? 'the load of our own' : 'a load';

	if ($own) {
		mkdir $path;
		for my $tool (qw(make sh cc c++ gcc g++ ld as mkdir mv cmp sed printf cat rm)) {
			my ($where) = grep { -x } map { "$_/$tool" } split(/:/, $ENV{PATH});

			symlink($where, "$path/$tool") if $where;
		}
	}
	for my $victim (qw(main worker)) {
		my $run = start({ env => { PATH => $path } }, 'run', 'fork-lru-list', '--explore', 'storm',
				'--budget', '1s', '--twins', 'without', '--python', $python);
		my $load = await(20, sub {
			my ($one) = grep { $own ? $_->{exe} eq readlink("/proc/$run->{pid}/exe") &&
					   $_->{pid} == $_->{pgrp} && $_->{pid} != $run->{pid} :
					   $_->{name} =~ /^stress-ng-cpu/ } session_of($run);

			return $one;
		});

		ok($load, "$what is there");
		kill 'KILL', @{kin($run)->{$victim}};
		if ($victim eq 'worker') {
			ok(await(1.5, sub { !grep { $_->{state} eq 'R' && $_->{pid} == $load->{pid} }
					    session_of($run) }), "$what ends with its worker");
			is(finish($run, 30), 3 << 8, 'and the run tells of it');
		} else {
			finish($run, 5);
		}
		is(left_behind($run, 1.5), '', "a killed $victim takes $what along");
	}
}

# Others: its unit is lost, and told; the rest of the run goes on. Half-way, so that a cell is done.
for my $case (
	['worker', qr/the worker died \(signal 9\): its unit is lost, the others are not/],
	['zygote', qr{the host \S+ died between trials: .*\w}],
) {
	my ($victim, $why) = @$case;
	my $json = "$dir/json.$victim";
	my $run = start('run', 'selftest-noop', 'selftest-slow', 'selftest-silent', '--trials', '1',
			'--python', $python, '--json', $json, '--jobs', '1', '--twins', 'without');
	my $slow = await(20, sub {
		return (slurp($json) =~ tr/\n//) == 1 && @{kin($run)->{subject}};
	});

	ok($slow, "a slow trial runs, to lose its $victim");
	kill 'KILL', @{kin($run)->{$victim}};
	is(finish($run, 60), 3 << 8, "a killed $victim: the exit status tells of the harness");
	my $tap = tap_of($run->{text});

	is("@{$tap->{faults}}", '', "a killed $victim: the TAP stream is complete");
	is($tap->{bail}, undef, "a killed $victim: and does not bail out");
	my @cells = cells_of(slurp($json));
	my @broken = grep { defined $_->{harness_error} } @cells;

	is(scalar(@cells), 3, "a killed $victim: each cell has a result");
	is(join(' ', map { $_->{scenario} } @broken), 'selftest-slow',
	   "a killed $victim: it costs its own cell only");
	like($broken[0]{harness_error}, $why, "a killed $victim: and says how");
	is(left_behind($run, 0.5), '', "a killed $victim: nothing is left behind");
}

# A worker that is killed leaves hosts and subjects, which end although the run goes on.
{
	my $run = start('run', 'selftest-spin', 'selftest-slow', '--trials', '1', '--twins', 'without',
			'--python', $python, '--jobs', '2');
	my $kin;

	await(20, sub { $kin = kin($run); return @{$kin->{subject}} >= 2 && @{$kin->{worker}} == 2 });
	my ($victim) = grep { my $w = $_; grep { (slurp("/proc/$_/stat") =~ /^\d+ \(.*\) \S (\d+)/)[0] ==
			      $w } @{$kin->{zygote}} } @{$kin->{worker}};
	my @zygotes = grep { (slurp("/proc/$_/stat") =~ /^\d+ \(.*\) \S (\d+)/)[0] == $victim }
		@{$kin->{zygote}};

	kill 'KILL', $victim;
	ok(await(1.5, sub { !grep { my $p = $_; grep { $_ == $p->{pid} } $victim, @zygotes }
			    session_of($run) }),
	   'worker and host are gone, not even zombies, while the run goes on');
	is(waitpid($run->{pid}, POSIX::WNOHANG()), 0, 'and it does');
	is(finish($run, 60), 3 << 8, 'to its end');
	is(left_behind($run, 0.5), '', 'and leaves nothing');
}

# A subject that somebody kills: an outcome is what happened.
{
	my $json = "$dir/json.subject";
	my $run = start('run', 'selftest-slow', '--trials', '1', '--twins', 'without', '--python',
			$python, '--json', $json);

	await(20, sub { @{kin($run)->{subject}} });
	kill 'KILL', @{kin($run)->{subject}};
	is(finish($run, 60), 1 << 8, 'a subject that somebody killed is no success');
	my ($cell) = cells_of(slurp($json));

	is_deeply($cell->{outcomes}, { SIGKILL => 1 }, 'and its outcome says so');
}

# An idle worker: nothing is lost.
{
	my $run = start('run', 'selftest-noop', 'selftest-slow', '--trials', '1', '--twins', 'without',
			'--python', $python, '--jobs', '2');
	my $idle = await(20, sub {
		my $kin = kin($run);

		return @{$kin->{worker}} == 2 && slurp($run->{out}) =~ /^ok 1/m && @{$kin->{subject}} &&
			(grep { my $w = $_; !grep { my $z = $_; (slurp("/proc/$z/stat") =~
			/^\d+ \(.*\) \S (\d+)/)[0] == $w && grep { (slurp("/proc/$_/stat") =~
			/^\d+ \(.*\) \S (\d+)/)[0] == $z } @{$kin->{subject}} } @{$kin->{zygote}} }
			@{$kin->{worker}})[0];
	});

	ok($idle, 'one of two workers has nothing to do');
	kill 'KILL', $idle if $idle;
	is(finish($run, 60), 0, 'killing it costs nothing');
	is(left_behind($run, 0.5), '', 'and leaves nothing');
}

# A host that is stopped (SIGSTOP) is no reason to wait for ever, nor for Ctrl-C to be lost.
{
	my $run = start('run', 'selftest-slow', '--trials', '1', '--twins', 'without', '--python',
			$python);

	await(20, sub { @{kin($run)->{subject}} });
	kill 'STOP', @{kin($run)->{zygote}};
	kill 'INT', $run->{pid};
	is(finish($run, 5), 130 << 8, 'Ctrl-C ends a run whose host is stopped');
	cmp_ok($run->{took}, '<', 1, 'within a second');
	is(left_behind($run, 1), '', 'and leaves nothing');
}

done_testing();
