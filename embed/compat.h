/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What differs between the releases of CPython, under one name each. A host is compiled against one
 * interpreter's headers, so all of this is decided at compile time.
 */
#ifndef FORKPOINT_EMBED_COMPAT_H
#define FORKPOINT_EMBED_COMPAT_H

#include <Python.h>
#include <stdbool.h>

#include "embed/subject.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Has finalization begun? Any thread may ask, attached or not. Public since 3.13; 3.12 exports the
 * same function with an underscore. On all releases it reads the runtime's finalizing mark, which
 * Py_FinalizeEx sets after the atexit callbacks and which stays until the next initialisation.
 */
static inline bool compat_is_finalizing(void)
{
#if PY_VERSION_HEX >= 0x030D0000
	return Py_IsFinalizing() != 0;
#else
	return _Py_IsFinalizing() != 0;
#endif
}

/*
 * Where this runtime keeps the fields of struct control_runtime. Python is initialised; the caller
 * need not be attached.
 */
void compat_runtime_fields(struct control_runtime *fields);

#ifdef __cplusplus
}
#endif
#endif
