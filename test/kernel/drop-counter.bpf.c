// SPDX-License-Identifier: Apache-2.0
/*
 * A second, simpler observer of the kfree_skb tracepoint: every packet that is
 * freed with a reason in a network namespace, by reason. The namespace is the
 * device's, else the socket's; a packet with neither is in namespace 0.
 */
#include "../../bpf/kernel/kernel.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct net_device___ns {
	possible_net_t nd_net;
};
#pragma clang attribute pop

const volatile u8 has_receiver = 0; /* the tracepoint has the receiving socket (6.11) */

const volatile u32 queue_purge = 0; /* the kernel's number of that reason, 0: it has none */

struct key {
	u32 netns;
	u32 reason;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct key);
	__type(value, u64);
} freed SEC(".maps");

SEC("tp_btf/kfree_skb")
int BPF_PROG(test_freed, struct sk_buff *skb, void *location, u32 reason)
{
	struct net_device___ns *device = (void *)BPF_CORE_READ(skb, dev);
	struct sock *sk = BPF_CORE_READ(skb, sk);
	struct key key = {.reason = reason};
	u64 one = 1, *count;

	/* A FIN that nobody had to read is no data: the agent leaves it out as well. */
	if (queue_purge && reason == queue_purge && !BPF_CORE_READ(skb, len))
		return 0;

	if (!sk && has_receiver)
		sk = (struct sock *)ctx[3];
	if (device)
		key.netns = BPF_CORE_READ(device, nd_net.net, ns.inum);
	else if (sk)
		key.netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	count = bpf_map_lookup_elem(&freed, &key);
	if (count)
		__sync_fetch_and_add(count, 1);
	else if (bpf_map_update_elem(&freed, &key, &one, BPF_NOEXIST) &&
		 (count = bpf_map_lookup_elem(&freed, &key)))
		__sync_fetch_and_add(count, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
