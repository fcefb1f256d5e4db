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

/* Whose connect() was not seen; nor who it was, until a process shows itself. */
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
	return conn;
}

/* From the handshake on. `late`: it ended at `at`, which no program saw. */
static __always_inline void open_client(struct sock *sk, struct tcp_sock *tp, struct conn *conn,
					u64 at, bool late, u64 now)
{
	struct task_struct *thread;
	struct series_key key;
	struct series *row;

	if (set_flags(conn, CONN_ESTABLISHED) & CONN_ESTABLISHED)
		return;
	announce_opener(conn);
	enter_state(conn, TCP_ESTABLISHED, at);
	conn->established_ns = at;
	if (!late)
		conn->syn_retransmits = tp->total_retrans;
	if (cfg_requests && late) {
		conn->thread = 0; /* whether it slept since is not known */
	} else if (cfg_requests) {
		thread = (struct task_struct *)conn->thread_task;
		conn->sleeps = BPF_CORE_READ(thread, nvcsw);
		if (cfg_requests_by_address)
			follow(sk, tp, conn);
	}
	fill_series_key(&key, sk, tp, conn, NO_ERROR);
	conn->family = key.family;
	row = series_for(&key, PROBE_STATE, now);
	if (row && !(conn->flags & CONN_OPEN_PENDING))
		count_open(conn, row);
	check_handshake(sk, tp, conn);
	if (cfg_emit_open)
		emit_connection(sk, tp, conn, CONNECTION_OPEN, at, PROBE_STATE);
}

/* SYN_SENT to ESTABLISHED. */
static __always_inline void handle_client_open(struct sock *sk, u64 now)
{
	struct conn *conn = conn_of(sk);
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);

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
	if (!is_ignored(sk, tp, conn))
		open_client(sk, tp, conn, now, false, now);
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

/* The attempt failed at `at`. */
static __always_inline void fail_client(struct sock *sk, struct tcp_sock *tp, struct conn *conn,
					u8 error, u64 at, u64 now)
{
	struct series_key key;
	struct series *row;

	if (set_flags(conn, CONN_CLOSED) & CONN_CLOSED)
		return;
	announce_opener(conn);
	conn->error = error;
	conn->syn_retransmits = tp->total_retrans;
	enter_state(conn, TCP_CLOSE, at);
	fill_series_key(&key, sk, tp, conn, conn->error);
	row = series_for(&key, PROBE_STATE, now);
	if (row) {
		__sync_fetch_and_add(&row->opened, 1);
		HISTOGRAM_ADD(row->handshake, bounds_tcp_handshake_duration, at - conn->start_ns);
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
		emit_connection(sk, tp, conn, CONNECTION_FAIL, at, PROBE_STATE);
}

/* SYN_SENT to CLOSE. */
static __always_inline void handle_connect_failure(struct sock *sk, u64 now)
{
	struct conn *conn = conn_of(sk);
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);

	if (conn && tp && !is_ignored(sk, tp, conn))
		fail_client(sk, tp, conn, failure_of(sk, tp), now, now);
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

/*
 * `now`: when it was established. True: when the handshake began is not known. What it counted
 * belongs to the SYN-ACK's own counts: `late` the socket's own may have joined that.
 */
static __always_inline bool read_handshake_start(struct sock *sk, struct tcp_sock *tp,
						 struct conn *conn, u64 now, bool late)
{
	struct remote_end end = {};
	struct synack *synack;

	/* tcp_create_openreq_child(): num_retrans */
	conn->syn_retransmits = late ? 0 : tp->total_retrans;
	conn->start_ns = now;
	if (tp->total_retrans) {
		read_peer(sk, family_of(sk), end.address);
		end.port = bpf_ntohs(sk->__sk_common.skc_dport);
		end.netns = conn->netns;
		synack = bpf_map_lookup_elem(&synacks, &end);
		if (synack && synack->first_ns < now) {
			conn->start_ns = synack->first_ns;
			if (late)
				conn->syn_retransmits = synack->again;
			bpf_map_delete_elem(&synacks, &end);
		}
	}
	conn->segments_retransmitted = conn->syn_retransmits;
	if (conn->start_ns != now)
		return false;
	/* The handshake is the connection's first RTT sample: tcp_synack_rtt_meas(). */
	if (tp->srtt_us)
		conn->start_ns = now - (u64)(tp->srtt_us >> 3) * 1000;
	return !tp->srtt_us; /* SYN cookie: the kernel kept no time */
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

/* A child that begins with what is kept of its listener. `late`: at `at`, which no program saw. */
static __always_inline void open_server(struct sock *sk, struct tcp_sock *tp, struct conn *conn,
					u64 at, bool late)
{
	bool cloned = conn->role == ROLE_LISTENER;
	bool listener_ignored = cloned && (conn->flags & CONN_IGNORED);
	u32 no_start;

	conn->listener_owner = conn->owner;
	conn->has_listen_local &= cloned;
	conn->role = ROLE_SERVER;
	conn->reason = CLOSE_NONE;
	conn->error = NO_ERROR;
	conn->family = family_of(sk);
	conn->state_ns = at;
	conn->established_ns = at;
	conn->accepted_ns = 0;
	conn->drops = 0;
	conn->netns = netns_of(sk);
	conn->cidr = subnet_of(sk);
	conn->listen_port = local_port_of(tp);
	no_start = read_handshake_start(sk, tp, conn, at, late) ? CONN_NO_START : 0;
	/* A pass that meets it sees the rest. */
	barrier();
	conn->flags = CONN_OPEN_PENDING | CONN_OWNER_PROVISIONAL | CONN_ESTABLISHED | no_start;
	conn->state = TCP_ESTABLISHED;
	if (is_agent_peer(sk, tp, at)) {
		conn->flags |= CONN_IGNORED;
		return;
	}
	if (listener_ignored)
		conn->flags |= CONN_LISTENER_IGNORED;
	else if (cloned && !late) /* the listener is held by the caller */
		see_accept_queue(conn, conn->family);
	apply_filter(sk, tp, conn);
	check_handshake(sk, tp, conn);
}

/* No program saw it being made from its listener: that is the last one at its port. */
static __always_inline void copy_from_port(struct sock *sk, struct tcp_sock *tp, struct conn *conn)
{
	struct listen_port key = {.netns = netns_of(sk), .port = local_port_of(tp)};
	struct listening *found = bpf_map_lookup_elem(&listen_ports, &key);
	struct conn *listener = cfg_conn_table && found ? listener_at(found->listener) : 0;
	u64 cookie = conn->cookie;

	if (!listener || listener->listen_port != key.port || listener->netns != key.netns)
		return;
	copy_listener(conn, listener);
	conn->cookie = cookie;
}

/* SYN_RECV to ESTABLISHED. */
static __always_inline void handle_server_open(struct sock *sk, u64 now)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct conn *conn = tp ? track_child(sk) : 0;

	if (!conn)
		return;
	if (conn->role != ROLE_LISTENER)
		copy_from_port(sk, tp, conn);
	open_server(sk, tp, conn, now, false);
}

#endif
