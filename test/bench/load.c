// SPDX-License-Identifier: Apache-2.0
/*
 * The loads of the benchmarks that test/workloads/churn.c does not make.
 *
 *   load rounds N    one connection, N rounds of 128 bytes each way
 *   load bulk BYTES  one connection, BYTES one way in writes of 64 KiB, segments of 1,448 bytes
 *   load refuse N    N attempts to a port where no one listens
 *   load lose N      N attempts that a full listener does not answer, for 1.4 seconds
 *   load requests N  one connection, N HTTP/1.1 requests with a traceparent, and their responses
 *   load sampled-requests N  the same, of sampled spans
 *   load hold N PER  N connections, as many as the limits allow, until standard input ends; a
 *                    process has PER of them to one address
 *
 * One JSON line; that of `hold` comes when all connections are there.
 */
#define _GNU_SOURCE
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <signal.h>
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
#define WRITE_SIZE   65536
#define SEGMENT_SIZE 1448
_Noreturn void fail(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	_exit(1);
}

double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void pause_ms(long ms)
{
	struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

static int new_socket(int flags)
{
	int fd = socket(AF_INET, SOCK_STREAM | flags, 0);

	if (fd < 0)
		fail("socket");
	return fd;
}

int start_listener(struct sockaddr_in *address, int backlog, int segment_size)
{
	socklen_t size = sizeof(*address);
	int fd = new_socket(0);

	*address = (struct sockaddr_in){.sin_family = AF_INET};
	if (segment_size &&
	    setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &segment_size, sizeof(segment_size)))
		fail("TCP_MAXSEG");
	if (bind(fd, (struct sockaddr *)address, sizeof(*address)) || listen(fd, backlog) ||
	    getsockname(fd, (struct sockaddr *)address, &size))
		fail("listen");
	address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return fd;
}

pid_t start_process(void)
{
	pid_t child = fork();

	if (child < 0)
		fail("fork");
	if (child == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return child;
}

void receive(int fd, char *data, size_t size)
{
	for (size_t have = 0; have < size;) {
		ssize_t n = recv(fd, data + have, size - have, 0);

		if (n <= 0)
			fail("recv");
		have += (size_t)n;
	}
}

int connect_to(const struct sockaddr_in *address)
{
	int fd = new_socket(0);

	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)))
		fail("connect");
	return fd;
}

void finish(pid_t server)
{
	int status;

	if (waitpid(server, &status, 0) != server || status)
		fail("the server");
}

static void rounds(long count)
{
	struct sockaddr_in address;
	int listener = start_listener(&address, 1, 0), fd;
	char data[MESSAGE] = {0};
	pid_t server = start_process();
	double began;

	if (server == 0) {
		fd = accept(listener, NULL, NULL);
		for (long i = 0; i < count; i++) {
			receive(fd, data, MESSAGE);
			if (send(fd, data, MESSAGE, MSG_NOSIGNAL) != MESSAGE)
				fail("send");
		}
		_exit(0);
	}
	fd = connect_to(&address);
	began = now_s();
	for (long i = 0; i < count; i++) {
		if (send(fd, data, MESSAGE, MSG_NOSIGNAL) != MESSAGE)
			fail("send");
		receive(fd, data, MESSAGE);
	}
	printf("{\"rounds\":%ld,\"seconds\":%.3f}\n", count, now_s() - began);
	close(fd);
	finish(server);
}

static void bulk(long bytes)
{
	static char data[WRITE_SIZE];
	struct sockaddr_in address;
	int listener = start_listener(&address, 1, SEGMENT_SIZE), fd;
	pid_t server = start_process();
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);
	long writes = 0;
	double began;

	if (server == 0) {
		fd = accept(listener, NULL, NULL);
		while (recv(fd, data, sizeof(data), 0) > 0)
			;
		_exit(0);
	}
	fd = connect_to(&address);
	began = now_s();
	for (long left = bytes; left > 0; left -= WRITE_SIZE, writes++) {
		ssize_t want = left < WRITE_SIZE ? left : WRITE_SIZE;

		if (send(fd, data, (size_t)want, MSG_NOSIGNAL) != want)
			fail("send");
	}
	shutdown(fd, SHUT_WR);
	finish(server);
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size))
		fail("TCP_INFO");
	printf("{\"bytes\":%ld,\"writes\":%ld,\"segments\":%u,\"seconds\":%.3f}\n", bytes, writes,
	       info.tcpi_segs_out + info.tcpi_segs_in, now_s() - began);
}

static void refuse(long count)
{
	struct sockaddr_in address;
	double began = now_s();

	close(start_listener(&address, 1, 0));
	for (long i = 0; i < count; i++) {
		int fd = new_socket(0);

		if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ||
		    errno != ECONNREFUSED)
			fail("a connection that should be refused");
		close(fd);
	}
	printf("{\"attempts\":%ld,\"seconds\":%.3f}\n", count, now_s() - began);
}

static void lose(long count)
{
	struct sockaddr_in address;
	double began = now_s();

	start_listener(&address, 1, 0);
	for (long i = 0; i < count; i++)
		if (connect(new_socket(SOCK_NONBLOCK), (struct sockaddr *)&address,
			    sizeof(address)) == 0 ||
		    errno != EINPROGRESS)
			fail("a connection that should wait");
	pause_ms(1400);
	printf("{\"attempts\":%ld,\"seconds\":%.3f}\n", count, now_s() - began);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(long);
	} loads[] = {{"rounds", rounds},     {"bulk", bulk},
		     {"refuse", refuse},     {"lose", lose},
		     {"requests", requests}, {"sampled-requests", sampled_requests}};
	long count = argc >= 3 ? atol(argv[2]) : 0, per = argc == 4 ? atol(argv[3]) : 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (size_t i = 0; count > 0 && argc == 3 && i < sizeof(loads) / sizeof(loads[0]); i++)
		if (strcmp(argv[1], loads[i].name) == 0) {
			loads[i].run(count);
			return 0;
		}
	if (count > 0 && per > 0 && strcmp(argv[1], "hold") == 0) {
		hold(count, per);
		return 0;
	}
	fprintf(stderr,
		"usage: %s rounds|bulk|refuse|lose|requests|sampled-requests COUNT | hold COUNT "
		"PER\n",
		argv[0]);
	return 2;
}
