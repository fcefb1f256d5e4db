/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Latencies above their thresholds get a record. Without a threshold none of this is in a program.
 */
#ifndef WIRESPAN_LIB_LATENCY_H
#define WIRESPAN_LIB_LATENCY_H

struct latency {
	u64 ns;
	u64 at;	   /* when it ended */
	u32 probe; /* what lost it, if it is lost */
	u8 kind;   /* enum latency_kind */
};

static __always_inline void emit_latency(struct sock *sk, struct tcp_sock *tp,
					 const struct conn *conn, const struct latency *latency)
{
	struct latency_record *record = reserve(latency->probe, RECORD_LATENCY, sizeof(*record),
						latency->at);

	if (!record)
		return;
	record->cookie = cookie_of(sk);
	record->owner = conn->owner;
	fill_endpoints(&record->endpoints, sk, tp, conn, sk->__sk_common.skc_state);
	record->value_ns = latency->ns;
	record->kind = latency->kind;
	__builtin_memset(record->pad, 0, sizeof(record->pad));
	submit(latency->probe, record);
}

/* To be called when the connection is established, and it is known when its handshake began. */
static __always_inline void check_handshake(struct sock *sk, struct tcp_sock *tp, struct conn *conn)
{
	struct latency latency = {
		.ns = conn->established_ns - conn->start_ns,
		.at = conn->established_ns,
		.probe = PROBE_STATE,
		.kind = LATENCY_HANDSHAKE,
	};

	if (!cfg_slow_handshake_ns || (conn->flags & (CONN_IGNORED | CONN_NO_START)))
		return;
	if (latency.ns > cfg_slow_handshake_ns)
		emit_latency(sk, tp, conn, &latency);
}

/* Tells it once each time that it rises above the threshold. */
static __always_inline void check_rtt(struct sock *sk, struct tcp_sock *tp, struct conn *conn,
				      u64 now, u32 probe)
{
	struct latency latency = {.at = now, .probe = probe, .kind = LATENCY_RTT};

	if (!cfg_slow_rtt_ns || !has_rtt(tp, conn))
		return;
	latency.ns = (u64)(tp->srtt_us >> 3) * 1000;
	if (latency.ns <= cfg_slow_rtt_ns) {
		if (conn->flags & CONN_SLOW_RTT)
			clear_flags(conn, CONN_SLOW_RTT);
		return;
	}
	if (!(set_flags(conn, CONN_SLOW_RTT) & CONN_SLOW_RTT))
		emit_latency(sk, tp, conn, &latency);
}

#endif
