// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Time in softirq handlers: one clock and one per-CPU row at entry and at exit. */
#include "include/conn.bpf.h"

const volatile u8 cfg_softirq_duration = 0;

SEC("tp_btf/softirq_entry")
int BPF_PROG(ws_softirq_entry, unsigned int vector)
{
	struct softirq_sums *row = bpf_map_lookup_elem(&softirqs, &vector);

	if (row)
		row->entered_ns = bpf_ktime_get_ns();
	return 0;
}

SEC("tp_btf/softirq_exit")
int BPF_PROG(ws_softirq_exit, unsigned int vector)
{
	struct softirq_sums *row = bpf_map_lookup_elem(&softirqs, &vector);
	u64 spent;
	u32 bucket;

	if (!row || !row->entered_ns)
		return 0;
	spent = bpf_ktime_get_ns() - row->entered_ns;
	row->entered_ns = 0;
	row->time_ns += spent;
	row->count += 1;
	if (!cfg_softirq_duration)
		return 0;
	bucket = bucket_of(bounds_softirq_duration, BOUNDS_SOFTIRQ_DURATION_LEN, spent);
	if (bucket < 18)
		row->duration[bucket] += 1;
	row->duration[18] += spent;
	return 0;
}
