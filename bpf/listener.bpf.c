// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* This follows listening sockets: listen() and its end. The socket's state changes call it. */
#include "wirespan.bpf.h"

static __always_inline void emit_listener(struct sock *sk, struct tcp_sock *tp, struct conn *conn,
					  u8 stop, u64 now)
{
	u32 reader = reader_of(cfg_emit_listener, VIEWED_LISTENER);
	struct listener_record *record;

	if (!reader)
		return;
	record = reserve(PROBE_STATE, RECORD_LISTENER | (reader & FOR_VIEWS), sizeof(*record), now);
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

/* A process calls listen(). This is in its context. */
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
	see_namespace(sk, false);
	if (owner.key.pid != agent_pid)
		apply_filter(sk, tp, conn);
	begin_passes(conn);
	if (owner.key.pid == agent_pid)
		return;
	announce(&owner, conn, PROBE_STATE);
	if (!(conn->flags & CONN_IGNORED))
		emit_listener(sk, tp, conn, 0, now);
}

/* The last that has it open closes it; its owner may have let go of it since the last pass. */
static __always_inline void settle_closer(struct sock *sk, struct tcp_sock *tp, struct conn *conn)
{
	struct known_owner owner = {};

	if (!current_owner(&owner) || owner.key.pid == agent_pid ||
	    is_same_owner(&conn->owner, &owner.key))
		return;
	give_listener(sk, tp, conn, &owner);
	announce(&owner, conn, PROBE_STATE);
}

static __always_inline void handle_listen_end(struct sock *sk, u64 now)
{
	struct conn *conn = conn_of(sk);
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct listener *row;
	u32 drops = sk->sk_drops.counter;

	if (!conn || !tp || conn->role != ROLE_LISTENER || conn->owner.pid == agent_pid)
		return;
	settle_closer(sk, tp, conn);
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

/* A file as the walk meets it: who has it open, and how often it is. */
struct open_by {
	struct known_owner holder;
	u64 leader;
	u64 references;
};

/* Written by user space: before a walk, and for the second run; read after the first one. */
u8 holders_settle = 0;
u32 holders_unheld = 0;

/* The walk has a reference of its own. */
static __always_inline void note_holder(struct conn *conn, const struct open_by *by)
{
	conn->held_pass = pass_number;
	conn->references = by->references - 1;
	conn->holder_task = by->leader;
}

/* The first run over open files: which listeners their owners still have open, and whether all do. */
static __always_inline void look_for_holder(struct conn *conn, const struct open_by *by)
{
	if (is_same_owner(&conn->owner, &by->holder.key)) {
		if (conn->held_pass != pass_number && conn->unheld_pass == pass_number)
			holders_unheld -= 1;
		note_holder(conn, by);
	} else if (conn->held_pass != pass_number && conn->unheld_pass != pass_number) {
		conn->unheld_pass = pass_number;
		holders_unheld += 1;
	}
}

static __always_inline void hold_listener(struct sock *sk, struct tcp_sock *tp, struct conn *conn,
					  const struct open_by *by)
{
	if (!holders_settle) {
		look_for_holder(conn, by);
		return;
	}
	if (conn->held_pass == pass_number)
		return;
	clear_flags(conn, CONN_ACCEPTS);
	give_listener(sk, tp, conn, &by->holder);
	note_holder(conn, by);
	announce(&by->holder, conn, PROBE_SCAN);
}

/* As confirm_owner(), but it leaves it to the pass to count what was opened. */
static __always_inline void hold_accepted(struct sock *sk, struct tcp_sock *tp, struct conn *conn,
					  const struct known_owner *holder)
{
	bool pending = false;

	if ((conn->flags & (CONN_ESTABLISHED | CONN_CLOSED)) != CONN_ESTABLISHED ||
	    !take_provisional(conn, &pending))
		return;
	conn->owner = holder->key;
	conn->owner_rules = holder->rules;
	if (pending)
		set_flags(conn, CONN_OPEN_PENDING);
	apply_filter(sk, tp, conn);
	announce(holder, conn, PROBE_SCAN);
}

/*
 * Not static: verified once. An MPTCP socket listens by its first subflow. Where no accept is seen,
 * those of an accepted one are in no file that the pass visits.
 */
__noinline int hold_subflow(u64 address, const struct open_by *by)
{
	struct tcp_sock *tp = subflow_at(address);
	struct sock *sk = (struct sock *)tp;
	struct conn *conn = sk ? conn_at(address, cookie_of(sk)) : 0;

	if (!by || !conn)
		return 0;
	if (conn->role != ROLE_LISTENER)
		hold_accepted(sk, tp, conn, &by->holder);
	else if (sk->__sk_common.skc_state == TCP_LISTEN)
		hold_listener(sk, tp, conn, by);
	return 0;
}

static __always_inline void know_open_by(struct open_by *by, struct task_struct *task,
					 struct file *file)
{
	know_owner(&by->holder, task, task->tgid);
	by->leader = (u64)task->group_leader;
	by->references = references_of(file);
}

/*
 * Who has listeners open, in a pass that met one whose owner is in doubt. The second run, where it is
 * needed, gives those that their owner no longer has to the first process that is met with them.
 */
SEC("iter/task_file")
int ws_holders(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct sock *sk = socket_of(file);
	struct open_by by = {};
	struct subflows walk = {};
	struct tcp_sock *tp;
	struct conn *conn;
	bool listens;
	u64 address;

	if (!task || !file || !sk || (u32)task->tgid == agent_pid)
		return 0;
	listens = sk->__sk_common.skc_state == TCP_LISTEN;
	if ((listens || cfg_accepts_unseen) && begin_subflows(&walk, sk)) {
		know_open_by(&by, task, file);
		for_each_subflow(address, &walk) hold_subflow(address, &by);
	}
	if (!listens || !is_tcp(sk))
		return 0;
	conn = conn_of(sk);
	tp = bpf_skc_to_tcp_sock(sk);
	if (!conn || !tp || conn->role != ROLE_LISTENER)
		return 0;
	know_open_by(&by, task, file);
	hold_listener(sk, tp, conn, &by);
	return 0;
}
