// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* TCP packets that the kernel frees with a drop reason. */
#include "wirespan.bpf.h"

const volatile u8 cfg_emit_drop = 0; /* enum emit_mode */
const volatile u8 cfg_drop_stack = 0;
const volatile u8 cfg_drop_has_reason = 0; /* kfree_skb with a reason (5.17) */
const volatile u8 cfg_drop_has_rx_sk = 0;  /* kfree_skb with the receiving socket (6.11) */
const volatile u64 cfg_drop_consumed = 0;  /* SKB_CONSUMED of this kernel, or 0 */

/* These tell rows of drops apart, each by its attribute. */
const volatile u8 cfg_drop_function = 0;
const volatile u8 cfg_drop_interface = 0;
const volatile u8 cfg_drop_state = 0;
const volatile u8 cfg_drop_port = 0;

/* The rows of `drop_sites` are numbered from 1. */
u32 drop_site_count = 0;

#define DROP_SITES 1024

/*
 * This numbers the places where drops happened. When it is full, this is counted, and the drop is
 * told without its place.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, DROP_SITES);
	__type(key, struct drop_site);
	__type(value, u32);
} drop_sites SEC(".maps");

/* The first frames of a stack are our own: this program, and what calls it. */
#define OWN_FRAMES 3

/* Returns 4 or 6 for a TCP packet or a packet of a TCP socket, and 0 for anything else. */
static __always_inline u8 tcp_family(struct sk_buff *skb, struct sock *sk)
{
	u16 protocol = bpf_ntohs(skb->protocol);
	u8 *network = skb->head + skb->network_header;
	u8 next = 0;

	if (sk && !is_tcp(sk))
		return 0;
	if (protocol == ETH_P_IP)
		bpf_probe_read_kernel(&next, 1, network + 9); /* iphdr.protocol, RFC 791 */
	else if (protocol == ETH_P_IPV6)
		bpf_probe_read_kernel(&next, 1, network + 6); /* ipv6hdr.nexthdr, RFC 8200 */
	else if (sk) /* freed before it got a network header: a send queue's */
		return sk->__sk_common.skc_family == AF_INET ? 4 : 6;
	if (next == IPPROTO_ICMP_NR || next == IPPROTO_ICMPV6_NR || (next != IPPROTO_TCP && !sk))
		return 0;
	return protocol == ETH_P_IP ? 4 : 6;
}

static __always_inline void read_interface(struct sk_buff *skb, struct drop_record *record)
{
	struct net_device *device = device_of(skb);

	/* A packet inside TCP has left its interface. */
	if (device)
		bpf_probe_read_kernel_str(record->interface, sizeof(record->interface),
					  &device->name);
	record->netns = netns_of_packet(skb);
}

static __always_inline void emit_drop(void *ctx, struct sk_buff *skb, struct sock *sk,
				      struct conn *conn, const struct drop_key *key, u64 location)
{
	struct drop_record *record;
	struct packet_ends ends;
	struct tcp_content content = {};
	bool is_for_agent = cfg_emit_drop == EMIT_ALL;
	bool has_payload;
	u32 reader;

	/* Without a socket there is no trace to be on. */
	if (cfg_emit_drop != EMIT_ALL && !is_viewed(VIEWED_DROP) &&
	    !(conn &&
	      (cfg_hook || cfg_serves || cfg_http2 || (cfg_requests && conn->role == ROLE_CLIENT))))
		return;
	record = bpf_ringbuf_reserve(&events, sizeof(*record), 0);
	if (!record) {
		count_loss(PROBE_DROP, LOST_RING_FULL);
		return;
	}
	__builtin_memset(record, 0, sizeof(*record));
	record->header.ts_ns = bpf_ktime_get_ns();
	record->header.kind = RECORD_DROP;
	record->header.bytes = sizeof(*record);
	record->owner = key->owner;
	record->family = key->family;
	record->reason = key->reason;
	record->location = location;
	read_interface(skb, record);
	if (read_ends(skb, key->family, &ends)) {
		__builtin_memcpy(record->source, ends.source, sizeof(ends.source));
		__builtin_memcpy(record->destination, ends.destination, sizeof(ends.destination));
		record->source_port = ends.source_port;
		record->destination_port = ends.destination_port;
	}
	has_payload = read_content(skb, key->family, &content) && content.payload;
	record->flags = content.flags;
	if (conn) {
		record->cookie = cookie_of(sk);
		record->netns = conn->netns;
		record->state = sk->__sk_common.skc_state;
		record->local_port = bpf_ntohs(BPF_CORE_READ((struct inet_sock *)sk, inet_sport));
		record->peer_port = bpf_ntohs(sk->__sk_common.skc_dport);
		/* Only what this socket sent is at its own sequence numbers. */
		if (has_payload && record->source_port == record->local_port)
			find_context(sk, content.seq, content.seq + 1, &record->context);
		if (cfg_http2 && has_payload && record->source_port == record->local_port)
			record->stream = find_stream(sk, content.seq, content.seq + 1);
	}
	if (cfg_emit_drop == EMIT_TRACED && (record->context.found || record->stream))
		is_for_agent = key->reason != cfg_drop_queue_purge;
	reader = reader_of(is_for_agent, VIEWED_DROP);
	if (!reader) {
		bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);
		return;
	}
	record->header.kind |= reader & FOR_VIEWS;
	if (cfg_drop_stack)
		bpf_get_stack(ctx, record->stack, sizeof(record->stack), OWN_FRAMES);
	submit(PROBE_DROP, record);
}

