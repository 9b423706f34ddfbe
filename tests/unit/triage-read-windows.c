/* SPDX-License-Identifier: Apache-2.0 */
/* What Windows' debuggers write, and its event log. */
#include "tests/unit/reading.h"

static const struct sample samples[] = {
	{ "WinDbg",
	  "(1a2c.3b4): Access violation - code c0000005 (first chance)\n"
	  "First chance exceptions are reported before any exception handling.\n"
	  "python312!PyObject_GetAttr+0x12:\n"
	  "00007ffb`12345678 488b4808        mov     rcx,qword ptr [rax+8] ds:00000000`00000008=????????\n"
	  "0:000> kn\n"
	  " # Child-SP          RetAddr               Call Site\n"
	  "00 0000008a`7a2fe0f8 00007ffb`12345678     python312!PyObject_GetAttr+0x12 [C:\\src\\Objects\\object.c @ 1041]\n"
	  "01 (Inline Function) --------`--------     probe!probe_peek+0x8 [C:\\src\\table.c @ 50]\n"
	  "02 0000008a`7a2fe100 00007ffb`12345700     probe!probe_get+0x45\n"
	  "03 0000008a`7a2fe200 00007ffb`00000000     probe+0x1149\n"
	  "04 0000008a`7a2fe300 00000000`00000000     ntdll!RtlUserThreadStart+0x28\n",
	  "windows line 1: signal 11\n"
	  "> (1a2c.3b4): Access violation - code c0000005 (first chance)\n"
	  "= platform: Windows\n"
	  "*\n"
	  "    PyObject_GetAttr+0x12 @python312 C:\\src\\Objects\\object.c:1041\n"
	  "    probe_peek+0x8 @probe C:\\src\\table.c:50 inlined\n"
	  "    probe_get+0x45 @probe\n"
	  "    ? @probe+0x1149\n"
	  "    RtlUserThreadStart+0x28 @ntdll\n" },
	{ "WinDbg's kb, and names alone",
	  "ChildEBP RetAddr  Args to Child\n"
	  "0012f6e0 77e8f3b0 00000001 00000002 00000003 ntdll!NtWaitForSingleObject+0x14\n"
	  "0012f700 10001149 00000001 00000002 00000003 probe!`anonymous namespace'::get+0x39\n"
	  "\n"
	  "ntdll!NtWaitForSingleObject+0x14\n"
	  "KERNELBASE!WaitForSingleObjectEx+0x8e\n"
	  "python312!PyEval_AcquireThread+0x1\n",
	  "windows line 2: look\n"
	  "*\n"
	  "    NtWaitForSingleObject+0x14 @ntdll\n"
	  "    `anonymous namespace'::get+0x39 @probe\n"
	  "windows line 5: look\n"
	  "*\n"
	  "    NtWaitForSingleObject+0x14 @ntdll\n"
	  "    WaitForSingleObjectEx+0x8e @KERNELBASE\n"
	  "    PyEval_AcquireThread+0x1 @python312\n" },
	{ "Visual Studio",
	  "Exception thrown at 0x00007FFB12345678 (python312.dll) in python.exe: 0xC0000005: Access violation reading location 0x0000000000000008.\n"
	  ">\tpython312.dll!PyObject_GetAttr(_object * v, _object * name) Line 1041\tC\n"
	  " \tprobe.pyd!probe_get(int key) Line 61\tC++\n"
	  " \t[External Code]\n"
	  " \t[Inline Frame] probe.pyd!probe_peek() Line 5\tC++\n"
	  " \tkernel32.dll!BaseThreadInitThunk()\tUnknown\n",
	  "windows line 1 incomplete: signal 11 at 0x8\n"
	  "> Exception thrown at 0x00007FFB12345678 (python312.dll) in python.exe: 0xC0000005: Access violation reading location 0x0000000000000008.\n"
	  "= platform: Windows\n"
	  "*\n"
	  "    PyObject_GetAttr(_object * v, _object * name) @python312.dll\n"
	  "    probe_get(int key) @probe.pyd\n"
	  "    probe_peek @probe.pyd inlined\n"
	  "    BaseThreadInitThunk @kernel32.dll\n" },
	{ "addresses with modules, in bytes",
	  "0x00007FF9E8545A2C, C:\\py\\python312.dll(0x00007FF9E84F0000) + 0x55A2C byte(s), PyObject_Call() + 0x17C byte(s)\n"
	  "0x00007FF9E854099C, C:\\py\\DLLs\\_probe.pyd(0x00007FF9E84F0000) + 0x5099C byte(s), d:\\src\\table.c, line 61, probe_get() + 0x4C byte(s)\n"
	  "0x00007FF9E854099F, C:\\py\\DLLs\\_probe.pyd(0x00007FF9E84F0000) + 0x5099F byte(s)\n",
	  "windows line 1: signal\n"
	  "*\n"
	  "    0x7ff9e8545a2c PyObject_Call+0x17c @C:/py/python312.dll+0x55a2c\n"
	  "    0x7ff9e854099c probe_get+0x4c @C:/py/DLLs/_probe.pyd+0x5099c d:\\src\\table.c:61\n"
	  "    0x7ff9e854099f ? @C:/py/DLLs/_probe.pyd+0x5099f\n" },
	{ "the event log",
	  "Faulting application name: python.exe, version: 3.12.1150.1013, time stamp: 0x65731a5c\n"
	  "Faulting module name: probe.pyd, version: 0.0.0.0, time stamp: 0x65a0f0d1\n"
	  "Exception code: 0xc0000374\n"
	  "Fault offset: 0x0000000000001149\n"
	  "Faulting process id: 0x1a2c\n"
	  "Faulting application path: C:\\py\\python.exe\n",
	  "windows line 1: signal 6\n"
	  "> Faulting module name: probe.pyd, version: 0.0.0.0, time stamp: 0x65a0f0d1\n"
	  "> Exception code: 0xc0000374\n"
	  "= program: python.exe\n"
	  "= platform: Windows\n"
	  "*\n"
	  "    ? @probe.pyd+0x1149\n" },
	{ "a stack that is used up, and an exit",
	  "Exception code: 0xc00000fd\n"
	  "\n"
	  "Process finished with exit code -1073741819 (0xC0000005)\n",
	  "windows line 1: signal 11 stack-overflow\n"
	  "> Exception code: 0xc00000fd\n"
	  "= platform: Windows\n"
	  "windows line 3: signal 11\n"
	  "> Process finished with exit code -1073741819 (0xC0000005)\n"
	  "= platform: Windows\n" },
	{ "Breakpad",
	  "Crash reason:  EXCEPTION_ACCESS_VIOLATION_READ\n"
	  "Crash address: 0x8\n"
	  "Process uptime: 3 seconds\n"
	  "\n"
	  "Thread 0 (crashed)\n"
	  " 0  probe.pyd!probe_get [table.c : 61 + 0x3]\n"
	  "    rax = 0x0000000000000000   rdx = 0x0000000000000001\n"
	  " 1  python312.dll + 0x1149\n",
	  "windows line 1: signal 11 at 0x8\n"
	  "> Crash reason:  EXCEPTION_ACCESS_VIOLATION_READ\n"
	  "= platform: Windows\n"
	  "*\n"
	  "    probe_get @probe.pyd table.c:61\n"
	  "    ? @python312.dll+0x1149\n" },
	{ "programs' own text",
	  "println!(\"one\")\n"
	  "assert!(two)\n"
	  "css-loader!./style.css\n"
	  "probe!probe_get+0x12\n"
	  "Hello world!How are you?\n"
	  "exit code 3\n"
	  "0x00007FF9E8545A2C, and so on\n",
	  "" },
};

int main(void)
{
	CHECK_SAMPLES(samples);
	check_long("probe!probe_get+0x12\n", "probe!probe_get+0x%zx\n", 5000);
	return tap_done();
}
