// SPDX-License-Identifier: Apache-2.0
/* Refuses every connect() of a test's own cgroup, as a policy of containers does. */
#include "../../bpf/kernel/kernel.h"

SEC("cgroup/connect4")
int refuse_connect4(void *ctx)
{
	return 0;
}

SEC("cgroup/connect6")
int refuse_connect6(void *ctx)
{
	return 0;
}

char _license[] SEC("license") = "Apache-2.0";
