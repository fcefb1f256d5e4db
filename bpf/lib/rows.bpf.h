/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * This decides who may have how many rows of a map of sums. The share of an owner falls with what
 * is free, so that there is room for those who come (docs/decisions/0020). It is asked only for a
 * row that is not there yet.
 */
#ifndef WIRESPAN_LIB_ROWS_H
#define WIRESPAN_LIB_ROWS_H

/*
 * So many rows each map has for owners: one less than it holds, since one is the host's overflow
 * row.
 */
const volatile u32 cfg_row_limits[ROW_MAPS] = {};

/* These count the rows in each map, and those of them that are nobody's, which is the host's. */
u32 row_counts[ROW_MAPS] = {};
u32 host_row_counts[ROW_MAPS] = {};

/*
 * These divide the share: the first for rows that opt-in attributes tell apart, the second for all
 * others.
 */
#define DETAILED_ROWS 6
#define PLAIN_ROWS    3
/* An owner that found no room in `owners` is taken for one with this part of the map. */
#define UNKNOWN_ROWS 16

enum row_grade {
	GRADE_NONE = 0,
	GRADE_OVERFLOW = 1,
	GRADE_PLAIN = 2,
	GRADE_DETAILED = 3,
};

static __always_inline u32 *rows_of(const struct owner_key *owner, u32 map)
{
	struct owner_info *info;

	if (!owner->pid)
		return &host_row_counts[map];
	info = bpf_map_lookup_elem(&owners, owner);
	if (!info)
		return 0;
	/* The verifier takes no sum with a pointer that may be NULL, which the compiler makes of a choice. */
	barrier_var(info);
	return &info->rows[map];
}

/* Returns what one more row of the owner may be. */
static __always_inline u32 grade_for(const u32 *own, u32 map)
{
	u64 limit = cfg_row_limits[map], used = row_counts[map];
	u64 rows = own ? *own : limit / UNKNOWN_ROWS, free, share;

	if (used >= limit)
		return GRADE_NONE;
	free = limit - used;
	share = free * free / limit;
	if (rows < share / DETAILED_ROWS)
		return GRADE_DETAILED;
	return rows < share / PLAIN_ROWS ? GRADE_PLAIN : GRADE_OVERFLOW;
}

/* Returns true when it is there now. */
static __always_inline bool add_row(void *map, u32 number, const void *key, const void *empty,
				    u32 *own)
{
	long error = bpf_map_update_elem(map, key, empty, BPF_NOEXIST);

	if (!error) {
		__sync_fetch_and_add(&row_counts[number], 1);
		if (own)
			__sync_fetch_and_add(own, 1);
	}
	return !error || error == -EEXIST_NR;
}

static __always_inline void uncount_row(const struct owner_key *owner, u32 map)
{
	u32 *own = rows_of(owner, map);

	__sync_fetch_and_add(&row_counts[map], -1);
	/* Rows made before their owner found room in `owners` are not in its count. */
	if (own && *own)
		__sync_fetch_and_add(own, -1);
}

/*
 * Marks a row as used, before anything is added to it: what was marked is not taken out for
 * seconds. Returns false when user space is taking it out right now.
 */
static __always_inline bool touch_row(u64 *touched_ns, u64 now)
{
	u64 before = *(volatile u64 *)touched_ns;

	return before != ROW_GONE &&
	       __sync_val_compare_and_swap(touched_ns, before, now) != ROW_GONE;
}

/* Does the same for rows that count their uses, or that are a count. */
static __always_inline bool count_use(u64 *uses)
{
	return __sync_fetch_and_add(uses, 1) < ROW_GONE;
}

/* Returns 0 when there was no address. */
static __always_inline u64 clear_address(u8 *address)
{
	u64 *words = (u64 *)address, had = words[0] | words[1];

	words[0] = 0;
	words[1] = 0;
	return had;
}

static __always_inline bool drop_series_details(struct series_key *key)
{
	u64 had = clear_address(key->peer) | clear_address(key->server) | key->state;

	key->state = 0;
	return had;
}

/* The subnet stays, since bytes are counted by it on the host. */
static __always_inline void fold_series(struct series_key *key)
{
	/* This is done in place, since the stack of all callers together is short. */
	clear_address(key->peer);
	clear_address(key->server);
	key->server_port = 0;
	key->role = 0;
	key->family = 0;
	key->error = 0;
	key->state = 0;
	__builtin_memset(key->pad, 0, sizeof(key->pad));
	key->overflow = 1;
}

static __always_inline bool drop_listener_details(struct listener_key *key)
{
	bool had = key->has_local;

	key->has_local = 0;
	clear_address(key->local);
	return had;
}

static __always_inline void fold_listener(struct listener_key *key)
{
	struct listener_key folded = {.owner = key->owner, .overflow = 1};

	*key = folded;
}

static __always_inline bool drop_drop_details(struct drop_key *key)
{
	bool had = key->state || key->server_port || key->site;

	key->state = 0;
	key->server_port = 0;
	key->site = 0;
	return had;
}

