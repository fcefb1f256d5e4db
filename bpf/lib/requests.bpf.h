/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* This tells which request a byte of a connection belongs to, by its position in the stream. */
#ifndef WIRESPAN_LIB_REQUESTS_H
#define WIRESPAN_LIB_REQUESTS_H

#define REQUEST_SLOTS 8

/* A request with a trace context has the half-open interval [start, end) of the stream. */
struct request {
	u8 trace_id[16];
	u8 span_id[8];
	u64 start_ns;
	u64 start;
	u64 end;
	u32 start_seq;
	u8 flags;
	u8 found;
	u8 method; /* enum context_method */
	u8 pad;
};

/* The end of an interval that was said, not read in the bytes, and goes on. */
#define OPEN_END (~0ULL)

/* In which asynchronous context of Node a connection was opened, and how far it is since: node_opener.bpf.h. */
struct node_opener {
	u64 ids[3];   /* as in struct request; 0: in none */
	u64 first_ns; /* when the client's handshake of TLS was over */
	u32 read; /* the sequence number up to which the process had read, when it came so far */
	u8 flags;
	u8 stage; /* enum node_stage */
	u8 pad[2];
};

/* How far the messages of a client were followed. */
struct progress {
	u64 boundary; /* where the next message must begin, or the next bytes of a chunked body */
	struct chunks chunks;
	u32 held; /* so many bytes from the boundary on were written: of a head that goes on (held_head.bpf.h) */
	u32 pad;
};

/*
 * It has the requests of one connection; the newest takes the slot of the oldest. A request
 * without a context has no slot, and a byte that no slot covers belongs to nobody. Those that
 * were announced do not overlap each other, nor do those of threads; between the kinds they may.
 */
struct request_ring {
	struct request slots[REQUEST_SLOTS];
	struct progress now;
	struct progress before; /* the last write that was followed */
	u64 last;		/* where that one began */
	u64 vectors;		/* and where its first struct iovec was, when it has some */
	/* The longest data of a chunk in it, as positions: the kernel may take a write in part. */
	u64 data;
	u64 data_end;
	u64 message; /* where the message began whose chunks are followed */
	u32 base;    /* added to a sequence number: the low half of its position */
	u32 count;
	u8 opaque;  /* framing unknown: no request is taken any more */
	u8 written; /* last is set */
	u8 early; /* `base` is not known yet: announced, or to leave with the SYN, before ESTABLISHED */
	u8 opening; /* of the SYN: the number of its slot, from 1; 0: none, or without a context */
	u8 one_by_one;	/* as CONN_ONE_BY_ONE, where a kprobe meets the writes */
	u8 body;	/* the number of the slot, from 1, of that message; 0: it has no context */
	u8 in_exchange; /* one goes on: exchange.bpf.h */
	u8 announced; /* a request was, after the handshake: whoever writes is not asked any more */
	u32 received; /* low half of what the socket had received at the last request */
	/* Where the bytes of the head are that goes on, or did last, from 1; 0: nowhere. */
	u16 holder;
	u8 opens;    /* it began with the first write of its connection */
	u8 alone;    /* all before it were answered when it began */
	u64 head_ns; /* and when this was */
	u8 goes_on;  /* it is counted in `unfinished` */
	u8 pad2[7];
	struct node_opener node; /* written by node_opener.bpf.h */
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct request_ring);
} requests SEC(".maps");

/*
 * A client connection has this when a kprobe meets its writes, since that has no type for the
 * socket and so no storage. It is found by the socket's address, from ESTABLISHED to CLOSE, and the
 * cookie tells whose it is. User space gives the map its size. When it is full, this is counted,
 * and the requests of the connection are not known.
 */
struct followed {
	u64 cookie;
	struct opener opener; /* as in struct conn */
	struct request_ring ring;
	struct connection_record handshake; /* all but the request */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, u64);
	__type(value, struct followed);
} follows SEC(".maps");

/* It is too large for the BPF stack. */
static struct followed zero_followed;

static __always_inline struct request_ring *requests_of(struct sock *sk)
{
	struct followed *followed;
	u64 address = (u64)sk;

	if (!cfg_requests_by_address)
		return bpf_sk_storage_get(&requests, sk, 0, 0);
	followed = bpf_map_lookup_elem(&follows, &address);
	if (!followed || followed->cookie != (u64)sk->__sk_common.skc_cookie.counter)
		return 0;
	return &followed->ring;
}

/*
 * How many clients have a message that goes on, by a part of their address: the next write of each is looked at, whatever
 * it begins with. So is that of others with the same part, which costs a look-up.
 */
#define UNFINISHED_BITS 14
u32 unfinished[1 << UNFINISHED_BITS] = {};

static __always_inline u32 *unfinished_at(struct sock *sk)
{
	return &unfinished[(address_of(sk) * 0x9e3779b97f4a7c15ULL) >> (64 - UNFINISHED_BITS)];
}

static __always_inline bool is_unfinished(struct sock *sk)
{
	return *unfinished_at(sk);
}

