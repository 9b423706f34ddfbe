/* SPDX-License-Identifier: Apache-2.0 */
/*
 * C++ names as people write them. The demangler is the C++ runtime's own (__cxa_demangle), found
 * at run time: the driver is a C program, and without that runtime mangled names are still names.
 */
#ifndef FORKPOINT_BASE_DEMANGLE_H
#define FORKPOINT_BASE_DEMANGLE_H

/* The name in an allocated string: demangled, or as it was. Never NULL. */
char *demangle(const char *name);

#endif
