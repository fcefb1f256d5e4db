// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The traceparent of plaintext HTTP/1.x requests, read at the client's write
 * (W3C Trace Context, RFC 9112). A context is taken only from a head that begins
 * at a message boundary of a stream followed from its first byte; everything
 * uncertain gives no context and is counted. Payload stays here: 26 bytes leave.
 */
#include "include/handshake.bpf.h"

#define HEAD_WINDOW	4096
#define HEADS_PER_WRITE 4
#define TRACEPARENT_LEN 55

enum iter_type {
	ITER_IOVEC,
	ITER_UBUF,
};

/* Kernels before 6.4 name the vector `iov`. */
struct iov_iter___iov {
	const struct iovec *iov;
} __attribute__((preserve_access_index));

struct head {
	u32 start;
	u32 end; /* first byte after the head; 0: incomplete */
	u32 traceparent;
	u32 traceparents;
	u32 content_length;
	u32 content_lengths;
	u32 unframed; /* Transfer-Encoding, Upgrade */
	u32 pad;
};

struct write_scratch {
	u8 bytes[HEAD_WINDOW + 256];
	struct head heads[HEADS_PER_WRITE + 1];
	u64 count; /* complete heads */
	struct request request;
};

/* Working memory: a head does not fit the stack. Preemption is off for tracing programs' per-CPU use. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct write_scratch);
} scratches SEC(".maps");

/* Clears the working memory: a short write must not show an earlier one's bytes. */
static u8 zero_bytes[HEAD_WINDOW + 256];

#define WORD4(a, b, c, d)	      ((u32)(a) | (u32)(b) << 8 | (u32)(c) << 16 | (u32)(d) << 24)
#define WORD8(a, b, c, d, e, f, g, h) ((u64)WORD4(a, b, c, d) | (u64)WORD4(e, f, g, h) << 32)

/* Methods of RFC 9110, PATCH and QUERY, with their space. */
static __always_inline bool is_method(u64 w)
{
	u32 low = (u32)w;

	return low == WORD4('G', 'E', 'T', ' ') || low == WORD4('P', 'U', 'T', ' ') ||
	       (w & 0xffffffffffULL) == WORD8('P', 'O', 'S', 'T', ' ', 0, 0, 0) ||
	       (w & 0xffffffffffULL) == WORD8('H', 'E', 'A', 'D', ' ', 0, 0, 0) ||
	       (w & 0xffffffffffffULL) == WORD8('P', 'A', 'T', 'C', 'H', ' ', 0, 0) ||
	       (w & 0xffffffffffffULL) == WORD8('T', 'R', 'A', 'C', 'E', ' ', 0, 0) ||
	       (w & 0xffffffffffffULL) == WORD8('Q', 'U', 'E', 'R', 'Y', ' ', 0, 0) ||
	       (w & 0xffffffffffffffULL) == WORD8('D', 'E', 'L', 'E', 'T', 'E', ' ', 0) ||
	       w == WORD8('O', 'P', 'T', 'I', 'O', 'N', 'S', ' ') ||
	       w == WORD8('C', 'O', 'N', 'N', 'E', 'C', 'T', ' ');
}

static __always_inline struct write_scratch *scratch(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&scratches, &zero);
}

static __always_inline u64 word_at(struct write_scratch *s, u32 at)
{
	return *(u64 *)&s->bytes[at & (HEAD_WINDOW - 1)];
}

/*
 * A line of a head begins at `at`: note it if it is one of the fields we need, or
 * the head's end. Returns 1 to stop. A global function: the verifier takes it
 * once, not once for every place it is called from.
 */
