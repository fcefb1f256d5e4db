// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The points of a packet's way, for views: a record at each. The agent loads none of them. Where a way
 * ends is no event of the kernel (TCP frees what it took without a word), so user space joins them.
 */
#include "wirespan.bpf.h"

/* Only packets from or to one of these, up to four in 16 bits each; 0: any. */
const volatile u64 cfg_packet_ports = 0;
/* Only packets from or to this address, as on the wire: its first eight bytes, and the others. */
const volatile u8 cfg_packet_family = 0; /* 4 or 6; 0: any */
const volatile u64 cfg_packet_address = 0;
const volatile u64 cfg_packet_address_end = 0;

struct packet_place {
	u8 point;
	/* Its data begins at the network header, which skb->network_header need not know yet. */
	bool is_at_data;
	u32 reason;
	u32 netns;
	u64 cookie;
};

/* What the headers of a TCP packet say. */
struct packet_head {
	u8 source[16];
	u8 destination[16];
	u32 seq;
	u32 ack;
	u32 payload;
	u16 source_port;
	u16 destination_port;
	u16 window;
	u8 flags;
	u8 family;
};

/* RFC 9293 section 3.1, up to the window. */
struct tcp_start {
	__be16 source;
	__be16 destination;
	__be32 seq;
	__be32 ack;
	u8 offset; /* in its upper four bits, 32-bit words */
	u8 flags;
	__be16 window;
};

static __always_inline bool has_wanted_port(u16 source, u16 destination)
{
	u64 left = cfg_packet_ports;
	u32 i;

	if (!left)
		return true;
	for (i = 0; i < 4; i++, left >>= 16)
		if ((u16)left && ((u16)left == source || (u16)left == destination))
			return true;
	return false;
}

static __always_inline bool is_wanted_address(const u8 *address)
{
	u64 parts[2];

	__builtin_memcpy(parts, address, sizeof(parts));
	return parts[0] == cfg_packet_address && parts[1] == cfg_packet_address_end;
}

static __always_inline bool is_wanted_end(u8 family, const u8 *source, const u8 *destination)
{
	if (!cfg_packet_family)
		return true;
	return family == cfg_packet_family &&
	       (is_wanted_address(source) || is_wanted_address(destination));
}

/* Reads the network header; where the transport header is, or NULL when it is not TCP's. */
static __always_inline u8 *read_network(struct sk_buff *skb, u8 *network, struct packet_head *head,
					u32 *length)
{
	u16 protocol = bpf_ntohs(skb->protocol);
	u32 words[10] = {};

	if (protocol == ETH_P_IP) {
		/* RFC 791; what is a later piece of a fragmented one has no header of TCP. */
		if (bpf_probe_read_kernel(words, 20, network) || (words[0] & 0xf0) != 0x40 ||
		    ((words[2] >> 8) & 0xff) != IPPROTO_TCP || (bpf_ntohs(words[1] >> 16) & 0x1fff))
			return 0;
		head->family = 4;
		__builtin_memcpy(head->source, &words[3], 4);
		__builtin_memcpy(head->destination, &words[4], 4);
		*length = bpf_ntohs(words[0] >> 16);
		if (*length)
			*length -= (words[0] & 15) * 4;
		return network + (words[0] & 15) * 4;
	}
	/* RFC 8200; extension headers are not followed. */
	if (protocol != ETH_P_IPV6 || bpf_probe_read_kernel(words, sizeof(words), network) ||
	    (words[0] & 0xf0) != 0x60 || ((words[1] >> 16) & 0xff) != IPPROTO_TCP)
		return 0;
	head->family = 6;
	__builtin_memcpy(head->source, &words[2], 16);
	__builtin_memcpy(head->destination, &words[6], 16);
	*length = bpf_ntohs((u16)words[1]);
	return network + 40;
}

/* False when it is no TCP packet, or nobody asked for it. */
static __always_inline bool read_head(struct sk_buff *skb, bool is_at_data,
				      struct packet_head *head)
{
	u8 *network = is_at_data ? skb->data : skb->head + skb->network_header, *transport;
	struct tcp_start tcp = {};
	u32 length = 0, begin;

	transport = read_network(skb, network, head, &length);
	if (!transport || bpf_probe_read_kernel(&tcp, sizeof(tcp), transport))
		return false;
	head->source_port = bpf_ntohs(tcp.source);
	head->destination_port = bpf_ntohs(tcp.destination);
	if (!has_wanted_port(head->source_port, head->destination_port) ||
	    !is_wanted_end(head->family, head->source, head->destination))
		return false;
	head->seq = bpf_ntohl(tcp.seq);
	head->ack = bpf_ntohl(tcp.ack);
	head->window = bpf_ntohs(tcp.window);
	head->flags = tcp.flags;
	/* One that is too long for the header's field says 0 there. */
	if (!length)
		length = skb->len - (u32)(transport - skb->data);
	begin = (tcp.offset >> 4) * 4;
	head->payload = length > begin ? length - begin : 0;
	return true;
}

static __always_inline u16 segments_of(struct sk_buff *skb)
{
	struct skb_shared_info *shared = (struct skb_shared_info *)(skb->head + skb->end);

	return BPF_CORE_READ(shared, gso_size) ? BPF_CORE_READ(shared, gso_segs) : 1;
}

static __always_inline void read_device(struct packet_record *record, struct net_device *device)
{
	if (!device)
		return;
	record->netns = BPF_CORE_READ(device, nd_net.net, ns.inum);
	record->interface_index = BPF_CORE_READ(device, ifindex);
	bpf_probe_read_kernel_str(record->interface, sizeof(record->interface), &device->name);
}

