/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Dropped packets without a socket are unowned drops. A tracing program cannot look a socket up, so
 * the packet's addresses and ports are kept, and the sockets look themselves up there: those that
 * live do so in the next pass, those that close before it when they close.
 */
#ifndef WIRESPAN_LIB_UNOWNED_H
#define WIRESPAN_LIB_UNOWNED_H

/*
 * Drops are counted in `unowned_bank`. While a pass runs that finds their owners,
 * `pass_unowned_bank` is the bank that it closes, else 0. The drop program sets `unowned_seen` when
 * there are some.
 */
u32 unowned_bank = 1;
u32 pass_unowned_bank = 0;
u8 unowned_seen = 0;

/*
 * It has unowned drops until a pass finds whose they were. User space deletes a bank one interval
 * after it was closed. When it is full, the drop is the host's, in `drops`, and this is counted.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct unowned_key);
	__type(value, struct unowned_drop);
} unowned_drops SEC(".maps");

static struct unowned_drop zero_unowned_drop;

/*
 * Passes that look for the owners of unowned drops fill it. When it is full, this is counted, and
 * those drops are the host's.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct listen_end_key);
	__type(value, struct listen_end);
} listen_ends SEC(".maps");

/* These are as on the wire. */
struct packet_ends {
	u8 source[16];
	u8 destination[16];
	u16 source_port;
	u16 destination_port;
};

/*
 * Returns false before there is a header. The reads are few, since each costs as much as the map
 * operation.
 */
static __always_inline bool read_ends(struct sk_buff *skb, u8 family, struct packet_ends *ends)
{
	u8 *network = skb->head + skb->network_header, *transport;
	u32 header[5] = {}; /* RFC 791 */
	u16 ports[2] = {};

	__builtin_memset(ends, 0, sizeof(*ends));
	if (!skb->protocol)
		return false;
	if (family == 4) {
		bpf_probe_read_kernel(header, sizeof(header), network);
		__builtin_memcpy(ends->source, &header[3], 4);
		__builtin_memcpy(ends->destination, &header[4], 4);
		transport = network + (*(u8 *)header & 15) * 4;
	} else {
		bpf_probe_read_kernel(ends, 32, network + 8); /* both addresses, RFC 8200 */
		transport = network + 40;
	}
	bpf_probe_read_kernel(ports, sizeof(ports), transport);
	ends->source_port = bpf_ntohs(ports[0]);
	ends->destination_port = bpf_ntohs(ports[1]);
	return true;
}

/*
 * Returns 0 when it is not known. Inside TCP a packet has no device any more, but its route is in
 * the same namespace.
 */
static __always_inline u32 netns_of_packet(struct sk_buff *skb)
{
	struct net_device *device = device_of(skb);
	struct dst_entry *route = (struct dst_entry *)(skb->_skb_refdst & ~1UL); /* SKB_DST_NOREF */

	if (!device && route)
		device = BPF_CORE_READ(route, dev);
	return device ? BPF_CORE_READ(device, nd_net.net, ns.inum) : 0;
}

static __always_inline struct unowned_count *slot_for(struct unowned_drop *row, u64 what)
{
	u32 i;
	u64 found;

	for (i = 0; i < UNOWNED_REASONS; i++) {
		found = *(volatile u64 *)&row->counts[i].what;
		if (!found)
			found = __sync_val_compare_and_swap(&row->counts[i].what, 0, what);
		if (!found || found == what)
			return &row->counts[i];
	}
	return 0;
}

/* Returns false when it has no addresses to look for, or there is no room. Then it is nobody's. */
static __always_inline bool count_unowned(struct sk_buff *skb, const struct drop_key *drop)
{
	u64 what = UNOWNED_USED | (skb->skb_iif ? UNOWNED_RECEIVED : 0) | drop->reason |
		   (u64)(drop->state & 15) << UNOWNED_STATE_BIT |
		   (u64)drop->site << UNOWNED_SITE_BIT;
	struct unowned_key key = {.bank = unowned_bank};
	struct unowned_count *slot;
	struct packet_ends ends;
	struct unowned_drop *row;

	key.netns = netns_of_packet(skb);
	if (!key.netns || !read_ends(skb, drop->family, &ends))
		return false;
	__builtin_memcpy(key.source, ends.source, sizeof(key.source));
	__builtin_memcpy(key.destination, ends.destination, sizeof(key.destination));
	key.source_port = ends.source_port;
	key.destination_port = ends.destination_port;
	key.family = drop->family;
	row = lookup_or_try_init(&unowned_drops, &key, &zero_unowned_drop);
	slot = row ? slot_for(row, what) : 0;
	if (!slot) {
		count_loss(PROBE_DROP, LOST_MAP_FULL);
		return false;
	}
	__sync_fetch_and_add(&slot->count, 1);
	if (!unowned_seen)
		unowned_seen = 1;
	return true;
}

