// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * What tcprtt and tcpsynbl show: a sample at each segment, and at each connection that a listener
 * gets. The agent loads none of them.
 */
#include "wirespan.bpf.h"

/* Whether the filter, if there is one, leaves it in. One that nobody accepted yet is nobody's. */
static __always_inline bool is_sampled(const struct conn *conn)
{
	return !filter_setup || (conn && !(conn->flags & CONN_IGNORED));
}

/*
 * At the beginning of tcp_rcv_established(), as the tool of BCC: what was measured before this
 * segment.
 */
SEC("tp_btf/tcp_probe")
int BPF_PROG(ws_rtt_sample, struct sock *sk)
{
	struct sample_key key = {};
	struct tcp_sock *tp;

	if (filter_setup && !is_sampled(conn_of_readable(sk)))
		return 0;
	tp = bpf_skc_to_tcp_sock(sk);
	if (!tp)
		return 0;
	key.family = family_of(sk);
	if (cfg_sample_local)
		read_local(sk, key.family, key.local);
	if (cfg_sample_remote)
		read_peer(sk, key.family, key.remote);
	add_sample(&key, tp->srtt_us >> 3, PROBE_RECEIVE);
	return 0;
}

/*
 * A passive socket is made, in tcp_v4_syn_recv_sock() or tcp_v6_syn_recv_sock(), and it is not in the
 * queue yet: it is a copy of its listener (sk_clone_lock()), with the listener's queue as it is now.
 * ws_state is attached before, so it has its copy of what is kept of the listener.
 */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(ws_backlog_sample, struct sock *sk, int old, int new)
{
	struct sample_key key = {};

	if (old != TCP_LISTEN || new != TCP_SYN_RECV || !is_tcp(sk))
		return 0;
	if (filter_setup && !is_sampled(copy_of_listener(sk)))
		return 0;
	key.family = family_of(sk);
	key.number = sk->sk_max_ack_backlog;
	add_sample(&key, sk->sk_ack_backlog, PROBE_STATE);
	return 0;
}
