/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The connection was opened for this request: see docs/decisions/0003. */
#ifndef WIRESPAN_LIB_HANDSHAKE_H
#define WIRESPAN_LIB_HANDSHAKE_H

/*
 * So long at most a thread that opened a connection for a request takes from ESTABLISHED to its
 * write: 7 ms were seen, busy machines and bursts of 50 requests included. Time in which others
 * had its CPU does not count.
 */
#define OPENER_BUSY_NS 20000000ULL

/* How long a thread waited for a CPU in all. None where the kernel keeps no such figure. */
static __always_inline u64 queued_ns_of(struct task_struct *thread)
{
	if (!bpf_core_field_exists(thread->sched_info.run_delay))
		return 0;
	return BPF_CORE_READ(thread, sched_info.run_delay);
}

/* At ESTABLISHED, maybe on another CPU than its own. */
static __always_inline void note_opener(struct conn *conn)
{
	struct task_struct *thread = (struct task_struct *)conn->opener_task;

	conn->opener.sleeps = BPF_CORE_READ(thread, nvcsw);
	conn->opener.queued_ns = queued_ns_of(thread);
}

/*
 * The thread that connected writes the request, did not sleep in between, and has not been at
 * something else for long: one that spins until somebody brings a request never sleeps. Those of
 * io_uring work for all who use the ring.
 */
static __always_inline bool is_opener(const struct opener *opener, const struct owner_key *owner,
				      u64 established_ns, u64 now)
{
	struct task_struct *thread = bpf_get_current_task_btf();
	u64 queued_ns = queued_ns_of(thread) - opener->queued_ns;

	return opener->thread == bpf_get_current_pid_tgid() && opener->sleeps == thread->nvcsw &&
	       is_same_process(owner, current_leader(), bpf_get_current_pid_tgid() >> 32) &&
	       !(thread->flags & PF_IO_WORKER) &&
	       now - established_ns <= OPENER_BUSY_NS + queued_ns;
}

/* A handshake record with this request is asked for. */
static __always_inline bool is_wanted(const struct request *request)
{
	return cfg_emit_handshake && (request->flags & 1);
}

/* It is not inlined: its callers have no stack left for it. */
static __noinline int emit_handshake(struct sock *sk, struct tcp_sock *tp, struct conn *conn,
				     const struct request *request, u64 now)
{
	struct connection_record *record;

	record = reserve(PROBE_REQUEST, RECORD_CONNECTION, sizeof(*record), now);
	if (!record)
		return 0;
	fill_connection(record, sk, tp, conn);
	record->what = CONNECTION_HANDSHAKE;
	tell_request(request, &record->context);
	submit(PROBE_REQUEST, record);
	set_flags(conn, CONN_OPENED_FOR);
	return 0;
}

/* Does the same, with the counters as they were at ESTABLISHED. */
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
	tell_request(request, &record->context);
	submit(PROBE_REQUEST, record);
}

/* A client was announced to connect for a request, or its thread says for which, or its SYN has one. */
static __always_inline bool may_be_early(const struct conn *conn)
{
	return cfg_hook || cfg_thread_context || (conn->flags & CONN_SYN_REQUEST);
}

/*
 * What is announced comes first, as where the first bytes are written later: it is not known yet what they are
 * of. What the thread that connects published comes last.
 */
static __always_inline struct request *opening_of(struct request_ring *ring)
{
	struct request *found = cfg_hook ? open_announcement(ring) : 0;

	if (!found)
		found = slot_at(ring, ring->opening);
	if (!found && cfg_thread_context)
		found = open_interval(ring, METHOD_THREAD_CTX);
	return found;
}

/* Returns the request that a client connects for, if that is known before ESTABLISHED, or NULL. */
static __always_inline struct request *early_request(struct sock *sk, const struct conn *conn)
{
	struct request_ring *ring;

	if (!may_be_early(conn))
		return 0;
	ring = bpf_sk_storage_get(&requests, sk, 0, 0);
	return ring && ring->early ? opening_of(ring) : 0;
}

/*
 * The SYN had the request, or its write still waits in connect(): no more evidence is needed that the
 * connection was opened for it. A write that came back with nothing sent may not come again.
 */
static __always_inline bool is_still_meant(struct tcp_sock *tp, const struct request *request)
{
	return request->method != METHOD_HTTP1_HEADER || BPF_CORE_READ(tp, fastopen_req) ||
	       BPF_CORE_READ_BITFIELD(tp, syn_data);
}

/* A client reached ESTABLISHED. */
static __noinline int meet_early(struct sock *sk, struct tcp_sock *tp, struct conn *conn, u64 now)
{
	struct request_ring *ring = bpf_sk_storage_get(&requests, sk, 0, 0);
	struct request *request;

	if (!ring || !ring->early)
		return 0;
	place_stream(ring, (u32)tp->bytes_acked - tp->snd_una);
	request = opening_of(ring);
	if (request && is_wanted(request) && is_still_meant(tp, request))
		emit_handshake(sk, tp, conn, request, now);
	return 0;
}

/* A client reached ESTABLISHED, and a kprobe meets its writes. */
static __always_inline void follow(struct sock *sk, struct tcp_sock *tp, struct conn *conn)
{
	struct followed *followed = 0;
	struct request_ring *early;
	u64 address = (u64)sk;

	if (!bpf_map_update_elem(&follows, &address, &zero_followed, BPF_ANY))
		followed = bpf_map_lookup_elem(&follows, &address);
	if (!followed) {
		count_loss(PROBE_REQUEST, LOST_MAP_FULL);
		return;
	}
	early = cfg_thread_context ? bpf_sk_storage_get(&requests, sk, 0, 0) : 0;
	if (early)
		followed->ring.node = early->node;
	followed->opener = conn->opener;
	if (cfg_emit_handshake) {
		fill_connection(&followed->handshake, sk, tp, conn);
		followed->handshake.what = CONNECTION_HANDSHAKE;
	}
	followed->cookie = cookie_of(sk);
}

/* Tells whether a handshake record named the request. It is asked before follow_no_more(). */
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

	if (!cfg_requests_by_address)
		return;
	drop_unfinished(sk);
	bpf_map_delete_elem(&follows, &address);
}

#endif
