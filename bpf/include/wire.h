/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The wire contract between the BPF programs and the receiver.
 *
 * User space never declares these layouts again: receiver/decode/generated/
 * is made from the compiled object's BTF. Rules: fixed-width types, natural
 * alignment, explicit padding, an assert on every size; a record grows only at
 * its end; a kind is never used for something else. Times are CLOCK_MONOTONIC
 * nanoseconds unless a name says otherwise; ports are in host order; addresses
 * are 16 bytes, IPv4 in the first four (IPv4-mapped peers are plain IPv4).
 */
#ifndef WIRESPAN_WIRE_H
#define WIRESPAN_WIRE_H

#define COMM_LEN	 16
#define EXECUTABLE_LEN	 32
#define CLOSE_REASONS	 8
#define RETRANSMIT_TYPES 6
#define SOFTIRQ_VECTORS	 10
#define TCP_STATES	 13
#define NO_ERROR	 0
/* The kernel has no such figure. */
#define NO_FIGURE 0xffffffffU
/* series_key.error: the application closed the socket before the handshake ended. */
#define ERROR_CANCELLED 254

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
};

enum connection_what {
	CONNECTION_OPEN = 1,
	CONNECTION_ACCEPT = 2,
	CONNECTION_FAIL = 3,
	CONNECTION_CLOSE = 4,
	/* A client handshake whose first request was what opened it. */
	CONNECTION_HANDSHAKE = 5,
};

enum role {
	ROLE_UNKNOWN = 0,
	ROLE_CLIENT = 1,
	ROLE_SERVER = 2,
	ROLE_LISTENER = 3,
};

/* wirespan.tcp.close.reason, in the registry's order. */
enum close_reason {
	CLOSE_LOCAL_FIN = 0,
	CLOSE_PEER_FIN = 1,
	CLOSE_RESET_SENT = 2,
	CLOSE_RESET_RECEIVED = 3,
	CLOSE_TIMEOUT = 4,
	CLOSE_PROCESS_EXIT = 5,
	CLOSE_OTHER = 6,
	/* Not closing yet. */
	CLOSE_NONE = 7,
};

/* wirespan.tcp.retransmit.type, in the registry's order. */
enum retransmit_type {
	RETRANSMIT_FAST = 0,
	RETRANSMIT_TIMEOUT = 1,
	RETRANSMIT_TLP = 2,
	RETRANSMIT_SYN = 3,
	RETRANSMIT_SYN_ACK = 4,
	RETRANSMIT_OTHER = 5,
};

/* wirespan.latency.kind, in the registry's order. */
enum latency_kind {
	LATENCY_HANDSHAKE = 0,
	LATENCY_ACCEPT_QUEUE = 1,
	LATENCY_RECEIVE_QUEUE = 2,
	LATENCY_RTT = 3,
};

/* Programs that can lose something; the first index of `lost`. */
enum probe_id {
	PROBE_STATE = 0,
	PROBE_ACCEPT = 1,
	PROBE_RETRANSMIT = 2,
	PROBE_SYNACK = 3,
	PROBE_DROP = 4,
	PROBE_RESET = 5,
	PROBE_REQUEST = 6,
	PROBE_SOFTIRQ = 7,
	PROBE_SCAN = 8,
	PROBE_OWNER = 9,
	PROBE_RECEIVE = 10,
	PROBE_COUNT = 11,
};

/* Why something was lost; the second index of `lost`. */
enum loss_reason {
	LOST_RING_FULL = 0,
	LOST_MAP_FULL = 1,
	LOST_STORAGE = 2,
	LOST_REPAIRED = 3,
	/* Not losses: request heads that gave no trace context, by cause. */
	MISS_HEAD_TOO_LONG = 4,
	MISS_UNREADABLE = 5,
	MISS_NO_HEADER = 6,
	MISS_INVALID = 7,
	MISS_FRAMING = 8,
	HIT_HEADER = 9,
	/* Records submitted. */
	SENT = 10,
	/* Data that joined the newest of those that wait to be read. */
	JOINED = 11,
	LOSS_REASONS = 16,
};

struct record_header {
	__u64 ts_ns;
	__u32 kind; /* enum record_kind */
	__u32 size; /* bytes, this header included */
};
_Static_assert(sizeof(struct record_header) == 16, "record_header");

