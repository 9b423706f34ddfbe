/* SPDX-License-Identifier: Apache-2.0 */
/* Two that look at Python from outside: py-spy and pystack. */
#include "tests/unit/reading.h"

static const char py_spy[] =
	"Process 22218: /usr/bin/python3 t.py\n"
	"Python v3.12.1 (/usr/bin/python3.12)\n"
	"\n"
	"Thread 22218 (idle): \"MainThread\"\n"
	"    clock_nanosleep (libc.so.6)\n"
	"    main (t.py:10)\n"
	"        Arguments:\n"
	"            n: 0 (x.py:3)\n"
	"    <module> (t.py:11)\n"
	"    Py_RunMain (Modules/main.c:709)\n"
	"    0x7f1fa744524a (libc.so.6)\n"
	"Thread 22241 (active+gil): \"worker (x)\"\n"
	"    _find (<frozen importlib._bootstrap>:1360)\n"
	"    encode (a b.py:3)\n"
	"Thread 22242 (active)\n"
	"    run (threading.py:1010)\n";

static void test_py_spy(void)
{
	check_report(py_spy,
		      "py-spy line 1: look pid 22218\n"
		      "= command line: /usr/bin/python3 t.py\n"
		      "= python: 3.12.1\n"
		      "= program: /usr/bin/python3.12\n"
		      "- MainThread tid 22218\n"
		      "    clock_nanosleep @libc.so.6\n"
		      "    main t.py:10 python\n"
		      "    <module> t.py:11 python\n"
		      "    Py_RunMain Modules/main.c:709\n"
		      "    0x7f1fa744524a ? @libc.so.6\n"
		      "* worker (x) tid 22241 gil\n"
		      "    _find <frozen importlib._bootstrap>:1360 python\n"
		      "    encode a b.py:3 python\n"
		      "- tid 22242\n"
		      "    run threading.py:1010 python\n",
		     "py-spy dump --native --locals");
	check_reading("Thread 0x7F10 (idle): \"a\"\n    f (a.py:1)\n"
		      "Thread 0x7F11 (idle): \"MainThread\"\n    g (a.py:2)\n    cut\n",
		      "py-spy line 1 incomplete: look\n"
		      "- a\n"
		      "    f a.py:1 python\n"
		      "* MainThread\n"
		      "    g a.py:2 python\n"
		      "    cut\n",
		      "thread ids that are no numbers of the system's");
	check_reading("Thread 7 (active+gil): \"MainThread\"\n"
		      "Thread 8 (idle): \"worker\"\n    f (a.py:1)\n",
		      "py-spy line 1: look\n"
		      "- MainThread tid 7 gil\n"
		      "* worker tid 8\n"
		      "    f a.py:1 python\n",
		      "a thread without a stack tells nothing");
	check_reading("Process 22218: \nPython v3.12.1 (/usr/bin/python3.12)\n", "",
		      "a heading that is cut off is none");
	check_reading("Process 1: x\nThread 2 (LWP 5): x\nThread 3 (old): \"x\"\n", "",
		      "others have threads, too");
	check_long("Thread 5 (active): \"MainThread\"\n", "    f (a.py:%zu)\n", 5000);
}

static const char pystack[] =
	"Using executable found in the core file: /usr/bin/python3.12\n"
	"\n"
	"Core file information:\n"
	"state: t zombie: True niceness: 0\n"
	"pid: 24244 ppid: 23951 sid: 13212\n"
	"uid: 0 gid: 0 pgrp: 24244\n"
	"executable: python3 arguments: python3 t.py crash\n"
	"\n"
	"The process died due receiving signal SIGSEGV sent by pid 12\n"
	"Traceback for thread 24614 [Waiting for the GIL] (most recent call last):\n"
	"    (C) File \"./nptl/pthread_create.c\", line 442, in start_thread (libc.so.6)\n"
	"    (Python) File \"/srv/t.py\", line 3, in deep\n"
	"        if n: return deep(n-1, lock)\n"
	"      Arguments:\n"
	"        n: 1\n"
	"    (C) File \"./Modules/timemodule.c\", line 425, in time_sleep (libpython3.12.so.1.0)\n"
	"    (C) File \"./Modules/timemodule.c\", line 2182, in pysleep (inlined) "
	"(libpython3.12.so.1.0)\n"
	"\n"
	"Traceback for thread 24244 (my [x]) [Has the GIL,Garbage collecting] "
	"(most recent call last):\n"
	"    (C) File \"???\", line 0, in _start (python3.12)\n"
	"    (Python) File \"/srv/a\", line 1.py\", line 11, in <module>\n"
	"        main()\n"
	"    (C) File \"libffi.so.8\", line 0, in ??? (libffi.so.8)\n";

