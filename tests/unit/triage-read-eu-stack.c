/* SPDX-License-Identifier: Apache-2.0 */
/* eu-stack, with its options or without, and systemd's account of a core, which is like it. */
#include "tests/unit/reading.h"

static const char all_options[] =
	"PID 24244 - core\n"
	"TID 24244:\n"
	"#0  0x00007ffff7785ad8     __strlen_evex - libc.so.6\n"
	"    [93ac61ec5a8eb1396f9fbd350e3169a558528a40]@0x7ffff761e000+0x167ad8\n"
	"    ../sysdeps/x86_64/multiarch/strlen-evex.S:79\n"
	"#1  0x00007ffff734c528 - 1 string_at - _ctypes.cpython-312-x86_64-linux-gnu.so\n"
	"    ./Modules/_ctypes/_ctypes.c:5528:47\n"
	"#2  0x00007ffff734c528 - 1 PyCFuncPtr_call - _ctypes.cpython-312-x86_64-linux-gnu.so\n"
	"    ./Modules/_ctypes/_ctypes.c:5522:1\n"
	"#3  0x00007ffff7ec2f7a - 1 - libffi.so.8\n"
	"    [4b5ef0d8f602b880c279f15ed3b07bf6686ea09b]@0x7ffff7ebc000+0x6f79\n"
	"#4  0x00007ffff7ec2b0d - 1 ffi_call - libffi.so.8\n"
	"#5  0x00007ffff7ec2b0d - 1 ffi_call - libffi.so.8\n"
	"#6  0x0000000000000000 - 1\n"
	"eu-stack: tid 24244: shown max number of frames (7, use -n 0 for unlimited)\n"
	"TID 24614:\n"
	"#0  0x00007ffff76ed545     clock_nanosleep@GLIBC_2.2.5 - libc.so.6\n";

