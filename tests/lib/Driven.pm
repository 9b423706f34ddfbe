# SPDX-License-Identifier: Apache-2.0
# For tests that start forkpoint, disturb it, and look at what it leaves behind.
#
# Each run is the leader of a session of its own. Nothing below it leaves that session, so whatever
# has its id in /proc, zombies included, is the run's, and nobody else's process on the machine is
# ever counted or touched. The test is a subreaper: orphans come to it, and are reaped by it.
package Driven;
use strict;
use warnings;

use Cwd qw(getcwd);
use Exporter qw(import);
use File::Temp qw(tempdir);
use JSON::PP;
use POSIX qw(:sys_wait_h setsid);
use Time::HiRes qw(sleep time);

our @EXPORT = qw($forkpoint $dir start finish run session_of kin await left_behind tap_of cells_of
	pythons interpreter slurp spew stop_all);

our $forkpoint = $ENV{FORKPOINT} // getcwd() . '/' . ($ENV{BUILD} // 'build') . '/forkpoint';
our $dir = tempdir('forkpoint-test.XXXXXX', TMPDIR => 1, CLEANUP => 1);
$ENV{FORKPOINT_DATA} //= getcwd();

my %prctl = (x86_64 => 157, aarch64 => 167);
my $machine = (POSIX::uname())[4];
syscall($prctl{$machine}, 36, 1, 0, 0, 0) if $prctl{$machine}; # PR_SET_CHILD_SUBREAPER

my $count = 0;
my @started;

sub slurp {
	my ($path) = @_;

	open(my $fh, '<', $path) or return '';
	local $/;
	return scalar(<$fh>) // '';
}

sub spew {
	my ($path, $text) = @_;

	open(my $fh, '>', $path) or die "$path: $!";
	print $fh $text;
	close($fh) or die "$path: $!";
}

