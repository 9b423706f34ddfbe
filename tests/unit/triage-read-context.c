/* SPDX-License-Identifier: Apache-2.0 */
/* What stands beside a stack: mappings, gdb's and the kernel's, and build-ids. */
#include "symbols/context.h"
#include "tests/unit/reading.h"

static void check_frame(const struct traces *traces, size_t report, const char *module,
			uint64_t offset, enum offset_kind kind)
{
	const struct crash_frame *frame = frame_at(traces, report, 0, 0);

	CHECK_STR(frame ? frame->module : NULL, module, "the module of report %zu", report);
	CHECK_INT(frame ? frame->module_offset : 0, offset, "and the offset there");
	CHECK_INT(frame ? frame->offset_kind : 0, kind, "and what it counts from");
}

static void test_mappings(void)
{
	static const char text[] =
		"0x7f0000011234\n0x7f0000099999\n"
		"7f0000010000-7f0000011000 r--p 00000000 fe:01 7   /lib/a b.so\n"
		"7f0000011000-7f0000012000 r-xp 00001000 fe:01 7   /lib/a b.so (deleted)\n"
		"prose\n"
		"0x7f0000011234\n0x7f0000099999\n"
		"  0x7f0000011000  0x7f0000012000  0x1000  0x5000  r-xp  /lib/c.so\n"
		"prose\n"
		"0x7f0000011234\n0x7f0000099999\n"
		"  0x7f0000011000  0x7f0000012000  0x1000  0x0  /lib/old gdb.so\n"
		"  0x7f0000011000  0x7f0000012000  0x2000  0x0  /lib/no.so\n"
		"prose\n"
		"0x7f0000011234\n0x7f0000099999\n";
	struct traces traces;

	sample_keep(text, strlen(text));
	traces_read(text, strlen(text), &traces);
	CHECK_INT(traces.n, 4, "what lists mappings is no report itself");
	context_apply(&traces, text, strlen(text));
	check_frame(&traces, 0, "/lib/a b.so", 0x1234, OFFSET_OF_MODULE);
	check_frame(&traces, 1, "/lib/c.so", 0x5234, OFFSET_OF_FILE);
	check_frame(&traces, 2, "/lib/old gdb.so", 0x234, OFFSET_OF_MODULE);
	check_frame(&traces, 3, NULL, 0, OFFSET_OF_MODULE);
	traces_release(&traces);
}

static void check_id(const char *text, const char *wanted, const char *sentence)
{
	const struct crash_frame *frame;
	struct traces traces;

	sample_keep(text, strlen(text));
	traces_read(text, strlen(text), &traces);
	context_apply(&traces, text, strlen(text));
	frame = frame_at(&traces, 0, 0, 0);
	CHECK_STR(frame ? frame->build_id : NULL, wanted, "%s", sentence);
	traces_release(&traces);
}

#define FRAME "Stack trace of thread 7:\n#0  0x7f0000001234 n/a (libfoo.so + 0x1234)\n"

static void test_build_ids(void)
{
	check_id("Module /lib/libfoo.so with build-id 00ff12\n" FRAME, "00ff12",
		 "coredumpctl's list of modules");
	check_id("Found module libfoo.so with build-id: 00ff12\n" FRAME, "00ff12",
		 "as older ones have it");
	check_id("Module libfoo.so.1 with build-id 00ff12\n" FRAME, NULL, "another module's");
	check_id("Module libfoo.so with build-id ../../x\n" FRAME, NULL, "what is no build-id");
	check_id("Module libfoo.so without build-id.\n" FRAME, NULL, "none");
	check_id("PID 7 - process\nTID 7:\n#0  0x00007f0000001234 f - /lib/libfoo.so\n"
		 "    [00FF12]@0x7f0000000000+0x1234\n", "00ff12", "eu-stack's");
	check_id("{\"error\":{\"is_crash\":true,\"stack\":{\"frames\":[{\"ip\":\"0x7f0000001234\","
		 "\"path\":\"/lib/libfoo.so\",\"build_id\":\"00FF12\"}]}},\"sig_info\":"
		 "{\"si_signo\":11}}\n", "00ff12", "a crash tracker's");
}

int main(void)
{
	test_mappings();
	test_build_ids();
	return tap_done();
}