__noinline int see_line(u32 at)
{
	struct write_scratch *s = scratch();
	struct head *head;
	u64 lower;

	if (!s)
		return 1;
	at &= 2 * HEAD_WINDOW - 1;
	if (at > HEAD_WINDOW)
		return 1;
	head = &s->heads[s->count & 3];
	lower = *(u64 *)&s->bytes[at] | 0x2020202020202020ULL;
	if (lower == WORD8('t', 'r', 'a', 'c', 'e', 'p', 'a', 'r')) {
		/* The whole name, and its colon at once (RFC 9112 section 5.1). */
		if ((s->bytes[at + 8] | 0x20) == 'e' && (s->bytes[at + 9] | 0x20) == 'n' &&
		    (s->bytes[at + 10] | 0x20) == 't' && s->bytes[at + 11] == ':') {
			head->traceparent = at;
			head->traceparents += 1;
		}
	} else if (lower == WORD8('c', 'o', 'n', 't', 'e', 'n', 't', '-')) {
		/* content-len: not -type, -encoding and the like */
		if ((s->bytes[at + 8] | 0x20) == 'l' && (s->bytes[at + 9] | 0x20) == 'e' &&
		    (s->bytes[at + 10] | 0x20) == 'n') {
			head->content_length = at;
			head->content_lengths += 1;
		}
	} else if (lower == WORD8('t', 'r', 'a', 'n', 's', 'f', 'e', 'r') ||
		   lower == WORD8('u', 'p', 'g', 'r', 'a', 'd', 'e', ':')) {
		head->unframed = 1;
	} else if (s->bytes[at] == '\r' && s->bytes[at + 1] == '\n') {
		/* A body follows, or this write has had enough heads: stop here. */
		head->end = at + 2;
		s->count += 1;
		if (head->content_lengths || head->unframed || s->count >= HEADS_PER_WRITE)
			return 1;
		s->heads[s->count & 3].start = at + 2;
	}
	return 0;
}

/* Eight bytes with a line feed among them. Returns 1 to stop. */
__noinline int see_word(u32 at)
{
	struct write_scratch *s = scratch();
	u32 i;

	if (!s)
		return 1;
	for (i = 0; i < 8; i++) {
		u32 here = (at + i) & (HEAD_WINDOW - 1);

		if (s->bytes[here] == '\n' && see_line(here + 1))
			return 1;
	}
	return 0;
}

/*
 * Notes where heads begin and end and where their interesting fields are, in map
 * memory, which the verifier does not track. Bytes past the write are zero.
 */
__noinline int find_heads(void)
{
	struct write_scratch *s = scratch();
	u32 i, stop = 0;

	if (!s)
		return 0;
	for (i = 0; i < HEAD_WINDOW; i += 8) {
		u64 x = *(u64 *)&s->bytes[i] ^ 0x0a0a0a0a0a0a0a0aULL;

		if ((x - 0x0101010101010101ULL) & ~x & 0x8080808080808080ULL)
			stop = see_word(i);
		/* One way round only: Linux 6.1 refuses a loop that is entered again by falling through. */
		barrier_var(stop);
		if (stop)
			break;
	}
	return 0;
}

