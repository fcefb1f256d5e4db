/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Every map and knob, with who writes, who reads and what bounds it. */
#ifndef WIRESPAN_MAPS_H
#define WIRESPAN_MAPS_H

#include "kernel.h"
#include "wire.h"

/* Knobs, set before load. */
const volatile u32 cfg_tick_ns = 0;	      /* one jiffy */
const volatile u64 cfg_ring_wakeup_bytes = 0; /* wake the reader at this fill */
const volatile u8 cfg_emit_open = 0;
const volatile u8 cfg_emit_accept = 0;
const volatile u8 cfg_emit_fail = 0;
const volatile u8 cfg_emit_close = 0; /* 1: of those opened for a sampled request, 2: every one */
const volatile u8 cfg_emit_state = 0;
const volatile u8 cfg_emit_listener = 0;
const volatile u8 cfg_emit_retransmit = 0; /* 1: on a trace only, 2: every one */
const volatile u8 cfg_emit_drop = 0;	   /* 1: on a trace only, 2: every one */
const volatile u8 cfg_drop_stack = 0;
const volatile u32 cfg_drop_queue_purge = 0; /* QUEUE_PURGE of this kernel: no event on a trace */
const volatile u8 cfg_emit_reset = 0;
const volatile u8 cfg_reset_has_reason = 0; /* tcp_send_reset with a reason (6.10) */
const volatile u32 cfg_subnets = 0;	    /* how many `subnets` holds */
const volatile u8 cfg_state_duration = 0;
const volatile u8 cfg_rtt_variation = 0;
const volatile u8 cfg_transfer_size = 0;
const volatile u8 cfg_peer_address = 0;	       /* 1: in clients' rows, 2: in every row */
const volatile u8 cfg_server_address = 0;      /* rows by the address of the server's end */
const volatile u8 cfg_local_address = 0;       /* listeners' rows by the address they listen at */
const volatile u8 cfg_reset_cidr = 0;	       /* resets by the peer's subnet */
const volatile u8 cfg_retransmit_state = 0;    /* retransmits by the state of their socket */
const volatile u8 cfg_state_port = 0;	       /* state durations by the server's port */
const volatile u8 cfg_drop_function = 0;       /* drops by these */
const volatile u8 cfg_drop_interface = 0;      /* " */
const volatile u8 cfg_drop_state = 0;	       /* " */
const volatile u8 cfg_drop_port = 0;	       /* " */
const volatile u8 cfg_requests = 0;	       /* read traceparent */
const volatile u8 cfg_requests_by_address = 0; /* the write's program is a kprobe */
const volatile u8 cfg_emit_handshake = 0;
const volatile u8 cfg_accept_by_address = 0;  /* accepts are in `accepts` */
const volatile u8 cfg_retransmit_has_err = 0; /* tracepoint with `int err` (6.17) */
const volatile u8 cfg_drop_has_reason = 0;    /* kfree_skb with a reason (5.17) */
const volatile u8 cfg_drop_has_rx_sk = 0;     /* ... and the receiving socket (6.11) */
const volatile u32 cfg_drop_consumed = 0;     /* SKB_CONSUMED of this kernel, or 0 */
const volatile u64 cfg_accept_nr[2] = {0, 0}; /* accept and accept4 of this architecture */

/* Above these a record is made; 0: never. */
const volatile u64 cfg_slow_handshake_ns = 0;
const volatile u64 cfg_slow_accept_ns = 0;
const volatile u64 cfg_slow_receive_ns = 0;
const volatile u64 cfg_slow_rtt_ns = 0;
const volatile u64 cfg_slow_softirq_run_ns = 0;
const volatile u64 cfg_slow_softirq_wait_ns = 0;
const volatile u8 cfg_receive = 0;	    /* data is followed until it is read */
const volatile u8 cfg_receive_duration = 0; /* ... and summed in `receives` */

/* The agent, in the initial pid namespace: never observed. Set by ws_self. */
u32 agent_pid = 0;

/* Written by user space before a pass of an iterator, read after it. */
u64 pass_number = 0;
u64 pass_now_ns = 0;
u64 pass_states[TCP_STATES] = {};
u64 pass_connections = 0;
u64 pass_scanned = 0;
u8 scan_listeners = 0;

/*
 * Stray drops. Those of `stray_bank` are being counted; while a pass runs that finds their
 * owners, `pass_strays` is the bank that it closes, else 0. Set by the drop program: there are some.
 */
u32 stray_bank = 1;
u32 pass_strays = 0;
u8 strays_seen = 0;

/* Numbers given to rows of `drop_sites`, from 1. */
u32 drop_site_count = 0;

/*
 * The filter in force, 0 without one: generation << 32, what it has, and the bank of its rules.
 * Written last by user space, in one store, after the rules of that bank.
 */
u64 filter_setup = 0;
#define FILTER_BANK(setup)	   ((u32)(setup)&1)
#define FILTER_HAS_INCLUDES(setup) ((u32)(setup)&2)
#define FILTER_HAS_V1(setup)	   ((u32)(setup)&4) /* a rule names a cgroup of version 1 */
#define FILTER_GENERATION_MASK	   0xffffffff00000000ULL

