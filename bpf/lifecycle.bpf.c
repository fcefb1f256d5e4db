// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Connections and listeners from the socket's state changes
 * (inet_sock_set_state, net/ipv4/af_inet.c). Storage is touched only at the
 * changes that need it; most need one look-up, the rest leave at once.
 */
#include "include/conn.bpf.h"

static __always_inline bool fin_was_sent(u8 state)
{
	return state == TCP_FIN_WAIT1 || state == TCP_FIN_WAIT2 || state == TCP_CLOSING ||
	       state == TCP_LAST_ACK;
}

static __always_inline void enter_state(struct conn *conn, u8 state, u64 now)
{
	struct state_sums *row;
	struct state_key key = {};

	if (cfg_state_duration && conn->state_ns && conn->state != state) {
		key.owner = conn->owner;
		key.state = conn->state;
		key.role = conn->role == ROLE_LISTENER ? ROLE_UNKNOWN : conn->role;
		row = bpf_map_lookup_elem(&state_durations, &key);
		if (!row) {
			bpf_map_update_elem(&state_durations, &key, &zero_state_sums, BPF_NOEXIST);
			row = bpf_map_lookup_elem(&state_durations, &key);
		}
		if (row)
			HISTOGRAM_ADD(row->duration, bounds_tcp_state_duration,
				      now - conn->state_ns);
		else
			count_loss(PROBE_STATE, LOST_MAP_FULL);
	}
	conn->state = state;
	conn->state_ns = now;
}

static __always_inline void emit_state(struct sock *sk, struct tcp_sock *tp, struct conn *conn,
				       u8 previous, u8 state, u64 now)
{
	struct state_record *record;

	if (!cfg_emit_state)
		return;
	record = reserve(PROBE_STATE, RECORD_STATE, sizeof(*record), now);
	if (!record)
		return;
	record->cookie = bpf_get_socket_cookie(sk);
	record->owner = conn->owner;
	fill_endpoints(&record->endpoints, sk, tp, conn, state);
	record->previous = previous;
	__builtin_memset(record->pad, 0, sizeof(record->pad));
	submit(PROBE_STATE, record);
}

