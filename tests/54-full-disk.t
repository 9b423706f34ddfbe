#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Output that cannot be written: the run goes on, what could be written is whole, the exit status
# and one sentence tell of the rest.
use strict;
use warnings;
use lib 'tests/lib';

use Config;
use Test::More;
use Driven;

my $python = interpreter();
plan(skip_all => 'no interpreter is known: make pythons') if !$python;

my @run = ('run', 'selftest-noop', 'selftest-crash', 'selftest-abort', 'selftest-kill', '--trials', '3',
	   '--python', $python);
my $cells = 8;

sub limited {
	my ($bytes) = @_;

	# Through sh: perl has no setrlimit(). Its units are blocks of 512 bytes.
	return program => ['sh', '-c', 'ulimit -f ' . $bytes / 512 . '; exec "$0" "$@"', $forkpoint];
}

SKIP: {
	skip('no /dev/full', 6) if !-c '/dev/full';
	my ($status, $out, $err) = run({ stdout => '/dev/full' }, @run, '--json', "$dir/json");

	is($status, 3, 'a full disk under stdout: exit status 3');
	like($err, qr/cannot write to standard output: No space left on device: .*make room/,
	     'one is told, and what to do');
	is(scalar(cells_of(slurp("$dir/json"))), $cells, 'no result is lost for it');

	($status, $out, $err) = run(@run, '--json', '/dev/full');
	is($status, 3, 'a full disk under --json: exit status 3');
	like($err, qr/cannot write to \/dev\/full: No space left.*make room/, 'one is told');
	is(scalar(@{tap_of($out)->{points}}), $cells, 'the TAP is all there');
}

# Closed descriptors: nothing of ours may get their numbers.
for my $fds (['1'], ['0', '1'], ['0', '1', '2']) {
	my $run = start({ program => ['sh', '-c', join(' ', 'exec "$0" "$@"', map { $_ ? "$_>&-" : '<&-' }
			@$fds), $forkpoint] }, @run, '--json', "$dir/json");
	my $what = 'closed descriptors (' . join(', ', @$fds) . ')';

	is(finish($run, 60), 3 << 8, "$what: exit status 3");
	is(scalar(cells_of(slurp("$dir/json"))), $cells, "$what: the JSON file is complete");
	like($run->{errors}, qr/cannot write to standard output: Bad file descriptor/, "$what: it is told")
		if !grep { $_ eq '2' } @$fds;
	is(left_behind($run, 0.5), '', "$what: nothing is left behind");
}
{
	my ($status, $out) = run({ before => sub { close(STDIN); close(STDERR) } }, @run);

	is($status, 0, 'closed stdin and stderr are no matter');
	is("@{tap_of($out)->{faults}}", '', 'and the TAP stream is in order');
}

# A file that stops growing in the middle of a record.
{
	my $json = "$dir/json.limited";
	my ($status, $out, $err) = run({ limited(8192) }, @run, '--json', $json);
	my @cells = cells_of(slurp($json));

	is($status, 3, 'a limit on file sizes: exit status 3');
	like($err, qr/cannot write to \Q$json\E: File too large/, 'one is told which file');
	cmp_ok(scalar(@cells), '>', 0, 'what was written before is whole');
	cmp_ok(scalar(@cells), '<', $cells, 'though some is missing');
}
{
	my ($status, $out, $err) = run({ limited(512) }, @run);

	is($status, 3, 'a limit that lets us share no page: exit status 3');
	like($out, qr/no memory to share with a host: File too large/, 'which is told');
}

# A file system that is really full, where we may make one.
my $script = 'mount -t tmpfs -o size=$0 tmpfs "$1" && shift && exec "$@"';
mkdir "$dir/small";
my $may_mount = system('unshare', '-m', 'sh', '-c', $script, '16k', "$dir/small", 'true') == 0;
SKIP: {
	skip('no tmpfs can be mounted here', 9) if !$may_mount;
	my @small = ('unshare', '-m', 'sh', '-c', $script, '8k', "$dir/small");
	my ($status, $out, $err);

	# The inner shell's file system is gone with it, so it is copied within.
	my @keep = ('sh', '-c', '"$@"; s=$?; cp "$0/json" "$0.json"; find "$0" >"$0.ls"; exit $s', "$dir/small");
	($status, $out, $err) = run({ program => [@small, @keep, $forkpoint] }, @run, '--json',
				    "$dir/small/json");
	my @cells = cells_of(slurp("$dir/small.json"));

	is($status, 3, 'a file system that fills under --json: exit status 3');
	like($err, qr/cannot write to \S+: No space left on device: .*make room/, 'one is told');
	cmp_ok(scalar(@cells), '>', 0, 'what was written before is whole');
	is(scalar(@{tap_of($out)->{points}}), $cells, 'and the TAP is all there');

	$keep[2] =~ s/cp [^;]*; //;
	($status, $out, $err) = run({ program => [@small, @keep, $forkpoint] }, @run, '--out',
				    "$dir/small/crashes", '--json', "$dir/json");
	is($status, 3, 'a file system that fills under --out: exit status 3');
	like($err, qr/\Aforkpoint: --out: cannot keep \S+: No space left on device: free some space[^\n]*\n\z/,
	     'one is told, once');
	is(scalar(cells_of(slurp("$dir/json"))), $cells, 'no result is lost for it');
	like(slurp("$dir/small.ls"), qr{/crashes$}m, 'the directory was made');
	unlike(slurp("$dir/small.ls"), qr/\.part/, 'and no half of a file stays in it');
}
done_testing();
