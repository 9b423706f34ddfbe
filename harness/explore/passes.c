/* SPDX-License-Identifier: Apache-2.0 */
#include "explore/passes.h"

#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

int passes_count(pid_t tid, uint64_t address, unsigned int n)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT,
		.size = sizeof(attr),
		.bp_type = HW_BREAKPOINT_X,
		.bp_addr = address,
		.bp_len = sizeof(long),
		.sample_period = n,
		.pinned = 1,
		.exclude_kernel = 1,
		.exclude_hv = 1,
		.remove_on_exec = 1, /* the kernel wants it with the next */
		.sigtrap = 1,
	};

	return (int)syscall(SYS_perf_event_open, &attr, tid, -1, -1, PERF_FLAG_FD_CLOEXEC);
}
