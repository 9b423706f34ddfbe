/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A C function with a pthread_cleanup_push() handler, for scenarios that are written in C++: there
 * the same macro makes an object with a destructor, and that is another kind of frame.
 */
#ifndef FORKPOINT_SCENARIOS_CLEANUP_FRAME_H
#define FORKPOINT_SCENARIOS_CLEANUP_FRAME_H

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Call `below(arg)` in a frame whose cleanup handler, should the thread be ended there, calls
 * `handler(arg)`.
 */
void cleanup_frame_call(void (*below)(void *arg), void (*handler)(void *arg), void *arg);

#ifdef __cplusplus
}
#endif
#endif
