/* SPDX-License-Identifier: Apache-2.0 */
/* What --symbols does beside reading files: which frames it looks up, and what becomes of them. */
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "symbols/improve.h"
#include "symbols/substitute.h"
#include "tests/unit/tap.h"

static void test_substitute(const char *const *rules, const char *path, const char *wanted)
{
	struct substitutions substitutions = { .n = 0 };
	struct strbuf err = STRBUF_INIT;
	char *got;

	for (; *rules; rules++)
		if (substitutions_add(&substitutions, *rules, &err) < 0)
			break;
	CHECK_STR(err.buf, "", "the rules are right");
	got = substitute(&substitutions, path);
	CHECK_STR(got, wanted, "%s is %s", path, wanted ? wanted : "left alone");
	free(got);
	substitutions_release(&substitutions);
	strbuf_release(&err);
}

static void test_substitutes(void)
{
	static const char *const one[] = { "/build/x=/src", NULL };
	static const char *const slashes[] = { "/build/x//=/src/", NULL };
	static const char *const two[] = { "/build=/a", "/build/x=/b", NULL };
	static const char *const root[] = { "/=/mnt", NULL };
	static const char *const gone[] = { "/build=", NULL };
	static const char *const equals[] = { "/a=/b=c", NULL };

	test_substitute(one, "/build/x/y.c", "/src/y.c");
	test_substitute(one, "/build/x", "/src");
	test_substitute(one, "/build/xy/y.c", NULL);
	test_substitute(one, "/mnt/build/x/y.c", NULL);
	test_substitute(slashes, "/build/x/y.c", "/src/y.c");
	test_substitute(two, "/build/x/y.c", "/a/x/y.c");
	test_substitute(root, "/build/y.c", "/mnt/build/y.c");
	test_substitute(gone, "/build/y.c", "/y.c");
	test_substitute(equals, "/a/y.c", "/b=c/y.c");
}

static void add_frames(struct crash_thread *thread, size_t n)
{
	while (n--) {
		struct crash_frame *frame = crash_thread_add_frame(thread);

		frame->module = xstrdup("libfoo.so");
		frame->module_offset = n + 1;
	}
}

/* Three functions at the address of each frame. */
static void check_room(size_t nframes, size_t left_out, size_t wanted, const char *sentence)
{
	struct inline_function v[] = {
		{ (char[]){ "inner" }, (char[]){ "a.c" }, 1 },
		{ (char[]){ "middle" }, NULL, 0 }, { (char[]){ "outer" }, NULL, 0 },
	};
	struct lookup_answer answer = { v, 3, TRUST_EXACT, 4 };
	struct improvement *improvements = xcalloc(nframes, sizeof(*improvements));
	struct trace trace = { .crash = crash_new() };
	struct crash_thread *thread = crash_add_thread(trace.crash);
	const struct crash_frame *last;

	add_frames(thread, nframes);
	thread->left_out = left_out;
	for (size_t i = 0; i < nframes; i++)
		improvements[i] = (struct improvement){ i, &answer, DEBUG_ID };
	thread_improve(&trace, thread, improvements, nframes);
	CHECK_INT(thread->nframes, wanted, "%s", sentence);
	last = &thread->frames[thread->nframes - 1];
	CHECK(!strcmp(last->function, "outer") && !last->inlined && last->debug == DEBUG_ID &&
	      last->offset == 4, "the last one has its name");
	if (wanted > nframes)
		CHECK(!strcmp(thread->frames[0].function, "inner") && thread->frames[0].inlined &&
		      thread->frames[0].line == 1 && thread->frames[1].inlined &&
		      !thread->frames[2].inlined && thread->frames[1].module_offset == nframes,
		      "the innermost function is the first frame");
	crash_free(trace.crash);
	free(improvements);
}

/* What the file does not know stays as the report has it. */
static void test_unnamed(void)
{
	struct inline_function v[] = { { NULL, (char[]){ "a.c" }, 7 } };
	struct lookup_answer near = { v, 1, TRUST_NEAR, 0 }, exact = { v, 1, TRUST_EXACT, 0 };
	struct trace trace = { .crash = crash_new() };
	struct crash_thread *thread = crash_add_thread(trace.crash);

	add_frames(thread, 2);
	for (size_t i = 0; i < 2; i++) {
		thread->frames[i].function = xstrdup("told");
		thread->frames[i].trust = TRUST_EXACT;
		CHECK(frame_is_wanted(thread, i), "a frame without its line is looked up");
	}
	thread_improve(&trace, thread, (struct improvement[]){
		{ 0, &exact, DEBUG_NAME }, { 1, &near, DEBUG_NAME } }, 2);
	for (size_t i = 0; i < 2; i++) {
		CHECK_STR(thread->frames[i].function, "told", "a name stays where none is known");
		CHECK(thread->frames[i].trust == TRUST_EXACT && thread->frames[i].line == 7,
		      "and gets its line");
		CHECK(!frame_is_wanted(thread, i), "what has both is not looked up");
	}
	crash_free(trace.crash);
}

static void test_improve(void)
{
	test_unnamed();
	check_room(2, 0, 6, "inlined functions become frames");
	check_room(2000, 0, TRACE_FRAMES_FIRST + TRACE_FRAMES_LAST, "as long as there is room");
	check_room(2, 1, 2, "none where frames are missing in the middle");
}

static void test_callers(void)
{
	struct trace trace = { .format = TRACE_RAW, .crash = crash_new() };
	struct crash_thread *thread = crash_add_thread(trace.crash);

	add_frames(thread, 5);
	CHECK(!frame_is_after_call(&trace, thread, 0), "the innermost frame has called nothing");
	CHECK(frame_is_after_call(&trace, thread, 1), "its caller has");
	thread->frames[1].function = xstrdup("__restore_rt");
	thread->frames[2].signal_frame = true;
	CHECK(!frame_is_after_call(&trace, thread, 2), "what a signal interrupted has not");
	CHECK(frame_is_after_call(&trace, thread, 3), "its caller has, wherever the mark stands");
	thread->frames[3].signal_frame = true;
	CHECK(!frame_is_after_call(&trace, thread, 4), "a mark without a name does, too");
	trace.format = TRACE_ASAN;
	CHECK(!frame_is_after_call(&trace, thread, 1), "sanitizers tell the call itself");
	crash_free(trace.crash);
}

int main(void)
{
	test_callers();
	test_substitutes();
	test_improve();
	return tap_done();
}
