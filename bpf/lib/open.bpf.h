/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* This adds the beginning of a connection to the sums, once, by whoever sees it first. */
#ifndef WIRESPAN_LIB_OPEN_H
#define WIRESPAN_LIB_OPEN_H

/*
 * All that went out again in SYN_SENT were SYNs: one that a local rule stopped has no event of a segment that
 * went out, and is in the socket's figures all the same. Before its syn_retransmits become those figures.
 */
static __always_inline void count_untold_syns(struct sock *sk, struct tcp_sock *tp,
					      const struct conn *conn, u64 now)
{
	u32 all = tp->total_retrans, told = conn->syn_retransmits;
	struct series_key key;
	struct series *row;

	if (all <= told)
		return;
	fill_series_key(&key, sk, conn, NO_ERROR);
	if (cfg_retransmit_state)
		key.state = TCP_SYN_SENT;
	row = series_row(&key, PROBE_STATE, now);
	if (row)
		__sync_fetch_and_add(&row->retransmits[RETRANSMIT_SYN], all - told);
}

/* The handshake ended well. */
static __always_inline void open_client(struct sock *sk, struct tcp_sock *tp, struct conn *conn,
					const struct moment *when)
{
	struct series_key key;
	struct series *row;
	u32 reader;

	if (set_flags(conn, CONN_ESTABLISHED) & CONN_ESTABLISHED)
		return;
	announce_opener(conn);
	enter_state(conn, TCP_ESTABLISHED, when->at);
	conn->established_ns = when->at;
	if (!when->late) {
		count_untold_syns(sk, tp, conn, when->now);
		conn->syn_retransmits = tp->total_retrans;
	}
	if (cfg_requests && when->late) {
		conn->opener.thread = 0; /* what it did since is not known */
	} else if (cfg_requests) {
		note_opener(conn);
		if (cfg_requests_by_address)
			follow(sk, tp, conn);
	}
	fill_series_key(&key, sk, conn, NO_ERROR);
	conn->family = key.family;
	row = series_row(&key, PROBE_STATE, when->now);
	if (row && !(conn->flags & CONN_OPEN_PENDING))
		count_open(conn, row);
	check_handshake(sk, tp, conn);
	reader = reader_of(cfg_emit_open, VIEWED_OPEN);
	if (reader)
		emit_connection(sk, tp, conn, CONNECTION_OPEN, when->at, reader);
}

/* The record of a failed attempt, with the request that it was for, if that was announced. */
static __always_inline void emit_failure(struct sock *sk, struct tcp_sock *tp, struct conn *conn,
					 const struct request *request, u64 ts)
{
	struct connection_record *record;

	record = reserve(PROBE_STATE,
			 RECORD_CONNECTION | (reader_of(cfg_emit_fail, VIEWED_FAIL) & FOR_VIEWS),
			 sizeof(*record), ts);
	if (!record)
		return;
	fill_connection(record, sk, tp, conn);
	record->what = CONNECTION_FAIL;
	__builtin_memset(&record->context, 0, sizeof(record->context));
	if (request)
		tell_request(request, &record->context);
	submit(PROBE_STATE, record);
}

/* The attempt failed. */
static __always_inline void fail_client(struct sock *sk, struct tcp_sock *tp, struct conn *conn,
					u8 error, const struct request *request,
					const struct moment *when)
{
	struct tcp_counters final;
	struct series_key key;
	struct series *row;

	if (set_flags(conn, CONN_CLOSED) & CONN_CLOSED)
		return;
	announce_opener(conn);
	conn->error = error;
	count_untold_syns(sk, tp, conn, when->now);
	conn->syn_retransmits = tp->total_retrans;
	enter_state(conn, TCP_CLOSE, when->at);
	fill_series_key(&key, sk, conn, conn->error);
	row = series_row(&key, PROBE_STATE, when->now);
	if (row) {
		__sync_fetch_and_add(&row->opened, 1);
		HISTOGRAM_ADD(row->handshake, bounds_tcp_handshake_duration,
			      when->at - conn->start_ns);
	}
	/* Segments have no error.type, as those of the retransmit events. */
	key.error = NO_ERROR;
	row = series_row(&key, PROBE_STATE, when->now);
	if (row) {
		final = counters_of(sk, tp, conn, false);
		add_live_segments(&conn->counted, &final, row);
	}
	if (reader_of(cfg_emit_fail, VIEWED_FAIL) && conn->error != ERROR_CANCELLED)
		emit_failure(sk, tp, conn, request, when->at);
}

