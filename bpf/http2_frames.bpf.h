/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* This follows the frames of HTTP/2 in the bytes of a write (RFC 9113 section 4), and hands header blocks to user space. */
#ifndef WIRESPAN_HTTP2_FRAMES_H
#define WIRESPAN_HTTP2_FRAMES_H

#include "http1_body.bpf.h"

/* RFC 9113 section 6. */
enum http2_frame_type {
	FRAME_DATA = 0,
	FRAME_HEADERS = 1,
	FRAME_PRIORITY = 2,
	FRAME_RST_STREAM = 3,
	FRAME_SETTINGS = 4,
	FRAME_PUSH_PROMISE = 5,
	FRAME_PING = 6,
	FRAME_GOAWAY = 7,
	FRAME_WINDOW_UPDATE = 8,
	FRAME_CONTINUATION = 9,
};
#define FLAG_ACK	 1
#define FLAG_END_HEADERS 4

#define PREFACE_LENGTH	 24

struct http2_scratch {
	u64 busy; /* a program is at work with it */
	struct walk walk;
	u64 cookie;
	u32 netns;
	u32 pad;
	u64 now;
	struct http2_record record;
};

/* This is working memory of a CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct http2_scratch);
} http2_scratches SEC(".maps");

static __always_inline struct http2_scratch *http2_scratch(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&http2_scratches, &zero);
}

static __always_inline bool has_header_block(u8 type)
{
	return type == FRAME_HEADERS || type == FRAME_CONTINUATION;
}

static __always_inline u32 block_after(const struct http2_mark *mark)
{
	return has_header_block(mark->type) && !(mark->flags & FLAG_END_HEADERS) ? mark->stream : 0;
}

/* Whether a client may send such a frame; types that nobody knows are ignored (RFC 9113 section 5.5). */
static __always_inline bool is_frame(const struct http2_mark *mark)
{
	switch (mark->type) {
	case FRAME_DATA:
	case FRAME_HEADERS:
	case FRAME_CONTINUATION:
		return mark->stream & 1;
	case FRAME_PRIORITY:
		return mark->stream && mark->length == 5;
	case FRAME_RST_STREAM:
		return mark->stream && mark->length == 4;
	case FRAME_SETTINGS:
		return !mark->stream && mark->length % 6 == 0 &&
		       (!(mark->flags & FLAG_ACK) || !mark->length);
	case FRAME_PING:
		return !mark->stream && mark->length == 8;
	case FRAME_GOAWAY:
		return !mark->stream && mark->length >= 8;
	case FRAME_WINDOW_UPDATE:
		return mark->length == 4;
	case FRAME_PUSH_PROMISE:
		return false;
	}
	return true;
}

/* A mark that is where another one was, of bytes that user space has: the client writes them again. */
static __always_inline bool is_as_before(const struct http2_follow *h2,
					 const struct http2_mark *slot,
					 const struct http2_mark *mark)
{
	if (h2->count >= h2->high || mark->start >= h2->copied_to)
		return true;
	return slot->start == mark->start && slot->length == mark->length &&
	       slot->stream == mark->stream && slot->type == mark->type &&
	       slot->flags == mark->flags;
}

/* The head of a frame is there. Returns an enum loss_reason, or 0. */
static __always_inline u32 take_frame(struct http2_follow *h2)
{
	struct http2_progress *now = &h2->now;
	struct http2_mark mark = {}, *slot = mark_at(h2, h2->count);
	const u8 *head = now->head;

	mark.start = now->position - HTTP2_FRAME_HEAD;
	mark.length = (u32)head[0] << 16 | (u32)head[1] << 8 | head[2];
	mark.type = head[3];
	mark.flags = head[4];
	mark.stream = (u32)(head[5] & 0x7f) << 24 | (u32)head[6] << 16 | (u32)head[7] << 8 |
		      head[8];
	if (!is_frame(&mark) || !is_as_before(h2, slot, &mark))
		return MISS_FRAMING;
	if (!h2->count && (mark.type != FRAME_SETTINGS || (mark.flags & FLAG_ACK)))
		return MISS_FRAMING;
	if (now->block ? mark.type != FRAME_CONTINUATION || mark.stream != now->block
		       : mark.type == FRAME_CONTINUATION)
		return MISS_FRAMING;
	*slot = mark;
	h2->count += 1;
	if (h2->count > h2->high)
		h2->high = h2->count;
	now->have = 0;
	now->left = mark.length;
	now->block = block_after(&mark);
	return 0;
}

