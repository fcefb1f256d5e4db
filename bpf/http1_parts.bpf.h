/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * This takes the requests of a client whose heads are not whole in the first buffer of a write: they go on in the next
 * one, or in the next write. See docs/decisions/0061.
 */
#ifndef WIRESPAN_HTTP1_PARTS_H
#define WIRESPAN_HTTP1_PARTS_H

#include "http1_places.bpf.h"
#include "http1_write.bpf.h"

/* Buffers of one write that a head is put together of. */
#define MAX_HEAD_PIECES 512
/* So often one write is looked at for more heads. */
#define MAX_PARTS 4
/* The bytes of the heads of `holders`, by the same number. User space gives the map its size. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct window);
} heads SEC(".maps");

static __always_inline struct window *head_of(u32 number)
{
	u32 index = (number - 1) & (HELD_HEADS - 1);

	return bpf_map_lookup_elem(&heads, &index);
}

static __always_inline u8 *piece(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&pieces, &zero);
}

/* Are the bytes of this connection's head still there? With the place locked. */
static __always_inline bool is_held(const struct holder *holder, struct request_ring *ring)
{
	return holder->ring == address_of(ring) && holder->start == ring->now.boundary;
}

/* Puts what came of a head before this write where the rest is added. Returns an enum loss_reason, or 0. */
static __always_inline u32 recall_head(struct request_ring *ring, u8 *into)
{
	struct holder *holder = holder_at(ring->holder);
	struct window *window = head_of(ring->holder);
	u32 why = MISS_HEAD_TOO_LONG; /* it made room for others */

	if (!window || !lock_holder(holder))
		return MISS_BUSY;
	if (is_held(holder, ring)) {
		holder->open = 1;
		bpf_probe_read_kernel(into, HEAD_WINDOW, window->bytes);
		why = 0;
	}
	unlock_holder(holder);
	return why;
}

/*
 * Keeps what came of a head until the next write, in the place with this number: that of its earlier parts, or a new one,
 * which is locked. Returns an enum loss_reason, or 0. It is verified once.
 */
__noinline u32 hold_head(struct request_ring *ring, u32 number, u64 now)
{
	struct write_scratch *s = scratch();
	struct holder *holder;
	struct window *window;
	u8 *from = piece();
	u32 why = 0;

	if (!ring || !s || !from)
		return MISS_HEAD_TOO_LONG;
	holder = holder_at(number);
	window = head_of(number);
	if (ring->now.held) {
		if (!lock_holder(holder))
			return MISS_BUSY;
		if (!is_held(holder, ring))
			why = MISS_HEAD_TOO_LONG;
	} else {
		holder->ring = address_of(ring);
		holder->start = ring->now.boundary;
		holder->since = now;
		holder->process = bpf_get_current_pid_tgid() >> 32;
		holder->open = 1;
	}
	if (!window)
		why = MISS_HEAD_TOO_LONG;
	else if (!why)
		bpf_probe_read_kernel(window->bytes, HEAD_WINDOW, from);
	unlock_holder(holder);
	if (why)
		return why;
	ring->holder = number;
	ring->now.held = *(volatile u32 *)&s->length;
	return 0;
}

/* Adds the next piece of the write to a head. Returns an enum loss_reason, or 0. It is verified once. */
__noinline u32 add_piece(void)
{
	struct write_scratch *s = scratch();
	u64 bytes, place, least = 1;
	struct walk *walk;
	u8 *into = piece();

	if (!s || !into)
		return MISS_UNREADABLE;
	walk = &s->walk;
	if (!next_bytes(walk))
		return MISS_UNREADABLE;
	bytes = walk->length;
	place = s->length;
	if (bytes > HEAD_WINDOW - place)
		bytes = HEAD_WINDOW - place;
	barrier_var(bytes); /* as in load_payload() */
	barrier_var(place);
	barrier_var(least);
	if (bytes > HEAD_WINDOW)
		bytes = HEAD_WINDOW;
	place &= HEAD_WINDOW - 1;
	if (bytes < least)
		return 0;
	if (!walk->buffer || bpf_probe_read_user(into + place, bytes, (void *)walk->buffer))
		return MISS_UNREADABLE;
	s->length += bytes;
	advance(walk, bytes);
	return 0;
}

/*
 * Puts together what came of a head, in this write and before it. Returns an enum loss_reason, or 0. It is verified
 * once.
 */
