/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * How the time of an exchange divides: moments and durations that the programs of writes, reads, arriving segments
 * and retransmissions note as it goes on. User space makes phases of them: docs/decisions/0075. Nothing of this is
 * kept, nor its program loaded, unless `cfg_phases` is set.
 */
#ifndef WIRESPAN_LIB_PHASES_H
#define WIRESPAN_LIB_PHASES_H

/*
 * This is kept of a connection's last exchange. Reads, writes and retransmissions are under the socket's lock, arriving segments
 * are not: `busy` is for what those and reads both change.
 */
struct phases {
	struct exchange_phases told;
	u64 progress_ns; /* the other end acknowledged more, or a segment was sent again */
	u32 due; /* the sequence number after what came of a client's response, or after a server's request */
	u32 came_to; /* of a server: after what came of the request without a gap */
	u32 busy;
	u8 client;
	u8 sends;     /* this end's message is being sent: a response that comes ends a client's */
	u8 may_block; /* the last write found too little room in the send buffer */
	u8 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct phases);
} phases SEC(".maps");

/* It is too large for the BPF stack. */
static struct phases zero_phases;

static __always_inline struct phases *phases_of(struct tcp_sock *tp)
{
	return cfg_phases ? bpf_sk_storage_get(&phases, tp, 0, 0) : 0;
}

/* The first byte of a request was written, or came, at `start_ns`. */
static __always_inline struct phases *begin_phases(struct tcp_sock *tp, bool client, u64 start_ns)
{
	struct phases *p;

	if (!cfg_phases)
		return 0;
	p = bpf_sk_storage_get(&phases, tp, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!p) {
		count_loss(PROBE_EXCHANGE, LOST_STORAGE);
		return 0;
	}
	*p = zero_phases;
	p->client = client;
	p->sends = client;
	p->due = tp->rcv_nxt;
	p->told.written_ns = start_ns;
	p->told.followed = 1;
	return p;
}

/* The connection was opened for the request that a client writes now. */
static __always_inline void note_opening(struct tcp_sock *tp, const struct conn *conn,
					 const struct request *request)
{
	struct phases *p = phases_of(tp);

	if (!p || p->told.written_ns != request->start_ns || (conn->flags & CONN_NO_START))
		return;
	p->told.connect_ns = conn->start_ns;
	p->told.established_ns = conn->established_ns;
}

static __always_inline void tell_phases(struct tcp_sock *tp, const struct conn *conn,
					struct exchange_phases *into)
{
	struct phases *p = phases_of(tp);

	if (!p) {
		__builtin_memset(into, 0, sizeof(*into));
		return;
	}
	*into = p->told;
	if (!p->client)
		into->accepted_ns = conn->accepted_ns;
}

/*
 * A request's head is whole at its server, with `seen` bytes from the first one on and `boundary` after its last one.
 * `came_ns`: when the head's last segment came.
 */
static __always_inline void note_head(struct phases *p, u32 seen, u32 boundary, u64 came_ns)
{
	p->came_to = seen;
	p->due = boundary;
	if ((s32)(seen - boundary) >= 0)
		p->told.came_ns = came_ns;
}

/* More of a request comes to its server. A gap may be filled at any time, so when all was there is not known. */
static __always_inline void note_body(struct tcp_sock *tp, u32 seq, u32 end)
{
	struct phases *p = phases_of(tp);

	if (!p || p->client || p->told.came_ns || p->sends)
		return;
	if ((s32)(seq - p->came_to) > 0)
		p->told.unclear = 1;
	if ((s32)(end - p->came_to) > 0)
		p->came_to = end;
	if ((s32)(p->came_to - p->due) >= 0)
		p->told.came_ns = bpf_ktime_get_ns();
}

/* A server writes the first bytes of its answer. */
static __always_inline void note_answer(struct sock *sk, u64 now)
{
	struct phases *p = phases_of((struct tcp_sock *)sk);

	if (!p)
		return;
	p->told.written_ns = now;
	p->sends = 1;
}

/*
 * What the last write left undone lasted until this one, unless there was room for all of it: then the application had
 * the time to itself, whatever was lost meanwhile.
 */
