/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * This follows the frames of HTTP/2 in the bytes of a write or of a segment, piece by piece, and hands the header blocks
 * of clients to user space.
 */
#ifndef WIRESPAN_HTTP2_PIECES_H
#define WIRESPAN_HTTP2_PIECES_H

#include "http1_body.bpf.h"
#include "http2_ahead.bpf.h"
#include "http2_frames.bpf.h"

#define PREFACE_LENGTH 24
#define HTTP2_PREFACE  WORD8('P', 'R', 'I', ' ', '*', ' ', 'H', 'T')

struct http2_scratch {
	u64 busy; /* a program is at work with it */
	struct walk walk;
	u64 cookie;
	u32 netns;
	u32 kept; /* the place of the bytes that are followed, from 1; 0: they are of a write or a segment */
	u64 now;
	struct http2_record record;
};

/* A write may be interrupted by segments that arrive. */
enum http2_place {
	HTTP2_WRITES = 0,
	HTTP2_ARRIVALS = 1,
	HTTP2_PLACES = 2,
};

/* This is working memory of a CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, HTTP2_PLACES);
	__type(key, u32);
	__type(value, struct http2_scratch);
} http2_scratches SEC(".maps");

static __always_inline struct http2_scratch *http2_scratch(enum http2_place place)
{
	u32 number = place;

	return bpf_map_lookup_elem(&http2_scratches, &number);
}

/* Reads the next bytes, at most `most`, of a write where there is no segment. Returns false: they can't be read. */
static __always_inline bool read_next(struct __sk_buff *skb, const struct http2_progress *now,
				      const struct http2_scratch *s, void *into, u64 bytes,
				      const u64 most)
{
	const struct walk *walk = &s->walk;
	u64 least = 1;

	barrier_var(bytes); /* as in load_payload() */
	barrier_var(least);
	if (bytes > most)
		bytes = most;
	if (!walk->buffer || bytes < least)
		return false;
	if (skb && s->kept)
		return read_ahead(s->kept, s->cookie, now->position, into, bytes);
	if (skb)
		return !bpf_skb_load_bytes(skb, walk->buffer, into, bytes);
	return !bpf_probe_read_user(into, bytes, (void *)walk->buffer);
}

/* Hands the next bytes of a header block to user space. Returns an enum loss_reason, or 0. */
static __always_inline u32 hand_over(struct __sk_buff *skb, struct http2_progress *now,
				     struct http2_scratch *s, u32 bytes)
{
	struct http2_record *record = &s->record;
	const struct http2_mark *mark = &now->frame;
	u32 size = __builtin_offsetof(struct http2_record, bytes);
	u32 probe = skb ? PROBE_HTTP2_ARRIVE : PROBE_HTTP2;

	barrier_var(bytes);
	if (bytes > HTTP2_PIECE)
		bytes = HTTP2_PIECE;
	record->header.ts_ns = s->now;
	record->header.kind = RECORD_HTTP2;
	record->header.bytes = size + bytes;
	record->cookie = s->cookie;
	record->netns = s->netns;
	record->number = now->pieces;
	record->stream = mark->stream;
	record->start_seq = (u32)mark->start - now->base;
	record->frame_length = mark->length;
	record->offset = mark->length - now->left;
	record->length = bytes;
	record->type = mark->type;
	record->flags = mark->flags;
	record->role = skb ? ROLE_SERVER : ROLE_CLIENT;
	record->pad = 0;
	if (bytes && !read_next(skb, now, s, record->bytes, bytes, HTTP2_PIECE))
		return MISS_UNREADABLE;
	if (bpf_ringbuf_output(&events, record, size + bytes, wake_flags()))
		return LOST_RING_FULL + 1;
	count_loss(probe, SENT);
	now->pieces += 1;
	return 0;
}

static __always_inline void pass_bytes(struct http2_progress *now, struct walk *walk, u32 bytes)
{
	advance(walk, bytes);
	now->position += bytes;
}

/* The header blocks of a server are not asked for. */
static __always_inline bool is_asked_for(const struct http2_progress *now)
{
	return has_header_block(now->frame.type) && !now->answers;
}