/* Hands the next bytes of a header block to user space. Returns an enum loss_reason, or 0. */
static __always_inline u32 hand_over(struct http2_follow *h2, struct http2_scratch *s,
				     const struct http2_mark *mark, u32 bytes)
{
	struct http2_record *record = &s->record;
	u32 size = __builtin_offsetof(struct http2_record, bytes);

	barrier_var(bytes);
	if (bytes > HTTP2_PIECE)
		bytes = HTTP2_PIECE;
	record->header.ts_ns = s->now;
	record->header.kind = RECORD_HTTP2;
	record->header.bytes = size + bytes;
	record->cookie = s->cookie;
	record->netns = s->netns;
	record->number = h2->pieces;
	record->stream = mark->stream;
	record->start_seq = (u32)mark->start - h2->base;
	record->frame_length = mark->length;
	record->offset = mark->length - h2->now.left;
	record->length = bytes;
	record->type = mark->type;
	record->flags = mark->flags;
	record->pad[0] = 0;
	record->pad[1] = 0;
	if (bytes &&
	    (!s->walk.buffer || bpf_probe_read_user(record->bytes, bytes, (void *)s->walk.buffer)))
		return MISS_UNREADABLE;
	if (bpf_ringbuf_output(&events, record, size + bytes, wake_flags()))
		return LOST_RING_FULL + 1;
	count_loss(PROBE_HTTP2, SENT);
	h2->pieces += 1;
	return 0;
}

static __always_inline void pass_bytes(struct http2_follow *h2, struct walk *walk, u32 bytes)
{
	advance(walk, bytes);
	h2->now.position += bytes;
}

static __always_inline u32 pass_payload(struct http2_follow *h2, struct http2_scratch *s)
{
	struct http2_mark *mark = mark_at(h2, h2->count - 1);
	struct walk *walk = &s->walk;
	u64 position = h2->now.position;
	u32 why, bytes = h2->now.left;

	if (bytes > walk->length)
		bytes = walk->length;
	if (has_header_block(mark->type)) {
		if (bytes > HTTP2_PIECE)
			bytes = HTTP2_PIECE;
		if (position < h2->copied_to) {
			if (bytes > h2->copied_to - position)
				bytes = h2->copied_to - position;
		} else {
			why = hand_over(h2, s, mark, bytes);
			if (why)
				return why;
			h2->copied_to = position + bytes;
		}
	}
	h2->now.left -= bytes;
	pass_bytes(h2, walk, bytes);
	return 0;
}

static __always_inline u32 pass_head(struct http2_follow *h2, struct http2_scratch *s)
{
	struct http2_progress *now = &h2->now;
	struct walk *walk = &s->walk;
	u64 bytes = HTTP2_FRAME_HEAD - now->have;
	struct http2_mark *mark;
	u32 why;

	barrier_var(bytes);
	if (bytes > walk->length)
		bytes = walk->length;
	barrier_var(bytes);
	if (bytes > HTTP2_FRAME_HEAD)
		return MISS_FRAMING;
	if (!walk->buffer ||
	    bpf_probe_read_user(&now->head[now->have & 15], bytes, (void *)walk->buffer))
		return MISS_UNREADABLE;
	now->have += bytes;
	pass_bytes(h2, walk, bytes);
	if (now->have < HTTP2_FRAME_HEAD)
		return 0;
	why = take_frame(h2);
	mark = mark_at(h2, h2->count - 1);
	/* One without a byte may end a header block. */
	if (!why && has_header_block(mark->type) && !mark->length &&
	    now->position > h2->copied_to) {
		why = hand_over(h2, s, mark, 0);
		h2->copied_to = now->position;
	}
	return why;
}

/* "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", a byte at a time: it comes once. */
static __always_inline u32 pass_preface(struct http2_follow *h2, struct walk *walk)
{
	const u64 words[3] = {WORD8('P', 'R', 'I', ' ', '*', ' ', 'H', 'T'),
			      WORD8('T', 'P', '/', '2', '.', '0', '\r', '\n'),
			      WORD8('\r', '\n', 'S', 'M', '\r', '\n', '\r', '\n')};
	u8 at = h2->now.preface, byte = 0;
	u64 word;

	if (!walk->buffer || bpf_probe_read_user(&byte, 1, (void *)walk->buffer))
		return MISS_UNREADABLE;
	word = at < 8 ? words[0] : at < 16 ? words[1] : words[2];
	if (byte != (u8)(word >> (at & 7) * 8))
		return MISS_FRAMING;
	h2->now.preface = at + 1;
	pass_bytes(h2, walk, 1);
	return 0;
}

/*
 * Follows the next piece of a write. Returns an enum loss_reason, or 0; a full ring has one more than its own. It is not
 * static, so it is verified once.
 */
__noinline u32 pass_http2(struct http2_follow *h2)
{
	struct http2_scratch *s = http2_scratch();

	if (!h2 || !s)
		return MISS_FRAMING;
	if (!s->walk.length && !next_buffer(&s->walk))
		return MISS_UNREADABLE;
	if (!s->walk.length)
		return 0;
	if (h2->now.preface < PREFACE_LENGTH)
		return pass_preface(h2, &s->walk);
	return h2->now.left ? pass_payload(h2, s) : pass_head(h2, s);
}

#endif
