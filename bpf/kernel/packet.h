/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The kernel's types of packets and their way: kernel.h includes it, after the types that these have. */
#ifndef WIRESPAN_KERNEL_PACKET_H
#define WIRESPAN_KERNEL_PACKET_H

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct net_device {
	char name[16];
	int ifindex;
	possible_net_t nd_net;
};

struct dst_entry {
	struct net_device *dev;
};

struct rtable {
	struct dst_entry dst;
	__u16 rt_type;
};

struct rt6_info {
	struct dst_entry dst;
	u32 rt6i_flags;
};

struct sk_buff {
	struct sock *sk;
	struct net_device *dev;
	unsigned long _skb_refdst;
	int skb_iif;
	unsigned int len;
	char cb[48];
	__u8 pkt_type : 3;
	__be16 protocol;
	__u16 transport_header;
	__u16 network_header;
	unsigned int end; /* an offset from head */
	unsigned char *head;
	unsigned char *data;
};

struct skb_shared_info {
	unsigned short gso_size;
	unsigned short gso_segs;
};

struct iphdr {
	__u8 ihl : 4;
	__u8 version : 4;
	__u8 protocol;
};

struct ipv6hdr {
	__u8 nexthdr;
};

#pragma clang attribute pop

/* The context of a program at a packet, up to what is read: UAPI, stable (include/uapi/linux/bpf.h). */
struct __sk_buff {
	__u32 len;
	__u32 before_data[18];
	__u32 data;
	__u32 data_end;
	__u32 napi_id;
	__u32 family;
	__u32 ends[12];
	__u32 data_meta;
	__u64 flow_keys;
	__u64 tstamp;
	__u32 wire_len;
	__u32 gso_segs;
	struct bpf_sock *sk;
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

#define TCPHDR_RST 0x04 /* net/tcp.h */

#endif