static void test_pystack(void)
{
	check_report(pystack,
		      "pystack line 1: signal 11 pid 24244\n"
		      "= program: /usr/bin/python3.12\n"
		      "= command line: python3 t.py crash\n"
		      "- tid 24614 waits for GIL\n"
		      "    pysleep @libpython3.12.so.1.0 ./Modules/timemodule.c:2182 inlined\n"
		      "    time_sleep @libpython3.12.so.1.0 ./Modules/timemodule.c:425\n"
		      "    deep /srv/t.py:3 python\n"
		      "    start_thread @libc.so.6 ./nptl/pthread_create.c:442\n"
		      "* my [x] tid 24244 gil\n"
		      "    ? @libffi.so.8\n"
		      "    <module> /srv/a\", line 1.py:11 python\n"
		      "    _start @python3.12\n",
		     "a core, with its native frames, newest first");
	check_reading("Traceback for thread 8 (py) [] (most recent call last):\n"
		      "    (Python) File \"/srv/t.py\", line 3, in deep\n"
		      "Traceback for thread 7 (py) [] (most recent call last):\n"
		      "    (Python) File \"/srv/t.py\", line 9, in main\n"
		      "    (Python) File \"/srv/t.p\n",
		      "pystack line 1 incomplete: look\n"
		      "- py tid 8\n"
		      "    deep /srv/t.py:3 python\n"
		      "* py tid 7\n"
		      "    main /srv/t.py:9 python\n",
		      "a process, cut off");
	check_reading("Core file information:\n"
		      "The process died due a segmentation fault accessing address: 0x18\n"
		      "Traceback for thread 7 [] (most recent call last):\n"
		      "    (C) File \"a.c\", line 3, in f (x.so)\n",
		      "pystack line 1: signal 11 at 0x18\n"
		      "* tid 7\n"
		      "    f @x.so a.c:3\n",
		      "the address of the fault");
	check_reading("Core file information:\n"
		      "pid: 7 ppid: 1 sid: 1\n"
		      "The process died due a segmentation fault accessing address: 0x18\n"
		      "Traceback for thread 7 [Has the GIL] (most recent call last):\n"
		      "    (C) File \"???\", line 0, in nanosleep (libc.so.6)\n"
		      "    (C) File \"libc.so.6\", line 0, in ??? (libc.so.6)\n"
		      "Traceback for thread 8 [] (most recent call last):\n"
		      "    (C) File \"a.c\", line 3, in f (x.so)\n",
		      "pystack line 1: signal 11 at 0x18 pid 7\n"
		      "- tid 7 gil\n"
		      "    ? @libc.so.6\n"
		      "    nanosleep @libc.so.6\n"
		      "* tid 8\n"
		      "    f @x.so a.c:3\n",
		      "who sleeps does not crash");
	check_reading("Core file information:\n"
		      "pid: 7 ppid: 1 sid: 1\n"
		      "The process died due receiving signal SIGABRT\n"
		      "Traceback for thread 7 [Has the GIL] (most recent call last):\n"
		      "    (C) File \"a.c\", line 3, in f (x.so)\n"
		      "Traceback for thread 8 [] (most recent call last):\n"
		      "    (C) File \"a.c\", line 4, in g (x.so)\n"
		      "    (C) File \"???\", line 0, in abort (libc.so.6)\n",
		      "pystack line 1: signal 6 pid 7\n"
		      "- tid 7 gil\n"
		      "    f @x.so a.c:3\n"
		      "* tid 8\n"
		      "    abort @libc.so.6\n"
		      "    g @x.so a.c:4\n",
		      "who aborts does");
	check_reading("Core file information:\n"
		      "The process died due a segmentation fault accessing address: 0x18\n"
		      "Traceback for thread 6 [Has the GIL] (most recent call last):\n"
		      "\n"
		      "Traceback for thread 7 [] (most recent call last):\n"
		      "    (C) File \"a.c\", line 3, in f (x.so)\n",
		      "pystack line 1: signal 11 at 0x18\n"
		      "- tid 6 gil\n"
		      "* tid 7\n"
		      "    f @x.so a.c:3\n",
		      "a child whose thread Python knows by its parent's number");
	check_reading("Using executable found in the core file: \n", "",
		      "a heading that is cut off is none");
	check_reading("Traceback (most recent call last):\n  File \"x.py\", line 3, in f\n", "",
		      "a traceback of Python's own is none");
}

