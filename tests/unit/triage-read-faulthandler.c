/* SPDX-License-Identifier: Apache-2.0 */
/* The reader of what faulthandler writes. */
#include "tests/unit/reading.h"

static const struct sample samples[] = {
	{ "stacks, and before them what was said, which is their message",
	  "free(): invalid pointer\nFatal Python error: Aborted\n\n"
	  "Current thread 0x0000000000000001 (most recent call first):\n"
	  "  File \"a.py\", line 1 in f\n",
	  "faulthandler line 1: signal 6\n> free(): invalid pointer\n* tid 1\n"
	  "    f a.py:1 python\n" },
	{ "a crash of 3.12 with two threads",
	  "Fatal Python error: Segmentation fault\n"
	  "\n"
	  "Thread 0x00007faf43f2a6c0 (most recent call first):\n"
	  "  File \"/srv/seg.py\", line 3 in work\n"
	  "  File \"/opt/lib/python3.12/threading.py\", line 1030 in _bootstrap\n"
	  "\n"
	  "Current thread 0x00007faf44ac2b80 (most recent call first):\n"
	  "  File \"/srv/seg.py\", line 8 in f\n"
	  "  File \"/srv/seg.py\", line ??? in <module>\n"
	  "\n"
	  "Extension modules: probe._probe, other (total: 2)\n"
	  "Segmentation fault (core dumped)\n",
	  "faulthandler line 1: signal 11\n"
	  "= python: 3.12\n"
	  "= extension modules: probe._probe, other (total: 2)\n"
	  "-\n"
	  "    work /srv/seg.py:3 python\n"
	  "    _bootstrap /opt/lib/python3.12/threading.py:1030 python\n"
	  "*\n"
	  "    f /srv/seg.py:8 python\n"
	  "    <module> /srv/seg.py:0 python\n" },
	{ "a crash of 3.14 with names and a C stack, which is put before the Python frames",
	  "test_probe (suite) ... Fatal Python error: Aborted\n"
	  "\n"
	  "Current thread 0x00007faf44ac2b80 [python] (most recent call first):\n"
	  "  Garbage-collecting\n"
	  "  File \"/srv/seg.py\", line 8 in w\\xf6rk\n"
	  "\n"
	  "Thread 0x00007faf43f2a6c0 [my worker] (most recent call first):\n"
	  "  <no Python frame>\n"
	  "\n"
	  "Current thread's C stack trace (most recent call first):\n"
	  "  Binary file \"/usr/bin/python3.14\", at _Py_DumpStack+0x42 [0x5b2700071042]\n"
	  "  Binary file \"/usr/bin/python3.14\", at +0x31aa10 [0x5b270031aa10]\n"
	  "  Binary file \"/usr/lib/libc.so.6\", at +0x3e010 [0x77b70003e010]\n"
	  "  Binary file \"/srv/probe.so\", at probe_go+0x12 [0x77b731580012]\n"
	  "  Binary file \"/srv/probe.so\", at +0x976 [0x77b731580976]\n"
	  "  Binary file \"<unknown>\" [0x77b700000001]\n"
	  "  <truncated rest of calls>\n",
	  "faulthandler line 1: signal 6\n"
	  "= garbage collection: running\n"
	  "* python truncated\n"
	  "    0x77b731580012 probe_go+0x12 @/srv/probe.so\n"
	  "    0x77b731580976 ? @/srv/probe.so+0x976\n"
	  "    0x77b700000001 ?\n"
	  "    wörk /srv/seg.py:8 python\n"
	  "- my worker\n" },
	{ "a C stack of macOS, whose names are only near, in a build without the GIL",
	  "Fatal Python error: Bus error\n"
	  "\n"
	  "<Cannot show all threads while the GIL is disabled>\n"
	  "Stack (most recent call first):\n"
	  "  File \"<string>\", line 1 in <module>\n"
	  "  ...\n"
	  "\n"
	  "Current thread's C stack trace (most recent call first):\n"
	  "  Binary file \"/opt/libpython3.14.dylib\", at PyObject_Vectorcall+0xa4 [0x10190b0a4]\n",
	  "faulthandler line 1: signal 7\n"
	  "* truncated\n"
	  "    0x10190b0a4 PyObject_Vectorcall+0xa4 @/opt/libpython3.14.dylib near\n"
	  "    <module> <string>:1 python\n" },
	{ "a C stack that the system has none of, and a state that was freed",
	  "Fatal Python error: Segmentation fault\n"
	  "\n"
	  "Thread 0xf1230400 [python] (most recent call first):\n"
	  "  <freed thread state>\n"
	  "\n"
	  "Current thread's C stack trace (most recent call first):\n"
	  "  <cannot get C stack on this system>\n",
	  "faulthandler line 1 incomplete: signal 11\n"
	  "> <freed thread state>\n"
	  "- python\n"
	  "*\n" },
	{ "a timeout: a hang, and of the main thread, which is the last",
	  "Timeout (0:00:05.300000)!\n"
	  "Thread 0x00007faf43f2a6c0 (most recent call first):\n"
	  "  File \"/srv/seg.py\", line 3 in work\n"
	  "  File \"/srv/threading.py\", line 10 in _bootstrap\n"
	  "\n"
	  "Thread 0x00007fc48ead9b80 (most recent call first):\n"
	  "  File \"/srv/to.py\", line 3 in <module>\n",
	  "faulthandler line 1: hang\n"
	  "= timeout: 0:00:05.300000\n"
	  "= current thread: not told\n"
	  "-\n"
	  "    work /srv/seg.py:3 python\n"
	  "    _bootstrap /srv/threading.py:10 python\n"
	  "*\n"
	  "    <module> /srv/to.py:3 python\n" },
	{ "Windows",
	  "Windows fatal exception: access violation\n"
	  "\n"
	  "Current thread 0x00000abc (most recent call first):\n"
	  "  File \"D:\\xab\\probe.py\", line 57 in go\n"
	  "  File ???, line ??? in ???\n",
	  "faulthandler line 1: signal 11\n"
	  "= platform: Windows\n"
	  "= exception: access violation\n"
	  "* tid 2748\n"
	  "    go D:\\xab\\probe.py:57 python\n"
	  "    ? python\n" },
	{ "stacks that somebody has asked for, whose head is cut off",
	  "  File \"/srv/a.py\", line 1 in run\n"
	  "\n"
	  "Thread 0x00007fc48ead9b80 (most recent call first):\n"
	  "  File \"/srv/b.py\", line 2 in <module>\n",
	  "faulthandler line 1: look\n"
	  "= current thread: not told\n"
	  "-\n"
	  "    run /srv/a.py:1 python\n"
	  "*\n"
	  "    <module> /srv/b.py:2 python\n" },
	{ "stacks that somebody has asked for twice",
	  "Thread 0x2 (most recent call first):\n"
	  "  File \"a.py\", line 1 in f\n"
	  "\n"
	  "Current thread 0x1 (most recent call first):\n"
	  "  File \"a.py\", line 2 in g\n"
	  "Thread 0x2 (most recent call first):\n"
	  "  File \"a.py\", line 3 in f\n",
	  "faulthandler line 1: look\n"
	  "- tid 2\n"
	  "    f a.py:1 python\n"
	  "* tid 1\n"
	  "    g a.py:2 python\n"
	  "faulthandler line 6: look\n"
	  "= current thread: not told\n"
	  "* tid 2\n"
	  "    f a.py:3 python\n" },
	{ "two C stacks, which are two reports",
	  "Current thread's C stack trace (most recent call first):\n"
	  "  Binary file \"/srv/probe.so\", at go+0x1 [0x77b731580012]\n"
	  "Current thread's C stack trace (most recent call first):\n"
	  "  Binary file \"/srv/probe.so\", at went+0x1 [0x77b731580022]\n",
	  "faulthandler line 1: look\n"
	  "*\n"
	  "    0x77b731580012 go+0x1 @/srv/probe.so\n"
	  "faulthandler line 3: look\n"
	  "*\n"
	  "    0x77b731580022 went+0x1 @/srv/probe.so\n" },
	{ "a heading without its stacks",
	  "Fatal Python error: Illegal instruction\n",
	  "faulthandler line 1 incomplete: signal 4\n"
	  "> Fatal Python error: Illegal instruction\n" },
};

int main(void)
{
	CHECK_SAMPLES(samples);
	check_reading("Traceback (most recent call last):\n"
		      "  File \"a.py\", line 1, in f\n"
		      "ValueError: File \"x\", line 1 in f\n",
		      "", "the traceback of an exception is no crash");
	return tap_done();
}
