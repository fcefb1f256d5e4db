/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * From a socket to what is kept of it. By address where the kernel can give an address its
 * type back (bpf_rdonly_cast(), 6.2): TCP sockets come from a slab of their own, so a new
 * socket takes the place of an old one and its entry too, and nothing is allocated or freed
 * for a connection. Elsewhere by socket storage, which costs some 6 us a connection: two
 * allocations for each end and their release after a grace period.
 */
#ifndef WIRESPAN_TRACK_H
#define WIRESPAN_TRACK_H

#include "records.bpf.h"
#include "socket.bpf.h"

/* Too large for the BPF stack. */
static const struct conn zero_conn;

/* Every socket that is tracked has one. */
static __always_inline u64 cookie_of(const struct sock *sk)
{
	return sk->__sk_common.skc_cookie.counter;
}

/* The entry of this address, whosever it is. */
static __always_inline struct conn *entry_at(u64 address)
{
	return bpf_map_lookup_elem(&connections, &address);
}

/* The socket's, or of one before it at the same address. */
static __always_inline struct conn *entry_of(struct sock *sk)
{
	return cfg_conn_table ? entry_at((u64)sk) : bpf_sk_storage_get(&conns, sk, 0, 0);
}

/* NULL: not tracked. */
static __always_inline struct conn *conn_of(struct sock *sk)
{
	struct conn *conn = entry_of(sk);

	return conn && (!cfg_conn_table || conn->cookie == cookie_of(sk)) ? conn : 0;
}

static __always_inline struct conn *new_entry(u64 address)
{
	bpf_map_update_elem(&connections, &address, &zero_conn, BPF_NOEXIST);
	return entry_at(address);
}

/* A socket that begins something: nothing is kept of what it, or one before it, was. */
static __always_inline struct conn *track(struct sock *sk, u32 probe)
{
	struct conn *conn = entry_of(sk);

	if (conn)
		__builtin_memset(conn, 0, sizeof(*conn));
	else if (cfg_conn_table)
		conn = new_entry((u64)sk);
	else
		conn = bpf_sk_storage_get(&conns, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (conn)
		conn->cookie = bpf_get_socket_cookie(sk);
	else
		count_loss(probe, cfg_conn_table ? LOST_MAP_FULL : LOST_STORAGE);
	return conn;
}

/*
 * A passive socket is made as a copy of its listener (inet_csk_clone_lock(), net/ipv4/
 * inet_connection_sock.c). When it changes to SYN_RECV there, this list head still points to
 * itself as it was in the listener: tcp_create_openreq_child() sets the copy's own after that.
 */
static __always_inline u64 listener_of_copy(struct sock *sk)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;

	return (u64)BPF_CORE_READ(tp, tsorted_sent_queue.next) -
	       bpf_core_field_offset(tp->tsorted_sent_queue);
}

/* LISTEN to SYN_RECV: what BPF_F_CLONE does for storage. The cookie comes with the request's. */
static __always_inline void track_copy(struct sock *sk)
{
	struct conn *listener = entry_at(listener_of_copy(sk));
	struct conn *conn = entry_at((u64)sk);

	if (!listener || listener->role != ROLE_LISTENER || (listener->flags & CONN_CLOSED)) {
		if (conn)
			conn->state = TCP_CLOSE;
		return;
	}
	if (!conn)
		conn = new_entry((u64)sk);
	if (!conn)
		return;
	*conn = *listener;
	conn->state = TCP_SYN_RECV;
	conn->cookie = 0;
	conn->unused = 0;
}

/* SYN_RECV to ESTABLISHED: a copy of the listener's, or nothing yet. */
static __always_inline struct conn *track_child(struct sock *sk)
{
	struct conn *conn = entry_of(sk);

	if (!conn || (cfg_conn_table && (conn->cookie || conn->state != TCP_SYN_RECV)))
		return track(sk, PROBE_STATE);
	conn->cookie = bpf_get_socket_cookie(sk);
	return conn;
}

#endif
