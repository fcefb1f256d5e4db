/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The connection was opened for this request: see docs/decisions/0003. */
#ifndef WIRESPAN_LIB_HANDSHAKE_H
#define WIRESPAN_LIB_HANDSHAKE_H

/* The thread that connected writes the request, and did not sleep in between. */
static __always_inline bool is_opener(const struct request *request, const struct owner_key *owner,
				      u64 thread, u64 sleeps)
{
	return cfg_emit_handshake && (request->flags & 1) && thread == bpf_get_current_pid_tgid() &&
	       sleeps == bpf_get_current_task_btf()->nvcsw &&
	       owner->start_ns == current_leader()->start_boottime;
}

static __always_inline void set_request(struct trace_context *context,
					const struct request *request, u64 now)
{
	context->start_ns = now;
	context->start_seq = request->start_seq;
	context->flags = request->flags;
	context->found = 1;
	context->pad = 0;
	__builtin_memcpy(context->trace_id, request->trace_id, 16);
	__builtin_memcpy(context->span_id, request->span_id, 8);
}

static __always_inline void emit_handshake(struct sock *sk, struct tcp_sock *tp, struct conn *conn,
					   const struct request *request, u64 now)
{
	struct connection_record *record;

	record = reserve(PROBE_REQUEST, RECORD_CONNECTION, sizeof(*record), now);
	if (!record)
		return;
	fill_connection(record, sk, tp, conn);
	record->what = CONNECTION_HANDSHAKE;
	set_request(&record->context, request, now);
	submit(PROBE_REQUEST, record);
	set_flags(conn, CONN_OPENED_FOR);
}

/* The same, with the figures as of ESTABLISHED. */
static __always_inline void emit_followed_handshake(struct followed *followed,
						    const struct request *request, u64 now)
{
	struct connection_record *record;

	record = reserve(PROBE_REQUEST, RECORD_CONNECTION, sizeof(*record), now);
	if (!record)
		return;
	followed->handshake.header = record->header;
	followed->handshake.context.found = 1;
	*record = followed->handshake;
	set_request(&record->context, request, now);
	submit(PROBE_REQUEST, record);
}

/* A client reached ESTABLISHED: its writes are met by a kprobe. */
static __always_inline void follow(struct sock *sk, struct tcp_sock *tp, struct conn *conn)
{
	struct followed *followed = 0;
	u64 address = (u64)sk;

	if (!bpf_map_update_elem(&follows, &address, &zero_followed, BPF_ANY))
		followed = bpf_map_lookup_elem(&follows, &address);
	if (!followed) {
		count_loss(PROBE_REQUEST, LOST_MAP_FULL);
		return;
	}
	followed->thread = conn->thread;
	followed->sleeps = conn->sleeps;
	if (cfg_emit_handshake) {
		fill_connection(&followed->handshake, sk, tp, conn);
		followed->handshake.what = CONNECTION_HANDSHAKE;
	}
	followed->cookie = cookie_of(sk);
}

/* A handshake record named the request. Asked before follow_no_more(). */
static __always_inline bool was_opened_for_request(struct sock *sk, const struct conn *conn)
{
	struct followed *followed;
	u64 address = (u64)sk;

	if (!cfg_requests_by_address)
		return conn->flags & CONN_OPENED_FOR;
	followed = bpf_map_lookup_elem(&follows, &address);
	return followed && followed->handshake.context.found &&
	       followed->cookie == (u64)sk->__sk_common.skc_cookie.counter;
}

static __always_inline void follow_no_more(struct sock *sk)
{
	u64 address = (u64)sk;

	if (cfg_requests_by_address)
		bpf_map_delete_elem(&follows, &address);
}

#endif
