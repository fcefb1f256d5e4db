// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * This follows what comes to servers over plaintext HTTP/2, and hands the header blocks of its requests to user space, so
 * that what an answer loses is on the trace of the stream that it is of. Segments are told by sequence number, never by
 * their order: what was read stays read when it comes again. See docs/decisions/0081.
 */
#include "wirespan.bpf.h"
#include "arrival.bpf.h"
#include "http2_pieces.bpf.h"

/* Pieces of one segment: of a frame its head, and its payload by HTTP2_PIECE where it has a header block. */
#define MAX_ARRIVED_PIECES 1024

/* It has one connection of a server whose client began with the preface. Whoever has `busy` changes it. */
struct http2_arrived {
	struct http2_progress now; /* positions count from the first byte */
	struct ahead_run runs[AHEAD_RUNS];
	u32 place; /* where the bytes of these are, from 1; 0: there are none */
	u32 busy;
	u8 over; /* given up: what comes is not followed */
	u8 pad[7];
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct http2_arrived);
} http2_arrivals SEC(".maps");

/* What does not begin with the preface, after bytes that were overtaken, is another protocol's. */
static __always_inline void give_up_arrived(struct http2_arrived *h2, u32 reason)
{
	h2->over = 1;
	if (h2->now.preface >= sizeof(u64))
		count_loss(PROBE_HTTP2_ARRIVE, reason);
}

/* The sequence number of the next byte that is to be followed. */
static __always_inline u32 next_of(const struct http2_progress *now)
{
	return (u32)now->position - now->base;
}

/* The first data of a connection. When something overtook its first bytes, these will tell. */
static __noinline struct http2_arrived *begin_arrived(struct __sk_buff *skb, struct tcp_sock *tp,
						      const struct arrival *arrival)
{
	struct http2_arrived *h2;
	u64 word = 0;
	u32 start;

	if (!find_start(tp, &start) || arrival->seq - start >= AHEAD_BYTES)
		return 0;
	if (arrival->seq == start &&
	    (arrival->payload < sizeof(word) ||
	     bpf_skb_load_bytes(skb, arrival->offset, &word, sizeof(word)) ||
	     word != HTTP2_PREFACE))
		return 0;
	if (!wanted_server(tp))
		return 0;
	h2 = bpf_sk_storage_get(&http2_arrivals, tp, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!h2)
		count_loss(PROBE_HTTP2_ARRIVE, LOST_STORAGE);
	else if (!h2->now.position)
		h2->now.base = -start;
	return h2;
}

/* Bytes are missing before this segment: are they a frame's, by its length? Then it goes on behind them. */
static __always_inline bool pass_gap(struct http2_progress *now, u32 gap)
{
	if (gap > now->left || has_header_block(now->frame.type))
		return false;
	now->left -= gap;
	now->position += gap;
	return true;
}

/* Follows the next piece of a segment. It is not static, so it is verified once. */
__noinline u32 pass_arrived(struct __sk_buff *skb, struct http2_arrived *h2)
{
	struct http2_scratch *s = http2_scratch(HTTP2_ARRIVALS);

	return h2 && s ? pass_frames(skb, &h2->now, 0, s) : MISS_FRAMING;
}

static __always_inline u32 walk_arrived(struct __sk_buff *skb, struct http2_arrived *h2,
					struct http2_scratch *s)
{
	u32 i, why;

	for (i = 0; i < MAX_ARRIVED_PIECES; i++) {
		if (!*(volatile u64 *)&s->walk.left)
			return 0;
		why = pass_arrived(skb, h2);
		barrier_var(why); /* as in find_http1_heads() */
		if (why)
			return why;
	}
	return s->walk.left ? MISS_HEAD_TOO_LONG : 0;
}

/*
 * Bytes are missing before this segment that may hold anything: it is kept until they come. What is too far ahead is not, and
 * is missing then. Returns an enum loss_reason, or 0.
 */
static __always_inline u32 keep_ahead(struct __sk_buff *skb, struct tcp_sock *tp,
				      struct http2_arrived *h2, const struct arrival *arrival,
				      u64 cookie)
{
	struct http2_progress *now = &h2->now;
	u64 from = now->position + (arrival->seq - next_of(now)), to = from + arrival->payload;
	struct ahead *ahead;
	bool is_copied;

	/* What TCP has already does not come by here any more. */
	if ((s32)(tp->rcv_nxt - next_of(now)) > 0)
		return MISS_OVERTAKEN;
	if (to > now->position + AHEAD_BYTES)
		to = now->position + AHEAD_BYTES;
	if (from >= to)
		return 0;
	if (!h2->place)
		h2->place = take_place(cookie);
	ahead = h2->place ? lock_ahead(h2->place - 1, cookie) : 0;
	if (!ahead)
		return MISS_OVERTAKEN;
	is_copied = copy_ahead(skb, ahead, from, to, arrival->offset);
	unlock_ahead(ahead);
	if (!is_copied)
		return MISS_UNREADABLE;
	return join_run(h2->runs, from, to) ? 0 : MISS_OVERTAKEN;
}

