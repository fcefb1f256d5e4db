/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* This reads what a client writes, in as many buffers as it has, where a chunked body goes on. */
#ifndef WIRESPAN_HTTP1_BODY_H
#define WIRESPAN_HTTP1_BODY_H

#include "http1_buffer.bpf.h"
#include "http1_chunks.bpf.h"
#include "http1_field.bpf.h"

/* Buffers, and blocks of framing, of one write. */
#define MAX_BODY_PIECES 512

/* From here on no request of the connection is taken. */
static __always_inline void give_up_writes(struct request_ring *ring, u32 reason)
{
	ring->opaque = 1;
	ring->now.chunks.state = CHUNK_NONE;
	ring->now.held = 0;
	count_loss(PROBE_REQUEST, reason);
}

/* What a write is of, where a chunked body is followed. */
enum body_part {
	BODY_NONE, /* none is, or it has ended */
	BODY_NEXT, /* its next bytes */
	BODY_REST, /* the rest of a write that was followed */
	BODY_LOST, /* bytes are between that nobody saw */
};

/*
 * The kernel takes a long write in turns, and one of these may begin where a buffer does: further on in the same
 * array, and with the same end.
 */
static __always_inline bool is_rest(const struct request_ring *ring, const struct write *write,
				    u64 position)
{
	u64 further;

	if (position <= ring->last || position + write->count != ring->now.boundary)
		return false;
	further = vectors_of(write) - ring->vectors;
	return ring->vectors && further && further < MAX_IOVECS * sizeof(struct iovec);
}

/* The message whose chunks are followed has the bytes up to there. Others may have taken the slot meanwhile. */
static __always_inline void end_message(struct request_ring *ring, u64 end)
{
	struct request *slot = slot_at(ring, ring->body);

	if (slot && slot->method == METHOD_HTTP1_HEADER && slot->start == ring->message)
		slot->end = end;
}

/*
 * Bytes that no program saw are data, as long as the chunk has so many to come: before Linux 6.5 those of a file are
 * handed on by tcp_sendpage(), which is no write.
 */
static __always_inline bool skips_unseen(struct request_ring *ring, u64 position)
{
	struct chunks *chunks = &ring->now.chunks;
	u64 unseen = position - ring->now.boundary;

	if (position <= ring->now.boundary || chunks->state != CHUNK_DATA || unseen > chunks->left)
		return false;
	skip_data(chunks, unseen);
	end_message(ring, position);
	return true;
}

/* What a write is of that begins at `position`. It is not static, so it is verified once. */
__noinline int resume_body(struct request_ring *ring, const struct write *write, u64 position)
{
	struct chunks *chunks;

	if (!ring || !write || !ring->now.chunks.state)
		return BODY_NONE;
	chunks = &ring->now.chunks;
	if (ring->now.boundary == position) {
		if (chunks->state != CHUNK_DONE)
			return BODY_NEXT;
		chunks->state = CHUNK_NONE;
		return BODY_NONE;
	}
	if (skips_unseen(ring, position))
		return BODY_NEXT;
	if (is_rest(ring, write, position))
		return BODY_REST;
	/* The kernel took a part of the last write. Where data was cut it is known how it goes on. */
	if (position < ring->now.boundary && position >= ring->data && position <= ring->data_end) {
		chunks->left = ring->data_end - position;
		chunks->state = chunks->left ? CHUNK_DATA : CHUNK_DATA_CR;
		chunks->digits = 0;
		chunks->length = 0;
		return BODY_NEXT;
	}
	ring->opaque = 1;
	chunks->state = CHUNK_NONE;
	return BODY_LOST;
}

/* Data needs not be read, so it may as well be of a file. */
static __always_inline void pass_data(struct request_ring *ring, struct walk *walk)
{
	struct chunks *chunks = &ring->now.chunks;
	u64 bytes = chunks->left < walk->length ? chunks->left : walk->length;

	if (chunks->left > ring->data_end - ring->data) {
		ring->data = walk->position;
		ring->data_end = walk->position + chunks->left;
	}
	skip_data(chunks, bytes);
	advance(walk, bytes);
}

/* Reads what is framing at the place that the walk is at. Returns an enum loss_reason, or 0. */
static __always_inline u32 pass_framing(struct request_ring *ring, struct write_scratch *s)
{
	struct walk *walk = &s->walk;
	u64 bytes = walk->length;
	int passed;

	barrier_var(bytes);
	if (bytes > CHUNK_BLOCK)
		bytes = CHUNK_BLOCK;
	if (!walk->buffer || bpf_probe_read_user(s->bytes, bytes, (void *)walk->buffer))
		return MISS_UNREADABLE;
	passed = parse_chunks(&ring->now.chunks, bytes);
	if (passed < 0)
		return MISS_FRAMING;
	advance(walk, passed);
	return 0;
}

/*
 * Follows the next piece of a write. Returns an enum loss_reason, or 0. It is not static, so it is verified once
 * and not at each piece.
 */
__noinline u32 pass_piece(struct request_ring *ring)
{
	struct write_scratch *s = scratch();
	struct walk *walk;

	if (!ring || !s)
		return MISS_FRAMING;
	walk = &s->walk;
	if (!next_bytes(walk))
		return MISS_UNREADABLE;
	if (!walk->length)
		return 0;
	if (ring->now.chunks.state != CHUNK_DATA)
		return pass_framing(ring, s);
	pass_data(ring, walk);
	return 0;
}

/*
 * Follows the chunks in a write from the boundary on, which may be behind a head in it. The message has the bytes of
 * writes that were followed to their end, and of no other. It is not static, so it is verified once.
 */
__noinline int follow_body(struct request_ring *ring, const struct write *write)
{
	struct write_scratch *s = scratch();
	u32 i, why = 0;

	if (!ring || !write || !s)
		return 0;
	if (__sync_lock_test_and_set(&s->busy, 1)) {
		give_up_writes(ring, MISS_BUSY);
		return 0;
	}
	begin_walk(&s->walk, ring, write, ring->now.boundary - ring->last);
	end_message(ring, ring->now.boundary);
	for (i = 0; i < MAX_BODY_PIECES; i++) {
		if (!*(volatile u64 *)&s->walk.left || ring->now.chunks.state == CHUNK_DONE)
			break;
		why = pass_piece(ring);
		barrier_var(why); /* as in find_http1_heads() */
		if (why)
			break;
	}
	/* There may be more pieces than these, or bytes behind the message, as of a pipeline. */
	if (!why && s->walk.left)
		why = MISS_FRAMING;
	if (!why || ring->now.chunks.state == CHUNK_DONE)
		end_message(ring, s->walk.position);
	ring->now.boundary = s->walk.position;
	s->busy = 0;
	if (why)
		give_up_writes(ring, why);
	return 0;
}

#endif
