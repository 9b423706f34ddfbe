#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The main job, seen from outside: what each release of CPython does in each scenario, with nothing
# simulated. What is expected stands here a second time, on purpose: from CPython's issues, release
# notes and measurements, not from the scenarios' own tables.
use strict;
use warnings;

use lib 'tests/lib';
use Forkpoint;
use Test::More;

# A release of each behaviour. Those not listed as exact move with the suite that has them: a later
# one of the line will do.
my @wanted = ('3.12.1', '3.13.0', '3.13.5', '3.13.18', '3.14.10', '3.15.2');
my @exact = ('3.12.1', '3.13.0', '3.13.5');

# Scenario => sub (release) => the outcome of every trial, where the race is met each time.
sub before { my ($r, $bound, $then, $else) = @_; release_cmp($r, $bound) < 0 ? $then : $else }
my %always = (
	# gh-131185, gh-124619: the auto-interpreter is NULL; fixed in 3.15.0.
	'finalize-ensure-after/gilstate'      => sub { before($_[0], '3.15', 'SIGSEGV', 'parked') },
	'finalize-check-then-ensure/gilstate' => sub { before($_[0], '3.15', 'SIGSEGV', 'parked') },
	# gh-87135: pthread_exit, which unwinds, up to 3.13.7; held for ever from 3.13.8 on.
	'finalize-restore/cleanup'   => sub { before($_[0], '3.13.8', 'exit', 'parked') },
	'finalize-restore/noexcept'  => sub { before($_[0], '3.13.8', 'SIGABRT', 'parked') },
	'finalize-restore/catch-all' => sub { before($_[0], '3.13.8', 'SIGABRT', 'parked') },
	# gh-101437, gh-139759.
	'fork-live-subinterpreter' => sub {
		before($_[0], '3.13', 'hang', before($_[0], '3.14', 'SIGABRT', 'SIGSEGV'))
	},
	# cpython pull 116607 (3.13.0a6): HEAD_LOCK is held while C handlers run.
	(map { ("fork-atfork-head-lock/$_" => sub { before($_[0], '3.13', 'ok', 'hang') }) }
		'new-state', 'current-frames', 'import'),
	'fork-stop-sampler/release'      => sub { before($_[0], '3.13', 'ok', 'hang') },
	'fork-stop-sampler/release-keep' => sub { 'ok' },
	'fork-stop-sampler/join'         => sub { 'hang' },
	# POSIX: fork() copies one thread and every locked mutex; child handlers, oldest first.
	'fork-held-mutex'          => sub { 'hang' },
	'fork-atfork-order/lock'   => sub { 'hang' },
	'fork-atfork-order/memory' => sub { 'SIGSEGV' },
	'fork-stop-cost'           => sub { 'ok' },
	# PEP 788: whoever has a guard finishes, whoever gets none goes home.
	(map { ("$_/guard" => sub { before($_[0], '3.15', undef, 'ok') }) }
		'finalize-ensure-after', 'finalize-check-then-ensure', 'finalize-restore',
		'finalize-hammer'),
);
# Where luck enters, or what the allocator left: no outcome but these.
my %among = (
	# gh-124878: a freed thread state is used; counted references from 3.14 on.
	'restore-after-reinit' => sub { before($_[0], '3.14', 'SIGABRT SIGSEGV', 'parked') },
	'fork-lru-list'        => sub { 'SIGABRT SIGSEGV ok' },
	'fork-lru-stdlist'     => sub { 'SIGABRT SIGSEGV ok' },
	# gh-132948; guarded within since 3.15.0.
	'finalize-hammer/during' => sub { before($_[0], '3.15', 'SIGABRT SIGSEGV ok', 'ok') },
	'finalize-hammer/after'  => sub {
		before($_[0], '3.13.8', 'SIGABRT SIGSEGV exit',
		       before($_[0], '3.15', 'SIGABRT SIGSEGV parked', 'parked'))
	},
);
# What the dying process itself has to say. Messages of the C++ runtime, glibc and CPython.
my %message = (
	'finalize-restore/noexcept'  => qr/terminate called without an active exception/,
	'finalize-restore/catch-all' => qr/FATAL: exception not rethrown/,
	'fork-live-subinterpreter'   => qr/the function must be called with the GIL held/,
);
# Crashes and hangs are confirmed by controls. None of these scenarios is excepted today; one to
# which no control applies would stand here with the reason.
my %unconfirmed = ();

my @pythons = grep { release_cmp($_, '3.12') >= 0 && release_cmp($_, '3.16') < 0 } pythons();
plan(skip_all => 'no interpreter is here: make pythons') if !@pythons;

for my $wanted (@wanted) {
	my $is_exact = grep { $_ eq $wanted } @exact;
	my @fit = grep { $_ eq $wanted || !$is_exact && line_of($_) eq line_of($wanted) &&
			 release_cmp($_, $wanted) > 0 } @pythons;
	SKIP: {
		skip("forkpoint pythons fetch $wanted", 1) if !@fit;
		pass("$wanted" . ($is_exact ? '' : ' or later') . " is here: @fit");
	}
}

