// SPDX-License-Identifier: Apache-2.0
/* Clients and servers in pairs, and processes that live for one connection. */
#define _GNU_SOURCE
#include "soak.h"

#include <arpa/inet.h>
#include <errno.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define BACKLOG	  128
#define MAX_PAIRS 64
#define MAX_ENV	  (128 * 1024 - 32)

/* The request is what the client chose, and ends where the answer may begin: it comes in one segment. */
static void serve(int listener, long connections)
{
	static const char answer[MESSAGE];
	char request[2 * MESSAGE];

	for (long i = 0; i < connections; i++) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			fail("accept");
		if (recv(fd, request, sizeof(request), 0) < MESSAGE)
			fail("recv of a request");
		if (send(fd, answer, MESSAGE, MSG_NOSIGNAL) != MESSAGE)
			fail("send of an answer");
		close(fd);
	}
}

int plain_request(char *request)
{
	memset(request, 0, MESSAGE);
	return MESSAGE;
}

/* Padded to at least MESSAGE bytes, so that the server knows when it has all. */
static int sampled_request(char *request, long number)
{
	return snprintf(request, 2 * MESSAGE,
			"GET /soak HTTP/1.1\r\nHost: soak.invalid\r\n"
			"traceparent: 00-%016x%016lx-%016lx-01\r\nX-Pad: %040d\r\n\r\n",
			(unsigned int)getpid(), number + 1, number + 1, 0);
}

void request_once(struct sockaddr_in address, const char *request, int length)
{
	int fd = new_socket(0);
	char answer[MESSAGE];

	if (connect(fd, (struct sockaddr *)&address, sizeof(address)))
		fail("connect");
	if (send(fd, request, (size_t)length, MSG_NOSIGNAL) != length)
		fail("send of a request");
	if (recv(fd, answer, MESSAGE, MSG_WAITALL) != MESSAGE)
		fail("recv of an answer");
	if (recv(fd, answer, 1, 0) != 0)
		fail("the end of the stream");
	close(fd);
}

static struct truth ask(struct sockaddr_in address, long connections, const struct plan *plan)
{
	struct truth truth = {.established = connections};
	char request[2 * MESSAGE];

	for (long i = 0; i < connections; i++) {
		int is_sampled = plan->every && i % plan->every == 0;
		int length = is_sampled ? sampled_request(request, i) : plain_request(request);

		address.sin_addr.s_addr =
			htonl(INADDR_LOOPBACK + (uint32_t)(i % plan->destinations));
		request_once(address, request, length);
		truth.bytes += length + MESSAGE;
		truth.sampled += is_sampled;
	}
	return truth;
}

static struct truth spawn_each(struct sockaddr_in address, long connections, long env_bytes)
{
	static char attributes[MAX_ENV + 32] = "OTEL_RESOURCE_ATTRIBUTES=soak.text=";
	struct truth truth = {.established = connections, .processes = connections};
	char port[16], *argv[] = {"soak-once", "once", port, NULL};
	char *environment[] = {attributes, NULL};
	size_t begin = strlen(attributes);
	int status;

	memset(attributes + begin, 'x', (size_t)env_bytes);
	snprintf(port, sizeof(port), "%u", ntohs(address.sin_port));
	for (long i = 0; i < connections; i++) {
		pid_t child;

		errno = posix_spawn(&child, "/proc/self/exe", NULL, NULL, argv, environment);
		if (errno)
			fail("spawn");
		if (waitpid(child, &status, 0) != child || status)
			fail("a short process");
		truth.bytes += 2 * MESSAGE;
	}
	return truth;
}

static void add(struct truth *sum, const struct truth *part)
{
	sum->established += part->established;
	sum->failed += part->failed;
	sum->bytes += part->bytes;
	sum->sampled += part->sampled;
	sum->processes += part->processes;
}

/* A client and a server process for each pair; what the clients did comes through a pipe. */
struct truth run_pairs(long connections, long pairs, const struct plan *plan)
{
	struct truth sum = {0}, part;
	int results[2], status, is_bad = 0;

	if (pairs < 1 || pairs > MAX_PAIRS || pipe(results))
		fail("pairs");
	for (long i = 0; i < pairs; i++) {
		long share = connections / pairs + (i < connections % pairs);
		struct sockaddr_in address;
		int listener = start_listener(&address, BACKLOG);

		if (start_process() == 0) {
			serve(listener, share);
			_exit(0);
		}
		close(listener);
		if (start_process() == 0) {
			part = plan->env ? spawn_each(address, share, plan->env)
					 : ask(address, share, plan);
			if (write(results[1], &part, sizeof(part)) != sizeof(part))
				fail("write");
			_exit(0);
		}
	}
	while (wait(&status) > 0)
		is_bad |= status;
	if (is_bad)
		_exit(1);
	for (long i = 0; i < pairs; i++) {
		if (read(results[0], &part, sizeof(part)) != sizeof(part))
			fail("read");
		add(&sum, &part);
	}
	return sum;
}
