/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A tcp_sock counts these of its connection. They are read in one place, and added to the sums. */
#ifndef WIRESPAN_LIB_TCP_COUNTERS_H
#define WIRESPAN_LIB_TCP_COUNTERS_H

/* `fin_sent` is about our own FIN, which the kernel counts as a byte once it is acknowledged. */
static __always_inline struct tcp_counters counters_of(struct sock *sk, struct tcp_sock *tp,
						       const struct conn *conn, bool fin_sent)
{
	struct tcp_counters now = {
		.bytes_sent = payload_sent(tp, conn, fin_sent),
		.bytes_received = payload_received(sk, tp),
		.segments_sent = tp->segs_out,
		.segments_received = tp->segs_in,
		.segments_retransmitted = tp->total_retrans,
	};

	return now;
}

/* What it counted until now belongs in no sum, since it is older than the agent. */
static __always_inline void leave_out(struct conn *conn, const struct tcp_counters *now)
{
	conn->bytes_sent = now->bytes_sent;
	conn->bytes_received = now->bytes_received;
	conn->segments_sent = now->segments_sent;
	conn->segments_received = now->segments_received;
	conn->segments_retransmitted = now->segments_retransmitted;
}

static __always_inline void add_live_bytes(struct conn *conn, const struct tcp_counters *now,
					   struct series *row)
{
	add_live(&conn->bytes_sent, now->bytes_sent, &row->bytes_sent);
	add_live(&conn->bytes_received, now->bytes_received, &row->bytes_received);
}

static __always_inline void add_live_segments(struct conn *conn, const struct tcp_counters *now,
					      struct series *row)
{
	add_live32(&conn->segments_sent, now->segments_sent, &row->segments_sent);
	add_live32(&conn->segments_received, now->segments_received, &row->segments_received);
	add_live32(&conn->segments_retransmitted, now->segments_retransmitted,
		   &row->segments_retransmitted);
}

static __always_inline void add_final_counters(struct conn *conn, const struct tcp_counters *final,
					       struct series *row)
{
	add_final(&conn->bytes_sent, final->bytes_sent, &row->bytes_sent);
	add_final(&conn->bytes_received, final->bytes_received, &row->bytes_received);
	add_final32(&conn->segments_sent, final->segments_sent, &row->segments_sent);
	add_final32(&conn->segments_received, final->segments_received, &row->segments_received);
	add_final32(&conn->segments_retransmitted, final->segments_retransmitted,
		    &row->segments_retransmitted);
}

#endif
