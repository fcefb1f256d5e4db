// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * This reads the traceparent of plaintext HTTP/1.x requests where they arrive, so that what a server's
 * answer loses is on the trace of the request. Segments are told by sequence number, never by their
 * order: a request that was read stays read when its segment comes again. See docs/decisions/0037.
 */
#include "wirespan.bpf.h"
#include "http1_arrive.bpf.h"

/*
 * The first data of a connection: it is followed when a request may begin there. When something
 * overtook its first bytes, these will tell.
 */
static __noinline struct served *begin_served(struct __sk_buff *skb, struct tcp_sock *tp,
					      const struct arrival *arrival)
{
	struct served *served;
	u32 start;

	if (!find_start(tp, &start) || (s32)(arrival->seq - start) < 0)
		return 0;
	if (arrival->seq == start && !may_be_request(skb, arrival))
		return 0;
	if (!wanted_server(tp))
		return 0;
	served = bpf_sk_storage_get(&serves, tp, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!served) {
		count_loss(PROBE_ARRIVE, LOST_STORAGE);
		return 0;
	}
	served->boundary = start;
	served->state = ANSWER_BEGUN;
	return served;
}

/* Whoever has said that it writes no more still gets its response, or has it acknowledged. */
static __always_inline bool may_carry(u32 state)
{
	u32 states = 1 << TCP_ESTABLISHED;

	if (cfg_emit_exchange)
		states |= 1 << TCP_FIN_WAIT1 | 1 << TCP_FIN_WAIT2 | 1 << TCP_CLOSE_WAIT |
			  1 << TCP_LAST_ACK | 1 << TCP_CLOSING;
	return states >> (state & 31) & 1;
}

/* An exchange goes on: what does this segment say of its response? */
static __always_inline void see_exchange(struct tcp_sock *tp, struct served *served,
					 const struct arrival *arrival)
{
	u32 end = arrival->seq + arrival->payload;

	if (cfg_phases) {
		note_progress(tp, arrival->ack);
		if (!served->client && arrival->payload)
			note_body(tp, arrival->seq, end);
	}
	if (!served->client)
		see_acknowledgement(tp, served, arrival->ack);
	else if (arrival->payload)
		see_response(tp, served, arrival->seq, end);
}

/*
 * Leaves at once unless a request may begin in this segment, a response is waited for, or the
 * acknowledgement of one.
 */
static __always_inline void handle_arrival(struct __sk_buff *skb)
{
	struct bpf_sock *socket = skb->sk;
	struct arrival arrival = {};
	struct served *served;
	struct tcp_sock *tp;
	bool is_read;

	if (!socket || !may_carry(socket->state))
		return;
	is_read = read_arrival(skb, &arrival);
	if (is_read && !arrival.payload && !may_be_awaited(socket))
		return;
	tp = bpf_skc_to_tcp_sock(socket);
	if (!tp)
		return;
	served = bpf_sk_storage_get(&serves, tp, 0, 0);
	if (!served && arrival.payload && !tp->bytes_received && socket->state == TCP_ESTABLISHED)
		served = begin_served(skb, tp, &arrival);
	if (served && served->exchange.open && is_read)
		see_exchange(tp, served, &arrival);
	if (!served || served->opaque || socket->state != TCP_ESTABLISHED)
		return;
	if (!is_read)
		give_up((struct sock *)tp, tp, served, MISS_UNREADABLE);
	else if (arrival.payload && (s32)(arrival.seq + arrival.payload - served->boundary) > 0)
		take_arrival(skb, tp, served, &arrival);
}

/* At the root of cgroup v2, so at every segment that comes to a socket of the machine. */
SEC("cgroup_skb/ingress")
int ws_arrive(struct __sk_buff *skb)
{
	handle_arrival(skb);
	return 1;
}
