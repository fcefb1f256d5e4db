/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * An exchange is a request with a sampled context and its response. On a client's connection it goes from
 * the first byte written to the last byte that came before the next request or the end of the connection;
 * a server's is in served_exchange.bpf.h. Its end is told when something happened to it, when it was slow,
 * or always: docs/decisions/0048.
 */
#ifndef WIRESPAN_LIB_EXCHANGE_H
#define WIRESPAN_LIB_EXCHANGE_H

static __always_inline bool is_slow_exchange(const struct served *served, u64 now)
{
	u64 until = served->exchange.first_ns ? served->exchange.first_ns : now;

	return cfg_slow_exchange_ns && !served->exchange.pipelined &&
	       until - served->request.start_ns > cfg_slow_exchange_ns;
}

/* Retransmissions that no program saw are in the socket's own count. */
static __always_inline bool is_eventful(const struct served *served, const struct tcp_sock *tp,
					u64 now)
{
	return served->exchange.lost || tp->total_retrans != served->exchange.retransmits ||
	       is_slow_exchange(served, now);
}

/*
 * Why no response began, by an end of the connection that is not this end's own doing. What the application
 * gets then is not the error of the connection, which may have lost nothing.
 */
static __always_inline u8 failure_of_exchange(const struct served *served, const struct conn *conn,
					      u8 what)
{
	if (what != EXCHANGE_CLOSED || served->exchange.first_ns || served->exchange.pipelined)
		return NO_ERROR;
	if (conn->reason == CLOSE_RESET_RECEIVED)
		return ECONNRESET_NR;
	if (conn->reason == CLOSE_PEER_FIN)
		return ERROR_UNKNOWN;
	return conn->reason == CLOSE_TIMEOUT ? conn->error : NO_ERROR;
}

/* Where the request ends as far as its body was followed, unless others have its slot. */
static __always_inline u64 end_of_request(const struct request_ring *ring,
					  const struct request *request)
{
	u32 i;

	for (i = 0; i < REQUEST_SLOTS; i++)
		if (ring->slots[i].start == request->start &&
		    ring->slots[i].method == request->method)
			return ring->slots[i].end;
	return request->end;
}

/* The sequence number after what was written: a FIN may follow it. */
static __always_inline u32 written_to(const struct tcp_sock *tp, const struct conn *conn)
{
	return tp->write_seq - !!conn->has_due;
}

/* What was written so far of a client's request, or of the answer to it. */
static __always_inline u64 sent_of(struct tcp_sock *tp, const struct conn *conn,
				   const struct request *request)
{
	struct request_ring *ring = bpf_sk_storage_get(&requests, tp, 0, 0);
	u64 until, end;

	if (!ring)
		return 0;
	until = position_of(ring, tp->bytes_acked, written_to(tp, conn));
	end = end_of_request(ring, request);
	if (until > end)
		until = end;
	return until > request->start ? until - request->start : 0;
}

/* What came of a server's request: all of it before the next one, else maybe a part. */
static __always_inline u32 received_of(struct tcp_sock *tp, const struct served *served, u8 what)
{
	u32 end = served->boundary, came = tp->rcv_nxt;

	if (((struct sock *)tp)->__sk_common.skc_flags & (1 << 1))
		came -= 1; /* a FIN: payload_received() */
	if (what != EXCHANGE_ENDED && (s32)(came - end) < 0)
		end = came;
	return end - served->exchange.begins;
}

/* The figures of a server's: of the answer, as far as it is known which bytes it has. */
static __always_inline void fill_served(struct exchange_record *record, struct tcp_sock *tp,
					const struct conn *conn, const struct served *served,
					u8 what)
{
	const struct exchange *exchange = &served->exchange;

	record->bytes_received = received_of(tp, served, what);
	if (!exchange->first_ns || exchange->pipelined)
		record->bytes_sent = 0;
	if (exchange->acked_to != written_to(tp, conn))
		record->last_ns = 0; /* the last byte is not acknowledged */
}

/* It is not inlined: some of its callers have no stack left for it. */
static __noinline int emit_exchange(struct tcp_sock *tp, const struct conn *conn,
				    const struct served *served, u8 what, u64 now)
{
	const struct exchange *exchange = &served->exchange;
	struct exchange_record *record;
	struct sock *sk = (struct sock *)tp;

	record = reserve(PROBE_EXCHANGE, RECORD_EXCHANGE,
			 cfg_phases ? sizeof(struct divided_exchange_record) : sizeof(*record),
			 now);
	if (!record)
		return 0;
	record->cookie = cookie_of(sk);
	record->owner = conn->owner;
	fill_endpoints(&record->endpoints, sk, tp, conn, sk->__sk_common.skc_state);
	record->first_ns = exchange->pipelined ? 0 : exchange->first_ns;
	record->last_ns = exchange->pipelined ? 0 : exchange->last_ns;
	record->bytes_sent = sent_of(tp, conn, &served->request);
	record->bytes_received = exchange->pipelined ? 0 : exchange->received;
	if (!served->client)
		fill_served(record, tp, conn, served, what);
	record->segments_retransmitted = tp->total_retrans - exchange->retransmits;
	record->rtt_smoothed_us = tp->srtt_us >> 3;
	record->what = what;
	record->error = failure_of_exchange(served, conn, what);
	record->eventful = is_eventful(served, tp, now) || record->error != NO_ERROR;
	record->reason = what == EXCHANGE_CLOSED ? conn->reason : CLOSE_NONE;
	__builtin_memset(record->pad, 0, sizeof(record->pad));
	tell_request(&served->request, &record->context);
	if (cfg_phases)
		tell_phases(tp, conn, &((struct divided_exchange_record *)record)->phases);
	submit(PROBE_EXCHANGE, record);
	return 0;
}

