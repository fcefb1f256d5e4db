// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "first-write.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* How long a poller spins before it goes to sleep. */
#define POLLER_SPINS_MS 5000

static struct {
	int fd;
	enum ring_kind kind;
	struct io_uring_sqe *entries;
	struct io_uring_cqe *results;
	uint32_t *sq_tail, *sq_flags, *sq_array, *cq_head, *cq_tail, sq_mask, cq_mask;
} ring;

static void *map(size_t bytes, off_t where)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring.fd,
			where);

	check(at == MAP_FAILED ? -1 : 0, "mmap");
	return at;
}

void ring_open(enum ring_kind kind)
{
	struct io_uring_params p = {0};
	char *sq, *cq;

	if (kind == RING_POLLER) {
		p.flags = IORING_SETUP_SQPOLL;
		p.sq_thread_idle = POLLER_SPINS_MS;
	}
	ring.kind = kind;
	ring.fd = (int)syscall(SYS_io_uring_setup, 8, &p);
	check(ring.fd, "io_uring_setup");
	sq = map(p.sq_off.array + p.sq_entries * sizeof(uint32_t), IORING_OFF_SQ_RING);
	cq = map(p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe), IORING_OFF_CQ_RING);
	ring.entries = map(p.sq_entries * sizeof(struct io_uring_sqe), IORING_OFF_SQES);
	ring.sq_tail = (uint32_t *)(sq + p.sq_off.tail);
	ring.sq_flags = (uint32_t *)(sq + p.sq_off.flags);
	ring.sq_array = (uint32_t *)(sq + p.sq_off.array);
	ring.sq_mask = *(uint32_t *)(sq + p.sq_off.ring_mask);
	ring.cq_head = (uint32_t *)(cq + p.cq_off.head);
	ring.cq_tail = (uint32_t *)(cq + p.cq_off.tail);
	ring.cq_mask = *(uint32_t *)(cq + p.cq_off.ring_mask);
	ring.results = (struct io_uring_cqe *)(cq + p.cq_off.cqes);
}

/* Gives the ring one operation, if any, and returns the next result. */
static int enter(uint32_t submitted)
{
	uint32_t head = *ring.cq_head, flags = IORING_ENTER_GETEVENTS;
	int result;

	if (__atomic_load_n(ring.sq_flags, __ATOMIC_SEQ_CST) & IORING_SQ_NEED_WAKEUP)
		flags |= IORING_ENTER_SQ_WAKEUP;
	if (ring.kind == RING_POLLER)
		submitted = 0;
	check(syscall(SYS_io_uring_enter, ring.fd, submitted, 1, flags, NULL, 0), "io_uring_enter");
	result = ring.results[head & ring.cq_mask].res;
	__atomic_store_n(ring.cq_head, head + 1, __ATOMIC_SEQ_CST);
	if (result < 0)
		errno = -result;
	return result;
}

/* The result of one operation. */
static int run(const struct io_uring_sqe *operation)
{
	uint32_t at = *ring.sq_tail;

	ring.entries[at & ring.sq_mask] = *operation;
	if (ring.kind == RING_WORKER)
		ring.entries[at & ring.sq_mask].flags = IOSQE_ASYNC;
	ring.sq_array[at & ring.sq_mask] = at & ring.sq_mask;
	__atomic_store_n(ring.sq_tail, at + 1, __ATOMIC_SEQ_CST);
	return enter(1);
}

void ring_connect(int fd, const struct sockaddr_in *peer)
{
	struct io_uring_sqe operation = {.opcode = IORING_OP_CONNECT, .fd = fd};

	operation.addr = (uint64_t)(uintptr_t)peer;
	operation.off = sizeof(*peer);
	check(run(&operation), "connect");
}

void ring_send(int fd, const char *text)
{
	struct io_uring_sqe operation = {.opcode = IORING_OP_SEND, .fd = fd};

	operation.addr = (uint64_t)(uintptr_t)text;
	operation.len = (uint32_t)strlen(text);
	check(run(&operation), "send");
}

int ring_accept(int listener, bool multishot)
{
	static bool is_begun;
	struct io_uring_sqe operation = {.opcode = IORING_OP_ACCEPT, .fd = listener};

	if (is_begun)
		return enter(0);
	is_begun = multishot;
	if (multishot)
		operation.ioprio = IORING_ACCEPT_MULTISHOT;
	return run(&operation);
}
