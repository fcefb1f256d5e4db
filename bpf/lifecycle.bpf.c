// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Connections and listeners from the socket's state changes
 * (inet_sock_set_state, net/ipv4/af_inet.c). Storage is touched only at the
 * changes that need it; most need one look-up, the rest leave at once.
 */
#include "include/close.bpf.h"
#include "include/listener.bpf.h"
#include "include/open.bpf.h"
#include "include/stray.bpf.h"

static __always_inline void emit_listener(struct sock *sk, struct tcp_sock *tp, struct conn *conn,
					  u8 stop, u64 now)
{
	struct listener_record *record;

	if (!cfg_emit_listener)
		return;
	record = reserve(PROBE_STATE, RECORD_LISTENER, sizeof(*record), now);
	if (!record)
		return;
	record->cookie = cookie_of(sk);
	record->owner = conn->owner;
	fill_endpoints(&record->endpoints, sk, tp, conn, TCP_LISTEN);
	record->backlog = sk->sk_max_ack_backlog;
	record->stop = stop;
	__builtin_memset(record->pad, 0, sizeof(record->pad));
	submit(PROBE_STATE, record);
}

/* listen(): in the caller's context. */
static __always_inline void handle_listen(struct sock *sk, u64 now)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct conn *conn = tp ? track(sk, PROBE_STATE) : 0;
	struct known_owner owner = {};

	if (!conn)
		return;
	current_owner(&owner);
	conn->owner = owner.key;
	conn->owner_rules = owner.rules;
	conn->role = ROLE_LISTENER;
	conn->reason = CLOSE_NONE;
	conn->netns = netns_of(sk);
	conn->listener_sock = (u64)sk;
	conn->drops = (u32)sk->sk_drops.counter;
	conn->state = TCP_LISTEN;
	conn->state_ns = now;
	conn->established_ns = now;
	conn->listen_port = local_port_of(tp);
	note_listen_local(sk, conn);
	note_listening(sk, conn, 0);
	if (owner.key.pid == agent_pid)
		return;
	apply_filter(sk, tp, conn);
	announce(&owner, current_leader(), conn, PROBE_STATE);
	if (!(conn->flags & CONN_IGNORED))
		emit_listener(sk, tp, conn, 0, now);
}

static __always_inline void handle_listen_end(struct sock *sk, u64 now)
{
	struct conn *conn = conn_of(sk);
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct listener *row;
	u32 drops = sk->sk_drops.counter;

	if (!conn || !tp || conn->role != ROLE_LISTENER || conn->owner.pid == agent_pid)
		return;
	if (drops != (u32)conn->drops && !(conn->flags & CONN_IGNORED)) {
		row = listener_for(&conn->owner, conn, local_port_of(tp), family_of(sk),
				   PROBE_STATE);
		if (row)
			add_listener_drops(row, sk, conn);
	}
	if (!(conn->flags & CONN_IGNORED))
		emit_listener(sk, tp, conn, 1, now);
	conn->role = ROLE_UNKNOWN;
	conn->flags |= CONN_CLOSED;
}

/* No pass will meet it any more. */
static __always_inline void claim_at_close(struct sock *sk)
{
	struct conn *conn = conn_of(sk);
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);

	if (!conn || !tp)
		return;
	claim_strays(sk, tp, conn, stray_bank);
	if (pass_strays)
		claim_strays(sk, tp, conn, pass_strays);
}

/* Whether something begins or ends: reading the clock costs as much as the rest of some runs. */
static __always_inline bool needs_clock(int new)
{
	return cfg_state_duration || cfg_emit_state || new == TCP_SYN_SENT ||
	       new == TCP_ESTABLISHED || new == TCP_CLOSE || new == TCP_LISTEN;
}

static __always_inline void begin_child(struct sock *sk)
{
	struct conn *copy;

	if (cfg_conn_table) {
		track_copy(sk);
		return;
	}
	copy = conn_of(sk);
	if (!copy)
		return;
	copy->established_ns = bpf_ktime_get_ns();
	copy->state = TCP_SYN_RECV;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(ws_state, struct sock *sk, int old, int new)
{
	u64 now = 0;

	if (!is_tcp(sk))
		return 0;
	if (new == TCP_SYN_RECV) {
		if (old == TCP_LISTEN)
			begin_child(sk);
		return 0;
	}
	/* The changes that say nothing new leave here. */
	if ((new == TCP_FIN_WAIT2 && !cfg_state_duration && !cfg_emit_state) ||
	    (new == TCP_CLOSING && !cfg_state_duration && !cfg_emit_state))
		return 0;
	if (needs_clock(new))
		now = bpf_ktime_get_ns();
	if (new == TCP_SYN_SENT)
		handle_connect(sk, now);
	else if (new == TCP_LISTEN)
		handle_listen(sk, now);
	else if (old == TCP_LISTEN)
		handle_listen_end(sk, now);
	else if (new == TCP_ESTABLISHED && old == TCP_SYN_SENT)
		handle_client_open(sk, now);
	else if (new == TCP_ESTABLISHED)
		handle_server_open(sk, now);
	else if (old == TCP_SYN_SENT)
		handle_connect_failure(sk, now);
	else
		handle_closing(sk, old, new, now);
	if (new == TCP_CLOSE && old != TCP_LISTEN && (strays_seen || pass_strays))
		claim_at_close(sk);
	if (new == TCP_CLOSE)
		follow_no_more(sk);
	return 0;
}

/* A socket in TCP_CLOSE: what a program should have seen of it by now. */
static __always_inline void see_end(struct sock *sk)
{
	struct conn *conn = conn_of(sk);
	struct tcp_sock *tp;

	if (!conn)
		conn = copy_of_listener(sk);
	if (!conn || (conn->flags & CONN_CLOSED))
		return;
	tp = bpf_skc_to_tcp_sock(sk);
	if (!tp)
		return;
	if (conn->role == ROLE_LISTENER && conn->listener_sock == (u64)sk) {
		handle_listen_end(sk, bpf_ktime_get_ns());
		return;
	}
	end_late(sk, tp, conn, bpf_get_socket_cookie(sk));
	if (strays_seen || pass_strays)
		claim_at_close(sk);
	follow_no_more(sk);
}

/*
 * The last that is heard of a socket. A program of its own, so it is not skipped when the one
 * for changes is: of all programs the kernel skips the one alone that it interrupted.
 */
SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(ws_destroy, struct sock *sk)
{
	if (is_tcp(sk))
		see_end(sk);
	return 0;
}

/* Closed by an error, of which the application is told now: connect() clears the figures when it hears of it. */
SEC("tp_btf/inet_sk_error_report")
int BPF_PROG(ws_error, struct sock *sk)
{
	if (sk->__sk_common.skc_state == TCP_CLOSE && is_tcp(sk))
		see_end(sk);
	return 0;
}
