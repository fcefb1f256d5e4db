// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * This tells when a request, or a response, was read: the one moment of an exchange that no other program sees. It runs
 * for each piece that an application reads, so it is loaded only when somebody asks how exchanges divide.
 */
#include "wirespan.bpf.h"

/* In tcp_recvmsg_locked() after each piece that it copied, under the socket's lock. */
SEC("tp_btf/tcp_rcv_space_adjust")
int BPF_PROG(ws_exchange_read, struct sock *sk)
{
	struct phases *p = bpf_sk_storage_get(&phases, sk, 0, 0);
	struct tcp_sock *tp;

	if (!p)
		return 0;
	tp = bpf_skc_to_tcp_sock(sk);
	if (tp)
		note_read(p, tp->copied_seq);
	return 0;
}