/* Returns 0 when it is not asked for, or there is no room. */
static __always_inline u32 site_of(struct sk_buff *skb, u64 location)
{
	struct net_device *device = device_of(skb);
	struct drop_site site = {};
	u32 *number, next;

	if (!cfg_drop_function && !cfg_drop_interface)
		return 0;
	if (cfg_drop_function)
		site.location = location;
	if (cfg_drop_interface && device)
		bpf_probe_read_kernel_str(site.interface, sizeof(site.interface), &device->name);
	number = bpf_map_lookup_elem(&drop_sites, &site);
	if (!number && drop_site_count < DROP_SITES) {
		next = __sync_fetch_and_add(&drop_site_count, 1) + 1;
		number = try_init(&drop_sites, &site, &next);
	}
	if (number)
		return *number;
	count_loss(PROBE_DROP, LOST_MAP_FULL);
	return 0;
}

static __always_inline u16 server_port_of(struct sock *sk, const struct conn *conn)
{
	if (conn->role == ROLE_CLIENT || conn->role == ROLE_SERVER)
		return conn->listen_port;
	if (conn->role == ROLE_LISTENER)
		return bpf_ntohs(BPF_CORE_READ((struct inet_sock *)sk, inet_sport));
	return 0;
}

/* Tells whether it was one, which is no drop. */
static __always_inline bool see_half_open_reset(struct sk_buff *skb, struct sock *listener,
						const struct drop_key *key)
{
	if (!listener || !key->family || !cfg_sees_resets ||
	    !is_half_open_reset(skb, listener, key->family, key->reason))
		return false;
	count_half_open_reset(skb, listener, key->family);
	return true;
}

SEC("tp_btf/kfree_skb")
int BPF_PROG(ws_drop, struct sk_buff *skb, void *location)
{
	struct drop_key key = {};
	struct conn *conn = 0;
	struct sock *sk = 0, *receiver;
	bool has_own;

	if (cfg_drop_has_reason) {
		key.reason = (u32)ctx[2];
		if (!key.reason || key.reason == cfg_drop_consumed)
			return 0;
	}
	if (key.reason && is_leftover(skb, key.reason))
		return 0;
	sk = skb->sk;
	has_own = sk;
	if (!sk && cfg_drop_has_rx_sk)
		sk = (struct sock *)ctx[3];
	receiver = skb->skb_iif ? sk : 0;
	if (sk && cfg_drop_state)
		key.state = sk->__sk_common.skc_state;
	if (sk && !is_full(sk))
		sk = 0;
	key.family = tcp_family(skb, sk);
	if (cfg_drop_has_rx_sk && receiver && !has_own &&
	    see_half_open_reset(skb, (struct sock *)ctx[3], &key))
		return 0;
	if (!key.family || (key.reason && is_taken(skb, receiver, key.family, key.reason)))
		return 0;
	key.site = site_of(skb, (u64)location);
	if (sk) {
		conn = conn_of_readable(sk);
		if (conn && (conn->flags & CONN_IGNORED))
			return 0;
		if (conn)
			key.owner = conn->owner;
		if (conn && cfg_drop_port)
			key.server_port = server_port_of(sk, conn);
	}
	if (conn || !count_unowned(skb, &key))
		drop_row(&key, PROBE_DROP);
	if (is_viewed(VIEWED_DROP) ||
	    (cfg_emit_drop && (cfg_emit_drop == EMIT_ALL || key.reason != cfg_drop_queue_purge)))
		emit_drop(ctx, skb, sk, conn, &key, (u64)location);
	return 0;
}
