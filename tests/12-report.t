#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The report of recorded cells, read back by prove's own parser (and by a YAML library where there
# is one). What is wanted stands here, not in a file that a run has written.
use strict;
use warnings;

use File::Temp qw(tempdir);
use IPC::Open3;
use JSON::PP;
use Symbol qw(gensym);
use TAP::Parser;
use Test::More;

my $forkpoint = $ENV{FORKPOINT} // ($ENV{BUILD} // 'build') . '/forkpoint';
my $dir = tempdir(CLEANUP => 1);
my $json = JSON::PP->new->utf8->canonical;

delete $ENV{NO_COLOR};

sub slurp {
	my ($path) = @_;
	open(my $fh, '<:raw', $path) or die "$path: $!";
	local $/;
	return <$fh> // '';
}

sub spew {
	my ($path, $text) = @_;
	open(my $fh, '>:raw', $path) or die "$path: $!";
	print $fh $text;
	close($fh) or die "$path: $!";
}

# Runs forkpoint; (status, standard output, standard error).
sub forkpoint {
	my (@args) = @_;
	my $command = join(' ', map { "'" . s/'/'\\''/gr . "'" } $forkpoint, @args);
	system("$command >$dir/out 2>$dir/err </dev/null");
	return ($? & 127 ? -($? & 127) : $? >> 8, slurp("$dir/out"), slurp("$dir/err"));
}

# Writes cells, reports them with further arguments.
sub report {
	my ($cells, @args) = @_;
	spew("$dir/in.jsonl", join('', map { $json->encode($_) . "\n" } @$cells));
	return forkpoint('report', "$dir/in.jsonl", @args);
}

# Reads a stream as prove does: ({number => {…, yaml => data}}, parser).
sub read_tap {
	my ($stream) = @_;
	spew("$dir/stream.tap", $stream);
	open(my $fh, '<', "$dir/stream.tap") or die $!;
	my $parser = TAP::Parser->new({ source => $fh });
	my (%points, $last);
	eval {
		while (my $result = $parser->next) {
			if ($result->is_test) {
				$last = $points{ $result->number } = {
					ok => $result->is_actual_ok ? 1 : 0,
					description => $result->description,
					skip => $result->has_skip ? $result->explanation : undef,
				};
			} elsif ($result->is_yaml) {
				$last->{yaml} = $result->data;
			} elsif ($result->is_unknown) {
				push @{ $points{unknown} }, $result->raw;
			}
		}
		1;
	} or $points{died} = $@;
	return (\%points, $parser);
}

sub cell {
	my (%more) = @_;
	return { schema => 1, scenario => 'fork-x', twin => JSON::PP::false, python => '3.13.5',
		 explore => 'starve', isolation => 'zygote', trials => 3, hits => 3,
		 outcomes => { ok => 3 }, expected => ['ok'], verdict => 'as-expected', %more };
}

