/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * This tells which stream of an HTTP/2 connection (RFC 9113) a byte belongs to that this end wrote, by its position.
 * See docs/decisions/0056 and 0081.
 */
#ifndef WIRESPAN_LIB_HTTP2_H
#define WIRESPAN_LIB_HTTP2_H

/* Frames that are remembered, the newest ones. */
#define HTTP2_MARKS	 256
#define HTTP2_FRAME_HEAD 9

/* A frame has the half-open interval [start, start + HTTP2_FRAME_HEAD + length) of the stream of bytes. */
struct http2_mark {
	u64 start;
	u32 length;
	u32 stream; /* 0: the connection's own */
	u8 type;
	u8 flags;
	u8 pad[6];
};

/* How far the bytes of one end of a connection were followed. */
struct http2_progress {
	u64 position; /* of the next byte */
	u32 left;     /* to come of the payload of the newest frame */
	u32 block;    /* the stream whose header block goes on; 0: none does */
	u32 base;     /* as in struct request_ring */
	u32 pieces;   /* of header blocks, handed to user space */
	u8 preface;   /* bytes that came of it; a server has none */
	u8 have;      /* bytes that came of the head of a frame */
	u8 begun;     /* a frame came */
	u8 answers;   /* the bytes are a server's */
	u8 pad[4];
	u8 head[32]; /* of a frame, as far as it came, and room for a bounded read behind it */
	struct http2_mark frame; /* the newest */
};

/*
 * It has one connection whose first write here began as HTTP/2 does, a client's or a server's. The writes write it, under
 * the socket's lock.
 */
struct http2_follow {
	struct http2_mark marks[HTTP2_MARKS];
	struct http2_progress now;
	u64 copied_to; /* header blocks were handed to user space up to there */
	u32 count;
	u32 high;    /* the highest that `count` was */
	u32 version; /* odd while a write is followed */
	u8 begun;
	u8 over; /* given up: what comes is not followed */
	u8 pad[2];
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct http2_follow);
} http2_follows SEC(".maps");

static __always_inline struct http2_mark *mark_at(struct http2_follow *h2, u32 number)
{
	return &h2->marks[number & (HTTP2_MARKS - 1)];
}

static __always_inline u64 end_of_frame(const struct http2_mark *mark)
{
	return mark->start + HTTP2_FRAME_HEAD + mark->length;
}

/*
 * The first stream that owns a byte in [from, to); 0: none does, or it is not known any more. It is not static, so it
 * is verified once.
 */
__noinline u32 stream_among(struct http2_follow *h2, u64 from, u64 to)
{
	u32 i, number, version, stream = 0, is_whole = 0;
	u64 next = 0;

	if (!h2)
		return 0;
	version = *(volatile u32 *)&h2->version;
	if (version & 1)
		return 0;
	number = h2->count;
	for (i = 0; i < HTTP2_MARKS && number; i++) {
		struct http2_mark *mark = mark_at(h2, number - 1);

		/* Frames lie one behind the other: a mark of another place is of a later frame. */
		if (i && end_of_frame(mark) != next)
			break;
		number -= 1;
		next = mark->start;
		if (mark->start < to && end_of_frame(mark) > from && mark->stream)
			stream = mark->stream;
		if (mark->start <= from) {
			is_whole = 1;
			break;
		}
	}
	/* The preface is before all frames. */
	if (!is_whole && number) {
		count_loss(PROBE_HTTP2, MISS_FORGOTTEN);
		return 0;
	}
	return *(volatile u32 *)&h2->version == version ? stream : 0;
}

/* The first stream that owns a byte of the segment; 0: not known. */
static __always_inline u32 find_stream(struct sock *sk, u32 seq, u32 end_seq)
{
	struct http2_follow *h2 = bpf_sk_storage_get(&http2_follows, sk, 0, 0);
	u64 from;

	if (!h2)
		return 0;
	from = position_from(h2->now.base, BPF_CORE_READ((struct tcp_sock *)sk, bytes_acked), seq);
	return stream_among(h2, from, from + (end_seq - seq));
}

#endif
