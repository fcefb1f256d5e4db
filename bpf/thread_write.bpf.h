/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the writing thread publishes (OTEP 4947) is bound to the bytes of its write, where the connection carries one
 * request after the other.
 */
#ifndef WIRESPAN_THREAD_WRITE_H
#define WIRESPAN_THREAD_WRITE_H

#include "multiplexed.bpf.h"

/* Says whether the connection carries one request after the other, as far as can be told. */
static __always_inline bool is_one_by_one(struct conn *conn, struct msghdr *msg, bool first)
{
	struct iov_iter *iter = &msg->msg_iter;
	u64 length = 0, buffer = first_buffer(iter, &length, true);

	if (begins_multiplexed(buffer, length, iter->count)) {
		clear_flags(conn, CONN_ONE_BY_ONE);
		return false;
	}
	if (first)
		set_flags(conn, CONN_ONE_BY_ONE);
	return conn->flags & CONN_ONE_BY_ONE;
}

/* The first byte of a write; 0: it is not to be read. */
static __always_inline u8 first_byte(u64 buffer, u64 length)
{
	u8 byte = 0;

	if (buffer && length)
		bpf_probe_read_user(&byte, sizeof(byte), (void *)buffer);
	return byte;
}

/* Returns where the requests of the connection are kept: an empty one where there is none and it is needed. */
static __always_inline struct request_ring *ring_to_bind(struct sock *sk, bool needed)
{
	struct request_ring *ring;

	ring = bpf_sk_storage_get(&requests, sk, 0, needed ? BPF_SK_STORAGE_GET_F_CREATE : 0);
	if (!ring && needed)
		count_loss(PROBE_THREAD, LOST_STORAGE);
	return ring;
}

/*
 * The bytes of this write are of what the writing thread publishes, else of nobody. It is looked at first what the
 * connection is, since its process may be found to publish only later. Not inlined, since its caller has no stack left for it.
 */
static __noinline int follow_thread(struct sock *sk, struct tcp_sock *tp, struct msghdr *msg,
				    bool first)
{
	struct node_write write = {.read = tp->copied_seq, .first = first};
	struct thread_layout *layout = current_layout();
	enum thread_look look = THREAD_UNCLEAR;
	struct request_ring *ring;
	struct thread_work *work;
	struct request *said;
	bool is_told = false;
	struct conn *conn;
	u64 length = 0;

	conn = conn_of(sk);
	if (!conn || conn->role != ROLE_CLIENT || (conn->flags & CONN_IGNORED) ||
	    !(conn->flags & CONN_ESTABLISHED))
		return 0;
	work = begin_look(LOOK_WRITE);
	if (!work)
		return 0;
	said = &work->said;
	if (first || layout) {
		is_told = is_one_by_one(conn, msg, first);
		if (layout && is_told)
			look = read_thread_context(layout, work);
		else if (layout)
			miss_thread(layout, MISS_MULTIPLEXED, look);
	}
	ring = ring_to_bind(sk, said->found);
	if (!ring)
		return 0;
	if (layout && is_node(layout) && is_told) {
		write.type = first_byte(first_buffer(&msg->msg_iter, &length, true), length);
		write.now = bpf_ktime_get_ns();
		judge_node(&ring->node, &write, look, said);
	}
	place_stream(ring, (u32)tp->bytes_acked - tp->snd_una);
	bind_thread(ring, said, position_of(ring, tp->bytes_acked, tp->write_seq), tp->write_seq);
	return 0;
}

/* As follow_thread(), where the socket has no type. */
static __noinline int follow_thread_at(struct followed *followed, struct tcp_sock *tp,
				       struct iov_iter *iter, bool first)
{
	struct node_write write = {.read = BPF_CORE_READ(tp, copied_seq), .first = first};
	u64 length = 0, buffer = 0, bytes_acked = BPF_CORE_READ(tp, bytes_acked);
	struct thread_layout *layout = current_layout();
	enum thread_look look = THREAD_UNCLEAR;
	struct request_ring *ring = &followed->ring;
	u32 write_seq = BPF_CORE_READ(tp, write_seq);
	struct thread_work *work = begin_look(LOOK_WRITE);
	struct request *said;

	if (!work)
		return 0;
	said = &work->said;
	if (first || layout) {
		buffer = first_buffer(iter, &length, false);
		if (begins_multiplexed(buffer, length, BPF_CORE_READ(iter, count)))
			ring->one_by_one = 0;
		else if (first)
			ring->one_by_one = 1;
		if (layout && ring->one_by_one)
			look = read_thread_context(layout, work);
		else if (layout)
			miss_thread(layout, MISS_MULTIPLEXED, look);
	}
	if (layout && is_node(layout) && ring->one_by_one) {
		write.type = first_byte(buffer, length);
		write.now = bpf_ktime_get_ns();
		judge_node(&ring->node, &write, look, said);
	}
	place_stream(ring, (u32)bytes_acked - BPF_CORE_READ(tp, snd_una));
	bind_thread(ring, said, position_of(ring, bytes_acked, write_seq), write_seq);
	return 0;
}

#endif
