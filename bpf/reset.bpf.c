// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* This counts RST segments sent and received, with the kernel's reason where it has one (6.10). */
#include "wirespan.bpf.h"

const volatile u8 cfg_reset_has_reason = 0; /* tcp_send_reset with a reason (6.10) */

static __always_inline void fill_ends(struct reset_key *key, const struct sock *sk,
				      const struct conn *conn)
{
	u8 unasked[16] = {};

	fill_addresses(sk, conn, key->family, cfg_peer_address == PEERS_ALL ? key->peer : unasked,
		       key->server);
	if (cfg_reset_cidr)
		key->cidr = conn->cidr;
}

static __always_inline void describe_reset(struct reset_seen *seen, struct sock *sk,
					   struct tcp_sock *tp, const struct conn *conn)
{
	struct reset_key *key = &seen->key;

	key->owner = conn->owner;
	key->family = family_of(sk);
	key->role = conn->role == ROLE_LISTENER ? ROLE_SERVER : conn->role;
	key->server_port = key->role == ROLE_CLIENT ? bpf_ntohs(sk->__sk_common.skc_dport)
						    : local_port_of(tp);
	if (conn->role == ROLE_LISTENER)
		return;
	seen->cookie = cookie_of(sk);
	fill_ends(key, sk, conn);
	fill_endpoints(&seen->endpoints, sk, tp, conn, sk->__sk_common.skc_state);
}

/* `sk` may be absent, a listener, or (for TIME_WAIT) no full socket: then nobody owns the RST. */
static __always_inline void handle_reset(struct sock *sk, u8 received, u8 reason)
{
	struct reset_seen seen = {.at = bpf_ktime_get_ns()};
	struct conn *conn = 0;
	struct tcp_sock *tp = 0;

	seen.key.received = received;
	seen.key.reason = reason;
	if (sk) {
		conn = conn_of(sk);
		tp = bpf_skc_to_tcp_sock(sk);
	}
	if (conn && tp) {
		if (is_ignored(sk, tp, conn))
			return;
		/*
		 * This is kept should its end be missed: sk_err is gone once the application has
		 * read it.
		 */
		if (received)
			conn->reset_cause = 1 + CLOSE_RESET_RECEIVED;
		else
			conn->reset_cause = 1 +
					    (is_exiting() ? CLOSE_PROCESS_EXIT : CLOSE_RESET_SENT);
		describe_reset(&seen, sk, tp, conn);
	}
	if (received && sk && is_unsure(sk)) {
		seen.cookie = cookie_of(sk);
		if (keep_unsure(sk, &seen))
			return;
	}
	count_reset(&seen);
}

SEC("tp_btf/tcp_send_reset")
int BPF_PROG(ws_reset_sent, struct sock *sk)
{
	u8 reason = cfg_reset_has_reason ? (u8)ctx[2] : 0;

	if (!sk || !count_answer(sk, reason))
		handle_reset(sk, 0, reason);
	return 0;
}

SEC("tp_btf/tcp_receive_reset")
int BPF_PROG(ws_reset_received, struct sock *sk)
{
	handle_reset(sk, 1, 0);
	return 0;
}

static long settle_old(struct bpf_map *map, const u64 *address, struct reset_seen *seen,
		       void *context)
{
	if (seen->at + UNSURE_NS < bpf_ktime_get_ns())
		count_unanswered(*address, seen);
	else
		unsure_seen = 1;
	return 0;
}

/*
 * Counts those that had no answer as received, once a pass where there is one. It is an iterator over tasks only because
 * that can be run at will, and a program of its own because those of the pass have no stack left.
 */
SEC("iter/task")
int ws_settle(struct bpf_iter__task *ctx)
{
	if (!ctx->meta->seq_num)
		bpf_for_each_map_elem(&unsure_resets, settle_old, 0, 0);
	return 0;
}
