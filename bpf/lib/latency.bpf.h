/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Latencies above their thresholds. Without a threshold none of this is in a program. */
#ifndef WIRESPAN_LIB_LATENCY_H
#define WIRESPAN_LIB_LATENCY_H

static __always_inline void emit_latency(struct sock *sk, struct tcp_sock *tp, struct conn *conn,
					 u8 kind, u64 value_ns, u64 ts, u32 probe)
{
	struct latency_record *record = reserve(probe, RECORD_LATENCY, sizeof(*record), ts);

	if (!record)
		return;
	record->cookie = cookie_of(sk);
	record->owner = conn->owner;
	fill_endpoints(&record->endpoints, sk, tp, conn, sk->__sk_common.skc_state);
	record->value_ns = value_ns;
	record->kind = kind;
	__builtin_memset(record->pad, 0, sizeof(record->pad));
	submit(probe, record);
}

/* The connection is established, and when its handshake began is known. */
static __always_inline void check_handshake(struct sock *sk, struct tcp_sock *tp, struct conn *conn)
{
	u64 spent;

	if (!cfg_slow_handshake_ns || (conn->flags & (CONN_IGNORED | CONN_NO_START)))
		return;
	spent = conn->established_ns - conn->start_ns;
	if (spent > cfg_slow_handshake_ns)
		emit_latency(sk, tp, conn, LATENCY_HANDSHAKE, spent, conn->established_ns,
			     PROBE_STATE);
}

/* Once each time that it rises above the threshold. */
static __always_inline void check_rtt(struct sock *sk, struct tcp_sock *tp, struct conn *conn,
				      u64 now, u32 probe)
{
	u64 rtt;

	if (!cfg_slow_rtt_ns)
		return;
	rtt = (u64)(tp->srtt_us >> 3) * 1000;
	if (rtt <= cfg_slow_rtt_ns) {
		if (conn->flags & CONN_SLOW_RTT)
			clear_flags(conn, CONN_SLOW_RTT);
		return;
	}
	if (!(set_flags(conn, CONN_SLOW_RTT) & CONN_SLOW_RTT))
		emit_latency(sk, tp, conn, LATENCY_RTT, rtt, now, probe);
}

#endif
