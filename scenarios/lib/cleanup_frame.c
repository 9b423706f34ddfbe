/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>

#include "scenarios/lib/cleanup_frame.h"

void cleanup_frame_call(void (*below)(void *arg), void (*handler)(void *arg), void *arg)
{
	pthread_cleanup_push(handler, arg);
	below(arg);
	pthread_cleanup_pop(0);
}
