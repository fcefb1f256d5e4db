/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A segment where it arrives, at the root of cgroup v2: before TCP has seen it, and with no lock on the socket. */
#ifndef WIRESPAN_ARRIVAL_H
#define WIRESPAN_ARRIVAL_H

/* A segment with payload. */
struct arrival {
	u32 seq;
	u32 ack;
	u32 offset; /* of its payload in the packet */
	u32 payload;
};

/* Reads where the payload of a segment is. Linear are at least its IP and TCP headers. */
static __always_inline bool read_arrival(struct __sk_buff *skb, struct arrival *arrival)
{
	u8 *data = (u8 *)(u64)skb->data, *end = (u8 *)(u64)skb->data_end, *tcp;
	u32 offset = 40;

	if (data + 40 > end)
		return false;
	if (data[0] >> 4 == 4)
		offset = (data[0] & 0xf) * 4;
	else if (data[6] != IPPROTO_TCP)
		return false; /* an extension header of IPv6 */
	tcp = data + offset;
	if (tcp + 20 > end)
		return false;
	arrival->seq = bpf_ntohl(*(u32 *)(tcp + 4));
	arrival->ack = bpf_ntohl(*(u32 *)(tcp + 8));
	arrival->offset = offset + (tcp[12] >> 4) * 4;
	arrival->payload = skb->len > arrival->offset ? skb->len - arrival->offset : 0;
	return true;
}

/*
 * Segments may be at hand on several CPUs, and the socket is not locked: the stream begins where
 * rcv_nxt was while nothing was received.
 */
static __always_inline bool find_start(struct tcp_sock *tp, u32 *start)
{
	*start = *(volatile u32 *)&tp->rcv_nxt;
	barrier();
	return !*(volatile u64 *)&tp->bytes_received;
}

/* Returns what is kept of a server's connection, or NULL: nothing is to be read of it. */
static __always_inline struct conn *wanted_server(struct tcp_sock *tp)
{
	struct conn *conn = conn_of_readable((struct sock *)tp);

	if (!conn || conn->role != ROLE_SERVER || (conn->flags & CONN_MAY_BE_RESTORED) ||
	    ((conn->flags & CONN_IGNORED) && !may_be_wanted(conn)))
		return 0;
	return conn;
}

#endif