/* Values too large for the BPF stack, to insert empty rows with. */
static struct series zero_series;
static struct listener zero_listener;
static struct state_sums zero_state_sums;
static struct receive_sums zero_receive_sums;

#define DROP_SITES		 1024

#define CONN_OWNER_PROVISIONAL	 (1 << 0) /* the listener's owner, until a process shows itself */
#define CONN_OPEN_PENDING	 (1 << 1) /* `opened` not counted yet */
#define CONN_ESTABLISHED	 (1 << 2) /* reached ESTABLISHED */
#define CONN_CLOSED		 (1 << 3) /* final figures taken */
#define CONN_PREEXISTING	 (1 << 4)
#define CONN_IGNORED		 (1 << 5) /* the agent's own, or the far end of it */
#define CONN_NO_START		 (1 << 6)
#define CONN_IN_HANDSHAKE_RECORD (1 << 7)
#define CONN_FILTERED		 (1 << 8)  /* with CONN_IGNORED: because of the filter */
#define CONN_LISTENER_IGNORED	 (1 << 9)  /* its listener's figures are not wanted */
#define CONN_OPENED_FOR		 (1 << 10) /* a handshake record named the request */
#define CONN_SLOW_RTT		 (1 << 11) /* its round-trip time is above the threshold */

/* A process as it shows itself; `rules` as owner_info.rules, whether it has a row or not. */
struct known_owner {
	struct owner_key key;
	u64 rules;
};

/*
 * One connection or listening socket. Written by the state programs, the accept
 * programs and the iterators; dies with the socket.
 */
struct conn {
	struct owner_key owner;
	struct owner_key listener_owner;
	u64 start_ns;
	u64 established_ns;
	u64 accepted_ns;
	u64 state_ns;
	u64 bytes_sent;	    /* already added to a series */
	u64 bytes_received; /* " */
	u64 segments_sent;
	u64 segments_received;
	u64 segments_retransmitted;
	u64 drops;	   /* of a listener */
	u64 listener_sock; /* kernel address of the listening socket, a label only */
	u64 thread;	   /* pid_tgid that called connect() */
	u64 sleeps;	   /* voluntary context switches of that thread at ESTABLISHED */
	u64 thread_task;   /* its task_struct, a label for probe reads */
	u64 pass;	   /* last iterator pass that met it: shared files are met again */
	u32 netns;
	u32 flags;
	u32 syn_retransmits;
	u32 cidr;
	u8 role;
	u8 state;
	u8 reason;
	u8 error;
	u16 listen_port; /* of the server's end, on both sides */
	u8 has_listen_local;
	u8 pad;
	u32 filter_generation; /* of the filter that last decided about it */
	u32 pad2;
	u64 owner_rules;     /* as owner_info.rules, for owners that found no room in `owners` */
	u8 listen_local[16]; /* where its listener listens, IPv4 as ::ffff:a.b.c.d */
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct conn);
} conns SEC(".maps");

/* Records for user space. Full: the record is lost and counted. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} events SEC(".maps");

/* [probe * LOSS_REASONS + reason]; read by user space. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PROBE_COUNT *LOSS_REASONS);
	__type(key, u32);
	__type(value, u64);
} lost SEC(".maps");

/* Processes seen. User space deletes rows of ended processes. Full: counted, owner 0. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct owner_key);
	__type(value, struct owner_info);
} owners SEC(".maps");

/* Names of the cgroups of processes, to find their containers. The least used make room. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, u64);
	__type(value, struct cgroup_names);
} cgroups SEC(".maps");

/*
 * The sums behind every connection metric. Rows are added atomically in place.
 * User space deletes rows whose process ended and that are quiet. Full: the row
 * with .overflow set takes it all, and it is counted.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct series_key);
	__type(value, struct series);
} series SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct listener_key);
	__type(value, struct listener);
} listeners SEC(".maps");

/* wirespan.tcp.state.duration; one entry unless it is on. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct state_key);
	__type(value, struct state_sums);
} state_durations SEC(".maps");

/* wirespan.tcp.receive_queue.duration; one entry unless it is on. Full: the overflow row takes it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct series_key);
	__type(value, struct receive_sums);
} receives SEC(".maps");

/*
 * Data of one connection that waits to be read, oldest first. Written under the socket's
 * lock by the receive programs. Full: what comes joins the newest.
 */
#define ARRIVALS 32 /* a power of two */
struct arrivals {
	u32 first; /* counts up: the slot is its remainder */
	u32 count;
	u32 end_seq[ARRIVALS];
	u64 ns[ARRIVALS];
};
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct arrivals);
} arrivals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct drop_key);
	__type(value, u64);
} drops SEC(".maps");

