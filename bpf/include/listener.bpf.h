/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What a listening socket adds to its row. */
#ifndef WIRESPAN_LISTENER_H
#define WIRESPAN_LISTENER_H

#include "conn.bpf.h"

/* The row speaks of the socket that last refused somebody, else of the one that was met last. */
static __always_inline void describe_listener(struct listener *row, struct sock *sk,
					      const struct conn *conn)
{
	u8 local[16] = {};

	read_local(sk, family_of(sk), local);
	__builtin_memcpy(row->local, local, sizeof(local));
	row->cookie = cookie_of(sk);
	row->netns = conn->netns;
	row->backlog = sk->sk_max_ack_backlog;
}

/* For connections whose beginning is not seen. `queued`: of those that wait, how many are older than the agent. */
static __always_inline void note_listening(struct sock *sk, const struct conn *conn, u64 queued)
{
	struct listen_port key = {.netns = conn->netns, .port = conn->listen_port};
	struct listening now = {.listener = (u64)sk, .queued = queued}, *found;

	found = bpf_map_lookup_elem(&listen_ports, &key);
	if (found)
		now.queued += found->queued;
	bpf_map_update_elem(&listen_ports, &key, &now, BPF_ANY);
}

/* Whether its SYN queue was ever full: the kernel keeps that for a warning in its log. */
static __always_inline bool was_flooded(struct tcp_sock *tp)
{
	return tp->inet_conn.icsk_accept_queue.synflood_warned;
}

/* Drops of a listening socket since the last time. */
static __always_inline void add_listener_drops(struct listener *row, struct sock *sk,
					       struct conn *conn)
{
	u32 drops = sk->sk_drops.counter;

	if (drops != (u32)conn->drops || !row->cookie)
		describe_listener(row, sk, conn);
	add_live32(&conn->drops, drops, &row->drops);
}

#endif
