// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * This follows what both ends write over plaintext HTTP/2 (RFC 9113), from their first byte on: which frame, of which
 * stream, lies where. Everything uncertain ends it for the connection, and is counted. It is a program of its own, loaded
 * when it is asked for: docs/decisions/0056 and 0081.
 */
#include "wirespan.bpf.h"
#include "http2_pieces.bpf.h"

/* Pieces of one write: of a frame its head and its payload, each once more where a buffer ends. */
#define MAX_HTTP2_PIECES 1024

static __always_inline void give_up_http2(struct http2_follow *h2, u32 reason)
{
	h2->over = 1;
	count_loss(PROBE_HTTP2, reason);
}

/*
 * A write begins at another place than the last one ended. What the kernel did not take of that is written again, from
 * within a frame that is remembered or right behind one; bytes that no program saw are a frame's by its length.
 */
static __always_inline bool resume_http2(struct http2_follow *h2, u64 position)
{
	struct http2_progress *now = &h2->now;
	struct http2_mark *mark;
	u64 into;
	u32 i;

	if (position == now->position)
		return true;
	for (i = 0; i < HTTP2_MARKS && h2->count; i++) {
		if (mark_at(h2, h2->count - 1)->start < position)
			break;
		h2->count -= 1;
	}
	if (!h2->count)
		return false;
	mark = mark_at(h2, h2->count - 1);
	now->frame = *mark;
	now->position = position;
	now->left = 0;
	now->have = 0;
	into = position - mark->start;
	if (into < HTTP2_FRAME_HEAD) {
		h2->count -= 1;
		now->begun = h2->count > 0;
		now->head[0] = mark->length >> 16;
		now->head[1] = mark->length >> 8;
		now->head[2] = mark->length;
		now->head[3] = mark->type;
		now->head[4] = mark->flags;
		now->head[5] = mark->stream >> 24;
		now->head[6] = mark->stream >> 16;
		now->head[7] = mark->stream >> 8;
		now->head[8] = mark->stream;
		now->have = into;
		now->block = mark->type == FRAME_CONTINUATION ? mark->stream : 0;
		return true;
	}
	if (position > end_of_frame(mark))
		return false;
	now->left = HTTP2_FRAME_HEAD + mark->length - into;
	now->block = block_after(mark);
	return true;
}

/* Follows the next piece of a write. It is not static, so it is verified once. */
__noinline u32 pass_http2(struct http2_follow *h2)
{
	struct http2_scratch *s = http2_scratch(HTTP2_WRITES);

	return h2 && s ? pass_frames(0, &h2->now, h2, s) : MISS_FRAMING;
}

static __always_inline void walk_http2(struct http2_follow *h2, struct http2_scratch *s,
				       const struct write *write)
{
	u64 vectors = vectors_of(write), length = write->length;
	u32 i, why = 0;

	if (!write->buffer || length > write->count)
		length = write->count;
	s->walk.vector = vectors ? vectors + sizeof(struct iovec) : 0;
	s->walk.buffer = write->buffer;
	s->walk.length = length;
	s->walk.left = write->count;
	s->now = write->now;
	for (i = 0; i < MAX_HTTP2_PIECES; i++) {
		if (!*(volatile u64 *)&s->walk.left)
			break;
		why = pass_http2(h2);
		barrier_var(why); /* as in find_http1_heads() */
		if (why)
			break;
	}
	if (why)
		give_up_http2(h2, why == LOST_RING_FULL + 1 ? LOST_RING_FULL : why);
	else if (s->walk.left)
		give_up_http2(h2, MISS_HEAD_TOO_LONG);
}

