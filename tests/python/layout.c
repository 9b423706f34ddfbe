/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where embed/traceback.c takes things to be, beside where this release's own headers have them:
 * a line for each field, `ok` or not. layout_free_threaded.c is the same for builds without a GIL,
 * of which the headers are enough.
 */
#define Py_BUILD_CORE 1
#include <Python.h>
#include <pycore_code.h>
#include <pycore_frame.h>
#include <pycore_interp.h>
#include <pycore_runtime.h>
#if PY_VERSION_HEX >= 0x030e0000
#include <pycore_debug_offsets.h>
#include <pycore_interpframe.h>
#endif
#include <stdio.h>

/* The fields' table is its own. */
#include "embed/traceback.c"

static int faults;

static void expect(const char *field, uint64_t got, uint64_t wanted)
{
	printf("%s %s %llu %llu\n", got == wanted ? "ok" : "not", field, (unsigned long long)got,
	       (unsigned long long)wanted);
	faults += got != wanted;
}

#define EXPECT(field, wanted) expect(#field, o->field, wanted)

static void check_runtime(const struct traceback_offsets *o)
{
	EXPECT(runtime_finalizing, offsetof(_PyRuntimeState, _finalizing));
	EXPECT(runtime_interpreters, offsetof(_PyRuntimeState, interpreters.head));
	EXPECT(interp_next, offsetof(PyInterpreterState, next));
	EXPECT(interp_id, offsetof(PyInterpreterState, id));
	EXPECT(interp_threads, offsetof(PyInterpreterState, threads.head));
	EXPECT(interp_gil, offsetof(PyInterpreterState, ceval.gil));
	EXPECT(gil_locked, offsetof(struct _gil_runtime_state, locked));
	EXPECT(gil_holder, offsetof(struct _gil_runtime_state, last_holder));
	EXPECT(interp_gc_collecting, offsetof(PyInterpreterState, gc.collecting));
	EXPECT(thread_next, offsetof(PyThreadState, next));
	EXPECT(thread_interp, offsetof(PyThreadState, interp));
	EXPECT(thread_id, offsetof(PyThreadState, thread_id));
	EXPECT(thread_native_id, offsetof(PyThreadState, native_thread_id));
#if PY_VERSION_HEX < 0x030d0000
	EXPECT(thread_frame, offsetof(PyThreadState, cframe));
	EXPECT(thread_frame_is_apart, 1);
	EXPECT(thread_join_lock, offsetof(PyThreadState, on_delete_data));
	expect("frame of cframe", offsetof(_PyCFrame, current_frame), 0);
#else
	EXPECT(thread_frame, offsetof(PyThreadState, current_frame));
	EXPECT(thread_frame_is_apart, 0);
	EXPECT(thread_join_lock, 0);
#endif
}

static void check_frame(const struct traceback_offsets *o)
{
	EXPECT(frame_previous, offsetof(_PyInterpreterFrame, previous));
	EXPECT(frame_owner, offsetof(_PyInterpreterFrame, owner));
#if PY_VERSION_HEX < 0x030d0000
	EXPECT(frame_code, offsetof(_PyInterpreterFrame, f_code));
	EXPECT(frame_instruction, offsetof(_PyInterpreterFrame, prev_instr));
#else
	EXPECT(frame_code, offsetof(_PyInterpreterFrame, f_executable));
	EXPECT(frame_instruction, offsetof(_PyInterpreterFrame, instr_ptr));
#endif
#if defined(Py_GIL_DISABLED) && PY_VERSION_HEX >= 0x030e0000
	EXPECT(frame_tlbc, offsetof(_PyInterpreterFrame, tlbc_index));
	EXPECT(code_tlbc, offsetof(PyCodeObject, co_tlbc));
	expect("copies of code", offsetof(_PyCodeArray, entries), 8);
#else
	EXPECT(frame_tlbc, 0);
	EXPECT(code_tlbc, 0);
#endif
	expect("a generator's", OWNER_GENERATOR, FRAME_OWNED_BY_GENERATOR);
#if PY_VERSION_HEX < 0x030e0000
	expect("the evaluator's", OWNER_ENTRY, FRAME_OWNED_BY_CSTACK);
#else
	expect("the evaluator's", OWNER_ENTRY, FRAME_OWNED_BY_INTERPRETER);
#endif
}

