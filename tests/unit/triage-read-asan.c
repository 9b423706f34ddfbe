/* SPDX-License-Identifier: Apache-2.0 */
/* The reader of AddressSanitizer's reports, and of those that are written alike. */
#include "tests/unit/reading.h"

static const struct sample samples[] = {
	{ "a use after free",
	  "=================================================================\n"
	  "==26619==ERROR: AddressSanitizer: heap-use-after-free on address 0x604000000013 at pc "
	  "0x562fabfb850d bp 0x7ffc7c667590 sp 0x7ffc7c667588\n"
	  "READ of size 1 at 0x604000000013 thread T0\n"
	  "    #0 0x562fabfb850c in bump(int, char const*) /src/my dir/a.cc:10:3\n"
	  "    #1 0x562fabfb850c in main /src/a.c:10\n"
	  "    #2 0x7f53d3245249  (/lib/libfoo.so+0x2190) (BuildId: 0123abcd)\n"
	  "\n"
	  "0x604000000013 is located 3 bytes inside of 40-byte region [0x604000000010,"
	  "0x604000000038)\n"
	  "freed by thread T1 (my worker) here:\n"
	  "    #0 0x7f53d3cb76a8 in free ../../asan.cpp:52\n"
	  "    #1 0x562fabfb826b in operator delete(void*) (/src/a+0x1234)\n"
	  "\n"
	  "previously allocated by thread T0 here:\n"
	  "    #0 0x7f53d3cb89cf in malloc ../../asan.cpp:69\n"
	  "\n"
	  "Thread T1 (my worker) created by T0 here:\n"
	  "    #0 0x7f53d3c49726 in pthread_create ../../asan.cpp:207\n"
	  "\n"
	  "SUMMARY: AddressSanitizer: heap-use-after-free /src/a.c:10 in main\n"
	  "Shadow bytes around the buggy address:\n"
	  "  0x0c087fff7ff0: 00 00 00 00\n"
	  "=>0x0c087fff8000: fa fa[fd]fd\n"
	  "Shadow byte legend (one shadow byte represents 8 application bytes):\n"
	  "  Addressable:           00\n"
	  "==26619==ABORTING\n",
	  "asan line 2: finding at 0x604000000013 heap-use-after-free pid 26619\n"
	  "> ==26619==ERROR: AddressSanitizer: heap-use-after-free on address 0x604000000013 at pc "
	  "0x562fabfb850d bp 0x7ffc7c667590 sp 0x7ffc7c667588\n"
	  "> READ of size 1 at 0x604000000013 thread T0\n"
	  "> 0x604000000013 is located 3 bytes inside of 40-byte region [0x604000000010,"
	  "0x604000000038)\n"
	  "> freed by thread T1 (my worker) here:\n"
	  "> previously allocated by thread T0 here:\n"
	  "> Thread T1 (my worker) created by T0 here:\n"
	  "> SUMMARY: AddressSanitizer: heap-use-after-free /src/a.c:10 in main\n"
	  "* T0\n"
	  "    0x562fabfb850c bump(int, char const*) /src/my dir/a.cc:10 inlined\n"
	  "    0x562fabfb850c main /src/a.c:10\n"
	  "    0x7f53d3245249 ? @/lib/libfoo.so+0x2190\n"
	  "- my worker (freed by)\n"
	  "    0x7f53d3cb76a8 free ../../asan.cpp:52\n"
	  "    0x562fabfb826b operator delete(void*) @/src/a+0x1234\n"
	  "- T0 (allocated by)\n"
	  "    0x7f53d3cb89cf malloc ../../asan.cpp:69\n"
	  "- T0 (thread created)\n"
	  "    0x7f53d3c49726 pthread_create ../../asan.cpp:207\n" },
	{ "a call to NULL",
	  "AddressSanitizer:DEADLYSIGNAL\n"
	  "=================================================================\n"
	  "==26713==ERROR: AddressSanitizer: SEGV on unknown address 0x000000000010 (pc "
	  "0x000000000000 bp 0x7ffc0df632d0 sp 0x7ffc0df631f8 T2)\n"
	  "==26713==Hint: pc points to the zero page.\n"
	  "==26713==The signal is caused by a READ memory access.\n"
	  "    #0 0x0  (<unknown module>)\n"
	  "    #1 0x7f92d6245249 in start ../sysdeps/start.h:58\n"
	  "\n"
	  "AddressSanitizer can not provide additional info.\n"
	  "SUMMARY: AddressSanitizer: SEGV (<unknown module>) \n"
	  "==26713==ABORTING\n",
	  "asan line 1: signal 11 at 0x10 pid 26713\n"
	  "> AddressSanitizer:DEADLYSIGNAL\n"
	  "> ==26713==ERROR: AddressSanitizer: SEGV on unknown address 0x000000000010 (pc "
	  "0x000000000000 bp 0x7ffc0df632d0 sp 0x7ffc0df631f8 T2)\n"
	  "> ==26713==Hint: pc points to the zero page.\n"
	  "> ==26713==The signal is caused by a READ memory access.\n"
	  "> AddressSanitizer can not provide additional info.\n"
	  "> SUMMARY: AddressSanitizer: SEGV (<unknown module>)\n"
	  "* T2\n"
	  "    ?\n"
	  "    0x7f92d6245249 start ../sysdeps/start.h:58\n" },
	{ "a free of what was never allocated, on a stack",
	  "==9==ERROR: AddressSanitizer: attempting free on address which was not malloc()-ed: "
	  "0x7fffcd9ec310 in thread T0\n"
	  "    #0 0x7f59c20b76a8 in free ../asan.cpp:52\n"
	  "\n"
	  "Address 0x7fffcd9ec310 is located in stack of thread T0 at offset 48 in frame\n"
	  "    #0 0x55a8ea5e5296 in main /src/a.c:8\n"
	  "\n"
	  "  This frame has 3 object(s):\n"
	  "    [48, 52) 'c' (line 8) <== Memory access at offset 48 is inside this variable\n"
	  "SUMMARY: AddressSanitizer: bad-free ../asan.cpp:52 in free\n",
	  "asan line 1: finding at 0x7fffcd9ec310 bad-free pid 9\n"
	  "> ==9==ERROR: AddressSanitizer: attempting free on address which was not malloc()-ed: "
	  "0x7fffcd9ec310 in thread T0\n"
	  "> Address 0x7fffcd9ec310 is located in stack of thread T0 at offset 48 in frame\n"
	  "> SUMMARY: AddressSanitizer: bad-free ../asan.cpp:52 in free\n"
	  "* T0\n"
	  "    0x7f59c20b76a8 free ../asan.cpp:52\n"
	  "- T0 (owner of the stack)\n"
	  "    0x55a8ea5e5296 main /src/a.c:8\n" },
	{ "a double free, and a shell behind it",
	  "==9==ERROR: AddressSanitizer: attempting double-free on 0x604000000010 in thread T0:\n"
	  "    #0 0x7f59c20b76a8 in free ../asan.cpp:52\n"
	  "SUMMARY: AddressSanitizer: double-free ../asan.cpp:52 in free\n"
	  "==9==ABORTING\n"
	  "Aborted\n",
	  "asan line 1: finding at 0x604000000010 double-free pid 9\n"
	  "> ==9==ERROR: AddressSanitizer: attempting double-free on 0x604000000010 in thread T0:\n"
	  "> SUMMARY: AddressSanitizer: double-free ../asan.cpp:52 in free\n"
	  "* T0\n"
	  "    0x7f59c20b76a8 free ../asan.cpp:52\n" },
	{ "the head of a double free alone",
	  "==9==ERROR: AddressSanitizer: attempting double-free on 0x604000000010 in thread T0:\n"
	  "    #0 0x7f59c20b76a8 in free ../asan.cpp:52\n",
	  "asan line 1 incomplete: finding at 0x604000000010 double-free pid 9\n"
	  "> ==9==ERROR: AddressSanitizer: attempting double-free on 0x604000000010 in thread T0:\n"
	  "* T0\n"
	  "    0x7f59c20b76a8 free ../asan.cpp:52\n" },
	{ "a kind that only the summary has in one word",
	  "==9==ERROR: AddressSanitizer: requested allocation size 0xffff (0x1 after adjustments) "
	  "exceeds maximum\n"
	  "    #0 0x7f59c20b76a8 in malloc ../asan.cpp:52\n"
	  "SUMMARY: AddressSanitizer: allocation-size-too-big ../asan.cpp:52 in malloc\n",
	  "asan line 1: finding at 0xffff allocation-size-too-big pid 9\n"
	  "> ==9==ERROR: AddressSanitizer: requested allocation size 0xffff (0x1 after "
	  "adjustments) exceeds maximum\n"
	  "> SUMMARY: AddressSanitizer: allocation-size-too-big ../asan.cpp:52 in malloc\n"
	  "*\n"
	  "    0x7f59c20b76a8 malloc ../asan.cpp:52\n" },
	{ "leaks",
	  "==27056==ERROR: LeakSanitizer: detected memory leaks\n"
	  "\n"
	  "Direct leak of 33 byte(s) in 1 object(s) allocated from:\n"
	  "    #0 0x7f36424b89cf in malloc ../asan.cpp:69\n"
	  "\n"
	  "Indirect leak of 8 byte(s) in 1 object(s) allocated from:\n"
	  "    #0 0x7f36424b89cf in calloc ../asan.cpp:70\n"
	  "\n"
	  "SUMMARY: AddressSanitizer: 41 byte(s) leaked in 2 allocation(s).\n",
	  "asan line 1: finding memory-leak pid 27056\n"
	  "> ==27056==ERROR: LeakSanitizer: detected memory leaks\n"
	  "> Direct leak of 33 byte(s) in 1 object(s) allocated from:\n"
	  "> Indirect leak of 8 byte(s) in 1 object(s) allocated from:\n"
	  "> SUMMARY: AddressSanitizer: 41 byte(s) leaked in 2 allocation(s).\n"
	  "* (leaked by)\n"
	  "    0x7f36424b89cf malloc ../asan.cpp:69\n"
	  "- (leaked by)\n"
	  "    0x7f36424b89cf calloc ../asan.cpp:70\n" },
	{ "undefined behaviour, twice, once with a stack",
	  "a.c:17:27: runtime error: signed integer overflow: 1 * 2\n"
	  "a.c:18:25: runtime error: store to address 0x7ffe3fc76d62 with insufficient space\n"
	  "0x7ffe3fc76d62: note: pointer points here\n"
	  " 00 00  00 00 00 00\n"
	  "              ^ \n"
	  "    #0 0x7f59c20b76a8 in main /src/a.c:18:25\n"
	  "\n"
	  "SUMMARY: UndefinedBehaviorSanitizer: undefined-behavior a.c:18:25 in \n",
	  "asan line 1: finding undefined-behavior\n"
	  "> a.c:17:27: runtime error: signed integer overflow: 1 * 2\n"
	  "*\n"
	  "    ? a.c:17\n"
	  "asan line 2: finding undefined-behavior\n"
	  "> a.c:18:25: runtime error: store to address 0x7ffe3fc76d62 with insufficient space\n"
	  "*\n"
	  "    0x7f59c20b76a8 main /src/a.c:18\n" },
	{ "a transcription, cut off",
	  "==PID==ERROR: AddressSanitizer: stack-overflow on address 0x... at pc 0x... bp 0x...\n"
	  "    #0 in go Python/ceval.c:99\n"
	  "    #1  (/lib/libother.so.1+0x1b20)\n"
	  "[...]\n",
	  "asan line 1 incomplete: finding 11 stack-overflow\n"
	  "> ==PID==ERROR: AddressSanitizer: stack-overflow on address 0x... at pc 0x... bp "
	  "0x...\n"
	  "*\n"
	  "    go Python/ceval.c:99\n"
	  "    ? @/lib/libother.so.1+0x1b20\n" },
	{ "a signal, with who made the thread behind the summary, and what it said before",
	  "Fatal Python error: probe: it is all over\n"
	  "Python runtime state: initialized\n"
	  "\n"
	  "Current thread 0x00007f5ead0a6c0 (most recent call first):\n"
	  "  <no Python frame>\n"
	  "AddressSanitizer:DEADLYSIGNAL\n"
	  "=================================================================\n"
	  "==7==ERROR: AddressSanitizer: ABRT on unknown address 0x7 (pc 0x10 bp 0x20 sp 0x30 T1)\n"
	  "    #0 0x7f59c20b76a8 in work /src/a.c:8:2\n"
	  "\n"
	  "AddressSanitizer can not provide additional info.\n"
	  "SUMMARY: AddressSanitizer: ABRT /src/a.c:8:2 in work\n"
	  "Thread T1 (worker) created by T0 here:\n"
	  "    #0 0x7f59c20b76a9 in start /src/a.c:9:2\n"
	  "\n"
	  "==7==ABORTING\n",
	  "asan line 1: signal 6 at 0x7 pid 7\n"
	  "> Fatal Python error: probe: it is all over\n"
	  "> Python runtime state: initialized\n"
	  "> AddressSanitizer:DEADLYSIGNAL\n"
	  "> ==7==ERROR: AddressSanitizer: ABRT on unknown address 0x7 (pc 0x10 bp 0x20 sp 0x30 "
	  "T1)\n"
	  "> AddressSanitizer can not provide additional info.\n"
	  "> SUMMARY: AddressSanitizer: ABRT /src/a.c:8:2 in work\n"
	  "> Thread T1 (worker) created by T0 here:\n"
	  "= runtime state: initialized\n"
	  "* worker\n"
	  "    0x7f59c20b76a8 work /src/a.c:8\n"
	  "- T0 (thread created)\n"
	  "    0x7f59c20b76a9 start /src/a.c:9\n" },
	{ "what is said some lines before is another report",
	  "free(): invalid pointer\n"
	  "and so on\n"
	  "==7==ERROR: AddressSanitizer: SEGV on unknown address 0x7 (pc 0x10 bp 0x20 sp 0x30 T0)\n"
	  "    #0 0x7f59c20b76a8 in work /src/a.c:8:2\n"
	  "SUMMARY: AddressSanitizer: SEGV /src/a.c:8:2 in work\n",
	  "glibc line 1: signal 6\n"
	  "> free(): invalid pointer\n"
	  "asan line 3: signal 11 at 0x7 pid 7\n"
	  "> ==7==ERROR: AddressSanitizer: SEGV on unknown address 0x7 (pc 0x10 bp 0x20 sp 0x30 "
	  "T0)\n"
	  "> SUMMARY: AddressSanitizer: SEGV /src/a.c:8:2 in work\n"
	  "* T0\n"
	  "    0x7f59c20b76a8 work /src/a.c:8\n" },
	{ "ThreadSanitizer's word of a signal is its own",
	  "ThreadSanitizer:DEADLYSIGNAL\n"
	  "==7==ERROR: ThreadSanitizer: SEGV on unknown address 0x8 (pc 0x10 bp 0x20 sp 0x30 T7)\n"
	  "    #0 work /src/a.c:8:2 (a+0x1234)\n"
	  "\n"
	  "SUMMARY: ThreadSanitizer: SEGV /src/a.c:8:2 in work\n"
	  "==7==ABORTING\n",
	  "tsan line 1: signal 11 at 0x8 pid 7\n"
	  "> ThreadSanitizer:DEADLYSIGNAL\n"
	  "> ==7==ERROR: ThreadSanitizer: SEGV on unknown address 0x8 (pc 0x10 bp 0x20 sp 0x30 "
	  "T7)\n"
	  "> SUMMARY: ThreadSanitizer: SEGV /src/a.c:8:2 in work\n"
	  "* T7\n"
	  "    work @a+0x1234 /src/a.c:8\n" },
	{ "one without its head, and then its end",
	  "    #24 in probe_main Modules/main.c:123\n"
	  "    #25 in _start (python+0x212344)\n"
	  "\n"
	  "SUMMARY: AddressSanitizer: heap-use-after-free Objects/probe.c:3 in probe\n",
	  "asan line 1 incomplete: finding heap-use-after-free\n"
	  "> SUMMARY: AddressSanitizer: heap-use-after-free Objects/probe.c:3 in probe\n"
	  "*\n"
	  "    probe_main Modules/main.c:123\n"
	  "    _start @python+0x212344\n" },
};

int main(void)
{
	CHECK_SAMPLES(samples);
	return tap_done();
}
