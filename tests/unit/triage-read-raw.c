/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses as people paste them, with or without names and modules. */
#include "tests/unit/reading.h"

static const struct sample samples[] = {
	{ "names, modules, both and neither",
	  "0x7f6e81c51fb7 probe_get\n"
	  "  0x7f6e81ccd60c\n"
	  "0x7f6e769d7850 probe::Table::open(_object*)\n"
	  "0x7f6e769d7851 take_gil libpython3.12.so.1.0+0x1d2f10\n"
	  "0x7f6e769d7852 _probe.cpython-312-x86_64-linux-gnu.so+0x4f10\n"
	  "0x7f6e769d7853\t_ZN5probe4fillEi (libprobe.so.1+0x10)\n"
	  "0x7f6e769d7854 a name of no module+0x10\n",
	  "raw line 1: signal\n"
	  "*\n"
	  "    0x7f6e81c51fb7 probe_get\n"
	  "    0x7f6e81ccd60c ?\n"
	  "    0x7f6e769d7850 probe::Table::open(_object*)\n"
	  "    0x7f6e769d7851 take_gil @libpython3.12.so.1.0+0x1d2f10\n"
	  "    0x7f6e769d7852 ? @_probe.cpython-312-x86_64-linux-gnu.so+0x4f10\n"
	  "    0x7f6e769d7853 probe::fill(int) @libprobe.so.1+0x10\n"
	  "    0x7f6e769d7854 a name of no module+0x10\n" },
	{ "a module without an offset, and abort()",
	  "0x7f6e81c51fb7 abort libc.so.6\n"
	  "0x7f6e81c51fb8 PyOS_AfterFork_Child (libpython3.13.so.1.0)\n"
	  "0x7f6e81c51fb9 one.sober name\n",
	  "raw line 1: signal 6\n"
	  "*\n"
	  "    0x7f6e81c51fb7 abort @libc.so.6\n"
	  "    0x7f6e81c51fb8 PyOS_AfterFork_Child @libpython3.13.so.1.0\n"
	  "    0x7f6e81c51fb9 one.sober name\n" },
	{ "a thread that waits",
	  "0x7f6e81c51fb7\n0x7f6e81c51fb8 pthread_mutex_lock\n0x7f6e81c51fb9 f\n",
	  "raw line 1: look\n"
	  "*\n"
	  "    0x7f6e81c51fb7 ?\n"
	  "    0x7f6e81c51fb8 pthread_mutex_lock\n"
	  "    0x7f6e81c51fb9 f\n" },
	{ "one that was called by a name like that",
	  "0x7f6e81c51fb7 f\n0x7f6e81c51fb8 pthread_mutex_lock\n",
	  "raw line 1: signal\n"
	  "*\n"
	  "    0x7f6e81c51fb7 f\n"
	  "    0x7f6e81c51fb8 pthread_mutex_lock\n" },
	{ "two stacks with a line between them, and what only looks alike",
	  "0x7f6e81c51fb7 a\n0x7f6e81c51fb8 b\n"
	  "0x12 is short\n"
	  "0x7f6e81c51fb9 c\n0x7f6e81c51fba d\n"
	  "\n0x7f6e81c51fb9 stands alone\n"
	  "0x7f6e81c51fb9, and so does this\n",
	  "raw line 1: signal\n*\n    0x7f6e81c51fb7 a\n    0x7f6e81c51fb8 b\n"
	  "raw line 4: signal\n*\n    0x7f6e81c51fb9 c\n    0x7f6e81c51fba d\n" },
};

int main(void)
{
	CHECK_SAMPLES(samples);
	check_long("0x7f6e81c51fb7 f\n", "0x7f6e81c5%04zx f\n", 5000);
	return tap_done();
}
