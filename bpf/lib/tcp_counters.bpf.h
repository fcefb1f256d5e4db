/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A tcp_sock counts these of its connection. They are read in one place, and added to the sums. */
#ifndef WIRESPAN_LIB_TCP_COUNTERS_H
#define WIRESPAN_LIB_TCP_COUNTERS_H

/* The counters as they are now. */
struct tcp_counters {
	u64 bytes_sent; /* payload that the peer acknowledged */
	u64 bytes_received;
	u32 segments_sent;
	u32 segments_received;
	u32 segments_retransmitted;
	u32 pad;
};

/* This much of them was already added to a series. Counters of 32 bits go on in 64. */
struct counted {
	u64 bytes_sent;
	u64 bytes_received;
	u64 segments_sent;
	u64 segments_received;
	u64 segments_retransmitted;
};

/* Payload is less than the kernel counts: counters_of() says why. */
static __always_inline struct tcp_counters read_counters(const struct tcp_sock *tp, u64 sent,
							 u64 received)
{
	struct tcp_counters now = {
		.bytes_sent = sent,
		.bytes_received = received,
		.segments_sent = tp->segs_out,
		.segments_received = tp->segs_in,
		.segments_retransmitted = tp->total_retrans,
	};

	return now;
}

/* What it counted until now belongs in no sum, since it is older than the agent. */
static __always_inline void leave_out(struct counted *counted, const struct tcp_counters *now)
{
	counted->bytes_sent = now->bytes_sent;
	counted->bytes_received = now->bytes_received;
	counted->segments_sent = now->segments_sent;
	counted->segments_received = now->segments_received;
	counted->segments_retransmitted = now->segments_retransmitted;
}

static __always_inline void add_live_bytes(struct counted *counted, const struct tcp_counters *now,
					   struct series *row)
{
	add_live(&counted->bytes_sent, now->bytes_sent, &row->bytes_sent);
	add_live(&counted->bytes_received, now->bytes_received, &row->bytes_received);
}

static __always_inline void add_live_segments(struct counted *counted,
					      const struct tcp_counters *now, struct series *row)
{
	add_live32(&counted->segments_sent, now->segments_sent, &row->segments_sent);
	add_live32(&counted->segments_received, now->segments_received, &row->segments_received);
	add_live32(&counted->segments_retransmitted, now->segments_retransmitted,
		   &row->segments_retransmitted);
}

static __always_inline void add_final_counters(struct counted *counted,
					       const struct tcp_counters *final, struct series *row)
{
	add_final(&counted->bytes_sent, final->bytes_sent, &row->bytes_sent);
	add_final(&counted->bytes_received, final->bytes_received, &row->bytes_received);
	add_final32(&counted->segments_sent, final->segments_sent, &row->segments_sent);
	add_final32(&counted->segments_received, final->segments_received, &row->segments_received);
	add_final32(&counted->segments_retransmitted, final->segments_retransmitted,
		    &row->segments_retransmitted);
}

#endif
