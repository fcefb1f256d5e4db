/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Figures of tcp_sock, and the rows that they go to. */
#ifndef WIRESPAN_FIGURES_H
#define WIRESPAN_FIGURES_H

#include "counters.bpf.h"
#include "latency.bpf.h"
#include "room.bpf.h"
#include "../generated/bounds.h"

/* Payload acknowledged: bytes_acked less the client's SYN and, when acknowledged, our FIN. */
static __always_inline u64 payload_sent(struct tcp_sock *tp, const struct conn *conn, bool fin_sent)
{
	u64 acked = tp->bytes_acked;

	if (conn->role == ROLE_CLIENT && acked)
		acked -= 1;
	if (fin_sent && acked && tp->snd_una == tp->write_seq)
		acked -= 1;
	return acked;
}

/* Payload that the peer acknowledged, by what was sent: unlike bytes_acked without SYN and FIN. */
static __always_inline u64 acked_payload(struct tcp_sock *tp)
{
	return tp->bytes_sent - tp->bytes_retrans - (u32)(tp->snd_nxt - tp->snd_una);
}

/* Payload received: bytes_received less the peer's FIN (SOCK_DONE is set by tcp_fin() alone). */
static __always_inline u64 payload_received(struct sock *sk, struct tcp_sock *tp)
{
	u64 received = tp->bytes_received;

	if (received && (sk->__sk_common.skc_flags & (1 << 1)))
		received -= 1;
	return received;
}

/* Index + 1 of the narrowest configured subnet that holds the peer; 0: none. */
static __always_inline u32 subnet_of(const struct sock *sk)
{
	struct subnet_key key = {.prefix_length = 128};
	u32 *index;

	if (!cfg_subnets)
		return 0;
	read_mapped_peer(sk, family_of(sk), key.address);
	index = bpf_map_lookup_elem(&subnets, &key);
	return index ? *index : 0;
}

static __always_inline void fill_addresses(const struct sock *sk, const struct conn *conn,
					   u8 family, u8 *peer, u8 *server)
{
	bool is_client = conn->role == ROLE_CLIENT;

	if (cfg_peer_address == 2 || (cfg_peer_address == 1 && is_client))
		read_peer(sk, family, peer);
	if (cfg_server_address && is_client)
		read_peer(sk, family, server);
	else if (cfg_server_address && conn->role == ROLE_SERVER)
		read_local(sk, family, server);
}

static __always_inline void fill_series_key(struct series_key *key, struct sock *sk,
					    struct tcp_sock *tp, const struct conn *conn, u8 error)
{
	__builtin_memset(key, 0, sizeof(*key));
	key->owner = conn->owner;
	key->role = conn->role;
	key->family = family_of(sk);
	key->error = error;
	key->cidr = conn->cidr;
	/* Kept since the handshake: tcp_disconnect() clears the socket's. */
	if (conn->role == ROLE_CLIENT || conn->role == ROLE_SERVER)
		key->server_port = conn->listen_port;
	fill_addresses(sk, conn, key->family, key->peer, key->server);
}

static __noinline struct series *place_for(struct series_key *key, u32 probe, u64 now, u32 gone)
{
	struct series *row;

	place_series(key, probe, gone);
	row = bpf_map_lookup_elem(&series, key);
	if (row && touch_row(&row->touched_ns, now))
		return row;
	__builtin_memset(key, 0, sizeof(*key));
	key->overflow = 1;
	row = bpf_map_lookup_elem(&series, key);
	if (row)
		row->touched_ns = now;
	return row;
}

/*
 * The row for a key, or else the overflow row of its owner or of the host, which the key then
 * says. NULL only when even that is absent.
 */
static __always_inline struct series *series_for(struct series_key *key, u32 probe, u64 now)
{
	struct series *row = bpf_map_lookup_elem(&series, key);

	if (row && touch_row(&row->touched_ns, now))
		return row;
	return place_for(key, probe, now, !!row);
}

/* Notes the address of a listening socket, for itself and for the connections that it takes. */
static __always_inline void note_listen_local(struct sock *sk, struct conn *conn)
{
	if (!cfg_local_address)
		return;
	conn->has_listen_local = 1;
	__builtin_memset(conn->listen_local, 0, sizeof(conn->listen_local));
	if (sk->__sk_common.skc_family == AF_INET) {
		conn->listen_local[10] = 0xff;
		conn->listen_local[11] = 0xff;
		read_local(sk, 4, conn->listen_local + 12);
	} else {
		read_local(sk, 6, conn->listen_local);
	}
}

/* A socket that listens at every address, for both families, listens at 0.0.0.0 for IPv4. */
static __always_inline void fill_listen_local(struct listener_key *key, const struct conn *conn)
{
	if (!cfg_local_address || !conn->has_listen_local)
		return;
	key->has_local = 1;
	if (key->family == 6)
		__builtin_memcpy(key->local, conn->listen_local, sizeof(key->local));
	else if (conn->listen_local[10] == 0xff && conn->listen_local[11] == 0xff)
		__builtin_memcpy(key->local, conn->listen_local + 12, 4);
}

static __always_inline struct listener *
listener_for(const struct owner_key *owner, const struct conn *conn, u16 port, u8 family, u32 probe)
{
	struct listener_key key = {};
	struct listener *row;

	key.owner = *owner;
	key.port = port;
	key.family = family;
	fill_listen_local(&key, conn);
	row = bpf_map_lookup_elem(&listeners, &key);
	if (row && count_use(&row->uses))
		return row;
	place_listener(&key, probe, !!row);
	row = bpf_map_lookup_elem(&listeners, &key);
	if (row && count_use(&row->uses))
		return row;
	__builtin_memset(&key, 0, sizeof(key));
	key.overflow = 1;
	return bpf_map_lookup_elem(&listeners, &key);
}

static __always_inline void add_rtt(struct series *row, struct tcp_sock *tp)
{
	if (!tp->srtt_us)
		return;
	HISTOGRAM_ADD(row->rtt, bounds_tcp_rtt, (u64)(tp->srtt_us >> 3) * 1000);
	if (cfg_rtt_variation)
		HISTOGRAM_ADD(row->rtt_variation, bounds_tcp_rtt_variation,
			      (u64)(tp->mdev_us >> 2) * 1000);
}

#endif
