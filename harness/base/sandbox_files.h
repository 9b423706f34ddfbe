/* SPDX-License-Identifier: Apache-2.0 */
/* Landlock's part of base/sandbox.h. */
#ifndef FORKPOINT_BASE_SANDBOX_FILES_H
#define FORKPOINT_BASE_SANDBOX_FILES_H

/* The ABI from which on signals to processes outside are refused. */
#define SANDBOX_FILES_SCOPED 6

/* The ABI by which it holds now; 0: the kernel has none, or refuses it. */
int sandbox_files_enter(void);

#endif
