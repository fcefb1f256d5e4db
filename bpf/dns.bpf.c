// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * What name servers answer, for a view that shows by which name a process knows its peer. The agent
 * does not load it.
 */
#include "wirespan.bpf.h"

#define DNS_PORT	53
#define DNS_HEADER	12 /* bytes: RFC 1035 section 4.1.1 */
#define DNS_IS_RESPONSE 0x80

/* RFC 768; in network order. */
struct udp_head {
	u16 source;
	u16 destination;
	u16 length;
	u16 checksum;
};

/* Where its UDP header is; 0: it has none. Its pieces, if it was split, were put together before. */
static __always_inline u32 find_udp(struct __sk_buff *skb)
{
	u8 *data = (u8 *)(u64)skb->data, *end = (u8 *)(u64)skb->data_end;

	if (data + 20 > end)
		return 0;
	if (data[0] >> 4 == 4)
		return data[9] == IPPROTO_UDP_NR ? (data[0] & 0xf) * 4 : 0;
	/* Extension headers of IPv6 are not followed. */
	return data[6] == IPPROTO_UDP_NR ? 40 : 0;
}

static __always_inline void read_answer(struct __sk_buff *skb)
{
	u32 offset = find_udp(skb), length, bytes;
	struct dns_record *record;
	struct udp_head udp;
	u8 flags;

	if (!offset || bpf_skb_load_bytes(skb, offset, &udp, sizeof(udp)) ||
	    udp.source != bpf_htons(DNS_PORT))
		return;
	offset += sizeof(udp);
	if (skb->len < offset + DNS_HEADER || bpf_skb_load_bytes(skb, offset + 2, &flags, 1) ||
	    !(flags & DNS_IS_RESPONSE))
		return;
	length = skb->len - offset;
	bytes = length;
	barrier_var(bytes); /* else the bound is on `length` alone */
	if (bytes > DNS_BYTES)
		bytes = DNS_BYTES;
	if (bytes < DNS_HEADER)
		return;
	record = reserve(PROBE_DNS, RECORD_DNS, sizeof(*record), bpf_ktime_get_ns());
	if (!record)
		return;
	record->length = length;
	record->pad = 0;
	if (bpf_skb_load_bytes(skb, offset, record->message, bytes)) {
		bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);
		return;
	}
	submit(PROBE_DNS, record);
}

/* At the root of cgroup v2, before the socket gets it: so before whoever asked can connect. */
SEC("cgroup_skb/ingress")
int ws_dns_answer(struct __sk_buff *skb)
{
	read_answer(skb);
	return 1; /* it goes on */
}
