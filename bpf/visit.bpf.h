/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What a pass does with one tracked socket. The variables of the pass are declared above it. */
#ifndef WIRESPAN_VISIT_H
#define WIRESPAN_VISIT_H

/* Tells whether its SYN queue was ever full, which the kernel keeps for a warning in its log. */
static __always_inline bool was_flooded(struct tcp_sock *tp)
{
	return tp->inet_conn.icsk_accept_queue.synflood_warned;
}

static __always_inline void count_active(struct series *row, u64 count)
{
	if (row->active_pass != pass_number) {
		row->active_pass = pass_number;
		row->active = 0;
	}
	row->active += count;
	pass_connections += count;
}

/* Counts the connections in a listener's accept queue that a pass does not meet. */
static __always_inline void count_waiting(struct sock *sk, struct tcp_sock *tp,
					  const struct conn *conn, u64 count)
{
	struct series_key key = {.owner = conn->owner, .role = ROLE_SERVER};
	struct series *row;

	key.family = family_of(sk);
	key.server_port = local_port_of(tp);
	row = series_row(&key, PROBE_SCAN, pass_now_ns);
	if (row)
		count_active(row, count);
}

static __always_inline void pass_listener(struct sock *sk, struct tcp_sock *tp, struct conn *conn)
{
	struct listener *row = listener_for(&conn->owner, conn, local_port_of(tp), family_of(sk),
					    PROBE_SCAN);

	if (!row)
		return;
	if (row->pass != pass_number) {
		row->pass = pass_number;
		row->count = 0;
		row->usage = 0;
		row->limit = 0;
		row->flooded = 0;
		row->cookie = 0;
	}
	row->count += 1;
	row->usage += sk->sk_ack_backlog;
	row->limit += sk->sk_max_ack_backlog;
	row->flooded += was_flooded(tp);
	add_listener_drops(row, sk, conn);
	if (!cfg_conn_table || !conn->queued)
		return;
	/* They are accepted before those that came later, which are in the table. */
	if (conn->queued > sk->sk_ack_backlog)
		conn->queued = sk->sk_ack_backlog;
	count_waiting(sk, tp, conn, conn->queued);
}

/* The first pass tells of all: what they moved until then. */
static __always_inline u32 live_reader(const struct conn *conn, u64 moved)
{
	if (pass_number != 1 && !pass_tells_all &&
	    conn->counted.bytes_sent + conn->counted.bytes_received == moved)
		return FOR_NOBODY;
	return reader_of(cfg_emit_live, VIEWED_LIVE);
}

/* If it was not accepted for a second, it counts on the listener's owner. */
static __always_inline bool is_accept_late(const struct conn *conn)
{
	return !(conn->flags & CONN_OWNER_PROVISIONAL) ||
	       conn->established_ns + 1000000000ULL < pass_now_ns;
}

static __always_inline void pass_connection(struct sock *sk, struct tcp_sock *tp, struct conn *conn,
					    u8 state)
{
	struct series_key key;
	struct series *row;
	struct tcp_counters now;
	u32 reader;
	u64 moved;

	fill_series_key(&key, sk, conn, NO_ERROR);
	row = series_row(&key, PROBE_SCAN, pass_now_ns);
	if (!row)
		return;
	if (!pass_for_views && is_accept_late(conn) && take_pending(conn))
		count_open(conn, row);
	if (state == TCP_ESTABLISHED || state == TCP_CLOSE_WAIT || state == TCP_SYN_RECV)
		count_active(row, 1);
	if (conn->flags & CONN_OPEN_PENDING) {
		/* What it moved is its owner's too, so it is not counted yet; a view is told of it. */
		if (pass_for_views && is_accept_late(conn) && is_viewed(VIEWED_LIVE))
			emit_connection(sk, tp, conn, CONNECTION_LIVE, pass_now_ns, FOR_VIEWS);
		return;
	}
	/*
	 * Once a FIN is under way bytes_* count it, so those states wait for the close. The state
	 * is asked after the counters were read, or a FIN that came in between would be taken for
	 * payload. When it ended meanwhile, they may be of another socket.
	 */
	now = counters_of(sk, tp, conn, false);
	moved = conn->counted.bytes_sent + conn->counted.bytes_received;
	barrier();
	state = sk->__sk_common.skc_state;
	if (flags_now(conn) & CONN_CLOSED)
		return;
	if (state == TCP_ESTABLISHED)
		add_live_bytes(&conn->counted, &now, row);
	add_live_segments(&conn->counted, &now, row);
	reader = live_reader(conn, moved);
	if (reader)
		emit_connection(sk, tp, conn, CONNECTION_LIVE, pass_now_ns, reader);
	if (pass_for_views)
		return;
	add_rtt(row, tp, conn);
	check_rtt(sk, tp, conn, pass_now_ns, PROBE_SCAN);
}