/* A process: thread group id and its start, nanoseconds since boot (CLOCK_BOOTTIME). */
struct owner_key {
	__u64 start_ns;
	__u32 pid;
	__u32 pad;
};
_Static_assert(sizeof(struct owner_key) == 16, "owner_key");

/* Of a cgroup and those around it, from the innermost. Longer names are cut. */
#define CGROUP_NAMES 4
struct cgroup_names {
	char name[CGROUP_NAMES][160];
};
_Static_assert(sizeof(struct cgroup_names) == 640, "cgroup_names");

struct owner_info {
	__u64 cgroup_id; /* key in `cgroups` */
	__u32 netns;
	__u32 pad;
	char command[COMM_LEN];
	char executable[EXECUTABLE_LEN];
	__u64 rules; /* filter generation << 32 | rules whose command and cgroup match */
};
_Static_assert(sizeof(struct owner_info) == 72, "owner_info");

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
	__u32 pad2;
};
_Static_assert(sizeof(struct endpoints) == 48, "endpoints");

/* The 26 bytes of a W3C traceparent that leave the kernel, and where they began. */
struct trace_context {
	__u64 start_ns;
	__u32 start_seq; /* TCP sequence number of the request's first byte */
	__u8 flags;	 /* W3C trace-flags */
	__u8 found;	 /* 0: no context */
	__u16 pad;
	__u8 trace_id[16];
	__u8 span_id[8];
};
_Static_assert(sizeof(struct trace_context) == 40, "trace_context");

struct owner_record {
	struct record_header header;
	struct owner_key owner;
	struct owner_info info;
};
_Static_assert(sizeof(struct owner_record) == 104, "owner_record");

struct connection_record {
	struct record_header header;
	__u64 cookie;
	struct owner_key owner;
	struct endpoints endpoints;
	__u64 handshake_start_ns; /* first SYN (client) or SYN-ACK (server); 0 unknown */
	__u64 established_ns;	  /* 0: never, or before the agent */
	__u64 accepted_ns;	  /* 0: unknown */
	__u64 bytes_sent;	  /* payload bytes acknowledged by the peer */
	__u64 bytes_received;	  /* payload bytes */
	__u32 segments_sent;
	__u32 segments_received;
	__u32 segments_retransmitted;
	__u32 rtt_smoothed_us;
	__u32 rtt_min_us;
	__u32 syn_retransmits;
	__u8 what;	  /* enum connection_what */
	__u8 error;	  /* errno, ERROR_CANCELLED or NO_ERROR */
	__u8 reason;	  /* enum close_reason */
	__u8 preexisting; /* older than the agent */
	__u32 pad;
	struct trace_context context;
	__u64 receive_window_limited_us; /* had data to send, the peer's window was full */
	__u32 segments_out_of_order;	 /* received; NO_FIGURE on kernels that do not count them */
	__u32 rto_us;
};
_Static_assert(sizeof(struct connection_record) == 216, "connection_record");

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
	__u8 type; /* enum retransmit_type */
	__u8 pad[3];
	struct trace_context context;
};
_Static_assert(sizeof(struct retransmit_record) == 144, "retransmit_record");

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
	__u16 pad;
	__u32 reason; /* enum skb_drop_reason of the running kernel */
	__u32 netns;  /* of the socket, else of the interface */
	__u32 pad2;
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
	struct record_header header; /* its time: the end of what was measured */
	__u64 value_ns;
	__u32 vector;
	__u32 cpu;
	__u8 waited; /* 0: the run of the handler, 1: the wait for it */
	__u8 pad[7];
};
_Static_assert(sizeof(struct softirq_record) == 40, "softirq_record");

struct reset_key {
	struct owner_key owner;
	__u16 server_port;
	__u8 role;
	__u8 family;
	__u8 received;
	__u8 reason;
	__u8 pad[2];
	__u8 peer[16];	 /* as in series_key */
	__u8 server[16]; /* " */
	__u32 cidr;	 /* zero unless attributes.peer.cidr is on */
	__u8 pad2[4];
};
_Static_assert(sizeof(struct reset_key) == 64, "reset_key");

/* A configured subnet, for an LPM trie: IPv4 as ::ffff:a.b.c.d. */
struct subnet_key {
	__u32 prefix_length; /* bits, 96 more for IPv4 */
	__u8 address[16];
};
_Static_assert(sizeof(struct subnet_key) == 20, "subnet_key");

