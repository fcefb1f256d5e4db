// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * This reads the traceparent of plaintext HTTP/1.x requests at the client's write (W3C Trace
 * Context, RFC 9112). A context is taken only from a head that begins at a message boundary of a
 * stream followed from its first byte. Everything uncertain gives no context and is counted. Of the
 * payload 26 bytes leave the kernel.
 */
#include "wirespan.bpf.h"
#include "http1_write.bpf.h"
#include "http1_answer.bpf.h"
#include "http1_parts.bpf.h"
#include "thread_write.bpf.h"

/* A first write shows who uses an accepted connection. */
static __always_inline void name_owner(struct sock *sk, struct tcp_sock *tp, struct conn *conn)
{
	u64 now = bpf_ktime_get_ns();
	struct known_owner owner = {};

	merge_accept(sk, tp, conn, now);
	if ((conn->flags & CONN_OWNER_PROVISIONAL) && current_owner(&owner))
		confirm_owner(sk, tp, conn, &owner, PROBE_REQUEST, now);
}

/* A first write begins with a request: was the connection opened for it? If so that is told. */
static __noinline int link_opening(struct sock *sk, struct tcp_sock *tp, struct conn *conn,
				   const struct request *opening, u64 now)
{
	if (!is_wanted(opening) || (conn->flags & CONN_OPENED_FOR) ||
	    !is_opener(&conn->opener, &conn->owner, conn->established_ns, now))
		return 0;
	emit_handshake(sk, tp, conn, opening, now);
	return 1;
}

/*
 * A client writes, maybe a request. It is not inlined, since its caller, which names owners, has no stack
 * left for it; neither is what it calls.
 */
static __noinline int follow_write(struct sock *sk, struct tcp_sock *tp, struct msghdr *msg,
				   bool first)
{
	struct iov_iter *iter = &msg->msg_iter;
	struct write write = {.first = first};
	struct request_ring *ring;
	struct request *opening;
	struct conn *conn;
	u32 number, before;
	int is_opened = 0;

	write.buffer = first_buffer(iter, &write.length, true);
	write.begins = begins_as_request(&write);
	if (!write.begins && !is_unfinished(sk))
		return 0;
	conn = conn_of(sk);
	if (!conn || conn->role != ROLE_CLIENT ||
	    (conn->flags & (CONN_IGNORED | CONN_MAY_BE_RESTORED)) ||
	    !(conn->flags & CONN_ESTABLISHED))
		return 0;
	write.write_seq = tp->write_seq;
	write.bytes_acked = tp->bytes_acked;
	write.count = iter->count;
	write.iter = address_of(iter);
	write.now = bpf_ktime_get_ns();
	ring = bpf_sk_storage_get(&requests, sk, 0, first ? BPF_SK_STORAGE_GET_F_CREATE : 0);
	before = ring ? ring->count : 0;
	number = take_request(ring, &write);
	if (!ring)
		return 0;
	if (write.part)
		number = take_parts(ring, &write, number);
	if (write.has_body)
		follow_body(ring, &write);
	note_unfinished(sk, ring);
	if (ring->goes_on && !(conn->flags & CONN_UNFINISHED))
		set_flags(conn, CONN_UNFINISHED);
	opening = slot_at(ring, number);
	if (opening)
		is_opened = link_opening(sk, tp, conn, opening, write.now);
	if (cfg_emit_exchange)
		follow_exchange(tp, conn, ring, before, write.now);
	if (cfg_phases && is_opened && opening == slot_at(ring, ring->count))
		note_opening(tp, conn, opening);
	return 0;
}

/*
 * An application writes, and its bytes are not queued yet. The socket's counters tell a server's end
 * (see role_of()); of it, only where answers begin is looked at. Other data that is no HTTP request is
 * left alone after one read of 8 bytes. A first write also names the owner of an accepted connection.
 */