/* The owner is written first, since it is read when `found` says so. */
static __always_inline void claim_end(struct unowned_end *end, const struct conn *conn)
{
	end->owner = conn->owner;
	end->server_port = conn->listen_port;
	barrier();
	end->found = conn->flags & CONN_IGNORED ? CLAIM_IGNORED : CLAIM_OWNED;
}

/*
 * Claims what was dropped on its way to a connection, and from it. `ports`: its own << 16 | the
 * peer's. It is not static, so it is verified once; claim_unowned() asks the socket.
 */
__noinline int claim_ends(u64 address, const struct conn *conn, u32 bank, u32 family, u32 ports)
{
	struct sock *sk = (struct sock *)address;
	struct unowned_key key = {.bank = bank, .family = family};
	u8 local[16] = {}, peer[16] = {};
	struct unowned_drop *row;

	if (!conn)
		return 0;
	key.netns = conn->netns;
	read_local(sk, family, local);
	read_peer(sk, family, peer);
	__builtin_memcpy(key.source, peer, sizeof(peer));
	__builtin_memcpy(key.destination, local, sizeof(local));
	key.source_port = ports;
	key.destination_port = ports >> 16;
	row = bpf_map_lookup_elem(&unowned_drops, &key);
	if (row)
		claim_end(&row->receiver, conn);
	__builtin_memcpy(key.source, local, sizeof(local));
	__builtin_memcpy(key.destination, peer, sizeof(peer));
	key.source_port = ports >> 16;
	key.destination_port = ports;
	row = bpf_map_lookup_elem(&unowned_drops, &key);
	if (row)
		claim_end(&row->sender, conn);
	return 0;
}

static __always_inline void claim_unowned(struct sock *sk, struct tcp_sock *tp,
					  const struct conn *conn, u32 bank)
{
	claim_ends(address_of(sk), conn, bank, family_of(sk),
		   local_port_of(tp) << 16 | bpf_ntohs(sk->__sk_common.skc_dport));
}

/*
 * Notes where it listens. It cannot be told whose a packet is when two processes listen at one
 * place.
 */
static __always_inline void note_listen_end(struct sock *sk, struct tcp_sock *tp,
					    const struct conn *conn)
{
	struct listen_end_key key = {.netns = conn->netns, .port = local_port_of(tp), .family = 4};
	struct listen_end now = {.owner = conn->owner, .pass = pass_number}, *row;
	struct in6_addr local = {};

	if (sk->__sk_common.skc_family == AF_INET) {
		read_local(sk, 4, key.local);
	} else {
		read_local(sk, 6, (u8 *)&local);
		key.family = is_mapped(&local) ? 4 : 6;
		if (key.family == 4)
			__builtin_memcpy(key.local, &local.in6_u.u6_addr8[12], 4);
		else
			__builtin_memcpy(key.local, &local, sizeof(local));
		now.only_ipv6 = BPF_CORE_READ_BITFIELD(sk, __sk_common.skc_ipv6only);
	}
	if (conn->flags & CONN_IGNORED || conn->owner.pid == agent_pid)
		now.found = CLAIM_IGNORED;
	else if (!sk->__sk_common.skc_bound_dev_if)
		now.found = CLAIM_OWNED;
	row = bpf_map_lookup_elem(&listen_ends, &key);
	if (row && row->pass == pass_number) {
		if (row->found != now.found || row->owner.pid != now.owner.pid ||
		    row->owner.start_ns != now.owner.start_ns)
			row->found = CLAIM_NOBODY;
		row->only_ipv6 &= now.only_ipv6;
	} else if (bpf_map_update_elem(&listen_ends, &key, &now, BPF_ANY)) {
		count_loss(PROBE_SCAN, LOST_MAP_FULL);
	}
}

#endif
