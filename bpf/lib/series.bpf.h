/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* This finds the rows of connections, and what is added to them. */
#ifndef WIRESPAN_LIB_SERIES_H
#define WIRESPAN_LIB_SERIES_H

/*
 * The value is the index + 1 of a configured subnet. User space fills it before the programs are
 * attached.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 256);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct subnet_key);
	__type(value, u32);
} subnets SEC(".maps");

/* Returns the index + 1 of the narrowest configured subnet that holds the peer, or 0. */
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

	if (cfg_peer_address == PEERS_ALL || (cfg_peer_address == PEERS_CLIENTS && is_client))
		read_peer(sk, family, peer);
	if (cfg_server_address && is_client)
		read_peer(sk, family, server);
	else if (cfg_server_address && conn->role == ROLE_SERVER)
		read_local(sk, family, server);
}

static __always_inline void fill_series_key(struct series_key *key, struct sock *sk,
					    const struct conn *conn, u8 error)
{
	__builtin_memset(key, 0, sizeof(*key));
	key->owner = conn->owner;
	key->role = conn->role;
	key->family = family_of(sk);
	key->error = error;
	key->cidr = conn->cidr;
	/* This was kept at the handshake, since tcp_disconnect() clears the socket's. */
	if (conn->role == ROLE_CLIENT || conn->role == ROLE_SERVER)
		key->server_port = conn->listen_port;
	fill_addresses(sk, conn, key->family, key->peer, key->server);
}

static __always_inline void add_rtt(struct series *row, struct tcp_sock *tp, struct conn *conn)
{
	if (!tp->srtt_us)
		return;
	if (!has_rtt(tp, conn)) {
		count_left_out();
		return;
	}
	if (conn->deferred && !(conn->flags & CONN_RTT_KNOWN))
		set_flags(conn, CONN_RTT_KNOWN);
	HISTOGRAM_ADD(row->rtt, bounds_tcp_rtt, (u64)(tp->srtt_us >> 3) * 1000);
	if (cfg_rtt_variation)
		HISTOGRAM_ADD(row->rtt_variation, bounds_tcp_rtt_variation,
			      (u64)(tp->mdev_us >> 2) * 1000);
}

#endif
