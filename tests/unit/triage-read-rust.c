/* SPDX-License-Identifier: Apache-2.0 */
/* The reader of Rust's panics. */
#include "tests/unit/reading.h"

static const struct sample samples[] = {
	{ "a panic with a backtrace, whose message has two lines",
	  "thread 'worker' (2517) panicked at r.rs:1:28:\n"
	  "it broke\n"
	  "badly 0\n"
	  "stack backtrace:\n"
	  "   0: __rustc::rust_begin_unwind\n"
	  "             at /rustc/5980/library/std/src/panicking.rs:689:5\n"
	  "   1: r::inner\n"
	  "             at ./r.rs:1:28\n"
	  "      [... omitted 3 frames ...]\n"
	  "   2: <unknown>\n"
	  "note: Some details are omitted, run with `RUST_BACKTRACE=full` for a verbose one.\n",
	  "rust line 1: finding panic\n"
	  "> thread 'worker' (2517) panicked at r.rs:1:28:\n"
	  "> it broke\n"
	  "> badly 0\n"
	  "* worker\n"
	  "    __rustc::rust_begin_unwind /rustc/5980/library/std/src/panicking.rs:689\n"
	  "    r::inner ./r.rs:1\n"
	  "    ?\n" },
	{ "a full backtrace, with addresses and what was inlined",
	  "thread 'main' panicked at r.rs:2:134:\n"
	  "it broke\n"
	  "stack backtrace:\n"
	  "   0:     0x5574bc5eb1fa - std::trace::h0123456789abcdef\n"
	  "                               at /rustc/5980/library/trace.rs:117:9\n"
	  "   1:     0x5574bc5eb1fa - std::print::h0123456789abcdef\n"
	  "   2:     0x5574bc5eb200 - <unknown>\n"
	  "   3:     0x5574bc5eb300 - probe::again\n"
	  "   4:     0x5574bc5eb300 - probe::again\n"
	  "  10:                0x0 - main\n",
	  "rust line 1: finding panic\n"
	  "> thread 'main' panicked at r.rs:2:134:\n"
	  "> it broke\n"
	  "* main\n"
	  "    0x5574bc5eb1fa std::trace::h0123456789abcdef /rustc/5980/library/trace.rs:117 "
	  "inlined\n"
	  "    0x5574bc5eb1fa std::print::h0123456789abcdef\n"
	  "    0x5574bc5eb200 ?\n"
	  "    0x5574bc5eb300 probe::again\n"
	  "    0x5574bc5eb300 probe::again\n"
	  "    main\n" },
	{ "the old form, with a message of two lines",
	  "thread '<unnamed>' panicked at 'assertion failed: `(a != b)`\n"
	  "  a: `0`', src/run.rs:57:13\n"
	  "note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n"
	  "fatal runtime error: Rust cannot catch foreign exceptions, aborting\n"
	  "Aborted (core dumped)\n",
	  "rust line 1: signal 6 panic\n"
	  "> thread '<unnamed>' panicked at 'assertion failed: `(a != b)`\n"
	  ">   a: `0`', src/run.rs:57:13\n"
	  "> fatal runtime error: Rust cannot catch foreign exceptions, aborting\n"
	  "*\n"
	  "    ? src/run.rs:57\n" },
	{ "a panic that meets what must not be unwound, and then another thread's",
	  "thread 'main' (7) panicked at a.rs:12:22:\n"
	  "it does not fit\n"
	  "stack backtrace:\n"
	  "   0: probe::compare\n"
	  "note: Some details are omitted.\n"
	  "\n"
	  "thread 'main' (7) panicked at library/core/src/panicking.rs:225:5:\n"
	  "panic in a function that cannot unwind\n"
	  "stack backtrace:\n"
	  "   0:     0x55cc0f9d75ba - probe::sort\n"
	  "thread caused non-unwinding panic. aborting.\n"
	  "thread 'other' (8) panicked at library/core/src/panicking.rs:225:5:\n"
	  "panic in a function that cannot unwind\n"
	  "note: see there\n",
	  "rust line 1: signal 6 panic\n"
	  "> thread 'main' (7) panicked at a.rs:12:22:\n"
	  "> it does not fit\n"
	  "> thread 'main' (7) panicked at library/core/src/panicking.rs:225:5:\n"
	  "> panic in a function that cannot unwind\n"
	  "> thread caused non-unwinding panic. aborting.\n"
	  "* main\n"
	  "    probe::compare\n"
	  "- (second panic)\n"
	  "    0x55cc0f9d75ba probe::sort\n"
	  "rust line 12: finding panic\n"
	  "> thread 'other' (8) panicked at library/core/src/panicking.rs:225:5:\n"
	  "> panic in a function that cannot unwind\n"
	  "* other\n"
	  "    ? library/core/src/panicking.rs:225\n" },
	{ "a panic that aborts, as the shell says",
	  "thread 'main' panicked at src/main.rs:3:5:\n"
	  "no\n"
	  "Aborted\n",
	  "rust line 1: signal 6 panic\n"
	  "> thread 'main' panicked at src/main.rs:3:5:\n"
	  "> no\n"
	  "* main\n"
	  "    ? src/main.rs:3\n" },
	{ "the runtime's error alone",
	  "fatal runtime error: thread local panicked on drop, aborting\n",
	  "rust line 1: signal 6\n"
	  "> fatal runtime error: thread local panicked on drop, aborting\n" },
	{ "the runtime's error, indented",
	  "    fatal runtime error: thread local panicked on drop, aborting\n"
	  "    note: see there\n",
	  "rust line 1: signal 6\n"
	  "> fatal runtime error: thread local panicked on drop, aborting\n" },
	{ "a backtrace alone",
	  "stack backtrace:\n"
	  "   0: probe::go\n",
	  "rust line 1: look\n"
	  "*\n"
	  "    probe::go\n" },
};

int main(void)
{
	CHECK_SAMPLES(samples);
	return tap_done();
}