/* The newest frames are kept as a ring while it is read. */
static void test_turned(void)
{
	const struct crash_thread *thread;
	struct strbuf text = STRBUF_INIT;
	struct traces traces;

	strbuf_addstr(&text, "Traceback for thread 7 [] (most recent call last):\n");
	for (int i = 1; i <= 3000; i++)
		strbuf_addf(&text, "    (Python) File \"a.py\", line %d, in f\n", i);
	traces_read(text.buf, text.len, &traces);
	thread = crash_culprit(traces.v[0].crash);
	CHECK_INT(thread->frames[0].line, 3000, "of a long stack the newest frame is the first");
	CHECK_INT(thread->frames[TRACE_FRAMES_FIRST - 1].line, 1977, "one after the other");
	CHECK_INT(thread->frames[TRACE_FRAMES_FIRST].line, 1024, "then the oldest ones");
	CHECK_INT(thread->frames[thread->nframes - 1].line, 1, "to the last");
	CHECK_INT(thread->left_out, 3000 - 2048, "and those between are left out");
	traces_release(&traces);
	strbuf_release(&text);
}

/* What people leave of them. */
static const struct sample samples[] = {
	{ "pystack, of which the beginning and the end are left out",
	  "[...]\n"
	  "    (C) File \"./debug/backtrace.c\", line 78, in __backtrace (/usr/lib/libc.so.6)\n"
	  "    (C) File \"../libgcc/unwind.inc\", line 296, in _Unwind_Backtrace (/opt/lib/libgcc_s.so.1)\n"
	  "[...]\n"
	  "    (Python) File \"/srv/t.py\", line 9, in main\n"
	  "        probe.get()\n"
	  "[...]\n",
	  "pystack line 2 incomplete: look\n"
	  "*\n"
	  "    main /srv/t.py:9 python\n"
	  "    _Unwind_Backtrace @/opt/lib/libgcc_s.so.1 ../libgcc/unwind.inc:296\n"
	  "    __backtrace @/usr/lib/libc.so.6 ./debug/backtrace.c:78\n" },
	{ "py-spy, told again without numbers",
	  "Thread (idle): \"MainThread\"\n"
	  "    wait (threading.py:359)\n"
	  "    get (queue.py:180)\n"
	  "    ...\n"
	  "Thread (active+gil): \"Thread-... (_pin)\"\n"
	  "    select (selectors.py:415)\n"
	  "    _poll → poll → get\n"
	  "[...]\n",
	  "py-spy line 1 incomplete: look\n"
	  "- MainThread\n"
	  "    wait threading.py:359 python\n"
	  "    get queue.py:180 python\n"
	  "* Thread-... (_pin) gil\n"
	  "    select selectors.py:415 python\n" },
	{ "what is neither",
	  "(C) File \"name.c\" in the text\n"
	  "Thread (idle)s are \"idle\"\n"
	  "Thread (pool): \"a\"\n",
	  "" },
};

int main(void)
{
	test_py_spy();
	test_pystack();
	test_turned();
	CHECK_SAMPLES(samples);
	return tap_done();
}
