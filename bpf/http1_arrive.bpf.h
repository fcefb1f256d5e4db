/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * This follows the HTTP/1.x requests that a server gets from one segment to the next: where each ends,
 * and which has a context.
 */
#ifndef WIRESPAN_HTTP1_ARRIVE_H
#define WIRESPAN_HTTP1_ARRIVE_H

#include "arrival.bpf.h"
#include "http1_field.bpf.h"

/* Boundaries are told from each other within half the circle of sequence numbers. */
#define LONGEST_BODY (1 << 30)

/*
 * By the cookie of the socket. Half heads that nobody completes make room for others: the connections
 * of those that are forgotten have no links from then on. User space gives the map its size.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, u64);
	__type(value, struct window);
} windows SEC(".maps");

/* It is too large for the BPF stack. */
static struct window zero_window;

/* Methods begin with these. */
static __always_inline bool begins_method(u8 c)
{
	return c == 'G' || c == 'P' || c == 'H' || c == 'D' || c == 'O' || c == 'C' || c == 'T' ||
	       c == 'Q';
}

/* Where there are fewer than eight bytes, only the first one is asked. */
static __always_inline bool may_be_request(struct __sk_buff *skb, const struct arrival *arrival)
{
	u64 word = 0;

	if (arrival->payload < sizeof(word))
		return !bpf_skb_load_bytes(skb, arrival->offset, &word, 1) && begins_method(word);
	return !bpf_skb_load_bytes(skb, arrival->offset, &word, sizeof(word)) && is_method(word);
}

/*
 * Loads at most a window. The verifier of Linux 6.1 forgets bounds that are not those of 64 bits, and what is
 * not 0 may be 0 to it.
 */
static __always_inline int load_payload(struct __sk_buff *skb, u32 offset, u8 *into, u64 length)
{
	u64 least = 1;

	barrier_var(length);
	barrier_var(least);
	if (length > HEAD_WINDOW)
		length = HEAD_WINDOW;
	return length < least ? 0 : bpf_skb_load_bytes(skb, offset, into, length);
}

/* Notes that the bytes [from, to) of the window are there. Returns false when that leaves two gaps. */
static __always_inline bool join_piece(struct served *served, u32 from, u32 to)
{
	if (from <= served->held) {
		if (to > served->held)
			served->held = to;
	} else if (!served->ahead_end) {
		served->ahead = from;
		served->ahead_end = to;
	} else if (from <= served->ahead_end && to >= served->ahead) {
		if (from < served->ahead)
			served->ahead = from;
		if (to > served->ahead_end)
			served->ahead_end = to;
	} else {
		return false;
	}
	if (served->ahead_end && served->ahead <= served->held) {
		if (served->ahead_end > served->held)
			served->held = served->ahead_end;
		served->ahead_end = 0;
	}
	return true;
}

/* Returns the window of a connection, a new one where nothing came before, or NULL: it made room. */
static __always_inline struct window *window_of(u64 cookie, u32 seen)
{
	struct window *window = bpf_map_lookup_elem(&windows, &cookie);

	if (window || seen)
		return window;
	return try_init(&windows, &cookie, &zero_window);
}

/*
 * Puts a segment that begins `at` bytes after the boundary into the window, and this into the working
 * memory. Returns an enum loss_reason, or 0.
 */
static __always_inline u32 gather(struct __sk_buff *skb, struct write_scratch *s,
				  struct served *served, u32 offset, u32 at, u32 length)
{
	struct window *window = window_of(bpf_get_socket_cookie(skb), served->seen);
	u32 zero = 0, fits = 0;
	u64 place = at;
	u8 *piece = bpf_map_lookup_elem(&pieces, &zero);

	if (!window || !piece)
		return MISS_HEAD_TOO_LONG;
	if (at < HEAD_WINDOW) {
		fits = length < HEAD_WINDOW - at ? length : HEAD_WINDOW - at;
		bpf_probe_read_kernel(piece, HEAD_WINDOW, window->bytes);
		barrier_var(place); /* as in load_payload() */
		place &= HEAD_WINDOW - 1;
		if (load_payload(skb, offset, piece + place, fits))
			return MISS_UNREADABLE;
		bpf_probe_read_kernel(window->bytes, HEAD_WINDOW, piece);
		if (!join_piece(served, at, at + fits))
			return MISS_FRAMING;
	}
	bpf_probe_read_kernel(s->bytes, HEAD_WINDOW, window->bytes);
	return 0;
}

/* Keeps what came of a head in the first of several segments. */
static __always_inline u32 keep_window(struct __sk_buff *skb, struct write_scratch *s,
				       struct served *served, u32 length)
{
	struct window *window = window_of(bpf_get_socket_cookie(skb), 0);

	if (!window)
		return MISS_HEAD_TOO_LONG;
	bpf_probe_read_kernel(window->bytes, HEAD_WINDOW, s->bytes);
	served->held = length;
	return 0;
}

/* Returns how many bytes a request has, or 0: its end is not known. */
static __always_inline u32 length_of(struct write_scratch *s)
{
	int body = body_of(0);

	return body < 0 || body > LONGEST_BODY ? 0 : s->heads[0].end + body;
}

