// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * This measures the time in softirq handlers, with one clock and one per-CPU row at entry and at
 * exit. Before the handler a vector is raised. Only the first of several raises counts, and only
 * while somebody asks for the wait.
 */
#include "wirespan.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SOFTIRQ_VECTORS);
	__type(key, u32);
	__type(value, struct softirq_sums);
} softirqs SEC(".maps");

const volatile u8 cfg_softirq_duration = 0;
const volatile u8 cfg_softirq_wait = 0;
/* What lasts longer than these gets a record; 0 means never. */
const volatile u64 cfg_slow_softirq_run_ns = 0;
const volatile u64 cfg_slow_softirq_wait_ns = 0;

SEC("tp_btf/softirq_raise")
int BPF_PROG(ws_softirq_raise, unsigned int vector)
{
	struct softirq_sums *row = bpf_map_lookup_elem(&softirqs, &vector);

	if (row && !row->raised_ns)
		row->raised_ns = bpf_ktime_get_ns();
	return 0;
}

static __always_inline void emit_if_slow(u32 vector, u64 waited, u64 ran, u64 ts)
{
	bool is_run_slow = cfg_slow_softirq_run_ns && ran > cfg_slow_softirq_run_ns;
	struct softirq_record *record;

	if (!is_run_slow && (!cfg_slow_softirq_wait_ns || waited == WAIT_UNKNOWN ||
			     waited <= cfg_slow_softirq_wait_ns))
		return;
	record = reserve(PROBE_SOFTIRQ, RECORD_SOFTIRQ, sizeof(*record), ts);
	if (!record)
		return;
	__builtin_memset((u8 *)record + sizeof(record->header), 0,
			 sizeof(*record) - sizeof(record->header));
	record->value_ns = ran;
	record->wait_known = waited != WAIT_UNKNOWN;
	if (record->wait_known)
		record->wait_ns = waited;
	record->vector = vector;
	record->cpu = bpf_get_smp_processor_id();
	submit(PROBE_SOFTIRQ, record);
}

static __always_inline void sample_run(u32 vector, u64 spent)
{
	struct sample_key key = {.number = vector};

	if (cfg_sample_cpu)
		key.cpu = bpf_get_smp_processor_id();
	add_sample(&key, spent, PROBE_SOFTIRQ);
}

static __always_inline void add_wait(struct softirq_sums *row)
{
	u64 raised = row->raised_ns, waited;

	row->waited_ns = WAIT_UNKNOWN;
	/* It was raised before the programs were there. */
	if (!raised)
		return;
	/* The handler runs with interrupts on, so a raise from now on is for the next run. */
	row->raised_ns = 0;
	waited = row->entered_ns > raised ? row->entered_ns - raised : 0;
	HISTOGRAM_ADD_OWN(row->wait, bounds_softirq_wait_duration, waited);
	row->waited_ns = waited;
}

SEC("tp_btf/softirq_entry")
int BPF_PROG(ws_softirq_entry, unsigned int vector)
{
	struct softirq_sums *row = bpf_map_lookup_elem(&softirqs, &vector);

	if (!row)
		return 0;
	row->entered_ns = bpf_ktime_get_ns();
	if (cfg_softirq_wait)
		add_wait(row);
	return 0;
}

SEC("tp_btf/softirq_exit")
int BPF_PROG(ws_softirq_exit, unsigned int vector)
{
	struct softirq_sums *row = bpf_map_lookup_elem(&softirqs, &vector);
	u64 now, spent;

	if (!row || !row->entered_ns)
		return 0;
	now = bpf_ktime_get_ns();
	spent = now - row->entered_ns;
	row->entered_ns = 0;
	row->time_ns += spent;
	row->count += 1;
	if (cfg_slow_softirq_run_ns || cfg_slow_softirq_wait_ns)
		emit_if_slow(vector, cfg_softirq_wait ? row->waited_ns : WAIT_UNKNOWN, spent, now);
	if (cfg_sample_unit)
		sample_run(vector, spent);
	if (!cfg_softirq_duration)
		return 0;
	HISTOGRAM_ADD_OWN(row->duration, bounds_softirq_duration, spent);
	return 0;
}