sub every_verdict {
	my ($status, $out, $err) = forkpoint('report', 'tests/report/every-verdict.jsonl');
	is($status, 3, 'a cell in which the harness failed makes the exit status 3');
	is($err, '', 'a recorded run that is whole gives no message');
	my @points = grep { /^(?:not )?ok |^1\.\.|^TAP/ } split(/\n/, $out);
	is_deeply(\@points, [
		'TAP version 13',
		'1..10',
		'ok 1 - fork-lru-list @ 3.13.18 starve (SIGSEGV or SIGABRT as expected)',
		'ok 2 - fork-lru-list twin @ 3.13.18 starve (clean)',
		'ok 3 - finalize-ensure-after @ 3.15.2 starve (parked as expected)',
		'not ok 4 - finalize-restore/noexcept @ 3.12.1 starve exec (unexpected: SIGSEGV)',
		'not ok 5 - fork-lru-stdlist @ 3.12.1 storm (SIGSEGV did not happen)',
		'ok 6 - finalize-hammer @ 3.13.18d storm (not seen)',
		'not ok 7 - fork-held-mutex @ 3.13.18 starve (vacuous)',
		"ok 8 - fork-held-mutex @ 3.14.10 starve # SKIP 3.14.10 is not here: type "
		. "'forkpoint pythons fetch 3.14.10'",
		'ok 9 - finalize-restore/guard @ 3.12.1 starve # SKIP needs PEP 788, new in 3.15',
		'not ok 10 - fork-stop-sampler @ 3.12.1 starve (the harness failed)',
	], 'each verdict has its test point, the plan comes first');

	my ($points, $parser) = read_tap($out);
	is_deeply([ $parser->parse_errors ], [], 'prove finds no error in the stream');
	is_deeply($points->{unknown}, undef, 'prove knows every line of the stream');
	my @cells = map { $json->decode($_) }
		split(/\n/, slurp('tests/report/every-verdict.jsonl'));
	for my $key (qw(outcomes trials hits rate rate_upper95 replay expected load)) {
		is_deeply($points->{1}{yaml}{$key}, $cells[0]{$key}, "the YAML has the cell's $key");
	}
	for my $key (qw(pattern signature detail attribution confidence evidence)) {
		is_deeply($points->{1}{yaml}{$key}, $cells[0]{triage}{$key},
			  "the YAML has the triage's $key");
	}
	is($points->{1}{yaml}{confirmed}, 'true', 'the YAML says that the pattern is confirmed');
	is($points->{6}{yaml}{reason}, $cells[5]{reason}, 'the bound of a not-seen cell is told');
	is($points->{7}{yaml}{verdict}, 'vacuous', 'the YAML has the verdict');
	is($points->{10}{yaml}{harness_error}, $cells[9]{harness_error},
	   'the harness error is told');
	is_deeply($points->{4}{yaml}{findings}, $cells[3]{findings},
		  'a point that fails has its findings, stacks and all');
	is($points->{1}{yaml}{findings}, undef, 'one that does not leaves them to --json');
	is($points->{9}{yaml}, undef, 'a skipped cell has no YAML');

	my ($table) = $out =~ /^#\n((?:# .*\n)+)#\n# SEGV, /m;
	is($table, <<'TABLE', 'the table has a row each scenario and a column each interpreter');
#                                   3.12.1   3.13.18  3.13.18d  3.14.10  3.15.2
# finalize-ensure-after starve                                           park
# finalize-hammer storm                               –
# finalize-restore/guard starve     skip
# finalize-restore/noexcept starve  SEGV!!
# fork-held-mutex starve                     none!!             skip
# fork-lru-list starve                       SEGV+
#   twin starve                              ok
# fork-lru-stdlist storm            ok!!
# fork-stop-sampler starve          error!!
TABLE
	like($out, qr/^# 10 cells: 3 as expected, 2 unexpected, 1 not seen, 1 vacuous, 2 skip/m,
	     'the verdicts are counted');
	like($out, qr/^# 1488 trials, 1456 hits, 6 crashes, 0 hangs$/m, 'the trials are counted');
	like($out, qr/^#   repeat it: forkpoint replay fp1:y$/m, 'a failure has its replay line');
	unlike($out, qr/\033/, 'nothing is coloured where nobody looks');
	is(scalar(grep { length > 100 && !/repeat it|^ |SKIP/ } map { utf8::decode($_); $_ }
		  split(/\n/, $out)), 0, 'no line of the summary is wider than 100 columns');
	my ($status14, $out14) = forkpoint('report', '--tap', '14', 'tests/report/every-verdict.jsonl');
	is($out14, $out =~ s/\ATAP version 13/TAP version 14/r, '--tap 14 changes the first line only');
}

sub statuses {
	my %cells = (
		good => cell(),
		seen => cell(outcomes => { SIGSEGV => 3 }, expected => ['SIGSEGV']),
		unseen => cell(verdict => 'not-seen'),
		bad => cell(verdict => 'unexpected', outcomes => { hang => 1 }),
		vacuous => cell(verdict => 'vacuous'),
		skipped => cell(verdict => 'skipped', reason => 'no'),
		missing => cell(verdict => 'skipped', reason => 'no', missing => JSON::PP::true),
		broken => cell(harness_error => 'it broke'),
		strange => cell(verdict => 'splendid'),
	);
	my @wanted = (
		[0, 'good'], [0, 'good seen unseen skipped'], [1, 'good bad skipped'],
		[1, 'vacuous good'], [3, 'bad broken skipped'], [3, 'good strange'],
		[77, 'skipped missing'], [77, 'skipped'],
	);
	for my $row (@wanted) {
		my ($status) = report([ @cells{ split(' ', $row->[1]) } ]);
		is($status, $row->[0], "a run of cells that are $row->[1] ends with $row->[0]");
	}
	my ($status, $out) = report([ @cells{qw(good missing)} ], '--require-all');
	is($status, 1, 'with --require-all a missing interpreter is a failure');
	like($out, qr/^not ok 2 - fork-x \@ 3\.13\.5 starve \(skipped\)$/m, 'and its point is not ok');
	like($out, qr/skip!!/, 'and the table marks it');
	($status, $out) = report([ @cells{qw(good skipped)} ], '--require-all');
	is($status, 0, 'with --require-all a scenario that cannot exist there is still a skip');
	($status, $out) = report([]);
	is($status, 77, 'a run without a cell was skipped');
	my ($points, $parser) = read_tap($out);
	ok($parser->is_good_plan && !$parser->parse_errors && $parser->skip_all,
	   'and is a valid stream that says so');
}

# More interpreters than a line has room for.
sub wide_table {
	my @pythons = map { ("3.$_.1", "3.$_.18d") } 12 .. 21;
	my ($status, $out) = report([ map { cell(python => $_, scenario => 'a-name-of-some-length') }
				      @pythons ]);
	my @lines = map { utf8::decode($_); $_ } grep { /^#/ } split(/\n/, $out);
	is(scalar(grep { length > 100 } @lines), 0, 'a wide table goes on below itself');
	my @heads = map { /^# +(3\..*)/ ? split(' ', $1) : () } @lines;
	is_deeply(\@heads, \@pythons, 'with every interpreter once');
	is(scalar(grep { $_ eq 'ok' } map { /^# a-name-of-some-length +(.*)/ ? split(' ', $1) : () } @lines),
	   scalar(@pythons), 'and every cell');
}

# Everything that could end a line, a string, a YAML block or the stream.
sub hostile {
	my @texts = ("two\nlines", "tab\tand\rreturn", 'a "quoted" \\ back\\\\slash', "nul \0 inside",
		     "esc \e[31mred", '# SKIP me', 'x # TODO later', 'back \\# SKIP slash', '---', '...',
		     "\n...\nok 99 - forged", 'Bail out! no', "Bail out!\nBail out!", 'key: value',
		     'key:', ': x', '- item', 'one two: three', "'single'", '"', '\\', ' lead', 'trail ',
		     '', '~', 'true', 'No', '12', '1e3', '{}', '[]', '[a, b]', '{a: b}', '|', '>',
		     '%TAG', '@at', '`tick', "\x{85}next", "\x{2028}sep", "\x{202e}rtl", "\x{feff}bom",
		     "\x{1f40d} snake", 'é', 'x' x 100_000, ': ' x 3000);
	my @cells = map { cell(scenario => "s$_", reason => $_, replay => $_, evidences => [ $_, $_ ],
			       triage => { signature => $_, evidence => [ $_, [$_], { s/\0//gr => $_ } ] },
			       verdict => 'unexpected', outcomes => { hang => 1 }) } @texts;
	push @cells, map { cell(verdict => 'skipped', reason => "r$_", python => $_) } @texts;
	my ($status, $out) = report(\@cells);
	is($status, 1, 'hostile texts leave the exit status alone');
	my ($points, $parser) = read_tap($out);
	is($points->{died}, undef, 'prove does not die of hostile texts');
	is_deeply([ $parser->parse_errors ], [], 'prove finds no error among hostile texts');
	is_deeply($points->{unknown}, undef, 'no hostile text becomes a line of its own');
	is($parser->tests_run, scalar(@cells), 'each hostile cell is one test point');
	is(scalar($parser->failed), scalar(@texts), 'no hostile text turns a failure into a success');
	is(scalar($parser->skipped), scalar(@texts), 'no hostile text skips a test');
	my $valid = eval { utf8::decode(my $copy = $out); 1 } && utf8::is_utf8(my $c = do {
		my $copy = $out; utf8::decode($copy); $copy });
	ok($valid, 'the stream is UTF-8');
	unlike($out, qr/[\x00-\x09\x0b-\x1f\x7f]/, 'no control character reaches the terminal');
	my $wrong = 0;
	for my $i (0 .. $#texts) {
		next if $texts[$i] =~ /[^\x00-\x7e]/ || length($texts[$i]) > 4000;
		for my $got ($points->{ $i + 1 }{yaml}{signature}, $points->{ $i + 1 }{yaml}{replay},
			     $points->{ $i + 1 }{yaml}{evidence}[0],
			     $points->{ $i + 1 }{yaml}{evidence}[1][0],
			     $points->{ $i + 1 }{yaml}{evidences}[1]) {
			next if defined $got && $got eq $texts[$i];
			$wrong++;
			diag("got '" . ($got // 'undef') . "' for '$texts[$i]'");
		}
	}
	is($wrong, 0, "prove's reader gives back what went in");
	yaml_library($out, \@texts);
}

# The blocks once more, by a real YAML parser.
sub yaml_library {
	my ($out, $texts) = @_;
SKIP: {
		skip("python3 has no yaml module", 2) if system('python3 -c "import yaml" 2>/dev/null');
		spew("$dir/stream.tap", $out);
		my $script = <<'PYTHON';
import json, re, sys, yaml
text = open(sys.argv[1], encoding="utf-8", newline="\n").read()
blocks = re.findall(r"^  ---\n(.*?)^  \.\.\.\n", text, re.M | re.S)
json.dump([yaml.safe_load(block) for block in blocks], sys.stdout)
PYTHON
		spew("$dir/read.py", $script);
		my $read = `python3 $dir/read.py $dir/stream.tap`;
		is($?, 0, 'a YAML library reads every block');
		my $data = $json->decode($read || '[]');
		my $wrong = 0;
		for my $i (0 .. $#$texts) {
			next if length($texts->[$i]) > 4000;
			for my $got ($data->[$i]{signature}, $data->[$i]{evidence}[0],
				     $data->[$i]{evidence}[2]{ $texts->[$i] =~ s/\0//gr }) {
				next if defined $got && $got eq $texts->[$i];
				$wrong++;
				diag("got '" . ($got // 'undef') . "' for text $i");
			}
		}
		is($wrong, 0, 'a YAML library gives back what went in');
	}
}

sub outputs {
	my @cells = (cell(rate => 0.1), cell(scenario => 'b', python => '3.9.1'), cell(python => '3.13.18'));
	my ($status, $out, $err) = report(\@cells, '--json', "$dir/copy.jsonl");
	is_deeply([ map { $json->decode($_) } split(/\n/, slurp("$dir/copy.jsonl")) ], \@cells,
		  '--json FILE gets every cell, one a line');
	like(slurp("$dir/copy.jsonl"), qr/"rate":0\.1[,}]/, 'a number looks as it did');
	my ($status2, $out2) = report(\@cells, '--json', '-');
	is($out2, slurp("$dir/copy.jsonl"), '--json - writes the same to standard output, without TAP');
	like($out, qr/^# +3\.9\.1 +3\.13\.5 +3\.13\.18$/m, 'releases are in their order, not in that of letters');

	my $streamed = `cat $dir/in.jsonl | $forkpoint report -`;
	like($streamed, qr/\ATAP version 13\nok 1 .*\n1\.\.3\n\z/s,
	     'where the number of cells is not known the plan comes last');

	($status, $out, $err) = report(\@cells, '--json', "$dir/no/such/dir");
	is($status, 2, 'an unwritable --json FILE is an error of usage');
	is($out, '', 'and is told before anything is written');
	like($err, qr/^forkpoint: --json: cannot write '.*such\/dir': No such file or directory: .+\n\z/,
	     'by one sentence with a remedy');
}

sub full_disk {
SKIP: {
		skip('no /dev/full here', 4) unless -c '/dev/full';
		my ($status, $out, $err) = report([ cell(), cell(scenario => 'b') ], '--json', '/dev/full');
		is($status, 3, 'results that cannot be stored make the exit status 3');
		is(scalar(() = $out =~ /^ok /mg), 2, 'and the other writers go on');
		like($err, qr/\Aforkpoint: cannot write to \/dev\/full: No space left on device: .+\n.*incomplete.*\n\z/,
		     'and it is said once, and once at the end');
		my $tap = system("$forkpoint report $dir/in.jsonl --json $dir/kept.jsonl >/dev/full 2>/dev/null");
		is(($tap >> 8) . ' ' . (() = slurp("$dir/kept.jsonl") =~ /\n/g), '3 2',
		   'a full standard output loses no line of the file');
	}
	# A file system that fills and is then cleared: a limit on the file's size acts the same way.
	my @cells = map { cell(scenario => "s$_", reason => 'r' x 300) } 1 .. 8;
	report(\@cells);
	my $limited = system("trap '' XFSZ; ulimit -f 2; $forkpoint report $dir/in.jsonl --json "
			     . "$dir/part.jsonl >/dev/null 2>$dir/err");
	my $part = slurp("$dir/part.jsonl");
	is($limited >> 8, 3, 'a file that cannot grow makes the exit status 3');
	my @kept = eval { map { $json->decode($_) } split(/\n/, $part) };
	ok(@kept > 0 && @kept < 8 && $part =~ /\n\z/, 'what could be stored is whole lines');
	is_deeply(\@kept, [ @cells[0 .. $#kept] ], 'and they are the first ones');
}

sub bad_input {
	report([ cell() ]);
	my $good = slurp("$dir/in.jsonl");
	spew("$dir/in.jsonl", $good . "\n" . substr($good, 0, 40));
	my ($status, $out, $err) = forkpoint('report', "$dir/in.jsonl");
	is($status, 3, 'a recording that was cut short makes the exit status 3');
	like($err, qr/in\.jsonl, line 3: .+: the line is left out$/, 'and the line is named');
	like($out, qr/^1\.\.1\nok 1 /m, 'and the whole lines are reported');
	spew("$dir/in.jsonl", "[1]\n{}\n3\n$good");
	($status, $out, $err) = forkpoint('report', "$dir/in.jsonl");
	is("$status " . (() = $err =~ /left out/g), '3 3', 'what is no cell is told line by line');
	($status, $out, $err) = forkpoint('report', "$dir/none.jsonl");
	is($status, 2, 'a file that is not there is an error of usage');
	($status, $out, $err) = forkpoint('report', $dir);
	is($status, 3, 'a directory cannot be reported');
	like($err, qr/cannot read .*Is a directory/, 'which is said');
}

sub prove_accepts {
	my $good = $json->encode(cell()) . "\n" . $json->encode(cell(verdict => 'skipped', reason => 'r'));
	spew("$dir/good.jsonl", "$good\n");
	spew("$dir/good.sh", "exec $forkpoint report $dir/good.jsonl\n");
	my $prove = `prove -e sh $dir/good.sh 2>&1`;
	is($? >> 8, 0, 'prove is content with a good run') or diag($prove);
	spew("$dir/bad.sh", "exec $forkpoint report tests/report/every-verdict.jsonl\n");
	$prove = `prove -e sh $dir/bad.sh 2>&1`;
	isnt($? >> 8, 0, 'prove is not content with a bad one');
	like($prove, qr/Failed tests:  4-5, 7, 10/, 'and names its failures');
	unlike($prove, qr/Parse errors/, 'and has no parse error');
}

every_verdict();
statuses();
wide_table();
hostile();
outputs();
full_disk();
bad_input();
prove_accepts();
done_testing();