/* Reads the context of the head in the working memory. */
static __always_inline void take_context(struct write_scratch *s, struct served *served)
{
	struct http1_head *head = &s->heads[0];

	served->request.found = 0;
	if (head->traceparents != 1) {
		count_loss(PROBE_ARRIVE, head->traceparents ? MISS_INVALID : MISS_NO_HEADER);
		return;
	}
	if (parse_traceparent(head->traceparent)) {
		count_loss(PROBE_ARRIVE, MISS_INVALID);
		return;
	}
	served->request.start_ns = served->head_ns;
	served->request.flags = s->request.flags;
	__builtin_memcpy(served->request.trace_id, s->request.trace_id, 16);
	__builtin_memcpy(served->request.span_id, s->request.span_id, 8);
	served->request.found = 1;
}

static __always_inline void note_whole_head(struct tcp_sock *tp, struct served *served, u32 length)
{
	struct phases *p = served->exchange.open ? phases_of(tp) : 0;

	if (!p)
		return;
	p->told.unclear = !!served->ahead_end;
	note_head(p, served->boundary + served->seen, served->boundary + length,
		  served->held ? bpf_ktime_get_ns() : served->head_ns);
}

/*
 * A whole head came. It is the only request that is not answered when the answer to the one before has
 * begun, its sender has all that was written, and nothing came after it. Returns an enum loss_reason,
 * or 0.
 */
static __always_inline u32 take_head(struct write_scratch *s, struct tcp_sock *tp,
				     struct served *served, u32 ack)
{
	u32 write_seq = tp->write_seq, length = length_of(s);

	if (served->state != ANSWER_BEGUN || ack != write_seq)
		return MISS_FRAMING;
	if (served->exchange.open)
		end_served_exchange(tp, served);
	if (!length || served->seen > length)
		return MISS_FRAMING;
	end_answer((struct sock *)tp, tp, served, write_seq);
	take_context(s, served);
	if (cfg_emit_exchange && served->request.found && (served->request.flags & 1))
		begin_served_exchange(tp, served, write_seq);
	note_whole_head(tp, served, length);
	served->boundary += length;
	served->answer = write_seq;
	served->state = ANSWER_DUE;
	served->held = 0;
	served->ahead_end = 0;
	served->seen = 0;
	return 0;
}

/* Looks for a whole head in the first bytes of the working memory. Returns false: there is none. */
static __always_inline bool find_head(struct write_scratch *s, u64 length)
{
	__builtin_memset(s->heads, 0, sizeof(s->heads[0]));
	s->count = 0;
	s->request.found = 0;
	barrier_var(length);
	if (length > HEAD_WINDOW)
		length = HEAD_WINDOW;
	s->length = length;
	__builtin_memset(&s->bytes[length], 0, ZEROS_AFTER);
	find_http1_heads();
	return s->count;
}

/* With the connection and the working memory to itself. Returns an enum loss_reason, or 0. */
static __always_inline u32 read_requests(struct __sk_buff *skb, struct write_scratch *s,
					 struct tcp_sock *tp, struct served *served,
					 const struct arrival *arrival)
{
	s32 delta = arrival->seq - served->boundary;
	u32 skip = delta < 0 ? -delta : 0, at = delta > 0 ? delta : 0, why;
	u32 length = arrival->payload - skip, had = served->seen;
	u64 there = length;

	if ((s32)length <= 0)
		return 0; /* another CPU has read it */
	if (!had)
		served->head_ns = bpf_ktime_get_ns();
	/* Bytes that TCP has already did not come by here. */
	if (at > served->held && (s32)(tp->rcv_nxt - served->boundary - served->held) > 0)
		return MISS_FRAMING;
	if (at || had) {
		why = gather(skb, s, served, arrival->offset + skip, at, length);
		if (why)
			return why;
		there = served->held;
	} else if (load_payload(skb, arrival->offset + skip, s->bytes, length)) {
		return MISS_UNREADABLE;
	}
	if (at + length > served->seen)
		served->seen = at + length;
	if (!there)
		return 0;
	if (there < 8 ? !begins_method(s->bytes[0]) : !is_method(word_at(s, 0)))
		return MISS_FRAMING;
	if (find_head(s, there))
		return take_head(s, tp, served, arrival->ack);
	if (there >= HEAD_WINDOW)
		return MISS_HEAD_TOO_LONG;
	return at || had ? 0 : keep_window(skb, s, served, there);
}

/* A request may begin, or go on, in this segment. */
static __noinline int take_arrival(struct __sk_buff *skb, struct tcp_sock *tp,
				   struct served *served, const struct arrival *arrival)
{
	struct write_scratch *s = scratch();
	struct sock *sk = (struct sock *)tp;
	u32 why;

	if (!s || !lock_served(sk, tp, served))
		return 0;
	if (__sync_lock_test_and_set(&s->busy, 1)) {
		why = MISS_BUSY;
	} else {
		why = read_requests(skb, s, tp, served, arrival);
		s->busy = 0;
	}
	if (why)
		give_up(sk, tp, served, why);
	unlock_served(sk, tp, served);
	return 0;
}

#endif
