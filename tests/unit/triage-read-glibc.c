/* SPDX-License-Identifier: Apache-2.0 */
/* The reader of last words: of C and C++ libraries, handlers, the shell, the kernel. */
#include "tests/unit/reading.h"

static const struct sample samples[] = {
	{ "a heap check",
	  "malloc(): corrupted top size\nAborted (core dumped)\n",
	  "glibc line 1: signal 6\n> malloc(): corrupted top size\n" },
	{ "a fortified function",
	  "*** buffer overflow detected ***: terminated\n",
	  "glibc line 1: signal 6\n> *** buffer overflow detected ***: terminated\n" },
	{ "an exception that nobody catches",
	  "terminate called after throwing an instance of 'std::runtime_error'\n"
	  "  what():  no way\n"
	  "run.sh: line 3: 12345 Aborted                 (core dumped) ./probe\n",
	  "glibc line 1: signal 6\n"
	  "> terminate called after throwing an instance of 'std::runtime_error'\n"
	  "> what():  no way\n" },
	{ "what one process said in two lines",
	  "FATAL: exception not rethrown\nterminate called without an active exception\n",
	  "glibc line 1: signal 6\n"
	  "> FATAL: exception not rethrown\n> terminate called without an active exception\n" },
	{ "old glibc, with its stack and its memory map",
	  "*** Error in `/usr/bin/python': double free or corruption (!prev): 0x00000000011c4710"
	  " ***\n"
	  "======= Backtrace: =========\n"
	  "/lib/libc.so.6(+0x777e5)[0x7f00000777e5]\n"
	  "/lib/libc.so.6(cfree+0x4c)[0x7f000008053c]\n"
	  "/srv/my_probe.so [0x7f0000100010]\n"
	  "/srv/my_probe.so() [0x7f0000100020]\n"
	  "[0x7f0000100030]\n"
	  "/usr/bin/python(PyEval_EvalFrameEx+0x68a)[0x4caa1a]\n"
	  "======= Memory map: ========\n"
	  "00400000-006d2000 r-xp 00000000 08:01 1234                 /usr/bin/python\n"
	  "7f0000000000-7f0000001000 rw-p 00000000 00:00 0\n",
	  "glibc line 1: signal 6 at 0x11c4710\n"
	  "> *** Error in `/usr/bin/python': double free or corruption (!prev): "
	  "0x00000000011c4710 ***\n"
	  "= program: /usr/bin/python\n"
	  "*\n"
	  "    0x7f00000777e5 ? @/lib/libc.so.6+0x777e5\n"
	  "    0x7f000008053c cfree+0x4c @/lib/libc.so.6\n"
	  "    0x7f0000100010 ? @/srv/my_probe.so\n"
	  "    0x7f0000100020 ? @/srv/my_probe.so\n"
	  "    0x7f0000100030 ?\n"
	  "    0x4caa1a PyEval_EvalFrameEx+0x68a @/usr/bin/python\n"
	  "maps:\n"
	  "00400000-006d2000 r-xp 00000000 08:01 1234                 /usr/bin/python\n"
	  "7f0000000000-7f0000001000 rw-p 00000000 00:00 0\n" },
	{ "a program's own handler, whose frames are not the crash's",
	  "!!! uWSGI process 4711 got Segmentation Fault !!!\n"
	  "*** backtrace of 4711 ***\n"
	  "/srv/uwsgi(uwsgi_backtrace+0x3a) [0x461234]\n"
	  "/srv/uwsgi(uwsgi_segfault+0x1c) [0x461abc]\n"
	  "/lib64/libc.so.6(+0x31230) [0x7f4c7f031230]\n"
	  "/srv/probe.so(_ZN5probe2goEv+0x10) [0x7f4c7f201010]\n"
	  "/lib64/libc.so.6(clone+0x55) [0x7f4c7f0f0055]\n"
	  "*** end of backtrace ***\n",
	  "glibc line 1: signal 11\n"
	  "> !!! uWSGI process 4711 got Segmentation Fault !!!\n"
	  "*\n"
	  "    0x7f4c7f201010 probe::go()+0x10 @/srv/probe.so\n"
	  "    0x7f4c7f0f0055 clone+0x55 @/lib64/libc.so.6\n" },
	{ "Abseil's handler, in a log",
	  "[2025-01-01 00:00:00,1 E 7 9] logging.cc:440: *** SIGSEGV received at time=1760000000 on"
	  " cpu 1 ***\n"
	  "[2025-01-01 00:00:00,1 E 7 9] logging.cc:440: PC: @     0x7f40001f6a10  (unknown)  "
	  "getenv\n"
	  "    @     0x555f00346000         64  absl::lts::WriteFailureInfo()\n"
	  "    @     0x555f00346120        480  absl::lts::AbslFailureSignalHandler()\n"
	  "    @     0x7f4000131010  (unknown)  (unknown)\n"
	  "    @     0x7f40001f6a10         64  getenv\n"
	  "    @     0x7f4000131800  (unknown)  (unknown)\n"
	  "    @ ... and at least 1 more frames\n",
	  "glibc line 1: signal 11\n"
	  "> [2025-01-01 00:00:00,1 E 7 9] logging.cc:440: *** SIGSEGV received at "
	  "time=1760000000 on cpu 1 ***\n"
	  "*\n"
	  "    0x7f40001f6a10 getenv\n"
	  "    0x7f4000131800 ?\n" },
	{ "glog's handler",
	  "*** SIGSEGV (@0x8) received by PID 123 (TID 0x7f0000001000) from PID 8; stack trace: "
	  "***\n"
	  "    @     0x555f00346120 google::FailureSignalHandler()\n"
	  "    @     0x7f4000131010 probe::go(int, char)\n"
	  "    @                0x0 (unknown)\n"
	  "Segmentation fault (core dumped)\n",
	  "glibc line 1: signal 11 at 0x8 pid 123\n"
	  "> *** SIGSEGV (@0x8) received by PID 123 (TID 0x7f0000001000) from PID 8; stack trace: "
	  "***\n"
	  "*\n"
	  "    0x7f4000131010 probe::go(int, char)\n"
	  "    ?\n" },
	{ "a stack of backtrace_symbols() alone",
	  "/srv/probe.so(+0x42f7)\n/usr/lib/libpython3.5m.so.1.0(PyEval_EvalCode+0x1b)\n",
	  "glibc line 1: signal\n*\n"
	  "    ? @/srv/probe.so+0x42f7\n"
	  "    PyEval_EvalCode+0x1b @/usr/lib/libpython3.5m.so.1.0\n" },
	{ "the same indented, with blanks behind",
	  "  /srv/probe.so(+0x42f7) \n  /usr/lib/libpython3.5m.so.1.0(PyEval_EvalCode+0x1b) \n",
	  "glibc line 1: signal\n*\n"
	  "    ? @/srv/probe.so+0x42f7\n"
	  "    PyEval_EvalCode+0x1b @/usr/lib/libpython3.5m.so.1.0\n" },
	{ "the shell alone",
	  "Segmentation fault (core dumped)\n",
	  "glibc line 1: signal 11\n> Segmentation fault (core dumped)\n" },
	{ "zsh, of a job",
	  "[1]  + 4712 bus error  python -c \"import probe\"\n",
	  "glibc line 1: signal 7\n> [1]  + 4712 bus error  python -c \"import probe\"\n" },
	{ "a shell of macOS",
	  "Abort trap: 6\n",
	  "glibc line 1: signal 6\n> Abort trap: 6\n" },
	{ "the kernel, with the place in the file",
	  "[25955.581892] python[16832]: segfault at 122c ip 00007f0b032b6f0a sp 00007fffe7adb790 "
	  "error 4 in libc.so.6[98f0a,7f0b03244000+156000] likely on CPU 1 (core 1, socket 0)\n",
	  "glibc line 1: signal 11 code 1 at 0x122c\n"
	  "> [25955.581892] python[16832]: segfault at 122c ip 00007f0b032b6f0a sp "
	  "00007fffe7adb790 error 4 in libc.so.6[98f0a,7f0b03244000+156000] likely on CPU 1 (core "
	  "1, socket 0)\n"
	  "* python tid 16832\n"
	  "    0x7f0b032b6f0a ? @libc.so.6+0x98f0a\n" },
	{ "an older kernel, through syslog, of a jump to NULL",
	  "Nov 21 16:14:49 box kernel: [  12.5] my worker[99]: segfault at 0 ip 0000000000000000 sp "
	  "00007ffe00000010 error 15\n",
	  "glibc line 1: signal 11 code 2 at 0x0\n"
	  "> Nov 21 16:14:49 box kernel: [  12.5] my worker[99]: segfault at 0 ip "
	  "0000000000000000 sp 00007ffe00000010 error 15\n"
	  "* my worker tid 99\n"
	  "    ?\n" },
	{ "a trap that the kernel logged",
	  "traps: python3[123] general protection fault ip:7f0000001234 sp:7ffe00000000 error:0 in "
	  "libprobe.so[7f0000001000+5000]\n",
	  "glibc line 1: signal 11\n"
	  "> traps: python3[123] general protection fault ip:7f0000001234 sp:7ffe00000000 error:0 "
	  "in libprobe.so[7f0000001000+5000]\n"
	  "* python3 tid 123\n"
	  "    0x7f0000001234 ? @libprobe.so+0x234\n" },
};

static void check_none(void)
{
	static const char *const texts[] = {
		"We aborted (core dumped) the plan.\n",
		"The free(): part of it.\n",
		"abort\n",
		"a(b) and c(d)\nfoo(bar)\nbar(foo)\n",
		"[1] 2 3\n",
		"x.sh: line 3: syntax error\n",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		check_reading(texts[i], "", "a text that only looks alike is no report");
}

int main(void)
{
	CHECK_SAMPLES(samples);
	check_none();
	return tap_done();
}
