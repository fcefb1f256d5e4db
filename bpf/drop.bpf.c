// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* TCP packets that the kernel frees with a drop reason. */
#include "include/conn.bpf.h"

/* 4 or 6 for a TCP packet or a packet of a TCP socket, 0 for anything else. */
static __always_inline u8 tcp_family(struct sk_buff *skb, struct sock *sk)
{
	u16 protocol = bpf_ntohs(skb->protocol);
	u8 *network = skb->head + skb->network_header;
	u8 next = 0;

	if (sk && sk->sk_protocol != IPPROTO_TCP)
		return 0;
	if (protocol == ETH_P_IP)
		bpf_probe_read_kernel(&next, 1, network + 9); /* iphdr.protocol, RFC 791 */
	else if (protocol == ETH_P_IPV6)
		bpf_probe_read_kernel(&next, 1, network + 6); /* ipv6hdr.nexthdr, RFC 8200 */
	else if (sk) /* freed before it got a network header: a send queue's */
		return sk->__sk_common.skc_family == AF_INET ? 4 : 6;
	if (next != IPPROTO_TCP && !sk)
		return 0;
	return protocol == ETH_P_IP ? 4 : 6;
}

SEC("tp_btf/kfree_skb")
int BPF_PROG(ws_drop, struct sk_buff *skb, void *location)
{
	struct drop_key key = {};
	struct sock *sk = 0;
	struct conn *conn;
	u64 one = 1, *count;

	if (cfg_drop_has_reason) {
		key.reason = (u32)ctx[2];
		if (!key.reason || key.reason == cfg_drop_consumed)
			return 0;
	}
	sk = skb->sk;
	if (!sk && cfg_drop_has_rx_sk)
		sk = (struct sock *)ctx[3];
	key.family = tcp_family(skb, sk);
	if (!key.family)
		return 0;
	if (sk) {
		conn = bpf_sk_storage_get(&conns, sk, 0, 0);
		if (conn && (conn->flags & CONN_IGNORED))
			return 0;
		if (conn)
			key.owner = conn->owner;
	}
	count = bpf_map_lookup_elem(&drops, &key);
	if (count) {
		__sync_fetch_and_add(count, 1);
		return 0;
	}
	if (!bpf_map_update_elem(&drops, &key, &one, BPF_NOEXIST))
		return 0;
	count = bpf_map_lookup_elem(&drops, &key);
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		count_loss(PROBE_DROP, LOST_MAP_FULL);
	return 0;
}
