/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A segment without payload is looked at only when an answer may be waiting to be acknowledged by it. The ports of the
 * connection say so at the price of a few loads: a look-up for each would cost all connections of the machine.
 */
#ifndef WIRESPAN_LIB_AWAITED_H
#define WIRESPAN_LIB_AWAITED_H

/* How many answers wait, by a sum of their ports. Others with the same sum are looked up for nothing. */
#define AWAITED_BITS 14
u32 awaited[1 << AWAITED_BITS] = {};

static __always_inline u32 awaited_place(u16 local_port, u16 peer_port)
{
	return (local_port + peer_port) & ((1 << AWAITED_BITS) - 1);
}

static __always_inline bool may_be_awaited(const struct bpf_sock *socket)
{
	return cfg_emit_exchange &&
	       awaited[awaited_place(socket->src_port, bpf_ntohs(socket->dst_port))];
}

static __always_inline void await_acknowledgement(struct sock *sk, struct exchange *exchange)
{
	u32 place = awaited_place(sk->__sk_common.skc_num, bpf_ntohs(sk->__sk_common.skc_dport));

	if (exchange->place)
		return;
	exchange->place = place + 1;
	__sync_fetch_and_add(&awaited[place], 1);
}

static __always_inline void await_no_more(struct exchange *exchange)
{
	u32 place = (exchange->place - 1) & ((1 << AWAITED_BITS) - 1);

	if (!exchange->place)
		return;
	exchange->place = 0;
	__sync_fetch_and_add(&awaited[place], -1);
}

#endif
