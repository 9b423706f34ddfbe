/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who answers where no code of anybody's is to be seen: what kinds of crash are left then, and
 * whose they mostly are. It is no more than the likeliest answer.
 */
#include <string.h>

#include "triage/facts.h"

/*
 * What binds C++ to Python turns exceptions into Python's on the way. One that got through was
 * mostly thrown where no binding stands: in a library, a thread of its own, or another program.
 */
static bool was_thrown(const struct facts *facts)
{
	return facts->message[MESSAGE_THROWN] || facts->message[MESSAGE_THROWN_PYTHON];
}

/* What runs tasks of its own in a Python process came with an extension. */
static bool is_rusts(const struct facts *facts)
{
	return strstr(facts->crash->message, "panicked at") != NULL;
}

/*
 * The unwinder and the loader serve those who look at stacks and load code: tools and libraries,
 * since extensions do neither. What only ends the process tells nothing of them.
 */
static bool in_platform(const struct facts *facts)
{
	static const char *const unwinds[] = { "_Unwind_Resume*", "_Unwind_RaiseException",
					       "_Unwind_ForcedUnwind*", NULL };

	for (int i = 0; i < facts->nframes; i++)
		if (facts->frames[i].category == CATEGORY_CXX || facts_like(facts, i, unwinds))
			return false;
	for (int i = 0; i < facts->nframes; i++)
		if (facts->frames[i].category == CATEGORY_UNWINDER ||
		    facts->frames[i].category == CATEGORY_LOADER)
			return true;
	return false;
}

/* A function of which nobody knows whose it is: not libc's, not CPython's. */
static int unclaimed(const struct facts *facts)
{
	for (int i = 0; i < facts->nframes; i++)
		if (facts->frames[i].origin.kind == KIND_UNKNOWN && facts->frames[i].name &&
		    !facts->culprit->frames[i].python && !facts->culprit->frames[i].file)
			return i;
	return -1;
}

static bool is_python(const struct facts *facts)
{
	return facts->nframes && facts->culprit->frames[0].python;
}

/* Other threads show somebody's own code, and none of them Python's. */
static bool beside_others(const struct facts *facts)
{
	bool any = false;

	for (size_t i = 0; i < facts->crash->nthreads; i++) {
		enum attribution owner = thread_owner(facts, &facts->crash->threads[i]);

		for (size_t k = 0; k < facts->crash->threads[i].nframes; k++) {
			const struct crash_frame *frame = &facts->crash->threads[i].frames[k];
			enum frame_category category = frame_categorise(frame, facts->rules);

			if (category == CATEGORY_CPYTHON || category == CATEGORY_PYTHON)
				return false;
		}
		any |= &facts->crash->threads[i] != facts->culprit && owner != ATTRIBUTION_UNKNOWN;
	}
	return any;
}

enum attribution facts_lean(const struct facts *facts, int *frame)
{
	enum crash_kind kind = facts->crash->kind;

	*frame = -1;
	if (was_thrown(facts))
		return ATTRIBUTION_THIRD_PARTY;
	if (is_rusts(facts))
		return ATTRIBUTION_EXTENSION;
	if (is_python(facts) && kind != CRASH_KIND_SIGNAL) {
		*frame = 0;
		return python_owner(facts);
	}
	if (in_platform(facts))
		return ATTRIBUTION_THIRD_PARTY;
	*frame = unclaimed(facts);
	if (*frame >= 0)
		return ATTRIBUTION_EXTENSION;
	if (beside_others(facts))
		return ATTRIBUTION_THIRD_PARTY;
	/* It died in native code that the report leaves out: neither libc nor Python code alone. */
	return kind == CRASH_KIND_SIGNAL && facts->nframes ? ATTRIBUTION_EXTENSION :
							     ATTRIBUTION_UNKNOWN;
}
