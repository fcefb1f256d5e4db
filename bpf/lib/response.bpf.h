/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The response to a client's request, as it comes. */
#ifndef WIRESPAN_LIB_RESPONSE_H
#define WIRESPAN_LIB_RESPONSE_H

/* Payload comes to a client. What was there before says nothing new, nor does what is out of order. */
static __noinline int see_response(struct tcp_sock *tp, struct served *served, u32 seq, u32 end)
{
	struct exchange *exchange = &served->exchange;
	struct conn *conn;
	u64 now;

	if (!exchange->open || exchange->pipelined || (s32)(end - exchange->received_to) <= 0)
		return 0;
	if (__sync_lock_test_and_set(&served->busy, 1))
		return 0; /* the next one brings its bytes with it */
	now = bpf_ktime_get_ns();
	exchange->received += end - exchange->received_to;
	exchange->received_to = end;
	exchange->last_ns = now;
	note_response(tp, seq, end, now);
	if (!exchange->first_ns) {
		exchange->first_ns = now;
		await_no_more(exchange);
		conn = is_eventful(served, tp, now) ? conn_of_readable((struct sock *)tp) : 0;
		if (conn && !(conn->flags & CONN_IGNORED))
			emit_exchange(tp, conn, served, EXCHANGE_ANSWERED, now);
	}
	__sync_lock_test_and_set(&served->busy, 0);
	return 0;
}

#endif
