/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* This keeps what comes to a server ahead of bytes that are missing, until these come. */
#ifndef WIRESPAN_HTTP2_AHEAD_H
#define WIRESPAN_HTTP2_AHEAD_H

/* So many bytes from the first missing one on are kept of a connection, */
#define AHEAD_BYTES (1 << 14)
/* and so many connections have a place; see MAX_AHEAD in receiver/signals/http2/family.ts. */
#define AHEAD_PLACES 128
/* A connection looks for a free place among so many. */
#define AHEAD_WAYS 4
/* Runs of bytes with gaps between them, of one connection. */
#define AHEAD_RUNS 4

/* Bytes of the stream at [from, to); to = 0: none. */
struct ahead_run {
	u64 from;
	u64 to;
};

/* Whoever has `busy` reads and writes it, when the cookie is its own. A byte lies at its position, modulo AHEAD_BYTES. */
struct ahead {
	u64 cookie; /* of the socket; 0: free */
	u32 busy;
	u32 pad;
	u8 bytes[AHEAD_BYTES + HTTP2_PIECE]; /* and room for a bounded piece */
};

/* User space gives the map its size. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct ahead);
} aheads SEC(".maps");

static __always_inline struct ahead *ahead_at(u32 place)
{
	return bpf_map_lookup_elem(&aheads, &place);
}

/* Has it to itself. Returns NULL: it is another connection's by now, or another CPU is at it. */
static __always_inline struct ahead *lock_ahead(u32 place, u64 cookie)
{
	struct ahead *ahead = ahead_at(place);

	if (!ahead || __sync_lock_test_and_set(&ahead->busy, 1))
		return 0;
	if (ahead->cookie == cookie)
		return ahead;
	__sync_lock_test_and_set(&ahead->busy, 0);
	return 0;
}

static __always_inline void unlock_ahead(struct ahead *ahead)
{
	__sync_lock_test_and_set(&ahead->busy, 0);
}

/*
 * Finds a place for a connection, from 1; 0: none. Where all are taken the newcomer gets one: what never comes would hold
 * it for good.
 */
static __always_inline u32 take_place(u64 cookie)
{
	u32 first = (cookie * 0x9e3779b97f4a7c15ULL) >> 32, i, place = 0;
	struct ahead *ahead;

	for (i = 0; i < AHEAD_WAYS; i++) {
		place = (first + i) & (AHEAD_PLACES - 1);
		ahead = ahead_at(place);
		if (ahead && !__sync_val_compare_and_swap(&ahead->cookie, 0, cookie))
			return place + 1;
	}
	ahead = ahead_at(place);
	if (!ahead || __sync_lock_test_and_set(&ahead->busy, 1))
		return 0;
	ahead->cookie = cookie;
	unlock_ahead(ahead);
	return place + 1;
}

/* Notes that these bytes are there. Returns false: there are too many gaps. */
static __always_inline bool join_run(struct ahead_run *runs, u64 from, u64 to)
{
	u32 i;

	for (i = 0; i < AHEAD_RUNS; i++) {
		if (!runs[i].to || runs[i].to < from || runs[i].from > to)
			continue;
		if (runs[i].from < from)
			from = runs[i].from;
		if (runs[i].to > to)
			to = runs[i].to;
		runs[i].to = 0;
	}
	for (i = 0; i < AHEAD_RUNS; i++) {
		if (runs[i].to)
			continue;
		runs[i].from = from;
		runs[i].to = to;
		return true;
	}
	return false;
}

/* Forgets what is not ahead any more. Returns where the run ends that has this byte, or 0. */
static __always_inline u64 run_from(struct ahead_run *runs, u64 position)
{
	u64 end = 0;
	u32 i;

	for (i = 0; i < AHEAD_RUNS; i++) {
		if (runs[i].to <= position)
			runs[i].to = 0;
		else if (runs[i].from <= position)
			end = runs[i].to;
	}
	return end;
}

static __always_inline bool has_runs(const struct ahead_run *runs)
{
	u32 i;

	for (i = 0; i < AHEAD_RUNS; i++)
		if (runs[i].to)
			return true;
	return false;
}

/* How many bytes from there on lie side by side. */
static __always_inline u64 until_wrap(u64 position)
{
	return AHEAD_BYTES - (position & (AHEAD_BYTES - 1));
}

/* Copies the payload at `offset` of a segment to its places, as far as it fits. Returns false: it can't be read. */
static __always_inline bool copy_ahead(struct __sk_buff *skb, struct ahead *ahead, u64 position,
				       u64 to, u64 offset)
{
	u64 bytes, place, least = 1;
	u32 i;

	for (i = 0; i < AHEAD_BYTES / HTTP2_PIECE + 2 && position < to; i++) {
		bytes = to - position;
		if (bytes > until_wrap(position))
			bytes = until_wrap(position);
		barrier_var(bytes); /* as in load_payload() */
		barrier_var(least);
		if (bytes > HTTP2_PIECE)
			bytes = HTTP2_PIECE;
		place = position;
		barrier_var(place);
		place &= AHEAD_BYTES - 1;
		if (bytes < least || bpf_skb_load_bytes(skb, offset, ahead->bytes + place, bytes))
			return false;
		position += bytes;
		offset += bytes;
	}
	return position >= to;
}

/* Reads bytes that lie side by side, at most HTTP2_PIECE. Returns false: they are gone. */
static __always_inline bool read_ahead(u32 place, u64 cookie, u64 position, void *into, u64 bytes)
{
	struct ahead *ahead = lock_ahead(place - 1, cookie);
	bool is_read;

	if (!ahead)
		return false;
	is_read = !bpf_probe_read_kernel(into, bytes, &ahead->bytes[position & (AHEAD_BYTES - 1)]);
	unlock_ahead(ahead);
	return is_read;
}

static __always_inline void free_place(u32 place, u64 cookie)
{
	struct ahead *ahead = lock_ahead(place - 1, cookie);

	if (!ahead)
		return;
	ahead->cookie = 0;
	unlock_ahead(ahead);
}

#endif