/* Numbers of where drops happened. Full: counted, the drop is told without them. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, DROP_SITES);
	__type(key, struct drop_site);
	__type(value, u32);
} drop_sites SEC(".maps");

/*
 * Dropped packets without a socket, until a pass finds whose they were. User space deletes a
 * bank one interval after it was closed. Full: the drop is the host's, in `drops`, and counted.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct stray_key);
	__type(value, struct stray);
} strays SEC(".maps");

/* Filled by passes that look for owners of stray drops. Full: counted, its strays are the host's. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct listen_end_key);
	__type(value, struct listen_end);
} listen_ends SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct reset_key);
	__type(value, u64);
} resets SEC(".maps");

/* Index + 1 of each configured subnet. Filled by user space before the programs are attached. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 256);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct subnet_key);
	__type(value, u32);
} subnets SEC(".maps");

/* Two banks of rules: the one in force, and the one that a reload fills. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2 * FILTER_RULES);
	__type(key, u32);
	__type(value, struct filter_rule);
} filter_rules SEC(".maps");

/* Bits of the rules of a bank that name the cgroup. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2 * FILTER_RULES * FILTER_HIERARCHIES);
	__type(key, struct filter_cgroup);
	__type(value, u32);
} filter_cgroups SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SOFTIRQ_VECTORS);
	__type(key, u32);
	__type(value, struct softirq_sums);
} softirqs SEC(".maps");

/* Accepts whose socket had no type, keyed by its address until a hook meets the socket. User space gives it its size. */
struct accepted {
	struct known_owner owner;
	u64 ns;
};
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, u64);
	__type(value, struct accepted);
} accepts SEC(".maps");

/* Ports that listen, by namespace: the role of connections older than the agent. Filled by the scan. */
struct listen_port {
	u32 netns;
	u32 port;
};
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct listen_port);
	__type(value, u8);
} listen_ports SEC(".maps");

/*
 * The agent's own connections, as its end sees them: the peer's end is not observed
 * either. Both ends are in the key: others use the same local port to other peers.
 */
struct agent_flow {
	u8 local[16];
	u8 peer[16];
	u16 local_port;
	u16 peer_port;
};
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 256);
	__type(key, struct agent_flow);
	__type(value, u8);
} agent_flows SEC(".maps");

/* When the agent last opened one: the peer's end, if it is here, follows at once. */
u64 agent_flow_ns = 0;

struct remote_end {
	u8 address[16];
	u32 port;
	u32 netns;
};

/* When the first SYN-ACK went out, for handshakes that needed more than one. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct remote_end);
	__type(value, u64);
} synacks SEC(".maps");

/*
 * The flags of a connection change on several CPUs at once: a pass, its user and the
 * softirq may meet at it. Both return what was set before.
 */
static __always_inline u32 set_flags(struct conn *conn, u32 flags)
{
	return __sync_fetch_and_or(&conn->flags, flags);
}

static __always_inline u32 clear_flags(struct conn *conn, u32 flags)
{
	return __sync_fetch_and_and(&conn->flags, ~flags);
}

static __always_inline void count_loss(u32 probe, u32 reason)
{
	u32 index = probe * LOSS_REASONS + reason;
	u64 *value = bpf_map_lookup_elem(&lost, &index);

	if (value)
		*value += 1;
}

/* Reserve a record and fill its header; NULL is counted. */
static __always_inline void *reserve(u32 probe, u32 kind, u64 size, u64 ts_ns)
{
	struct record_header *header = bpf_ringbuf_reserve(&events, size, 0);

	if (!header) {
		count_loss(probe, LOST_RING_FULL);
		return 0;
	}
	header->ts_ns = ts_ns;
	header->kind = kind;
	header->size = size;
	return header;
}

/* Submit without waking the reader unless the ring is filling up (cost.md: a wake-up is 10 us). */
static __always_inline void submit(u32 probe, void *record)
{
	u64 flags = BPF_RB_NO_WAKEUP;

	if (bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) > cfg_ring_wakeup_bytes)
		flags = BPF_RB_FORCE_WAKEUP;
	bpf_ringbuf_submit(record, flags);
	count_loss(probe, SENT);
}

/* First bucket whose bound is not below v: OpenTelemetry's (lower, upper]. */
static __always_inline u32 bucket_of(const u64 *bounds, u32 count, u64 v)
{
	u32 i;

	for (i = 0; i < count; i++)
		if (v <= bounds[i])
			break;
	return i;
}

/* Adds v to a histogram of LEN bounds: LEN + 1 buckets, then the sum. */
#define HISTOGRAM_ADD(hist, bounds, v)                                                           \
	do {                                                                                     \
		u64 hist_value = (v);                                                            \
		u32 hist_index = bucket_of(bounds, sizeof(bounds) / sizeof(bounds[0]),           \
					   hist_value);                                          \
		if (hist_index < sizeof(hist) / sizeof((hist)[0]) - 1)                           \
			__sync_fetch_and_add(&(hist)[hist_index], 1);                            \
		__sync_fetch_and_add(&(hist)[sizeof(hist) / sizeof((hist)[0]) - 1], hist_value); \
	} while (0)

#endif
