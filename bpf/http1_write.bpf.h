/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * This follows the HTTP/1.x messages of a client from one write to the next: where each ends, and which has a
 * context.
 */
#ifndef WIRESPAN_HTTP1_WRITE_H
#define WIRESPAN_HTTP1_WRITE_H

#include "http1_body.bpf.h"

/* A head says other ids than the announcement whose bytes it is among. */
static __always_inline void count_conflict(struct request_ring *ring, const struct request *head)
{
	struct request *announced = open_announcement(ring);

	if (announced && announced->start <= head->start && !has_same_ids(announced, head))
		count_loss(PROBE_ANNOUNCE, CONFLICT);
}

/*
 * Takes one complete head: its interval, and a slot when it carries one valid context. Returns the
 * next boundary. `now`: when its first byte was written.
 */
static __noinline u64 take_http1_head(struct write_scratch *s, struct request_ring *ring, u32 index,
				      u64 position, u64 now)
{
	struct http1_head *head = &s->heads[index & 3];
	u64 end = position + head->end;
	struct request *slot;
	int body = body_of(index);

	if (body >= 0) {
		end += body;
	} else if (body == BODY_CHUNKED) {
		begin_chunks(&ring->now.chunks);
		ring->message = position + head->start;
		ring->body = 0;
	} else {
		ring->opaque = 1;
	}
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
	if (body == BODY_CHUNKED)
		ring->body = (ring->count & (REQUEST_SLOTS - 1)) + 1;
	ring->count += 1;
	return end;
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
		if (ring->slots[i].start >= ring->before.boundary &&
		    ring->slots[i].method == METHOD_HTTP1_HEADER)
			ring->slots[i].found = 0;
	ring->now = ring->before;
	ring->opaque = 0; /* a write is only followed where it was not */
}

/*
 * The whole heads in the working memory, whose first byte is at `position` and was written at `since`. What is left of the
 * write after them is for take_part(). `opens`: the connection begins with the first of them. Returns its slot's number
 * then, from 1, or 0: it has no context.
 */
static __always_inline u32 take_heads(struct write_scratch *s, struct request_ring *ring,
				      struct write *write, u64 position, bool opens, u64 since)
{
	u32 i, slot, opening = 0;
	u64 boundary = position;

	for (i = 0; i < HEADS_PER_WRITE; i++) {
		if (i >= s->count || ring->opaque)
			break;
		if (!is_method(word_at(s, s->heads[i & 3].start))) {
			ring->opaque = 1;
			break;
		}
		slot = ring->count & (REQUEST_SLOTS - 1);
		boundary = take_http1_head(s, ring, i, position, i ? write->now : since);
		if (i == 0 && opens && s->request.found)
			opening = slot + 1;
	}
	ring->now.boundary = boundary;
	if (!ring->now.chunks.state && !ring->opaque && ring->last + write->count > boundary)
		write->part = PART_NEXT;
	return opening;
}

/* The messages of a write, which `s` has the bytes of from now on. Returns as take_heads(). */
static __always_inline u32 take_messages(struct write_scratch *s, struct request_ring *ring,
					 struct write *write, u64 position)
{
	u64 length = write->length;

	__builtin_memset(s->heads, 0, sizeof(s->heads[0]));
	s->count = 0;
	s->request.found = 0;
	if (length > HEAD_WINDOW)
		length = HEAD_WINDOW;
	s->length = length;
	__builtin_memset(&s->bytes[length], 0, ZEROS_AFTER);
	if (bpf_probe_read_user(s->bytes, length, (void *)write->buffer)) {
		give_up_writes(ring, MISS_UNREADABLE);
		return 0;
	}
	find_http1_heads();
	if (s->count)
		return take_heads(s, ring, write, position, write->first, write->now);
	if (length < HEAD_WINDOW)
		write->part = PART_NEXT;
	else
		give_up_writes(ring, MISS_HEAD_TOO_LONG);
	return 0;
}

/* Follows a write that begins `position`, where a message may begin, or a head or a chunked body goes on. */
static __always_inline u32 take_write(struct request_ring *ring, struct write *write, u64 position)
{
	struct write_scratch *s = scratch();
	u32 opening = 0;

	write->has_body = ring->now.chunks.state;
	if (ring->now.held)
		write->part = PART_NEXT;
	else
		ring->now.boundary = position;
	ring->before = ring->now;
	ring->last = position;
	ring->vectors = 0;
	ring->written = 1;
	if (!s || write->has_body || write->part)
		return 0;
	if (__sync_lock_test_and_set(&s->busy, 1)) {
		give_up_writes(ring, MISS_BUSY);
		return 0;
	}
	opening = take_messages(s, ring, write, position);
	s->busy = 0;
	write->has_body = ring->now.chunks.state && !ring->opaque;
	return opening;
}

/*
 * A head goes on in this write. What the kernel did not take of the last one is written again. Returns false: bytes are
 * between that nobody saw, or other bytes took the place of some.
 */
static __always_inline bool resume_head(struct request_ring *ring, u64 position)
{
	u64 held = position - ring->now.boundary;

	if (held > ring->now.held)
		return false;
	ring->now.held = held;
	return true;
}

/*
 * Follows the messages of a write, and returns as take_heads(). Its part of a body is for follow_body(), and what is not
 * whole heads for take_part(). It is not static, so it is verified once. A program that interrupts another one at this, on its CPU, leaves the working
 * memory alone.
 */
__noinline u32 take_request(struct request_ring *ring, struct write *write)
{
	enum body_part part = BODY_NONE;
	u64 position = 0;

	if (!write)
		return 0;
	if (ring) {
		if (write->first)
			place_stream(ring, (u32)write->bytes_acked - write->write_seq);
		position = position_of(ring, write->bytes_acked, write->write_seq);
		take_back(ring, position);
		if (write->first)
			ring->now.held = 0;
		part = resume_body(ring, write, position);
		if (ring->now.held && !resume_head(ring, position)) {
			write->part = PART_LOST;
			return 0;
		}
		if (ring->now.held)
			return take_write(ring, write, position);
	}
	if (part == BODY_REST || (part == BODY_NONE && !write->begins))
		return 0;
	if (!ring || ring->opaque || ring->early || part == BODY_LOST ||
	    (part == BODY_NONE && !write->first && ring->now.boundary != position)) {
		if (part == BODY_NONE && write->length < LEAST_REQUEST)
			return 0;
		count_loss(PROBE_REQUEST, MISS_FRAMING);
		return 0;
	}
	return take_write(ring, write, position);
}

/*
 * A client writes what its SYN shall carry. The stream begins at 1, since the SYN is acknowledged as a
 * byte.
 */
__noinline int take_syn(struct request_ring *ring, u64 msg, u64 now)
{
	struct write write = {.bytes_acked = 1, .write_seq = 1, .first = true, .now = now};
	struct iov_iter *iter = &((struct msghdr *)msg)->msg_iter;

	if (!ring || !msg || BPF_CORE_READ(iter, iov_offset))
		return 0;
	write.buffer = first_buffer(iter, &write.length, false);
	write.begins = begins_as_request(&write);
	if (!write.begins)
		return 0;
	write.iter = (u64)iter;
	write.count = BPF_CORE_READ(iter, count);
	ring->opening = take_request(ring, &write);
	/* To follow these here as well would make a large program larger. */
	if (write.part)
		give_up_writes(ring, MISS_HEAD_TOO_LONG);
	else if (write.has_body)
		give_up_writes(ring, MISS_FRAMING);
	ring->early = 1;
	return 1;
}

#endif
