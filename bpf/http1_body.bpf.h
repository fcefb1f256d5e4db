/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* This reads what a client writes, in as many buffers as it has, where a chunked body goes on. */
#ifndef WIRESPAN_HTTP1_BODY_H
#define WIRESPAN_HTTP1_BODY_H

#include "http1_chunks.bpf.h"
#include "http1_field.bpf.h"

/* Buffers, and blocks of framing, of one write. */
#define MAX_BODY_PIECES 512

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
 * This says of one write where it begins in the stream, how many bytes it has, and which are in its
 * first buffer.
 */
struct write {
	u64 buffer;
	u64 length;
	u64 count;
	u64 bytes_acked;
	u32 write_seq;
	bool first;    /* of its connection */
	bool begins;   /* with a method */
	bool has_body; /* set when it is read: chunks of a body are in it, to be followed */
	u64 iter;      /* the struct iov_iter that it is read from */
	u64 now; /* CLOCK_MONOTONIC, ns; here, since as an argument it would take stack from what is called */
};

static __always_inline bool begins_as_request(const struct write *write)
{
	u64 word = 0;

	return write->buffer && write->length >= 16 &&
	       !bpf_probe_read_user(&word, sizeof(word), (void *)write->buffer) && is_method(word);
}

/* From here on no request of the connection is taken. */
static __always_inline void give_up_writes(struct request_ring *ring, u32 reason)
{
	ring->opaque = 1;
	ring->now.chunks.state = CHUNK_NONE;
	count_loss(PROBE_REQUEST, reason);
}

/* What a write is of, where a chunked body is followed. */
enum body_part {
	BODY_NONE, /* none is, or it has ended */
	BODY_NEXT, /* its next bytes */
	BODY_REST, /* the rest of a write that was followed */
	BODY_LOST, /* bytes are between that nobody saw */
};

/* As the kernel's UIO_MAXIOV. */
#define MAX_IOVECS 1024

/* Returns where the buffers of a write are told, from the one on that it is at; 0: it is in one, or not in user memory. */
static __noinline u64 vectors_of(const struct write *write)
{
	struct iov_iter *iter = (struct iov_iter *)write->iter;

	if (BPF_CORE_READ(iter, iter_type) != bpf_core_enum_value(enum iter_type, ITER_IOVEC))
		return 0;
	if (bpf_core_field_exists(iter->__iov))
		return (u64)BPF_CORE_READ(iter, __iov);
	return (u64)BPF_CORE_READ((struct iov_iter___iov *)iter, iov);
}

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

/* Begins where the body does in a write, or goes on: `skip` bytes of its first buffer are before that. */
static __always_inline void begin_walk(struct walk *walk, struct request_ring *ring,
				       const struct write *write, u64 skip)
{
	u64 vectors = vectors_of(write), length = write->length;

	if (!write->buffer || length > write->count)
		length = write->count;
	ring->vectors = vectors;
	ring->data = 0;
	ring->data_end = 0;
	walk->vector = vectors ? vectors + sizeof(struct iovec) : 0;
	walk->buffer = write->buffer ? write->buffer + skip : 0;
	walk->length = length - skip;
	walk->left = write->count - skip;
	walk->position = ring->now.boundary;
}

static __always_inline void advance(struct walk *walk, u64 bytes)
{
	if (walk->buffer)
		walk->buffer += bytes;
	walk->length -= bytes;
	walk->left -= bytes;
	walk->position += bytes;
}

/* Goes on in the next buffer of the write. Returns false: there is none. */
static __always_inline bool next_buffer(struct walk *walk)
{
	struct iovec iovec = {};

	if (!walk->vector || bpf_probe_read_kernel(&iovec, sizeof(iovec), (void *)walk->vector))
		return false;
	walk->vector += sizeof(iovec);
	walk->buffer = (u64)iovec.iov_base;
	walk->length = iovec.iov_len < walk->left ? iovec.iov_len : walk->left;
	return true;
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
	if (!walk->length && !next_buffer(walk))
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
