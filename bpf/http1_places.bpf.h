/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* This finds a place for a head that goes on, so that no process takes another's share: docs/decisions/0061. */
#ifndef WIRESPAN_HTTP1_PLACES_H
#define WIRESPAN_HTTP1_PLACES_H

#include "http1_head.bpf.h"

/* Places that are looked at before all of them are. */
#define NEAR_PLACES 8
/* Processes are counted by a part of their number. */
#define PROCESS_KINDS 256

static __always_inline u32 kind_of(u32 process)
{
	return process & (PROCESS_KINDS - 1);
}

/* What is counted to find who has the most places. It takes the place of bytes that are no longer needed then. */
struct tally {
	u64 oldest;
	u32 number; /* the place that was taken then */
	u32 most;
	u32 kind; /* who has so many */
	u16 counts[PROCESS_KINDS];
};

static __always_inline struct tally *tally(void)
{
	struct write_scratch *s = scratch();

	_Static_assert(sizeof(struct tally) <= HEAD_WINDOW, "tally");
	return s ? (struct tally *)s->bytes : 0;
}

/* Counts one place. Neither this nor the next is static: they are verified once, not each time round. */
__noinline int count_place(u32 number)
{
	struct tally *t = tally();
	u32 kind, count;

	if (!t)
		return 0;
	kind = kind_of(holder_at(number)->process);
	count = ++t->counts[kind];
	if (count > t->most) {
		t->most = count;
		t->kind = kind;
	}
	return 0;
}

/* Was one place taken before the others of who has the most? */
__noinline int compare_place(u32 number)
{
	struct holder *holder = holder_at(number);
	struct tally *t = tally();

	if (!t || kind_of(holder->process) != t->kind || holder->since >= t->oldest)
		return 0;
	t->oldest = holder->since;
	t->number = number;
	return 0;
}

/*
 * All places are taken: returns the number of the one that was taken first of those of the process that has the most, the
 * newcomer's counted.
 */
static __always_inline u32 place_of_most(u32 process)
{
	struct tally *t = tally();
	u32 i;

	if (!t)
		return 0;
	__builtin_memset(t, 0, sizeof(*t));
	t->oldest = ~0ULL;
	t->kind = kind_of(process);
	t->counts[kind_of(process)] = 1;
	t->most = 1;
	for (i = 1; i <= HELD_HEADS; i++)
		count_place(i);
	for (i = 1; i <= HELD_HEADS; i++)
		compare_place(i);
	return t->number;
}

/* Takes a place that nobody needs, and has it locked then. It is verified once. */
__noinline int take_free_place(u32 number)
{
	struct holder *holder = holder_at(number);

	if (holder->open || !lock_holder(holder))
		return false;
	if (!holder->open)
		return true;
	unlock_holder(holder);
	return false;
}

/*
 * Returns the number of a place for one more head, locked, or 0: somebody is at the one that it should have. It is not
 * static, so it is verified once.
 */
__noinline u32 find_place(u64 address)
{
	u32 first = (u32)(address >> 6) * 0x9e3779b9U >> 16, i, number;

	for (i = 0; i < NEAR_PLACES; i++) {
		number = ((first + i) & (HELD_HEADS - 1)) + 1;
		if (take_free_place(number))
			return number;
	}
	for (i = 1; i <= HELD_HEADS; i++)
		if (take_free_place(i))
			return i;
	number = place_of_most(bpf_get_current_pid_tgid() >> 32);
	return number && lock_holder(holder_at(number)) ? number : 0;
}

#endif
