#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# tests/56-load.t at length: 250 trials of each twin under load, 50,000 trials for what grows.
use strict;
use warnings;

$ENV{FORKPOINT_TEST_SCALE} //= 10;
exec($^X, 'tests/56-load.t') or die "cannot run tests/56-load.t: $!";
