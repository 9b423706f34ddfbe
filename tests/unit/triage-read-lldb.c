/* SPDX-License-Identifier: Apache-2.0 */
/* lldb's stacks, as sessions print them. */
#include "tests/unit/reading.h"

static const char session[] =
	"Current executable set to '/srv/ext' (x86_64).\n"
	"(lldb) run\n"
	"Process 30050 stopped\n"
	"* thread #1, name = 'ext', stop reason = signal SIGSEGV: invalid address "
	"(fault address: 0x10)\n"
	"    frame #0: 0x00005555555551c9 ext`inner [inlined] inl(n=3, p=0x0) at ext.c:9:100\n"
	"   8   \tint x;\n"
	"-> 9   \tstatic inline int inl(int *p, int n) { return *p + n; }\n"
	"    \t                                              ^\n"
	"Process 30050 launched: '/srv/ext' (x86_64)\n"
	"(lldb) bt all\n"
	"* thread #1, name = 'ext', stop reason = signal SIGSEGV: invalid address "
	"(fault address: 0x10)\n"
	"  * frame #0: 0x00005555555551c9 ext`inner [inlined] inl(n=3, p=0x0) at ext.c:9:100\n"
	"    frame #1: 0x00005555555551c7 ext`inner(j=0x7f, what=\"what, (a) at b.c:3\") at "
	"ext.c:10:94 [opt]\n"
	"    frame #2: 0x00007ffff7dfc24a libc.so.6`__libc_start_call_main + 122\n"
	"    frame #3: 0x00007ffff7dfc24b libx.so`___lldb_unnamed_symbol12 + 4\n"
	"    frame #4: 0x00007ffff7dfc24c\n"
	"  thread #2, name = 'it's a, worker)'\n"
	"    frame #0: 0x00007ffff7ea8df2 libc.so.6`__libc_pause at pause.c:29:10\n";

static void test_session(void)
{
	check_report(session,
		      "lldb line 1: signal 11 code 1 at 0x10 pid 30050\n"
		      "= program: /srv/ext\n"
		      "= architecture: x86_64\n"
		      "* ext\n"
		      "    0x5555555551c9 inl @ext ext.c:9 inlined\n"
		      "    0x5555555551c7 inner @ext ext.c:10\n"
		      "    0x7ffff7dfc24a __libc_start_call_main @libc.so.6\n"
		      "    0x7ffff7dfc24b ? @libx.so\n"
		      "    0x7ffff7dfc24c ?\n"
		      "- it's a, worker)\n"
		      "    0x7ffff7ea8df2 __libc_pause @libc.so.6 pause.c:29\n",
		     "a session: stacks printed twice are one thread");
}

static void test_names(void)
{
	check_reading("* thread #2: tid = 0x1f, stop reason = EXC_BAD_ACCESS (code=2, "
		      "address=0x8)\n"
		      "  * frame #0: 0x1000 cc`(anonymous namespace)::A::go(this=0x1, m=size=1) "
		      "const "
		      "at c.cc:7:1\n"
		      "    frame #1: 0x1001 cc`std::function<int (int)>::f(int) const at f.h:5:9\n"
		      "    frame #2: 0x1002 cc`::bottom(n=0) at c.cc:10:175\n"
		      "    frame #3: 0x1003 cc`operator<<(a=1) at c.cc:11:1\n"
		      "    frame #4: 0x1004 cc`_ZN3foo3barEv + 8\n"
		      "  thread #1, tid = 30\n"
		      "    frame #0: 0x2000 libsystem`pause + 8\n",
		      "lldb line 1: signal 7 at 0x8\n"
		      "* tid 31\n"
		      "    0x1000 (anonymous namespace)::A::go @cc c.cc:7\n"
		      "    0x1001 std::function<int (int)>::f @cc f.h:5\n"
		      "    0x1002 bottom @cc c.cc:10\n"
		      "    0x1003 operator<< @cc c.cc:11\n"
		      "    0x1004 foo::bar() @cc\n"
		      "- tid 30\n"
		      "    0x2000 pause @libsystem\n",
		      "a Mach exception, and names of C++");
	check_reading("* thread #1, name = 'x', stop reason = signal SIGSTOP\n"
		      "  * frame #0: 0x2000 libc.so.6`pause + 8\n",
		      "lldb line 1: look\n"
		      "* x\n"
		      "    0x2000 pause @libc.so.6\n", "a stop is no crash");
	check_reading("  thread #1, name = 'x'\n    frame #0: 0x2000 libc.so.6`poll + 8\n"
		      "* thread #2, name = 'y', stop reason = signal SIGABRT\n"
		      "  * frame #0: 0x2001 libc.so.6`raise + 8\n",
		      "lldb line 1: signal 6\n"
		      "- x\n"
		      "    0x2000 poll @libc.so.6\n"
		      "* y\n"
		      "    0x2001 raise @libc.so.6\n",
		      "the one with the star is the culprit");
	check_reading("Process 3 stopped\n* thread #1, stop reason = signal SIGSEGV\n"
		      "    frame #0: 0x2000 x`f\n"
		      "Process 3 stopped\n* thread #1, stop reason = signal SIGABRT\n"
		      "    frame #0: 0x2001 x`g\n",
		      "lldb line 1: signal 11 pid 3\n"
		      "*\n"
		      "    0x2000 f @x\n"
		      "lldb line 4: signal 6 pid 3\n"
		      "*\n"
		      "    0x2001 g @x\n",
		      "who stops twice has two reports");
	check_reading("* thread #1, name = 'x', stop reason = signal SIGINT\n"
		      "  * frame #0: 0x2000 libc.so.6`pause + 8\n",
		      "lldb line 1: look\n"
		      "* x\n"
		      "    0x2000 pause @libc.so.6\n", "nor is an interrupt");
	check_reading("a thread #1 of them\nframe #0: no address\nProcess 3 stopped working\n", "",
		      "prose is no report");
	check_long("* thread #1, name = 'x'\n", "    frame #%zu: 0x2000 x`f(n=1) at "
		      "a.c:1:2\n", 5000);
}

int main(void)
{
	test_session();
	test_names();
	return tap_done();
}
