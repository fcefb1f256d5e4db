// SPDX-License-Identifier: Apache-2.0
/*
 * The loads of the soak. A connection carries a request and an answer of 128 bytes; the server closes first.
 *
 *   soak mix N PAIRS EVERY     N connections of PAIRS clients; every EVERY-th asks by HTTP with a sampled traceparent
 *   soak peers N PAIRS         N connections, each client's to another address each
 *   soak processes N PAIRS ENV N connections, a process each with ENV bytes of OTEL_RESOURCE_ATTRIBUTES
 *   soak ports N               one process, N attempts, each at another closed port
 *   soak overflow N            N attempts at a listener with room for eight that accepts none
 *
 * One JSON line: connections established, attempts that failed, payload bytes of both directions, sampled requests,
 * processes that lived for one connection. A load that takes longer than MAX_SECONDS is killed.
 */
#define _GNU_SOURCE
#include "soak.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_SECONDS  600
#define DESTINATIONS 200
#define MAX_ENV	     (128 * 1024 - 32)

_Noreturn void fail(const char *what)
{
	fprintf(stderr, "soak: %s: %s\n", what, strerror(errno));
	_exit(1);
}

static void start_watch(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(MAX_SECONDS);
}

pid_t start_process(void)
{
	pid_t child = fork();

	if (child < 0)
		fail("fork");
	if (child == 0)
		start_watch();
	return child;
}

int new_socket(int flags)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

	if (fd < 0)
		fail("socket");
	return fd;
}

int start_listener(struct sockaddr_in *address, int backlog)
{
	socklen_t size = sizeof(*address);
	int fd = new_socket(0);

	*address = (struct sockaddr_in){.sin_family = AF_INET};
	if (bind(fd, (struct sockaddr *)address, sizeof(*address)) || listen(fd, backlog) ||
	    getsockname(fd, (struct sockaddr *)address, &size))
		fail("listen");
	address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return fd;
}

static int once(const char *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons((uint16_t)atoi(port))};
	char request[2 * MESSAGE];

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	request_once(address, request, plain_request(request));
	return 0;
}

static int is_mode(char **argv, int argc, const char *name, int arguments)
{
	return strcmp(argv[1], name) == 0 && argc == arguments + 2;
}

int main(int argc, char **argv)
{
	long a = argc > 2 ? atol(argv[2]) : 0, b = argc > 3 ? atol(argv[3]) : 0;
	long c = argc > 4 ? atol(argv[4]) : 0;
	struct truth truth;

	start_watch();
	if (argc == 3 && strcmp(argv[1], "once") == 0)
		return once(argv[2]);
	if (a > 0 && is_mode(argv, argc, "mix", 3))
		truth = run_pairs(a, b, &(struct plan){c, DESTINATIONS, 0});
	else if (a > 0 && is_mode(argv, argc, "peers", 2))
		truth = run_pairs(a, b, &(struct plan){0, a, 0});
	else if (a > 0 && c > 0 && c <= MAX_ENV && is_mode(argv, argc, "processes", 3))
		truth = run_pairs(a, b, &(struct plan){0, 1, c});
	else if (a > 0 && a < LAST_PORT - FIRST_PORT && is_mode(argv, argc, "ports", 1))
		truth = try_ports(a);
	else if (a > 0 && a < 1000 && is_mode(argv, argc, "overflow", 1))
		truth = overflow(a);
	else {
		fprintf(stderr, "usage: %s mix|peers|processes|ports|overflow N ...\n", argv[0]);
		return 2;
	}
	printf("{\"established\":%ld,\"failed\":%ld,\"bytes\":%ld,\"sampled\":%ld,\"processes\":%"
	       "ld}\n",
	       truth.established, truth.failed, truth.bytes, truth.sampled, truth.processes);
	return 0;
}
