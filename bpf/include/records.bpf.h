/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Records, losses, flags of connections, histograms: what every program adds to. */
#ifndef WIRESPAN_RECORDS_H
#define WIRESPAN_RECORDS_H

#include "maps.bpf.h"

/*
 * The flags of a connection change on several CPUs at once: a pass, its user and the
 * softirq may meet at it. Both return what was set before.
 */
static __always_inline u32 set_flags(struct conn *conn, u32 flags)
{
	return __sync_fetch_and_or(&conn->flags, flags);
}

static __always_inline u32 clear_flags(struct conn *conn, u32 flags)
{
	return __sync_fetch_and_and(&conn->flags, ~flags);
}

static __always_inline void count_loss(u32 probe, u32 reason)
{
	u32 index = probe * LOSS_REASONS + reason;
	u64 *value = bpf_map_lookup_elem(&lost, &index);

	if (value)
		*value += 1;
}

/* Reserve a record and fill its header; NULL is counted. */
static __always_inline void *reserve(u32 probe, u32 kind, u64 size, u64 ts_ns)
{
	struct record_header *header = bpf_ringbuf_reserve(&events, size, 0);

	if (!header) {
		count_loss(probe, LOST_RING_FULL);
		return 0;
	}
	header->ts_ns = ts_ns;
	header->kind = kind;
	header->size = size;
	return header;
}

/* Submit without waking the reader unless the ring is filling up (cost.md: a wake-up is 10 us). */
static __always_inline void submit(u32 probe, void *record)
{
	u64 flags = BPF_RB_NO_WAKEUP;

	if (bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) > cfg_ring_wakeup_bytes)
		flags = BPF_RB_FORCE_WAKEUP;
	bpf_ringbuf_submit(record, flags);
	count_loss(probe, SENT);
}

/* First bucket whose bound is not below v: OpenTelemetry's (lower, upper]. */
static __always_inline u32 bucket_of(const u64 *bounds, u32 count, u64 v)
{
	u32 i;

	for (i = 0; i < count; i++)
		if (v <= bounds[i])
			break;
	return i;
}

/* Adds v to a histogram of LEN bounds: LEN + 1 buckets, then the sum. */
#define HISTOGRAM_ADD(hist, bounds, v)                                                           \
	do {                                                                                     \
		u64 hist_value = (v);                                                            \
		u32 hist_index = bucket_of(bounds, sizeof(bounds) / sizeof(bounds[0]),           \
					   hist_value);                                          \
		if (hist_index < sizeof(hist) / sizeof((hist)[0]) - 1)                           \
			__sync_fetch_and_add(&(hist)[hist_index], 1);                            \
		__sync_fetch_and_add(&(hist)[sizeof(hist) / sizeof((hist)[0]) - 1], hist_value); \
	} while (0)

#endif
