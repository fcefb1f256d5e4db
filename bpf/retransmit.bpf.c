// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* This counts segments that are sent again, by type. */
#include "wirespan.bpf.h"

const volatile u8 cfg_emit_retransmit = 0;    /* enum emit_mode */
const volatile u8 cfg_retransmit_has_err = 0; /* tracepoint with `int err` (6.17) */

/*
 * tcp_enter_loss() notes where it may be undone. The state is also entered without a timeout, for segments
 * that were too long or that came with a Fast Open that was refused, and then nothing is noted
 * (tcp_non_congestion_loss_retransmit()).
 */
static __always_inline bool has_timed_out(struct tcp_sock *tp)
{
	return tp->undo_marker || tp->inet_conn.icsk_retransmits;
}

/*
 * The congestion state says why this segment goes out again: tcp_enter_loss() and
 * tcp_enter_recovery() set it before they send. A probe is sent in neither of the two
 * (tcp_schedule_loss_probe(), net/ipv4/tcp_output.c). A pending probe alone says nothing in
 * Recovery, since its timer may still be armed when acknowledgements start it.
 */
static __always_inline u8 type_of(struct tcp_sock *tp, u8 state)
{
	struct inet_connection_sock *icsk = &tp->inet_conn;
	u8 ca_state = BPF_CORE_READ_BITFIELD(icsk, icsk_ca_state);

	if (state == TCP_SYN_SENT)
		return RETRANSMIT_SYN;
	if (ca_state == TCP_CA_LOSS)
		return has_timed_out(tp) ? RETRANSMIT_TIMEOUT : RETRANSMIT_OTHER;
	if (ca_state == TCP_CA_RECOVERY) /* a loss probe may be armed, but does not fire then */
		return RETRANSMIT_FAST;
	if (icsk->icsk_pending == ICSK_TIME_LOSS_PROBE_NR)
		return RETRANSMIT_TLP;
	return RETRANSMIT_OTHER;
}

/* This goes out again. */
struct segment {
	u32 seq;
	u32 end_seq;
	u32 count; /* of segments on the wire */
	u8 type;   /* enum retransmit_type */
	bool has_payload;
};

static __always_inline void emit_retransmit(struct sock *sk, struct tcp_sock *tp,
					    const struct conn *conn, const struct segment *segment)
{
	struct trace_context context = {};
	struct retransmit_record *record;
	u64 now = bpf_ktime_get_ns();
	bool in_exchange;
	u32 stream = 0, reader;

	/* A FIN alone belongs to nobody; a SYN does when it was announced for whom it is. */
	if (cfg_requests && (segment->has_payload || segment->type == RETRANSMIT_SYN))
		find_context(sk, segment->seq, segment->end_seq, &context);
	in_exchange = cfg_emit_retransmit && note_loss(sk, conn, &context);
	if (in_exchange)
		note_lost_time(tp, segment->count, segment->type == RETRANSMIT_TLP, now);
	if (cfg_http2 && segment->has_payload)
		stream = find_stream(sk, segment->seq, segment->end_seq);
	reader = reader_of(cfg_emit_retransmit == EMIT_ALL ||
				   (cfg_emit_retransmit && (context.found || stream)),
			   VIEWED_RETRANSMIT);
	if (!reader)
		return;
	record = reserve(PROBE_RETRANSMIT, RECORD_RETRANSMIT | (reader & FOR_VIEWS),
			 sizeof(*record), now);
	if (!record)
		return;
	record->cookie = cookie_of(sk);
	record->owner = conn->owner;
	fill_endpoints(&record->endpoints, sk, tp, conn, sk->__sk_common.skc_state);
	record->seq = segment->seq;
	record->end_seq = segment->end_seq;
	record->segments = segment->count;
	record->type = segment->type;
	record->in_exchange = in_exchange;
	__builtin_memset(record->pad, 0, sizeof(record->pad));
	record->context = context;
	record->stream = stream;
	record->pad2 = 0;
	submit(PROBE_RETRANSMIT, record);
}

static __always_inline void handle_retransmit(struct sock *sk, struct sk_buff *skb)
{
	struct conn *conn = conn_of(sk);
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct tcp_skb_cb *cb = (struct tcp_skb_cb *)&skb->cb[0];
	u64 now = bpf_ktime_get_ns();
	struct segment segment = {};
	struct series_key key;
	struct series *row;
	u32 count;

	if (!conn || !tp || is_ignored(sk, tp, conn))
		return;
	count = BPF_CORE_READ(cb, tcp_gso_segs);
	segment.count = count ? count : 1;
	segment.type = type_of(tp, sk->__sk_common.skc_state);
	fill_series_key(&key, sk, conn, NO_ERROR);
	if (cfg_retransmit_state)
		key.state = sk->__sk_common.skc_state;
	if (segment.type == RETRANSMIT_SYN) {
		__sync_fetch_and_add(&conn->syn_retransmits, 1);
		begin_at_syn(tp, conn, now);
	}
	row = series_row(&key, PROBE_RETRANSMIT, now);
	if (row)
		__sync_fetch_and_add(&row->retransmits[segment.type], segment.count);
	if (!cfg_emit_retransmit && !is_viewed(VIEWED_RETRANSMIT))
		return;
	segment.seq = BPF_CORE_READ(cb, seq);
	segment.end_seq = BPF_CORE_READ(cb, end_seq);
	segment.has_payload = BPF_CORE_READ(skb, len) > 0;
	emit_retransmit(sk, tp, conn, &segment);
}

SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(ws_retransmit, struct sock *sk, struct sk_buff *skb)
{
	/* Since 6.17 the tracepoint also fires for an attempt that was not sent. */
	if (cfg_retransmit_has_err && (int)ctx[2] != 0)
		return 0;
	handle_retransmit(sk, skb);
	return 0;
}

static __always_inline void read_request_peer(struct request_sock *req, u8 family, u8 *into)
{
	if (family == 4)
		bpf_probe_read_kernel(into, 4, &req->__req_common.skc_daddr);
	else
		bpf_probe_read_kernel(into, 16, &req->__req_common.skc_v6_daddr);
}

/* Tells whether the filter refuses the connection that this handshake is for. */
static __always_inline bool refuses_request(struct tcp_sock *tp, const struct conn *listener,
					    const struct remote_end *end, u8 family)
{
	struct filter_facts facts = {.family = family, .remote_port = end->port};

	fill_facts(&facts, listener, &listener->owner, local_port_of(tp));
	if (family == 4) {
		facts.peer[10] = 0xff;
		facts.peer[11] = 0xff;
		__builtin_memcpy(&facts.peer[12], end->address, 4);
	} else {
		__builtin_memcpy(facts.peer, end->address, 16);
	}
	return filter_refuses(&facts);
}

/*
 * Makes one record for a SYN-ACK. The cookie is that of the handshake's request, which the
 * connection takes over when it is established.
 */
static __always_inline void emit_synack(struct tcp_sock *tp, struct conn *conn,
					struct request_sock *req, u8 family, u64 now)
{
	u32 isn = BPF_CORE_READ((struct tcp_request_sock *)req, snt_isn);
	u32 reader = reader_of(cfg_emit_retransmit == EMIT_ALL, VIEWED_RETRANSMIT);
	struct retransmit_record *record;
	struct endpoints *e;

	if (!reader)
		return;
	record = reserve(PROBE_SYNACK, RECORD_RETRANSMIT | (reader & FOR_VIEWS), sizeof(*record),
			 now);
	if (!record)
		return;
	__builtin_memset((void *)record + sizeof(record->header), 0,
			 sizeof(*record) - sizeof(record->header));
	record->cookie = bpf_get_socket_cookie((void *)req);
	record->owner = conn->owner;
	e = &record->endpoints;
	/* Both begin with a sock_common. */
	read_local((void *)req, family, e->local);
	read_request_peer(req, family, e->peer);
	e->local_port = local_port_of(tp);
	e->peer_port = bpf_ntohs(req->__req_common.skc_dport);
	e->family = family;
	e->role = ROLE_SERVER;
	e->state = TCP_NEW_SYN_RECV;
	e->netns = conn->netns;
	record->seq = isn;
	record->end_seq = isn + 1;
	record->segments = 1;
	record->type = RETRANSMIT_SYN_ACK;
	submit(PROBE_SYNACK, record);
}

/* A SYN-ACK goes out again. There is no full socket yet, so it belongs to the listener. */
SEC("tp_btf/tcp_retransmit_synack")
int BPF_PROG(ws_retransmit_synack, struct sock *sk, struct request_sock *req)
{
	struct conn *conn = conn_of((void *)sk);
	struct tcp_sock *tp = bpf_skc_to_tcp_sock((void *)sk);
	u64 now = bpf_ktime_get_ns();
	struct synack synack = {}, *kept;
	struct conn as_server = {};
	struct remote_end end = {};
	struct series_key key;
	struct series *row;

	/* By Fast Open the connection is there already, and sends it. */
	if (!conn && tp)
		conn = copy_of_listener((void *)sk);
	if (!conn || !tp || conn->role != ROLE_LISTENER)
		return 0;
	as_server.owner = conn->owner;
	as_server.role = ROLE_SERVER;
	as_server.listen_port = local_port_of(tp);
	fill_series_key(&key, (void *)sk, &as_server, NO_ERROR);
	key.family = req->__req_common.skc_family == AF_INET ? 4 : 6;
	end.port = bpf_ntohs(req->__req_common.skc_dport);
	end.netns = conn->netns;
	read_request_peer(req, key.family, end.address);
	if (filter_setup && refuses_request(tp, conn, &end, key.family))
		return 0;
	/* The listener has neither end of the connection. */
	if (cfg_peer_address == PEERS_ALL)
		__builtin_memcpy(key.peer, end.address, sizeof(key.peer));
	if (cfg_server_address)
		read_local((void *)req, key.family, key.server);
	if (cfg_retransmit_state)
		key.state = TCP_NEW_SYN_RECV;
	row = series_row(&key, PROBE_SYNACK, now);
	if (row)
		__sync_fetch_and_add(&row->retransmits[RETRANSMIT_SYN_ACK], 1);
	emit_synack(tp, conn, req, key.family, now);
	if (req->num_retrans <= 1) {
		/* We remember when the first one went, for the handshake's duration. */
		synack.first_ns = BPF_CORE_READ((struct tcp_request_sock *)req, snt_synack) * 1000;
		kept = lookup_or_try_init(&synacks, &end, &synack);
	} else {
		kept = bpf_map_lookup_elem(&synacks, &end);
	}
	if (kept)
		kept->again = (u64)req->num_retrans + 1;
	return 0;
}
