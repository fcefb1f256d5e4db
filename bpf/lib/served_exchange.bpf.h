/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The exchange of a server: from the first byte of the request that came to the last byte of the answer that
 * was acknowledged, before the next request or the end of the connection. See docs/decisions/0052.
 */
#ifndef WIRESPAN_LIB_SERVED_EXCHANGE_H
#define WIRESPAN_LIB_SERVED_EXCHANGE_H

/* A sampled request came, and is the only one that is not answered. The answer begins at `write_seq`. */
static __noinline int begin_served_exchange(struct tcp_sock *tp, struct served *served,
					    u32 write_seq)
{
	struct conn *conn = conn_of_readable((struct sock *)tp);
	struct exchange *exchange = &served->exchange;

	if (!conn)
		return 0;
	if (!(conn->flags & CONN_EXCHANGES))
		set_flags(conn, CONN_EXCHANGES);
	served->request.start_seq = write_seq;
	served->request.method = METHOD_HTTP1_WINDOW;
	served->request.end = ANSWER_OPEN;
	exchange->first_ns = 0;
	exchange->last_ns = 0;
	exchange->begins = served->boundary;
	exchange->acked_to = write_seq;
	exchange->retransmits = tp->total_retrans;
	exchange->lost = 0;
	exchange->told = 0;
	begin_phases(tp, false, served->head_ns);
	exchange->open = 1;
	return 0;
}

/* The first bytes of the answer are written now. */
static __always_inline void begin_answer(struct sock *sk, struct exchange *exchange)
{
	exchange->first_ns = bpf_ktime_get_ns();
	note_answer(sk, exchange->first_ns);
	await_acknowledgement(sk, exchange);
}

/*
 * A segment acknowledges all up to `ack`. When that is all that was written, the answer may be over: the first time
 * it is told of one to which something happened, since nobody knows when the next request comes. The lock is
 * taken for that alone: a request that finds it taken is given up.
 */
static __noinline int see_acknowledgement(struct tcp_sock *tp, struct served *served, u32 ack)
{
	u32 end = tp->write_seq - fin_was_sent(((struct sock *)tp)->__sk_common.skc_state);
	struct exchange *exchange = &served->exchange;
	struct conn *conn;
	u64 now;

	if (!exchange->first_ns || exchange->pipelined || exchange->acked_to == end ||
	    (s32)(ack - end) < 0)
		return 0;
	now = bpf_ktime_get_ns();
	exchange->last_ns = now;
	exchange->acked_to = end;
	if (exchange->told || !is_eventful(served, tp, now) ||
	    __sync_lock_test_and_set(&served->busy, 1))
		return 0;
	exchange->told = 1;
	conn = conn_of_readable((struct sock *)tp);
	if (conn && !(conn->flags & CONN_IGNORED))
		emit_exchange(tp, conn, served, EXCHANGE_ANSWERED, now);
	__sync_lock_test_and_set(&served->busy, 0);
	return 0;
}

/* The next request came, and its sender has the whole answer to this one. */
static __noinline int end_served_exchange(struct tcp_sock *tp, struct served *served)
{
	struct conn *conn = conn_of_readable((struct sock *)tp);

	if (conn)
		end_exchange(tp, conn, served, EXCHANGE_ENDED, bpf_ktime_get_ns());
	served->exchange.open = 0;
	await_no_more(&served->exchange);
	return 0;
}

#endif
