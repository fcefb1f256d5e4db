/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * This leads from a socket to what is kept of it. It goes by address where the kernel can give an
 * address its type back (bpf_rdonly_cast(), 6.2): TCP sockets come from a slab of their own, so a
 * new socket takes the place of an old one and its entry too, and nothing is allocated or freed for
 * a connection. Elsewhere it goes by socket storage, which costs some 6 us a connection, for two
 * allocations at each end and their release after a grace period.
 */
#ifndef WIRESPAN_LIB_TRACK_H
#define WIRESPAN_LIB_TRACK_H

/*
 * This bit is free in a key, since sockets lie at multiples of 8. It is set while the pass holds
 * the other entry.
 */
#define SECOND_ENTRY 1

#define ENTRY_HELD   1 /* the pass is at it: no socket takes it over */
#define ENTRY_TAKEN  2 /* a socket takes it over, or has just made it: the pass leaves it alone */

/* A new entry. It is too large for the BPF stack. */
static const struct conn new_conn = {.use = ENTRY_TAKEN};

/* Every socket that is tracked has a cookie. */
static __always_inline u64 cookie_of(const struct sock *sk)
{
	return sk->__sk_common.skc_cookie.counter;
}

static __always_inline struct conn *entry_at(u64 address)
{
	return bpf_map_lookup_elem(&connections, &address);
}

static __always_inline bool is_of(const struct conn *conn, u64 cookie)
{
	return conn->cookie == cookie || (conn->flags & CONN_NO_COOKIE);
}

static __always_inline struct conn *conn_at(u64 address, u64 cookie)
{
	struct conn *conn = entry_at(address);

	if (conn && !is_of(conn, cookie))
		conn = entry_at(address + SECOND_ENTRY);
	return conn && is_of(conn, cookie) ? conn : 0;
}

/* For programs that may read the socket, but may not ask for its cookie. */
static __always_inline struct conn *conn_of_readable(struct sock *sk)
{
	if (!cfg_conn_table)
		return bpf_sk_storage_get(&conns, sk, 0, 0);
	return conn_at((u64)sk, cookie_of(sk));
}

/* Returns NULL when it is not tracked. */
static __always_inline struct conn *conn_of(struct sock *sk)
{
	struct conn *conn = conn_of_readable(sk);

	if (cfg_conn_table && conn && (conn->flags & CONN_NO_COOKIE)) {
		conn->cookie = bpf_get_socket_cookie(sk);
		clear_flags(conn, CONN_NO_COOKIE);
	}
	return conn;
}

static __always_inline void clear_conn(struct conn *conn)
{
	__builtin_memset((void *)conn + sizeof(u64), 0, sizeof(*conn) - sizeof(u64));
}

/*
 * To be called when its end was not seen, and its socket is no more: what was last known of it is
 * all. It is not static, so it is verified once and not at each of its callers.
 */
int account_gone(struct conn *conn);

/* What the pass needs to know of it is written: it may come. */
static __always_inline void begin_passes(struct conn *conn)
{
	__sync_fetch_and_and(&conn->use, ~(u32)ENTRY_TAKEN);
}

/*
 * The entry is taken over from the socket before, unless the pass is at it, and made where there is
 * none. The pass leaves it alone until begin_passes().
 */
static __always_inline struct conn *take_over(u64 key)
{
	struct conn *conn = entry_at(key);
	u32 use;

	if (!conn) {
		conn = try_init(&connections, &key, &new_conn);
		if (conn)
			conn->place = key;
		return conn;
	}
	use = *(volatile u32 *)&conn->use;
	if (use & ENTRY_HELD ||
	    __sync_val_compare_and_swap(&conn->use, use, use | ENTRY_TAKEN) != use)
		return 0;
	if (conn->place != (u32)key) {
		/* It was taken out since it was looked up, and is at another place now. */
		begin_passes(conn);
		return 0;
	}
	if (!(conn->flags & CONN_CLOSED))
		account_gone(conn);
	clear_conn(conn);
	return conn;
}

/* The pass leaves in a moment what it holds, but the socket does not wait for it. */
static __always_inline struct conn *new_entry(struct sock *sk)
{
	struct conn *conn = take_over((u64)sk), *held;

	if (conn)
		return conn;
	/* It may be this very socket's, from before it began anew. */
	held = entry_at((u64)sk);
	if (held) {
		held->cookie = 0;
		clear_flags(held, CONN_NO_COOKIE);
		held->state = TCP_CLOSE; /* nor is it a copy of its listener */
	}
	return take_over((u64)sk + SECOND_ENTRY);
}

