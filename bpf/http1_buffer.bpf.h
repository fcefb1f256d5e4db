/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* This finds the bytes of a write in as many buffers as it has. */
#ifndef WIRESPAN_HTTP1_BUFFER_H
#define WIRESPAN_HTTP1_BUFFER_H

#include "http1_head.bpf.h"

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

/* What of a write take_request() leaves to take_part(). */
enum head_part {
	PART_NONE = 0,
	PART_NEXT, /* its bytes from the end of what was followed on */
	PART_LOST, /* a head goes on, and there are bytes between that nobody saw */
};

/* What is shorter begins a request only where one may begin: any protocol may begin a line so. */
#define LEAST_REQUEST 16

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
	u8 part;       /* set when it is read: enum head_part */
	u64 iter;      /* the struct iov_iter that it is read from */
	u64 now; /* CLOCK_MONOTONIC, ns; here, since as an argument it would take stack from what is called */
};

static __always_inline bool begins_as_request(const struct write *write)
{
	u64 word = 0, length = write->length;

	if (!write->buffer || !length)
		return false;
	if (length >= sizeof(word))
		return !bpf_probe_read_user(&word, sizeof(word), (void *)write->buffer) &&
		       is_method(word);
	barrier_var(length); /* as in load_payload() */
	length &= sizeof(word) - 1;
	return !bpf_probe_read_user(&word, length, (void *)write->buffer) &&
	       begins_as_method(word, length);
}

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

/* Begins at the boundary, or goes on: `skip` bytes of the write are before that. */
static __always_inline void begin_walk(struct walk *walk, struct request_ring *ring,
				       const struct write *write, u64 skip)
{
	u64 vectors = vectors_of(write), length = write->length, here;

	if ((!write->buffer && !vectors) || length > write->count)
		length = write->count;
	here = skip < length ? skip : length;
	ring->vectors = vectors;
	ring->data = 0;
	ring->data_end = 0;
	walk->vector = vectors ? vectors + sizeof(struct iovec) : 0;
	walk->buffer = write->buffer ? write->buffer + here : 0;
	walk->length = length - here;
	walk->left = write->count - here;
	walk->skip = skip - here;
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

/* Goes to the next bytes that are to be followed, or on the way there. Returns false: there are none. */
static __always_inline bool next_bytes(struct walk *walk)
{
	u64 bytes;

	if (!walk->length && !next_buffer(walk))
		return false;
	bytes = walk->skip < walk->length ? walk->skip : walk->length;
	if (walk->buffer)
		walk->buffer += bytes;
	walk->length -= bytes;
	walk->left -= bytes;
	walk->skip -= bytes;
	return true;
}

#endif
