/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* This tells who uses a connection: the process that showed itself, and its accept(). */
#ifndef WIRESPAN_LIB_ACCEPTED_H
#define WIRESPAN_LIB_ACCEPTED_H

/* Tells whether it is still to be counted as opened. It is true once, for whoever asks first. */
static __always_inline bool take_pending(struct conn *conn)
{
	return (conn->flags & CONN_OPEN_PENDING) &&
	       (clear_flags(conn, CONN_OPEN_PENDING) & CONN_OPEN_PENDING);
}

/* Counts a finished attempt to establish a connection. */
static __always_inline void count_open(struct conn *conn, struct series *row)
{
	__sync_fetch_and_add(&row->opened, 1);
	if (conn->deferred)
		count_left_out();
	if (!(conn->flags & CONN_NO_START))
		HISTOGRAM_ADD(row->handshake, bounds_tcp_handshake_duration,
			      conn->established_ns - conn->start_ns);
}

/*
 * Whether its owner is still to be settled: true once. What a pass counted as opened meanwhile stays
 * with the owner that it was counted on. `pending`: it is to be counted now.
 */
static __always_inline bool take_provisional(struct conn *conn, bool *pending)
{
	if (!(clear_flags(conn, CONN_OWNER_PROVISIONAL) & CONN_OWNER_PROVISIONAL))
		return false;
	*pending = take_pending(conn);
	return *pending || (conn->flags & CONN_PREEXISTING);
}

/*
 * A process showed itself as the user of a connection. The first one has it to its end, whoever it
 * is handed to, so that each owner's sums agree. It also decides whether the filter wants it.
 */
static __always_inline void confirm_owner(struct sock *sk, struct tcp_sock *tp, struct conn *conn,
					  const struct known_owner *owner, u32 probe, u64 now)
{
	struct series *row = 0;
	struct series_key key;
	bool pending = false;

	if (!take_provisional(conn, &pending))
		return;
	conn->owner = owner->key;
	conn->owner_rules = owner->rules;
	if (owner->key.pid == agent_pid)
		set_flags(conn, CONN_IGNORED);
	else
		apply_filter(sk, tp, conn);
	announce(owner, conn, probe);
	if (!pending)
		return;
	if (!(conn->flags & CONN_IGNORED)) {
		fill_series_key(&key, sk, conn, NO_ERROR);
		row = series_row(&key, probe, now);
	}
	if (row)
		count_open(conn, row);
	else
		set_flags(conn, CONN_OPEN_PENDING); /* another filter may want it */
}

/*
 * An accept is known: its time, the wait in the queue, and the owner. `from` is what is kept of the
 * listener, or NULL.
 */
static __always_inline void take_accept(struct sock *sk, struct tcp_sock *tp, struct conn *conn,
					struct conn *from, const struct known_owner *owner,
					const struct moment *when)
{
	struct latency wait = {
		.at = when->at,
		.probe = PROBE_ACCEPT,
		.kind = LATENCY_ACCEPT_QUEUE,
	};
	struct listener *row;
	u32 reader;

	conn->accepted_ns = when->at;
	confirm_owner(sk, tp, conn, owner, PROBE_ACCEPT, when->now);
	note_acceptor(sk, tp, from, owner);
	if (conn->flags & CONN_IGNORED)
		return;
	if (conn->established_ns && when->at >= conn->established_ns &&
	    !(conn->flags & CONN_LISTENER_IGNORED)) {
		row = listener_for(&conn->listener_owner, conn, conn->listen_port, family_of(sk),
				   PROBE_ACCEPT);
		if (row)
			HISTOGRAM_ADD(row->accept_wait, bounds_tcp_accept_queue_duration,
				      when->at - conn->established_ns);
	}
	if (cfg_slow_accept_ns && conn->established_ns &&
	    when->at > conn->established_ns + cfg_slow_accept_ns) {
		wait.ns = when->at - conn->established_ns;
		emit_latency(sk, tp, conn, &wait);
	}
	reader = reader_of(cfg_emit_accept, VIEWED_ACCEPT);
	if (reader)
		emit_connection(sk, tp, conn, CONNECTION_ACCEPT, when->at, reader);
}

/* Some connection was accepted on one CPU before it was established on another. */
u8 early_accepts = 0;

/* Tells whether what was noted is of this socket, and not of one that had its address before. */
static __always_inline bool is_accept_of(const struct accepted *accepted, const struct conn *conn)
{
	if (accepted->cookie)
		return accepted->cookie == conn->cookie;
	return accepted->ns >= conn->established_ns;
}

/* Takes over the accept that was noted about this socket. */
static __always_inline void merge_accept(struct sock *sk, struct tcp_sock *tp, struct conn *conn,
					 u64 now)
{
	struct moment when = {.now = now};
	struct known_owner owner = {};
	struct conn *listener = 0;
	struct accepted *found, copy;
	u64 address = (u64)sk;

	if (!(cfg_accept_by_address || early_accepts) || !(conn->flags & CONN_OWNER_PROVISIONAL))
		return;
	found = bpf_map_lookup_elem(&accepts, &address);
	if (!found)
		return;
	copy = *found;
	bpf_map_delete_elem(&accepts, &address);
	if (!is_accept_of(&copy, conn))
		return;
	owner.key = copy.owner;
	owner.rules = copy.owner_rules;
	when.at = copy.ns < conn->established_ns ? conn->established_ns : copy.ns;
	if (cfg_conn_table)
		listener = listener_at(conn->listener_sock);
	take_accept(sk, tp, conn, listener, &owner, &when);
}

#endif