/* For the pass. Returns false when a socket is taking it over right now. */
static __always_inline bool hold_entry(struct conn *conn)
{
	return !__sync_val_compare_and_swap(&conn->use, 0, ENTRY_HELD);
}

static __always_inline void release_entry(struct conn *conn)
{
	__sync_fetch_and_and(&conn->use, ~(u32)ENTRY_HELD);
}

static __always_inline struct conn *new_storage(struct sock *sk)
{
	struct conn *conn = bpf_sk_storage_get(&conns, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);

	if (!conn)
		return 0;
	conn->use = ENTRY_TAKEN;
	if (!(conn->flags & CONN_CLOSED))
		account_gone(conn);
	clear_conn(conn);
	return conn;
}

/*
 * A socket begins something. Nothing is kept of what it was before, or of what another was at its
 * address. Who calls this ends with begin_passes().
 */
static __always_inline struct conn *track(struct sock *sk, u32 probe)
{
	struct conn *conn = cfg_conn_table ? new_entry(sk) : new_storage(sk);

	if (conn)
		conn->cookie = bpf_get_socket_cookie(sk);
	else
		count_loss(probe, cfg_conn_table ? LOST_MAP_FULL : LOST_STORAGE);
	return conn;
}

/*
 * The same by an address, which has no cookie to ask for; the next program that meets the socket
 * does.
 */
static __always_inline struct conn *track_untyped(struct sock *sk, u32 probe)
{
	struct conn *conn = new_entry(sk);

	if (!conn) {
		count_loss(probe, LOST_MAP_FULL);
		return 0;
	}
	conn->cookie = cookie_of(sk);
	if (!conn->cookie)
		set_flags(conn, CONN_NO_COOKIE);
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

static __always_inline struct conn *listener_at(u64 address)
{
	struct conn *conn = entry_at(address);

	if (!conn || conn->role != ROLE_LISTENER || conn->flags & CONN_CLOSED)
		conn = entry_at(address + SECOND_ENTRY);
	return conn && conn->role == ROLE_LISTENER && !(conn->flags & CONN_CLOSED) ? conn : 0;
}

static __always_inline void copy_listener(struct conn *conn, const struct conn *listener)
{
	__builtin_memcpy((void *)conn + sizeof(u64), (void *)listener + sizeof(u64),
			 sizeof(*conn) - sizeof(u64));
	conn->state = TCP_SYN_RECV;
	conn->cookie = 0;
	conn->unused = 0;
}

/*
 * It changes from LISTEN to SYN_RECV. This does what BPF_F_CLONE does for storage. The cookie comes
 * with the request's. It is established at once (tcp_check_req()), or open by Fast Open, so this is
 * the time of that.
 */
static __always_inline void track_copy(struct sock *sk)
{
	struct conn *listener = listener_at(listener_of_copy(sk));
	struct conn *conn = new_entry(sk);

	if (!conn || !listener)
		return;
	copy_listener(conn, listener);
	conn->established_ns = bpf_ktime_get_ns();
	begin_passes(conn);
}

static __always_inline bool is_copy(const struct conn *conn)
{
	return conn && !conn->cookie && conn->state == TCP_SYN_RECV;
}

static __always_inline struct conn *copy_of_listener(struct sock *sk)
{
	struct conn *conn;

	if (!cfg_conn_table)
		return bpf_sk_storage_get(&conns, sk, 0, 0);
	conn = entry_at((u64)sk);
	if (is_copy(conn))
		return conn;
	conn = entry_at((u64)sk + SECOND_ENTRY);
	return is_copy(conn) ? conn : 0;
}

/*
 * It changes from SYN_RECV to ESTABLISHED. What is kept of it is a copy of the listener's, or
 * nothing yet.
 */
static __always_inline struct conn *track_child(struct sock *sk)
{
	struct conn *conn = copy_of_listener(sk);

	if (!conn)
		return track(sk, PROBE_STATE);
	conn->cookie = bpf_get_socket_cookie(sk);
	return conn;
}

#endif
