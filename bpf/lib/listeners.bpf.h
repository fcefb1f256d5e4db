/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* This finds the rows of listening sockets, and adds to them. */
#ifndef WIRESPAN_LIB_LISTENERS_H
#define WIRESPAN_LIB_LISTENERS_H

/* Notes the address of a listening socket, for itself and for the connections that it takes. */
static __always_inline void note_listen_local(struct sock *sk, struct conn *conn)
{
	if (!cfg_local_address)
		return;
	conn->has_listen_local = 1;
	__builtin_memset(conn->listen_local, 0, sizeof(conn->listen_local));
	if (sk->__sk_common.skc_family == AF_INET) {
		conn->listen_local[10] = 0xff;
		conn->listen_local[11] = 0xff;
		read_local(sk, 4, conn->listen_local + 12);
	} else {
		read_local(sk, 6, conn->listen_local);
	}
}

/* A socket that listens at every address, for both families, listens at 0.0.0.0 for IPv4. */
static __always_inline void fill_listen_local(struct listener_key *key, const struct conn *conn)
{
	if (!cfg_local_address || !conn->has_listen_local)
		return;
	key->has_local = 1;
	if (key->family == 6)
		__builtin_memcpy(key->local, conn->listen_local, sizeof(key->local));
	else if (conn->listen_local[10] == 0xff && conn->listen_local[11] == 0xff)
		__builtin_memcpy(key->local, conn->listen_local + 12, 4);
}

static __always_inline struct listener *
listener_for(const struct owner_key *owner, const struct conn *conn, u16 port, u8 family, u32 probe)
{
	struct listener_key key = {};

	key.owner = *owner;
	key.port = port;
	key.family = family;
	fill_listen_local(&key, conn);
	return listener_row(&key, probe);
}

/* The row speaks of the socket that last refused somebody, else of the one that was met last. */
static __always_inline void describe_listener(struct listener *row, struct sock *sk,
					      const struct conn *conn)
{
	u8 local[16] = {};

	read_local(sk, family_of(sk), local);
	__builtin_memcpy(row->local, local, sizeof(local));
	row->cookie = cookie_of(sk);
	row->netns = conn->netns;
	row->namespace_id = sk->__sk_common.skc_net.net->net_cookie;
	row->backlog = sk->sk_max_ack_backlog;
}

/*
 * Notes it for connections whose beginning is not seen. `queued` says how many of those that wait
 * are older than the agent.
 */
static __always_inline void note_listening(struct sock *sk, const struct conn *conn, u64 queued)
{
	struct listen_port key = {.netns = conn->netns, .port = conn->listen_port};
	struct listening now = {.listener = (u64)sk, .queued = queued}, *found;

	found = bpf_map_lookup_elem(&listen_ports, &key);
	if (found)
		now.queued += found->queued;
	bpf_map_update_elem(&listen_ports, &key, &now, BPF_ANY);
}

/* sk_acceptq_is_full(): with a length of 0 the queue has room for one. */
static __always_inline bool is_accept_queue_full(u32 usage, u32 limit)
{
	return usage > limit;
}

/*
 * Notes whether its listening socket waits for the client's first data. That may be gone: its memory
 * is still that of a socket of TCP.
 */
static __always_inline void note_deferral(struct conn *conn, u64 listener)
{
	struct inet_connection_sock *icsk = (void *)listener;

	BPF_CORE_READ_INTO(&conn->deferred, icsk, icsk_accept_queue.rskq_defer_accept);
}

/* Drops of a listening socket since the last time, whatever their cause. */
static __always_inline void add_listener_drops(struct listener *row, struct sock *sk,
					       struct conn *conn)
{
	u32 drops = sk->sk_drops.counter;
	bool refused = drops != (u32)conn->drops;

	if (refused || !row->cookie)
		describe_listener(row, sk, conn);
	add_live32(&conn->drops, drops, &row->drops);
	if (is_accept_queue_full(sk->sk_ack_backlog, sk->sk_max_ack_backlog))
		__sync_fetch_and_add(&row->filled, 1);
	see_namespace(sk, refused);
}

#endif
