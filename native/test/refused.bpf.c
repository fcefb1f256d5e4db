// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Programs that no kernel takes, and one that every kernel takes. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} small SEC(".maps");

/* Reads beyond the map's value. */
SEC("tp_btf/sys_enter")
int wsn_refused(__u64 *ctx)
{
	__u32 key = 0;
	__u64 *value = bpf_map_lookup_elem(&small, &key);

	return value ? (int)value[ctx[1] & 0xffff] : 0;
}

SEC("fentry/wsn_no_such_function")
int wsn_absent(__u64 *ctx)
{
	return 0;
}

SEC("tp_btf/sys_enter")
int wsn_accepted(__u64 *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