my @specs = map { ('--python', $_) } @pythons;
my ($status, $cells, $tap, $err) = cells(@specs, '--twins', 'without', '--budget', '1s');
is($status, 0, 'the whole matrix is as expected') or diag($err, grep { /^not ok/ } split(/^/, $tap));
like($tap, qr/^1\.\.\d+$/m, 'its TAP has a plan');
unlike($tap, qr/^not ok/m, 'and no failure');


my %cell;
$cell{$_->{scenario}}{$_->{python}} = $_ for @$cells;
is(join(' ', sort keys %cell), join(' ', sort grep { /guard$/ ? $pythons[-1] =~ /^3\.15/ : 1 }
	keys %always, keys %among), 'every scenario has run, and none that is not known here');

# The sentences that fail, of many small ones: a hundred cells are one test point each way.
my (@wrong, @vacuous, @nameless, @mute, @refuted, @uncounted);
for my $python (@pythons) {
	for my $name (sort keys %cell) {
		my $c = $cell{$name}{$python};
		my $only = $always{$name} ? $always{$name}->($python) : undef;
		my %may = map { $_ => 1 } split(/ /, $only // ($among{$name} // sub { '' })->($python));

		if (!$c) {
			push(@wrong, "$name did not run on $python") if defined($only) || $among{$name};
			next;
		}
		my $what = "$name on $python: " . outcomes($c);

		push(@wrong, $what) if !$c->{trials} || grep { !$may{$_} } keys %{$c->{outcomes}};
		push(@vacuous, $what) if !$c->{hits};
		my $bad = 0;
		for my $f (@{$c->{findings}}) {
			my $t = $f->{triage};

			$bad += $f->{count};
			push(@nameless, "$what, $f->{replay}") if !$t || $t->{pattern} eq 'other';
			push(@refuted, "$what, $f->{replay}") if !$unconfirmed{$name} &&
				!($t && ref($t->{confirmed}) && $t->{confirmed});
			push(@mute, "$what: '$f->{message}'") if $message{$name} &&
				$f->{outcome} eq 'SIGABRT' && $f->{message} !~ $message{$name};
		}
		my $died = 0;
		$died += $c->{outcomes}{$_} for grep { /^SIG|^hang$/ } keys %{$c->{outcomes}};
		push(@uncounted, "$what: $died died, $bad were looked at") if $died != $bad;
	}
}
sub none { my ($sentence, @list) = @_; is(join("\n", @list), '', $sentence) }
none('every cell ends in what that release is known for, each trial of it', @wrong);
none('no cell is vacuous', @vacuous);
none('every crash and hang is found, with a replay line', @uncounted);
none('every crash and hang has a pattern', @nameless);
none('the controls bear every one of them out', @refuted);
none('the message of the dying process is captured', @mute);

# The cells that the project stands for, each by itself, so that a failure names it.
for my $python (@pythons) {
	my %of = map { $_ => $cell{$_}{$python} } keys %cell;
	my $ensure = $of{'finalize-ensure-after/gilstate'};

	is(outcomes($ensure), before($python, '3.15', 'SIGSEGV', 'parked'),
	   "finalize-ensure-after on $python: " . outcomes($ensure));
	if (outcomes($ensure) eq 'SIGSEGV') {
		is($ensure->{findings}[0]{si_code}, 1, 'a real fault: SEGV_MAPERR');
		is($ensure->{triage}{pattern}, 'finalization-toctou', 'named');
		like($ensure->{triage}{signature}, qr/^SIGSEGV PyGILState_Ensure</, 'and placed');
	}
	my $toctou = $of{'finalize-check-then-ensure/gilstate'};
	is($toctou->{hits}, $toctou->{trials}, "the gate meets finalize-check-then-ensure on $python " .
	   "each time: $toctou->{hits} of $toctou->{trials}");
}

# Chance decides each of these cells, but not all of them: rates are 1 % and more on any release.
for my $name (sort keys %among) {
	my @prone = grep { release_cmp($_, '3.15') < 0 || $name =~ /^fork/ } @pythons;
	my @met = grep { outcomes($cell{$name}{$_}) =~ /SIG/ } @prone;

	ok(@met >= @prone / 2, "$name is met on most releases: @met") if @prone;
}

# Twins: the same code with the fix.
my ($twins_status, $twins, $twins_tap, $twins_err) =
	cells(@specs, '--twins', 'only', '--trials', '50');
is($twins_status, 0, 'every twin is as expected') or diag($twins_err);
is(scalar(@$twins), scalar(@$cells), 'each scenario has one on each release');
none('in 50 trials each, none does anything but well', map { "$_->{scenario} on $_->{python}: " .
	outcomes($_) } grep { outcomes($_) ne 'ok' } @$twins);
none('all of 50 trials were made', map { "$_->{scenario} on $_->{python}: $_->{trials}" }
	grep { $_->{trials} != 50 } @$twins);
none('and none is vacuous', map { "$_->{scenario} on $_->{python}" } grep { !$_->{hits} } @$twins);

done_testing();
