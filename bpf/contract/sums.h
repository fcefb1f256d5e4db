/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Rows of the kernel's sums. Part of wire.h. */
#ifndef WIRESPAN_SUMS_H
#define WIRESPAN_SUMS_H

#include "../generated/bounds.h"

/*
 * Cells of a histogram, as many as its bounds in the registry need: a bucket for each bound, one
 * for what is above the last, and the sum in the bounds' unit.
 */
#define HISTOGRAM_CELLS(bounds) (BOUNDS_##bounds##_LEN + 2)

struct reset_key {
	struct owner_key owner;
	__u16 server_port;
	__u8 role;
	__u8 family;
	__u8 received;
	__u8 reason;
	__u8 overflow; /* as in series_key */
	__u8 pad[1];
	__u8 peer[16];	 /* as in series_key */
	__u8 server[16]; /* " */
	__u32 cidr;	 /* zero unless attributes.peer.cidr is on */
	__u8 pad2[4];
};
_Static_assert(sizeof(struct reset_key) == 64, "reset_key");

/* One row of the kernel's sums: a workload's side of its connections to one port. */
struct series_key {
	struct owner_key owner;
	__u8 peer[16]; /* zero unless attributes.network.peer.address is on */
	__u32 cidr;    /* index + 1 of the configured subnet, 0 none */
	__u16 server_port;
	__u8 role;
	__u8 family;
	__u8 error;    /* errno, ERROR_CANCELLED or NO_ERROR */
	__u8 overflow; /* of its owner, or of everybody without one: what found no row of its own */
	__u8 state;    /* of retransmits when attributes.network.connection.state is on, else 0 */
	__u8 pad[5];
	__u8 server[16]; /* zero unless attributes.server.address is on */
};
_Static_assert(sizeof(struct series_key) == 64, "series_key");

struct series {
	__u64 opened;
	__u64 closed[CLOSE_REASONS];
	__u64 retransmits[RETRANSMIT_TYPES];
	__u64 segments_retransmitted; /* from tcp_sock.total_retrans: the truth */
	__u64 bytes_sent;
	__u64 bytes_received;
	__u64 segments_sent;
	__u64 segments_received;
	__u64 active;	   /* established connections, as of `active_pass` */
	__u64 active_pass; /* number of the iterator pass that counted `active` */
	__u64 touched_ns;  /* last time anything was added, or ROW_GONE */
	__u64 handshake[HISTOGRAM_CELLS(TCP_HANDSHAKE_DURATION)];
	__u64 duration[HISTOGRAM_CELLS(TCP_CONNECTION_DURATION)];
	__u64 rtt[HISTOGRAM_CELLS(TCP_RTT)];
	__u64 rtt_variation[HISTOGRAM_CELLS(TCP_RTT_VARIATION)];
	__u64 size_sent[HISTOGRAM_CELLS(TCP_CONNECTION_TRANSFER_SIZE)];
	__u64 size_received[HISTOGRAM_CELLS(TCP_CONNECTION_TRANSFER_SIZE)];
};
_Static_assert(__builtin_offsetof(struct series, handshake) == 184, "series");

struct listener_key {
	struct owner_key owner;
	__u16 port;
	__u8 family;
	__u8 has_local; /* attributes.network.local.address is on */
	__u8 overflow;	/* as in series_key */
	__u8 pad[3];
	__u8 local[16];
};
_Static_assert(sizeof(struct listener_key) == 40, "listener_key");

struct listener {
	__u64 pass; /* iterator pass that wrote count, usage and limit */
	__u64 count;
	__u64 usage;
	__u64 limit;
	__u64 drops; /* sk_drops of the listening sockets, summed over their lives */
	__u64 utilization[HISTOGRAM_CELLS(TCP_ACCEPT_QUEUE_UTILIZATION)];
	__u64 accept_wait[HISTOGRAM_CELLS(TCP_ACCEPT_QUEUE_DURATION)];
	__u64 filled;  /* how often an accept queue was seen full */
	__u64 flooded; /* sockets of `pass` whose SYN queue was ever full */
	__u64 netns;   /* of one socket, as are cookie, backlog and address */
	__u64 cookie;
	__u64 backlog;
	__u64 namespace_id; /* its row of listen_namespaces */
	__u8 local[16];
	__u64 uses; /* counts up with each use, or has ROW_GONE */
};
_Static_assert(__builtin_offsetof(struct listener, utilization) == 40, "listener");

/* What a network namespace counted of its listen queues since its first listener was seen. */
struct listen_namespace {
	__u64 overflows; /* ListenOverflows: the accept queue was full */
	__u64 cookies;	 /* TCPReqQFullDoCookies: the SYN queue was full, a SYN cookie was sent */
	__u64 syn_drops; /* TCPReqQFullDrop: the SYN queue was full, the SYN was dropped */
	/* What they were then. */
	__u64 first_overflows;
	__u64 first_cookies;
	__u64 first_syn_drops;
	__u64 pass; /* iterator pass that last met a listener there */
};

struct state_key {
	struct owner_key owner;
	__u8 state;
	__u8 role;
	__u16 server_port; /* zero unless attributes.server.port is on */
	__u8 overflow;	   /* as in series_key */
	__u8 pad[3];
};
_Static_assert(sizeof(struct state_key) == 24, "state_key");

struct state_sums {
	__u64 duration[HISTOGRAM_CELLS(TCP_STATE_DURATION)];
	__u64 uses; /* as in listener */
};

/* wirespan.tcp.receive_queue.duration, by series_key. */
struct receive_sums {
	__u64 wait[HISTOGRAM_CELLS(TCP_RECEIVE_QUEUE_DURATION)];
	__u64 uses; /* as in listener */
};

struct drop_key {
	struct owner_key owner;
	__u32 reason; /* enum skb_drop_reason of the running kernel */
	__u8 family;  /* 4, 6 or 0 unknown */
	/* Zero unless their attribute is on, or not known. */
	__u8 state;
	__u16 server_port;
	__u32 site;    /* number of a drop_site */
	__u8 overflow; /* as in series_key */
	__u8 pad[3];
};
_Static_assert(sizeof(struct drop_key) == 32, "drop_key");

/* What ws_take_row takes out: a row whose cell of use is still what user space saw. */
struct row_removal {
	__u64 seen;
	__u32 map; /* enum row_map */
	__u8 pad[4];
	__u8 key[64]; /* as long as the map's keys are, then zeros */
};
_Static_assert(sizeof(struct row_removal) == 80, "row_removal");

#define WAIT_UNKNOWN ((__u64)-1)

struct softirq_sums {
	__u64 entered_ns; /* 0: not running */
	__u64 time_ns;
	__u64 count;
	__u64 duration[HISTOGRAM_CELLS(SOFTIRQ_DURATION)];
	__u64 raised_ns; /* 0: not raised since the last entry */
	__u64 wait[HISTOGRAM_CELLS(SOFTIRQ_WAIT_DURATION)];
	__u64 waited_ns; /* of the run that goes on; WAIT_UNKNOWN: nobody saw it raised */
};

#endif
