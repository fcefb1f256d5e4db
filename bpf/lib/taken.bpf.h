/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Packets that TCP freed with a reason though nothing was lost: it had taken from them all that was
 * in them. Most have no reason of their own (NOT_SPECIFIED), so what a packet carries decides.
 */
#ifndef WIRESPAN_LIB_TAKEN_H
#define WIRESPAN_LIB_TAKEN_H

/* Reasons by their numbers in the running kernel, 0: it has none. */
const volatile u64 cfg_drop_queue_purge = 0;
const volatile u64 cfg_drop_not_specified = 0;
const volatile u64 cfg_drop_old_sequence = 0; /* before it had one: INVALID_SEQUENCE */
const volatile u64 cfg_drop_invalid_syn = 0;
const volatile u64 cfg_drop_reset = 0;

/* Byte 13 of the header, RFC 9293. */
#define TCP_FLAG_FIN 0x01
#define TCP_FLAG_SYN 0x02
#define TCP_FLAG_RST 0x04
#define TCP_FLAG_ACK 0x10

/*
 * Request and TIME_WAIT sockets are no full sockets: they have no protocol to read, and no owner.
 */
static __always_inline bool is_full(const struct sock *sk)
{
	u8 state = BPF_CORE_READ(sk, __sk_common.skc_state);

	return state != TCP_TIME_WAIT && state != TCP_NEW_SYN_RECV;
}

/* What a TCP packet carries. */
struct tcp_content {
	u32 seq;
	u32 payload; /* bytes */
	u8 flags;
};

static __always_inline u8 *transport_of(u8 *network, u8 family)
{
	u8 first = 0;

	if (family == 6)
		return network + 40;
	bpf_probe_read_kernel(&first, 1, network);
	return network + (first & 15) * 4;
}

/* False before it has a header. */
static __always_inline bool read_content(struct sk_buff *skb, u8 family,
					 struct tcp_content *content)
{
	u8 *network = skb->head + skb->network_header;
	u8 *transport = transport_of(network, family);
	u8 offset_flags[2] = {};
	u16 length = 0;
	u32 header;

	if (!skb->protocol)
		return false;
	bpf_probe_read_kernel(&length, 2, network + (family == 4 ? 2 : 4));
	bpf_probe_read_kernel(&content->seq, 4, transport + 4);
	bpf_probe_read_kernel(offset_flags, 2, transport + 12);
	content->seq = bpf_ntohl(content->seq);
	content->flags = offset_flags[1];
	length = bpf_ntohs(length) - (family == 4 ? transport - network : 0);
	header = (offset_flags[0] >> 4) * 4;
	content->payload = length > header ? length - header : 0;
	return true;
}

/* A packet inside TCP has no device any more; one in its first steps has the route to a local socket. */
static __always_inline bool is_delivered(struct sk_buff *skb, u8 family)
{
	struct dst_entry *route = (struct dst_entry *)(skb->_skb_refdst & ~1UL); /* SKB_DST_NOREF */

	if (!skb->skb_iif)
		return false;
	if (!device_of(skb))
		return true;
	if (!route)
		return false;
	if (family == 4)
		return BPF_CORE_READ((struct rtable *)route, rt_type) == RTN_LOCAL_NR;
	return BPF_CORE_READ((struct rt6_info *)route, rt6i_flags) & RTF_LOCAL_FLAG;
}

static __always_inline bool has_full_queue(struct sock *listener)
{
	return is_accept_queue_full(BPF_CORE_READ(listener, sk_ack_backlog),
				    BPF_CORE_READ(listener, sk_max_ack_backlog));
}

/*
 * The last step of a handshake: taken when its accept is deferred (TCP_DEFER_ACCEPT), lost when the queue is
 * full, with one reason before Linux 6.18. `sk`: the listener, or 0 where the kernel does not say whose it was.
 */
static __always_inline bool was_refused(struct sk_buff *skb, struct sock *sk, u8 family)
{
	struct listen_port key = {};
	struct listening *found;
	struct packet_ends ends;

	if (sk)
		return BPF_CORE_READ(sk, __sk_common.skc_state) == TCP_LISTEN && has_full_queue(sk);
	key.netns = netns_of_packet(skb);
	if (!read_ends(skb, family, &ends))
		return false;
	key.port = ends.destination_port;
	found = bpf_map_lookup_elem(&listen_ports, &key);
	return found && has_full_queue((struct sock *)found->listener);
}

/* A SYN-ACK that the client has: it comes again when a deferral ends. `sk` may be 0. */
static __always_inline bool is_old_synack(struct sock *sk, const struct tcp_content *content)
{
	if (!(content->flags & TCP_FLAG_ACK))
		return false;
	return !sk || !is_full(sk) ||
	       (s32)(content->seq - BPF_CORE_READ((struct tcp_sock *)sk, rcv_nxt)) < 0;
}

/* A queue that goes with its socket: it has the FIN that nobody had to read, errors and notices that nobody asked for. */
static __always_inline bool is_leftover(struct sk_buff *skb, u32 reason)
{
	if (reason != cfg_drop_queue_purge && reason != cfg_drop_not_specified)
		return false;
	return skb->sk &&
	       (!skb->len || BPF_CORE_READ_BITFIELD(skb, pkt_type) == PACKET_OUTGOING_NR);
}

/* A RST that ends a handshake: its listener is the receiver, as the kernel says from Linux 6.11 on. */
static __always_inline bool is_half_open_reset(struct sk_buff *skb, struct sock *listener,
					       u8 family, u32 reason)
{
	struct tcp_content content = {};

	return listener && reason == cfg_drop_not_specified &&
	       BPF_CORE_READ(listener, __sk_common.skc_state) == TCP_LISTEN &&
	       read_content(skb, family, &content) && (content.flags & TCP_FLAG_RST);
}

/* `sk`: whom the kernel says that it was for, a full socket or not, else 0. */
static __always_inline bool is_taken(struct sk_buff *skb, struct sock *sk, u8 family, u32 reason)
{
	struct tcp_content content = {};

	if (reason != cfg_drop_not_specified && reason != cfg_drop_old_sequence &&
	    reason != cfg_drop_invalid_syn && reason != cfg_drop_reset)
		return false;
	if (!sk && !is_delivered(skb, family))
		return false;
	if (!read_content(skb, family, &content) || content.payload)
		return false;
	if (content.flags & TCP_FLAG_SYN)
		return reason == cfg_drop_invalid_syn && is_old_synack(sk, &content);
	if (content.flags & TCP_FLAG_RST)
		return reason == cfg_drop_not_specified || reason == cfg_drop_reset;
	/* Its connection is in TIME_WAIT, or about to be: it is the FIN of the end that closes last. */
	if (content.flags & TCP_FLAG_FIN)
		return reason == cfg_drop_not_specified &&
		       (!sk || BPF_CORE_READ(sk, __sk_common.skc_state) == TCP_TIME_WAIT);
	if (!(content.flags & TCP_FLAG_ACK))
		return false;
	/* An acknowledgement, or a probe: keepalive's, or of a window that is closed. */
	return reason == cfg_drop_old_sequence ||
	       (reason == cfg_drop_not_specified && !was_refused(skb, sk, family));
}

#endif
