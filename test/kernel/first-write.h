/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRST_WRITE_H
#define FIRST_WRITE_H

#include <netinet/in.h>
#include <stdbool.h>

/* Who does what is asked for: the caller, a worker of the ring, or the ring's poller, a thread that spins. */
enum ring_kind {
	RING_INLINE,
	RING_WORKER,
	RING_POLLER,
};

void check(long result, const char *what);

/* first-write-ring.c: io_uring by its system calls alone. One operation at a time. */
void ring_open(enum ring_kind kind);
void ring_connect(int fd, const struct sockaddr_in *peer);
void ring_send(int fd, const char *text);
/* The accepted one. `multishot`: one operation for all, which the first call begins. */
int ring_accept(int listener, bool multishot);

#endif
