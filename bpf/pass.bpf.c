// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The pass walks the tracked sockets once an interval and adds what tcp_sock counted
 * meanwhile: no program runs for a segment.
 */
#include "wirespan.bpf.h"

/* User space writes these before a pass, and reads them after it. */
u64 pass_now_ns = 0;
u64 pass_connections = 0;
/*
 * A pass over `connections` is made in parts. These say how many there are, and which one this is.
 */
u32 pass_parts = 1;
u32 pass_part = 0;
/*
 * The second run of a pass is for those that waited for it, in doubt about their owner; the first one
 * counts them.
 */
u8 pass_again = 0;
u32 pass_doubts = 0;
/* These say whether it takes out what is unused, and how many entries it met. */
u8 pass_forgets = 0;
u64 pass_entries = 0;
/*
 * A pass that views asked for takes no sample and decides nothing that the agent's own passes do. The second
 * one says whether it tells of all connections, as for a view that has just come.
 */
u8 pass_for_views = 0;
u8 pass_tells_all = 0;

#include "visit.bpf.h"

/*
 * It is kept until another socket takes the address, and taken out when that may not happen soon.
 * What is taken out stays held: a socket that has just found it makes another.
 */
static __always_inline void pass_unused(struct conn *conn, u64 key)
{
	if (conn->unused && pass_forgets) {
		bpf_map_delete_elem(&connections, &key);
		return;
	}
	conn->unused = 1;
	release_entry(conn);
}

/*
 * Another socket is there by now. It has to be met so twice, since the entry may just be being
 * taken over.
 */
static __always_inline void pass_gone(struct conn *conn)
{
	conn->unused += 1;
	if (conn->unused >= 2)
		account_gone(conn);
}

/* Tells whether a copy of its listener became a connection, as no program saw. */
static __always_inline bool is_unseen_child(const struct conn *conn, const struct sock *sk)
{
	return is_copy(conn) && is_open_state(sk->__sk_common.skc_state);
}

/* Tells whether nothing comes of it any more: it closed, or its handshake did not end well. */
static __always_inline bool is_over(const struct conn *conn, const struct sock *sk,
				    const struct tcp_sock *tp)
{
	if (conn->flags & CONN_CLOSED)
		return true;
	if (is_copy(conn))
		return !is_unseen_child(conn, sk) && !is_fast_open(sk, tp);
	return (conn->flags & CONN_IGNORED) && sk->__sk_common.skc_state == TCP_CLOSE;
}

/* The entry is held: no other socket takes it over meanwhile. */
static __always_inline void pass_held(struct conn *conn, u64 key)
{
	void *address = (void *)(key & ~(u64)SECOND_ENTRY);
	struct tcp_sock *tp = bpf_rdonly_cast(address, bpf_core_type_id_kernel(struct tcp_sock));
	struct sock *sk = bpf_rdonly_cast(address, bpf_core_type_id_kernel(struct sock));

	if (is_over(conn, sk, tp)) {
		pass_unused(conn, key);
		return;
	}
	if (is_copy(conn) && is_fast_open(sk, tp)) {
		conn->unused = 0; /* nobody uses it yet */
	} else if (!is_of(conn, cookie_of(sk)) && !is_unseen_child(conn, sk)) {
		pass_gone(conn);
	} else {
		conn->unused = 0;
		pass_socket(sk, tp, conn, 0);
		pass_unowned(sk, tp, conn);
	}
	release_entry(conn);
}

static long pass_entry(struct bpf_map *map, const u64 *key, struct conn *conn, void *context)
{
	pass_entries += 1;
	/*
	 * Sockets lie at multiples of their size, so the high bits of a product are as good as any.
	 */
	if (pass_parts > 1 && ((u32)(*key >> 6) * 2654435761U >> 16) % pass_parts != pass_part)
		return 0;
	if (!is_in_run(conn))
		return 0;
	if (hold_entry(conn))
		pass_held(conn, *key);
	return 0;
}

/*
 * This visits the tracked sockets, those without a file included, one part of the table a run, as
 * nothing else runs on this CPU meanwhile. It is an iterator over tasks only because that can be
 * run at will. The iterator over a map's entries has no advantage, and some kernels refuse it.
 */
SEC("iter/task")
int ws_pass_table(struct bpf_iter__task *ctx)
{
	if (!ctx->meta->seq_num)
		bpf_for_each_map_elem(&connections, pass_entry, 0, 0);
	return 0;
}

/* This does the same by the sockets' own storage. */
SEC("iter/bpf_sk_storage_map")
int ws_pass(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	struct sock *sk = ctx->sk;
	struct tcp_sock *tp;
	struct conn *conn;

	if (!sk || !ctx->value)
		return 0;
	tp = bpf_skc_to_tcp_sock(sk);
	conn = conn_of(sk);
	if (!tp || !conn || conn->use || !is_in_run(conn))
		return 0;
	pass_socket(sk, tp, conn, 0);
	pass_unowned(sk, tp, conn);
	return 0;
}

/*
 * Where that iterator is refused, this visits the open files of every process, which also say who
 * has an accepted connection open. Established connections that wait in an accept queue have no
 * file; their listener counts them, unless they are in a table.
 */
SEC("iter/task_file")
int ws_pass_files(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct sock *sk = socket_of(ctx->file);
	struct known_owner owner = {};
	struct tcp_sock *tp;
	struct conn *conn;

	if (!task || !sk || !is_tcp(sk))
		return 0;
	conn = conn_of(sk);
	tp = bpf_skc_to_tcp_sock(sk);
	if (!tp || !conn || conn->use || conn->pass == pass_number || !is_in_run(conn))
		return 0;
	if (conn->flags & CONN_OWNER_PROVISIONAL)
		know_owner(&owner, task, task->tgid);
	pass_socket(sk, tp, conn, &owner);
	pass_unowned(sk, tp, conn);
	if (cfg_conn_table || conn->role != ROLE_LISTENER || !sk->sk_ack_backlog ||
	    (u32)task->tgid == agent_pid || (conn->flags & CONN_IGNORED))
		return 0;
	count_waiting(sk, tp, conn, sk->sk_ack_backlog);
	return 0;
}
