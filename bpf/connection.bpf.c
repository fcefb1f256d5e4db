// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The changes of a socket's state (inet_sock_set_state, net/ipv4/af_inet.c) tell of connections and
 * listeners. Storage is touched only at the changes that need it: most need one look-up, and the
 * rest leave at once.
 */
#include "wirespan.bpf.h"

/*
 * Tells who closes, and what ends the connection first. This is in process context unless the peer
 * did it.
 */
static __always_inline u8 first_cause(struct sock *sk, u8 old, u8 new)
{
	if (old == TCP_ESTABLISHED && new == TCP_CLOSE_WAIT)
		return CLOSE_PEER_FIN;
	if ((old == TCP_ESTABLISHED || old == TCP_SYN_RECV) && new == TCP_FIN_WAIT1)
		return is_exiting() ? CLOSE_PROCESS_EXIT : CLOSE_LOCAL_FIN;
	if (sk->sk_err && !is_done_with(sk))
		return cause_of_error(sk->sk_err);
	/* tcp_close() with unread data or SO_LINGER 0, tcp_disconnect(); a child without a
	 * socket was never accepted (inet_csk_listen_stop()). */
	if (has_socket(sk) && is_exiting())
		return CLOSE_PROCESS_EXIT;
	return CLOSE_RESET_SENT;
}

/* A close by a process, which is its owner when no other was before. */
static __always_inline bool closes_locally(struct sock *sk, u8 old, u8 new)
{
	if (new == TCP_FIN_WAIT1 || new == TCP_LAST_ACK)
		return true;
	return new == TCP_CLOSE && (!sk->sk_err || is_done_with(sk)) && has_socket(sk) &&
	       (old == TCP_ESTABLISHED || old == TCP_SYN_RECV || old == TCP_CLOSE_WAIT);
}

/*
 * A connection of a listener older than the agent was not seen by the scan, since it waited in the
 * accept queue, where no process has it open. Its counters begin now.
 */
static __always_inline struct conn *adopt_queued(struct sock *sk, struct tcp_sock *tp, u8 old,
						 struct known_owner *owner)
{
	struct listen_port key = {.netns = netns_of(sk), .port = local_port_of(tp)};
	struct listening *found;
	struct tcp_counters now;
	struct conn *conn;

	found = bpf_map_lookup_elem(&listen_ports, &key);
	if (!found || !found->queued)
		return 0;
	conn = track(sk, PROBE_STATE);
	if (!conn)
		return 0;
	__sync_fetch_and_add(&found->queued, -1);
	conn->netns = key.netns;
	conn->listen_port = key.port;
	conn->role = ROLE_SERVER;
	conn->reason = old == TCP_CLOSE_WAIT ? CLOSE_PEER_FIN : CLOSE_NONE;
	conn->error = NO_ERROR;
	conn->flags = CONN_ESTABLISHED | CONN_PREEXISTING | CONN_NO_START | CONN_OWNER_PROVISIONAL;
	note_deferral(conn, found->listener);
	conn->state = old;
	now = counters_of(sk, tp, conn, false);
	leave_out(&conn->counted, &now);
	/* In inet_csk_listen_stop() the context is that of who closes the listener. */
	if (!has_socket(sk) && !sk->sk_err && current_owner(owner)) {
		conn->owner = owner->key;
		conn->owner_rules = owner->rules;
	}
	apply_filter(sk, tp, conn);
	begin_passes(conn);
	announce(owner, conn, PROBE_STATE);
	return conn;
}

/* A connection closes, and no program has seen that it was established. */
static __always_inline struct conn *unseen_conn(struct sock *sk, struct tcp_sock *tp,
						struct conn *conn, u8 old, u8 new,
						struct known_owner *owner)
{
	struct conn *found;

	if (!is_open_state(old) && !is_fast_open(sk, tp))
		return 0;
	found = opened_conn(sk, tp, conn);
	if (found)
		return found;
	if (conn)
		return 0;
	if (old != TCP_ESTABLISHED && old != TCP_CLOSE_WAIT)
		return 0;
	conn = adopt_queued(sk, tp, old, owner);
	if (conn)
		return conn;
	conn = adopt_child(sk, tp);
	/*
	 * In inet_csk_listen_stop() the context is that of who closes the listener, which is closed
	 * already.
	 */
	if (conn && !conn->owner.pid && new == TCP_CLOSE && !has_socket(sk) && !sk->sk_err &&
	    current_owner(owner)) {
		conn->owner = owner->key;
		conn->owner_rules = owner->rules;
		apply_filter(sk, tp, conn);
		announce(owner, conn, PROBE_STATE);
	}
	return conn;
}

/*
 * Nobody showed itself before. Not the agent, which closes for the user when the pass over open files
 * holds the last reference.
 */
static __always_inline bool needs_owner(const struct conn *conn)
{
	return (conn->flags & CONN_OWNER_PROVISIONAL) &&
	       (u32)(bpf_get_current_pid_tgid() >> 32) != agent_pid;
}

/*
 * A process sends its FIN. Nothing is interrupted by that, so this is always seen. Should all that
 * follows be missed, these counters stand for the last ones. The FIN itself is not queued yet.
 */
static __always_inline void note_due(struct sock *sk, struct tcp_sock *tp, struct conn *conn)
{
	conn->due = counters_of(sk, tp, conn, false);
	conn->due.bytes_sent += (u32)(tp->write_seq - tp->snd_una);
	conn->has_due = 1;
}

