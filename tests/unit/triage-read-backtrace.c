/* SPDX-License-Identifier: Apache-2.0 */
/* Stacks that programs and their libraries write of themselves. */
#include "tests/unit/reading.h"

static const struct sample samples[] = {
	{ "Open MPI",
	  "[node7:07679] *** Process received signal ***\n"
	  "[node7:07679] Signal: Segmentation fault (11)\n"
	  "[node7:07679] Signal code: Address not mapped (1)\n"
	  "[node7:07679] Failing at address: 0x41\n"
	  "[node7:07679] [ 0] /lib/x86_64-linux-gnu/libc.so.6(+0x3f040)[0x7f8310757040]\n"
	  "[node7:07679] [ 1] /lib/x86_64-linux-gnu/libc.so.6(+0xb1426)[0x7f83107c9426]\n"
	  "[node7:07679] [ 2] /usr/lib/libprobe.so.40(probe_join+0x39)[0x7f830d5d4f69]\n"
	  "[node7:07679] [ 3] python3(_start+0x2a)[0x55d0c5eb850c]\n"
	  "[node7:07679] *** End of error message ***\n",
	  "backtrace line 1: signal 11 at 0x41\n"
	  "> *** Process received signal ***\n"
	  "> Signal: Segmentation fault (11)\n"
	  "> Signal code: Address not mapped (1)\n"
	  "> Failing at address: 0x41\n"
	  "*\n"
	  "    0x7f830d5d4f69 probe_join+0x39 @/usr/lib/libprobe.so.40\n"
	  "    0x55d0c5eb850c _start+0x2a @python3\n" },
	{ "UCX, as it writes symbols and as it writes places",
	  "[node7:43812:0:43812] Caught signal 11 (Segmentation fault: address not mapped to object at address 0x8)\n"
	  "==== backtrace (tid:  43812) ====\n"
	  " 0  /usr/lib/libucs.so.0(ucs_handle_error+0x294) [0x7f09d5a3e024]\n"
	  " 1  /usr/lib/libucs.so.0(+0x321df) [0x7f09d5a3e1df]\n"
	  " 2  /lib64/libc.so.6(+0x3fc30) [0x7f0cf643fc30]\n"
	  " 3  /usr/lib/libprobe.so.1(probe_get+0x20) [0x7f0c59f0dae0]\n"
	  "=================================\n"
	  "\n"
	  "==== backtrace (tid: 99) ====\n"
	  " 0 0x0000000000012ce0 __funlockfile()  :0\n"
	  " 1 0x0000000000001149 probe_get()  /src/table.c:61\n"
	  " 2 0x0000000000001180 probe_visit()  ???:0\n",
	  "backtrace line 1: signal 11 at 0x8\n"
	  "> Caught signal 11 (Segmentation fault: address not mapped to object at address 0x8)\n"
	  "> ==== backtrace (tid:  43812) ====\n"
	  "*\n"
	  "    0x7f0c59f0dae0 probe_get+0x20 @/usr/lib/libprobe.so.1\n"
	  "backtrace line 10: signal\n"
	  "*\n"
	  "    0x12ce0 __funlockfile()\n"
	  "    0x1149 probe_get() /src/table.c:61\n"
	  "    0x1180 probe_visit()\n" },
	{ "XGBoost and MXNet",
	  "Stack trace:\n"
	  "  [bt] (0) /srv/lib/libprobe.so(+0x345d9d9) [0x7fc3e00189d9]\n"
	  "  [bt] (1) /lib/libc.so.6(abort+0x12) [0x7fc4055e0f20]\n"
	  "  [bt] (2) /srv/lib/libprobe.so(probe::Engine::Push(int)+0x6d) [0x7fc3dff68d5d]\n",
	  "backtrace line 2: signal 6\n"
	  "*\n"
	  "    0x7fc3e00189d9 ? @/srv/lib/libprobe.so+0x345d9d9\n"
	  "    0x7fc4055e0f20 abort+0x12 @/lib/libc.so.6\n"
	  "    0x7fc3dff68d5d probe::Engine::Push(int)+0x6d @/srv/lib/libprobe.so\n" },
	{ "Chromium, after a signal",
	  "Received signal 11 SEGV_MAPERR 000000000008\n"
	  "#0 0x55d0c5eb850c base::debug::CollectStackTrace() [../../base/debug/stack_trace.cc:61]\n"
	  "#1 0x55d0c5eb8600 base::debug::(anonymous namespace)::StackDumpSignalHandler()\n"
	  "#2 0x7f8310757040 (/lib/x86_64-linux-gnu/libc.so.6+0x4251f)\n"
	  "#3 0x55d0c5eb8700 probe::Table::get() [../../probe/table.cc:61]\n"
	  "#4 0x55d0c5eb8800 <unknown>\n",
	  "backtrace line 1: signal 11\n"
	  "> Received signal 11 SEGV_MAPERR 000000000008\n"
	  "*\n"
	  "    0x55d0c5eb8700 probe::Table::get() ../../probe/table.cc:61\n"
	  "    0x55d0c5eb8800 ?\n" },
	{ "LLVM",
	  " #0 0x00007f0000001000 llvm::sys::PrintStackTrace(llvm::raw_ostream&, int) /src/Signals.inc:565:11\n"
	  " #1 0x00007f0000001100 SignalHandler(int) Signals.cpp:0:0\n"
	  " #2 0x00007f0000002000 (/lib/x86_64-linux-gnu/libc.so.6+0x42520)\n"
	  " #3 0x00007f0000003000 probe::get(int) (/usr/lib/libprobe.so.1+0x3000)\n"
	  " #4 0x00007f0000003100 main (/usr/bin/probe+0x1100)\n",
	  "backtrace line 1: signal\n"
	  "*\n"
	  "    0x7f0000003000 probe::get(int) @/usr/lib/libprobe.so.1+0x3000\n"
	  "    0x7f0000003100 main @/usr/bin/probe+0x1100\n" },
	{ "Boost",
	  " 0# boost::stacktrace::basic_stacktrace::init() at /usr/include/boost/stacktrace.hpp:75\n"
	  " 1# probe::get(int) at /src/table.cc:61\n"
	  " 2# 0x00007F0000001149 in /usr/lib/libprobe.so.1\n"
	  " 3# main in ./probe\n",
	  "backtrace line 1: signal\n"
	  "*\n"
	  "    boost::stacktrace::basic_stacktrace::init() /usr/include/boost/stacktrace.hpp:75\n"
	  "    probe::get(int) /src/table.cc:61\n"
	  "    0x7f0000001149 ? @/usr/lib/libprobe.so.1\n"
	  "    main @./probe\n" },
	{ "PyTorch",
	  "frame #0: c10::Error::Error(c10::SourceLocation, std::string) + 0x57 (0x7f0000001057 in /venv/lib/libc10.so)\n"
	  "frame #1: <unknown function> + 0x1149 (0x7f0000001149 in /venv/lib/libtorch_python.so)\n"
	  "frame #2: clone + 0x3f (0x7f000000203f in /lib/x86_64-linux-gnu/libc.so.6)\n",
	  "backtrace line 1: signal\n"
	  "*\n"
	  "    0x7f0000001057 c10::Error::Error(c10::SourceLocation, std::string)+0x57 @/venv/lib/libc10.so\n"
	  "    0x7f0000001149 ? @/venv/lib/libtorch_python.so+0x1149\n"
	  "    0x7f000000203f clone+0x3f @/lib/x86_64-linux-gnu/libc.so.6\n" },
	{ "the JVM's account, with its frames far below",
	  "#\n"
	  "# A fatal error has been detected by the Java Runtime Environment:\n"
	  "#\n"
	  "#  SIGSEGV (0xb) at pc=0x00007f0000001149, pid=12, tid=13\n"
	  "#\n"
	  "# Problematic frame:\n"
	  "# C  [libprobe.so+0x1149]  probe_get+0x39\n"
	  "#\n"
	  "# If you would like to submit a bug report, please visit somebody\n"
	  "\n"
	  "---------------  T H R E A D  ---------------\n"
	  "Stack: [0x00007f0000000000,0x00007f0000100000],  sp=0x00007f00000ff000,  free space=1020k\n"
	  "Native frames: (J=compiled Java code, j=interpreted, Vv=VM code, C=native code)\n"
	  "C  [libprobe.so+0x1149]  probe_get+0x39\n"
	  "C  [libpython3.12.so.1.0+0x2149]\n"
	  "V  [libjvm.so+0x9b]  JavaThread::run()+0x8b\n",
	  "backtrace line 4: signal 11\n"
	  "> #  SIGSEGV (0xb) at pc=0x00007f0000001149, pid=12, tid=13\n"
	  "> #\n"
	  "> # Problematic frame:\n"
	  "*\n"
	  "    probe_get+0x39 @libprobe.so+0x1149\n"
	  "    ? @libpython3.12.so.1.0+0x2149\n"
	  "    JavaThread::run()+0x8b @libjvm.so+0x9b\n" },
	{ "the JVM's head alone",
	  "#  SIGBUS (0x7) at pc=0x00007f0000001149, pid=12, tid=13\n"
	  "# Problematic frame:\n"
	  "# C  [libprobe.so+0x1149]  probe_get+0x39\n",
	  "backtrace line 1: signal 7\n"
	  "> #  SIGBUS (0x7) at pc=0x00007f0000001149, pid=12, tid=13\n"
	  "> # Problematic frame:\n"
	  "*\n"
	  "    probe_get+0x39 @libprobe.so+0x1149\n" },
	{ "a check that failed, by glog, and its frames alone",
	  "*** Check failure stack trace: ***\n"
	  "    @     0x7f40001f6a10  google::LogMessage::Fail()\n"
	  "    @     0x7f40001f6b10  probe::get()\n"
	  "and then\n"
	  "    @     0x7f40001f6a10  probe::put()\n"
	  "    @     0x7f40001f6b10  (unknown)\n",
	  "backtrace line 1: signal 6\n"
	  "> *** Check failure stack trace: ***\n"
	  "*\n"
	  "    0x7f40001f6a10 google::LogMessage::Fail()\n"
	  "    0x7f40001f6b10 probe::get()\n"
	  "backtrace line 5: signal\n"
	  "*\n"
	  "    0x7f40001f6a10 probe::put()\n"
	  "    0x7f40001f6b10 ?\n" },
	{ "Node.js",
	  " 1: 0xb090e0 node::Abort() [node]\n"
	  " 2: 0xb09200 probe::get() [/srv/probe.node]\n",
	  "backtrace line 1: signal\n"
	  "*\n"
	  "    0xb090e0 node::Abort() @node\n"
	  "    0xb09200 probe::get() @/srv/probe.node\n" },
	{ "one frame alone is nobody's",
	  " 0# of the things to do at home:5\n"
	  "frame #0: f + 0x12 (0x7f in /lib/a.so)\n"
	  "C  [libprobe.so+0x1149]  probe_get+0x39\n"
	  "1: 0xb090e0 and so on [1]\n",
	  "" },
};

int main(void)
{
	CHECK_SAMPLES(samples);
	check_long("#0 0x7f0000001000 probe::f() (/lib/libprobe.so+0x1000)\n",
		   "#%zu 0x7f0000001000 probe::f() (/lib/libprobe.so+0x1000)\n", 5000);
	return tap_done();
}