static __always_inline struct packet_record *reserve_point(u8 point)
{
	struct packet_record *record = bpf_ringbuf_reserve(&events, sizeof(*record), 0);

	if (!record) {
		count_loss(PROBE_PACKET, LOST_RING_FULL);
		return 0;
	}
	__builtin_memset(record, 0, sizeof(*record));
	record->header.ts_ns = bpf_ktime_get_ns();
	record->header.kind = RECORD_PACKET;
	record->header.bytes = sizeof(*record);
	record->point = point;
	record->cpu = bpf_get_smp_processor_id();
	return record;
}

/* A view looks at the buffer often, and waits for nothing: it is never woken. */
static __always_inline void submit_point(struct packet_record *record)
{
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	count_loss(PROBE_PACKET, SENT);
}

static __always_inline void emit_point(struct sk_buff *skb, const struct packet_place *place)
{
	struct packet_head head = {};
	struct packet_record *record;

	if (!read_head(skb, place->is_at_data, &head))
		return;
	record = reserve_point(place->point);
	if (!record)
		return;
	record->packet = (u64)skb;
	record->cookie = place->cookie;
	__builtin_memcpy(record->source, head.source, sizeof(head.source));
	__builtin_memcpy(record->destination, head.destination, sizeof(head.destination));
	record->seq = head.seq;
	record->ack = head.ack;
	record->payload = head.payload;
	record->source_port = head.source_port;
	record->destination_port = head.destination_port;
	record->window = head.window;
	record->flags = head.flags;
	record->family = head.family;
	record->segments = segments_of(skb);
	record->reason = place->reason;
	record->netns = place->netns;
	/* Inside TCP there may be what is left of another use of the same field. */
	if (place->point != POINT_TCP)
		read_device(record, device_of(skb));
	submit_point(record);
}

SEC("tp_btf/net_dev_queue")
int BPF_PROG(ws_packet_queue, struct sk_buff *skb)
{
	struct packet_place place = {.point = POINT_QUEUE};

	emit_point(skb, &place);
	return 0;
}

SEC("tp_btf/net_dev_start_xmit")
int BPF_PROG(ws_packet_transmit, struct sk_buff *skb)
{
	struct packet_place place = {.point = POINT_TRANSMIT};

	emit_point(skb, &place);
	return 0;
}

SEC("tp_btf/netif_rx")
int BPF_PROG(ws_packet_backlog, struct sk_buff *skb)
{
	struct packet_place place = {.point = POINT_BACKLOG, .is_at_data = true};

	emit_point(skb, &place);
	return 0;
}

SEC("tp_btf/netif_receive_skb")
int BPF_PROG(ws_packet_receive, struct sk_buff *skb)
{
	struct packet_place place = {.point = POINT_RECEIVE, .is_at_data = true};

	emit_point(skb, &place);
	return 0;
}

SEC("tp_btf/tcp_probe")
int BPF_PROG(ws_packet_tcp, struct sock *sk, struct sk_buff *skb)
{
	struct packet_place place = {.point = POINT_TCP};

	place.netns = netns_of(sk);
	place.cookie = bpf_get_socket_cookie(sk);
	emit_point(skb, &place);
	return 0;
}

/* `seq`: how far it came. */
static __always_inline void emit_progress(struct sock *sk, u8 point, u32 seq)
{
	u8 family = family_of(sk), local[16] = {}, peer[16] = {};
	struct packet_record *record;

	if (!has_wanted_port(sk->__sk_common.skc_num, bpf_ntohs(sk->__sk_common.skc_dport)))
		return;
	if (cfg_packet_family) {
		read_local(sk, family, local);
		read_peer(sk, family, peer);
		if (!is_wanted_end(family, local, peer))
			return;
	}
	record = reserve_point(point);
	if (!record)
		return;
	record->cookie = bpf_get_socket_cookie(sk);
	record->netns = netns_of(sk);
	record->family = family;
	record->seq = seq;
	record->segments = 1;
	submit_point(record);
}

/* Linux 6.3. It is said of other sockets, and of changes of state, too. */
SEC("tp_btf/sk_data_ready")
int BPF_PROG(ws_packet_ready, struct sock *sk)
{
	struct tcp_sock *tp;

	if (!is_tcp(sk) || sk->__sk_common.skc_state == TCP_LISTEN)
		return 0;
	tp = bpf_skc_to_tcp_sock(sk);
	if (tp)
		emit_progress(sk, POINT_READY, tp->rcv_nxt);
	return 0;
}

/* In tcp_recvmsg_locked(), after each piece that it copied. */
SEC("tp_btf/tcp_rcv_space_adjust")
int BPF_PROG(ws_packet_read, struct sock *sk)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);

	if (tp)
		emit_progress(sk, POINT_READ, tp->copied_seq);
	return 0;
}

SEC("tp_btf/consume_skb")
int BPF_PROG(ws_packet_freed, struct sk_buff *skb)
{
	struct packet_place place = {.point = POINT_FREED};

	emit_point(skb, &place);
	return 0;
}

SEC("tp_btf/kfree_skb")
int BPF_PROG(ws_packet_lost, struct sk_buff *skb)
{
	struct packet_place place = {.point = POINT_LOST};
	u8 family = bpf_ntohs(skb->protocol) == ETH_P_IPV6 ? 6 : 4;

	if (cfg_drop_has_reason)
		place.reason = (u32)ctx[2];
	if (!place.reason || place.reason == cfg_drop_consumed || is_leftover(skb, place.reason) ||
	    is_taken(skb, skb->skb_iif ? skb->sk : 0, family, place.reason)) {
		place.point = POINT_FREED;
		place.reason = 0;
	}
	emit_point(skb, &place);
	return 0;
}