/*
 * The state changes after ESTABLISHED. `now` may be 0 where only an owner that shows itself needs
 * it.
 */
static __always_inline void handle_closing(struct sock *sk, u8 old, u8 new, u64 now)
{
	struct conn *conn = conn_of(sk);
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct known_owner owner = {};
	struct moment when;

	if (!tp)
		return;
	if (!conn || !(conn->flags & CONN_ESTABLISHED))
		conn = unseen_conn(sk, tp, conn, old, new, &owner);
	if (!conn || (conn->flags & CONN_CLOSED))
		return;
	if ((conn->flags & CONN_IGNORED) && !may_be_wanted(conn))
		return;
	if (!now && (conn->flags & (CONN_OWNER_PROVISIONAL | CONN_OPEN_PENDING)))
		now = bpf_ktime_get_ns();
	merge_accept(sk, tp, conn, now);
	if (conn->reason == CLOSE_NONE)
		conn->reason = cause_before(old);
	if (conn->reason == CLOSE_NONE)
		conn->reason = first_cause(sk, old, new);
	if (closes_locally(sk, old, new) && needs_owner(conn) && current_owner(&owner))
		confirm_owner(sk, tp, conn, &owner, PROBE_STATE, now);
	if (conn->flags & CONN_IGNORED) {
		if (conn->state != new)
			conn->state_ns = now;
		conn->state = new;
		return;
	}
	/* close() after shutdown(): its FIN is queued already, and noted. */
	if (new != old && (new == TCP_FIN_WAIT1 || new == TCP_LAST_ACK))
		note_due(sk, tp, conn);
	if (conn->state != old && follows_states())
		pass_through(sk, tp, conn, old, now);
	change_state(sk, tp, conn, new, now);
	if (new != TCP_CLOSE)
		return;
	when = (struct moment){.at = now, .now = now};
	end_connection(sk, tp, conn, fin_was_sent(old), &when);
	if (conn->flags & CONN_EXCHANGES)
		close_exchange(sk, tp, conn, now);
	if (conn->flags & CONN_UNFINISHED)
		drop_unfinished(sk);
}

/* No pass will meet it any more. */
static __always_inline void claim_at_close(struct sock *sk)
{
	struct conn *conn = conn_of(sk);
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);

	if (!conn || !tp)
		return;
	claim_unowned(sk, tp, conn, unowned_bank);
	if (pass_unowned_bank)
		claim_unowned(sk, tp, conn, pass_unowned_bank);
}

/*
 * Tells whether something begins or ends: reading the clock costs as much as the rest of some runs.
 */
static __always_inline bool needs_clock(int new)
{
	return follows_states() || new == TCP_SYN_SENT || new == TCP_ESTABLISHED ||
	       new == TCP_CLOSE || new == TCP_LISTEN;
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
		else if (old == TCP_SYN_SENT)
			handle_crossing(sk);
		return 0;
	}
	/* The changes that say nothing new leave here. */
	if ((new == TCP_FIN_WAIT2 && !follows_states()) ||
	    (new == TCP_CLOSING && !follows_states()))
		return 0;
	if (needs_clock(new))
		now = bpf_ktime_get_ns();
	if (new == TCP_SYN_SENT)
		handle_connect(sk, now);
	else if (new == TCP_LISTEN)
		handle_listen(sk, now);
	else if (old == TCP_LISTEN)
		handle_listen_end(sk, now);
	else if (old == TCP_SYN_SENT || is_crossed(sk, old))
		handle_attempt_end(sk, new, now);
	else if (new == TCP_ESTABLISHED)
		handle_server_open(sk, now);
	else
		handle_closing(sk, old, new, now);
	if (new == TCP_SYN_SENT || new == TCP_LISTEN || old == TCP_LISTEN || old == TCP_SYN_SENT ||
	    new == TCP_ESTABLISHED)
		emit_early_state(sk, old, new, now);
	if (new == TCP_CLOSE && old != TCP_LISTEN && (unowned_seen || pass_unowned_bank))
		claim_at_close(sk);
	if (new == TCP_CLOSE)
		follow_no_more(sk);
	return 0;
}

/* The socket is in TCP_CLOSE. This makes good what a program should have seen of it by now. */
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
	if (conn->flags & CONN_EXCHANGES)
		close_exchange(sk, tp, conn, bpf_ktime_get_ns());
	if (conn->flags & CONN_UNFINISHED)
		drop_unfinished(sk);
	if (unowned_seen || pass_unowned_bank)
		claim_at_close(sk);
	follow_no_more(sk);
}

/*
 * This is the last that is heard of a socket. It is a program of its own, so it is not skipped when
 * the one for changes is: the kernel skips only the program that would interrupt itself.
 */
SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(ws_destroy, struct sock *sk)
{
	if (is_tcp(sk))
		see_end(sk);
	return 0;
}

/*
 * The socket was closed by an error, and the application is told now: connect() clears the counters
 * when it hears of it.
 */
SEC("tp_btf/inet_sk_error_report")
int BPF_PROG(ws_error, struct sock *sk)
{
	if (sk->__sk_common.skc_state == TCP_CLOSE && is_tcp(sk))
		see_end(sk);
	return 0;
}
