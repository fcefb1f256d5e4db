/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* This reads what a socket says of itself: addresses, ports, family, payload. */
#ifndef WIRESPAN_LIB_SOCK_H
#define WIRESPAN_LIB_SOCK_H

/* A raw socket can have TCP's protocol number, and other families number theirs as they like. */
static __always_inline bool is_tcp(const struct sock *sk)
{
	u16 family = sk->__sk_common.skc_family;

	return sk->sk_type == SOCK_STREAM_NR && sk->sk_protocol == IPPROTO_TCP &&
	       (family == AF_INET || family == AF_INET6);
}

/* Returns the socket that an open file is, or NULL when it is none, or there is no file. */
static __always_inline struct sock *socket_of(struct file *file)
{
	struct socket *socket = file ? bpf_sock_from_file(file) : 0;

	return socket ? socket->sk : 0;
}

static __always_inline bool is_mapped(const struct in6_addr *a)
{
	return a->in6_u.u6_addr32[0] == 0 && a->in6_u.u6_addr32[1] == 0 &&
	       a->in6_u.u6_addr32[2] == bpf_htonl(0xffff);
}

/* Returns 4 or 6. An IPv6 socket that speaks IPv4 is 4. */
static __always_inline u8 family_of(const struct sock *sk)
{
	if (sk->__sk_common.skc_family == AF_INET || is_mapped(&sk->__sk_common.skc_v6_daddr))
		return 4;
	return 6;
}

/* The same for a socket without a type. */
static __always_inline u8 family_of_untyped(struct sock *sk)
{
	struct in6_addr peer;

	if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET)
		return 4;
	peer = BPF_CORE_READ(sk, __sk_common.skc_v6_daddr);
	return is_mapped(&peer) ? 4 : 6;
}

static __always_inline void read_peer(const struct sock *sk, u8 family, u8 *into)
{
	if (family == 4)
		bpf_probe_read_kernel(into, 4, &sk->__sk_common.skc_daddr);
	else
		bpf_probe_read_kernel(into, 16, &sk->__sk_common.skc_v6_daddr);
}

/* Reads it into 16 bytes, IPv4 as ::ffff:a.b.c.d. */
static __always_inline void read_mapped_peer(const struct sock *sk, u8 family, u8 *into)
{
	if (family == 4) {
		into[10] = 0xff;
		into[11] = 0xff;
		read_peer(sk, 4, into + 12);
	} else {
		read_peer(sk, 6, into);
	}
}

static __always_inline void read_local(const struct sock *sk, u8 family, u8 *into)
{
	if (family == 4)
		bpf_probe_read_kernel(into, 4, &sk->__sk_common.skc_rcv_saddr);
	else
		bpf_probe_read_kernel(into, 16, &sk->__sk_common.skc_v6_rcv_saddr);
}

/*
 * The application closed it, or is about to: it gets no error any more, and one that waits to be told
 * (IP_RECVERR) is not what ended it. tcp_done() shuts both ways after the change to CLOSE.
 */
static __always_inline bool is_done_with(const struct sock *sk)
{
	if (sk->__sk_common.skc_flags & (1 << 0)) /* SOCK_DEAD */
		return true;
	return sk->sk_shutdown == SHUTDOWN_MASK && sk->__sk_common.skc_state != TCP_CLOSE;
}

/* The kernel clears skc_num when the port is put back, but not inet_sport. */
static __always_inline u16 local_port_of(struct tcp_sock *tp)
{
	u16 port = bpf_ntohs(tp->inet_conn.icsk_inet.inet_sport);

	return port ? port : tp->inet_conn.icsk_inet.sk.__sk_common.skc_num;
}

/* The same for a socket without a type. */
static __always_inline u16 local_port_of_untyped(struct sock *sk)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;
	u16 port = bpf_ntohs(BPF_CORE_READ(tp, inet_conn.icsk_inet.inet_sport));

	return port ? port : BPF_CORE_READ(sk, __sk_common.skc_num);
}

static __always_inline void fill_endpoints(struct endpoints *e, struct sock *sk,
					   struct tcp_sock *tp, const struct conn *conn, u8 state)
{
	__builtin_memset(e, 0, sizeof(*e));
	e->family = family_of(sk);
	read_local(sk, e->family, e->local);
	read_peer(sk, e->family, e->peer);
	e->local_port = local_port_of(tp);
	e->peer_port = bpf_ntohs(sk->__sk_common.skc_dport);
	e->role = conn->role;
	e->state = state;
	e->netns = conn->netns;
	e->next_uid = sk->sk_uid.val + 1;
}

