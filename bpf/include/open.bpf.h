/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* How a connection begins: connect(), the handshake on both sides, and its failure. */
#ifndef WIRESPAN_OPEN_H
#define WIRESPAN_OPEN_H

#include "handshake.bpf.h"
#include "state.bpf.h"

/* connect(): in the caller's context, before the first SYN. */
static __always_inline void handle_connect(struct sock *sk, u64 now)
{
	bool again = cookie_of(sk); /* it closed, and connects once more */
	struct conn *conn = track(sk, PROBE_STATE);
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct known_owner owner = {};

	if (!conn || !tp)
		return;
	if (again && cfg_requests)
		bpf_sk_storage_delete(&requests, sk);
	if (again && cfg_receive)
		bpf_sk_storage_delete(&arrivals, sk);
	current_owner(&owner);
	conn->owner = owner.key;
	conn->owner_rules = owner.rules;
	conn->role = ROLE_CLIENT;
	conn->reason = CLOSE_NONE;
	conn->start_ns = now;
	conn->netns = netns_of(sk);
	conn->cidr = subnet_of(sk);
	conn->listen_port = bpf_ntohs(sk->__sk_common.skc_dport);
	conn->thread = bpf_get_current_pid_tgid();
	conn->thread_task = (u64)bpf_get_current_task_btf();
	conn->state = TCP_SYN_SENT;
	conn->state_ns = now;
	if (owner.key.pid == agent_pid)
		conn->flags = CONN_IGNORED;
	else
		apply_filter(sk, tp, conn);
	announce(&owner, current_leader(), conn, PROBE_STATE);
}

/* SYN_SENT to ESTABLISHED. */
static __always_inline void handle_client_open(struct sock *sk, u64 now)
{
	struct conn *conn = conn_of(sk);
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct task_struct *thread;
	struct series_key key;
	struct series *row;

	if (!conn || !tp)
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
	announce_opener(conn);
	enter_state(conn, TCP_ESTABLISHED, now);
	conn->established_ns = now;
	set_flags(conn, CONN_ESTABLISHED);
	conn->syn_retransmits = tp->total_retrans;
	if (cfg_requests) {
		thread = (struct task_struct *)conn->thread_task;
		conn->sleeps = BPF_CORE_READ(thread, nvcsw);
		if (cfg_requests_by_address)
			follow(sk, tp, conn);
	}
	fill_series_key(&key, sk, tp, conn, NO_ERROR);
	row = series_for(&key, PROBE_STATE, now);
	if (row)
		count_open(conn, row);
	check_handshake(sk, tp, conn);
	if (cfg_emit_open)
		emit_connection(sk, tp, conn, CONNECTION_OPEN, now, PROBE_STATE);
}

/*
 * errno of a failed attempt. tcp_reset() and tcp_write_err() set sk_err first; a
 * close by the application has set sk_shutdown (__tcp_close()); what is left is
 * connect() itself that found no local port (inet_hash_connect()).
 */
static __always_inline u8 failure_of(struct sock *sk, struct tcp_sock *tp)
{
	if (sk->sk_err)
		return sk->sk_err;
	if (sk->sk_shutdown == SHUTDOWN_MASK)
		return ERROR_CANCELLED;
	return tp->inet_conn.icsk_inet.inet_sport ? ERROR_CANCELLED : EADDRNOTAVAIL_NR;
}

/* SYN_SENT to CLOSE. */
static __always_inline void handle_connect_failure(struct sock *sk, u64 now)
{
	struct conn *conn = conn_of(sk);
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct series_key key;
	struct series *row;

	if (!conn || !tp || is_ignored(sk, tp, conn))
		return;
	announce_opener(conn);
	conn->error = failure_of(sk, tp);
	conn->syn_retransmits = tp->total_retrans;
	set_flags(conn, CONN_CLOSED);
	enter_state(conn, TCP_CLOSE, now);
	fill_series_key(&key, sk, tp, conn, conn->error);
	row = series_for(&key, PROBE_STATE, now);
	if (row) {
		__sync_fetch_and_add(&row->opened, 1);
		HISTOGRAM_ADD(row->handshake, bounds_tcp_handshake_duration, now - conn->start_ns);
	}
	/* Segments have no error.type, as those of the retransmit events. */
	key.error = NO_ERROR;
	row = series_for(&key, PROBE_STATE, now);
	if (row) {
		__sync_fetch_and_add(&row->segments_retransmitted, tp->total_retrans);
		__sync_fetch_and_add(&row->segments_sent, tp->segs_out);
		__sync_fetch_and_add(&row->segments_received, tp->segs_in);
	}
	if (cfg_emit_fail && conn->error != ERROR_CANCELLED)
		emit_connection(sk, tp, conn, CONNECTION_FAIL, now, PROBE_STATE);
}

