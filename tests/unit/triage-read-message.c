/* SPDX-License-Identifier: Apache-2.0 */
/* One line that names a cause, alone or beside a report. */
#include "tests/unit/reading.h"

static const struct sample samples[] = {
	{ "Objective-C's, at a fork",
	  "12:01:02 worker started\n"
	  "objc[42390]: +[NSProbe initialize] may have been in progress in another thread when fork() was called.\n"
	  "objc[42390]: +[NSProbe initialize] may have been in progress in another thread when fork() was called. We cannot safely call it or ignore it in the fork() child process. Crashing instead.\n",
	  "message line 2: signal\n"
	  "> objc[42390]: +[NSProbe initialize] may have been in progress in another thread when fork() was called.\n"
	  "> objc[42390]: +[NSProbe initialize] may have been in progress in another thread when fork() was called. We cannot safely call it or ignore it in the fork() child process. Crashing instead.\n" },
	{ "the same without its beginning",
	  "worker-1 | +[NSProbe initialize] may have been in progress in another thread when fork() was called.\n",
	  "message line 1: signal\n"
	  "> worker-1 | +[NSProbe initialize] may have been in progress in another thread when fork() was called.\n" },
	{ "a binding's, that the GIL is not held",
	  "test_get (ProbeTest.test_get) ... probe::handle::inc_ref() is being called while the GIL is either not held or invalid. Please see the manual.\n",
	  "message line 1: signal\n"
	  "> test_get (ProbeTest.test_get) ... probe::handle::inc_ref() is being called while the GIL is either not held or invalid. Please see the manual.\n" },
	{ "signals, as they are traced",
	  "[pid  4242] --- SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0x8} ---\n"
	  "[pid  4242] +++ killed by SIGSEGV (core dumped) +++\n",
	  "message line 1: signal 11 at 0x8\n"
	  "> [pid  4242] --- SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0x8} ---\n"
	  "> [pid  4242] +++ killed by SIGSEGV (core dumped) +++\n" },
	{ "and by a library of an operating system",
	  "[    2] killed by SIGABRT\n",
	  "message line 1: signal 6\n"
	  "> [    2] killed by SIGABRT\n" },
	{ "ZeroMQ, of a file and of its own state",
	  "Bad file descriptor (src/epoll.cpp:73)\n",
	  "message line 1: signal 6\n"
	  "> Bad file descriptor (src/epoll.cpp:73)\n" },
	{ "its other one",
	  "Assertion failed: check () (src/msg.cpp:414)\n",
	  "message line 1: signal 6\n"
	  "> Assertion failed: check () (src/msg.cpp:414)\n" },
	{ "a stack far away is another report",
	  "Assertion failed: check () (src/msg.cpp:414)\n"
	  "1\n"
	  "2\n"
	  "3\n"
	  "4\n"
	  "5\n"
	  "6\n"
	  "7\n"
	  "8\n"
	  "9\n"
	  "10\n"
	  "11\n"
	  "12\n"
	  "13\n"
	  "14\n"
	  "15\n"
	  "16\n"
	  "17\n"
	  "18\n"
	  "19\n"
	  "20\n"
	  "21\n"
	  "terminate called without an active exception\n"
	  "1\n"
	  "2\n"
	  "3\n"
	  "4\n"
	  "5\n"
	  "6\n"
	  "7\n"
	  "8\n"
	  "9\n"
	  "10\n"
	  "11\n"
	  "12\n"
	  "13\n"
	  "14\n"
	  "15\n"
	  "16\n"
	  "17\n"
	  "18\n"
	  "19\n"
	  "20\n"
	  "21\n",
	  "message line 1: signal 6\n"
	  "> Assertion failed: check () (src/msg.cpp:414)\n"
	  "glibc line 23: signal 6\n"
	  "> terminate called without an active exception\n" },
	{ "a dozen of them",
	  "[    0] killed by SIGABRT\n"
	  "[    1] killed by SIGABRT\n"
	  "[    2] killed by SIGABRT\n"
	  "[    3] killed by SIGABRT\n"
	  "[    4] killed by SIGABRT\n"
	  "[    5] killed by SIGABRT\n"
	  "[    6] killed by SIGABRT\n"
	  "[    7] killed by SIGABRT\n"
	  "[    8] killed by SIGABRT\n"
	  "[    9] killed by SIGABRT\n"
	  "[   10] killed by SIGABRT\n"
	  "[   11] killed by SIGABRT\n",
	  "message line 1: signal 6\n"
	  "> [    0] killed by SIGABRT\n"
	  "> [    1] killed by SIGABRT\n"
	  "> [    2] killed by SIGABRT\n"
	  "> [    3] killed by SIGABRT\n"
	  "> [    4] killed by SIGABRT\n"
	  "> [    5] killed by SIGABRT\n"
	  "> [    6] killed by SIGABRT\n"
	  "> [    7] killed by SIGABRT\n"
	  "> [    8] killed by SIGABRT\n"
	  "> [    9] killed by SIGABRT\n"
	  "> [   10] killed by SIGABRT\n"
	  "> [   11] killed by SIGABRT\n" },
	{ "a stack near it is the same",
	  "objc[42]: +[NSProbe initialize] may have been in progress in another thread when fork() was called.\n"
	  "\n"
	  "0x7f6e81c51fb7 probe_get\n"
	  "0x7f6e81c51fb8 main\n",
	  "raw line 3: signal\n"
	  "> objc[42]: +[NSProbe initialize] may have been in progress in another thread when fork() was called.\n"
	  "*\n"
	  "    0x7f6e81c51fb7 probe_get\n"
	  "    0x7f6e81c51fb8 main\n" },
	{ "what only looks alike",
	  "the function is being called while the GIL is either not held or invalid\n"
	  "[1] was killed by SIGSEGV\n"
	  "--- SIGSEGV in a heading ---\n"
	  "+++ killed by SIGSEGV\n"
	  "Bad file descriptor (see below)\n"
	  "Assertion failed: check () (src/msg.cpp:x)\n",
	  "" },
};

int main(void)
{
	CHECK_SAMPLES(samples);
	return tap_done();
}
