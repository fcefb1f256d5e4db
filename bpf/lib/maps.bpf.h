/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Several families use these maps and variables. Each says who writes it, who reads it and what
 * bounds it.
 */
#ifndef WIRESPAN_LIB_MAPS_H
#define WIRESPAN_LIB_MAPS_H

/*
 * Makes the entry of a key that was just looked up in vain. Another CPU may be first. Returns NULL
 * when the map is full.
 */
static __always_inline void *try_init(void *map, const void *key, const void *init)
{
	bpf_map_update_elem(map, key, init, BPF_NOEXIST);
	return bpf_map_lookup_elem(map, key);
}

/*
 * Returns the entry of a key. Where there is none, it is made as a copy of `init`. Returns NULL
 * when the map is full.
 */
static __always_inline void *lookup_or_try_init(void *map, const void *key, const void *init)
{
	void *entry = bpf_map_lookup_elem(map, key);

	return entry ? entry : try_init(map, key, init);
}

/* User space numbers the passes. What has another number was met by an earlier one. */
u64 pass_number = 0;

/*
 * This is the agent's pid in the initial pid namespace, which ws_self sets. It is never observed.
 */
u32 agent_pid = 0;

/* Empty rows are inserted with these, which are too large for the BPF stack. */
static struct series zero_series;
static struct listener zero_listener;
static struct state_sums zero_state_sums;
static struct receive_sums zero_receive_sums;
static u64 zero_count;

/*
 * This has the processes that were seen. User space deletes the rows of ended ones. When it is
 * full, this is counted, and the owner is not known.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct owner_key);
	__type(value, struct owner_info);
} owners SEC(".maps");

/*
 * This has the sums behind every connection metric, which are added atomically in place. In it, and
 * in each map of sums after it, an owner has a share (rows.bpf.h). Past that, rows with .overflow
 * set take the rest, and it is counted. User space takes rows out that are quiet.
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

/* This is for wirespan.tcp.state.duration, and has one entry unless that is on. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct state_key);
	__type(value, struct state_sums);
} state_durations SEC(".maps");

/* This is for wirespan.tcp.receive_queue.duration, and has one entry unless that is on. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct series_key);
	__type(value, struct receive_sums);
} receives SEC(".maps");

/*
 * It has the data of one connection that waits to be read, oldest first. The receive programs write
 * it under the socket's lock. When it is full, what comes joins the newest.
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

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct reset_key);
	__type(value, u64);
} resets SEC(".maps");

/*
 * It has accepts whose socket had no type, or was not established yet, by its address, until a hook
 * meets the socket. User space gives it its size.
 */
struct accepted {
	struct owner_key owner;
	u64 owner_rules; /* as owner_info.rules */
	u64 ns;
	u64 cookie; /* of the socket; 0: it had no type */
};
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, u64);
	__type(value, struct accepted);
} accepts SEC(".maps");

/*
 * It has the ports that listen, by namespace. They tell the role of connections older than the
 * agent, and the listener of connections whose beginning was not seen. The scan and listen() fill
 * it.
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
 * It has the agent's own connections, as its end sees them, since the peer's end is not observed
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

/* This is when the agent last opened one. The peer's end, if it is here, follows at once. */
u64 agent_flow_ns = 0;

struct remote_end {
	u8 address[16];
	u32 port;
	u32 netns;
};

/*
 * A handshake that needed more than one SYN-ACK has this: when the first went out, and how many
 * followed.
 */
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
