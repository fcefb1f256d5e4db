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
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE	     128
#define BACKLOG	     128
#define MAX_PAIRS    64
#define MAX_SECONDS  600
#define DESTINATIONS 200
#define FIRST_PORT   1024
#define LAST_PORT    32000
#define SMALL_QUEUE  7
#define MAX_ENV	     (128 * 1024 - 32)

struct truth {
	long established, failed, bytes, sampled, processes;
};

struct plan {
	long every, destinations, env;
};

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "soak: %s: %s\n", what, strerror(errno));
	_exit(1);
}

static void start_watch(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(MAX_SECONDS);
}

static pid_t start_process(void)
{
	pid_t child = fork();

	if (child < 0)
		fail("fork");
	if (child == 0)
		start_watch();
	return child;
}

static int new_socket(int flags)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

	if (fd < 0)
		fail("socket");
	return fd;
}

static int start_listener(struct sockaddr_in *address, int backlog)
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

static int plain_request(char *request)
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

static void request_once(struct sockaddr_in address, const char *request, int length)
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
static struct truth run_pairs(long connections, long pairs, const struct plan *plan)
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

static struct truth try_ports(long count)
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
static struct truth overflow(long count)
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
