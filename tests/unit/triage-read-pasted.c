/* SPDX-License-Identifier: Apache-2.0 */
/* Reports as people paste them: cut, commented out, behind the words of a log. */
#include "tests/unit/reading.h"

static const struct sample samples[] = {
	{ "gdb's stack as a comment beside the code",
	  "    # #0  0x00007ffff7b9274d in PyDict_Size (op=0x0) at ./Objects/dictobject.c:60\n"
	  "    # #1  0x00007ffff7b92800 in probe_get () from /usr/lib/libprobe.so\n"
	  "    # #2  0x00007fffd5005c25 in Probe::call(_object*) const ()\n"
	  "    # from /venv/lib/QtProbe.so\n",
	  "gdb line 1: look\n"
	  "*\n"
	  "    0x7ffff7b9274d PyDict_Size ./Objects/dictobject.c:60\n"
	  "    0x7ffff7b92800 probe_get @/usr/lib/libprobe.so\n"
	  "    0x7fffd5005c25 Probe::call(_object*) const @/venv/lib/QtProbe.so\n" },
	{ "gdb's line of the source, with blanks for its tab",
	  "Program terminated with signal SIGSEGV, Segmentation fault.\n"
	  "#0  __pthread_kill_implementation (signo=11) at ./nptl/pthread_kill.c:44\n"
	  "44      ./nptl/pthread_kill.c: No such file or directory.\n"
	  "(gdb) bt\n"
	  "#0  __pthread_kill_implementation (signo=11) at ./nptl/pthread_kill.c:44\n"
	  "#1  0x00005555555551a2 in handler (s=11) at ext.c:12\n"
	  "#2  <signal handler called>\n"
	  "#3  getenv (name=0x7f00 \"A\") at getenv.c:31\n",
	  "gdb line 1: signal 11\n"
	  "*\n"
	  "    __pthread_kill_implementation ./nptl/pthread_kill.c:44\n"
	  "    0x5555555551a2 handler ext.c:12\n"
	  "    ? signal\n"
	  "    getenv getenv.c:31\n" },
	{ "lldb's listing of instructions, and the stack behind it",
	  "* thread #16, stop reason = EXC_BREAKPOINT (code=1, subcode=0x191164ba0)\n"
	  "    frame #0: 0x0000000191164ba0 libsystem_c.dylib`__abort + 164\n"
	  "libsystem_c.dylib`__abort:\n"
	  "->  0x191164ba0 <+164>: brk    #0x1\n"
	  "\n"
	  "libsystem_c.dylib`abort_report_np:\n"
	  "    0x191164ba4 <+0>:   pacibsp\n"
	  "Target 0: (python) stopped.\n"
	  "(lldb) bt\n"
	  "* thread #16, stop reason = EXC_BREAKPOINT (code=1, subcode=0x191164ba0)\n"
	  "  * frame #0: 0x0000000191164ba0 libsystem_c.dylib`__abort + 164\n"
	  "    frame #1: 0x000000010282ad80 probe.so`probe::fail(why=1) at fail.cpp:80:5\n",
	  "lldb line 1: signal 5\n"
	  "*\n"
	  "    0x191164ba0 __abort @libsystem_c.dylib\n"
	  "    0x10282ad80 probe::fail @probe.so fail.cpp:80\n" },
	{ "py-spy's frames without their thread",
	  "It hangs here:\n"
	  "__new__ (ssl.py:440)\n"
	  "connect (probe/net.py:812)\n"
	  "...\n",
	  "py-spy line 2 incomplete: look\n"
	  "*\n"
	  "    __new__ ssl.py:440 python\n"
	  "    connect probe/net.py:812 python\n" },
	{ "what is one call in a text",
	  "See main (probe.py:12)\n"
	  "main (probe.py:12)\n"
	  "and so on (probe.py:12)\n",
	  "" },
	{ "Windows' event, set in columns",
	  "Faulting module : python314.dll  3.14.4150.1013\n"
	  "Exception       : 0xC0000005 (STATUS_ACCESS_VIOLATION)\n"
	  "Fault offset    : 0x10298\n",
	  "windows line 1: signal 11\n"
	  "> Faulting module : python314.dll  3.14.4150.1013\n"
	  "> Exception       : 0xC0000005 (STATUS_ACCESS_VIOLATION)\n"
	  "= platform: Windows\n"
	  "*\n"
	  "    ? @python314.dll+0x10298\n" },
	{ "a server's stack behind the words of its log, cut off",
	  "Tue Sep  4 16:17:38 2018 - !!! uWSGI process 18114 got Segmentation Fault !!!\n"
	  "Tue Sep  4 16:17:38 2018 - *** backtrace of 18114 ***\n"
	  "/usr/bin/engined(engined_backtrace+0x30) [0x4635f0]\n"
	  "/usr/bin/engined(engined_fault+0x21) [0x4639b1]\n"
	  "/lib/x86_64-linux-gnu/libc.so.6(+0x350e0) [0x7fa557d170e0]\n"
	  "/venv/lib/python2.7/site-packages/probe/_probe.so(_ZNKSt10_HashtableIPKN5probe4[...]\n",
	  "glibc line 1 incomplete: signal 11\n"
	  "> Tue Sep  4 16:17:38 2018 - !!! uWSGI process 18114 got Segmentation Fault !!!\n"
	  "*\n"
	  "    ? @/venv/lib/python2.7/site-packages/probe/_probe.so\n" },
	{ "faulthandler's stack without addresses",
	  "Current thread's C stack trace (most recent call first):\n"
	  "  Binary file \"python\", at PyTraceBack_Here+0x31\n"
	  "  Binary file \"/srv/probe.so\", at go+0x1 [0x77b731580012]\n",
	  "faulthandler line 1: look\n"
	  "*\n"
	  "    PyTraceBack_Here+0x31 @python\n"
	  "    0x77b731580012 go+0x1 @/srv/probe.so\n" },
	{ "a library's end of a child",
	  "aborting: fork() is not allowed since probe has threads of its own\n",
	  "message line 1: signal\n"
	  "> aborting: fork() is not allowed since probe has threads of its own\n" },
	{ "a library that will not work in a child",
	  "RuntimeError: Cannot re-initialize probes in forked subprocess. Start it anew\n",
	  "message line 1: signal\n"
	  "> RuntimeError: Cannot re-initialize probes in forked subprocess. Start it anew\n" },
	{ "what a parent tells of its child's end",
	  "subprocess.CalledProcessError: Command '['probe']' died with <Signals.SIGSEGV: 11>.\n",
	  "message line 1: signal 11\n"
	  "> subprocess.CalledProcessError: Command '['probe']' died with <Signals.SIGSEGV: 11>.\n" },
	{ "the same of torch's, gunicorn's and Apache's",
	  "RuntimeError: DataLoader worker (pid 7) is killed by signal: Segmentation fault.\n"
	  "[WARNING] Worker with pid 23 was terminated due to signal 11\n"
	  "AH00052: child pid 24 exit signal Segmentation fault (11)\n",
	  "message line 1: signal 11\n"
	  "> RuntimeError: DataLoader worker (pid 7) is killed by signal: Segmentation fault.\n"
	  "> [WARNING] Worker with pid 23 was terminated due to signal 11\n"
	  "> AH00052: child pid 24 exit signal Segmentation fault (11)\n" },
	{ "a child that was told to end",
	  "Worker with pid 23 was terminated due to signal 15\n"
	  "the worker is killed by signal: whichever comes\n"
	  "interrupted by signal 2: SIGINT\n",
	  "" },
	{ "advice on the same",
	  "Note that fork() is not allowed here, and abort() neither.\n",
	  "" },
};

/* gdb's list of all threads tells whether there is another one. */
static void check_threads(const char *other, bool one)
{
	char *text = xstrfmt("  Id   Target Id         Frame\n"
			     "* 1    Thread 0x7f00 (LWP 7) \"python\" in pause ()\n%s"
			     "(gdb) bt\n"
			     "#0  pause () from /lib/libc.so.6\n"
			     "#1  0x00007ffff7b92800 in probe_get () from /usr/lib/libprobe.so\n",
			     other);
	struct traces traces;

	reports_read(text, &traces);
	CHECK_INT(traces.n, 1, "a list of threads, and a stack, are one report");
	CHECK(traces.n && traces.v[0].crash->one_thread == one, "a list of %s",
	      one ? "one" : "two");
	traces_release(&traces);
	free(text);
}

int main(void)
{
	CHECK_SAMPLES(samples);
	check_threads("", true);
	check_threads("  2    Thread 0x7f01 (LWP 8) \"worker\" in poll ()\n", false);
	return tap_done();
}
