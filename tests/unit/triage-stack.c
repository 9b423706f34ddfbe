/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stacks tell of frames without a module: addresses as people paste them, and what the crash
 * or hang is called. Each with a stack beside it that must not be taken for it.
 */
#include "tests/unit/reading.h"
#include "triage/account.h"
#include "triage/triage.h"

struct stack_case {
	const char *what, *text, *pattern, *attribution;
};

#define LIBC_END "0x7f0000000100\n0x7f0000000200 __libc_start_main\n0x550000000100 _start\n"

static const struct stack_case cases[] = {
	{ "a handler in the executable that waits for a mutex",
	  "0x7f0000090000\n0x7f0000090100 pthread_mutex_lock\n0x550000001000 reset_all\n"
	  "0x7f0000100000\n0x7f0000100100 fork\n0x550000000800 go\n" LIBC_END,
	  "fork-safety", "extension" },
	{ "the same of an address that is the C library's",
	  "0x7f0000090000\n0x7f0000090100 pthread_mutex_lock\n0x7f0000101000 reset_all\n"
	  "0x7f0000100000\n0x7f0000100100 fork\n0x550000000800 go\n" LIBC_END,
	  "other", "extension" },
	{ "a handler of a library that is not named, before it waits",
	  "0x7f0001000000 clear_table\n0x7f0000100000\n0x7f0000100100 fork\n0x550000000800 go\n"
	  LIBC_END,
	  "fork-safety", "extension" },
	{ "a function beside the C library's",
	  "0x7f0000100200 clear_table\n0x7f0000100000\n0x7f0000100100 fork\n0x550000000800 go\n"
	  LIBC_END,
	  "other", "extension" },
	{ "an executable that is Python itself",
	  "0x550000001000 clear_table\n0x550000002000 PyObject_Call\n0x7f0000100100 fork\n"
	  "0x550000003000 Py_BytesMain\n" LIBC_END,
	  "other", "cpython" },
	{ "CPython's lock, wanted by a handler",
	  "0x7f0000090000 __futex_abstimed_wait_common\n0x7f0000090100 __new_sem_wait\n"
	  "0x7f0001000100 _PySemaphore_Wait\n"
	  "0x7f0001000200 _PyParkingLot_Park\n0x7f0001000300 some_static\n"
	  "0x7f0001000400 PyThreadState_New\n0x550000001000 reach\n0x7f0000100000\n"
	  "0x7f0000100100 fork\n0x550000000800 go\n" LIBC_END,
	  "lock-order", "interaction" },
	{ "an event of CPython's, which is no lock",
	  "0x7f0000090000\n0x7f0000090100 __new_sem_wait\n0x7f0001000100 _PySemaphore_Wait\n"
	  "0x7f0001000200 _PyParkingLot_Park\n0x7f0001000300 PyEvent_WaitTimed\n"
	  "0x7f0001000400 PyThread_Something\n0x550000001000 reach\n0x7f0000100000\n"
	  "0x7f0000100100 fork\n0x550000000800 go\n" LIBC_END,
	  "fork-safety", "extension" },
	{ "an unwinding that was swallowed, in a stripped libc",
	  "0x7f0000001000 abort\n0x7f0000001100\n0x7f0000001200 __libc_fatal libc.so.6\n"
	  "0x7f0000001300\n0x550000001000 come_back host.so\n",
	  "ffi-unwind", "interaction" },
	{ "the same with its name",
	  "0x7f0000001000 abort\n0x7f0000001200 __libc_fatal libc.so.6\n"
	  "0x7f0000001300 unwind_cleanup\n0x550000001000 come_back host.so\n",
	  "ffi-unwind", "interaction" },
	{ "what libc says of a lock, whose function has a name",
	  "0x7f0000001000 abort\n0x7f0000001100\n0x7f0000001200 __libc_fatal libc.so.6\n"
	  "0x7f0000001300 pthread_mutex_lock\n0x550000001000 come_back host.so\n",
	  "other", "extension" },
};