static void check_objects(const struct traceback_offsets *o)
{
	EXPECT(code_filename, offsetof(PyCodeObject, co_filename));
	EXPECT(code_name, offsetof(PyCodeObject, co_name));
	EXPECT(code_qualname, offsetof(PyCodeObject, co_qualname));
	EXPECT(code_lines, offsetof(PyCodeObject, co_linetable));
	EXPECT(code_first_line, offsetof(PyCodeObject, co_firstlineno));
	EXPECT(code_instructions, offsetof(PyCodeObject, co_code_adaptive));
	EXPECT(code_first_traceable, offsetof(PyCodeObject, _co_firsttraceable));
	EXPECT(object_type, offsetof(PyObject, ob_type));
	EXPECT(type_name, offsetof(PyTypeObject, tp_name));
	EXPECT(bytes_size, offsetof(PyVarObject, ob_size));
	EXPECT(bytes_data, offsetof(PyBytesObject, ob_sval));
	EXPECT(text_state, offsetof(PyASCIIObject, state));
	EXPECT(text_length, offsetof(PyASCIIObject, length));
	EXPECT(text_ascii_size, sizeof(PyASCIIObject));
	EXPECT(text_compact_size, sizeof(PyCompactUnicodeObject));
	expect("characters elsewhere", offsetof(PyUnicodeObject, data), o->text_compact_size);
	expect("what is read of code", offsetof(PyCodeObject, co_code_adaptive) <= BLOCK_MAX, 1);
	expect("what is read of a frame", sizeof(_PyInterpreterFrame) <= BLOCK_MAX, 1);
	expect("what is read of a text", sizeof(PyASCIIObject) <= HEAD_MAX, 1);
}

static bool own_read(void *context, uint64_t address, void *to, size_t size)
{
	(void)context;
	memcpy(to, (const void *)(uintptr_t)address, size);
	return true;
}

static const struct traceback_reader own = { own_read, NULL };

/* The state of a text is of bit fields, which have no offset. */
static void check_texts(const struct traceback_offsets *o)
{
	struct {
		PyASCIIObject head;
		char data[4];
	} ascii = { .data = "text" };
	struct {
		PyCompactUnicodeObject head;
		Py_UCS2 data[2];
	} wide = { .data = { 'a', 0x20ac } };
	char text[16];

	ascii.head.state.kind = 1;
	ascii.head.state.compact = ascii.head.state.ascii = 1;
	ascii.head.state.interned = 3;
	ascii.head.length = sizeof(ascii.data);
	expect("ASCII", traceback_text(o, &own, (uintptr_t)&ascii, text, sizeof(text)) &&
			!strcmp(text, "text"), 1);
	wide.head._base.state.kind = 2;
	wide.head._base.state.compact = 1;
	wide.head._base.length = 2;
	expect("two bytes a character", traceback_text(o, &own, (uintptr_t)&wide, text,
						      sizeof(text)) &&
					!strcmp(text, "a\xe2\x82\xac"), 1);
}

#ifdef Py_GIL_DISABLED
static const _Py_DebugOffsets made = _Py_DebugOffsets_INIT(_Py_Debug_Cookie);
#endif

int main(void)
{
	struct traceback_offsets offsets;
	const void *start = dlsym(RTLD_DEFAULT, "_PyRuntime");
	size_t n = TRACEBACK_RUNTIME_MAX;

	/* A library of which nothing is called is none of the program's. */
	expect("initialized", (uint64_t)Py_IsInitialized(), 0);
#ifdef Py_GIL_DISABLED
	start = &made;
	n = sizeof(made);
#endif
	expect("found", traceback_offsets_find(&offsets, start, n, PY_VERSION_HEX >> 16), 1);
	expect("release", offsets.release, PY_VERSION_HEX >> 16);
#ifdef Py_GIL_DISABLED
	expect("free_threaded", offsets.free_threaded, 1);
#else
	expect("free_threaded", offsets.free_threaded, 0);
#endif
	check_runtime(&offsets);
	check_frame(&offsets);
	check_objects(&offsets);
	check_texts(&offsets);
	return faults != 0;
}
