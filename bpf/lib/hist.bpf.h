/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Histograms: their bounds are generated from the registry. */
#ifndef WIRESPAN_LIB_HIST_H
#define WIRESPAN_LIB_HIST_H

/* Returns the first bucket whose bound is not below v, as OpenTelemetry has it: (lower, upper]. */
static __always_inline u32 bucket_of(const u64 *bounds, u32 count, u64 v)
{
	u32 i;

	for (i = 0; i < count; i++)
		if (v <= bounds[i])
			break;
	return i;
}

/*
 * bucket_of_BOUNDS() is not static, so the search is verified once a program, and what comes after
 * it once and not once a bucket.
 */
#define DEFINE_BUCKET(bounds)                                                    \
	__noinline u32 bucket_of_##bounds(u64 v)                                 \
	{                                                                        \
		return bucket_of(bounds, sizeof(bounds) / sizeof(bounds[0]), v); \
	}

DEFINE_BUCKET(bounds_softirq_duration)
DEFINE_BUCKET(bounds_softirq_wait_duration)
DEFINE_BUCKET(bounds_tcp_accept_queue_duration)
DEFINE_BUCKET(bounds_tcp_accept_queue_utilization)
DEFINE_BUCKET(bounds_tcp_connection_duration)
DEFINE_BUCKET(bounds_tcp_connection_transfer_size)
DEFINE_BUCKET(bounds_tcp_handshake_duration)
DEFINE_BUCKET(bounds_tcp_rtt)
DEFINE_BUCKET(bounds_tcp_rtt_variation)
DEFINE_BUCKET(bounds_tcp_state_duration)
DEFINE_BUCKET(bounds_tcp_wakeup_duration)

#define ADD_SHARED(cell, v) __sync_fetch_and_add(&(cell), v)
#define ADD_OWN(cell, v)    ((cell) += (v))

/* This adds v to a histogram that has HISTOGRAM_CELLS of these bounds. */
#define HISTOGRAM_ADD_BY(add, hist, bounds, v)                                           \
	do {                                                                             \
		_Static_assert(sizeof(hist) == sizeof(bounds) + 2 * sizeof((bounds)[0]), \
			       "a histogram has the cells of its bounds");               \
		u64 hist_value = (v);                                                    \
		u32 hist_index = bucket_of_##bounds(hist_value);                         \
		barrier_var(hist_index);                                                 \
		if (hist_index < sizeof(hist) / sizeof((hist)[0]) - 1)                   \
			add((hist)[hist_index], 1);                                      \
		add((hist)[sizeof(hist) / sizeof((hist)[0]) - 1], hist_value);           \
	} while (0)

/*
 * The first adds to a row that other CPUs add to as well, the second to one that is this CPU's own.
 */
#define HISTOGRAM_ADD(hist, bounds, v)	   HISTOGRAM_ADD_BY(ADD_SHARED, hist, bounds, v)
#define HISTOGRAM_ADD_OWN(hist, bounds, v) HISTOGRAM_ADD_BY(ADD_OWN, hist, bounds, v)

#endif