static void test_options(void)
{
	check_report(all_options,
		      "eu-stack line 1: signal pid 24244\n"
		      "* tid 24244 truncated\n"
		      "    0x7ffff7785ad8 __strlen_evex @libc.so.6+0x167ad8 "
		      "../sysdeps/x86_64/multiarch/strlen-evex.S:79\n"
		      "    0x7ffff734c528 string_at @_ctypes.cpython-312-x86_64-linux-gnu.so "
		      "./Modules/_ctypes/_ctypes.c:5528 inlined\n"
		      "    0x7ffff734c528 PyCFuncPtr_call "
		      "@_ctypes.cpython-312-x86_64-linux-gnu.so "
		      "./Modules/_ctypes/_ctypes.c:5522\n"
		      "    0x7ffff7ec2f7a ? @libffi.so.8+0x6f79\n"
		      "    0x7ffff7ec2b0d ffi_call @libffi.so.8\n"
		      "    0x7ffff7ec2b0d ffi_call @libffi.so.8\n"
		      "    ?\n"
		      "- tid 24614\n"
		      "    0x7ffff76ed545 clock_nanosleep@GLIBC_2.2.5 @libc.so.6\n",
		     "all that eu-stack can print");
	check_reading("PID 7 - process\nTID 7:\n#0  0x00007ffff7785ad8 pause\n#1  "
		      "0x00007ffff734c528\n"
		      "#2  0x00007ffff734c52c _ZN3foo3barEv\n",
		      "eu-stack line 1: look pid 7\n"
		      "* tid 7\n"
		      "    0x7ffff7785ad8 pause\n"
		      "    0x7ffff734c528 ?\n"
		      "    0x7ffff734c52c foo::bar()\n",
		      "no option at all");
	check_reading("#1 is no frame\nTID 8:\n#0  0x00007ffff7785ad8 - libffi.so.8\n"
		      "#1  0x00007ffff734c528 a - b - libc.so.6\n",
		      "eu-stack line 2: look\n"
		      "* tid 8\n"
		      "    0x7ffff7785ad8 ? @libffi.so.8\n"
		      "    0x7ffff734c528 a - b @libc.so.6\n",
		      "modules alone, and a name with a dash");
	check_reading("PID 7 - process\nTID 7:\n#0  0x00007ffff7785ad8 a\n\n"
		      "PID 9 - process\nTID 9:\n#0  0x00007ffff7785ad8 b\n",
		      "eu-stack line 1: look pid 7\n"
		      "* tid 7\n"
		      "    0x7ffff7785ad8 a\n"
		      "eu-stack line 5: look pid 9\n"
		      "* tid 9\n"
		      "    0x7ffff7785ad8 b\n",
		      "two processes are two reports");
	check_reading("PID 7 - core\nTID 7:\n#0  0x00007ffff7785ad8 poll\n"
		      "TID 8:\n#0  0x00007ffff7785ada raise\n#1  0x00007ffff7785adb abort\n",
		      "eu-stack line 1: signal 6 pid 7\n"
		      "- tid 7\n"
		      "    0x7ffff7785ad8 poll\n"
		      "* tid 8\n"
		      "    0x7ffff7785ada raise\n"
		      "    0x7ffff7785adb abort\n",
		      "who aborts is the culprit");
	check_reading("PID 7 - core\nTID 8:\n#0  0x00007ffff7785ad8 - libc.so.6\n"
		      "#1  0x00007ffff7785ad9 clock_nanosleep@GLIBC_2.2.5 - libc.so.6\n"
		      "TID 7:\n#0  0x00007ffff7785ada f - x.so\n",
		      "eu-stack line 1: look pid 7\n"
		      "* tid 8\n"
		      "    0x7ffff7785ad8 ? @libc.so.6\n"
		      "    0x7ffff7785ad9 clock_nanosleep@GLIBC_2.2.5 @libc.so.6\n"
		      "- tid 7\n"
		      "    0x7ffff7785ada f @x.so\n",
		      "a core whose first thread sleeps is that of no crash");
	check_reading("PID 7 - core\nTID 7:\n#0  0x00007ffff7785ad8 pthread_mutex_lock\n"
		      "#1  0x00007ffff734c528 f\n",
		      "eu-stack line 1: signal pid 7\n"
		      "* tid 7\n"
		      "    0x7ffff7785ad8 pthread_mutex_lock\n"
		      "    0x7ffff734c528 f\n",
		      "one whose first thread may have died of a lock is");
	check_long("TID 8:\n", "#%zu 0x00007ffff734c528 recurse\n", 5000);
}

static const char info[] =
	"           PID: 4242 (python3)\n"
	"           UID: 1000 (user)\n"
	"        Signal: 11 (SEGV)\n"
	"     Timestamp: Mon 2026-01-05 10:00:00 UTC (1min ago)\n"
	"  Command Line: python3 t.py crash\n"
	"    Executable: /usr/bin/python3.12\n"
	"       Message: Process 4242 (python3) of user 1000 dumped core.\n"
	"                \n"
	"                Module libc.so.6 from deb glibc-2.36-9.amd64\n"
	"                Stack trace of thread 4242:\n"
	"                #0  0x00007f1c4f1d2f10 __strlen_evex (libc.so.6 + 0x167ad8)\n"
	"                #1  0x00007f1c4e0013f2 n/a (_probe.cpython-312.so + 0x13f2)\n"
	"                #2  0x00007f1c4e0013f4 _ZN3foo3barEv (_probe.cpython-312.so + 0x13f4)\n"
	"                #3  0x0000000000000000 n/a (n/a + 0x0)\n"
	"\n"
	"                Stack trace of thread 4250:\n"
	"                #0  0x00007f1c4f1d2f12 poll (libc.so.6)\n"
	"                ELF object binary architecture: AMD x86-64\n";