__noinline u32 gather_head(struct request_ring *ring, const struct write *write)
{
	struct write_scratch *s = scratch();
	u8 *from = piece();
	u32 i, why = 0;
	u64 length;

	if (!ring || !write || !s || !from)
		return MISS_HEAD_TOO_LONG;
	if (ring->now.held)
		why = recall_head(ring, from);
	if (why)
		return why;
	begin_walk(&s->walk, ring, write, ring->now.boundary + ring->now.held - ring->last);
	s->length = ring->now.held;
	for (i = 0; i < MAX_HEAD_PIECES; i++) {
		if (!*(volatile u64 *)&s->walk.left || *(volatile u32 *)&s->length >= HEAD_WINDOW)
			break;
		why = add_piece();
		barrier_var(why); /* as in find_http1_heads() */
		if (why)
			return why;
	}
	bpf_probe_read_kernel(s->bytes, HEAD_WINDOW, from);
	length = *(volatile u32 *)&s->length;
	barrier_var(length);
	if (length > HEAD_WINDOW)
		length = HEAD_WINDOW;
	__builtin_memset(&s->bytes[length], 0, ZEROS_AFTER);
	__builtin_memset(s->heads, 0, sizeof(s->heads[0]));
	s->count = 0;
	s->request.found = 0;
	return 0;
}

/* Does the request line, once it is there, say HTTP/1? */
static __always_inline bool may_be_line(struct write_scratch *s)
{
	u32 end = s->heads[0].fields & (2 * HEAD_WINDOW - 1);

	return !end || (end >= 10 && (word_at(s, end - 10) & 0xffffffffffffffULL) ==
					     WORD8('H', 'T', 'T', 'P', '/', '1', '.', 0));
}

/* No head is whole yet. Returns an enum loss_reason, or 0: the rest may come. */
static __always_inline u32 judge_part(struct write_scratch *s)
{
	if (!begins_as_method(word_at(s, 0), s->length) || !may_be_line(s))
		return MISS_FRAMING;
	return s->length >= HEAD_WINDOW || s->walk.left ? MISS_HEAD_TOO_LONG : 0;
}

/* With the working memory to itself. Returns an enum loss_reason, or 0. */
static __always_inline u32 read_part(struct write_scratch *s, struct request_ring *ring,
				     struct write *write, u32 *opening)
{
	bool begins = ring->now.boundary == ring->before.boundary;
	bool opens = begins && (ring->before.held ? ring->opens : write->first);
	u32 why = gather_head(ring, write), number;

	if (why)
		return why;
	find_http1_heads();
	if (!ring->now.held)
		ring->head_ns = write->now;
	if (s->count) {
		*opening = take_heads(s, ring, write, ring->now.boundary, opens, ring->head_ns);
		if (ring->now.held)
			let_go(ring);
		ring->now.held = 0;
		return 0;
	}
	ring->opens = opens;
	why = judge_part(s);
	if (why)
		return why;
	if (!ring->now.held)
		let_go(ring); /* of what was not taken of an earlier one */
	/* Not asked by what is called, which would take more stack. */
	number = ring->now.held ? ring->holder : find_place(address_of(ring));
	return number ? hold_head(ring, number, write->now) : MISS_BUSY;
}

/*
 * Takes what take_request() left of a write. It leaves the rest to its next turn, and to follow_body(). Returns as
 * take_request(). It is not static, so it is verified once.
 */
__noinline u32 take_part(struct request_ring *ring, struct write *write)
{
	struct write_scratch *s = scratch();
	u32 opening = 0, why = MISS_FRAMING;

	if (!ring || !write || !s)
		return 0;
	if (write->part != PART_LOST) {
		write->part = PART_NONE;
		if (__sync_lock_test_and_set(&s->busy, 1)) {
			why = MISS_BUSY;
		} else {
			why = read_part(s, ring, write, &opening);
			s->busy = 0;
		}
	}
	write->has_body = ring->now.chunks.state && !ring->opaque;
	if (why) {
		write->part = PART_NONE;
		let_go(ring);
		give_up_writes(ring, why);
	}
	return opening;
}

/* The same for all that is left of a write. */
static __always_inline u32 take_parts(struct request_ring *ring, struct write *write, u32 opening)
{
	u32 i;

	for (i = 0; i < MAX_PARTS && write->part; i++)
		opening |= take_part(ring, write);
	if (write->part) {
		let_go(ring);
		give_up_writes(ring, MISS_FRAMING);
	}
	return opening;
}

#endif
