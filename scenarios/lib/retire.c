/* SPDX-License-Identifier: Apache-2.0 */
#include <Python.h>

#include "scenarios/lib/retire.h"

void twin_retires_workers(struct subject *s)
{
	if (!s->twin)
		return;
	Py_BEGIN_ALLOW_THREADS
	workers_stop_and_join(s);
	Py_END_ALLOW_THREADS
}