static __always_inline void fold_drop(struct drop_key *key)
{
	struct drop_key folded = {.owner = key->owner, .overflow = 1};

	*key = folded;
}

static __always_inline bool drop_reset_details(struct reset_key *key)
{
	u64 had = clear_address(key->peer) | clear_address(key->server) | key->cidr | key->reason;

	key->cidr = 0;
	key->reason = 0;
	return had;
}

static __always_inline void fold_reset(struct reset_key *key)
{
	struct reset_key folded = {.owner = key->owner, .overflow = 1};

	*key = folded;
}

static __always_inline bool drop_state_details(struct state_key *key)
{
	bool had = key->server_port;

	key->server_port = 0;
	return had;
}

static __always_inline void fold_state(struct state_key *key)
{
	struct state_key folded = {.owner = key->owner, .overflow = 1};

	*key = folded;
}

/*
 * place_NOUN() makes room for a row that is not there, or (`gone`) is just being taken out. Past
 * its share the owner's row does without opt-in attributes, then it is the owner's overflow row,
 * and in a full map the host's; the key says which. It is not static, so it is verified once.
 * Before 6.2 a map takes no key that a caller gave, so it works on a copy.
 */
#define PLACE_ROW(noun, key_noun, map, number, empty)                                              \
	static __always_inline void settle_##noun(struct key_noun##_key *key, u32 probe, u32 gone) \
	{                                                                                          \
		u32 *own = rows_of(&key->owner, number), grade = grade_for(own, number);           \
		bool had;                                                                          \
                                                                                                   \
		if (!gone && !key->overflow) {                                                     \
			if (grade == GRADE_DETAILED && add_row(&map, number, key, empty, own))     \
				return;                                                            \
			had = drop_##key_noun##_details(key);                                      \
			if (had)                                                                   \
				count_loss(probe, LOST_MAP_FULL);                                  \
			if (had && bpf_map_lookup_elem(&map, key))                                 \
				return;                                                            \
			if (grade >= GRADE_PLAIN && add_row(&map, number, key, empty, own))        \
				return;                                                            \
			if (!had)                                                                  \
				count_loss(probe, LOST_MAP_FULL);                                  \
		}                                                                                  \
		fold_##key_noun(key);                                                              \
		if (bpf_map_lookup_elem(&map, key) ||                                              \
		    (grade && add_row(&map, number, key, empty, own)))                             \
			return;                                                                    \
		__builtin_memset(key, 0, sizeof(*key));                                            \
		key->overflow = 1;                                                                 \
	}                                                                                          \
                                                                                                   \
	__noinline int place_##noun(struct key_noun##_key *given, u32 probe, u32 gone)             \
	{                                                                                          \
		struct key_noun##_key key;                                                         \
                                                                                                   \
		if (!given)                                                                        \
			return 0;                                                                  \
		key = *given;                                                                      \
		settle_##noun(&key, probe, gone);                                                  \
		*given = key;                                                                      \
		return 0;                                                                          \
	}

/*
 * NOUN_row() returns the row for a key, or else the overflow row of its owner or of the host, which
 * the key then says. It returns NULL only when even that is absent. `use` marks `row` as used, and
 * the parameters that it needs come last. It is not inlined, since it has many callers.
 */
#define FIND_ROW(noun, key_noun, value, map, use, ...)                                            \
	static __noinline value *noun##_row(struct key_noun##_key *key, u32 probe, ##__VA_ARGS__) \
	{                                                                                         \
		value *row = bpf_map_lookup_elem(&map, key);                                      \
                                                                                                  \
		if (row && use)                                                                   \
			return row;                                                               \
		place_##noun(key, probe, !!row);                                                  \
		row = bpf_map_lookup_elem(&map, key);                                             \
		if (row && use)                                                                   \
			return row;                                                               \
		__builtin_memset(key, 0, sizeof(*key));                                           \
		key->overflow = 1;                                                                \
		row = bpf_map_lookup_elem(&map, key);                                             \
		if (row)                                                                          \
			(void)use;                                                                \
		return row;                                                                       \
	}

PLACE_ROW(series, series, series, ROWS_SERIES, &zero_series)
PLACE_ROW(listener, listener, listeners, ROWS_LISTENERS, &zero_listener)
PLACE_ROW(drop, drop, drops, ROWS_DROPS, &zero_count)
PLACE_ROW(reset, reset, resets, ROWS_RESETS, &zero_count)
PLACE_ROW(state, state, state_durations, ROWS_STATES, &zero_state_sums)
PLACE_ROW(receive, series, receives, ROWS_RECEIVES, &zero_receive_sums)

FIND_ROW(series, series, struct series, series, touch_row(&row->touched_ns, now), u64 now)
FIND_ROW(listener, listener, struct listener, listeners, count_use(&row->uses))
FIND_ROW(state, state, struct state_sums, state_durations, count_use(&row->uses))
FIND_ROW(receive, series, struct receive_sums, receives, count_use(&row->uses))
/* The use of such a row is what it counts. */
FIND_ROW(drop, drop, u64, drops, count_use(row))
FIND_ROW(reset, reset, u64, resets, count_use(row))

#endif
