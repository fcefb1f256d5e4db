// SPDX-License-Identifier: Apache-2.0
/* A second, simpler observer of softirqs: every run of a handler, with its two times. */
#include "../../bpf/kernel/kernel.h"

struct run {
	u64 from_ns;
	u32 vector;
	u32 size;
	u64 to_ns;
	u32 cpu;
	u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 << 20);
} runs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 10);
	__type(key, u32);
	__type(value, u64);
} entered SEC(".maps");

u64 lost = 0;

SEC("tp_btf/softirq_entry")
int BPF_PROG(test_entry, unsigned int vector)
{
	u64 *at = bpf_map_lookup_elem(&entered, &vector);

	if (at)
		*at = bpf_ktime_get_ns();
	return 0;
}

SEC("tp_btf/softirq_exit")
int BPF_PROG(test_exit, unsigned int vector)
{
	u64 *at = bpf_map_lookup_elem(&entered, &vector);
	struct run *run;

	if (!at || !*at)
		return 0;
	run = bpf_ringbuf_reserve(&runs, sizeof(*run), 0);
	if (run) {
		run->from_ns = *at;
		run->vector = vector;
		run->size = sizeof(*run);
		run->to_ns = bpf_ktime_get_ns();
		run->cpu = bpf_get_smp_processor_id();
		run->pad = 0;
		bpf_ringbuf_submit(run, BPF_RB_NO_WAKEUP);
	} else {
		__sync_fetch_and_add(&lost, 1);
	}
	*at = 0;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