/* Where readers have once taken nothing of what they had said was theirs. */
static void test_bare(void)
{
	check_reading("PID 7 - \nTID 8:\n#0  0x00007ffff7785ad8 f\n",
		      "eu-stack line 2: look\n* tid 8\n    0x7ffff7785ad8 f\n",
		      "a heading that is cut off is passed over");
}

static void test_coredumpctl(void)
{
	check_report(info,
		      "coredumpctl line 1: signal 11 pid 4242\n"
		      "= time: Mon 2026-01-05 10:00:00 UTC (1min ago)\n"
		      "= command line: python3 t.py crash\n"
		      "= program: /usr/bin/python3.12\n"
		      "= command: python3\n"
		      "= architecture: AMD x86-64\n"
		      "* tid 4242\n"
		      "    0x7f1c4f1d2f10 __strlen_evex @libc.so.6+0x167ad8\n"
		      "    0x7f1c4e0013f2 ? @_probe.cpython-312.so+0x13f2\n"
		      "    0x7f1c4e0013f4 foo::bar() @_probe.cpython-312.so+0x13f4\n"
		      "    ?\n"
		      "- tid 4250\n"
		      "    0x7f1c4f1d2f12 poll @libc.so.6\n",
		     "coredumpctl info");
	check_reading("Jan 05 10:00:00 host systemd-coredump[99]: [X] Process 4242 "
		      "(python3) of user 0 "
		      "dumped core.\n\n"
		      "    Stack trace of thread 4243:\n"
		      "    #0  0x00007f1c4f1d2f10 f (libc.so.6 + 0x1)\n"
		      "Jan 05 10:00:01 host systemd[1]: nothing\n"
		      "    #1  0x00007f1c4f1d2f10 g (libc.so.6 + 0x1)\n",
		      "coredumpctl line 1: signal pid 4242\n"
		      "= command: python3\n"
		      "* tid 4243\n"
		      "    0x7f1c4f1d2f10 f @libc.so.6+0x1\n"
		      "coredumpctl line 6: signal\n"
		      "*\n"
		      "    0x7f1c4f1d2f10 g @libc.so.6+0x1\n",
		      "the journal's message ends with the next one");
	check_reading("  Message: Process 42 (python3) of user 0 dumped core.\n"
		      "  Stack trace of thread 42:\n  #0  f (libc.so.6 + 0x1)\n\n"
		      "  Message: Process 43 (python3) of user 0 dumped core.\n"
		      "  Stack trace of thread 43:\n  #0  g (libc.so.6 + 0x1)\n",
		      "coredumpctl line 1: signal pid 42\n"
		      "= command: python3\n"
		      "* tid 42\n"
		      "    f @libc.so.6+0x1\n"
		      "coredumpctl line 5: signal pid 43\n"
		      "= command: python3\n"
		      "* tid 43\n"
		      "    g @libc.so.6+0x1\n",
		      "one message after the other");
	check_reading("Signal: 6 (ABRT)\nHostname: host\n\nModule libc.so.6 with build-id 93ac\n"
		      "Metadata for module x.so owned by rpm\nStack trace of thread 5:\n"
		      "#0  0x00007f1c4f1d2f10 f (libc.so.6 + 0x1)\n",
		      "coredumpctl line 1: signal 6\n"
		      "= host: host\n"
		      "* tid 5\n"
		      "    0x7f1c4f1d2f10 f @libc.so.6+0x1\n",
		      "without indentation");
	check_reading("#0  raise (libc.so.6 + 0x1)\n#1  abort (libc.so.6 + 0x2)\n#2  f\n",
		      "coredumpctl line 1 incomplete: signal 6\n"
		      "*\n"
		      "    raise @libc.so.6+0x1\n"
		      "    abort @libc.so.6+0x2\n"
		      "    f\n",
		      "frames alone, the last one cut off");
	check_reading("Signal: strong\nPID: unknown\n#3 of them (see above)\n", "", "prose "
		      "is none");
}

int main(void)
{
	test_options();
	test_bare();
	test_coredumpctl();
	return tap_done();
}
