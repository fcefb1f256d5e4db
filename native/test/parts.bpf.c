// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Programs so large that they are loaded side by side. Each adds up its numbers in maps that all have. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define NUMBERS 3000

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} sums SEC(".maps");

const volatile __u64 cfg_factor = 1;
__u64 runs;

static __always_inline int add(__u64 number)
{
	__u32 key = 0;
	__u64 *sum = bpf_map_lookup_elem(&sums, &key);

	if (!sum)
		return 0;
	_Pragma("unroll")
	for (int i = 0; i < NUMBERS; i++)
		*(volatile __u64 *)sum += number;
	runs += cfg_factor;
	return 1;
}

SEC("syscall")
int wsn_one(void *ctx)
{
	return add(1);
}

SEC("syscall")
int wsn_two(void *ctx)
{
	return add(2);
}

SEC("syscall")
int wsn_three(void *ctx)
{
	return add(3);
}

SEC("syscall")
int wsn_four(void *ctx)
{
	return add(4);
}

/* Reads beyond the map's value, after as much as the others have. */
SEC("syscall")
int wsn_large_refused(void *ctx)
{
	__u32 key = 0;
	__u64 *sum = bpf_map_lookup_elem(&sums, &key);

	return add(5) && sum ? (int)sum[1] : 0;
}

SEC("syscall")
int wsn_small_refused(void *ctx)
{
	__u32 key = 0;
	__u64 *sum = bpf_map_lookup_elem(&sums, &key);

	return sum ? (int)sum[1] : 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
