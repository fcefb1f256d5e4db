// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * This takes rows of sums out of their maps, for user space, and nothing that a program adds is
 * lost. Whoever uses a row changes its cell of use first, so a row whose cell is as user space read
 * it long ago has the sums that it read then. In the same step it is marked as gone.
 */
#include "wirespan.bpf.h"

static __always_inline bool take_use(u64 *use, u64 seen)
{
	return __sync_val_compare_and_swap(use, seen, ROW_GONE) == seen;
}

/* Each returns 1 when the row is out of the map, and 0 when it was used meanwhile and stays. */
#define TAKE_ROW(name, key_noun, value, map, number, use)                 \
	static __always_inline int take_##name(const u8 *bytes, u64 seen) \
	{                                                                 \
		struct key_noun##_key key;                                \
		value *row;                                               \
                                                                          \
		__builtin_memcpy(&key, bytes, sizeof(key));               \
		row = bpf_map_lookup_elem(&map, &key);                    \
		if (!row)                                                 \
			return 1;                                         \
		if (!take_use(use, seen))                                 \
			return 0;                                         \
		bpf_map_delete_elem(&map, &key);                          \
		uncount_row(&key.owner, number);                          \
		return 1;                                                 \
	}

TAKE_ROW(series, series, struct series, series, ROWS_SERIES, &row->touched_ns)
TAKE_ROW(listener, listener, struct listener, listeners, ROWS_LISTENERS, &row->uses)
TAKE_ROW(drop, drop, u64, drops, ROWS_DROPS, row)
TAKE_ROW(reset, reset, u64, resets, ROWS_RESETS, row)
TAKE_ROW(state, state, struct state_sums, state_durations, ROWS_STATES, &row->uses)
TAKE_ROW(receive, series, struct receive_sums, receives, ROWS_RECEIVES, &row->uses)

/* No share is given back, since an owner has one row there. */
static __always_inline int take_wakeup(const u8 *bytes, u64 seen)
{
	struct wakeup_key key;
	struct wakeup_sums *row;

	__builtin_memcpy(&key, bytes, sizeof(key));
	row = bpf_map_lookup_elem(&wakeups, &key);
	if (!row)
		return 1;
	if (!take_use(&row->uses, seen))
		return 0;
	bpf_map_delete_elem(&wakeups, &key);
	return 1;
}

SEC("syscall")
int ws_take_row(struct row_removal *row)
{
	u64 seen = row->seen;
	u32 map = row->map;
	u8 key[sizeof(row->key)];

	__builtin_memcpy(key, row->key, sizeof(key));
	/*
	 * All of it is copied, since a context is read from its beginning only, at fixed offsets.
	 */
	asm volatile("" : : "r"(key) : "memory");
	switch (map) {
	case ROWS_SERIES:
		return take_series(key, seen);
	case ROWS_LISTENERS:
		return take_listener(key, seen);
	case ROWS_DROPS:
		return take_drop(key, seen);
	case ROWS_RESETS:
		return take_reset(key, seen);
	case ROWS_STATES:
		return take_state(key, seen);
	case ROWS_RECEIVES:
		return take_receive(key, seen);
	case ROWS_WAKEUPS:
		return take_wakeup(key, seen);
	}
	return 0;
}
