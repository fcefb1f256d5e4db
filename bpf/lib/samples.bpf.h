/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* This adds a sample to the histogram of a view. The agent has none. */
#ifndef WIRESPAN_LIB_SAMPLES_H
#define WIRESPAN_LIB_SAMPLES_H

/* A value is divided by this before it finds its slot; 0: nobody asks for samples. */
const volatile u64 cfg_sample_unit = 0;
/* Histograms are told apart by these. */
const volatile u8 cfg_sample_local = 0;
const volatile u8 cfg_sample_remote = 0;
const volatile u8 cfg_sample_cpu = 0;

/*
 * The programs add to it, and user space reads what it gained. It has one entry unless a view asks for
 * more; what finds no place is counted.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct sample_key);
	__type(value, struct samples);
} samples SEC(".maps");

static const struct samples zero_samples;

/* It is not static, so it is verified once and not at each of its callers. */
__noinline u32 sample_slot(u64 value)
{
	u32 slot;

	for (slot = 0; slot < SAMPLE_SLOTS - 1 && value > 1; slot++)
		value >>= 1;
	return slot;
}

static __always_inline void add_sample(const struct sample_key *key, u64 value, u32 probe)
{
	struct samples *found = lookup_or_try_init(&samples, key, &zero_samples);
	u32 slot = sample_slot(value / (cfg_sample_unit ?: 1));

	if (!found) {
		count_loss(probe, LOST_MAP_FULL);
		return;
	}
	if (slot < SAMPLE_SLOTS)
		__sync_fetch_and_add(&found->slots[slot], 1);
	__sync_fetch_and_add(&found->sum, value);
}

#endif
