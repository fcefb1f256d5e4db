/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Multipath TCP: an open file is the MPTCP socket. The TCP sockets under it, its subflows, have no
 * file, and the kernel opens all but the first by itself. They are met by address, so only where
 * sockets are kept by address.
 */
#ifndef WIRESPAN_LIB_MPTCP_H
#define WIRESPAN_LIB_MPTCP_H

/* How many subflows of a socket a walk meets: the kernel counts them in eight bits (struct mptcp_pm_data). */
#define SUBFLOWS 256

struct subflows {
	u64 head;
	u64 node;
};

static __always_inline bool is_mptcp(const struct sock *sk)
{
	u16 family = sk->__sk_common.skc_family;

	return sk->sk_type == SOCK_STREAM_NR && sk->sk_protocol == IPPROTO_MPTCP_NR &&
	       (family == AF_INET || family == AF_INET6);
}

/* Begins a walk over the subflows of a socket. Returns false when it has none that can be met. */
static __always_inline bool begin_subflows(struct subflows *walk, const struct sock *sk)
{
	struct mptcp_sock *msk = (struct mptcp_sock *)sk;

	if (!cfg_conn_table || !bpf_core_type_exists(struct mptcp_sock) || !is_mptcp(sk))
		return false;
	walk->head = (u64)sk + bpf_core_field_offset(msk->conn_list);
	walk->node = (u64)BPF_CORE_READ(msk, conn_list.next);
	return true;
}

/* The address of the next subflow, or 0. Contexts are freed after a grace period of RCU. */
static __always_inline u64 next_subflow(struct subflows *walk)
{
	struct list_head *node = (struct list_head *)walk->node;
	struct mptcp_subflow_context *context = 0;

	if (!node || walk->node == walk->head)
		return 0;
	context = (void *)node - bpf_core_field_offset(context->node);
	walk->node = (u64)BPF_CORE_READ(node, next);
	return (u64)BPF_CORE_READ(context, tcp_sock);
}

/* The body is verified once for each turn, unless it calls a function that is not static. */
#define for_each_subflow(address, walk) \
	for (u32 turn = 0; turn < SUBFLOWS && ((address) = next_subflow(walk)); turn++)

static __always_inline struct tcp_sock *subflow_at(u64 address)
{
	if (!cfg_conn_table)
		return 0;
	return bpf_rdonly_cast((void *)address, bpf_core_type_id_kernel(struct tcp_sock));
}

/*
 * The first subflow of the connection that this one was added to; NULL when it is the first one
 * itself.
 */
static __always_inline struct sock *first_subflow(struct sock *sk, struct tcp_sock *tp)
{
	struct mptcp_subflow_context *context;
	struct mptcp_sock *msk;
	struct sock *first;

	if (!cfg_conn_table || !bpf_core_type_exists(struct mptcp_sock) || !tp->is_mptcp)
		return 0;
	context = (struct mptcp_subflow_context *)tp->inet_conn.icsk_ulp_data;
	msk = (struct mptcp_sock *)BPF_CORE_READ(context, conn);
	first = BPF_CORE_READ(msk, first);
	return first != sk ? first : 0;
}

/* Whose a connection is by its first subflow. Returns false while nobody has shown himself. */
static __always_inline bool own_by_first(struct known_owner *owner, struct sock *first)
{
	struct conn *conn = entry_at((u64)first);
	struct accepted *accepted;
	u64 address = (u64)first;

	if (!conn || !(conn->flags & CONN_ESTABLISHED))
		return false;
	owner->thread = 0;
	owner->key = conn->owner;
	owner->rules = conn->owner_rules;
	if (!(conn->flags & CONN_OWNER_PROVISIONAL))
		return true;
	accepted = bpf_map_lookup_elem(&accepts, &address);
	if (!accepted || !is_accept_of(accepted, conn))
		return false;
	owner->key = accepted->owner;
	owner->rules = accepted->owner_rules;
	return true;
}

/* A subflow that the kernel opens, in a worker or for a path manager, is its connection's owner's. */
static __always_inline void own_subflow(struct sock *sk, struct tcp_sock *tp,
					struct known_owner *owner)
{
	struct sock *first = first_subflow(sk, tp);

	if (first)
		own_by_first(owner, first);
}

/* One that the peer added is never accepted: it is who accepted its connection's. */
static __always_inline void own_joined(struct sock *sk, struct tcp_sock *tp, struct conn *conn,
				       u32 probe, u64 now)
{
	struct known_owner owner = {};
	struct sock *first;

	if (!(conn->flags & CONN_OWNER_PROVISIONAL))
		return;
	first = first_subflow(sk, tp);
	if (first && own_by_first(&owner, first))
		confirm_owner(sk, tp, conn, &owner, probe, now);
}

#endif
