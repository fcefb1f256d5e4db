// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * This is the client's end: connect(), its handshake, and its failure. The socket's state changes
 * call it.
 */
#include "wirespan.bpf.h"

/* What the socket was before is over, unless it was announced for whom it connects now. */
static __always_inline void forget_requests(struct sock *sk)
{
	struct request_ring *ring = bpf_sk_storage_get(&requests, sk, 0, 0);

	if (ring && !ring->early)
		bpf_sk_storage_delete(&requests, sk);
}

/* A process calls connect(). This is in its context, before the first SYN. */
static __always_inline void handle_connect(struct sock *sk, u64 now)
{
	bool again = cookie_of(sk); /* it closed, and connects once more */
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct conn *conn = tp ? track(sk, PROBE_STATE) : 0;
	struct known_owner owner = {};

	if (!conn)
		return;
	if (again && cfg_requests)
		forget_requests(sk);
	if (again && cfg_receive)
		bpf_sk_storage_delete(&arrivals, sk);
	current_owner(&owner);
	own_subflow(sk, tp, &owner);
	conn->owner = owner.key;
	conn->owner_rules = owner.rules;
	conn->role = ROLE_CLIENT;
	conn->reason = CLOSE_NONE;
	conn->start_ns = now;
	conn->netns = netns_of(sk);
	conn->cidr = subnet_of(sk);
	conn->listen_port = bpf_ntohs(sk->__sk_common.skc_dport);
	conn->opener.thread = bpf_get_current_pid_tgid();
	conn->opener_task = (u64)bpf_get_current_task_btf();
	conn->state = TCP_SYN_SENT;
	conn->state_ns = now;
	if (owner.key.pid == agent_pid)
		conn->flags = CONN_IGNORED;
	else
		apply_filter(sk, tp, conn);
	begin_passes(conn);
	announce(&owner, conn, PROBE_STATE);
	take_next_connect(sk);
	if (cfg_thread_context && !(conn->flags & CONN_IGNORED))
		bind_connect(sk, again);
	if (cfg_syn_at_connect && !(conn->flags & CONN_IGNORED))
		follow_syn(sk, tp, conn, now);
}

/* Its connect() was not seen, so it is not known who it was, until a process shows itself. */
static __always_inline struct conn *adopt_client(struct sock *sk, struct tcp_sock *tp, u64 now)
{
	struct conn *conn = track(sk, PROBE_STATE);

	if (!conn)
		return 0;
	conn->role = ROLE_CLIENT;
	conn->reason = CLOSE_NONE;
	conn->netns = netns_of(sk);
	conn->cidr = subnet_of(sk);
	conn->listen_port = bpf_ntohs(sk->__sk_common.skc_dport);
	conn->start_ns = now - (u64)(tp->srtt_us >> 3) * 1000;
	conn->state_ns = conn->start_ns;
	conn->state = TCP_SYN_SENT;
	conn->flags = CONN_OPEN_PENDING | CONN_OWNER_PROVISIONAL;
	if (!tp->srtt_us || tp->total_retrans)
		conn->flags |= CONN_NO_START;
	begin_passes(conn);
	return conn;
}

/* The socket changes from SYN_SENT to ESTABLISHED. */
static __always_inline void handle_client_open(struct sock *sk, u64 now)
{
	struct conn *conn = conn_of(sk);
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct moment when = {.at = now, .now = now};

	if (!tp)
		return;
	if (!conn || conn->role != ROLE_CLIENT || conn->flags & (CONN_CLOSED | CONN_ESTABLISHED))
		conn = adopt_client(sk, tp, now);
	if (!conn)
		return;
	if ((conn->flags & CONN_IGNORED) && !(conn->flags & CONN_FILTERED)) {
		struct agent_flow flow = {};
		u8 one = 1;

		read_local(sk, family_of(sk), flow.local);
		read_peer(sk, family_of(sk), flow.peer);
		flow.local_port = local_port_of(tp);
		flow.peer_port = bpf_ntohs(sk->__sk_common.skc_dport);
		bpf_map_update_elem(&agent_flows, &flow, &one, BPF_ANY);
		agent_flow_ns = now;
		return;
	}
	if (is_ignored(sk, tp, conn))
		return;
	/* When more than one SYN went out, the time of the first was noted with the second. */
	if (BPF_CORE_READ_BITFIELD(tp, fastopen_connect) && !tp->total_retrans)
		conn->start_ns = at_least(conn->start_ns, now - (u64)(tp->srtt_us >> 3) * 1000,
					  now);
	open_client(sk, tp, conn, &when);
	if (may_be_early(conn))
		meet_early(sk, tp, conn, now);
}

/*
 * Returns the errno of a failed attempt. tcp_reset() and tcp_write_err() set sk_err first. A close
 * by the application has set sk_shutdown (__tcp_close()). What is left is connect() itself, when it
 * found no local port (inet_hash_connect()).
 */
static __always_inline u8 failure_of(struct sock *sk, struct tcp_sock *tp)
{
	if (sk->sk_err)
		return sk->sk_err;
	if (sk->sk_shutdown == SHUTDOWN_MASK)
		return ERROR_CANCELLED;
	return tp->inet_conn.icsk_inet.inet_sport ? ERROR_CANCELLED : EADDRNOTAVAIL_NR;
}

/* The socket changes to CLOSE, or to FIN_WAIT1 when the application closes while the SYNs cross. */
static __always_inline void handle_connect_failure(struct sock *sk, u64 now)
{
	struct conn *conn = conn_of(sk);
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct moment when = {.at = now, .now = now};

	if (!conn || !tp || is_ignored(sk, tp, conn))
		return;
	begin_at_syn(tp, conn, now);
	fail_client(sk, tp, conn, failure_of(sk, tp), early_request(sk, conn), &when);
}

/*
 * SYN_SENT to SYN_RECV: both ends connect at once, or a socket to itself (RFC 9293 section 3.5). It
 * stays the client that it is.
 */
static __always_inline void handle_crossing(struct sock *sk)
{
	struct conn *conn = conn_of(sk);
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);

	if (conn && tp && conn->role == ROLE_CLIENT && !is_ignored(sk, tp, conn))
		enter_state(conn, TCP_SYN_RECV, bpf_ktime_get_ns());
}

/* Such a client leaves SYN_RECV. What came from a listener has no file then, unless by Fast Open. */
static __always_inline bool is_crossed(struct sock *sk, u8 old)
{
	struct tcp_sock *tp;
	struct conn *conn;

	if (old != TCP_SYN_RECV || !has_socket(sk))
		return false;
	conn = conn_of(sk);
	if (conn)
		return conn->role == ROLE_CLIENT;
	tp = bpf_skc_to_tcp_sock(sk);
	return tp && is_syn_acked(tp);
}

/* A client's SYN_SENT or SYN_RECV is over. */
static __always_inline void handle_attempt_end(struct sock *sk, u8 new, u64 now)
{
	if (new == TCP_ESTABLISHED)
		handle_client_open(sk, now);
	else
		handle_connect_failure(sk, now ? now : bpf_ktime_get_ns());
}