static __always_inline void close_write(struct phases *p, u64 now)
{
	struct exchange_phases *told = &p->told;
	u64 unsent = 0;

	if (p->may_block) {
		if (told->unsent_ns > told->written_ns)
			unsent = told->unsent_ns - told->written_ns - told->lost_unsent_ns;
		told->earlier_unsent_ns += unsent;
		told->earlier_lost_ns += told->lost_ns;
		told->earlier_unknown_ns += now - told->written_ns - unsent - told->lost_ns;
	}
	told->unsent_ns = 0;
	told->lost_ns = 0;
	told->lost_unsent_ns = 0;
	told->written_ns = now;
}

/* An application writes, and what it means for requests and answers is known. */
static __noinline int note_write(struct tcp_sock *tp, u64 bytes)
{
	struct phases *p = phases_of(tp);
	struct sock *sk = (struct sock *)tp;

	if (!p || !p->sends)
		return 0;
	close_write(p, bpf_ktime_get_ns());
	/* A buffer of the kernel takes more room than the bytes in it. */
	p->may_block = (u64)sk->sk_wmem_queued + 2 * bytes > (u64)sk->sk_sndbuf;
	return 0;
}

/* So many bytes were written that were not sent yet; over loopback this lags behind. */
static __always_inline s32 unsent_by(struct tcp_sock *tp)
{
	return tp->write_seq - fin_was_sent(((struct sock *)tp)->__sk_common.skc_state) -
	       tp->snd_nxt;
}

/*
 * A segment comes that acknowledges all up to `ack`, before TCP has it. Over loopback it may come before TCP has noted
 * that it sent what is acknowledged.
 */
static __always_inline void note_progress(struct tcp_sock *tp, u32 ack)
{
	s32 beyond = ack - tp->snd_nxt, unsent = unsent_by(tp);
	bool moves = (s32)(ack - tp->snd_una) > 0, waits = unsent > 0;
	struct phases *p;
	u64 now;

	/* With all of it acknowledged nothing waits, and nothing can be lost any more. */
	if (unsent <= beyond || (!moves && !waits))
		return;
	p = phases_of(tp);
	if (!p || !p->sends)
		return;
	now = bpf_ktime_get_ns();
	if (moves)
		p->progress_ns = now;
	if (waits) {
		p->told.unsent_ns = now;
		p->told.lost_unsent_ns = p->told.lost_ns;
	}
}

/*
 * Segments of the exchange were sent again: since the last progress the stream stood still. A probe repeats what was sent
 * only when it may not send what waits: it is the window that takes that time.
 */
static __always_inline void note_lost_time(struct tcp_sock *tp, u32 segments, bool is_probe,
					   u64 now)
{
	struct phases *p = phases_of(tp);
	u64 since;

	if (!p)
		return;
	p->told.segments_seen += segments;
	if (!p->sends || (is_probe && unsent_by(tp) > 0))
		return;
	since = p->progress_ns > p->told.written_ns ? p->progress_ns : p->told.written_ns;
	if (now > since)
		p->told.lost_ns += now - since;
	p->progress_ns = now;
}

/* More of a response comes to its client: it waits to be read from now on, if nothing does yet. */
static __always_inline void note_response(struct tcp_sock *tp, u32 seq, u32 end, u64 now)
{
	struct phases *p = phases_of(tp);

	if (!p)
		return;
	p->sends = 0;
	if (__sync_lock_test_and_set(&p->busy, 1)) {
		p->told.unclear = 1;
		return;
	}
	if ((s32)(seq - p->due) > 0)
		p->told.unclear = 1; /* what came after a gap is not there to be read */
	if (!p->told.waits_ns)
		p->told.waits_ns = now;
	p->due = end;
	__sync_lock_test_and_set(&p->busy, 0);
}

/* The application has read up to `copied`. */
static __always_inline void note_read(struct phases *p, u32 copied)
{
	struct exchange_phases *told = &p->told;
	u64 now;

	if (!p->client) {
		if (told->came_ns && !told->read_ns && (s32)(copied - p->due) >= 0)
			told->read_ns = bpf_ktime_get_ns();
		return;
	}
	if (!told->waits_ns)
		return;
	if (__sync_lock_test_and_set(&p->busy, 1)) {
		told->unclear = 1;
		return;
	}
	now = bpf_ktime_get_ns();
	if ((s32)(copied - p->due) >= 0) {
		told->queued_ns += now - told->waits_ns;
		told->read_ns = now;
		told->waits_ns = 0;
	}
	__sync_lock_test_and_set(&p->busy, 0);
}

#endif