/* With the state of the connection to itself. */
static __always_inline void end_exchange(struct tcp_sock *tp, const struct conn *conn,
					 struct served *served, u8 what, u64 now)
{
	if (!served->exchange.open)
		return;
	served->exchange.open = 0;
	if (conn->flags & CONN_IGNORED)
		return;
	if (cfg_emit_exchange == EMIT_ALL || is_eventful(served, tp, now) ||
	    failure_of_exchange(served, conn, what) != NO_ERROR)
		emit_exchange(tp, conn, served, what, now);
}

/* The sampled request is written now. */
static __always_inline void begin_exchange(struct tcp_sock *tp, struct served *served,
					   const struct request *request)
{
	struct exchange *exchange = &served->exchange;

	served->client = 1;
	served->opaque = 1; /* for what follows a server's */
	served->request = *request;
	exchange->first_ns = 0;
	exchange->last_ns = 0;
	exchange->received = 0;
	exchange->received_to = tp->rcv_nxt;
	exchange->retransmits = tp->total_retrans;
	exchange->lost = 0;
	if (begin_phases(tp, true, request->start_ns))
		await_acknowledgement((struct sock *)tp, exchange);
	exchange->open = 1;
}

/*
 * A write of a client held requests, the last of which is `request` if it has a sampled context, else
 * NULL. `is_alone`: all before it were answered, and no other is in the write.
 */
static __noinline int turn_exchange(struct tcp_sock *tp, struct conn *conn,
				    const struct request *request, bool is_alone, u64 now)
{
	struct served *served;

	served = bpf_sk_storage_get(&serves, tp, 0, request ? BPF_SK_STORAGE_GET_F_CREATE : 0);
	if (!served) {
		if (request)
			count_loss(PROBE_EXCHANGE, LOST_STORAGE);
		return 0;
	}
	/* A segment that comes at this moment on another CPU is of the response to neither. */
	if (__sync_lock_test_and_set(&served->busy, 1)) {
		served->exchange.pipelined = 1;
		count_loss(PROBE_EXCHANGE, MISS_BUSY);
		return 0;
	}
	end_exchange(tp, conn, served, EXCHANGE_ENDED, now);
	if (!is_alone)
		served->exchange.pipelined = 1;
	if (request) {
		begin_exchange(tp, served, request);
		if (!(conn->flags & CONN_EXCHANGES))
			set_flags(conn, CONN_EXCHANGES);
	}
	__sync_lock_test_and_set(&served->busy, 0);
	return 0;
}

/*
 * Was all before the message answered that a write begins with? With nothing sent before it there is nothing to be
 * answered. A head that goes on was asked at its beginning.
 */
static __always_inline bool begins_alone(struct tcp_sock *tp, struct request_ring *ring)
{
	u32 received = tp->bytes_received;
	bool is_alone = ring->alone;

	if (!ring->before.held || ring->opaque) {
		is_alone = (!tp->bytes_sent && tp->write_seq == tp->snd_una) ||
			   received != ring->received;
		ring->received = received;
	}
	/* One that begins behind others in this write has these before it. */
	ring->alone = is_alone && ring->now.boundary == ring->before.boundary;
	return is_alone;
}

/*
 * What a write means for the exchange before it and that of its own request. One whose end is not followed has
 * none, since what comes after it can't be told from it. The next bytes of a chunked body change nothing.
 */
static __always_inline void follow_exchange(struct tcp_sock *tp, struct conn *conn,
					    struct request_ring *ring, u32 before, u64 now)
{
	struct request *request = ring->count == before ? 0 : slot_at(ring, ring->count);
	u64 position = position_of(ring, tp->bytes_acked, tp->write_seq);
	bool is_alone;

	if (!ring->opaque &&
	    (!ring->written || ring->last != position || ring->before.chunks.state))
		return; /* no request was looked for in it */
	if (request && (!request->found || !(request->flags & 1) || ring->opaque))
		request = 0;
	is_alone = begins_alone(tp, ring);
	if (request &&
	    (request->start != ring->before.boundary || request->end != ring->now.boundary))
		is_alone = false;
	if (!request && !ring->in_exchange)
		return;
	ring->in_exchange = !!request;
	turn_exchange(tp, conn, request, is_alone, now);
}

/* A segment of this context is sent again. Tells whether its exchange goes on; its end is then told. */
static __always_inline bool note_loss(struct sock *sk, const struct conn *conn,
				      const struct trace_context *context)
{
	struct served *served;

	if (!cfg_emit_exchange || !(conn->flags & CONN_EXCHANGES) || !context->found)
		return false;
	served = bpf_sk_storage_get(&serves, sk, 0, 0);
	if (!served || !served->exchange.open || served->request.start_seq != context->start_seq ||
	    served->request.start_ns != context->start_ns)
		return false;
	served->exchange.lost = 1;
	return true;
}

/* The connection is over; why, is known. */
static __noinline int close_exchange(struct sock *sk, struct tcp_sock *tp, struct conn *conn,
				     u64 now)
{
	struct served *served = bpf_sk_storage_get(&serves, sk, 0, 0);

	if (!served)
		return 0;
	end_exchange(tp, conn, served, EXCHANGE_CLOSED, now);
	await_no_more(&served->exchange);
	return 0;
}

#endif