/* connect(): in the caller's context, before the first SYN. */
static __always_inline void handle_connect(struct sock *sk, u64 now)
{
	struct conn *conn = bpf_sk_storage_get(&conns, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	struct owner_key owner = {};

	if (!conn) {
		count_loss(PROBE_STATE, LOST_STORAGE);
		return;
	}
	/* A socket can connect again after it closed: start afresh. */
	__builtin_memset(conn, 0, sizeof(*conn));
	current_owner(&owner, PROBE_STATE);
	conn->owner = owner;
	conn->role = ROLE_CLIENT;
	conn->reason = CLOSE_NONE;
	conn->start_ns = now;
	conn->netns = netns_of(sk);
	conn->cidr = subnet_of(sk);
	conn->thread = bpf_get_current_pid_tgid();
	conn->thread_task = (u64)bpf_get_current_task_btf();
	conn->state = TCP_SYN_SENT;
	conn->state_ns = now;
	if (owner.pid == cfg_agent_pid)
		conn->flags = CONN_IGNORED;
}

/* SYN_SENT to ESTABLISHED. */
static __always_inline void handle_client_open(struct sock *sk, u64 now)
{
	struct conn *conn = bpf_sk_storage_get(&conns, sk, 0, 0);
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct task_struct *thread;
	struct series_key key;
	struct series *row;

	if (!conn || !tp)
		return;
	if (conn->flags & CONN_IGNORED) {
		struct agent_flow flow = {};
		u8 one = 1;

		read_local(sk, family_of(sk), flow.local);
		read_peer(sk, family_of(sk), flow.peer);
		flow.local_port = local_port_of(tp);
		flow.peer_port = bpf_ntohs(sk->__sk_common.skc_dport);
		bpf_map_update_elem(&agent_flows, &flow, &one, BPF_ANY);
		return;
	}
	enter_state(conn, TCP_ESTABLISHED, now);
	conn->established_ns = now;
	conn->flags |= CONN_ESTABLISHED;
	conn->syn_retransmits = tp->total_retrans;
	if (cfg_requests) {
		thread = (struct task_struct *)conn->thread_task;
		conn->sleeps = BPF_CORE_READ(thread, nvcsw);
	}
	fill_series_key(&key, sk, tp, conn, NO_ERROR);
	row = series_for(&key, PROBE_STATE, now);
	if (row)
		count_open(conn, row);
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
	struct conn *conn = bpf_sk_storage_get(&conns, sk, 0, 0);
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct series_key key;
	struct series *row;

	if (!conn || !tp || (conn->flags & CONN_IGNORED))
		return;
	conn->error = failure_of(sk, tp);
	conn->syn_retransmits = tp->total_retrans;
	conn->flags |= CONN_CLOSED;
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
	row = listener_for(&conn->listener_owner, conn->listen_port, family, PROBE_STATE);
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

static __always_inline bool is_agent_peer(struct sock *sk, struct tcp_sock *tp)
{
	struct agent_flow flow = {};

	read_local(sk, family_of(sk), flow.peer);
	read_peer(sk, family_of(sk), flow.local);
	flow.peer_port = local_port_of(tp);
	flow.local_port = bpf_ntohs(sk->__sk_common.skc_dport);
	/* Once: the same ends may mean something else in another namespace, or later. */
	return !bpf_map_delete_elem(&agent_flows, &flow);
}

/* SYN_RECV to ESTABLISHED: a child whose storage is a clone of its listener's. */
static __always_inline void handle_server_open(struct sock *sk, u64 now)
{
	struct conn *conn = bpf_sk_storage_get(&conns, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	bool cloned;

	if (!conn || !tp) {
		count_loss(PROBE_STATE, LOST_STORAGE);
		return;
	}
	cloned = conn->role == ROLE_LISTENER;
	conn->listener_owner = conn->owner;
	conn->role = ROLE_SERVER;
	conn->reason = CLOSE_NONE;
	conn->error = NO_ERROR;
	conn->flags = CONN_OPEN_PENDING | CONN_OWNER_PROVISIONAL | CONN_ESTABLISHED;
	conn->state = TCP_ESTABLISHED;
	conn->state_ns = now;
	conn->established_ns = now;
	conn->accepted_ns = 0;
	conn->drops = 0;
	conn->netns = netns_of(sk);
	conn->cidr = subnet_of(sk);
	conn->listen_port = local_port_of(tp);
	/* What the handshake already counted belongs to the SYN-ACK's own counts. */
	conn->segments_retransmitted = tp->total_retrans;
	if (is_agent_peer(sk, tp)) {
		conn->flags |= CONN_IGNORED;
		return;
	}
	read_handshake_start(sk, tp, conn, now);
	if (cloned)
		see_accept_queue(conn, family_of(sk));
}

/* Who closes, and what ends the connection first. Process context unless the peer did it. */
static __always_inline u8 first_cause(struct sock *sk, u8 old, u8 new)
{
	if (old == TCP_ESTABLISHED && new == TCP_CLOSE_WAIT)
		return CLOSE_PEER_FIN;
	if (old == TCP_ESTABLISHED && new == TCP_FIN_WAIT1)
		return is_exiting() ? CLOSE_PROCESS_EXIT : CLOSE_LOCAL_FIN;
	if (sk->sk_err == ECONNRESET_NR)
		return CLOSE_RESET_RECEIVED;
	if (sk->sk_err)
		return CLOSE_TIMEOUT;
	/* tcp_close() with unread data or SO_LINGER 0, tcp_disconnect(); a child without a
	 * socket was never accepted (inet_csk_listen_stop()). */
	if (sk->sk_socket && is_exiting())
		return CLOSE_PROCESS_EXIT;
	return CLOSE_RESET_SENT;
}

/* A close by a process: the last user owns the close record. */
static __always_inline bool closes_locally(struct sock *sk, u8 old, u8 new)
{
	if (new == TCP_FIN_WAIT1 || new == TCP_LAST_ACK)
		return true;
	return new == TCP_CLOSE && !sk->sk_err && sk->sk_socket &&
	       (old == TCP_ESTABLISHED || old == TCP_CLOSE_WAIT);
}

static __always_inline u8 close_error(struct tcp_sock *tp, struct conn *conn)
{
	if (conn->reason == CLOSE_TIMEOUT)
		return ETIMEDOUT_NR;
	if (conn->reason == CLOSE_RESET_RECEIVED &&
	    (tp->rcv_nxt != tp->copied_seq || tp->write_seq != tp->snd_una))
		return ECONNRESET_NR;
	return NO_ERROR;
}

/* Final figures of a connection that leaves for TCP_CLOSE. */
static __always_inline void handle_close(struct sock *sk, struct tcp_sock *tp, struct conn *conn,
					 u8 old, u64 now)
{
	struct series_key key;
	struct series *row;

	conn->flags |= CONN_CLOSED;
	conn->error = close_error(tp, conn);
	fill_series_key(&key, sk, tp, conn, NO_ERROR);
	row = series_for(&key, PROBE_STATE, now);
	if (!row)
		return;
	if (conn->flags & CONN_OPEN_PENDING)
		count_open(conn, row);
	add_final(&conn->bytes_sent, payload_sent(tp, conn, fin_was_sent(old)), &row->bytes_sent);
	add_final(&conn->bytes_received, payload_received(sk, tp), &row->bytes_received);
	add_final(&conn->segments_sent, tp->segs_out, &row->segments_sent);
	add_final(&conn->segments_received, tp->segs_in, &row->segments_received);
	add_final(&conn->segments_retransmitted, tp->total_retrans, &row->segments_retransmitted);
	add_rtt(row, tp);
	__sync_fetch_and_add(&row->closed[conn->reason & (CLOSE_REASONS - 1)], 1);
	if (cfg_transfer_size) {
		HISTOGRAM_ADD(row->size_sent, bounds_tcp_connection_transfer_size,
			      conn->bytes_sent);
		HISTOGRAM_ADD(row->size_received, bounds_tcp_connection_transfer_size,
			      conn->bytes_received);
	}
	if (cfg_emit_close)
		emit_connection(sk, tp, conn, CONNECTION_CLOSE, now, PROBE_STATE);
	if (!conn->established_ns)
		return;
	if (conn->error) {
		key.error = conn->error;
		row = series_for(&key, PROBE_STATE, now);
	}
	if (row)
		HISTOGRAM_ADD(row->duration, bounds_tcp_connection_duration,
			      now - conn->established_ns);
}

/*
 * A connection of a listener older than the agent that the scan could not see: it
 * waited in the accept queue, where no process has it open. Its figures begin now.
 */
static __always_inline struct conn *adopt_queued(struct sock *sk, struct tcp_sock *tp, u8 old)
{
	struct listen_port key = {.netns = netns_of(sk), .port = local_port_of(tp)};
	struct conn *conn;

	if ((old != TCP_ESTABLISHED && old != TCP_CLOSE_WAIT) ||
	    !bpf_map_lookup_elem(&listen_ports, &key))
		return 0;
	conn = bpf_sk_storage_get(&conns, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!conn) {
		count_loss(PROBE_STATE, LOST_STORAGE);
		return 0;
	}
	conn->netns = key.netns;
	conn->listen_port = key.port;
	conn->role = ROLE_SERVER;
	conn->reason = old == TCP_CLOSE_WAIT ? CLOSE_PEER_FIN : CLOSE_NONE;
	conn->error = NO_ERROR;
	conn->flags = CONN_ESTABLISHED | CONN_PREEXISTING | CONN_NO_START;
	conn->state = old;
	conn->bytes_sent = payload_sent(tp, conn, false);
	conn->bytes_received = payload_received(sk, tp);
	conn->segments_sent = tp->segs_out;
	conn->segments_received = tp->segs_in;
	conn->segments_retransmitted = tp->total_retrans;
	/* inet_csk_listen_stop(): in the context of who closes the listener. */
	if (!sk->sk_socket && !sk->sk_err)
		current_owner(&conn->owner, PROBE_STATE);
	return conn;
}

/* Any change after ESTABLISHED. */
static __always_inline void handle_closing(struct sock *sk, u8 old, u8 new, u64 now)
{
	struct conn *conn = bpf_sk_storage_get(&conns, sk, 0, 0);
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct owner_key owner = {};

	if (!conn && tp)
		conn = adopt_queued(sk, tp, old);
	if (!conn || !tp || (conn->flags & (CONN_IGNORED | CONN_CLOSED)))
		return;
	if (!(conn->flags & CONN_ESTABLISHED))
		return;
	merge_accept(sk, tp, conn, now);
	if (conn->reason == CLOSE_NONE)
		conn->reason = first_cause(sk, old, new);
	if (closes_locally(sk, old, new) && current_owner(&owner, PROBE_STATE))
		confirm_owner(sk, tp, conn, &owner, PROBE_STATE, now);
	enter_state(conn, new, now);
	emit_state(sk, tp, conn, old, new, now);
	if (new == TCP_CLOSE)
		handle_close(sk, tp, conn, old, now);
}

static __always_inline void emit_listener(struct sock *sk, struct tcp_sock *tp, struct conn *conn,
					  u8 stop, u64 now)
{
	struct listener_record *record;

	if (!cfg_emit_listener)
		return;
	record = reserve(PROBE_STATE, RECORD_LISTENER, sizeof(*record), now);
	if (!record)
		return;
	record->cookie = bpf_get_socket_cookie(sk);
	record->owner = conn->owner;
	fill_endpoints(&record->endpoints, sk, tp, conn, TCP_LISTEN);
	record->backlog = sk->sk_max_ack_backlog;
	record->stop = stop;
	__builtin_memset(record->pad, 0, sizeof(record->pad));
	submit(PROBE_STATE, record);
}

/* listen(): in the caller's context. */
static __always_inline void handle_listen(struct sock *sk, u64 now)
{
	struct conn *conn = bpf_sk_storage_get(&conns, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct owner_key owner = {};

	if (!conn || !tp) {
		count_loss(PROBE_STATE, LOST_STORAGE);
		return;
	}
	__builtin_memset(conn, 0, sizeof(*conn));
	current_owner(&owner, PROBE_STATE);
	conn->owner = owner;
	conn->role = ROLE_LISTENER;
	conn->reason = CLOSE_NONE;
	conn->netns = netns_of(sk);
	conn->listener_sock = (u64)sk;
	conn->state = TCP_LISTEN;
	conn->state_ns = now;
	conn->established_ns = now;
	if (owner.pid != cfg_agent_pid)
		emit_listener(sk, tp, conn, 0, now);
}

static __always_inline void handle_listen_end(struct sock *sk, u64 now)
{
	struct conn *conn = bpf_sk_storage_get(&conns, sk, 0, 0);
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct listener *row;
	u64 drops = (u32)sk->sk_drops.counter;

	if (!conn || !tp || conn->role != ROLE_LISTENER || conn->owner.pid == cfg_agent_pid)
		return;
	if (drops > conn->drops) {
		row = listener_for(&conn->owner, local_port_of(tp), family_of(sk), PROBE_STATE);
		if (row)
			add_final(&conn->drops, drops, &row->drops);
	}
	emit_listener(sk, tp, conn, 1, now);
	conn->role = ROLE_UNKNOWN;
	conn->flags |= CONN_CLOSED;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(ws_state, struct sock *sk, int old, int new)
{
	u64 now;

	if (!is_tcp(sk))
		return 0;
	/* The changes that say nothing new leave here. */
	if (new == TCP_SYN_RECV ||
	    (new == TCP_FIN_WAIT2 && !cfg_state_duration && !cfg_emit_state) ||
	    (new == TCP_CLOSING && !cfg_state_duration && !cfg_emit_state))
		return 0;
	now = bpf_ktime_get_ns();
	if (new == TCP_SYN_SENT)
		handle_connect(sk, now);
	else if (new == TCP_LISTEN)
		handle_listen(sk, now);
	else if (old == TCP_LISTEN)
		handle_listen_end(sk, now);
	else if (new == TCP_ESTABLISHED && old == TCP_SYN_SENT)
		handle_client_open(sk, now);
	else if (new == TCP_ESTABLISHED)
		handle_server_open(sk, now);
	else if (old == TCP_SYN_SENT)
		handle_connect_failure(sk, now);
	else
		handle_closing(sk, old, new, now);
	return 0;
}