/* The accept queue as this arrival found it. The listener is held by the caller, tcp_v4_rcv(). */
static __always_inline void see_accept_queue(struct conn *conn, u8 family)
{
	struct sock *listener = (struct sock *)conn->listener_sock;
	u32 limit = BPF_CORE_READ(listener, sk_max_ack_backlog);
	u32 usage = BPF_CORE_READ(listener, sk_ack_backlog);
	struct listener *row;

	if (!limit)
		return;
	row = listener_for(&conn->listener_owner, conn, conn->listen_port, family, PROBE_STATE);
	if (row) /* this connection is already in the queue: tcp_check_req() */
		HISTOGRAM_ADD(row->utilization, bounds_tcp_accept_queue_utilization,
			      (u64)(usage ? usage - 1 : 0) * 1000000 / limit);
}

static __always_inline void read_handshake_start(struct sock *sk, struct tcp_sock *tp,
						 struct conn *conn, u64 now)
{
	struct remote_end end = {};
	u64 *first;

	conn->syn_retransmits = tp->total_retrans; /* tcp_create_openreq_child(): num_retrans */
	conn->start_ns = now;
	if (tp->total_retrans) {
		read_peer(sk, family_of(sk), end.address);
		end.port = bpf_ntohs(sk->__sk_common.skc_dport);
		end.netns = conn->netns;
		first = bpf_map_lookup_elem(&synacks, &end);
		if (first && *first < now) {
			conn->start_ns = *first;
			bpf_map_delete_elem(&synacks, &end);
			return;
		}
	}
	/* The handshake is the connection's first RTT sample: tcp_synack_rtt_meas(). */
	if (tp->srtt_us)
		conn->start_ns = now - (u64)(tp->srtt_us >> 3) * 1000;
	else
		conn->flags |= CONN_NO_START; /* SYN cookie: the kernel kept no time */
}

/* A final ACK of the handshake that was lost is sent again within a second. */
#define AGENT_FLOW_WINDOW_NS 3000000000ULL

static __always_inline bool is_agent_peer(struct sock *sk, struct tcp_sock *tp, u64 now)
{
	struct agent_flow flow = {};

	if (now - agent_flow_ns > AGENT_FLOW_WINDOW_NS)
		return false;

	read_local(sk, family_of(sk), flow.peer);
	read_peer(sk, family_of(sk), flow.local);
	flow.peer_port = local_port_of(tp);
	flow.local_port = bpf_ntohs(sk->__sk_common.skc_dport);
	/* Once: the same ends may mean something else in another namespace, or later. */
	return !bpf_map_delete_elem(&agent_flows, &flow);
}

/* SYN_RECV to ESTABLISHED: a child that begins with what is kept of its listener. */
static __always_inline void handle_server_open(struct sock *sk, u64 now)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct conn *conn = tp ? track_child(sk) : 0;
	bool cloned, listener_ignored;

	if (!conn)
		return;
	cloned = conn->role == ROLE_LISTENER;
	listener_ignored = cloned && (conn->flags & CONN_IGNORED);
	conn->listener_owner = conn->owner;
	conn->has_listen_local &= cloned;
	conn->role = ROLE_SERVER;
	conn->reason = CLOSE_NONE;
	conn->error = NO_ERROR;
	conn->state_ns = now;
	conn->established_ns = now;
	conn->accepted_ns = 0;
	conn->drops = 0;
	conn->netns = netns_of(sk);
	conn->cidr = subnet_of(sk);
	conn->listen_port = local_port_of(tp);
	/* What the handshake already counted belongs to the SYN-ACK's own counts. */
	conn->segments_retransmitted = tp->total_retrans;
	/* A pass that meets it sees the rest. */
	barrier();
	conn->flags = CONN_OPEN_PENDING | CONN_OWNER_PROVISIONAL | CONN_ESTABLISHED;
	conn->state = TCP_ESTABLISHED;
	if (is_agent_peer(sk, tp, now)) {
		conn->flags |= CONN_IGNORED;
		return;
	}
	read_handshake_start(sk, tp, conn, now);
	if (listener_ignored)
		conn->flags |= CONN_LISTENER_IGNORED;
	else if (cloned)
		see_accept_queue(conn, family_of(sk));
	apply_filter(sk, tp, conn);
	check_handshake(sk, tp, conn);
}

#endif