# start({ env => {}, before => sub, stdout => PATH, cwd => DIR }, ARGUMENTS…): a run in a session of
# its own, or of `program`. Returns what the other functions take.
sub start {
	my $how = ref $_[0] ? shift : {};
	my $n = ++$count;
	my $run = { out => $how->{stdout} // "$dir/out.$n", err => "$dir/err.$n",
		    tmp => "$dir/tmp.$n", cwd => $how->{cwd} // "$dir/cwd.$n", at => time };
	mkdir $run->{tmp};
	mkdir "$dir/cwd.$n";
	my $pid = fork() // die "fork: $!";

	if (!$pid) {
		setsid();
		open(STDIN, '<', '/dev/null');
		open(STDOUT, '>', $run->{out}) or die "$run->{out}: $!";
		open(STDERR, '>', $run->{err}) or die "$run->{err}: $!";
		chdir $run->{cwd} or die "$run->{cwd}: $!";
		$ENV{TMPDIR} = $run->{tmp};
		for my $name (keys %{$how->{env} // {}}) {
			defined $how->{env}{$name} ? $ENV{$name} = $how->{env}{$name} : delete $ENV{$name};
		}
		$how->{before}->() if $how->{before};
		exec(@{$how->{program} // [$forkpoint]}, @_) or POSIX::_exit(126);
	}
	$run->{pid} = $pid;
	push @started, $run;
	return $run;
}

# All processes of the run's session: pid, ppid, pgrp, state, name, exe.
sub session_of {
	my ($run) = @_;
	my @all;

	for my $file (glob('/proc/[0-9]*/stat')) {
		my $text = slurp($file);
		my ($pid, $name, $state, $ppid, $pgrp, $sid) =
			$text =~ /^(\d+) \((.*)\) (\S) (\d+) (\d+) (\d+)/s or next;

		next if $sid != $run->{pid};
		push @all, { pid => $pid, name => $name, state => $state, ppid => $ppid,
			     pgrp => $pgrp, exe => readlink("/proc/$pid/exe") // '' };
	}
	return @all;
}

# The run's processes by what they are: main, workers, zygotes, subjects, loads.
sub kin {
	my ($run) = @_;
	my @all = session_of($run);
	my %of = (main => [$run->{pid}], worker => [], zygote => [], subject => [], load => []);
	my %kind = ($run->{pid} => 'main');
	my %below = (main => 'worker', worker => 'zygote', zygote => 'subject', subject => 'subject');
	my $found = 1;

	while ($found) {
		$found = 0;
		for my $p (grep { !$kind{$_->{pid}} && $kind{$_->{ppid}} } @all) {
			my $kind = $below{$kind{$p->{ppid}}} // 'load';

			$kind = 'load' if $p->{name} =~ /^stress/;
			next if $kind eq 'zygote' && $p->{exe} !~ m{/host$};
			$kind{$p->{pid}} = $kind;
			push @{$of{$kind}}, $p->{pid};
			$found = 1;
		}
	}
	return \%of;
}

# await(SECONDS, sub): what the sub returns as soon as that is true; else nothing.
sub await {
	my ($seconds, $what) = @_;
	my $until = time + $seconds;

	while (time < $until) {
		my $got = $what->();

		return $got if $got;
		sleep 0.002;
	}
	return;
}

sub reap_strangers {
	my %ours = map { $_->{pid} => 1 } grep { !defined $_->{status} } @started;

	for my $stat (glob('/proc/[0-9]*/stat')) {
		my ($pid, $state, $ppid) = slurp($stat) =~ /^(\d+) \(.*\) (\S) (\d+)/s or next;

		waitpid($pid, WNOHANG) if $ppid == $$ && $state eq 'Z' && !$ours{$pid};
	}
}

# Wait for the run's main process; its status (as $? has it) or undef, and the seconds it took.
sub finish {
	my ($run, $seconds) = @_;
	my $from = time;

	await($seconds // 60, sub {
		my $pid = waitpid($run->{pid}, WNOHANG);

		$run->{status} = $? if $pid == $run->{pid};
		return $pid != 0;
	});
	$run->{took} = time - $from;
	$run->{text} = -f $run->{out} ? slurp($run->{out}) : '';
	$run->{errors} = slurp($run->{err});
	return $run->{status};
}

# run([{…},] ARGUMENTS…) to its end: exit status, stdout, stderr.
sub run {
	my $run = start(@_);

	finish($run, 120);
	stop($run);
	return ($run->{status} // -1) >> 8, $run->{text}, $run->{errors} if !(($run->{status} // 1) & 127);
	return 128 + (($run->{status} // 0) & 127), $run->{text}, $run->{errors};
}

# What is left of a run that is over, after at most so many seconds: processes and files, as text.
sub left_behind {
	my ($run, $seconds) = @_;
	my @left;

	await($seconds // 1, sub {
		reap_strangers();
		@left = map { "$_->{pid} ($_->{name}) $_->{state}" } session_of($run);
		return !@left;
	});
	push @left, glob("$run->{tmp}/* $run->{tmp}/.[a-z]*");
	push @left, glob("$run->{cwd}/*") if $run->{cwd} =~ /^\Q$dir\E/;
	return join(', ', @left);
}

# By pid, and only ours: a test that fails leaves nothing either.
sub stop {
	my ($run) = @_;

	kill 'KILL', map { $_->{pid} } grep { $_->{state} ne 'Z' } session_of($run);
	reap_strangers();
}

sub stop_all {
	stop($_) for @started;
}

END {
	my $status = $?;

	stop_all();
	$? = $status;
}

# What a TAP stream has: { plan, points => [line…], bail, faults => [what is wrong with it] }.
sub tap_of {
	my ($text) = @_;
	my $tap = { plan => undef, points => [], bail => undef, faults => [] };
	my $in_yaml = 0;

	push @{$tap->{faults}}, 'the last line has no end' if $text !~ /\n\z/;
	my @lines = split(/\n/, $text);
	push @{$tap->{faults}}, 'no version' if (shift(@lines) // '') !~ /^TAP version 1[34]$/;
	for my $line (@lines) {
		if ($in_yaml) {
			$in_yaml = 0 if $line eq '  ...';
			push @{$tap->{faults}}, "in YAML: $line" if $line !~ /^  /;
		} elsif (defined $tap->{bail}) {
			push @{$tap->{faults}}, "after the bail-out: $line";
		} elsif ($line eq '  ---') {
			$in_yaml = 1;
		} elsif ($line =~ /^1\.\.(\d+)/) {
			push @{$tap->{faults}}, 'two plans' if defined $tap->{plan};
			$tap->{plan} = $1;
		} elsif ($line =~ /^(?:not )?ok (\d+) - /) {
			push @{$tap->{points}}, $line;
			push @{$tap->{faults}}, "number: $line" if $1 != @{$tap->{points}};
		} elsif ($line =~ /^Bail out! (.*)/) {
			$tap->{bail} = $1;
		} elsif ($line !~ /^#/) {
			push @{$tap->{faults}}, "unknown: $line";
		}
	}
	push @{$tap->{faults}}, 'YAML without an end' if $in_yaml;
	push @{$tap->{faults}}, 'fewer points than planned'
		if !defined $tap->{bail} && ($tap->{plan} // -1) != @{$tap->{points}};
	return $tap;
}

# The JSON objects of a text; dies if a line is none.
sub cells_of {
	my ($text) = @_;

	die "the last line has no end\n" if $text ne '' && $text !~ /\n\z/;
	return map { decode_json($_) } split(/\n/, $text);
}

# Interpreters that are here, as `pythons --json` tells of them, oldest first.
sub pythons {
	my (undef, $out) = run('pythons', '--json');

	return grep { $_->{default} } cells_of($out);
}

# The one whose start is fastest and whose hosts the machine's own libraries serve: the first.
sub interpreter {
	my @all = pythons();

	return @all ? $all[0]{python} : undef;
}

1;
