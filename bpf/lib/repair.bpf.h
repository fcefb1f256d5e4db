/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The kernel skips a program that would interrupt itself on its CPU. What a socket's next change,
 * its destruction or a pass finds undone is done then, with the counters and times that the kernel
 * keeps of the socket (docs/decisions/0021).
 */
#ifndef WIRESPAN_LIB_REPAIR_H
#define WIRESPAN_LIB_REPAIR_H

/* Tells whether it is past its handshake, and not closed. */
static __always_inline bool is_open_state(u8 state)
{
	return state == TCP_ESTABLISHED || state == TCP_FIN_WAIT1 || state == TCP_FIN_WAIT2 ||
	       state == TCP_CLOSE_WAIT || state == TCP_LAST_ACK || state == TCP_CLOSING;
}

static __always_inline u64 at_least(u64 earliest, u64 at, u64 now)
{
	if (at > now)
		at = now;
	return at < earliest ? earliest : at;
}

/* The stamp is tcp_init_transfer()'s, until much was read: then it is the best known. */
static __always_inline u64 established_at(struct tcp_sock *tp, u64 earliest, u64 now)
{
	u64 stamp = tp->rcvq_space.time * 1000;

	return at_least(earliest, stamp ? stamp : now, now);
}

/*
 * TCP_FASTOPEN_CONNECT: connect() is in SYN_SENT and sends nothing, the first write sends the SYN.
 * The kernel keeps the time of that, in milliseconds, until it is acknowledged.
 */
static __always_inline void begin_at_syn(struct tcp_sock *tp, struct conn *conn, u64 now)
{
	u64 unit_ns = 1000000;
	u32 since;

	if (!BPF_CORE_READ_BITFIELD(tp, fastopen_connect) || !tp->retrans_stamp)
		return;
	if (bpf_core_field_exists(tp->tcp_usec_ts) && BPF_CORE_READ_BITFIELD(tp, tcp_usec_ts))
		unit_ns = 1000;
	since = (u32)(now / unit_ns) - tp->retrans_stamp;
	conn->start_ns = at_least(conn->start_ns, now - since * unit_ns, now);
}

/* Returns when its last packet came or went, or its timer ran out. */
static __always_inline u64 ended_at(struct tcp_sock *tp, u64 earliest, u64 now)
{
	return at_least(earliest, tp->tcp_mstamp * 1000, now);
}

/*
 * It is used before its handshake ends, and nothing was missed. What it sent again were SYN-ACKs,
 * which have counts of their own.
 */
static __always_inline void begin_fast(struct tcp_sock *tp, struct conn *conn)
{
	conn->start_ns = conn->established_ns;
	conn->syn_retransmits = tp->total_retrans;
	conn->counted.segments_retransmitted = tp->total_retrans;
	set_flags(conn, CONN_NO_START);
}

/*
 * A connection is or was established, as no program saw. Returns NULL when it was not, or is not to
 * be observed. `cookie` is the socket's, which a child's entry does not have yet.
 */
static __always_inline struct conn *open_late(struct sock *sk, struct tcp_sock *tp,
					      struct conn *conn, u64 cookie)
{
	struct moment when = {.now = bpf_ktime_get_ns(), .late = true};

	if (!conn || (conn->flags & CONN_CLOSED) || !tp->rcvq_space.time)
		return 0;
	if (conn->role == ROLE_CLIENT) {
		if (!tp->bytes_acked || is_ignored(sk, tp, conn))
			return 0;
		when.at = established_at(tp, conn->start_ns, when.now);
		open_client(sk, tp, conn, &when);
	} else {
		if (conn->role != ROLE_LISTENER || conn->listen_port != local_port_of(tp) ||
		    set_flags(conn, CONN_ESTABLISHED) & CONN_ESTABLISHED)
			return 0;
		conn->cookie = cookie;
		when.at = established_at(tp, 0, when.now);
		/* This is when the copy was made. */
		if (conn->state == TCP_SYN_RECV && conn->established_ns < when.at)
			when.at = conn->established_ns;
		open_server(sk, tp, conn, &when);
	}
	if (is_fast_open(sk, tp))
		begin_fast(tp, conn);
	else
		count_loss(PROBE_STATE, REPAIRED);
	return conn;
}

/*
 * Does the same for a child of which nothing is kept. Its listener is taken for the last at its
 * port.
 */
static __always_inline struct conn *adopt_child(struct sock *sk, struct tcp_sock *tp)
{
	struct listen_port key = {.netns = netns_of(sk), .port = local_port_of(tp)};
	struct moment when = {.now = bpf_ktime_get_ns(), .late = true};
	struct conn *conn;

	conn = bpf_map_lookup_elem(&listen_ports, &key) ? track(sk, PROBE_STATE) : 0;
	if (!conn)
		return 0;
	copy_from_port(sk, tp, conn);
	when.at = established_at(tp, 0, when.now);
	open_server(sk, tp, conn, &when);
	begin_passes(conn);
	count_loss(PROBE_STATE, REPAIRED);
	return conn;
}

/*
 * What is kept of a connection past its handshake, or used before that ended, whether it was seen or
 * not. Not for iterators:
 * one of those may open it at this moment, and takes no lock.
 */