static __always_inline int hex_of(u8 c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static __always_inline u8 *value_of(struct write_scratch *s, u32 at, u32 name_length)
{
	u32 i, skip = 0;

	at &= HEAD_WINDOW - 1;
	if (s->bytes[at + name_length] != ':')
		return 0;
	for (i = 0; i < 16; i++) {
		u8 c = s->bytes[at + name_length + 1 + i];

		if (c != ' ' && c != '\t')
			break;
		skip = i + 1;
	}
	return &s->bytes[at + name_length + 1 + (skip & 31)];
}

/*
 * Whether the field ends here: blanks, the line's end, and no line that continues it
 * (obs-fold, RFC 9112 section 5.2). A later version may go on after a dash.
 */
static __always_inline bool value_ends(const u8 *after, int version)
{
	u32 i, skip = 0;

	if (version > 0 && after[0] == '-')
		return true;
	for (i = 0; i < 16; i++) {
		if (after[i] != ' ' && after[i] != '\t')
			break;
		skip = i + 1;
	}
	after += skip & 31;
	if (after[0] != '\r' || after[1] != '\n')
		return false;
	return after[2] != ' ' && after[2] != '\t';
}

/* version "-" trace-id "-" parent-id "-" flags, W3C Trace Context 3.2: lower case only. */
__noinline int parse_traceparent(u32 at)
{
	struct write_scratch *s = scratch();
	struct request *r;
	u64 *trace, *span;
	int version, high, low;
	u32 i;
	u8 *v;

	if (!s)
		return -1;
	r = &s->request;
	at &= HEAD_WINDOW - 1;
	v = value_of(s, at, 11);
	if (!v)
		return -1;
	high = hex_of(v[0]);
	low = hex_of(v[1]);
	version = high << 4 | low;
	if (high < 0 || low < 0 || version == 0xff || v[2] != '-' || v[35] != '-' || v[52] != '-')
		return -1;
	for (i = 0; i < 16; i++) {
		high = hex_of(v[3 + 2 * i]);
		low = hex_of(v[4 + 2 * i]);
		if (high < 0 || low < 0)
			return -1;
		r->trace_id[i] = high << 4 | low;
	}
	for (i = 0; i < 8; i++) {
		high = hex_of(v[36 + 2 * i]);
		low = hex_of(v[37 + 2 * i]);
		if (high < 0 || low < 0)
			return -1;
		r->span_id[i] = high << 4 | low;
	}
	high = hex_of(v[53]);
	low = hex_of(v[54]);
	trace = (u64 *)r->trace_id;
	span = (u64 *)r->span_id;
	if (high < 0 || low < 0 || !(trace[0] | trace[1]) || !span[0])
		return -1;
	if (!value_ends(&v[TRACEPARENT_LEN], version))
		return -1;
	r->flags = high << 4 | low;
	return 0;
}

/* The decimal number of Content-Length, or -1. At most 2^31: a larger body is unframed to us. */
__noinline int parse_content_length(u32 at)
{
	struct write_scratch *s = scratch();
	u64 value = 0;
	u32 i;
	u8 *v;

	if (!s)
		return -1;
	v = value_of(s, at, 14);
	if (!v)
		return -1;
	for (i = 0; i < 11; i++) {
		if (v[i] < '0' || v[i] > '9')
			break;
		value = value * 10 + (v[i] - '0');
	}
	if (i == 0 || i == 11 || value > 0x7fffffff || (v[i] != '\r' && v[i] != ' '))
		return -1;
	return value;
}

/* One complete head: its interval, and a slot when it carries one valid context. Returns the next boundary. */
static __noinline u32 take_head(struct write_scratch *s, struct request_ring *ring, u32 index,
				u32 write_seq, u64 now)
{
	struct head *head = &s->heads[index & 3];
	u32 end = write_seq + head->end;
	struct request *slot;
	int body;

	if (head->content_lengths && !head->unframed) {
		body = head->content_lengths == 1 ? parse_content_length(head->content_length) : -1;
		if (body < 0)
			ring->opaque = 1;
		else
			end += body;
	}
	if (head->unframed || (u32)word_at(s, head->start) == WORD4('C', 'O', 'N', 'N'))
		ring->opaque = 1;
	if (head->traceparents != 1) {
		count_loss(PROBE_REQUEST, head->traceparents ? MISS_INVALID : MISS_NO_HEADER);
		return end;
	}
	if (parse_traceparent(head->traceparent)) {
		count_loss(PROBE_REQUEST, MISS_INVALID);
		return end;
	}
	count_loss(PROBE_REQUEST, HIT_HEADER);
	slot = &ring->slots[ring->count & (REQUEST_SLOTS - 1)];
	slot->found = 0;
	slot->start_ns = now;
	slot->start_seq = write_seq + head->start;
	slot->end_seq = end;
	slot->flags = s->request.flags;
	__builtin_memcpy(slot->trace_id, s->request.trace_id, 16);
	__builtin_memcpy(slot->span_id, s->request.span_id, 8);
	slot->found = 1;
	s->request.found = 1;
	s->request.start_seq = slot->start_seq;
	ring->count += 1;
	return end;
}

/* A field of what the verifier has a type for (`typed`, a constant), or not. */
#define FIELD(typed, from, field) ((typed) ? (from)->field : BPF_CORE_READ(from, field))

/* The first user buffer of a write, or 0: kernel pages and the like are not ours to read. */
static __always_inline u64 first_buffer(struct iov_iter *iter, u64 *length, bool typed)
{
	const struct iovec *vector = 0;
	u8 type = FIELD(typed, iter, iter_type);

	if (bpf_core_enum_value_exists(enum iter_type, ITER_UBUF) &&
	    type == bpf_core_enum_value(enum iter_type, ITER_UBUF)) {
		*length = FIELD(typed, iter, count);
		return (u64)FIELD(typed, iter, ubuf);
	}
	if (type != bpf_core_enum_value(enum iter_type, ITER_IOVEC))
		return 0;
	if (bpf_core_field_exists(iter->__iov))
		vector = FIELD(typed, iter, __iov);
	else
		vector = BPF_CORE_READ((struct iov_iter___iov *)iter, iov);
	*length = BPF_CORE_READ(vector, iov_len);
	return (u64)BPF_CORE_READ(vector, iov_base);
}

/*
 * The last write is met again at the same place: it waited for room, or was given up
 * and none of its bytes were queued. What it left is not there.
 */
static __always_inline void take_back(struct request_ring *ring, u32 write_seq)
{
	u32 i;

	if (!ring->written || ring->last_seq != write_seq)
		return;
	for (i = 0; i < REQUEST_SLOTS; i++)
		if ((s32)(ring->slots[i].start_seq - write_seq) >= 0)
			ring->slots[i].found = 0;
	ring->boundary = write_seq;
	ring->opaque = 0; /* a write is only followed where it was not */
}

/* One write: where it begins in the stream, its bytes in all, and those of its first buffer. */
struct write {
	u64 buffer;
	u64 length;
	u64 count;
	u32 write_seq;
	bool first; /* of its connection */
};

/* Follows the messages of a write. Returns the request that a first write begins with, if it has a context. */
static __always_inline struct request *take_request(struct request_ring *ring,
						    const struct write *write, u64 now)
{
	u64 length = write->length;
	u32 write_seq = write->write_seq, i, boundary, slot;
	struct request *opening = 0;
	struct write_scratch *s;

	if (ring)
		take_back(ring, write_seq);
	if (!ring || ring->opaque || (!write->first && ring->boundary != write_seq)) {
		count_loss(PROBE_REQUEST, MISS_FRAMING);
		return 0;
	}
	ring->last_seq = write_seq;
	ring->written = 1;
	s = scratch();
	if (!s)
		return 0;
	__builtin_memset(s->heads, 0, sizeof(s->heads));
	s->count = 0;
	s->request.found = 0;
	if (length > HEAD_WINDOW)
		length = HEAD_WINDOW;
	bpf_probe_read_kernel(s->bytes, sizeof(s->bytes), zero_bytes);
	if (bpf_probe_read_user(s->bytes, length & (2 * HEAD_WINDOW - 1), (void *)write->buffer)) {
		ring->opaque = 1;
		count_loss(PROBE_REQUEST, MISS_UNREADABLE);
		return 0;
	}
	find_heads();
	if (!s->count) {
		ring->opaque = 1;
		count_loss(PROBE_REQUEST, MISS_HEAD_TOO_LONG);
		return 0;
	}
	boundary = write_seq;
	for (i = 0; i < HEADS_PER_WRITE; i++) {
		if (i >= s->count || ring->opaque)
			break;
		if (!is_method(word_at(s, s->heads[i & 3].start))) {
			ring->opaque = 1;
			break;
		}
		slot = ring->count & (REQUEST_SLOTS - 1);
		boundary = take_head(s, ring, i, write_seq, now);
		if (i == 0 && write->first && s->request.found)
			opening = &ring->slots[slot];
	}
	ring->boundary = boundary;
	/* More bytes in this write than messages we followed: the next boundary is unknown. */
	if ((s32)(write_seq + (u32)write->count - boundary) > 0)
		ring->opaque = 1;
	return opening;
}

/* A first write shows who uses an accepted connection. */
static __always_inline void name_owner(struct sock *sk, struct tcp_sock *tp, struct conn *conn)
{
	u64 now = bpf_ktime_get_ns();
	struct known_owner owner = {};

	merge_accept(sk, tp, conn, now);
	if ((conn->flags & CONN_OWNER_PROVISIONAL) && current_owner(&owner, PROBE_REQUEST))
		confirm_owner(sk, tp, conn, &owner, PROBE_REQUEST, now);
}

/*
 * One write of an application, before its bytes are queued. What a server sends leaves
 * by the socket's figures (see role_of()), other data that is no HTTP request after one
 * 8-byte read. A first write also names the owner of an accepted connection.
 */
static __always_inline void handle_write(struct sock *sk, struct msghdr *msg)
{
	struct iov_iter *iter = &msg->msg_iter;
	struct request *opening;
	struct write write = {};
	struct conn *conn = 0;
	struct tcp_sock *tp;
	u64 word = 0, now;

	if (iter->iov_offset)
		return; /* a later part of a long write */
	tp = bpf_skc_to_tcp_sock(sk);
	if (!tp)
		return;
	write.write_seq = tp->write_seq;
	write.first = !tp->bytes_sent && write.write_seq == tp->snd_una;
	if (write.first) {
		conn = bpf_sk_storage_get(&conns, sk, 0, 0);
		if (!conn)
			return;
		if (conn->flags & CONN_OWNER_PROVISIONAL)
			name_owner(sk, tp, conn);
	}
	if (!cfg_requests || tp->bytes_acked == acked_payload(tp))
		return;
	write.buffer = first_buffer(iter, &write.length, true);
	if (!write.buffer || write.length < 16 ||
	    bpf_probe_read_user(&word, sizeof(word), (void *)write.buffer) || !is_method(word))
		return;
	if (!conn)
		conn = bpf_sk_storage_get(&conns, sk, 0, 0);
	if (!conn || conn->role != ROLE_CLIENT ||
	    (conn->flags & (CONN_IGNORED | CONN_PREEXISTING)) || !(conn->flags & CONN_ESTABLISHED))
		return;
	write.count = iter->count;
	now = bpf_ktime_get_ns();
	opening = take_request(
		bpf_sk_storage_get(&requests, sk, 0, write.first ? BPF_SK_STORAGE_GET_F_CREATE : 0),
		&write, now);
	if (opening && is_opener(opening, conn->thread, conn->sleeps))
		emit_handshake(sk, tp, conn, opening, now);
}

/* Since 6.15. */
SEC("tp_btf/tcp_sendmsg_locked")
int BPF_PROG(ws_write, struct sock *sk, struct msghdr *msg)
{
	handle_write(sk, msg);
	return 0;
}

SEC("fentry/tcp_sendmsg_locked")
int BPF_PROG(ws_write_fentry, struct sock *sk, struct msghdr *msg)
{
	handle_write(sk, msg);
	return 0;
}

/* Without trampolines the socket has no type: only connections in `follows` are read, and no owner is named. */
SEC("kprobe/tcp_sendmsg_locked")
int BPF_KPROBE(ws_write_kprobe, struct sock *sk, struct msghdr *msg)
{
	struct iov_iter *iter = &msg->msg_iter;
	struct tcp_sock *tp = (struct tcp_sock *)sk;
	u64 address = (u64)sk, word = 0, now;
	struct followed *followed;
	struct request_ring *ring;
	struct request *opening;
	struct write write = {};

	followed = bpf_map_lookup_elem(&follows, &address);
	if (!followed || BPF_CORE_READ(iter, iov_offset))
		return 0;
	write.buffer = first_buffer(iter, &write.length, false);
	if (!write.buffer || write.length < 16 ||
	    bpf_probe_read_user(&word, sizeof(word), (void *)write.buffer) || !is_method(word))
		return 0;
	if (followed->cookie != (u64)BPF_CORE_READ(sk, __sk_common.skc_cookie.counter))
		return 0; /* another socket where that one was */
	write.count = BPF_CORE_READ(iter, count);
	write.write_seq = BPF_CORE_READ(tp, write_seq);
	write.first = !BPF_CORE_READ(tp, bytes_sent) &&
		      write.write_seq == BPF_CORE_READ(tp, snd_una);
	/* As the storage: there is none before a first write that is a request. */
	ring = write.first || followed->ring.written ? &followed->ring : 0;
	now = bpf_ktime_get_ns();
	opening = take_request(ring, &write, now);
	if (opening && is_opener(opening, followed->thread, followed->sleeps))
		emit_followed_handshake(followed, opening, now);
	return 0;
}
