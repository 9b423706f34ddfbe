/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FORKPOINT_BASE_CPUS_H
#define FORKPOINT_BASE_CPUS_H

#include <unistd.h>

/* How many CPUs run; one where nobody knows. */
static inline unsigned int cpus_online(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n > 0 ? (unsigned int)n : 1;
}

#endif
