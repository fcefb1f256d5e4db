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
	u32 busy;
	u8 over; /* given up: what comes is not followed */
	u8 pad[3];
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct http2_arrived);
} http2_arrivals SEC(".maps");

static __always_inline void give_up_arrived(struct http2_arrived *h2, u32 reason)
{
	h2->over = 1;
	count_loss(PROBE_HTTP2_ARRIVE, reason);
}

/* The sequence number of the next byte that is to be followed. */
static __always_inline u32 next_of(const struct http2_progress *now)
{
	return (u32)now->position - now->base;
}

/* The first data of a connection. */
static __noinline struct http2_arrived *
begin_arrived(struct __sk_buff *skb, struct tcp_sock *tp, const struct arrival *arrival)
{
	struct http2_arrived *h2;
	u64 word = 0;
	u32 start;

	if (!find_start(tp, &start) || arrival->seq != start || arrival->payload < sizeof(word) ||
	    bpf_skb_load_bytes(skb, arrival->offset, &word, sizeof(word)) || word != HTTP2_PREFACE)
		return 0;
	if (!beginning_server(tp))
		return 0;
	h2 = bpf_sk_storage_get(&http2_arrivals, tp, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!h2)
		count_loss(PROBE_HTTP2_ARRIVE, LOST_STORAGE);
	else if (!h2->now.position)
		h2->now.base = -start;
	return h2;
}

/*
 * Bytes are missing before this segment. They are a frame's by its length where they end within its payload, else they
 * may hold anything. Returns an enum loss_reason, or 0.
 */
static __always_inline u32 pass_gap(struct http2_progress *now, u32 gap)
{
	if (gap > now->left || has_header_block(now->frame.type))
		return MISS_OVERTAKEN;
	now->left -= gap;
	now->position += gap;
	return 0;
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

/* With the connection and the working memory to itself. Returns as pass_frames() does. */
static __always_inline u32 follow_arrived(struct __sk_buff *skb, struct http2_arrived *h2,
					  struct http2_scratch *s, const struct arrival *arrival)
{
	s32 ahead = arrival->seq - next_of(&h2->now);
	u32 skip = ahead < 0 ? -ahead : 0, why = 0;

	if (skip >= arrival->payload)
		return 0; /* another CPU has followed it */
	if (ahead > 0)
		why = pass_gap(&h2->now, ahead);
	if (why)
		return why;
	s->walk.vector = 0;
	s->walk.buffer = arrival->offset + skip;
	s->walk.length = arrival->payload - skip;
	s->walk.left = s->walk.length;
	return walk_arrived(skb, h2, s);
}

/* Bytes came that were not followed yet. */
static __noinline int take_arrived(struct __sk_buff *skb, struct tcp_sock *tp,
				   struct http2_arrived *h2, const struct arrival *arrival)
{
	struct http2_scratch *s = http2_scratch(HTTP2_ARRIVALS);
	struct conn *conn = conn_of_readable((struct sock *)tp);
	u32 why = MISS_BUSY;

	if (!s || !conn)
		return 0;
	if (__sync_lock_test_and_set(&h2->busy, 1)) {
		give_up_arrived(h2, MISS_BUSY);
		return 0;
	}
	if (!__sync_lock_test_and_set(&s->busy, 1)) {
		s->cookie = bpf_get_socket_cookie(skb);
		s->netns = conn->netns;
		s->now = bpf_ktime_get_ns();
		why = follow_arrived(skb, h2, s, arrival);
		s->busy = 0;
	}
	if (why)
		give_up_arrived(h2, why == LOST_RING_FULL + 1 ? LOST_RING_FULL : why);
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
