/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the kernel counts of listen queues by network namespace (/proc/net/netstat), read where
 * it is: no process of the namespace need be there, nor be one that may be looked at.
 */
#ifndef WIRESPAN_LIB_NAMESPACES_H
#define WIRESPAN_LIB_NAMESPACES_H

/* Numbers of the kernel's statistics: its own enum has no name. All zero: it does not tell them. */
const volatile u8 cfg_mib_listen_overflows = 0;
const volatile u8 cfg_mib_queue_full_cookies = 0;
const volatile u8 cfg_mib_queue_full_drops = 0;

/* CPUs whose counters are read; with more, the agent reads /proc. */
#define COUNTED_CPUS 1024

/* Where a CPU's copy of a per-CPU object lies from the object's own address; set once, by ws_cpus. */
u64 cpu_offsets[COUNTED_CPUS] = {};
u32 cpu_count = 0;

/*
 * Namespaces that listen, by the number that the kernel never uses again (net_cookie). User
 * space takes out those of which no pass met a listener. Full: counted, and the overflows of
 * the namespace's listeners are not known.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, u64);
	__type(value, struct listen_namespace);
} listen_namespaces SEC(".maps");

/* A value of each CPU, whose addresses tell how far they are apart. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} cpu_anchors SEC(".maps");

/* A global function, so that its loop is verified once a program. `counters`: net->mib.net_statistics. */
__noinline u64 statistic_of(u64 counters, u32 index)
{
	u64 sum = 0, value;
	u32 cpu;

	for (cpu = 0; cpu < COUNTED_CPUS; cpu++) {
		if (cpu >= cpu_count)
			break;
		value = 0;
		bpf_probe_read_kernel(&value, sizeof(value),
				      (void *)(counters + cpu_offsets[cpu] + index * sizeof(u64)));
		sum += value;
	}
	return sum;
}

/* Never back, or user space would take it for a new row: another program may have read more. */
static __always_inline void raise_to(u64 *cell, u64 value)
{
	if (value > *cell)
		*cell = value;
}

/*
 * Counts what a socket's namespace counted since it was first seen here: with its first
 * listener, before anything could be refused. After the drops of the listeners were read, so
 * that each of them is counted here as well.
 */
static __always_inline void count_namespace(struct sock *sk)
{
	struct net *net = sk->__sk_common.skc_net.net;
	u64 counters, overflows, cookies, drops;
	struct listen_namespace first = {}, *row;
	u64 id = net->net_cookie;

	if (!cpu_count || !cfg_mib_listen_overflows)
		return;
	counters = (u64)BPF_CORE_READ(net, mib.net_statistics);
	overflows = statistic_of(counters, cfg_mib_listen_overflows);
	cookies = statistic_of(counters, cfg_mib_queue_full_cookies);
	drops = statistic_of(counters, cfg_mib_queue_full_drops);
	row = bpf_map_lookup_elem(&listen_namespaces, &id);
	if (!row) {
		first.first_overflows = overflows;
		first.first_cookies = cookies;
		first.first_syn_drops = drops;
		first.pass = pass_number;
		if (bpf_map_update_elem(&listen_namespaces, &id, &first, BPF_NOEXIST) == -E2BIG_NR)
			count_loss(PROBE_STATE, LOST_MAP_FULL);
		return;
	}
	row->pass = pass_number;
	raise_to(&row->overflows, overflows - row->first_overflows);
	raise_to(&row->cookies, cookies - row->first_cookies);
	raise_to(&row->syn_drops, drops - row->first_syn_drops);
}

/* Once a pass, and whenever a listener refused somebody. */
static __always_inline void see_namespace(struct sock *sk, bool refused)
{
	u64 id = sk->__sk_common.skc_net.net->net_cookie;
	struct listen_namespace *row = bpf_map_lookup_elem(&listen_namespaces, &id);

	if (!row || refused || row->pass != pass_number)
		count_namespace(sk);
}

#endif
