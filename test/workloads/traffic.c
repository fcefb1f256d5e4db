// SPDX-License-Identifier: Apache-2.0
/*
 * Moves known amounts of payload and tells what the kernel counted for it. One
 * command a line on standard input, one answer a line: `ok NUMBER...` or
 * `error ERRNO`. Sockets have numbers of the caller's choice.
 *
 *   listen S ADDRESS          port
 *   connect S ADDRESS PORT [FROM]    local port
 *   accept S LISTENER
 *   send S COUNT              writes COUNT bytes
 *   receive S COUNT           reads exactly COUNT bytes
 *   info S                    TCP_INFO: bytes acked, received, segments out, in, state
 *   end S                     shutdown, then reads to the end of the stream
 *   close S
 *
 * `traffic once ADDRESS PORT COUNT`: a process that lives as long as one connection;
 * sends COUNT bytes and waits for the peer's end of the stream.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/tcp.h>

#define SOCKETS 256
#define WORDS	8

static int sockets[SOCKETS];

struct address {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
	socklen_t length;
};

static struct address parse(const char *text, int port)
{
	struct address a = {0};

	if (inet_pton(AF_INET, text, &a.v4.sin_addr) == 1) {
		a.v4.sin_family = AF_INET;
		a.v4.sin_port = htons((uint16_t)port);
		a.length = sizeof(a.v4);
	} else if (inet_pton(AF_INET6, text, &a.v6.sin6_addr) == 1) {
		a.v6.sin6_family = AF_INET6;
		a.v6.sin6_port = htons((uint16_t)port);
		a.length = sizeof(a.v6);
	} else {
		fprintf(stderr, "traffic: no address '%s'\n", text);
		exit(2);
	}
	return a;
}

static int *slot(const char *word)
{
	unsigned long index = strtoul(word, NULL, 10);

	if (index >= SOCKETS) {
		fprintf(stderr, "traffic: no socket %lu\n", index);
		exit(2);
	}
	return &sockets[index];
}

static long local_port(int fd)
{
	struct address a = {.length = sizeof(a.v6)};

	if (getsockname(fd, &a.any, &a.length))
		return -1;
	return ntohs(a.any.sa_family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port);
}

static long do_listen(int *s, const char *text)
{
	struct address a = parse(text, 0);

	*s = socket(a.any.sa_family, SOCK_STREAM, 0);
	if (*s < 0 || bind(*s, &a.any, a.length) || listen(*s, 64))
		return -1;
	return local_port(*s);
}

static long do_connect(int *s, const char *text, int port, const char *from)
{
	struct address a = parse(text, port), own = parse(from ? from : text, 0);

	*s = socket(a.any.sa_family, SOCK_STREAM, 0);
	if (from && bind(*s, &own.any, own.length))
		return -1;
	if (*s < 0 || connect(*s, &a.any, a.length))
		return -1;
	return local_port(*s);
}

static long do_send(int s, long count)
{
	static char data[65536];
	long left = count;

	while (left) {
		size_t part = left < (long)sizeof(data) ? (size_t)left : sizeof(data);
		ssize_t n = send(s, data, part, MSG_NOSIGNAL);

		if (n < 0)
			return -1;
		left -= n;
	}
	return count;
}

static long do_receive(int s, long count)
{
	static char data[65536];
	long left = count;

	while (left) {
		ssize_t n = recv(s, data, left < (long)sizeof(data) ? (size_t)left : sizeof(data),
				 0);

		if (n <= 0) {
			errno = n ? errno : EPIPE;
			return -1;
		}
		left -= n;
	}
	return count;
}

static long do_end(int s)
{
	char rest;
	ssize_t n;

	if (shutdown(s, SHUT_WR))
		return -1;
	n = recv(s, &rest, 1, 0);
	if (n > 0)
		errno = EBADMSG;
	return n ? -1 : 0;
}

static int print_info(int s)
{
	struct tcp_info info = {0};
	socklen_t length = sizeof(info);

	if (getsockopt(s, IPPROTO_TCP, TCP_INFO, &info, &length))
		return -1;
	printf("ok %llu %llu %u %u %u\n", (unsigned long long)info.tcpi_bytes_acked,
	       (unsigned long long)info.tcpi_bytes_received, info.tcpi_segs_out, info.tcpi_segs_in,
	       info.tcpi_state);
	return 0;
}

static long run(char **word, int words)
{
	const char *name = word[0];
	int *s = slot(word[1]);
	long number = words > 2 ? atol(word[2]) : 0;

#define IS(text) (!strcmp(name, text))
	if (IS("listen"))
		return do_listen(s, word[2]);
	if (IS("connect"))
		return do_connect(s, word[2], atoi(word[3]), words > 4 ? word[4] : NULL);
	if (IS("accept"))
		return (*s = accept(*slot(word[2]), NULL, NULL)) < 0 ? -1 : 0;
	if (IS("send"))
		return do_send(*s, number);
	if (IS("receive"))
		return do_receive(*s, number);
	if (IS("end"))
		return do_end(*s);
	if (IS("close"))
		return close(*s);
	fprintf(stderr, "traffic: no command '%s'\n", name);
	exit(2);
}

static int once(char **argv)
{
	int s;

	if (do_connect(&s, argv[0], atoi(argv[1]), NULL) < 0 || do_send(s, atol(argv[2])) < 0 ||
	    do_end(s) < 0) {
		fprintf(stderr, "traffic: %s\n", strerror(errno));
		return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	char *line = NULL, *word[WORDS + 1], *rest;
	size_t room = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (argc == 5 && !strcmp(argv[1], "once"))
		return once(argv + 2);
	while (getline(&line, &room, stdin) > 0) {
		int words = 0;
		long result;

		rest = line;
		while (words < WORDS && (word[words] = strsep(&rest, " \n")) && *word[words])
			words++;
		word[words] = NULL;
		if (words < 2)
			return 2;
		if (!strcmp(word[0], "info")) {
			if (print_info(*slot(word[1])))
				printf("error %d\n", errno);
			fflush(stdout);
			continue;
		}
		result = run(word, words);
		if (result < 0)
			printf("error %d\n", errno);
		else
			printf("ok %ld\n", result);
		fflush(stdout);
	}
	free(line);
	return 0;
}
