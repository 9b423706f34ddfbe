/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one file that looks inside Python: where the runtime's own fields are. It reads no field but
 * pointers that stand from initialisation to finalization, and changes none.
 */
#define Py_BUILD_CORE 1
#include "embed/compat.h"

#include <dlfcn.h>
#include <string.h>

/* An interpreter's package may leave its internal headers out. */
#if __has_include(<pycore_runtime.h>) && __has_include(<pycore_interp.h>)
#include <pycore_interp.h>
#include <pycore_runtime.h>

static uint64_t address_of(const volatile void *field)
{
	return (uint64_t)(uintptr_t)field;
}

static void interpreter_fields(const PyInterpreterState *interp, struct control_runtime *fields)
{
	fields->address[RUNTIME_THREADS] = address_of(&interp->threads.head);
	fields->address[RUNTIME_MODULES] = address_of(&interp->imports.modules);
	fields->gil = address_of(interp->ceval.gil);
	fields->gil_size = sizeof(*interp->ceval.gil);
}

/*
 * Not by its name: the linker would then give this program a copy of it, and the runtime would lie
 * there and no longer in its library.
 */
void compat_runtime_fields(struct control_runtime *fields)
{
	const _PyRuntimeState *runtime = dlsym(RTLD_DEFAULT, "_PyRuntime");

	memset(fields, 0, sizeof(*fields));
	if (!runtime)
		return;
	fields->address[RUNTIME_FINALIZING] = address_of(&runtime->_finalizing);
	fields->address[RUNTIME_GILSTATE_INTERP] =
		address_of(&runtime->gilstate.autoInterpreterState);
	fields->address[RUNTIME_MAIN_INTERP] = address_of(&runtime->interpreters.main);
	/* 3.15 keeps the thread state in a variable of the compiler's, which nobody deletes. */
#if PY_VERSION_HEX < 0x030F0000
	fields->address[RUNTIME_TSS] = address_of(&runtime->autoTSSkey._is_initialized);
#endif
	if (runtime->interpreters.main)
		interpreter_fields(runtime->interpreters.main, fields);
}

#else

void compat_runtime_fields(struct control_runtime *fields)
{
	memset(fields, 0, sizeof(*fields));
}

#endif
