/* SPDX-License-Identifier: Apache-2.0 */
/* layout.c for a build without a GIL. Such a build's own pyconfig.h would say so. */
#define Py_GIL_DISABLED 1
#include "tests/python/layout.c"
