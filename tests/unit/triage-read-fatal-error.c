/* SPDX-License-Identifier: Apache-2.0 */
/* The reader of fatal errors, assertions and CPython's debug allocator. */
#include "tests/unit/reading.h"

static const struct sample samples[] = {
	{ "a fatal error with the runtime's state",
	  "Fatal Python error: PyProbe_Go: the function must be called with the GIL held, but the "
	  "GIL is released\n"
	  "Python runtime state: finalizing (tstate=0x00007f0000001000)\n"
	  "\n"
	  "Current thread 0x00007f1034b44b80 (most recent call first):\n"
	  "  <no Python frame>\n"
	  "\n"
	  "Extension modules: probe (total: 1)\n"
	  "Aborted (core dumped)\n",
	  "fatal-error line 1: signal 6\n"
	  "> Fatal Python error: PyProbe_Go: the function must be called with the GIL held, but "
	  "the GIL is released\n"
	  "> Python runtime state: finalizing (tstate=0x00007f0000001000)\n"
	  "= runtime state: finalizing (tstate=0x00007f0000001000)\n"
	  "= extension modules: probe (total: 1)\n"
	  "*\n" },
	{ "a stream's lock at shutdown",
	  "Fatal Python error: _enter_buffered_busy: could not acquire lock for <_io.BufferedWriter"
	  " name='<stdout>'> at interpreter shutdown, possibly due to daemon threads\n"
	  "Python runtime state: finalizing (tstate=0x0000000000001000)\n"
	  "\n"
	  "Current thread 0x00007f1034b44b80 (most recent call first):\n"
	  "  File \"<string>\", line 4 in <module>\n",
	  "fatal-error line 1: signal 6\n"
	  "> Fatal Python error: _enter_buffered_busy: could not acquire lock for "
	  "<_io.BufferedWriter name='<stdout>'> at interpreter shutdown, possibly due to daemon "
	  "threads\n"
	  "> Python runtime state: finalizing (tstate=0x0000000000001000)\n"
	  "= runtime state: finalizing (tstate=0x0000000000001000)\n"
	  "*\n"
	  "    <module> <string>:4 python\n" },
	{ "a start that fails, which is no crash by a signal",
	  "Fatal Python error: init_fs_encoding: failed to get the Python codec\n"
	  "Python runtime state: core initialized\n"
	  "Traceback (most recent call last):\n"
	  "  File \"<frozen probe>\", line 3, in go\n"
	  "ModuleNotFoundError: No module named 'encodings'\n"
	  "\n"
	  "Current thread 0x00007f1034b44b80 (most recent call first):\n"
	  "  <no Python frame>\n",
	  "fatal-error line 1: signal\n"
	  "> Fatal Python error: init_fs_encoding: failed to get the Python codec\n"
	  "> Python runtime state: core initialized\n"
	  "> Traceback (most recent call last):\n"
	  ">   File \"<frozen probe>\", line 3, in go\n"
	  "> ModuleNotFoundError: No module named 'encodings'\n"
	  "= runtime state: core initialized\n"
	  "*\n" },
	{ "the debug allocator",
	  "Debug memory block at address p=0x7fa6648b4d00: API 'm'\n"
	  "    10 bytes originally requested\n"
	  "        at tail+0: 0x01 *** OUCH\n"
	  "    Data at p: cd cd cd\n"
	  "\n"
	  "Memory block allocated at (most recent call first):\n"
	  "  File \"probe.py\", line 5 in allocate\n"
	  "\n"
	  "Fatal Python error: _PyMem_DebugRawFree: bad ID: Allocated using API 'm'\n"
	  "Python runtime state: initialized\n"
	  "\n"
	  "Current thread 0x00007fa665361b80 (most recent call first):\n"
	  "  File \"probe.py\", line 9 in free\n",
	  "fatal-error line 1: signal 6\n"
	  "> Debug memory block at address p=0x7fa6648b4d00: API 'm'\n"
	  ">     10 bytes originally requested\n"
	  ">         at tail+0: 0x01 *** OUCH\n"
	  ">     Data at p: cd cd cd\n"
	  "> Memory block allocated at (most recent call first):\n"
	  ">   File \"probe.py\", line 5 in allocate\n"
	  "> Fatal Python error: _PyMem_DebugRawFree: bad ID: Allocated using API 'm'\n"
	  "> Python runtime state: initialized\n"
	  "= runtime state: initialized\n"
	  "*\n"
	  "    free probe.py:9 python\n" },
	{ "a crash of the debug allocator itself, on Windows",
	  "Debug memory block at address p=04A01230: API '?'\n"
	  "    The 4 pad bytes at tail=02A04560 are Windows fatal exception: access violation\n"
	  "\n"
	  "Current thread 0x00000abc (most recent call first):\n"
	  "  File \"probe.py\", line 9 in free\n",
	  "fatal-error line 1: signal 11\n"
	  "> Debug memory block at address p=04A01230: API '?'\n"
	  ">     The 4 pad bytes at tail=02A04560 are Windows fatal exception: access violation\n"
	  "= platform: Windows\n"
	  "= exception: access violation\n"
	  "* tid 2748\n"
	  "    free probe.py:9 python\n" },
	{ "a C stack, which no signal has interrupted",
	  "Fatal Python error: probe_go: no way\n"
	  "\n"
	  "Current thread's C stack trace (most recent call first):\n"
	  "  Binary file \"/usr/bin/python3.14\", at _Py_DumpStack+0x42 [0x5b2700071042]\n"
	  "  Binary file \"/srv/probe.so\", at +0x12 [0x77b700000012]\n"
	  "  Binary file \"/usr/lib/libc.so.6\", at +0x3e010 [0x77b70003e010]\n",
	  "fatal-error line 1: signal 6\n"
	  "> Fatal Python error: probe_go: no way\n"
	  "*\n"
	  "    0x77b700000012 ? @/srv/probe.so+0x12\n"
	  "    0x77b70003e010 ? @/usr/lib/libc.so.6+0x3e010\n" },
	{ "an assertion of C, which tells the place",
	  "python: Python/probe.c:345: probe_go: Assertion `probe->n == 0' failed.\n"
	  "Aborted\n",
	  "fatal-error line 1: signal 6\n"
	  "> python: Python/probe.c:345: probe_go: Assertion `probe->n == 0' failed.\n"
	  "= program: python\n"
	  "*\n"
	  "    probe_go Python/probe.c:345\n" },
	{ "an assertion of clang's C, whose function has its arguments",
	  "Python/probe.c:345: static void *probe_go(probe *): Assertion `probe' failed\n",
	  "fatal-error line 1: signal 6\n"
	  "> Python/probe.c:345: static void *probe_go(probe *): Assertion `probe' failed\n"
	  "*\n"
	  "    probe_go Python/probe.c:345\n" },
	{ "an assertion on an object",
	  "Objects/probe.c:12: probe_check: Assertion \"n > 0\" failed\n"
	  "Enable tracemalloc to get the memory block allocation traceback\n"
	  "\n"
	  "object address  : 0x7f0000001000\n"
	  "object refcount : 1\n"
	  "object type     : 0x9c0a20\n"
	  "\n"
	  "Fatal Python error: _PyObject_AssertFailed: _PyObject_AssertFailed\n"
	  "\n"
	  "Thread 0x00007f1034b44b80 (most recent call first):\n"
	  "  File \"a.py\", line 4 in <module>\n",
	  "fatal-error line 1: signal 6\n"
	  "> Objects/probe.c:12: probe_check: Assertion \"n > 0\" failed\n"
	  "> Enable tracemalloc to get the memory block allocation traceback\n"
	  "> object address  : 0x7f0000001000\n"
	  "> object refcount : 1\n"
	  "> object type     : 0x9c0a20\n"
	  "> Fatal Python error: _PyObject_AssertFailed: _PyObject_AssertFailed\n"
	  "= current thread: not told\n"
	  "-\n"
	  "    <module> a.py:4 python\n" },
};

int main(void)
{
	CHECK_SAMPLES(samples);
	return tap_done();
}
