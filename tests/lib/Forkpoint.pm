# SPDX-License-Identifier: Apache-2.0
# What the tests written in Perl share: running forkpoint and reading what it says. From the top of
# the tree: use lib 'tests/lib'.
package Forkpoint;

use strict;
use warnings;

use Exporter qw(import);
use File::Temp qw(tempdir);
use JSON::PP;

our @EXPORT = qw(forkpoint cells pythons release_cmp line_of outcomes slurp);

my $program = $ENV{FORKPOINT} // ($ENV{BUILD} // 'build') . '/forkpoint';
my $dir = tempdir('forkpoint-test.XXXXXX', TMPDIR => 1, CLEANUP => 1);

sub slurp {
	my ($path) = @_;

	open(my $fh, '<', $path) or return '';
	local $/;
	return scalar(<$fh>) // '';
}

# Run it; ($status, $out, $err). A signal's end is its number plus 128, as a shell has it.
sub forkpoint {
	my (@args) = @_;
	my $pid = fork() // die "no process: $!";

	if (!$pid) {
		open(STDIN, '<', '/dev/null') or die;
		open(STDOUT, '>', "$dir/out") or die;
		open(STDERR, '>', "$dir/err") or die;
		exec($program, @args) or die "cannot run $program: $!";
	}
	waitpid($pid, 0);
	my $status = $? & 127 ? 128 + ($? & 127) : $? >> 8;
	return ($status, slurp("$dir/out"), slurp("$dir/err"));
}

# `forkpoint run`: ($status, [cells], $tap, $err).
sub cells {
	my (@args) = @_;

	unlink("$dir/cells");
	my ($status, $tap, $err) = forkpoint('run', @args, '--json', "$dir/cells");
	my @cells = map { decode_json($_) } split(/\n/, slurp("$dir/cells"));
	return ($status, \@cells, $tap, $err);
}

# What would run without --python: "3.12.1", …, oldest first. `all`: debug builds, too.
sub pythons {
	my ($all) = @_;
	my ($status, $out) = forkpoint('pythons', '--json');

	return map { $_->{python} } grep { $all || $_->{default} }
	       map { decode_json($_) } split(/\n/, $out);
}

# -1, 0, 1 as for <=>; of "3.13.18" and "3.13" the second is older than any 3.13.x but equal to none.
sub release_cmp {
	my @a = split(/\./, $_[0]);
	my @b = split(/\./, $_[1]);

	for my $i (0 .. 2) {
		my $order = ($a[$i] // 0) <=> ($b[$i] // 0);
		return $order if $order;
	}
	return 0;
}

# "3.13.18" is of the line "3.13".
sub line_of {
	return join('.', (split(/\./, $_[0]))[0, 1]);
}

# The outcomes of a cell as one text: "SIGABRT SIGSEGV".
sub outcomes {
	return join(' ', sort keys %{$_[0]{outcomes} // {}});
}

1;
