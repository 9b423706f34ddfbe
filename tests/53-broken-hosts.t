#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Interpreters and hosts that are broken, and compilers that are not there: one sentence for each
# and exit status 3, while the results of other interpreters are kept.
use strict;
use warnings;
use lib 'tests/lib';

use File::Basename qw(basename);
use File::Copy qw(copy);
use Test::More;
use Driven;

my @all = pythons();
plan(skip_all => 'no interpreter is known: make pythons') if !@all;

# A store of the test's own: the user's hosts stay what they are.
my ($cache, $home) = ("$dir/cache", "$dir/home");
my $store = ($ENV{FORKPOINT_CACHE} // ($ENV{XDG_CACHE_HOME} // "$ENV{HOME}/.cache") . '/forkpoint') .
	'/interpreters';
mkdir $_ for $cache, $home, "$dir/lib", "$dir/empty";
symlink($store, "$cache/interpreters");
my %env = (FORKPOINT_CACHE => $cache);

# A copy of an interpreter's file in which a few keys differ. An old one, and all of one name, so
# that they share a host and it is not built again.
sub variant {
	my ($name, %change) = @_;
	my $text = slurp($all[0]{file});

	$text =~ s/^$_=.*/$_=$change{$_}/m for keys %change;
	mkdir $_ for "$dir/$name", "$dir/$name/broken";
	spew("$dir/$name/broken/interp", $text);
	utime(1, 1, "$dir/$name/broken/interp");
	return "$dir/$name/broken";
}

my ($lib) = slurp($all[0]{file}) =~ /^lib=(.*)/m;
my $copy = "$dir/lib/" . basename($lib);
plan(skip_all => 'the first interpreter has no shared library') if $lib !~ /\.so/;
copy($lib, $copy) or die "$copy: $!";
my $good = variant('good', lib => $copy);
my @run = ('run', 'selftest-noop', '--trials', '1', '--twins', 'without');
my $other = @all > 1 ? $all[1]{python} : undef;
my @with_other = $other ? ('--python', $other) : ();

my ($status, $out, $err) = run({ env => \%env }, @run, '--python', $good, @with_other);
is($status, 0, 'as long as nothing is broken, all is well') or BAIL_OUT("$out$err");
my ($host) = glob("$cache/hosts/broken-*/host") or BAIL_OUT('where is its host?');
my $kept = "$dir/host.kept";

# broken(WHAT, REGEX, { env… }, ARGUMENTS…): it is told in one sentence, and the other one is run.
sub broken {
	my ($what, $sentence, $how, @args) = @_;
	my $json = "$dir/json";

	unlink $json;
	subtest $what => sub {
		my ($status, $out) = run({ %$how, env => { %env, %{$how->{env} // {}} } }, @run, '--json',
					 $json, @args);
		my $tap = tap_of($out);
		my @cells = cells_of(slurp($json));
		my ($bad) = grep { defined $_->{harness_error} } @cells;

		is($status, 3, 'the exit status tells of the harness');
		is("@{$tap->{faults}}", '', 'the TAP stream is complete');
		is(scalar(grep { defined $_->{harness_error} } @cells), 1, 'it is told once');
		like($bad->{harness_error}, $sentence, 'in the right words');
		unlike($bad->{harness_error} // '', qr/\n/, 'in one line');
		is(join(' ', map { $_->{verdict} // 'none' } grep { $_->{python} eq $other } @cells),
		   'as-expected', 'the other one is run') if grep { $_ eq ($other // '') } @args;
	};
}

# Something else stands where the host was.
rename($host, $kept) or die "$host: $!";
for my $case (
	['a host that crashes at start', "#!/bin/sh\nkill -SEGV \$\$\n", qr/does not start: .*died of Segm.*remove/],
	['a host that ends at start', "#!/bin/sh\necho oh no >&2\nexit 5\n", qr/does not start: oh no: .*remove/],
	['a host that ends in silence', "#!/bin/sh\nexit 5\n", qr/status 5 and without a word.*remove/],
	['a host that is another program', "#!/bin/sh\nexit 0\n", qr/is no host, .*remove it/],
	['a host that is no program', "\1\2\3\4", qr/does not start: [^:]*.*remove/],
) {
	my ($what, $text, $sentence) = @$case;

	spew($host, $text);
	chmod(0755, $host);
	broken($what, $sentence, {}, '--python', $good, @with_other);
}
# One that starts, and then dies when it is to serve. Its catalog and its start are the real one's.
for my $end ('exit 7', 'echo last words >&2; kill -KILL $$', 'exec </dev/null; sleep 0.1') {
	spew($host, "#!/bin/sh\ncase \$* in *--zygote*) $end;; *) exec $kept \"\$@\";; esac\n");
	chmod(0755, $host);
	broken("a host that ends before it serves ($end)", qr/the host \S+ does not start: /, {},
	       '--python', $good, @with_other);
}
unlink($host);
rename($kept, $host);

# Python without what it needs. What can be seen at once is refused at once.
{
	my ($status, $out, $err) = run({ env => \%env }, @run, '--python',
				       variant('homeless', home => "$dir/empty", lib => $copy));

	is("$status:$out", '2:', 'an interpreter without a standard library is refused');
	like($err, qr/\Aforkpoint: .*has no standard library under '\Q$dir\E\/empty'.*\n\z/,
	     'in one sentence');
}
my ($line) = $all[0]{python} =~ /^(\d+\.\d+)/;
system('mkdir', '-p', "$dir/empty/lib/python$line/encodings");
spew("$dir/empty/lib/python$line/$_", '') for 'os.py', 'encodings/__init__.py';
broken('an interpreter with an empty standard library',
       qr/python does not start: .*see that \Q$dir\E\/empty has its standard library/, {},
       '--python', variant('homeless', home => "$dir/empty", lib => $copy), @with_other);
truncate($copy, 10000);
utime(1, 1, $copy);
{
	my ($status, $out, $err) = run({ env => \%env }, @run, '--python', $good);

	isnt($status, 0, 'a libpython that was cut off is noticed');
	like("$out$err", qr/\Q$copy\E.*(?:short|cut|truncated|fetch|cannot be used)/, 'and named');
}

# Nothing to build with. In an empty cache, where all is to be built.
mkdir "$dir/bin.$_" for qw(nothing make);
for my $tool (qw(sh make mkdir mv cmp sed printf cat rm)) {
	my ($where) = grep { -x } map { "$_/$tool" } split(/:/, $ENV{PATH});

	symlink($where, "$dir/bin.make/$tool") if $where;
	symlink($where, "$dir/bin.nothing/$tool") if $where && $tool ne 'make';
}
for my $case (
	['a compiler that fails', qr/cannot build the host of .*doctor.*make -f \S+ .*shows all/, CC => 'false', CXX => 'false'],
	['a compiler that is not there', qr/cannot build the host of .*(?:not found|No such file).*doctor/, PATH => "$dir/bin.make"],
	['no make', qr/cannot run make: No such file.*doctor/, PATH => "$dir/bin.nothing"],
) {
	my ($what, $sentence, @env) = @$case;

	mkdir "$dir/cache.new";
	symlink($store, "$dir/cache.new/interpreters");
	broken($what, $sentence, { env => { FORKPOINT_CACHE => "$dir/cache.new", @env } }, '--python',
	       $all[0]{python});
	system('rm', '-rf', "$dir/cache.new");
}

# Nowhere to build.
spew("$dir/a-file", '');
for my $where ("$dir/a-file", '/proc/forkpoint') {
	my ($status, $out, $err) = run({ env => { FORKPOINT_CACHE => $where } }, @run, '--python',
				       $all[0]{file});

	isnt($status, 0, "a cache in $where: it is a failure");
	like("$out$err", qr/(?:cannot|make the directory).*\Q$where\E/, "a cache in $where: it is told");
}

done_testing();
