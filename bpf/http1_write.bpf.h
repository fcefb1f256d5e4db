/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * This follows the HTTP/1.x messages of a client from one write to the next: where each ends, and which has a
 * context.
 */
#ifndef WIRESPAN_HTTP1_WRITE_H
#define WIRESPAN_HTTP1_WRITE_H

#include "http1_field.bpf.h"

/* A head says other ids than the announcement whose bytes it is among. */
static __always_inline void count_conflict(struct request_ring *ring, const struct request *head)
{
	struct request *announced = open_announcement(ring);

	if (announced && announced->start <= head->start && !has_same_ids(announced, head))
		count_loss(PROBE_ANNOUNCE, CONFLICT);
}

/*
 * Takes one complete head: its interval, and a slot when it carries one valid context. Returns the
 * next boundary.
 */
static __noinline u64 take_http1_head(struct write_scratch *s, struct request_ring *ring, u32 index,
				      u64 position, u64 now)
{
	struct http1_head *head = &s->heads[index & 3];
	u64 end = position + head->end;
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
	slot->start = position + head->start;
	slot->end = end;
	slot->start_seq = (u32)slot->start - ring->base;
	slot->flags = s->request.flags;
	slot->method = METHOD_HTTP1_HEADER;
	__builtin_memcpy(slot->trace_id, s->request.trace_id, 16);
	__builtin_memcpy(slot->span_id, s->request.span_id, 8);
	slot->found = 1;
	if (cfg_hook)
		count_conflict(ring, slot);
	s->request.found = 1;
	s->request.start_seq = slot->start_seq;
	ring->count += 1;
	return end;
}

/* This reads a field of what the verifier has a type for or not, as the constant `typed` says. */
#define FIELD(typed, from, field) ((typed) ? (from)->field : BPF_CORE_READ(from, field))

/*
 * Returns the first user buffer of a write, or 0: kernel pages and the like are not ours to read.
 */
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
static __always_inline void take_back(struct request_ring *ring, u64 position)
{
	u32 i;

	if (!ring->written || ring->last != position)
		return;
	for (i = 0; i < REQUEST_SLOTS; i++)
		if (ring->slots[i].start >= position &&
		    ring->slots[i].method == METHOD_HTTP1_HEADER)
			ring->slots[i].found = 0;
	ring->boundary = position;
	ring->opaque = 0; /* a write is only followed where it was not */
}

/*
 * This says of one write where it begins in the stream, how many bytes it has, and which are in its
 * first buffer.
 */
struct write {
	u64 buffer;
	u64 length;
	u64 count;
	u64 bytes_acked;
	u32 write_seq;
	bool first; /* of its connection */
};

static __always_inline bool begins_as_request(const struct write *write)
{
	u64 word = 0;

	return write->buffer && write->length >= 16 &&
	       !bpf_probe_read_user(&word, sizeof(word), (void *)write->buffer) && is_method(word);
}

/*
 * The messages of a write, which `s` has the bytes of from now on. Returns the number of the slot, from 1, of the
 * request that a first write begins with, or 0: it has no context.
 */
static __always_inline u32 take_messages(struct write_scratch *s, struct request_ring *ring,
					 const struct write *write, u64 position, u64 now)
{
	u64 length = write->length, boundary = position;
	u32 i, slot, opening = 0;

	__builtin_memset(s->heads, 0, sizeof(s->heads[0]));
	s->count = 0;
	s->request.found = 0;
	if (length > HEAD_WINDOW)
		length = HEAD_WINDOW;
	s->length = length;
	__builtin_memset(&s->bytes[length], 0, ZEROS_AFTER);
	if (bpf_probe_read_user(s->bytes, length, (void *)write->buffer)) {
		ring->opaque = 1;
		count_loss(PROBE_REQUEST, MISS_UNREADABLE);
		return 0;
	}
	find_http1_heads();
	if (!s->count) {
		ring->opaque = 1;
		count_loss(PROBE_REQUEST, MISS_HEAD_TOO_LONG);
		return 0;
	}
	for (i = 0; i < HEADS_PER_WRITE; i++) {
		if (i >= s->count || ring->opaque)
			break;
		if (!is_method(word_at(s, s->heads[i & 3].start))) {
			ring->opaque = 1;
			break;
		}
		slot = ring->count & (REQUEST_SLOTS - 1);
		boundary = take_http1_head(s, ring, i, position, now);
		if (i == 0 && write->first && s->request.found)
			opening = slot + 1;
	}
	ring->boundary = boundary;
	/*
	 * This write has more bytes than the messages that we followed, so the next boundary is not
	 * known.
	 */
	if (position + write->count > boundary)
		ring->opaque = 1;
	return opening;
}

/*
 * Follows the messages of a write, and returns as take_messages(). It is not static, so it is verified once. A
 * program that interrupts another one at this, on its CPU, leaves the working memory alone.
 */
__noinline u32 take_request(struct request_ring *ring, const struct write *write, u64 now)
{
	struct write_scratch *s;
	u64 position = 0;
	u32 opening;

	if (!write)
		return 0;
	if (ring) {
		if (write->first)
			place_stream(ring, (u32)write->bytes_acked - write->write_seq);
		position = position_of(ring, write->bytes_acked, write->write_seq);
		take_back(ring, position);
	}
	if (!ring || ring->opaque || ring->early || (!write->first && ring->boundary != position)) {
		count_loss(PROBE_REQUEST, MISS_FRAMING);
		return 0;
	}
	ring->last = position;
	ring->written = 1;
	s = scratch();
	if (!s)
		return 0;
	if (__sync_lock_test_and_set(&s->busy, 1)) {
		ring->opaque = 1;
		count_loss(PROBE_REQUEST, MISS_BUSY);
		return 0;
	}
	opening = take_messages(s, ring, write, position, now);
	s->busy = 0;
	return opening;
}

/*
 * A client writes what its SYN shall carry. The stream begins at 1, since the SYN is acknowledged as a
 * byte.
 */
__noinline int take_syn(struct request_ring *ring, u64 msg, u64 now)
{
	struct write write = {.bytes_acked = 1, .write_seq = 1, .first = true};
	struct iov_iter *iter = &((struct msghdr *)msg)->msg_iter;

	if (!ring || !msg || BPF_CORE_READ(iter, iov_offset))
		return 0;
	write.buffer = first_buffer(iter, &write.length, false);
	if (!begins_as_request(&write))
		return 0;
	write.count = BPF_CORE_READ(iter, count);
	ring->opening = take_request(ring, &write, now);
	ring->early = 1;
	return 1;
}

#endif
