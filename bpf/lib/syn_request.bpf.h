/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A client's first request may leave with its SYN (TCP Fast Open, RFC 7413). It is read before that, when
 * nothing is known yet of sequence numbers.
 */
#ifndef WIRESPAN_LIB_SYN_REQUEST_H
#define WIRESPAN_LIB_SYN_REQUEST_H

/*
 * What http1_write.bpf.h makes of such a write. `msg` is its struct msghdr. Returns 1 when it begins with a request.
 * It is not static, so it is verified once, apart from its callers.
 */
int take_syn(struct request_ring *ring, u64 msg, u64 now);

/* In the context of the process that writes, in SYN_SENT. */
static __always_inline void follow_syn(struct sock *sk, struct tcp_sock *tp, struct conn *conn,
				       u64 now)
{
	struct tcp_fastopen_request *asked = tp->fastopen_req;
	struct request_ring *ring;

	if (!asked)
		return;
	ring = bpf_sk_storage_get(&requests, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!ring)
		return;
	if (take_syn(ring, address_of(asked->data), now))
		set_flags(conn, CONN_SYN_REQUEST);
	note_unfinished(sk, ring);
	if (ring->goes_on)
		set_flags(conn, CONN_UNFINISHED);
}

#endif