static __always_inline struct conn *opened_conn(struct sock *sk, struct tcp_sock *tp,
						struct conn *conn)
{
	if (!conn)
		conn = copy_of_listener(sk);
	if (!conn)
		conn = conn_of(sk);
	if (conn && (conn->flags & CONN_ESTABLISHED))
		return conn;
	return open_late(sk, tp, conn, bpf_get_socket_cookie(sk));
}

/* Tells whether all was acknowledged, and one byte more than the payload, which is the FIN. */
static __always_inline bool is_fin_acked(struct tcp_sock *tp, const struct conn *conn)
{
	return tp->snd_una == tp->write_seq &&
	       payload_sent(tp, conn, false) == tp->bytes_sent - tp->bytes_retrans + 1;
}

/*
 * Tells what ended it, by what it left. When there were two FINs, ours is taken for the first,
 * since fewer programs were skipped then.
 */
static __always_inline u8 cause_of_end(struct sock *sk, struct tcp_sock *tp,
				       const struct conn *conn, bool fin_acked)
{
	if (conn->reason != CLOSE_NONE)
		return conn->reason;
	if (fin_acked)
		return CLOSE_LOCAL_FIN;
	if (sk->__sk_common.skc_flags & (1 << 1)) /* SOCK_DONE: tcp_fin() */
		return CLOSE_PEER_FIN;
	if (sk->sk_err)
		return cause_of_error(sk->sk_err);
	if (conn->reset_cause)
		return conn->reset_cause - 1;
	if (tp->inet_conn.icsk_retransmits || tp->inet_conn.icsk_probes_out)
		return CLOSE_TIMEOUT;
	/* What a process does itself is not missed, since no program was interrupted. */
	return cfg_sees_resets ? CLOSE_OTHER : CLOSE_RESET_RECEIVED;
}

/* Returns the errno of a failed attempt, when connect() may have taken it already. */
static __always_inline u8 failure_of_late(struct sock *sk, struct tcp_sock *tp,
					  const struct conn *conn)
{
	if (sk->sk_err)
		return sk->sk_err;
	if (conn->reset_cause == 1 + CLOSE_RESET_RECEIVED)
		return ECONNREFUSED_NR;
	if (sk->sk_err_soft)
		return sk->sk_err_soft;
	if (tp->inet_conn.icsk_retransmits)
		return ETIMEDOUT_NR;
	return cfg_sees_resets ? ERROR_CANCELLED : ECONNREFUSED_NR;
}

/* A socket is in TCP_CLOSE, and no program saw its end. `cookie` is as above. */
static __always_inline int end_late(struct sock *sk, struct tcp_sock *tp, struct conn *conn,
				    u64 cookie)
{
	struct moment when = {.now = bpf_ktime_get_ns(), .late = true};
	bool fin_acked;

	if (!conn || (conn->flags & CONN_CLOSED))
		return 0;
	if (!(conn->flags & CONN_ESTABLISHED) && conn->role == ROLE_CLIENT && !tp->bytes_acked) {
		if (is_ignored(sk, tp, conn))
			return 0;
		when.at = ended_at(tp, conn->start_ns, when.now);
		fail_client(sk, tp, conn, failure_of_late(sk, tp, conn), 0, &when);
		count_loss(PROBE_STATE, REPAIRED);
		return 0;
	}
	if (!(conn->flags & CONN_ESTABLISHED))
		conn = open_late(sk, tp, conn, cookie);
	if (!conn || ((conn->flags & CONN_IGNORED) && !may_be_wanted(conn)))
		return 0;
	merge_accept(sk, tp, conn, when.now);
	fin_acked = is_fin_acked(tp, conn);
	conn->reason = cause_of_end(sk, tp, conn, fin_acked);
	if (conn->flags & CONN_IGNORED)
		return 0;
	when.at = ended_at(tp, conn->established_ns, when.now);
	if (when.at < conn->state_ns)
		when.at = conn->state_ns;
	change_state(sk, tp, conn, TCP_CLOSE, when.at);
	end_connection(sk, tp, conn, fin_acked, &when);
	count_loss(PROBE_STATE, REPAIRED);
	return 0;
}

/*
 * Tells what must have been first, by the state that it leaves. The change to that may have been
 * missed.
 */
static __always_inline u8 cause_before(u8 old)
{
	if (old == TCP_CLOSE_WAIT || old == TCP_LAST_ACK)
		return CLOSE_PEER_FIN;
	if (old == TCP_FIN_WAIT1 || old == TCP_FIN_WAIT2 || old == TCP_CLOSING)
		return CLOSE_LOCAL_FIN;
	return CLOSE_NONE;
}

static __always_inline void step_late(struct sock *sk, struct tcp_sock *tp, struct conn *conn,
				      u8 state, u64 now)
{
	if (conn->state != state)
		change_state(sk, tp, conn, state, now);
}

/*
 * Brings it into the state that it leaves now. What time it spent there counts for the one before.
 */
static __always_inline void pass_through(struct sock *sk, struct tcp_sock *tp, struct conn *conn,
					 u8 old, u64 now)
{
	if (conn->state == TCP_ESTABLISHED && old == TCP_LAST_ACK)
		step_late(sk, tp, conn, TCP_CLOSE_WAIT, now);
	if (conn->state == TCP_ESTABLISHED && (old == TCP_FIN_WAIT2 || old == TCP_CLOSING))
		step_late(sk, tp, conn, TCP_FIN_WAIT1, now);
	step_late(sk, tp, conn, old, now);
}

#endif