/* Python frames that ctypes stands in. */
static const struct stack_case ctypes_cases[] = {
	{ "ctypes was told to read there",
	  "Fatal Python error: Segmentation fault\n\n"
	  "Current thread 0x00007f5ead0a6c0 (most recent call first):\n"
	  "  File \"/usr/lib/python3.12/ctypes/__init__.py\", line 519 in string_at\n"
	  "  File \"/srv/app.py\", line 3 in <module>\n",
	  "other", "application" },
	{ "the standard library called CPython",
	  "Fatal Python error: Segmentation fault\n\n"
	  "Current thread 0x00007f5ead0a6c0 (most recent call first):\n"
	  "  File \"/usr/lib/python3.12/json/decoder.py\", line 19 in decode\n"
	  "  File \"/srv/app.py\", line 3 in <module>\n",
	  "other", "cpython" },
	{ "libffi is ctypes' way, and not at fault",
	  "Program terminated with signal SIGSEGV, Segmentation fault.\n"
	  "#0  strlen () at ../sysdeps/x86_64/strlen.S:79\n"
	  "#1  string_at (ptr=0x8) at ./Modules/_ctypes/_ctypes.c:5528\n"
	  "#2  0x00007f2e11d5ff7a in ?? () from /lib/libffi.so.8\n"
	  "#3  0x00007f2e11d5fb0d in ffi_call () from /lib/libffi.so.8\n",
	  "other", "application" },
	{ "a library that ctypes calls is",
	  "Program terminated with signal SIGSEGV, Segmentation fault.\n"
	  "#0  0x00007f2e11d5ee7a in probe () from /lib/libprobe.so.1\n"
	  "#1  0x00007f2e11d5ff7a in ?? () from /lib/libffi.so.8\n"
	  "#2  0x00007f2e11d5fb0d in ffi_call () from /lib/libffi.so.8\n"
	  "#3  0x00007f2e11d5fb0e in PyCFuncPtr_call () at ./Modules/_ctypes/_ctypes.c:41\n",
	  "other", "third-party" },
};

/* Frames without a name are not where one library's part of the stack ends. */
static void test_signature(void)
{
	static const char text[] =
		"0x7f0000090000\n0x7f0000090100 __new_sem_wait\n"
		"0x7f0001000100 _PySemaphore_Wait\n0x7f0001000200 _PyParkingLot_Park\n0x7f0001000300\n0x7f0001004400 PyObject_Call\n"
		"0x7f0001002500 static_one\n0x7f0001002600\n0x7f0001000600 PyRun_SimpleString\n"
		"0x550000001000 reach\n0x7f0000100000\n0x7f0000100100 fork\n"
		"0x550000000800 go\n" LIBC_END;
	struct triage *triage;
	struct traces traces;

	reports_read(text, &traces);
	triage = traces.n ? triage_classify(traces.v[0].crash, NULL) : NULL;
	CHECK_STR(triage ? triage->signature : NULL, "v1 stacks PyRun_SimpleString<reach<fork",
		  "what lies between CPython's functions is CPython's");
	triage_free(triage);
	traces_release(&traces);
}

/* "libc", "program", …, of each frame, a line. Allocated. */
static char *categories(const struct trace *trace, const struct triage *triage)
{
	json_t *account = account_json("x", trace, triage, NULL, NULL), *frame;
	struct strbuf out = STRBUF_INIT;
	size_t i;

	json_array_foreach(json_object_get(account, "frames"), i, frame)
		strbuf_addf(&out, "%s\n", json_string_value(json_object_get(frame, "category")));
	json_decref(account);
	return strbuf_detach(&out);
}

/* What a classification rests on is what its account says of the frames. */
static void test_account(void)
{
	struct triage *triage;
	struct traces traces;
	char *told;

	reports_read("0x7f0000090000\n0x7f0000090100 pthread_mutex_lock\n0x550000001000 reset\n"
		     "0x7f0000100000\n0x7f0000100100 fork\n0x550000000800 go\n" LIBC_END, &traces);
	triage = triage_classify(traces.v[0].crash, NULL);
	told = categories(&traces.v[0], triage);
	CHECK_STR(told, "libc\nlibc\nprogram\nlibc\nlibc\nprogram\nunknown\nlibc\nlibc\n",
		  "frames have the owners that addresses tell");
	free(told);
	triage_free(triage);
	traces_release(&traces);
}

static void check_stack(const struct stack_case *row)
{
	struct triage *triage;
	struct traces traces;

	reports_read(row->text, &traces);
	CHECK_INT(traces.n, 1, "%s: one report", row->what);
	triage = traces.n ? triage_classify(traces.v[0].crash, NULL) : NULL;
	CHECK_STR(triage ? pattern_name(triage->pattern) : NULL, row->pattern, "%s", row->what);
	CHECK_STR(triage ? attribution_name(triage->attribution) : NULL, row->attribution,
		  "%s: whose it is", row->what);
	triage_free(triage);
	traces_release(&traces);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		check_stack(&cases[i]);
	for (size_t i = 0; i < sizeof(ctypes_cases) / sizeof(*ctypes_cases); i++)
		check_stack(&ctypes_cases[i]);
	test_signature();
	test_account();
	return tap_done();
}
