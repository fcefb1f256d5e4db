// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The points of a packet's way: a record at each, for views, and for the agent when it is asked to. Where a way
 * ends is no event of the kernel (TCP frees what it took without a word), so user space joins them.
 */
#include "wirespan.bpf.h"
#include "packet_head.bpf.h"

/* The agent asks: it wants to know whose each packet is, and of which request. */
const volatile u8 cfg_packet_senders = 0;

/*
 * The points of packets have a ring of their own: ever so many of them take no room of other records. User space
 * reads it, and gives it its size. When it is full, a record is lost, and that is counted.
 */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} packets SEC(".maps");

struct packet_place {
	u8 point;
	/* Its data begins at the network header, which skb->network_header need not know yet. */
	bool is_at_data;
	u32 reason;
	u32 netns;
	u64 cookie;
	/* The socket that sends it, or the one that takes it; NULL: not known. */
	struct sock *sk;
};

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

static __always_inline struct packet_record *reserve_point(u8 point, u64 size)
{
	struct packet_record *record = bpf_ringbuf_reserve(&packets, size, 0);

	if (!record) {
		count_loss(PROBE_PACKET, LOST_RING_FULL);
		return 0;
	}
	__builtin_memset(record, 0, sizeof(*record));
	record->header.ts_ns = bpf_ktime_get_ns();
	record->header.kind = RECORD_PACKET;
	record->header.bytes = size;
	record->point = point;
	record->cpu = bpf_get_smp_processor_id();
	return record;
}

/* Who reads looks at the ring often, and waits for nothing: it is never woken. */
static __always_inline void submit_point(struct packet_record *record)
{
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	count_loss(PROBE_PACKET, SENT);
}

/* What is known of the one that sent the packet, whose buffer has its socket until it leaves the host or the namespace. */
static __always_inline void tell_sender(struct sent_packet_record *record, struct sock *sk,
					const struct conn *conn, const struct packet_head *head)
{
	__builtin_memset(&record->owner, 0, sizeof(*record) - sizeof(record->packet));
	if (!conn)
		return;
	record->owner = conn->owner;
	record->packet.cookie = cookie_of(sk);
	record->packet.netns = conn->netns;
	if (!head->payload)
		return;
	find_context(sk, head->seq, head->seq + 1, &record->context);
	if (cfg_http2)
		record->stream = find_stream(sk, head->seq, head->seq + 1);
}

static __always_inline void fill_point(struct packet_record *record, struct sk_buff *skb,
				       const struct packet_head *head)
{
	record->packet = (u64)skb;
	__builtin_memcpy(record->source, head->source, sizeof(head->source));
	__builtin_memcpy(record->destination, head->destination, sizeof(head->destination));
	record->seq = head->seq;
	record->ack = head->ack;
	record->payload = head->payload;
	record->source_port = head->source_port;
	record->destination_port = head->destination_port;
	record->window = head->window;
	record->flags = head->flags;
	record->family = head->family;
	record->segments = segments_of(skb);
}

static __always_inline void emit_point(struct sk_buff *skb, const struct packet_place *place)
{
	bool is_sent = cfg_packet_senders && place->point == POINT_QUEUE;
	struct packet_head head = {};
	struct packet_record *record;
	struct conn *conn = 0;

	if (!read_head(skb, place->is_at_data, &head))
		return;
	if (cfg_packet_senders && place->sk && is_tcp(place->sk) && is_full(place->sk))
		conn = conn_of_readable(place->sk);
	record = reserve_point(place->point,
			       is_sent ? sizeof(struct sent_packet_record) : sizeof(*record));
	if (!record)
		return;
	fill_point(record, skb, &head);
	record->cookie = place->cookie;
	record->unobserved = conn && (conn->flags & CONN_IGNORED);
	record->reason = place->reason;
	record->netns = place->netns;
	/* Inside TCP there may be what is left of another use of the same field. */
	if (place->point != POINT_TCP)
		read_device(record, device_of(skb));
	if (is_sent)
		tell_sender((struct sent_packet_record *)record, place->sk, conn, &head);
	submit_point(record);
}

SEC("tp_btf/net_dev_queue")
int BPF_PROG(ws_packet_queue, struct sk_buff *skb)
{
	struct packet_place place = {.point = POINT_QUEUE, .sk = skb->sk};

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
	place.sk = sk;
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
	record = reserve_point(point, sizeof(*record));
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