/* Follows a write. It is not static, so it is verified once. */
__noinline int follow_http2(struct http2_follow *h2, const struct write *write)
{
	struct http2_scratch *s = http2_scratch(HTTP2_WRITES);
	u64 position;

	if (!h2 || !write || !s || h2->over)
		return 0;
	if (!h2->begun) {
		h2->now.base = (u32)write->bytes_acked - write->write_seq;
		h2->now.position = write->bytes_acked;
		h2->begun = 1;
	}
	position = position_from(h2->now.base, write->bytes_acked, write->write_seq);
	__sync_fetch_and_add(&h2->version, 1);
	if (resume_http2(h2, position))
		walk_http2(h2, s, write);
	else
		give_up_http2(h2, MISS_FRAMING);
	__sync_fetch_and_add(&h2->version, 1);
	return 0;
}

/* A client's preface, or the head of a server's SETTINGS, of less than 256 bytes (RFC 9113 section 3.4). */
static __always_inline bool begins_as_http2(const struct write *write)
{
	u64 word = 0;

	return write->buffer && write->length >= sizeof(word) &&
	       !bpf_probe_read_user(&word, sizeof(word), (void *)write->buffer) &&
	       (word == HTTP2_PREFACE ||
		(word & ~(0xffULL << 16)) == WORD8(0, 0, 0, FRAME_SETTINGS, 0, 0, 0, 0));
}

/* Whether this write may be followed, as far as the connection is known. A server's has the owner that accepts it. */
static __always_inline bool is_followed(const struct conn *conn)
{
	if (!conn || !(conn->flags & CONN_ESTABLISHED) || (conn->flags & CONN_MAY_BE_RESTORED))
		return false;
	if (conn->role == ROLE_SERVER)
		return !(conn->flags & CONN_IGNORED) || may_be_wanted(conn);
	return conn->role == ROLE_CLIENT && !(conn->flags & CONN_IGNORED);
}

/* An application writes, and its bytes are not queued yet. What does not begin as HTTP/2 has no storage. */
static __always_inline void handle_http2(struct sock *sk, struct msghdr *msg)
{
	struct iov_iter *iter = &msg->msg_iter;
	struct http2_scratch *s = http2_scratch(HTTP2_WRITES);
	struct http2_follow *h2;
	struct write write = {};
	struct tcp_sock *tp;
	struct conn *conn;

	if (iter->iov_offset)
		return; /* a later part of a long write */
	tp = bpf_skc_to_tcp_sock(sk);
	if (!tp || !s)
		return;
	write.first = !tp->bytes_sent && tp->write_seq == tp->snd_una;
	h2 = bpf_sk_storage_get(&http2_follows, sk, 0, 0);
	if (!h2 && !write.first)
		return;
	write.buffer = first_buffer(iter, &write.length, true);
	if (write.first && !begins_as_http2(&write))
		return;
	conn = conn_of(sk);
	if (!is_followed(conn))
		return;
	if (!h2) {
		h2 = bpf_sk_storage_get(&http2_follows, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
		if (!h2) {
			count_loss(PROBE_HTTP2, LOST_STORAGE);
			return;
		}
		h2->now.answers = conn->role == ROLE_SERVER;
	}
	if (h2->over)
		return;
	if (__sync_lock_test_and_set(&s->busy, 1)) {
		give_up_http2(h2, MISS_BUSY);
		return;
	}
	s->cookie = cookie_of(sk);
	s->netns = conn->netns;
	write.write_seq = tp->write_seq;
	write.bytes_acked = tp->bytes_acked;
	write.count = iter->count;
	write.iter = address_of(iter);
	write.now = bpf_ktime_get_ns();
	follow_http2(h2, &write);
	s->busy = 0;
}

/* This tracepoint is there since 6.15. */
SEC("tp_btf/tcp_sendmsg_locked")
int BPF_PROG(ws_http2, struct sock *sk, struct msghdr *msg)
{
	handle_http2(sk, msg);
	return 0;
}

SEC("fentry/tcp_sendmsg_locked")
int BPF_PROG(ws_http2_fentry, struct sock *sk, struct msghdr *msg)
{
	handle_http2(sk, msg);
	return 0;
}
