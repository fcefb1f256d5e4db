/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Every map, with who writes, who reads and what bounds it. */
#ifndef WIRESPAN_MAPS_H
#define WIRESPAN_MAPS_H

#include "socket.bpf.h"

/* The agent, in the initial pid namespace: never observed. Set by ws_self. */
u32 agent_pid = 0;

/* Written by user space before a pass of an iterator, read after it. */
u64 pass_number = 0;
u64 pass_now_ns = 0;
u64 pass_states[TCP_STATES] = {};
u64 pass_connections = 0;
u64 pass_scanned = 0;
u8 scan_listeners = 0;
/* A pass over `connections`: how many parts, which one, whether it takes out what is unused; entries. */
u32 pass_parts = 1;
u32 pass_part = 0;
u8 pass_forgets = 0;
u64 pass_entries = 0;

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
static u64 zero_count;

#define DROP_SITES 1024

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
 * The sums behind every connection metric. Rows are added atomically in place. This and each
 * map of sums after it: an owner has a share (room.bpf.h), past which rows with .overflow set
 * take the rest, and it is counted. User space takes rows out that are quiet.
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

/* wirespan.tcp.receive_queue.duration; one entry unless it is on. */
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
	u64 end[ARRIVALS]; /* in the stream, as bytes_received counts it */
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

/*
 * Ports that listen, by namespace: the role of connections older than the agent, and the
 * listener of connections whose beginning was not seen. Filled by the scan and by listen().
 */
struct listen_port {
	u32 netns;
	u32 port;
};
struct listening {
	u64 listener; /* kernel address of the last one there, a label only */
	u64 queued;   /* older than the agent, and waited when it came: not met since */
};
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct listen_port);
	__type(value, struct listening);
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

/* For handshakes that needed more than one SYN-ACK: when the first went out, and how many followed. */
struct synack {
	u64 first_ns;
	u64 again;
};
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct remote_end);
	__type(value, struct synack);
} synacks SEC(".maps");

#endif
