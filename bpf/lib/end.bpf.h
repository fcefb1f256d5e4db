/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* This adds the end of a connection to the sums, once, by whoever sees it first. */
#ifndef WIRESPAN_LIB_END_H
#define WIRESPAN_LIB_END_H

/*
 * What an error says of the end: tcp_reset() sets the first two, tcp_abort() (ss -K) the third, and
 * tcp_write_err() ETIMEDOUT or what ICMP said meanwhile.
 */
static __always_inline u8 cause_of_error(int error)
{
	if (error == ECONNRESET_NR || error == EPIPE_NR)
		return CLOSE_RESET_RECEIVED;
	return error == ECONNABORTED_NR ? CLOSE_RESET_SENT : CLOSE_TIMEOUT;
}

/* The errno that the application gets of the end. A RST that cut nothing off is no failure. */
static __always_inline u8 close_error(struct sock *sk, struct tcp_sock *tp, struct conn *conn)
{
	bool unsent = tp->write_seq != tp->snd_una;
	u8 error = sk->sk_err;

	if (conn->reason == CLOSE_TIMEOUT) {
		if (!error)
			error = sk->sk_err_soft;
		return error ? error : ETIMEDOUT_NR;
	}
	if (conn->reason == CLOSE_RESET_RECEIVED)
		return unsent || tp->rcv_nxt != tp->copied_seq ? ECONNRESET_NR : NO_ERROR;
	if (is_done_with(sk))
		return NO_ERROR;
	/* Answers to what was half closed (shutdown()) are cut off. */
	if (cause_of_error(error) == CLOSE_RESET_RECEIVED && !unsent &&
	    conn->reason != CLOSE_LOCAL_FIN)
		return NO_ERROR;
	return error;
}

/* Adds the final counters of a connection. `fin_sent` is as in counters_of(). */
static __always_inline void end_connection(struct sock *sk, struct tcp_sock *tp, struct conn *conn,
					   bool fin_sent, const struct moment *when)
{
	struct tcp_counters final = counters_of(sk, tp, conn, fin_sent);
	struct series_key key;
	struct series *row;
	u32 reader;

	if (set_flags(conn, CONN_CLOSED) & CONN_CLOSED)
		return;
	conn->error = close_error(sk, tp, conn);
	fill_series_key(&key, sk, conn, NO_ERROR);
	row = series_row(&key, PROBE_STATE, when->now);
	if (!row)
		return;
	if (take_pending(conn))
		count_open(conn, row);
	add_final_counters(&conn->counted, &final, row);
	add_rtt(row, tp, conn);
	check_rtt(sk, tp, conn, when->now, PROBE_STATE);
	__sync_fetch_and_add(&row->closed[conn->reason & (CLOSE_REASONS - 1)], 1);
	if (cfg_transfer_size) {
		HISTOGRAM_ADD(row->size_sent, bounds_tcp_connection_transfer_size,
			      conn->counted.bytes_sent);
		HISTOGRAM_ADD(row->size_received, bounds_tcp_connection_transfer_size,
			      conn->counted.bytes_received);
	}
	reader = reader_of(cfg_emit_close == EMIT_ALL ||
				   (cfg_emit_close && was_opened_for_request(sk, conn)),
			   VIEWED_CLOSE);
	if (reader)
		emit_connection(sk, tp, conn, CONNECTION_CLOSE, when->at, reader);
	if (!conn->established_ns)
		return;
	if (conn->error) {
		key.error = conn->error;
		row = series_row(&key, PROBE_STATE, when->now);
	}
	if (row)
		HISTOGRAM_ADD(row->duration, bounds_tcp_connection_duration,
			      when->at - conn->established_ns);
}

/*
 * Returns the row that `account_gone` adds to. It has no addresses, since these went with the
 * socket.
 */
static __always_inline struct series *row_of_gone(const struct conn *conn, u8 error, u64 now)
{
	struct series_key key = {};

	key.owner = conn->owner;
	key.role = conn->role;
	key.family = conn->family ? conn->family : 4;
	key.error = error;
	key.cidr = conn->cidr;
	key.server_port = conn->listen_port;
	return series_row(&key, PROBE_STATE, now);
}

/*
 * Neither its end nor its socket's destruction was seen, and no pass came in between: the kernel
 * sometimes runs no program at all. It is one loss, of its close record. What it counted since its
 * own FIN, or without one since the last pass, is not known.
 */
__noinline int account_gone(struct conn *conn)
{
	u64 now = bpf_ktime_get_ns();
	struct series *row;
	u32 flags;

	if (!conn)
		return 0;
	flags = set_flags(conn, CONN_CLOSED);
	if (flags & (CONN_CLOSED | CONN_IGNORED))
		return 0;
	if (conn->role == ROLE_LISTENER && conn->state == TCP_LISTEN && cfg_emit_listener)
		count_loss(PROBE_STATE, LOST_SKIPPED);
	if (conn->role != ROLE_CLIENT && !(flags & CONN_ESTABLISHED))
		return 0;
	count_loss(PROBE_STATE, LOST_SKIPPED);
	if (!(flags & CONN_ESTABLISHED)) {
		row = row_of_gone(conn, ERROR_UNKNOWN, now);
		if (!row)
			return 0;
		__sync_fetch_and_add(&row->opened, 1);
		HISTOGRAM_ADD(row->handshake, bounds_tcp_handshake_duration, now - conn->start_ns);
		return 0;
	}
	row = row_of_gone(conn, NO_ERROR, now);
	if (!row)
		return 0;
	if (take_pending(conn))
		count_open(conn, row);
	if (conn->has_due) {
		add_live_bytes(&conn->counted, &conn->due, row);
		add_live_segments(&conn->counted, &conn->due, row);
	}
	if (conn->reason == CLOSE_NONE)
		conn->reason = CLOSE_OTHER;
	__sync_fetch_and_add(&row->closed[conn->reason & (CLOSE_REASONS - 1)], 1);
	if (cfg_transfer_size) {
		HISTOGRAM_ADD(row->size_sent, bounds_tcp_connection_transfer_size,
			      conn->counted.bytes_sent);
		HISTOGRAM_ADD(row->size_received, bounds_tcp_connection_transfer_size,
			      conn->counted.bytes_received);
	}
	/* A FIN is answered soon. Without one the time is this moment. */
	if (conn->has_due && conn->state_ns > conn->established_ns)
		now = conn->state_ns;
	if (conn->established_ns)
		HISTOGRAM_ADD(row->duration, bounds_tcp_connection_duration,
			      now - conn->established_ns);
	return 0;
}

#endif
