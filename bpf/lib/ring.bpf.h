/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* This hands records to user space, and counts what is lost. */
#ifndef WIRESPAN_LIB_RING_H
#define WIRESPAN_LIB_RING_H

/* User space reads the records. When it is full, a record is lost, and that is counted. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} events SEC(".maps");

/* The index is probe * LOSS_REASONS + reason. User space reads it. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PROBE_COUNT *LOSS_REASONS);
	__type(key, u32);
	__type(value, u64);
} lost SEC(".maps");

static __always_inline void count_loss(u32 probe, u32 reason)
{
	u32 index = probe * LOSS_REASONS + reason;
	u64 *value = bpf_map_lookup_elem(&lost, &index);

	if (value)
		*value += 1;
}

/* Tells whether a view asks for such records. */
static __always_inline bool is_viewed(u32 what)
{
	return cfg_views && (viewed_records & (1U << what));
}

/* Returns for whom such a record is: the agent's own are for views too. */
static __always_inline u32 reader_of(bool is_for_agent, u32 what)
{
	if (is_for_agent)
		return FOR_AGENT;
	return is_viewed(what) ? FOR_VIEWS : FOR_NOBODY;
}

/* Reserves a record and fills its header. NULL is a loss, and is counted. */
static __always_inline void *reserve(u32 probe, u32 kind, u64 size, u64 ts_ns)
{
	struct record_header *header = bpf_ringbuf_reserve(&events, size, 0);

	if (!header) {
		count_loss(probe, LOST_RING_FULL);
		return 0;
	}
	header->ts_ns = ts_ns;
	header->kind = kind;
	header->bytes = size;
	return header;
}

/* The reader is not woken unless the ring is filling up: a wake-up costs 10 us. */
static __always_inline u64 wake_flags(void)
{
	if (bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) > cfg_ring_wakeup_bytes)
		return BPF_RB_FORCE_WAKEUP;
	return BPF_RB_NO_WAKEUP;
}

static __always_inline void submit(u32 probe, void *record)
{
	bpf_ringbuf_submit(record, wake_flags());
	count_loss(probe, SENT);
}

#endif
