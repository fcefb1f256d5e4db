/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * These add what a counter of the kernel gained since it was last added. A close and a pass may be
 * at one connection at once. A pass that lost the race adds nothing (compare-and-swap), and the
 * close has the last word, so the sum ends exact.
 */
#ifndef WIRESPAN_LIB_COUNTERS_H
#define WIRESPAN_LIB_COUNTERS_H

static __always_inline void add_live(u64 *seen, u64 now, u64 *sum)
{
	u64 before = *(volatile u64 *)seen;

	if (now > before && __sync_val_compare_and_swap(seen, before, now) == before)
		__sync_fetch_and_add(sum, now - before);
}

static __always_inline void add_final(u64 *seen, u64 final, u64 *sum)
{
	u64 before = __sync_lock_test_and_set(seen, final);

	if (final != before)
		__sync_fetch_and_add(sum, final - before);
}

/*
 * Counters of 32 bits begin anew after 2^32. `seen` goes on in 64 bits, and what lies between it
 * and the counter is less than one turn. A pass may have read the counter before the close did, so
 * more than half a turn is a step back.
 */
static __always_inline u64 widened(u64 seen, u32 now)
{
	return seen + (u32)(now - (u32)seen);
}

static __always_inline void add_live32(u64 *seen, u32 now, u64 *sum)
{
	u64 before = *(volatile u64 *)seen;
	u32 gained = now - (u32)before;

	if (gained && !(gained >> 31) &&
	    __sync_val_compare_and_swap(seen, before, before + gained) == before)
		__sync_fetch_and_add(sum, gained);
}

/* Only a pass adds at the same time, and it comes in between once at most. */
static __always_inline void add_final32(u64 *seen, u32 final, u64 *sum)
{
	u64 before = *(volatile u64 *)seen;
	u32 gained = final - (u32)before;

	if (__sync_val_compare_and_swap(seen, before, before + gained) != before) {
		before = *(volatile u64 *)seen;
		gained = final - (u32)before;
		*(volatile u64 *)seen = before + gained;
	}
	if (gained)
		__sync_fetch_and_add(sum, gained);
}

#endif
