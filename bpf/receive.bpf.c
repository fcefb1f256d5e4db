// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * This measures how long data waits to be read. Both programs run for each segment, so they are
 * loaded only when somebody asks. Both tracepoints are under the socket's lock: they are in
 * tcp_rcv_established(), and in tcp_recvmsg_locked() after each piece that it copied.
 */
#include "wirespan.bpf.h"

const volatile u64 cfg_slow_receive_ns = 0; /* above this a record is made; 0: never */
const volatile u8 cfg_receive_duration = 0; /* the wait is summed in `receives` */

/* Begins to follow a connection that is observed. */
static __always_inline struct arrivals *new_arrivals(struct sock *sk)
{
	struct conn *conn = conn_of(sk);
	struct arrivals *waiting;

	if (!conn || ((conn->flags & CONN_IGNORED) && !may_be_wanted(conn)))
		return 0;
	waiting = bpf_sk_storage_get(&arrivals, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!waiting)
		count_loss(PROBE_RECEIVE, LOST_STORAGE);
	return waiting;
}

/*
 * Returns the payload of a segment whose data begins at its TCP header, as the tracepoint itself
 * counts it.
 */
static __always_inline u32 payload_of(struct sk_buff *skb)
{
	unsigned char *header = BPF_CORE_READ(skb, data);
	u32 length = BPF_CORE_READ(skb, len), offset;
	u8 words = 0;

	if (bpf_probe_read_kernel(&words, sizeof(words), header + 12))
		return 0;
	offset = (words >> 4) * 4;
	return length > offset ? length - offset : 0;
}

/*
 * What was read by ways that are not seen stays here for as long as it takes, so sequence numbers
 * would come again. rcv_nxt moves with bytes_received, and all that is here or expected is near it.
 */
static __always_inline u64 received_at(struct tcp_sock *tp, u32 seq)
{
	return tp->bytes_received + (s32)(seq - tp->rcv_nxt);
}

SEC("tp_btf/tcp_probe")
int BPF_PROG(ws_data_arrived, struct sock *sk, struct sk_buff *skb)
{
	u32 payload = payload_of(skb), slot;
	struct arrivals *waiting;
	struct tcp_sock *tp;
	u64 end;

	if (!payload)
		return 0;
	waiting = bpf_sk_storage_get(&arrivals, sk, 0, 0);
	if (!waiting)
		waiting = new_arrivals(sk);
	tp = bpf_skc_to_tcp_sock(sk);
	if (!waiting || !tp)
		return 0;
	end = received_at(tp, BPF_CORE_READ((struct tcp_skb_cb *)&skb->cb[0], seq) + payload);
	if (end <= tp->bytes_received)
		return 0; /* it was here before */
	if (waiting->count >= ARRIVALS) {
		slot = (waiting->first + ARRIVALS - 1) & (ARRIVALS - 1);
		if (end > waiting->end[slot])
			waiting->end[slot] = end;
		count_loss(PROBE_RECEIVE, JOINED);
		return 0;
	}
	slot = (waiting->first + waiting->count) & (ARRIVALS - 1);
	waiting->end[slot] = end;
	waiting->ns[slot] = bpf_ktime_get_ns();
	waiting->count += 1;
	return 0;
}

static __always_inline struct receive_sums *receive_sums_for(struct sock *sk, struct tcp_sock *tp,
							     struct conn *conn)
{
	struct series_key key;

	fill_series_key(&key, sk, conn, NO_ERROR);
	return receive_row(&key, PROBE_RECEIVE);
}

/*
 * This is a function of its own that the verifier checks apart from its callers, since it is not
 * static. In the loop below each of its ways out would be followed anew for each turn.
 */
__noinline u32 receive_bucket(u64 waited)
{
	return bucket_of(bounds_tcp_receive_queue_duration, BOUNDS_TCP_RECEIVE_QUEUE_DURATION_LEN,
			 waited);
}

/* Takes out what was read up to `copied`. */
static __always_inline void take_read(struct arrivals *waiting, struct receive_sums *row,
				      u64 copied, u64 now)
{
	const u32 cells = HISTOGRAM_CELLS(TCP_RECEIVE_QUEUE_DURATION);
	u32 i, slot, bucket;
	u64 waited;

	for (i = 0; i < ARRIVALS; i++) {
		slot = waiting->first & (ARRIVALS - 1);
		if (!waiting->count || copied < waiting->end[slot])
			break;
		if (row) {
			waited = now - waiting->ns[slot];
			bucket = receive_bucket(waited);
			if (bucket < cells - 1)
				__sync_fetch_and_add(&row->wait[bucket], 1);
			__sync_fetch_and_add(&row->wait[cells - 1], waited);
		}
		waiting->first += 1;
		waiting->count -= 1;
	}
}

SEC("tp_btf/tcp_rcv_space_adjust")
int BPF_PROG(ws_data_read, struct sock *sk)
{
	struct arrivals *waiting = bpf_sk_storage_get(&arrivals, sk, 0, 0);
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct latency longest = {.probe = PROBE_RECEIVE, .kind = LATENCY_RECEIVE_QUEUE};
	struct receive_sums *row = 0;
	struct conn *conn;
	u64 now, copied;

	if (!waiting || !waiting->count || !tp)
		return 0;
	copied = received_at(tp, tp->copied_seq);
	/* A part of a segment was read, or MSG_PEEK was set. */
	if (copied < waiting->end[waiting->first & (ARRIVALS - 1)])
		return 0;
	conn = conn_of(sk);
	if (!conn)
		return 0;
	now = bpf_ktime_get_ns();
	if (conn->flags & CONN_IGNORED) {
		take_read(waiting, 0, copied, now);
		return 0;
	}
	if (cfg_receive_duration)
		row = receive_sums_for(sk, tp, conn);
	/* They came in this order: the first has waited longest. */
	longest.ns = now - waiting->ns[waiting->first & (ARRIVALS - 1)];
	longest.at = now;
	take_read(waiting, row, copied, now);
	if (cfg_slow_receive_ns && longest.ns > cfg_slow_receive_ns)
		emit_latency(sk, tp, conn, &longest);
	return 0;
}