static __always_inline bool fin_was_sent(u8 state)
{
	return state == TCP_FIN_WAIT1 || state == TCP_FIN_WAIT2 || state == TCP_CLOSING ||
	       state == TCP_LAST_ACK;
}

/*
 * Made by Fast Open (RFC 7413), and the last ACK of its handshake did not come yet: it is used
 * already, and may even be closed. Others begin to transfer with that ACK; a RST takes fastopen_rsk
 * away before it changes the state.
 */
static __always_inline bool is_fast_open(const struct sock *sk, const struct tcp_sock *tp)
{
	return sk->__sk_common.skc_state == TCP_SYN_RECV && tp->rcvq_space.time;
}

/*
 * The payload that the peer acknowledged is bytes_acked without the client's SYN and, when it is
 * acknowledged, our FIN.
 */
static __always_inline u64 payload_sent(struct tcp_sock *tp, const struct conn *conn, bool fin_sent)
{
	u64 acked = tp->bytes_acked;

	if (conn->role == ROLE_CLIENT && acked)
		acked -= 1;
	if (fin_sent && acked && tp->snd_una == tp->write_seq)
		acked -= 1;
	return acked;
}

/*
 * Returns the payload that the peer acknowledged, by what was sent. Unlike bytes_acked it has
 * neither SYN nor FIN.
 */
static __always_inline u64 acked_payload(struct tcp_sock *tp)
{
	return tp->bytes_sent - tp->bytes_retrans - (u32)(tp->snd_nxt - tp->snd_una);
}

/* At the client's end alone the acknowledged bytes have a SYN among them (tcp_snd_una_update()). */
static __always_inline bool is_syn_acked(struct tcp_sock *tp)
{
	return tp->bytes_acked == acked_payload(tp) + 1;
}

/* The payload received is bytes_received without the peer's FIN (only tcp_fin() sets SOCK_DONE). */
static __always_inline u64 payload_received(struct sock *sk, struct tcp_sock *tp)
{
	u64 received = tp->bytes_received;

	if (received && (sk->__sk_common.skc_flags & (1 << 1)))
		received -= 1;
	return received;
}

/* `fin_sent` is about our own FIN, which the kernel counts as a byte once it is acknowledged. */
static __always_inline struct tcp_counters counters_of(struct sock *sk, struct tcp_sock *tp,
						       const struct conn *conn, bool fin_sent)
{
	return read_counters(tp, payload_sent(tp, conn, fin_sent), payload_received(sk, tp));
}

/* A function of its own, since its callers have no room left on their stack. */
static __noinline int count_left_out(void)
{
	count_loss(PROBE_STATE, LEFT_OUT);
	return 0;
}

/* Whether a segment was acknowledged since the handshake: only then is rtt_min a time on the wire. */
static __always_inline bool has_rtt_min(struct tcp_sock *tp, const struct conn *conn)
{
	return !conn->deferred || tp->rack.rtt_us;
}

/*
 * TCP_DEFER_ACCEPT: the handshake ends with the client's first data, and so does the first sample of
 * the smoothed round-trip time. It is a time on the wire when the client did not wait, or when later
 * samples outweigh the first one: within twice the smallest, as any other may be.
 */
static __always_inline bool has_rtt(struct tcp_sock *tp, const struct conn *conn)
{
	return !conn->deferred || (conn->flags & CONN_RTT_KNOWN) ||
	       (tp->rack.rtt_us && tp->srtt_us >> 3 <= 2 * tp->rtt_min.s[0].v);
}

/*
 * Sequence numbers come again after 4 GiB (RFC 9293 section 3.4). Positions do not, since a request
 * is remembered for longer than that. bytes_acked moves with snd_una, and what is on the way lies
 * within half the circle of it. It alone is read, so that an acknowledgement on another CPU cannot
 * come between two readings.
 */
static __always_inline u64 position_from(u32 base, u64 bytes_acked, u32 seq)
{
	return bytes_acked + (s32)(seq + base - (u32)bytes_acked);
}

#endif
