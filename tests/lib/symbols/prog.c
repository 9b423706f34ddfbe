/* SPDX-License-Identifier: Apache-2.0 */
/* A program to crash in under a debugger. */
#include <stdio.h>
static inline __attribute__((always_inline)) int deref(int *p)
{
	return *p + 1;
}
static __attribute__((noinline)) int prog_work(int *p)
{
	__asm__ volatile("" : : : "memory");
	return deref(p) * 2;
}
int main(int argc, char **argv)
{
	int *volatile nothing = NULL;

	(void)argc;
	(void)argv;
	printf("%d\n", prog_work(nothing));
	return 0;
}