/* Goes on with what was kept, as far as nothing is missing any more. Returns as pass_frames() does. */
static __always_inline u32 pass_runs(struct __sk_buff *skb, struct http2_arrived *h2,
				     struct http2_scratch *s)
{
	u64 end;
	u32 i, why = 0;

	s->kept = h2->place;
	for (i = 0; i < AHEAD_RUNS && !why; i++) {
		end = run_from(h2->runs, h2->now.position);
		if (!end)
			break;
		s->walk.buffer = 1;
		s->walk.length = 0;
		s->walk.left = end - h2->now.position;
		why = walk_arrived(skb, h2, s);
	}
	s->kept = 0;
	run_from(h2->runs, h2->now.position);
	if (!has_runs(h2->runs)) {
		free_place(h2->place, s->cookie);
		h2->place = 0;
	}
	/* Another connection has taken its place. */
	return why == MISS_UNREADABLE ? MISS_OVERTAKEN : why;
}

/* With the connection and the working memory to itself. Returns as pass_frames() does. */
static __always_inline u32 follow_arrived(struct __sk_buff *skb, struct tcp_sock *tp,
					  struct http2_arrived *h2, const struct arrival *arrival)
{
	struct http2_scratch *s = http2_scratch(HTTP2_ARRIVALS);
	s32 ahead = arrival->seq - next_of(&h2->now);
	u32 skip = ahead < 0 ? -ahead : 0, why;

	if (!s || skip >= arrival->payload)
		return 0; /* another CPU has followed it */
	if (ahead > 0 && !pass_gap(&h2->now, ahead))
		return keep_ahead(skb, tp, h2, arrival, s->cookie);
	s->walk.buffer = arrival->offset + skip;
	s->walk.length = arrival->payload - skip;
	s->walk.left = s->walk.length;
	why = walk_arrived(skb, h2, s);
	return h2->place && !why ? pass_runs(skb, h2, s) : why;
}

/* Bytes came that were not followed yet. */
static __noinline int take_arrived(struct __sk_buff *skb, struct tcp_sock *tp,
				   struct http2_arrived *h2, const struct arrival *arrival)
{
	struct http2_scratch *s = http2_scratch(HTTP2_ARRIVALS);
	struct conn *conn = wanted_server(tp);
	u64 cookie = bpf_get_socket_cookie(skb);
	u32 why = MISS_BUSY;

	if (!s)
		return 0;
	if (__sync_lock_test_and_set(&h2->busy, 1)) {
		give_up_arrived(h2, MISS_BUSY);
		return 0;
	}
	if (!conn) {
		/* Whoever accepted it is not asked for, or its end was seen. */
		h2->over = 1;
	} else if (!__sync_lock_test_and_set(&s->busy, 1)) {
		s->cookie = cookie;
		s->netns = conn->netns;
		s->now = bpf_ktime_get_ns();
		why = follow_arrived(skb, tp, h2, arrival);
		s->busy = 0;
	}
	if (conn && why)
		give_up_arrived(h2, why == LOST_RING_FULL + 1 ? LOST_RING_FULL : why);
	if (h2->over && h2->place)
		free_place(h2->place, cookie);
	__sync_lock_test_and_set(&h2->busy, 0);
	return 0;
}

/* Leaves at once unless the segment has bytes of a connection that is followed, or may begin one. */
static __always_inline void handle_http2_arrival(struct __sk_buff *skb)
{
	struct bpf_sock *socket = skb->sk;
	struct arrival arrival = {};
	struct http2_arrived *h2;
	struct tcp_sock *tp;
	bool is_read;

	if (!socket || socket->state != TCP_ESTABLISHED)
		return;
	is_read = read_arrival(skb, &arrival);
	if (is_read && !arrival.payload)
		return;
	tp = bpf_skc_to_tcp_sock(socket);
	if (!tp)
		return;
	h2 = bpf_sk_storage_get(&http2_arrivals, tp, 0, 0);
	if (!h2 && is_read && !tp->bytes_received)
		h2 = begin_arrived(skb, tp, &arrival);
	if (!h2 || h2->over)
		return;
	if (!is_read)
		give_up_arrived(h2, MISS_UNREADABLE);
	else if ((s32)(arrival.seq + arrival.payload - next_of(&h2->now)) > 0)
		take_arrived(skb, tp, h2, &arrival);
}

/* At the root of cgroup v2, so at every segment that comes to a socket of the machine. */
SEC("cgroup_skb/ingress")
int ws_http2_arrive(struct __sk_buff *skb)
{
	handle_http2_arrival(skb);
	return 1;
}
