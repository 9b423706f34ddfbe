/* SPDX-License-Identifier: Apache-2.0 */
/*
 * C++ and Rust names (legacy and v0) as people write them, by GNU libiberty's demangler. A name is
 * hostile input: neither a deeply nested one nor one whose substitutions double at each step costs
 * more than bounded stack, memory and time.
 */
#ifndef FORKPOINT_BASE_DEMANGLE_H
#define FORKPOINT_BASE_DEMANGLE_H

/* What would be longer than this in readable form stays mangled. */
#define DEMANGLED_MAX 65536

/*
 * The name in an allocated string: demangled, or as it was. Never NULL. Rust's hash is left out;
 * what a compiler has added to a C++ name stands behind it: "f(int) [clone .cold]". What it has
 * made readable is fit for a line of output, see base/text.h; a name that stays as it was is not.
 */
char *demangle(const char *name);

#endif
