// SPDX-License-Identifier: Apache-2.0
/* How sockets of tcp-script begin. */
#define _GNU_SOURCE
#include "tcp-script.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct address {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
	socklen_t length;
};

static struct address loopback(int family, int port)
{
	struct address a = {.length = family == AF_INET6 ? sizeof(a.v6) : sizeof(a.v4)};

	a.any.sa_family = (sa_family_t)family;
	if (family == AF_INET6) {
		a.v6.sin6_addr = in6addr_loopback;
		a.v6.sin6_port = htons((uint16_t)port);
	} else {
		a.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		a.v4.sin_port = htons((uint16_t)port);
	}
	return a;
}

static int family_of(int fd)
{
	int family = AF_INET;
	socklen_t length = sizeof(family);

	getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &length);
	return family;
}

static int local_port(int fd)
{
	struct address a = {.length = sizeof(a.v6)};

	if (getsockname(fd, &a.any, &a.length))
		return -1;
	return ntohs(a.any.sa_family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port);
}

long do_listen(const char *name, int *s, int backlog, int port)
{
	int family = strchr(name, '6') ? AF_INET6 : AF_INET;
	struct address a = loopback(family, port);
	bool any = strstr(name, "any");
	int one = 1;

	if (any && family == AF_INET6)
		a.v6.sin6_addr = in6addr_any;
	else if (any)
		a.v4.sin_addr.s_addr = htonl(INADDR_ANY);
	*s = socket(family, SOCK_STREAM, strstr(name, "mptcp") ? IPPROTO_MPTCP : 0);
	setsockopt(*s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	return bind(*s, &a.any, a.length) || listen(*s, backlog) ? -1 : 0;
}

long do_socket(int family, int *s, int mss)
{
	*s = socket(family, SOCK_STREAM, 0);
	if (*s >= 0 && mss)
		return setsockopt(*s, IPPROTO_TCP, TCP_MAXSEG, &mss, sizeof(mss));
	return *s < 0 ? -1 : 0;
}

long do_connect(int s, int port)
{
	struct address a = loopback(family_of(s), port);

	if (connect(s, &a.any, a.length))
		return -1;
	return local_port(s);
}

long do_connect_to(int s, const char *text, int port)
{
	struct address a = loopback(strchr(text, ':') ? AF_INET6 : AF_INET, port);

	if (inet_pton(a.any.sa_family, text,
		      a.any.sa_family == AF_INET ? (void *)&a.v4.sin_addr
						 : (void *)&a.v6.sin6_addr) != 1) {
		fprintf(stderr, "tcp-script: no address '%s'\n", text);
		exit(2);
	}
	if (connect(s, &a.any, a.length))
		return -1;
	return local_port(s);
}

long do_request(int s, int port, char **hex, int count)
{
	struct address a = loopback(family_of(s), port);

	if (connect(s, &a.any, a.length))
		return -1;
	for (int i = 0; i < count; i++) {
		size_t n = decode_hex(hex[i]);

		if (write(s, hex[i], n) != (ssize_t)n)
			return -1;
	}
	return local_port(s);
}

long do_fast(int s, int port, char *hex, int flags)
{
	size_t n = decode_hex(hex);
	struct address a = loopback(family_of(s), port);

	if (sendto(s, hex, n, MSG_FASTOPEN | flags, &a.any, a.length) != (ssize_t)n)
		return -1;
	return local_port(s);
}

long do_fast_connect(int s, int port)
{
	int one = 1;

	if (setsockopt(s, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &one, sizeof(one)))
		return -1;
	return do_connect(s, port);
}

long do_reconnect(int s, int port)
{
	struct sockaddr none = {.sa_family = AF_UNSPEC};

	if (connect(s, &none, sizeof(none)))
		return -1;
	return do_connect(s, port);
}

long do_bind(int s, int port)
{
	struct address a = loopback(family_of(s), port);
	int one = 1;

	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	return bind(s, &a.any, a.length);
}

long do_try_connect(int s, int port)
{
	struct address a = loopback(family_of(s), port);
	int flags = fcntl(s, F_GETFL);
	int error;

	fcntl(s, F_SETFL, flags | O_NONBLOCK);
	error = connect(s, &a.any, a.length) ? errno : 0;
	fcntl(s, F_SETFL, flags);
	errno = error;
	return error && error != EINPROGRESS ? -1 : local_port(s);
}