/*
 * Tells whether it closed, as no program saw. A program hears of a change before the socket's state
 * is changed: a connect() of this moment is still in TCP_CLOSE. What was read before of one that is
 * established may be of a time before its connect(), so the state is read again.
 */
static __always_inline bool is_end_unseen(struct sock *sk, struct conn *conn)
{
	u32 flags = flags_now(conn);

	if (!(flags & CONN_ESTABLISHED) &&
	    (conn->role != ROLE_CLIENT || conn->start_ns + 3000000000ULL >= pass_now_ns))
		return false;
	return sk->__sk_common.skc_state == TCP_CLOSE && !(flags_now(conn) & CONN_CLOSED);
}

/*
 * What only the files of all processes can answer: who has a listener, or where no accept is seen, who
 * accepted an MPTCP connection.
 */
static __always_inline bool is_for_holders(struct sock *sk, struct tcp_sock *tp,
					   const struct conn *conn)
{
	u32 awaited = CONN_OWNER_PROVISIONAL | CONN_ESTABLISHED;

	if (conn->role == ROLE_LISTENER)
		return sk->__sk_common.skc_state == TCP_LISTEN && conn->owner.pid != agent_pid;
	return cfg_accepts_unseen && bpf_core_type_exists(struct mptcp_sock) && tp->is_mptcp &&
	       (conn->flags & (awaited | CONN_CLOSED)) == awaited;
}

/* Whether it waits for the second run of this pass, before which they are asked. */
static __always_inline bool waits_for_holders(struct sock *sk, struct tcp_sock *tp,
					      struct conn *conn, bool by_file)
{
	if (pass_again || !is_for_holders(sk, tp, conn))
		return false;
	if (conn->role == ROLE_LISTENER && !is_in_doubt(conn, by_file))
		return false;
	set_flags(conn, CONN_WAITS);
	pass_doubts += 1;
	return true;
}

static __always_inline bool is_in_run(struct conn *conn)
{
	if (!pass_again)
		return true;
	return (conn->flags & CONN_WAITS) && (clear_flags(conn, CONN_WAITS) & CONN_WAITS);
}

/* Visits one tracked socket of a pass. `owner` is given when the pass knows who has it open. */
static __always_inline void pass_socket(struct sock *sk, struct tcp_sock *tp, struct conn *conn,
					const struct known_owner *owner)
{
	u8 state = sk->__sk_common.skc_state;

	if (conn->pass == pass_number || waits_for_holders(sk, tp, conn, !!owner))
		return;
	conn->pass = pass_number;
	refilter(sk, tp, conn);
	if ((conn->flags & CONN_IGNORED) && !may_be_wanted(conn))
		return;
	if (state == TCP_LISTEN && conn->role == ROLE_LISTENER) {
		if (conn->owner.pid != agent_pid)
			pass_listener(sk, tp, conn);
		return;
	}
	if (conn->flags & CONN_CLOSED)
		return;
	if (state == TCP_CLOSE && is_end_unseen(sk, conn))
		end_late(sk, tp, conn, cookie_of(sk));
	else if (is_open_state(state) && !(conn->flags & CONN_ESTABLISHED))
		open_late(sk, tp, conn, cookie_of(sk));
	if (!(conn->flags & CONN_ESTABLISHED) || (conn->flags & CONN_CLOSED) ||
	    conn->role == ROLE_LISTENER)
		return;
	merge_accept(sk, tp, conn, pass_now_ns);
	if (owner && (conn->flags & CONN_OWNER_PROVISIONAL))
		confirm_owner(sk, tp, conn, owner, PROBE_SCAN, pass_now_ns);
	if (!owner)
		own_joined(sk, tp, conn, PROBE_SCAN, pass_now_ns);
	if (!(conn->flags & CONN_IGNORED))
		pass_connection(sk, tp, conn, state);
}

/* Claims its unowned drops, when the pass looks for them. The owner is known by now. */
static __always_inline void pass_unowned(struct sock *sk, struct tcp_sock *tp, struct conn *conn)
{
	if (!pass_unowned_bank || conn->pass != pass_number)
		return;
	if (sk->__sk_common.skc_state == TCP_LISTEN && conn->role == ROLE_LISTENER)
		note_listen_end(sk, tp, conn);
	else
		claim_unowned(sk, tp, conn, pass_unowned_bank);
}

#endif
