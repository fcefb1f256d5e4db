// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The pass walks the tracked sockets once an interval and adds what tcp_sock counted
 * meanwhile: no program runs for a segment.
 */
#include "include/listener.bpf.h"
#include "include/stray.bpf.h"

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
}

static __always_inline void count_active(struct series *row, u64 connections)
{
	if (row->active_pass != pass_number) {
		row->active_pass = pass_number;
		row->active = 0;
	}
	row->active += connections;
	pass_connections += connections;
}

static __always_inline void pass_connection(struct sock *sk, struct tcp_sock *tp, struct conn *conn,
					    u8 state)
{
	struct series_key key;
	struct series *row;
	u64 sent, received;

	fill_series_key(&key, sk, tp, conn, NO_ERROR);
	row = series_for(&key, PROBE_SCAN, pass_now_ns);
	if (!row)
		return;
	/* Not accepted for a second: it counts on the listener's owner. */
	if (conn->established_ns + 1000000000ULL < pass_now_ns && take_pending(conn))
		count_open(conn, row);
	if (state == TCP_ESTABLISHED || state == TCP_CLOSE_WAIT)
		count_active(row, 1);
	/* Once a FIN is under way bytes_* count it: those states wait for the close. Asked after
	 * the figures were read, or a FIN that came in between would be taken for payload. */
	sent = payload_sent(tp, conn, false);
	received = payload_received(sk, tp);
	barrier();
	if (sk->__sk_common.skc_state == TCP_ESTABLISHED && !(conn->flags & CONN_CLOSED)) {
		add_live(&conn->bytes_sent, sent, &row->bytes_sent);
		add_live(&conn->bytes_received, received, &row->bytes_received);
	}
	add_live(&conn->segments_sent, tp->segs_out, &row->segments_sent);
	add_live(&conn->segments_received, tp->segs_in, &row->segments_received);
	add_live(&conn->segments_retransmitted, tp->total_retrans, &row->segments_retransmitted);
	add_rtt(row, tp);
	check_rtt(sk, tp, conn, pass_now_ns, PROBE_SCAN);
}

/* One tracked socket of a pass; `owner` when the pass knows who has it open. */
static __always_inline void pass_socket(struct sock *sk, struct tcp_sock *tp, struct conn *conn,
					const struct known_owner *owner)
{
	u8 state = sk->__sk_common.skc_state;

	if (conn->pass == pass_number)
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
	if (!(conn->flags & CONN_ESTABLISHED) || (conn->flags & CONN_CLOSED) ||
	    conn->role == ROLE_LISTENER)
		return;
	if (state == TCP_CLOSE) {
		/* The close was never seen: a program was skipped. Repair, and say so. */
		set_flags(conn, CONN_CLOSED);
		count_loss(PROBE_STATE, LOST_REPAIRED);
		return;
	}
	merge_accept(sk, tp, conn, pass_now_ns);
	if (owner && (conn->flags & CONN_OWNER_PROVISIONAL))
		confirm_owner(sk, tp, conn, owner, PROBE_SCAN, pass_now_ns);
	if (!(conn->flags & CONN_IGNORED))
		pass_connection(sk, tp, conn, state);
}

/* Its stray drops, when the pass looks for them; the owner is settled by now. */
static __always_inline void pass_strays_of(struct sock *sk, struct tcp_sock *tp, struct conn *conn)
{
	if (!pass_strays)
		return;
	if (sk->__sk_common.skc_state == TCP_LISTEN && conn->role == ROLE_LISTENER)
		note_listen_end(sk, tp, conn);
	else
		claim_strays(sk, tp, conn, pass_strays);
}

/* The tracked sockets themselves, those without a file included. */
SEC("iter/bpf_sk_storage_map")
int ws_pass(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	struct sock *sk = ctx->sk;
	struct tcp_sock *tp;
	struct conn *conn;

	if (!sk || !ctx->value)
		return 0;
	tp = bpf_skc_to_tcp_sock(sk);
	conn = bpf_sk_storage_get(&conns, sk, 0, 0);
	if (!tp || !conn)
		return 0;
	pass_socket(sk, tp, conn, 0);
	pass_strays_of(sk, tp, conn);
	return 0;
}

/*
 * Where that iterator is refused: the open files of every process, which also say
 * who has an accepted connection open. Established connections that wait in an
 * accept queue have no file; their listener counts them.
 */
SEC("iter/task_file")
int ws_pass_files(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct known_owner owner = {};
	struct series_key key = {};
	struct series *row;
	struct tcp_sock *tp;
	struct conn *conn;
	struct sock *sk;

	if (!task || !file)
		return 0;
	sk = tcp_socket_of(file);
	if (!sk)
		return 0;
	conn = bpf_sk_storage_get(&conns, sk, 0, 0);
	tp = bpf_skc_to_tcp_sock(sk);
	if (!tp || !conn || conn->pass == pass_number)
		return 0;
	if (conn->flags & CONN_OWNER_PROVISIONAL)
		know_owner(&owner, task->group_leader, task->tgid, PROBE_SCAN);
	pass_socket(sk, tp, conn, &owner);
	pass_strays_of(sk, tp, conn);
	if (conn->role != ROLE_LISTENER || !sk->sk_ack_backlog || (u32)task->tgid == agent_pid ||
	    (conn->flags & CONN_IGNORED))
		return 0;
	key.owner = conn->owner;
	key.role = ROLE_SERVER;
	key.family = family_of(sk);
	key.server_port = local_port_of(tp);
	row = series_for(&key, PROBE_SCAN, pass_now_ns);
	if (row)
		count_active(row, sk->sk_ack_backlog);
	return 0;
}