/* Of filter.include and of filter.exclude together. */
#define FILTER_RULES 32

/* cgroup v2 and hierarchies of v1 that a rule's path is looked for in. */
#define FILTER_HIERARCHIES 16

/* filter_rule.fields: what the rule says. All of it must match. */
enum filter_field {
	FILTER_PORT = 1,
	FILTER_LOCAL_PORT = 2,
	FILTER_REMOTE_PORT = 4,
	FILTER_CIDR = 8,
	FILTER_PID = 16,
	FILTER_NETNS = 32,
	FILTER_COMMAND = 64,
	FILTER_CGROUP = 128,
};

enum filter_kind {
	FILTER_END = 0, /* no further rule */
	FILTER_INCLUDE = 1,
	FILTER_EXCLUDE = 2,
};

struct filter_rule {
	__u8 address[16]; /* IPv4 as ::ffff:a.b.c.d */
	__u8 mask[16];
	char command[COMM_LEN];
	__u32 fields; /* enum filter_field */
	__u32 pid;
	__u32 netns;
	__u16 port; /* either end */
	__u16 local_port;
	__u16 remote_port;
	__u8 family; /* of `address`: 4 or 6 */
	__u8 kind;   /* enum filter_kind */
	__u8 pad[4];
};
_Static_assert(sizeof(struct filter_rule) == 72, "filter_rule");

/* A cgroup of a rule, for the bank of rules that has it. */
struct filter_cgroup {
	__u64 id; /* in the uppermost byte the number of its hierarchy; 0: cgroup v2 */
	__u32 bank;
	__u32 pad;
};
_Static_assert(sizeof(struct filter_cgroup) == 16, "filter_cgroup");

/* One row of the kernel's sums: a workload's side of its connections to one port. */
struct series_key {
	struct owner_key owner;
	__u8 peer[16]; /* zero unless attributes.network.peer.address is on */
	__u32 cidr;    /* index + 1 of the configured subnet, 0 none */
	__u16 server_port;
	__u8 role;
	__u8 family;
	__u8 error; /* errno, ERROR_CANCELLED or NO_ERROR */
	__u8 overflow;
	__u8 state; /* of retransmits when attributes.network.connection.state is on, else 0 */
	__u8 pad[5];
	__u8 server[16]; /* zero unless attributes.server.address is on */
};
_Static_assert(sizeof(struct series_key) == 64, "series_key");

/* Histograms hold one bucket more than bounds, then the sum in ns (or bytes). */
struct series {
	__u64 opened;
	__u64 closed[CLOSE_REASONS];
	__u64 retransmits[RETRANSMIT_TYPES];
	__u64 segments_retransmitted; /* from tcp_sock.total_retrans: the truth */
	__u64 bytes_sent;
	__u64 bytes_received;
	__u64 segments_sent;
	__u64 segments_received;
	__u64 active;	     /* established connections, as of `active_pass` */
	__u64 active_pass;   /* number of the iterator pass that counted `active` */
	__u64 touched_ns;    /* last time anything was added */
	__u64 handshake[24]; /* 22 bounds: 23 buckets and the sum */
	__u64 duration[21];  /* 19 bounds */
	__u64 rtt[17];	     /* 15 bounds */
	__u64 rtt_variation[17];
	__u64 size_sent[15]; /* 13 bounds */
	__u64 size_received[15];
};
_Static_assert(sizeof(struct series) == 1056, "series");

struct listener_key {
	struct owner_key owner;
	__u16 port;
	__u8 family;
	__u8 has_local; /* attributes.network.local.address is on */
	__u8 pad[4];
	__u8 local[16];
};
_Static_assert(sizeof(struct listener_key) == 40, "listener_key");

struct listener {
	__u64 pass; /* iterator pass that wrote count, usage and limit */
	__u64 count;
	__u64 usage;
	__u64 limit;
	__u64 drops;	       /* sk_drops of the listening sockets, summed over their lives */
	__u64 utilization[11]; /* 9 bounds in parts per million, sum in ppm */
	__u64 accept_wait[18]; /* 16 bounds */
	__u64 flooded;	       /* sockets of `pass` whose SYN queue was ever full */
	__u64 netns;	       /* of one socket, as are cookie, backlog and address */
	__u64 cookie;
	__u64 backlog;
	__u8 local[16];
};
_Static_assert(sizeof(struct listener) == 320, "listener");

