/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* This makes the record of a connection. */
#ifndef WIRESPAN_LIB_RECORD_H
#define WIRESPAN_LIB_RECORD_H

static __always_inline u64 ticks_to_us(u32 ticks)
{
	return (u64)ticks * cfg_tick_ns / 1000;
}

/* These are what getsockopt(TCP_INFO) calls tcpi_rto, tcpi_rwnd_limited and tcpi_rcv_ooopack. */
static __always_inline void fill_flow(struct connection_record *record, struct tcp_sock *tp)
{
	u32 limited = tp->chrono_stat[TCP_CHRONO_RWND_LIMITED - 1];

	if (BPF_CORE_READ_BITFIELD(tp, chrono_type) == TCP_CHRONO_RWND_LIMITED)
		limited += (u32)bpf_jiffies64() - tp->chrono_start;
	record->receive_window_limited_us = ticks_to_us(limited);
	record->rto_us = ticks_to_us(tp->inet_conn.icsk_rto);
	record->segments_out_of_order = NO_STAT;
	if (bpf_core_field_exists(tp->rcv_ooopack))
		record->segments_out_of_order = tp->rcv_ooopack;
}

/* Fills everything but the header, what happened, and the request. */
static __always_inline void fill_connection(struct connection_record *record, struct sock *sk,
					    struct tcp_sock *tp, const struct conn *conn)
{
	record->cookie = cookie_of(sk);
	record->owner = conn->owner;
	fill_endpoints(&record->endpoints, sk, tp, conn, conn->state);
	record->handshake_start_ns = conn->start_ns;
	record->established_ns = conn->established_ns;
	record->accepted_ns = conn->accepted_ns;
	record->bytes_sent = conn->counted.bytes_sent;
	record->bytes_received = conn->counted.bytes_received;
	record->segments_sent = widened(conn->counted.segments_sent, tp->segs_out);
	record->segments_received = widened(conn->counted.segments_received, tp->segs_in);
	record->segments_retransmitted = widened(conn->counted.segments_retransmitted,
						 tp->total_retrans);
	record->rtt_smoothed_us = has_rtt(tp, conn) ? tp->srtt_us >> 3 : 0;
	record->rtt_min_us = has_rtt_min(tp, conn) ? tp->rtt_min.s[0].v : 0;
	record->syn_retransmits = conn->syn_retransmits;
	record->error = conn->error;
	record->reason = conn->reason;
	record->preexisting = !!(conn->flags & CONN_PREEXISTING);
	fill_flow(record, tp);
}

static __always_inline void emit_connection(struct sock *sk, struct tcp_sock *tp, struct conn *conn,
					    u8 what, u64 ts, u32 reader)
{
	u32 probe = what == CONNECTION_ACCEPT ? PROBE_ACCEPT : PROBE_STATE;
	struct connection_record *record;

	record = reserve(probe, RECORD_CONNECTION | (reader & FOR_VIEWS), sizeof(*record), ts);
	if (!record)
		return;
	fill_connection(record, sk, tp, conn);
	record->what = what;
	__builtin_memset(&record->context, 0, sizeof(record->context));
	submit(probe, record);
}

#endif
