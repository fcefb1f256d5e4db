/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* RST segments: their rows and records, and those of which it is not sure yet that there was one. */
#ifndef WIRESPAN_LIB_RESETS_H
#define WIRESPAN_LIB_RESETS_H

const volatile u8 cfg_emit_reset = 0;
const volatile u8 cfg_reset_cidr = 0; /* resets by the peer's subnet */

/* A RST as it was seen. */
struct reset_seen {
	u64 at;
	u64 cookie;
	struct reset_key key;
	struct endpoints endpoints; /* no family: nothing is told of it */
	u32 taken;		    /* of an unsure one: somebody decides on it */
	u32 pad;
};

/*
 * By the socket's address. The kernel takes data to a socket that is shut both ways for a RST
 * (tcp_rcv_state_process()), and answers that packet, and no other, with one. Until the answer
 * leaves, or none has, it is not sure what came. The programs of resets write it, and they and the
 * one that settles take out of it. When it is full, this is counted, and so is the RST.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u64);
	__type(value, struct reset_seen);
} unsure_resets SEC(".maps");

/* Set when one comes in. User space clears it before it has them settled, which sets it where one is left. */
u32 unsure_seen = 0;

/* The answer leaves before the kernel is done with the packet, which another thread may interrupt. */
#define UNSURE_NS 100000000ULL

/* It is not inlined, so that its caller's frame, which is one of a long chain, is the key's alone. */
static __noinline int emit_reset(const struct reset_seen *seen)
{
	struct reset_record *record;

	if (!cfg_emit_reset || !seen->endpoints.family)
		return 0;
	record = reserve(PROBE_RESET, RECORD_RESET, sizeof(*record), seen->at);
	if (!record)
		return 0;
	record->cookie = seen->cookie;
	record->owner = seen->key.owner;
	record->endpoints = seen->endpoints;
	record->received = seen->key.received;
	record->reason = seen->key.reason;
	__builtin_memset(record->pad, 0, sizeof(record->pad));
	submit(PROBE_RESET, record);
	return 0;
}

/* It is not static: verified once. Before 6.2 a map takes no key that a caller gave. */
__noinline int count_reset(const struct reset_seen *seen)
{
	struct reset_key key;

	if (!seen)
		return 0;
	key = seen->key;
	emit_reset(seen);
	reset_row(&key, PROBE_RESET);
	return 0;
}

static __always_inline bool is_unsure(const struct sock *sk)
{
	u8 state = sk->__sk_common.skc_state;

	return (state == TCP_FIN_WAIT1 || state == TCP_FIN_WAIT2) && is_done_with(sk);
}

/* Tells whether it is the caller's to decide on. */
static __always_inline bool take_unsure(struct reset_seen *seen)
{
	return !__sync_val_compare_and_swap(&seen->taken, 0, 1);
}

static __always_inline void count_unanswered(u64 address, struct reset_seen *seen)
{
	if (!take_unsure(seen))
		return;
	count_reset(seen);
	bpf_map_delete_elem(&unsure_resets, &address);
}

/*
 * Returns false when there is no room. What is there at its address is of an earlier socket, which
 * is gone by now without an answer.
 */
static __always_inline bool keep_unsure(struct sock *sk, const struct reset_seen *seen)
{
	u64 address = (u64)sk;
	struct reset_seen *earlier = bpf_map_lookup_elem(&unsure_resets, &address);

	if (earlier)
		count_unanswered(address, earlier);
	if (!bpf_map_update_elem(&unsure_resets, &address, seen, BPF_NOEXIST)) {
		unsure_seen = 1;
		return true;
	}
	count_loss(PROBE_RESET, LOST_MAP_FULL);
	return false;
}

/*
 * Tells whether this RST is the answer to what was taken for one, and counts it: its socket may be
 * gone by now.
 */
static __always_inline bool count_answer(struct sock *sk, u8 reason)
{
	u64 address = (u64)sk;
	struct reset_seen *seen = bpf_map_lookup_elem(&unsure_resets, &address);

	if (!seen || seen->cookie != cookie_of(sk) || !take_unsure(seen))
		return false;
	seen->at = bpf_ktime_get_ns();
	seen->key.received = 0;
	seen->key.reason = reason;
	count_reset(seen);
	bpf_map_delete_elem(&unsure_resets, &address);
	return true;
}

/*
 * A RST on a connection whose handshake has not ended: no hook tells of it but that the packet is
 * freed, with no reason of its own and its listener as the receiver.
 */
static __always_inline void count_half_open_reset(struct sk_buff *skb, struct sock *listener,
						  u8 family)
{
	struct reset_seen seen = {.at = bpf_ktime_get_ns()};
	struct conn *conn = conn_of(listener);
	struct packet_ends ends;

	if (!conn || (conn->flags & CONN_IGNORED) || !read_ends(skb, family, &ends))
		return;
	seen.cookie = cookie_of(listener);
	seen.key.owner = conn->owner;
	seen.key.received = 1;
	seen.key.role = ROLE_SERVER;
	seen.key.family = family;
	seen.key.server_port = ends.destination_port;
	if (cfg_peer_address == PEERS_ALL)
		__builtin_memcpy(seen.key.peer, ends.source, sizeof(ends.source));
	if (cfg_server_address)
		__builtin_memcpy(seen.key.server, ends.destination, sizeof(ends.destination));
	seen.endpoints.family = family;
	__builtin_memcpy(seen.endpoints.local, ends.destination, sizeof(ends.destination));
	__builtin_memcpy(seen.endpoints.peer, ends.source, sizeof(ends.source));
	seen.endpoints.local_port = ends.destination_port;
	seen.endpoints.peer_port = ends.source_port;
	seen.endpoints.role = ROLE_SERVER;
	seen.endpoints.state = TCP_SYN_RECV;
	seen.endpoints.netns = conn->netns;
	count_reset(&seen);
}

#endif
