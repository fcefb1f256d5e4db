/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * This has what a thread said of the connect() that it calls next, where there is no socket yet to
 * say it of: see docs/decisions/0043.
 */
#ifndef WIRESPAN_LIB_NEXT_CONNECT_H
#define WIRESPAN_LIB_NEXT_CONNECT_H

#define NEXT_CONNECTS 1024 /* a power of two */

/* A thread that called no connect() by then may have ended: another one may have its place. */
#define NEXT_CONNECT_KEPT_NS 1000000000ULL

/*
 * A thread has one place, by its id. It alone reads and writes what is in it; who comes for it may
 * differ, so it is held meanwhile. A place that another thread has is left to it, which is counted.
 */
struct next_connect {
	u64 thread;  /* whose it is, from this_thread(); with the lowest bit: held; 0: nobody's */
	u64 said_ns; /* CLOCK_MONOTONIC */
	struct request request;
};

#define NEXT_CONNECT_HELD 1ULL

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, NEXT_CONNECTS);
	__type(key, u32);
	__type(value, struct next_connect);
} next_connects SEC(".maps");

/* Any thread ever said so: until then a connect() looks nothing up. */
u32 next_connects_seen = 0;

/* A thread's id is used again, its id with its start is not. Never 0, and the lowest bit is free. */
static __always_inline u64 this_thread(void)
{
	struct task_struct *thread = (struct task_struct *)bpf_get_current_task();
	u32 started = BPF_CORE_READ(thread, start_boottime) >> 6;

	return (u64)(u32)BPF_CORE_READ(thread, pid) << 32 | (started & ~(u32)NEXT_CONNECT_HELD);
}

static __always_inline struct next_connect *place_of(u64 thread)
{
	u32 index = (thread >> 32) & (NEXT_CONNECTS - 1);

	return bpf_map_lookup_elem(&next_connects, &index);
}

/* The thread's next connect() is for nobody known. */
static __always_inline void forget_next_connect(void)
{
	u64 thread = this_thread();
	struct next_connect *place = place_of(thread);

	if (place)
		__sync_val_compare_and_swap(&place->thread, thread, 0);
}

/* The thread's next connect() is for this request. Returns false when there is no room. */
static __always_inline bool note_next_connect(const struct request *said)
{
	u64 thread = this_thread(), now = bpf_ktime_get_ns(), before;
	struct next_connect *place = place_of(thread);

	if (!place)
		return false;
	before = *(volatile u64 *)&place->thread;
	if (before && before != thread &&
	    (before & NEXT_CONNECT_HELD || now - place->said_ns < NEXT_CONNECT_KEPT_NS))
		return false;
	if (__sync_val_compare_and_swap(&place->thread, before, thread | NEXT_CONNECT_HELD) !=
	    before)
		return false;
	place->said_ns = now;
	place->request = *said;
	place->request.start_ns = now;
	/* The SYN alone of a client's stream: its first byte of payload is at 1. */
	place->request.end = 1;
	place->request.method = METHOD_SDK_HOOK;
	place->request.found = 1;
	__sync_lock_test_and_set(&place->thread, thread);
	next_connects_seen = 1;
	return true;
}

/*
 * This thread connects. Returns what it said of that, or NULL. Whoever got one gives it back by
 * release_next_connect().
 */
static __always_inline struct next_connect *claim_next_connect(void)
{
	struct next_connect *place;
	u64 thread;

	if (!cfg_hook || !next_connects_seen)
		return 0;
	thread = this_thread();
	place = place_of(thread);
	if (!place || *(volatile u64 *)&place->thread != thread ||
	    __sync_val_compare_and_swap(&place->thread, thread, thread | NEXT_CONNECT_HELD) !=
		    thread)
		return 0;
	return place;
}

static __always_inline void release_next_connect(struct next_connect *place)
{
	__sync_lock_test_and_set(&place->thread, 0);
}

/* A client is about to send its SYN. What was said of the socket itself counts more. */
static __noinline int take_next_connect(struct sock *sk)
{
	struct next_connect *place = claim_next_connect();
	struct request_ring *ring;
	u32 index;

	if (!place)
		return 0;
	ring = bpf_sk_storage_get(&requests, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!ring) {
		count_loss(PROBE_ANNOUNCE, LOST_STORAGE);
	} else if (!ring->early || !open_announcement(ring)) {
		index = ring->count & (REQUEST_SLOTS - 1);
		ring->slots[index] = place->request;
		ring->count += 1;
		ring->opening = index + 1;
		ring->early = 1;
	}
	release_next_connect(place);
	return 0;
}

#endif