/* Adds the accept queue as this arrival found it. The caller, tcp_v4_rcv(), holds the listener. */
static __always_inline void see_accept_queue(struct conn *conn, u8 family)
{
	struct sock *listener = (struct sock *)conn->listener_sock;
	u32 limit = BPF_CORE_READ(listener, sk_max_ack_backlog);
	u32 usage = BPF_CORE_READ(listener, sk_ack_backlog);
	struct listener *row;

	row = listener_for(&conn->listener_owner, conn, conn->listen_port, family, PROBE_STATE);
	if (!row)
		return;
	if (is_accept_queue_full(usage, limit))
		__sync_fetch_and_add(&row->filled, 1);
	/* This connection is already in the queue: tcp_check_req(). After listen(fd, 0) it holds one. */
	HISTOGRAM_ADD(row->utilization, bounds_tcp_accept_queue_utilization,
		      (u64)(usage ? usage - 1 : 0) * 1000000 / (limit ?: 1));
}

/*
 * Returns true when it is not known when the handshake began. What it counted belongs to the
 * SYN-ACK's own counts. When it is late, the socket's own may have joined that.
 */
static __always_inline bool read_handshake_start(struct sock *sk, struct tcp_sock *tp,
						 struct conn *conn, const struct moment *when)
{
	struct remote_end peer = {};
	struct synack *synack;

	/* tcp_create_openreq_child(): num_retrans */
	conn->syn_retransmits = when->late ? 0 : tp->total_retrans;
	conn->start_ns = when->at;
	if (tp->total_retrans) {
		read_peer(sk, family_of(sk), peer.address);
		peer.port = bpf_ntohs(sk->__sk_common.skc_dport);
		peer.netns = conn->netns;
		synack = bpf_map_lookup_elem(&synacks, &peer);
		if (synack && synack->first_ns < when->at) {
			conn->start_ns = synack->first_ns;
			if (when->late)
				conn->syn_retransmits = synack->again;
			bpf_map_delete_elem(&synacks, &peer);
		}
	}
	conn->counted.segments_retransmitted = conn->syn_retransmits;
	if (conn->deferred) {
		conn->start_ns = when->at;
		return true;
	}
	if (conn->start_ns != when->at)
		return false;
	/* The handshake is the connection's first RTT sample: tcp_synack_rtt_meas(). */
	if (tp->srtt_us)
		conn->start_ns = when->at - (u64)(tp->srtt_us >> 3) * 1000;
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
	/*
	 * This is done once, since the same addresses may mean something else in another namespace,
	 * or later.
	 */
	return !bpf_map_delete_elem(&agent_flows, &flow);
}

/* A child begins with what is kept of its listener. */
static __always_inline void open_server(struct sock *sk, struct tcp_sock *tp, struct conn *conn,
					const struct moment *when)
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
	conn->state_ns = when->at;
	conn->established_ns = when->at;
	conn->accepted_ns = 0;
	conn->drops = 0;
	conn->netns = netns_of(sk);
	conn->cidr = subnet_of(sk);
	conn->listen_port = local_port_of(tp);
	conn->deferred = 0;
	if (cloned)
		note_deferral(conn, conn->listener_sock);
	no_start = read_handshake_start(sk, tp, conn, when) ? CONN_NO_START : 0;
	/* A pass that meets it sees the rest. */
	barrier();
	conn->flags = CONN_OPEN_PENDING | CONN_OWNER_PROVISIONAL | CONN_ESTABLISHED | no_start;
	conn->state = TCP_ESTABLISHED;
	if (is_agent_peer(sk, tp, when->at)) {
		conn->flags |= CONN_IGNORED;
		return;
	}
	if (listener_ignored)
		conn->flags |= CONN_LISTENER_IGNORED;
	else if (cloned && !when->late && !first_subflow(sk, tp))
		/* The listener is held by the caller. What joins a connection does not wait there. */
		see_accept_queue(conn, conn->family);
	apply_filter(sk, tp, conn);
	check_handshake(sk, tp, conn);
}

/* No program saw it being made from its listener, which is taken for the last one at its port. */
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

#endif
