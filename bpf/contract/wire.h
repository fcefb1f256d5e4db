/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The wire contract between the BPF programs and the receiver.
 *
 * User space never declares these layouts again: receiver/decode/generated/
 * is made from the compiled object's BTF, of every struct and enum with a name
 * in this folder. Rules: fixed-width types, natural
 * alignment, explicit padding, an assert on every size; a record grows only at
 * its end; a kind is never used for something else. Times are CLOCK_MONOTONIC
 * nanoseconds unless a name says otherwise; ports are in host order; addresses
 * are 16 bytes, IPv4 in the first four (IPv4-mapped peers are plain IPv4).
 */
#ifndef WIRESPAN_WIRE_H
#define WIRESPAN_WIRE_H

#include "kinds.h"
#include "owner.h"

enum record_kind {
	RECORD_OWNER = 1,
	RECORD_CONNECTION = 2,
	RECORD_STATE = 3,
	RECORD_LISTENER = 4,
	RECORD_RETRANSMIT = 5,
	RECORD_DROP = 6,
	RECORD_RESET = 7,
	RECORD_LATENCY = 8,
	RECORD_SOFTIRQ = 9,
	RECORD_EXCHANGE = 10,
	RECORD_HTTP2 = 11,
	RECORD_PACKET = 12,
	RECORD_WAKEUP = 13,
	RECORD_DNS = 14,
	RECORD_ZERO_WINDOW = 20,
};

struct record_header {
	__u64 ts_ns;
	__u32 kind;  /* enum record_kind, and FOR_VIEWS */
	__u32 bytes; /* this header included */
};
_Static_assert(sizeof(struct record_header) == 16, "record_header");

struct endpoints {
	__u8 local[16];
	__u8 peer[16];
	__u16 local_port;
	__u16 peer_port;
	__u8 family; /* 4 or 6 */
	__u8 role;   /* enum role */
	__u8 state;  /* kernel TCP state number */
	__u8 pad;
	__u32 netns; /* inode of the network namespace */
	/* The user who made the socket (sk_uid, by the initial user namespace) plus one; 0: not noted. */
	__u32 next_uid;
};
_Static_assert(sizeof(struct endpoints) == 48, "endpoints");

/* The 26 bytes of a W3C traceparent that leave the kernel, and where they began. */
struct trace_context {
	__u64 start_ns;
	__u32 start_seq; /* TCP sequence number of the request's first byte */
	__u8 flags;	 /* W3C trace-flags */
	__u8 found;	 /* 0: no context */
	__u8 method;	 /* enum context_method */
	__u8 pad;
	__u8 trace_id[16];
	__u8 span_id[8];
};
_Static_assert(sizeof(struct trace_context) == 40, "trace_context");

struct owner_record {
	struct record_header header;
	struct owner_key owner;
	struct owner_info info;
};
_Static_assert(sizeof(struct owner_record) == 128, "owner_record");

struct connection_record {
	struct record_header header;
	__u64 cookie;
	struct owner_key owner;
	struct endpoints endpoints;
	/* First SYN (client) or SYN-ACK (server); unknown: 0, or as established_ns. */
	__u64 handshake_start_ns;
	__u64 established_ns; /* 0: never, or before the agent */
	__u64 accepted_ns;    /* 0: unknown */
	__u64 bytes_sent;     /* payload bytes acknowledged by the peer */
	__u64 bytes_received; /* payload bytes */
	__u64 segments_sent;
	__u64 segments_received;
	__u64 segments_retransmitted;
	__u32 rtt_smoothed_us;
	__u32 rtt_min_us;
	__u32 syn_retransmits;
	__u8 what;	  /* enum connection_what */
	__u8 error;	  /* errno, ERROR_CANCELLED or NO_ERROR */
	__u8 reason;	  /* enum close_reason */
	__u8 preexisting; /* older than the agent */
	struct trace_context context;
	__u64 receive_window_limited_us; /* had data to send, the peer's window was full */
	__u32 segments_out_of_order;	 /* received; NO_STAT on kernels that do not count them */
	__u32 rto_us;
};
_Static_assert(sizeof(struct connection_record) == 224, "connection_record");

struct state_record {
	struct record_header header;
	__u64 cookie;
	struct owner_key owner;
	struct endpoints endpoints; /* .state is the new state */
	__u8 previous;
	__u8 pad[7];
};
_Static_assert(sizeof(struct state_record) == 96, "state_record");

struct listener_record {
	struct record_header header;
	__u64 cookie;
	struct owner_key owner;
	struct endpoints endpoints;
	__u32 backlog;
	__u8 stop; /* 0: start, 1: stop */
	__u8 pad[3];
};
_Static_assert(sizeof(struct listener_record) == 96, "listener_record");

