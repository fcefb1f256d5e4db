// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * This takes what applications say of their sockets: the trace context of the bytes that they write
 * from now on. They say it by setsockopt() with a level of our own, to which the kernel alone
 * answers ENOPROTOOPT. Whoever can do that has the socket open, so nobody speaks for others. What
 * is not understood is left to the kernel too, and counted. See docs/decisions/0035.
 */
#include "wirespan.bpf.h"

/*
 * The kernel hands over a page of a value at most. A longer one would come to nothing before Linux
 * 6.5, unless the program says that it has no use for it (__cgroup_bpf_run_filter_setsockopt()).
 */
static __always_inline void leave_alone(struct bpf_sockopt *ctx)
{
	if (ctx->optlen > ctx->optval_end - ctx->optval)
		ctx->optlen = 0;
}

/* Has all ids, or none: then an announcement ends. */
static __always_inline bool is_valid(const struct request *said)
{
	return is_zero(said->trace_id, 16) == is_zero(said->span_id, 8);
}

enum said {
	SAID_NOTHING,  /* it is no announcement */
	SAID_IN_VAIN,  /* it is one, and is not kept; why not is counted */
	SAID_FOR_GOOD, /* it is kept, or nobody wants it */
};

/* Returns where the requests of the socket are kept. NULL: there is no room, which is counted. */
static __always_inline struct request_ring *ring_for(struct bpf_sock *socket, struct sock *sk)
{
	struct request_ring *ring;
	struct followed *followed;
	u64 address = (u64)sk;

	if (cfg_requests_by_address && socket->state != TCP_CLOSE &&
	    socket->state != TCP_SYN_SENT) {
		followed = bpf_map_lookup_elem(&follows, &address);
		if (followed &&
		    followed->cookie == (u64)BPF_CORE_READ(sk, __sk_common.skc_cookie.counter))
			return &followed->ring;
		count_loss(PROBE_ANNOUNCE, LOST_MAP_FULL);
		return 0;
	}
	ring = bpf_sk_storage_get(&requests, socket, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!ring)
		count_loss(PROBE_ANNOUNCE, LOST_STORAGE);
	return ring;
}

/* Its connection is known, and is not observed. */
static __always_inline bool is_unwanted(struct bpf_sock *socket, struct sock *sk)
{
	struct conn *conn;

	if (cfg_conn_table)
		conn = conn_at((u64)sk, BPF_CORE_READ(sk, __sk_common.skc_cookie.counter));
	else
		conn = bpf_sk_storage_get(&conns, socket, 0, 0);
	return conn && (conn->flags & CONN_IGNORED);
}

/* The kernel holds the socket's lock, so nothing is written meanwhile. */
static __always_inline enum said announce_context(struct bpf_sock *socket,
						  const struct request *said)
{
	struct sock *sk = (struct sock *)address_of(socket);
	struct tcp_sock *tp = (struct tcp_sock *)sk;
	u32 write_seq, snd_una, state = socket->state;
	struct request_ring *ring;
	u64 bytes_acked;

	if (state != TCP_CLOSE && state != TCP_SYN_SENT && state != TCP_ESTABLISHED &&
	    state != TCP_CLOSE_WAIT)
		return SAID_NOTHING;
	if (is_unwanted(socket, sk))
		return SAID_FOR_GOOD;
	ring = ring_for(socket, sk);
	if (!ring)
		return SAID_IN_VAIN;
	if (state == TCP_CLOSE || state == TCP_SYN_SENT) {
		/* Nothing was sent, and what the socket was before is over. */
		if (!ring->early)
			__builtin_memset(ring, 0, sizeof(*ring));
		ring->early = 1;
		take_said(ring, said, 0, 0, METHOD_SDK_HOOK);
		return SAID_FOR_GOOD;
	}
	write_seq = BPF_CORE_READ(tp, write_seq);
	snd_una = BPF_CORE_READ(tp, snd_una);
	bytes_acked = BPF_CORE_READ(tp, bytes_acked);
	place_stream(ring, (u32)bytes_acked - snd_una);
	ring->announced |= said->found;
	take_said(ring, said, bytes_acked + (u32)(write_seq - snd_una), write_seq, METHOD_SDK_HOOK);
	return SAID_FOR_GOOD;
}

static __always_inline bool is_tcp_socket(const struct bpf_sock *socket)
{
	return socket && socket->type == SOCK_STREAM_NR && socket->protocol == IPPROTO_TCP &&
	       (socket->family == AF_INET || socket->family == AF_INET6);
}

static __always_inline enum said announce_next_connect(const struct request *said)
{
	if (is_zero(said->trace_id, 16)) {
		forget_next_connect();
	} else if (!note_next_connect(said)) {
		count_loss(PROBE_ANNOUNCE, LOST_MAP_FULL);
		return SAID_IN_VAIN;
	}
	return SAID_FOR_GOOD;
}

static __always_inline enum said handle_announcement(struct bpf_sockopt *ctx)
{
	const struct announcement *given = ctx->optval;
	struct request said = {};

	if (ctx->optlen != sizeof(*given) || (void *)(given + 1) > ctx->optval_end ||
	    given->version != ANNOUNCEMENT_VERSION)
		return SAID_NOTHING;
	said.flags = given->flags;
	__builtin_memcpy(said.trace_id, given->trace_id, 16);
	__builtin_memcpy(said.span_id, given->span_id, 8);
	said.found = !is_zero(said.trace_id, 16);
	if (!is_valid(&said))
		return SAID_NOTHING;
	if (ctx->optname == ANNOUNCEMENT_NEXT_CONNECT)
		return announce_next_connect(&said);
	if (ctx->optname == ANNOUNCEMENT_NAME && is_tcp_socket(ctx->sk))
		return announce_context(ctx->sk, &said);
	return SAID_NOTHING;
}

/* At the root of cgroup v2, so at every setsockopt() of the machine: all but ours leave at once. */
SEC("cgroup/setsockopt")
int ws_announce(struct bpf_sockopt *ctx)
{
	enum said said;

	if (ctx->level != ANNOUNCEMENT_LEVEL) {
		leave_alone(ctx);
		return 1;
	}
	said = handle_announcement(ctx);
	if (said != SAID_FOR_GOOD) {
		if (said == SAID_NOTHING)
			count_loss(PROBE_ANNOUNCE, MISS_INVALID);
		leave_alone(ctx);
		return 1;
	}
	count_loss(PROBE_ANNOUNCE, TAKEN);
	ctx->optlen = -1; /* done: the kernel has nothing to do with it */
	return 1;
}
