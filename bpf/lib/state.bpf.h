/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* This sums the time in each TCP state, and records a change. */
#ifndef WIRESPAN_LIB_STATE_H
#define WIRESPAN_LIB_STATE_H

/* Tells whether changes that only the time in a state, or a record, is for are followed. */
static __always_inline bool follows_states(void)
{
	return cfg_state_duration || cfg_emit_state || cfg_views;
}

static __always_inline void enter_state(struct conn *conn, u8 state, u64 now)
{
	struct state_sums *row;
	struct state_key key = {};

	if (cfg_state_duration && conn->state_ns && conn->state != state) {
		key.owner = conn->owner;
		key.state = conn->state;
		key.role = conn->role == ROLE_LISTENER ? ROLE_UNKNOWN : conn->role;
		if (cfg_state_port && conn->role != ROLE_UNKNOWN)
			key.server_port = conn->listen_port;
		row = state_row(&key, PROBE_STATE);
		if (row)
			HISTOGRAM_ADD(row->duration, bounds_tcp_state_duration,
				      now - conn->state_ns);
	}
	conn->state = state;
	conn->state_ns = now;
}

static __always_inline void submit_state(struct sock *sk, struct tcp_sock *tp,
					 const struct conn *conn, u8 previous, u8 state, u64 now,
					 bool is_for_agent)
{
	u32 reader = reader_of(is_for_agent, VIEWED_STATE);
	struct state_record *record;

	if (!reader)
		return;
	record = reserve(PROBE_STATE, RECORD_STATE | (reader & FOR_VIEWS), sizeof(*record), now);
	if (!record)
		return;
	record->cookie = cookie_of(sk);
	record->owner = conn->owner;
	fill_endpoints(&record->endpoints, sk, tp, conn, state);
	record->previous = previous;
	__builtin_memset(record->pad, 0, sizeof(record->pad));
	submit(PROBE_STATE, record);
}

static __always_inline void emit_state(struct sock *sk, struct tcp_sock *tp,
				       const struct conn *conn, u8 state, u64 now)
{
	submit_state(sk, tp, conn, conn->state, state, now, cfg_emit_state);
}

/* A change of a listener, or before a connection is open; what is after that, change_state() tells. */
static __always_inline void emit_early_state(struct sock *sk, u8 previous, u8 state, u64 now)
{
	struct conn *conn;
	struct tcp_sock *tp;

	if (!cfg_emit_early_states && !is_viewed(VIEWED_STATE))
		return;
	conn = conn_of(sk);
	tp = bpf_skc_to_tcp_sock(sk);
	if (conn && tp && !(conn->flags & CONN_IGNORED))
		submit_state(sk, tp, conn, previous, state, now, cfg_emit_early_states);
}

/*
 * Leaves the state that it is known to be in. Into the same one is no change: close() after
 * shutdown() tells of such.
 */
static __always_inline void change_state(struct sock *sk, struct tcp_sock *tp, struct conn *conn,
					 u8 state, u64 now)
{
	if (conn->state == state)
		return;
	emit_state(sk, tp, conn, state, now);
	enter_state(conn, state, now);
}

#endif