struct retransmit_record {
	struct record_header header;
	__u64 cookie;
	struct owner_key owner;
	struct endpoints endpoints;
	__u32 seq;
	__u32 end_seq;
	__u32 segments;
	__u8 type;	  /* enum retransmit_type */
	__u8 in_exchange; /* the exchange of its request goes on, and its end will be told */
	__u8 pad[2];
	struct trace_context context;
	__u32 stream; /* of HTTP/2, whose frames have the bytes; 0: not known */
	__u32 pad2;
};
_Static_assert(sizeof(struct retransmit_record) == 152, "retransmit_record");

struct reset_record {
	struct record_header header;
	__u64 cookie;
	struct owner_key owner;
	struct endpoints endpoints;
	__u8 received; /* 0: sent */
	__u8 reason;   /* enum sk_rst_reason of the running kernel */
	__u8 pad[6];
};
_Static_assert(sizeof(struct reset_record) == 96, "reset_record");

#define STACK_FRAMES   16
#define INTERFACE_NAME 16

/* A packet that was freed with a drop reason. Addresses are the packet's. */
struct drop_record {
	struct record_header header;
	__u64 cookie; /* of the socket, 0 without one */
	struct owner_key owner;
	__u8 source[16];
	__u8 destination[16];
	__u16 source_port;
	__u16 destination_port;
	__u8 family;
	__u8 state; /* kernel TCP state of the socket, 0 without one */
	__u8 flags; /* of the TCP header, RFC 9293 section 3.1; 0 without one */
	__u8 pad;
	__u32 reason;	  /* enum skb_drop_reason of the running kernel */
	__u32 netns;	  /* of the socket, else of the interface */
	__u32 stream;	  /* as of a retransmission */
	__u16 local_port; /* of the socket, 0 without one */
	__u16 peer_port;
	__u64 location; /* kernel address of the call that freed it */
	struct trace_context context;
	__u64 stack[STACK_FRAMES]; /* zero unless attributes.code.stacktrace is on */
	char interface[INTERFACE_NAME];
};
_Static_assert(sizeof(struct drop_record) == 288, "drop_record");

/* A latency above its threshold. */
struct latency_record {
	struct record_header header;
	__u64 cookie;
	struct owner_key owner;
	struct endpoints endpoints;
	__u64 value_ns;
	__u8 kind; /* enum latency_kind */
	__u8 pad[7];
};
_Static_assert(sizeof(struct latency_record) == 104, "latency_record");

/* A softirq that waited or ran longer than its threshold. */
struct softirq_record {
	struct record_header header; /* its time: the end of the run */
	__u64 value_ns;		     /* of the run */
	__u32 vector;
	__u32 cpu;
	__u8 waited;	 /* 1 in recordings of earlier versions: value_ns is the wait */
	__u8 wait_known; /* it was seen when it was raised */
	__u8 pad[6];
	__u64 wait_ns; /* from then until its handler */
};
_Static_assert(sizeof(struct softirq_record) == 48, "softirq_record");

#include "request.h"
#include "packet.h"
#include "rules.h"
#include "sums.h"
#include "samples.h"
#include "process.h"
#include "unowned.h"
#include "wakeup.h"
#include "zero_window.h"
#include "dns.h"

/*
 * Keeps in the object's BTF what no map and no variable has: records, and enums. From there the
 * layouts of user space are made.
 */
struct wire_types {
	struct owner_record owner;
	struct connection_record connection;
	struct state_record state;
	struct listener_record listener;
	struct retransmit_record retransmit;
	struct reset_record reset;
	struct drop_record drop;
	struct latency_record latency;
	struct softirq_record softirq;
	struct exchange_record exchange;
	struct divided_exchange_record divided_exchange;
	struct http2_record http2;
	struct packet_record packet;
	struct sent_packet_record sent_packet;
	enum packet_point packet_point;
	struct wakeup_record wakeup;
	struct zero_window_record zero_window;
	enum zero_window_end zero_window_end;
	struct dns_record dns;
	enum record_kind record_kind;
	enum viewed_record viewed_record;
	enum record_reader record_reader;
	enum connection_what connection_what;
	enum exchange_what exchange_what;
	enum context_method context_method;
	enum announcement_option announcement_option;
	struct announcement announcement;
	struct thread_layout thread_layout;
	enum node_inner node_inner;
	enum role role;
	enum close_reason close_reason;
	enum retransmit_type retransmit_type;
	enum latency_kind latency_kind;
	enum state_count state_count;
	enum missing_stat missing_stat;
	enum connection_error connection_error;
	enum emit_mode emit_mode;
	enum peer_rows peer_rows;
	enum row_map row_map;
	enum probe_id probe_id;
	enum loss_reason loss_reason;
	enum filter_limit filter_limit;
	enum filter_field filter_field;
	enum filter_kind filter_kind;
	enum filter_setup filter_setup;
	enum cgroup_id cgroup_id;
	enum claim claim;
	enum unowned_what unowned_what;
	struct exec_names exec_names;
};

#endif