/* Passes the next bytes of a header block that is asked for. `h2`: of writes, which may come once more. */
static __always_inline u32 pass_block(struct __sk_buff *skb, struct http2_progress *now,
				      struct http2_follow *h2, struct http2_scratch *s, u32 *bytes)
{
	u32 why;

	if (*bytes > HTTP2_PIECE)
		*bytes = HTTP2_PIECE;
	if (h2 && now->position < h2->copied_to) {
		if (*bytes > h2->copied_to - now->position)
			*bytes = h2->copied_to - now->position;
		return 0;
	}
	why = hand_over(skb, now, s, *bytes);
	if (h2 && !why)
		h2->copied_to = now->position + *bytes;
	return why;
}

static __always_inline u32 pass_payload(struct __sk_buff *skb, struct http2_progress *now,
					struct http2_follow *h2, struct http2_scratch *s)
{
	u32 bytes = now->left, why = 0;

	if (bytes > s->walk.length)
		bytes = s->walk.length;
	if (is_asked_for(now))
		why = pass_block(skb, now, h2, s, &bytes);
	if (why)
		return why;
	now->left -= bytes;
	pass_bytes(now, &s->walk, bytes);
	return 0;
}

static __always_inline u32 pass_head(struct __sk_buff *skb, struct http2_progress *now,
				     struct http2_follow *h2, struct http2_scratch *s)
{
	struct walk *walk = &s->walk;
	u64 bytes = HTTP2_FRAME_HEAD - now->have;
	u32 why;

	barrier_var(bytes);
	if (bytes > walk->length)
		bytes = walk->length;
	barrier_var(bytes);
	if (bytes > HTTP2_FRAME_HEAD)
		return MISS_FRAMING;
	if (!read_next(skb, now, s, &now->head[now->have & 15], bytes, HTTP2_FRAME_HEAD))
		return MISS_UNREADABLE;
	now->have += bytes;
	pass_bytes(now, walk, bytes);
	if (now->have < HTTP2_FRAME_HEAD)
		return 0;
	why = take_frame(now);
	if (h2 && !why)
		why = note_frame(h2);
	/* One without a byte may end a header block. */
	if (!why && is_asked_for(now) && !now->left && (!h2 || now->position > h2->copied_to)) {
		why = hand_over(skb, now, s, 0);
		if (h2)
			h2->copied_to = now->position;
	}
	return why;
}

/* "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", a byte at a time: it comes once. */
static __always_inline u32 pass_preface(struct __sk_buff *skb, struct http2_progress *now,
					struct http2_scratch *s)
{
	const u64 words[3] = {WORD8('P', 'R', 'I', ' ', '*', ' ', 'H', 'T'),
			      WORD8('T', 'P', '/', '2', '.', '0', '\r', '\n'),
			      WORD8('\r', '\n', 'S', 'M', '\r', '\n', '\r', '\n')};
	u8 at = now->preface, byte = 0;
	u64 word;

	if (!read_next(skb, now, s, &byte, 1, 1))
		return MISS_UNREADABLE;
	word = at < 8 ? words[0] : at < 16 ? words[1] : words[2];
	if (byte != (u8)(word >> (at & 7) * 8))
		return MISS_FRAMING;
	now->preface = at + 1;
	pass_bytes(now, &s->walk, 1);
	return 0;
}

/* Goes on in the next buffer of a write, or where what was kept lies. Returns false: there is none. */
static __always_inline bool next_part(struct __sk_buff *skb, const struct http2_progress *now,
				      struct http2_scratch *s)
{
	u64 here = until_wrap(now->position);

	if (!skb)
		return next_buffer(&s->walk);
	s->walk.length = here < s->walk.left ? here : s->walk.left;
	return true;
}

/* Follows the next piece. Returns an enum loss_reason, or 0; a full ring has one more than its own. */
static __always_inline u32 pass_frames(struct __sk_buff *skb, struct http2_progress *now,
				       struct http2_follow *h2, struct http2_scratch *s)
{
	if (!s->walk.length && !next_part(skb, now, s))
		return MISS_UNREADABLE;
	if (!s->walk.length)
		return 0;
	if (!now->answers && now->preface < PREFACE_LENGTH)
		return pass_preface(skb, now, s);
	return now->left ? pass_payload(skb, now, h2, s) : pass_head(skb, now, h2, s);
}

#endif
