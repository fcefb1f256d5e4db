/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* RST segments: their rows and records. */
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
};

static __always_inline void emit_reset(const struct reset_seen *seen)
{
	struct reset_record *record;

	if (!cfg_emit_reset || !seen->endpoints.family)
		return;
	record = reserve(PROBE_RESET, RECORD_RESET, sizeof(*record), seen->at);
	if (!record)
		return;
	record->cookie = seen->cookie;
	record->owner = seen->key.owner;
	record->endpoints = seen->endpoints;
	record->received = seen->key.received;
	record->reason = seen->key.reason;
	__builtin_memset(record->pad, 0, sizeof(record->pad));
	submit(PROBE_RESET, record);
}

static __always_inline void count_reset(const struct reset_seen *seen)
{
	struct reset_key key = seen->key;

	emit_reset(seen);
	reset_row(&key, PROBE_RESET);
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
