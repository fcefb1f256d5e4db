/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The heads of frames of HTTP/2 (RFC 9113 section 4): which may come, and what follows them. */
#ifndef WIRESPAN_HTTP2_FRAMES_H
#define WIRESPAN_HTTP2_FRAMES_H

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

static __always_inline bool has_header_block(u8 type)
{
	return type == FRAME_HEADERS || type == FRAME_CONTINUATION || type == FRAME_PUSH_PROMISE;
}

static __always_inline u32 block_after(const struct http2_mark *mark)
{
	return has_header_block(mark->type) && !(mark->flags & FLAG_END_HEADERS) ? mark->stream : 0;
}

/*
 * Whether a client, or with `answers` a server, may send such a frame; types that nobody knows are ignored (RFC 9113
 * section 5.5). What a server pushes has even streams (section 8.4).
 */
static __always_inline bool is_frame(const struct http2_mark *mark, bool answers)
{
	switch (mark->type) {
	case FRAME_DATA:
	case FRAME_HEADERS:
	case FRAME_CONTINUATION:
		return answers ? mark->stream : mark->stream & 1;
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
		return answers && (mark->stream & 1) && mark->length >= 4;
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
static __always_inline u32 take_frame(struct http2_progress *now)
{
	struct http2_mark *mark = &now->frame;
	const u8 *head = now->head;

	mark->start = now->position - HTTP2_FRAME_HEAD;
	mark->length = (u32)head[0] << 16 | (u32)head[1] << 8 | head[2];
	mark->type = head[3];
	mark->flags = head[4];
	mark->stream = (u32)(head[5] & 0x7f) << 24 | (u32)head[6] << 16 | (u32)head[7] << 8 |
		       head[8];
	if (!is_frame(mark, now->answers))
		return MISS_FRAMING;
	if (!now->begun && (mark->type != FRAME_SETTINGS || (mark->flags & FLAG_ACK)))
		return MISS_FRAMING;
	if (now->block ? mark->type != FRAME_CONTINUATION || mark->stream != now->block
		       : mark->type == FRAME_CONTINUATION)
		return MISS_FRAMING;
	now->begun = 1;
	now->have = 0;
	now->left = mark->length;
	now->block = block_after(mark);
	return 0;
}

/* The same frame of what this end writes. */
static __always_inline u32 note_frame(struct http2_follow *h2)
{
	struct http2_mark *slot = mark_at(h2, h2->count);

	if (!is_as_before(h2, slot, &h2->now.frame))
		return MISS_FRAMING;
	*slot = h2->now.frame;
	h2->count += 1;
	if (h2->count > h2->high)
		h2->high = h2->count;
	return 0;
}

#endif
