// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * This tells how long a peer had its receive window closed while data waited for it. It runs for
 * each segment of an established connection, so it is loaded only when somebody asks.
 */
#include "wirespan.bpf.h"

const volatile u64 cfg_slow_zero_window_ns = 0; /* above this a record is made */
const volatile u8 cfg_emit_zero_window = 0;	/* enum emit_mode */

/* A connection whose peer has closed its window. It is written under the socket's lock. */
struct zero_window {
	u64 since_ns; /* 0: it is open */
	u32 told;
	u32 pad;
};
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct zero_window);
} zero_windows SEC(".maps");

/*
 * Whether TCP takes the window from it: not from one that was overtaken (tcp_may_update_window(),
 * net/ipv4/tcp_input.c).
 */
static __always_inline bool counts(const struct tcp_sock *tp, const struct tcp_start *segment)
{
	s32 acked = bpf_ntohl(segment->ack) - tp->snd_una;
	s32 later = bpf_ntohl(segment->seq) - tp->snd_wl1;

	return acked > 0 || (!acked && later >= 0);
}

static __always_inline void emit_zero_window(struct sock *sk, struct tcp_sock *tp,
					     const struct conn *conn,
					     const struct zero_window *closed, u64 now, u8 end)
{
	struct trace_context context = {};
	u32 seq = tp->snd_nxt, end_seq = tp->write_seq, stream = 0;
	struct zero_window_record *record;

	if (cfg_requests)
		find_context(sk, seq, end_seq, &context);
	if (cfg_http2)
		stream = find_stream(sk, seq, end_seq);
	if (cfg_emit_zero_window == EMIT_TRACED && !context.found && !stream)
		return;
	record = reserve(PROBE_ZERO_WINDOW, RECORD_ZERO_WINDOW, sizeof(*record), now);
	if (!record)
		return;
	record->cookie = cookie_of(sk);
	record->owner = conn->owner;
	fill_endpoints(&record->endpoints, sk, tp, conn, sk->__sk_common.skc_state);
	record->start_ns = closed->since_ns;
	record->seq = seq;
	record->waiting = end_seq - seq;
	record->told = closed->told;
	record->stream = stream;
	record->end = end;
	__builtin_memset(record->pad, 0, sizeof(record->pad));
	record->context = context;
	submit(PROBE_ZERO_WINDOW, record);
}

/* The peer closes its window. */
static __always_inline void begin_zero_window(struct sock *sk)
{
	struct conn *conn = conn_of(sk);
	struct zero_window *closed;

	if (!conn || ((conn->flags & CONN_IGNORED) && !may_be_wanted(conn)))
		return;
	closed = bpf_sk_storage_get(&zero_windows, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!closed) {
		count_loss(PROBE_ZERO_WINDOW, LOST_STORAGE);
		return;
	}
	closed->since_ns = bpf_ktime_get_ns();
	closed->told = 1;
}

/* It opens it again, or resets the connection. What nothing waited for delayed nobody. */
static __always_inline void end_zero_window(struct sock *sk, struct tcp_sock *tp,
					    struct zero_window *closed, u8 end)
{
	struct conn *conn = conn_of(sk);
	u64 now = bpf_ktime_get_ns();

	if (conn && !(conn->flags & CONN_IGNORED) && tp->write_seq != tp->snd_nxt &&
	    now - closed->since_ns > cfg_slow_zero_window_ns)
		emit_zero_window(sk, tp, conn, closed, now, end);
	closed->since_ns = 0;
}

/* At the beginning of tcp_rcv_established(): `snd_wnd` is what the segments before said. */
SEC("tp_btf/tcp_probe")
int BPF_PROG(ws_zero_window, struct sock *sk, struct sk_buff *skb)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct zero_window *closed;
	struct tcp_start segment;
	bool is_reset;

	/* The data of the buffer begins at its TCP header. */
	if (!tp || bpf_probe_read_kernel(&segment, sizeof(segment), BPF_CORE_READ(skb, data)))
		return 0;
	is_reset = segment.flags & TCPHDR_RST;
	if (tp->snd_wnd) {
		if (!segment.window && !is_reset && counts(tp, &segment))
			begin_zero_window(sk);
		return 0;
	}
	closed = bpf_sk_storage_get(&zero_windows, sk, 0, 0);
	if (!closed || !closed->since_ns)
		return 0;
	if (is_reset)
		end_zero_window(sk, tp, closed, ZERO_WINDOW_RESET);
	else if (!segment.window)
		closed->told += 1;
	else if (counts(tp, &segment))
		end_zero_window(sk, tp, closed, ZERO_WINDOW_OPENED);
	return 0;
}
