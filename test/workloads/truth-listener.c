// SPDX-License-Identifier: Apache-2.0
/* Listening sockets of tcp-truth, and what the table says of them. */
#include "truth.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

int bind_any(enum family family, uint16_t *port)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_storage bound;
	socklen_t size = sizeof(bound);
	char unused[ADDRESS_LEN];
	int fd = socket(family == FAMILY_V4 ? AF_INET : AF_INET6, SOCK_STREAM, 0);

	if (family == FAMILY_V6)
		v6.sin6_addr = in6addr_loopback;
	if (fd < 0 || (family == FAMILY_V4 ? bind(fd, (struct sockaddr *)&v4, sizeof(v4))
					   : bind(fd, (struct sockaddr *)&v6, sizeof(v6))))
		fail("bind");
	if (getsockname(fd, (struct sockaddr *)&bound, &size))
		fail("getsockname");
	format_address(&bound, unused, port);
	return fd;
}

int start_listener(int fd, enum family family, int backlog)
{
	struct listener *l = &table->listeners[table->listener_count++];
	struct sockaddr_storage bound;
	socklen_t size = sizeof(bound);

	l->pid = getpid();
	l->family = family;
	l->backlog = backlog;
	l->start.after_ns = now_ns();
	if (listen(fd, backlog))
		fail("listen");
	l->start.before_ns = now_ns();
	if (getsockname(fd, (struct sockaddr *)&bound, &size))
		fail("getsockname");
	format_address(&bound, l->address, &l->port);
	return fd;
}

void stop_listener(int fd, uint16_t port)
{
	struct bounds stop = {.after_ns = now_ns()};

	if (close(fd))
		fail("close of a listener");
	stop.before_ns = now_ns();
	for (uint32_t i = 0; i < table->listener_count; i++)
		if (table->listeners[i].port == port && !table->listeners[i].stop.after_ns)
			table->listeners[i].stop = stop;
}
