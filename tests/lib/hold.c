/* SPDX-License-Identifier: Apache-2.0 */
/* For a process that damages itself: no Python runs from the damage to its repair. */
#include <stdint.h>
#include <unistd.h>

void hold(uint64_t *words[], const uint64_t values[], int n);

void hold(uint64_t *words[], const uint64_t values[], int n)
{
	uint64_t before[16];
	char c;

	for (int i = 0; i < n && i < 16; i++) {
		before[i] = *words[i];
		*words[i] = values[i];
	}
	if (write(STDOUT_FILENO, "\n", 1) == 1 && read(STDIN_FILENO, &c, 1) == 1)
		for (int i = 0; i < n && i < 16; i++)
			*words[i] = before[i];
}
