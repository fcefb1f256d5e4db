/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* This decides whether a socket is observed. Without a filter it costs one load and one branch. */
#ifndef WIRESPAN_LIB_OBSERVE_H
#define WIRESPAN_LIB_OBSERVE_H

/* `conn`: the connection itself, or its listener; `owner` is its owner. */
static __always_inline void fill_facts(struct filter_facts *facts, const struct conn *conn,
				       const struct owner_key *owner, u16 local_port)
{
	u32 generation = filter_generation_of(filter_setup);
	u64 rules = conn->owner_rules;
	struct owner_info *info;

	if (filter_generation_of(rules) != generation) {
		info = bpf_map_lookup_elem(&owners, owner);
		rules = info ? info->rules : 0;
	}
	/* Nothing is known of a process that ended before the rules were read. */
	if (filter_generation_of(rules) == generation)
		facts->owner_rules = rules;
	facts->pid = owner->pid;
	facts->netns = conn->netns;
	facts->local_port = local_port;
}

/*
 * Returns 1 when the filter does not want it. `address`: the socket's. It is not static, so it is
 * verified once. Before 6.2 a map takes no key that a caller gave, so it works on a copy.
 */
__noinline int refuses_conn(u64 address, const struct conn *conn)
{
	struct sock *sk = (struct sock *)address;
	struct filter_facts facts = {};
	struct owner_key owner;

	if (!conn)
		return 0;
	owner = conn->owner;
	fill_facts(&facts, conn, &owner, local_port_of_untyped(sk));
	if (conn->role != ROLE_LISTENER) {
		facts.family = family_of_untyped(sk);
		facts.remote_port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
		read_mapped_peer(sk, facts.family, facts.peer);
	}
	return filter_refuses(&facts);
}

/* A process is announced with its first socket that is observed: the rest takes nobody's room. */
static __always_inline void announce(const struct known_owner *owner, const struct conn *conn,
				     u32 probe)
{
	if (owner->thread && !(conn->flags & CONN_IGNORED))
		announce_owner(&owner->key, owner->thread, probe);
}

/*
 * Announces the process of a client that the filter left out until its local port was known. This
 * is not its context, and the thread that connected is a label, so it is asked whether it still
 * runs that program.
 */
static __always_inline void announce_opener(const struct conn *conn)
{
	struct task_struct *thread = (struct task_struct *)conn->opener_task, *leader;

	if (!filter_setup || bpf_map_lookup_elem(&owners, &conn->owner))
		return;
	leader = BPF_CORE_READ(thread, group_leader);
	if (leader && (u32)BPF_CORE_READ(leader, tgid) == conn->owner.pid &&
	    BPF_CORE_READ(leader, start_boottime) == conn->owner.start_ns &&
	    (u32)BPF_CORE_READ(leader, self_exec_id) == conn->owner.execs)
		announce_owner(&conn->owner, (u64)thread, PROBE_STATE);
}

/* Decides by the filter in force. What is the agent's own stays ignored. */
static __always_inline void apply_filter(struct sock *sk, struct tcp_sock *tp, struct conn *conn)
{
	u64 setup = filter_setup;

	if (!setup && !(conn->flags & CONN_FILTERED))
		return;
	if ((conn->flags & (CONN_IGNORED | CONN_FILTERED)) == CONN_IGNORED)
		return;
	conn->filter_generation = filter_generation_of(setup);
	if (setup && refuses_conn(address_of(sk), conn))
		set_flags(conn, CONN_IGNORED | CONN_FILTERED);
	else if (conn->flags & CONN_FILTERED)
		clear_flags(conn, CONN_IGNORED | CONN_FILTERED);
}

/*
 * For hooks that may meet a client before it has a local port. Until ESTABLISHED nothing is decided
 * for good.
 */
static __always_inline bool is_ignored(struct sock *sk, struct tcp_sock *tp, struct conn *conn)
{
	if (filter_setup && conn->state == TCP_SYN_SENT)
		apply_filter(sk, tp, conn);
	return conn->flags & CONN_IGNORED;
}

/* True when the filter said no because of the listener's owner: who accepts may be another. */
static __always_inline bool may_be_wanted(const struct conn *conn)
{
	return (conn->flags & CONN_FILTERED) && (conn->flags & CONN_OWNER_PROVISIONAL);
}

/*
 * Decides again after a reload. What is open and was left out before stays so, since its beginning
 * was not seen. The decision about a process that ended meanwhile stays; ws_refilter and
 * ws_refilter_files have told what the rules say of the others.
 */
static __always_inline void refilter(struct sock *sk, struct tcp_sock *tp, struct conn *conn)
{
	u32 generation = filter_generation_of(filter_setup);
	struct owner_info *info;

	if (conn->filter_generation == generation)
		return;
	conn->filter_generation = generation;
	if ((conn->flags & CONN_IGNORED) && conn->role != ROLE_LISTENER && !may_be_wanted(conn))
		return;
	info = bpf_map_lookup_elem(&owners, &conn->owner);
	if (generation && conn->owner.pid &&
	    filter_generation_of(info ? info->rules : conn->owner_rules) != generation)
		return;
	apply_filter(sk, tp, conn);
}

#endif
