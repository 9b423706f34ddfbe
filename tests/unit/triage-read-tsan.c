/* SPDX-License-Identifier: Apache-2.0 */
/* The reader of ThreadSanitizer's reports. */
#include "tests/unit/reading.h"

static const struct sample samples[] = {
	{ "a data race, with the thread named later",
	  "==================\n"
	  "WARNING: ThreadSanitizer: data race (pid=27637)\n"
	  "  Write of size 8 at 0x5555555580a0 by thread T1 (mutexes: write M0):\n"
	  "    #0 bump /src/t.c:5:3 (t+0x1259)\n"
	  "    #1 w /src/t.c:6 (t+0x1259) (BuildId: 0123abcd)\n"
	  "\n"
	  "  Previous atomic read of size 8 at 0x5555555580a0 by main thread:\n"
	  "    #0 main /src/t.c:7 (t+0x1375)\n"
	  "    #1 <null> <null> (t+0x1400)\n"
	  "\n"
	  "  Location is global 'g' of size 8 at 0x5555555580a0 (t+0x40a0)\n"
	  "\n"
	  "  Mutex M0 (0x5555555580c0) created at:\n"
	  "    #0 pthread_mutex_lock ../../sanitizer.inc:4324 (libtsan.so.2+0x558e1)\n"
	  "\n"
	  "  Thread T1 'my worker' (tid=27673, finished) created by main thread at:\n"
	  "    #0 pthread_create ../../tsan.cpp:1001 (libtsan.so.2+0x5e686)\n"
	  "\n"
	  "SUMMARY: ThreadSanitizer: data race /src/t.c:5:3 in bump\n"
	  "==================\n",
	  "tsan line 2: finding at 0x5555555580a0 data race pid 27637\n"
	  "> WARNING: ThreadSanitizer: data race (pid=27637)\n"
	  "> Write of size 8 at 0x5555555580a0 by thread T1 (mutexes: write M0):\n"
	  "> Previous atomic read of size 8 at 0x5555555580a0 by main thread:\n"
	  "> Location is global 'g' of size 8 at 0x5555555580a0 (t+0x40a0)\n"
	  "> Mutex M0 (0x5555555580c0) created at:\n"
	  "> Thread T1 'my worker' (tid=27673, finished) created by main thread at:\n"
	  "> SUMMARY: ThreadSanitizer: data race /src/t.c:5:3 in bump\n"
	  "* my worker tid 27673\n"
	  "    bump @t+0x1259 /src/t.c:5 inlined\n"
	  "    w @t+0x1259 /src/t.c:6\n"
	  "- main thread (previous atomic read)\n"
	  "    main @t+0x1375 /src/t.c:7\n"
	  "    ? @t+0x1400\n"
	  "- (mutex created)\n"
	  "    pthread_mutex_lock @libtsan.so.2+0x558e1 ../../sanitizer.inc:4324\n"
	  "- main thread (thread created)\n"
	  "    pthread_create @libtsan.so.2+0x5e686 ../../tsan.cpp:1001\n" },
	{ "an order of locks",
	  "WARNING: ThreadSanitizer: lock-order-inversion (potential deadlock) (pid=5)\n"
	  "  Cycle in lock order graph: M0 (0x5550) => M1 (0x5558) => M0\n"
	  "\n"
	  "  Mutex M1 acquired here while holding mutex M0 in main thread:\n"
	  "    #0 main /src/t.c:8 (t+0x13d1)\n"
	  "\n"
	  "  Mutex M0 previously acquired by the same thread here:\n"
	  "    #0 main /src/t.c:7 (t+0x13c2)\n"
	  "\n"
	  "  Mutex M0 acquired here while holding mutex M1 in thread T2:\n"
	  "    #0 w2 /src/t.c:6 (t+0x12b9)\n"
	  "\n"
	  "SUMMARY: ThreadSanitizer: lock-order-inversion (potential deadlock) /src/t.c:8 in main\n",
	  "tsan line 1: finding lock-order-inversion pid 5\n"
	  "> WARNING: ThreadSanitizer: lock-order-inversion (potential deadlock) (pid=5)\n"
	  "> Cycle in lock order graph: M0 (0x5550) => M1 (0x5558) => M0\n"
	  "> Mutex M1 acquired here while holding mutex M0 in main thread:\n"
	  "> Mutex M0 previously acquired by the same thread here:\n"
	  "> Mutex M0 acquired here while holding mutex M1 in thread T2:\n"
	  "> SUMMARY: ThreadSanitizer: lock-order-inversion (potential deadlock) /src/t.c:8 in "
	  "main\n"
	  "* main thread\n"
	  "    main @t+0x13d1 /src/t.c:8\n"
	  "- (mutex previously acquired)\n"
	  "    main @t+0x13c2 /src/t.c:7\n"
	  "- T2 (mutex acquired)\n"
	  "    w2 @t+0x12b9 /src/t.c:6\n" },
	{ "a call in a signal handler, cut off",
	  "WARNING: ThreadSanitizer: signal-unsafe call inside of a signal (pid=7)\n"
	  "    #0 malloc <null> (t+0x13d1)\n"
	  "    #1 handler /src/t.c:8:2 (t+0x1...)\n",
	  "tsan line 1 incomplete: finding signal-unsafe call inside of a signal pid 7\n"
	  "> WARNING: ThreadSanitizer: signal-unsafe call inside of a signal (pid=7)\n"
	  "*\n"
	  "    malloc @t+0x13d1\n"
	  "    handler @t /src/t.c:8\n" },
	{ "a summary alone",
	  "SUMMARY: ThreadSanitizer: data race Python/probe.c:77:5 in probe_clear\n"
	  "==================\n",
	  "tsan line 1 incomplete: finding data race\n"
	  "> SUMMARY: ThreadSanitizer: data race Python/probe.c:77:5 in probe_clear\n" },
	{ "a report without its head",
	  "  Previous write of size 4 at 0x10 by thread T3:\n"
	  "    #0 w2 /src/t.c:6 (t+0x12b9)\n",
	  "tsan line 1 incomplete: finding at 0x10\n"
	  "> Previous write of size 4 at 0x10 by thread T3:\n"
	  "* T3 (previous write)\n"
	  "    w2 @t+0x12b9 /src/t.c:6\n" },
};

int main(void)
{
	CHECK_SAMPLES(samples);
	return tap_done();
}