/* After a write. */
static __always_inline void note_unfinished(struct sock *sk, struct request_ring *ring)
{
	u8 goes_on = ring->now.chunks.state || ring->now.held;

	if (ring->goes_on == goes_on)
		return;
	ring->goes_on = goes_on;
	__sync_fetch_and_add(unfinished_at(sk), goes_on ? 1 : -1);
}

/* The slot with this number, from 1; NULL: none. */
static __always_inline struct request *slot_at(struct request_ring *ring, u32 number)
{
	return ring && number ? &ring->slots[(number - 1) & (REQUEST_SLOTS - 1)] : 0;
}

static __always_inline u64 position_of(const struct request_ring *ring, u64 bytes_acked, u32 seq)
{
	return position_from(ring->base, bytes_acked, seq);
}

static __always_inline void tell_request(const struct request *request, struct trace_context *into)
{
	into->start_ns = request->start_ns;
	into->start_seq = request->start_seq;
	into->flags = request->flags;
	into->found = 1;
	into->method = request->method;
	into->pad = 0;
	__builtin_memcpy(into->trace_id, request->trace_id, 16);
	__builtin_memcpy(into->span_id, request->span_id, 8);
}

/*
 * Finds the context of the request that owns the segment's first byte: that of a head in the bytes
 * themselves, else what was announced, else what the answer is to, else what its thread published. A
 * FIN alone lies past every interval of a head, and is not asked for.
 */
static __always_inline void find_context(struct sock *sk, u32 seq, u32 end_seq,
					 struct trace_context *into)
{
	struct request_ring *ring = requests_of(sk);
	struct request *owner = 0;
	u64 at = 0;
	u32 i;

	if (!ring || seq == end_seq)
		return;
	if (!ring->early)
		at = position_of(ring, BPF_CORE_READ((struct tcp_sock *)sk, bytes_acked), seq);
	for (i = 0; i < REQUEST_SLOTS; i++) {
		struct request *request = &ring->slots[i];

		if (!request->found || at < request->start || at >= request->end)
			continue;
		if (!owner || request->method <= owner->method)
			owner = request;
	}
	if (owner)
		tell_request(owner, into);
}

/* Compares both kinds of ids, eight bytes at a time: they lie at multiples of 8 in a request. */
static __always_inline bool has_same_ids(const struct request *one, const struct request *other)
{
	const u64 *a = (const u64 *)one->trace_id, *b = (const u64 *)other->trace_id;

	_Static_assert(__builtin_offsetof(struct request, trace_id) == 0, "request");
	_Static_assert(__builtin_offsetof(struct request, span_id) == 16, "request");
	return a[0] == b[0] && a[1] == b[1] && a[2] == b[2];
}

static __always_inline bool is_zero(const u8 *bytes, u32 count)
{
	u8 all = 0;
	u32 i;

	for (i = 0; i < count; i++)
		all |= bytes[i];
	return !all;
}

/* All that is of threads is of one kind. */
static __always_inline bool is_same_kind(u8 one, u8 other)
{
	return one == other || (one >= METHOD_THREAD_CTX && other >= METHOD_THREAD_CTX);
}

/* Returns the interval that goes on and was said in this way, or NULL. */
static __always_inline struct request *open_interval(struct request_ring *ring, u8 method)
{
	u32 i;

	for (i = 0; i < REQUEST_SLOTS; i++) {
		struct request *request = &ring->slots[i];

		if (request->found && request->end == OPEN_END &&
		    is_same_kind(request->method, method))
			return request;
	}
	return 0;
}

/* Returns the announcement that goes on, or NULL. */
static __always_inline struct request *open_announcement(struct request_ring *ring)
{
	return open_interval(ring, METHOD_SDK_HOOK);
}

/*
 * The context of the bytes from here on is said. The one before that was said in the same way ends here; when it has
 * no byte, this one takes its slot. Said twice is said once; without ids it is an end.
 */
static __always_inline void take_said(struct request_ring *ring, const struct request *said,
				      u64 position, u32 write_seq, u8 method)
{
	struct request *before = open_interval(ring, method), *slot;

	if (before && before->flags == said->flags && before->method == method &&
	    has_same_ids(before, said))
		return;
	if (before)
		before->end = position;
	if (!said->found)
		return;
	slot = &ring->slots[ring->count & (REQUEST_SLOTS - 1)];
	if (before && before->start == position)
		slot = before;
	else
		ring->count += 1;
	slot->found = 0;
	slot->start_ns = bpf_ktime_get_ns();
	slot->start = position;
	slot->end = OPEN_END;
	slot->start_seq = write_seq;
	slot->flags = said->flags;
	slot->method = method;
	__builtin_memcpy(slot->trace_id, said->trace_id, 16);
	__builtin_memcpy(slot->span_id, said->span_id, 8);
	slot->found = 1;
}

/* The connection is established, so its stream has a beginning. */
static __always_inline void place_stream(struct request_ring *ring, u32 base)
{
	u32 i;

	for (i = 0; ring->early && i < REQUEST_SLOTS; i++)
		ring->slots[i].start_seq = (u32)ring->slots[i].start - base;
	ring->base = base;
	ring->early = 0;
}

#endif
