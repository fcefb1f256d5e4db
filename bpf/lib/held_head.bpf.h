/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * This keeps what a client wrote of a head, until it writes the rest. There is room for so many heads at once. When all
 * of it is taken, a new one makes the oldest leave of the process that has the most, so that none takes another's
 * share. See docs/decisions/0061.
 */
#ifndef WIRESPAN_LIB_HELD_HEAD_H
#define WIRESPAN_LIB_HELD_HEAD_H

#define HELD_HEADS 256

/* Whose the bytes with the same number in `heads` are. Whoever has `busy` reads and changes both. */
struct holder {
	u64 ring;    /* the address of the connection's requests */
	u64 start;   /* the position that the head begins at */
	u64 since;   /* CLOCK_MONOTONIC, ns */
	u32 process; /* that wrote its first bytes */
	u32 open;    /* 0: the head is whole or given up, and whoever comes may have the place */
	u32 busy;
	u32 pad;
};

struct holder holders[HELD_HEADS] = {};

static __always_inline struct holder *holder_at(u32 number)
{
	return &holders[(number - 1) & (HELD_HEADS - 1)];
}

static __always_inline bool lock_holder(struct holder *holder)
{
	return !__sync_lock_test_and_set(&holder->busy, 1);
}

static __always_inline void unlock_holder(struct holder *holder)
{
	__sync_lock_test_and_set(&holder->busy, 0);
}

/*
 * The head is whole, or given up. Its bytes stay as long as nobody else needs the place: a write that found no room is
 * met again.
 */
static __always_inline void let_go(struct request_ring *ring)
{
	struct holder *holder = holder_at(ring->holder);

	if (!ring->holder || !lock_holder(holder))
		return;
	if (holder->ring == address_of(ring))
		holder->open = 0;
	unlock_holder(holder);
}

/* The connection ends, maybe in the midst of a message. It is not inlined: some of its callers have no stack left for it. */
static __noinline int drop_unfinished(struct sock *sk)
{
	struct request_ring *ring = requests_of(sk);

	if (!ring)
		return 0;
	if (ring->goes_on) {
		ring->goes_on = 0;
		__sync_fetch_and_add(unfinished_at(sk), -1);
	}
	if (!ring->now.held)
		return 0;
	ring->now.held = 0;
	let_go(ring);
	count_loss(PROBE_REQUEST, MISS_HEAD_TOO_LONG);
	return 0;
}

#endif