struct state_key {
	struct owner_key owner;
	__u8 state;
	__u8 role;
	__u16 server_port; /* zero unless attributes.server.port is on */
	__u8 pad[4];
};
_Static_assert(sizeof(struct state_key) == 24, "state_key");

struct state_sums {
	__u64 duration[21];
};
_Static_assert(sizeof(struct state_sums) == 168, "state_sums");

/* wirespan.tcp.receive_queue.duration, by series_key. */
struct receive_sums {
	__u64 wait[18]; /* 16 bounds */
};
_Static_assert(sizeof(struct receive_sums) == 144, "receive_sums");

struct drop_key {
	struct owner_key owner;
	__u32 reason; /* enum skb_drop_reason of the running kernel */
	__u8 family;  /* 4, 6 or 0 unknown */
	/* Zero unless their attribute is on, or not known. */
	__u8 state;
	__u16 server_port;
	__u32 site; /* number of a drop_site */
	__u8 pad[4];
};
_Static_assert(sizeof(struct drop_key) == 32, "drop_key");

/* Where a packet was freed, and the interface that it came by: what is not asked for is zero. */
struct drop_site {
	__u64 location; /* kernel address */
	__u8 interface[16];
};
_Static_assert(sizeof(struct drop_site) == 24, "drop_site");

/* A dropped packet that came with no socket, until user space asks whose it was. */
struct stray_key {
	__u8 source[16]; /* as on the wire */
	__u8 destination[16];
	__u32 netns;
	__u32 bank; /* of the interval: user space settles one at a time */
	__u16 source_port;
	__u16 destination_port;
	__u8 family;
	__u8 pad[3];
};
_Static_assert(sizeof(struct stray_key) == 48, "stray_key");

enum stray_found {
	STRAY_NOBODY = 0,
	STRAY_OWNED = 1,
	STRAY_IGNORED = 2, /* by the agent itself or by the filter: not to be counted */
};

/* Who has the socket at one end of a stray packet. */
struct stray_end {
	struct owner_key owner;
	__u32 found; /* enum stray_found */
	__u16 server_port;
	__u8 pad[2];
};
_Static_assert(sizeof(struct stray_end) == 24, "stray_end");

/* stray_count.what: the drop reason, and these bits. */
#define STRAY_RECEIVED (1ULL << 32) /* it came in from a device, the loopback one included */
#define STRAY_USED     (1ULL << 33)
#define STRAY_STATE    34 /* from here 4 bits: drop_key.state */
#define STRAY_SITE     38 /* from here 26 bits: drop_key.site */
#define STRAY_REASONS  4

struct stray_count {
	__u64 what;
	__u64 count;
};
_Static_assert(sizeof(struct stray_count) == 16, "stray_count");

struct stray {
	struct stray_end receiver; /* the socket that the packet was for */
	struct stray_end sender;   /* the socket, in the same namespace, that it was from */
	struct stray_count counts[STRAY_REASONS];
};
_Static_assert(sizeof(struct stray) == 112, "stray");

/* Where somebody listens. */
struct listen_end_key {
	__u8 local[16]; /* zero: every address */
	__u32 netns;
	__u16 port;
	__u8 family; /* of `local`; with 6 and every address, IPv4's too unless `only_ipv6` */
	__u8 pad;
};
_Static_assert(sizeof(struct listen_end_key) == 24, "listen_end_key");

struct listen_end {
	struct owner_key owner;
	__u64 pass;  /* iterator pass that met it: anything older is stale */
	__u32 found; /* enum stray_found; STRAY_NOBODY: several, and which one is not known */
	__u8 only_ipv6;
	__u8 pad[3];
};
_Static_assert(sizeof(struct listen_end) == 32, "listen_end");

struct softirq_sums {
	__u64 entered_ns; /* 0: not running */
	__u64 time_ns;
	__u64 count;
	__u64 duration[19]; /* 17 bounds */
	__u64 raised_ns;    /* 0: not raised since the last entry */
	__u64 wait[19];	    /* 17 bounds */
};
_Static_assert(sizeof(struct softirq_sums) == 336, "softirq_sums");

#endif