static __always_inline void handle_write(struct sock *sk, struct msghdr *msg)
{
	struct tcp_sock *tp;
	struct conn *conn;
	bool first;

	if (msg->msg_iter.iov_offset)
		return; /* a later part of a long write */
	tp = bpf_skc_to_tcp_sock(sk);
	if (!tp)
		return;
	first = !tp->bytes_sent && tp->write_seq == tp->snd_una;
	if (first) {
		conn = opened_conn(sk, tp, conn_of(sk));
		if (!conn)
			return;
		if (conn->flags & CONN_OWNER_PROVISIONAL)
			name_owner(sk, tp, conn);
	}
	if (tp->bytes_acked == acked_payload(tp)) {
		if (cfg_serves)
			follow_answer(sk, tp, msg);
		if (cfg_phases)
			note_write(tp, msg->msg_iter.count);
		return;
	}
	if (cfg_http1)
		follow_write(sk, tp, msg, first);
	if (cfg_thread_context && (first || thread_publishers))
		follow_thread(sk, tp, msg, first);
	if (cfg_phases)
		note_write(tp, msg->msg_iter.count);
}

/* This tracepoint is there since 6.15. */
SEC("tp_btf/tcp_sendmsg_locked")
int BPF_PROG(ws_write, struct sock *sk, struct msghdr *msg)
{
	handle_write(sk, msg);
	return 0;
}

SEC("fentry/tcp_sendmsg_locked")
int BPF_PROG(ws_write_fentry, struct sock *sk, struct msghdr *msg)
{
	handle_write(sk, msg);
	return 0;
}

/* As follow_write(), where the socket has no type. */
static __noinline int follow_write_at(struct followed *followed, struct tcp_sock *tp,
				      struct iov_iter *iter, bool first)
{
	struct write write = {.first = first};
	struct request_ring *ring;
	struct request *opening;
	u32 number;

	write.buffer = first_buffer(iter, &write.length, false);
	write.begins = begins_as_request(&write);
	if (!write.begins && !followed->ring.now.chunks.state && !followed->ring.now.held)
		return 0;
	write.iter = (u64)iter;
	write.count = BPF_CORE_READ(iter, count);
	write.write_seq = BPF_CORE_READ(tp, write_seq);
	write.bytes_acked = BPF_CORE_READ(tp, bytes_acked);
	/* As with the storage, there is none before a first write that is a request. */
	ring = first || followed->ring.written ? &followed->ring : 0;
	write.now = bpf_ktime_get_ns();
	number = take_request(ring, &write);
	if (ring && write.part)
		number = take_parts(ring, &write, number);
	opening = slot_at(ring, number);
	if (write.has_body)
		follow_body(ring, &write);
	if (opening && is_wanted(opening) &&
	    is_opener(&followed->opener, &followed->handshake.owner,
		      followed->handshake.established_ns, write.now))
		emit_followed_handshake(followed, opening, write.now);
	return 0;
}

/*
 * Without trampolines the socket has no type, so only connections in `follows` are read, and no
 * owner is named.
 */
SEC("kprobe/tcp_sendmsg_locked")
int BPF_KPROBE(ws_write_kprobe, struct sock *sk, struct msghdr *msg)
{
	struct iov_iter *iter = &msg->msg_iter;
	struct tcp_sock *tp = (struct tcp_sock *)sk;
	struct followed *followed;
	u64 address = (u64)sk;
	bool first;

	followed = bpf_map_lookup_elem(&follows, &address);
	if (!followed || BPF_CORE_READ(iter, iov_offset))
		return 0;
	if (followed->cookie != (u64)BPF_CORE_READ(sk, __sk_common.skc_cookie.counter))
		return 0; /* another socket where that one was */
	first = !BPF_CORE_READ(tp, bytes_sent) &&
		BPF_CORE_READ(tp, write_seq) == BPF_CORE_READ(tp, snd_una);
	if (cfg_http1)
		follow_write_at(followed, tp, iter, first);
	if (cfg_thread_context && (first || thread_publishers))
		follow_thread_at(followed, tp, iter, first);
	return 0;
}

/*
 * A client's SYN is about to leave that has, or may have, data: connect() and the first write in one step
 * (MSG_FASTOPEN), or the first write after a connect() that sent nothing (TCP_FASTOPEN_CONNECT). No other
 * connect() comes here.
 */
SEC("fentry/tcp_fastopen_cookie_check")
int BPF_PROG(ws_syn, struct sock *sk)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct conn *conn;

	if (!tp)
		return 0;
	conn = conn_of(sk);
	if (conn && conn->role == ROLE_CLIENT && !(conn->flags & (CONN_IGNORED | CONN_CLOSED)))
		follow_syn(sk, tp, conn, bpf_ktime_get_ns());
	return 0;
}
