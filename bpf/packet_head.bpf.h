/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the headers of a TCP packet say, and whether a view wants the packet. */
#ifndef WIRESPAN_PACKET_HEAD_H
#define WIRESPAN_PACKET_HEAD_H

/* Only packets from or to one of these, up to four in 16 bits each; 0: any. */
const volatile u64 cfg_packet_ports = 0;
/* Only packets from or to this address, as on the wire: its first eight bytes, and the others. */
const volatile u8 cfg_packet_family = 0; /* 4 or 6; 0: any */
const volatile u64 cfg_packet_address = 0;
const volatile u64 cfg_packet_address_end = 0;
/* Only packets of one of so many flows, both directions of each; up to 1: all. */
const volatile u64 cfg_packet_sample = 0;

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

/* The same for both directions: ends are added up, so it does not matter which one is the source. */
static __always_inline bool is_of_sampled_flow(const struct packet_head *head)
{
	u64 source[2], destination[2], hash;

	if (cfg_packet_sample <= 1)
		return true;
	__builtin_memcpy(source, head->source, sizeof(source));
	__builtin_memcpy(destination, head->destination, sizeof(destination));
	hash = (source[0] + destination[0]) ^ (source[1] + destination[1]);
	/* Each multiplication carries lower bits into those that are used: 2^64 by the golden ratio. */
	hash = hash * 0x9e3779b97f4a7c15ULL + head->source_port + head->destination_port;
	hash = (hash ^ hash >> 32) * 0x9e3779b97f4a7c15ULL;
	return (hash >> 32) % cfg_packet_sample == 0;
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
	    !is_wanted_end(head->family, head->source, head->destination) ||
	    !is_of_sampled_flow(head))
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

#endif
