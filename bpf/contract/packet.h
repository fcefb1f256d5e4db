/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A packet at one point of its way. Part of wire.h. */
#ifndef WIRESPAN_CONTRACT_PACKET_H
#define WIRESPAN_CONTRACT_PACKET_H

/* In the order of a way from one end to the other. */
enum packet_point {
	/* It is given to a device: before the queueing discipline. */
	POINT_QUEUE = 1,
	/* It is given to the device's driver. */
	POINT_TRANSMIT = 2,
	/* A driver without a queue of its own gave it to the stack: it waits for the softirq. */
	POINT_BACKLOG = 3,
	/* It is received, and goes to the protocols. */
	POINT_RECEIVE = 4,
	/* TCP takes it, on a connection that is established. */
	POINT_TCP = 5,
	/* The socket says that it has data: what it has up to `seq`. */
	POINT_READY = 6,
	/* The application read up to `seq`. */
	POINT_READ = 7,
	/* Freed after use, by a driver that sent it or by what took it. */
	POINT_FREED = 8,
	/* Freed with a drop reason. */
	POINT_LOST = 9,
};

struct packet_record {
	struct record_header header;
	/* Kernel address of its sk_buff: no two have it at one time. 0 at POINT_READY and POINT_READ. */
	__u64 packet;
	/* Its socket's from POINT_TCP to POINT_READ, in sent_packet_record that of the one that sent it; else 0. */
	__u64 cookie;
	/* As in its headers at this point; zero at POINT_READY and POINT_READ. */
	__u8 source[16];
	__u8 destination[16];
	__u32 seq;
	__u32 ack;
	__u32 payload; /* bytes */
	__u32 netns;   /* of the interface, inside TCP of the socket; 0: neither is known */
	__u16 source_port;
	__u16 destination_port;
	__u16 window;	/* as in the header, not scaled */
	__u16 segments; /* of one that GSO will split or GRO has put together, else 1 */
	__u32 interface_index;
	__u32 reason; /* enum skb_drop_reason of the running kernel, at POINT_LOST */
	__u16 cpu;
	__u8 point;  /* enum packet_point */
	__u8 flags;  /* of the TCP header, RFC 9293 section 3.1 */
	__u8 family; /* 4 or 6 */
	__u8 unobserved; /* its connection is not observed, as the agent's own: told to the agent alone */
	__u8 pad[2];
	char interface[INTERFACE_NAME]; /* empty where it has none */
};
_Static_assert(sizeof(struct packet_record) == 120, "packet_record");

/* At POINT_QUEUE, to the agent: whose it is while its buffer has the socket that sent it, and of which request. */
struct sent_packet_record {
	struct packet_record packet;
	struct owner_key owner; /* zero: not known */
	struct trace_context context;
	__u32 stream; /* of HTTP/2; 0: of none */
	__u32 pad;
};
_Static_assert(sizeof(struct sent_packet_record) == 184, "sent_packet_record");

#endif
