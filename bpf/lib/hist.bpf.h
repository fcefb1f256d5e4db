/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Histograms: their bounds are generated from the registry. */
#ifndef WIRESPAN_LIB_HIST_H
#define WIRESPAN_LIB_HIST_H

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
