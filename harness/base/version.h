/* SPDX-License-Identifier: Apache-2.0 */
/* The version that --version, the man page and replay lines tell. */
#ifndef FORKPOINT_BASE_VERSION_H
#define FORKPOINT_BASE_VERSION_H

#define FORKPOINT_VERSION "0.1.0"

#endif
