// SPDX-License-Identifier: Apache-2.0
/* Attempts at closed ports, and at a queue that is full. */
#define _GNU_SOURCE
#include "soak.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SMALL_QUEUE 7

struct truth try_ports(long count)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	struct truth truth = {.failed = count};

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (long i = 0; i < count; i++) {
		int fd = new_socket(0);

		address.sin_port = htons((uint16_t)(FIRST_PORT + i % (LAST_PORT - FIRST_PORT)));
		if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ||
		    errno != ECONNREFUSED)
			fail("a connection that should be refused");
		close(fd);
	}
	return truth;
}

static int is_established(int fd)
{
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size))
		fail("TCP_INFO");
	return info.tcpi_state == TCP_ESTABLISHED;
}

/* The kernel answers until the queue holds one more than its limit; it drops the others, which are given up. */
struct truth overflow(long count)
{
	struct sockaddr_in address;
	int listener = start_listener(&address, SMALL_QUEUE),
	    *fds = calloc((size_t)count, sizeof(int));
	struct truth truth = {0};

	for (long i = 0; i < count; i++) {
		fds[i] = new_socket(SOCK_NONBLOCK);
		if (connect(fds[i], (struct sockaddr *)&address, sizeof(address)) == 0 ||
		    errno != EINPROGRESS)
			fail("a connection that should wait");
	}
	for (long i = 0; i < count; i++) {
		if (is_established(fds[i]))
			truth.established++;
		else
			truth.failed++;
		close(fds[i]);
	}
	close(listener);
	free(fds);
	return truth;
}
