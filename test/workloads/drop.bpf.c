// SPDX-License-Identifier: Apache-2.0
/*
 * Really loses chosen request segments: cgroup_skb/ingress of a test's own
 * cgroup. A segment with payload for the port in `settings`, or from it, is dropped, once or
 * `copies` times, when it is chosen by chance (1,000 permille: each). What was
 * dropped is written down with the head of its payload: the test's truth.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define HEAD 64

struct settings {
	__u16 port;	/* of the server, host order */
	__u16 permille; /* chance of a first copy to be dropped */
	__u16 copies;	/* how many copies of a chosen segment are dropped */
	__u16 is_from;	/* `port` is where they come from */
};

struct key {
	__u16 client_port; /* host order */
	__u16 pad;
	__u32 seq; /* host order */
};

struct dropped {
	__u32 count;
	__u32 length; /* payload bytes */
	char head[HEAD];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct settings);
} settings SEC(".maps");

/* Payload segments seen to arrive, once each: chance is asked only at the first copy. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct key);
	__type(value, __u32);
} seen SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct key);
	__type(value, struct dropped);
} dropped SEC(".maps");

static __always_inline int note_drop(struct __sk_buff *skb, const struct key *key, __u32 offset,
				     __u32 length, __u32 copies)
{
	struct dropped *old = bpf_map_lookup_elem(&dropped, key);
	struct dropped fresh = {.count = 1, .length = length};

	if (old) {
		if (old->count >= copies)
			return 1;
		__sync_fetch_and_add(&old->count, 1);
		return 0;
	}
	if (length >= HEAD)
		bpf_skb_load_bytes(skb, offset, fresh.head, HEAD);
	/* A loss that cannot be written down must not happen. */
	return bpf_map_update_elem(&dropped, key, &fresh, BPF_NOEXIST) ? 1 : 0;
}

/* Offset of the TCP header, 0 when this is no TCP segment. */
static __always_inline __u32 tcp_offset(struct __sk_buff *skb, __u32 *end)
{
	__u8 first, protocol;
	__u16 total;

	if (bpf_skb_load_bytes(skb, 0, &first, 1))
		return 0;
	if (first >> 4 == 4) {
		if (bpf_skb_load_bytes(skb, 9, &protocol, 1) || protocol != IPPROTO_TCP ||
		    bpf_skb_load_bytes(skb, 2, &total, 2))
			return 0;
		*end = bpf_ntohs(total);
		return (first & 15) * 4;
	}
	if (bpf_skb_load_bytes(skb, 6, &protocol, 1) || protocol != IPPROTO_TCP ||
	    bpf_skb_load_bytes(skb, 4, &total, 2))
		return 0;
	*end = 40 + bpf_ntohs(total);
	return 40;
}

SEC("cgroup_skb/ingress")
int test_drop(struct __sk_buff *skb)
{
	__u32 zero = 0, one = 1, end = 0, offset, payload, *before;
	struct settings *config = bpf_map_lookup_elem(&settings, &zero);
	struct key key = {};
	struct tcphdr tcp;

	offset = tcp_offset(skb, &end);
	if (!config || !offset || bpf_skb_load_bytes(skb, offset, &tcp, sizeof(tcp)))
		return 1;
	payload = offset + tcp.doff * 4;
	if (bpf_ntohs(config->is_from ? tcp.source : tcp.dest) != config->port || payload >= end)
		return 1;
	key.client_port = bpf_ntohs(config->is_from ? tcp.dest : tcp.source);
	key.seq = bpf_ntohl(tcp.seq);
	before = bpf_map_lookup_elem(&seen, &key);
	if (before)
		return *before ? note_drop(skb, &key, payload, end - payload, config->copies) : 1;
	one = bpf_get_prandom_u32() % 1000 < config->permille;
	if (bpf_map_update_elem(&seen, &key, &one, BPF_NOEXIST) || !one)
		return 1;
	return note_drop(skb, &key, payload, end - payload, config->copies);
}

char _license[] SEC("license") = "Apache-2.0";
