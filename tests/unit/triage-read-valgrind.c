/* SPDX-License-Identifier: Apache-2.0 */
/* Valgrind's errors, of memcheck and helgrind. */
#include "tests/unit/reading.h"

static const struct sample samples[] = {
	{ "memory that is read after it was freed",
	  "==4242== Memcheck, a memory error detector\n"
	  "==4242== Command: python3 probe.py\n"
	  "==4242== \n"
	  "==4242== Thread 2 worker:\n"
	  "==4242== Invalid read of size 8\n"
	  "==4242==    at 0x4009A50: probe::Table::get(std::pair<int, long> const&) (in /srv/lib/libprobe.so.1)\n"
	  "==4242==    by 0x4009B00: probe_visit (table.c:61)\n"
	  "==4242==    by 0x4F5D79D: ??? (in /usr/lib/libpython3.12.so.1.0)\n"
	  "==4242==    by 0x1FFF: ???\n"
	  "==4242==  Address 0x5204048 is 8 bytes inside a block of size 40 free'd\n"
	  "==4242==    at 0x483CA3F: free (vg_replace_malloc.c:538)\n"
	  "==4242==    by 0x4009AC0: probe_drop (table.c:20)\n"
	  "==4242==  Block was alloc'd at\n"
	  "==4242==    at 0x483B7F3: malloc (vg_replace_malloc.c:309)\n"
	  "==4242==    by 0x4009A10: probe_make (table.c:9)\n"
	  "==4242== \n"
	  "==4242== HEAP SUMMARY:\n"
	  "==4242==     in use at exit: 0 bytes in 0 blocks\n",
	  "valgrind line 4: finding at 0x5204048 heap-use-after-free pid 4242\n"
	  "> Invalid read of size 8\n"
	  "> Address 0x5204048 is 8 bytes inside a block of size 40 free'd\n"
	  "> Block was alloc'd at\n"
	  "* Thread 2 worker\n"
	  "    0x4009a50 probe::Table::get(std::pair<int, long> const&) @/srv/lib/libprobe.so.1\n"
	  "    0x4009b00 probe_visit table.c:61\n"
	  "    0x4f5d79d ? @/usr/lib/libpython3.12.so.1.0\n"
	  "    0x1fff ?\n"
	  "- (freed by)\n"
	  "    0x483ca3f free vg_replace_malloc.c:538\n"
	  "    0x4009ac0 probe_drop table.c:20\n"
	  "- (allocated by)\n"
	  "    0x483b7f3 malloc vg_replace_malloc.c:309\n"
	  "    0x4009a10 probe_make table.c:9\n" },
	{ "two errors, the second one ends it",
	  "==7== Conditional jump or move depends on uninitialised value(s)\n"
	  "==7==    at 0x4009A50: probe_get (table.c:12)\n"
	  "==7==  Uninitialised value was created by a heap allocation\n"
	  "==7==    at 0x483B7F3: malloc (vg_replace_malloc.c:309)\n"
	  "==7== \n"
	  "==7== \n"
	  "==7== Process terminating with default action of signal 11 (SIGSEGV): dumping core\n"
	  "==7==  Access not within mapped region at address 0x8\n"
	  "==7==    at 0x4009A60: probe_put (table.c:15)\n"
	  "==7==    by 0x4009B00: main (main.c:3)\n",
	  "valgrind line 1: finding use-of-uninitialized-value pid 7\n"
	  "> Conditional jump or move depends on uninitialised value(s)\n"
	  "> Uninitialised value was created by a heap allocation\n"
	  "*\n"
	  "    0x4009a50 probe_get table.c:12\n"
	  "- (origin of the value)\n"
	  "    0x483b7f3 malloc vg_replace_malloc.c:309\n"
	  "valgrind line 7: signal 11 at 0x8 pid 7\n"
	  "> Process terminating with default action of signal 11 (SIGSEGV): dumping core\n"
	  "> Access not within mapped region at address 0x8\n"
	  "*\n"
	  "    0x4009a60 probe_put table.c:15\n"
	  "    0x4009b00 main main.c:3\n" },
	{ "freed twice, freed wrongly, beyond the end",
	  "==00:00:00:01.234 7== Invalid free() / delete / delete[] / realloc()\n"
	  "==00:00:00:01.234 7==    at 0x483CA3F: free (vg_replace_malloc.c:538)\n"
	  "==00:00:00:01.234 7==    by 0x4009AC0: probe_drop (table.c:20)\n"
	  "==00:00:00:01.234 7==  Address 0x5204040 is 0 bytes inside a block of size 40 free'd\n"
	  "==00:00:00:01.234 7==    at 0x483CA3F: free (vg_replace_malloc.c:538)\n"
	  "==00:00:00:01.234 7==    by 0x4009AD0: probe_clear (table.c:31)\n"
	  "==00:00:00:01.235 7== Mismatched free() / delete / delete []\n"
	  "==00:00:00:01.235 7==    at 0x483CA3F: operator delete(void*) (vg_replace_malloc.c:538)\n"
	  "==00:00:00:01.236 7== Invalid write of size 4\n"
	  "==00:00:00:01.236 7==    at 0x4009A50: probe_get (table.c:12)\n"
	  "==00:00:00:01.236 7==  Address 0x5204068 is 0 bytes after a block of size 40 alloc'd\n"
	  "==00:00:00:01.236 7==    at 0x483B7F3: malloc (vg_replace_malloc.c:309)\n",
	  "valgrind line 1: finding at 0x5204040 double-free pid 7\n"
	  "> Invalid free() / delete / delete[] / realloc()\n"
	  "> Address 0x5204040 is 0 bytes inside a block of size 40 free'd\n"
	  "*\n"
	  "    0x483ca3f free vg_replace_malloc.c:538\n"
	  "    0x4009ac0 probe_drop table.c:20\n"
	  "- (freed by)\n"
	  "    0x483ca3f free vg_replace_malloc.c:538\n"
	  "    0x4009ad0 probe_clear table.c:31\n"
	  "valgrind line 7: finding alloc-dealloc-mismatch pid 7\n"
	  "> Mismatched free() / delete / delete []\n"
	  "*\n"
	  "    0x483ca3f operator delete(void*) vg_replace_malloc.c:538\n"
	  "valgrind line 9: finding at 0x5204068 heap-buffer-overflow pid 7\n"
	  "> Invalid write of size 4\n"
	  "> Address 0x5204068 is 0 bytes after a block of size 40 alloc'd\n"
	  "*\n"
	  "    0x4009a50 probe_get table.c:12\n"
	  "- (allocated by)\n"
	  "    0x483b7f3 malloc vg_replace_malloc.c:309\n" },
	{ "threads that meet, by helgrind",
	  "==9== ---Thread-Announcement------------------------------------------\n"
	  "==9== \n"
	  "==9== Possible data race during read of size 4 at 0x10C014 by thread #1\n"
	  "==9== Locks held: none\n"
	  "==9==    at 0x1091A2: main (probe.c:14)\n"
	  "==9== \n"
	  "==9== This conflicts with a previous write of size 4 by thread #2\n"
	  "==9== Locks held: none\n"
	  "==9==    at 0x109160: child (probe.c:6)\n"
	  "==9==    by 0x4E416B9: start_thread (pthread_create.c:333)\n"
	  "==9== \n"
	  "==9== Thread #1: lock order \"0x10C060 before 0x10C0A0\" violated\n"
	  "==9== \n"
	  "==9== Observed (incorrect) order is: acquisition of lock at 0x10C0A0\n"
	  "==9==    at 0x484F52D: mutex_lock_WRK (hg_intercepts.c:937)\n",
	  "valgrind line 3: finding data-race pid 9\n"
	  "> Possible data race during read of size 4 at 0x10C014 by thread #1\n"
	  "> This conflicts with a previous write of size 4 by thread #2\n"
	  "*\n"
	  "    0x1091a2 main probe.c:14\n"
	  "- (previous access)\n"
	  "    0x109160 child probe.c:6\n"
	  "    0x4e416b9 start_thread pthread_create.c:333\n"
	  "valgrind line 12: finding lock-order-inversion pid 9\n"
	  "> Thread #1: lock order \"0x10C060 before 0x10C0A0\" violated\n"
	  "*\n"
	  "    0x484f52d mutex_lock_WRK hg_intercepts.c:937\n" },
	{ "leaks are one report",
	  "==9== 40 bytes in 1 blocks are definitely lost in loss record 1 of 2\n"
	  "==9==    at 0x483B7F3: malloc (vg_replace_malloc.c:309)\n"
	  "==9==    by 0x4009A10: probe_make (table.c:9)\n"
	  "==9== \n"
	  "==9== 80 (40 direct, 40 indirect) bytes in 1 blocks are definitely lost in loss record 2 of 2\n"
	  "==9==    at 0x483B7F3: malloc (vg_replace_malloc.c:309)\n"
	  "==9==    by 0x4009A20: probe_grow (table.c:39)\n"
	  "==9== LEAK SUMMARY:\n",
	  "valgrind line 1: finding memory-leak pid 9\n"
	  "> 40 bytes in 1 blocks are definitely lost in loss record 1 of 2\n"
	  "> 80 (40 direct, 40 indirect) bytes in 1 blocks are definitely lost in loss record 2 of 2\n"
	  "* (allocated by)\n"
	  "    0x483b7f3 malloc vg_replace_malloc.c:309\n"
	  "    0x4009a10 probe_make table.c:9\n"
	  "- (allocated by)\n"
	  "    0x483b7f3 malloc vg_replace_malloc.c:309\n"
	  "    0x4009a20 probe_grow table.c:39\n" },
	{ "an excerpt that begins in a stack",
	  "==9==    by 0x17948520: ??? (in /srv/lib/_probe.so)\n"
	  "==9==    by 0x4EEC81E: PyObject_Call (in /usr/lib/libpython3.6m.so.1.0)\n"
	  "==9== \n"
	  "==9== Invalid read of size 8\n"
	  "==9==    at 0x4F09A50: ??? (in /usr/lib/libpython3.6m.so.1.0)\n"
	  "==9==    by 0x4F28BA8: PyUnicode_FromString (in /usr/lib/libpython3.6m.so.1.0)\n"
	  "[...]\n"
	  "==9==    by 0x4F28BFF: main (main.c:3)\n",
	  "valgrind line 1 incomplete: finding invalid-read pid 9\n"
	  "> Invalid read of size 8\n"
	  "- (of another error)\n"
	  "    0x17948520 ? @/srv/lib/_probe.so\n"
	  "    0x4eec81e PyObject_Call @/usr/lib/libpython3.6m.so.1.0\n"
	  "*\n"
	  "    0x4f09a50 ? @/usr/lib/libpython3.6m.so.1.0\n"
	  "    0x4f28ba8 PyUnicode_FromString @/usr/lib/libpython3.6m.so.1.0\n"
	  "    0x4f28bff main main.c:3\n" },
	{ "what is not lost, and a stack of which nothing is said",
	  "==9== 40 bytes in 1 blocks are still reachable in loss record 1 of 1\n"
	  "==9==    at 0x483B7F3: malloc (vg_replace_malloc.c:309)\n"
	  "\n"
	  "==9==    at 0x483B7F3: malloc (vg_replace_malloc.c:309)\n"
	  "==9==    by 0x4009A20: probe_grow (table.c:39)\n",
	  "valgrind line 1: finding still-reachable pid 9\n"
	  "> 40 bytes in 1 blocks are still reachable in loss record 1 of 1\n"
	  "* (allocated by)\n"
	  "    0x483b7f3 malloc vg_replace_malloc.c:309\n"
	  "valgrind line 4 incomplete: finding valgrind-error pid 9\n"
	  "*\n"
	  "    0x483b7f3 malloc vg_replace_malloc.c:309\n"
	  "    0x4009a20 probe_grow table.c:39\n" },
	{ "and without its prefix",
	  "Invalid write of size 1\n"
	  "   at 0x4009A50: probe_get (table.c:12)\n"
	  "   by 0x4009B00: main (main.c:3)\n"
	  " Address 0x0 is not stack'd, malloc'd or (recently) free'd\n",
	  "valgrind line 1: finding at 0x0 invalid-write\n"
	  "> Invalid write of size 1\n"
	  "> Address 0x0 is not stack'd, malloc'd or (recently) free'd\n"
	  "*\n"
	  "    0x4009a50 probe_get table.c:12\n"
	  "    0x4009b00 main main.c:3\n" },
	{ "what only looks alike",
	  "== 4242 == Invalid read of size 8\n"
	  "==4242== a log's own line\n"
	  "==x== Invalid read of size 8\n"
	  "at 0x4009A50 : none\n"
	  "Invalid read of size 8, they said\n",
	  "" },
};

int main(void)
{
	CHECK_SAMPLES(samples);
	check_long("==1== Invalid read of size 8\n==1==    at 0x1: f (a.c:1)\n",
		   "==1==    by 0x%zx: f (a.c:1)\n", 5000);
	return tap_done();
}
