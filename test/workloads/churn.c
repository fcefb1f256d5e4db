// SPDX-License-Identifier: Apache-2.0
/*
 * Connections as fast as the machine gives them, or so many a second, and how many there were.
 *
 *   churn CONNECTIONS [PAIRS [DESTINATIONS [SHORT [RATE [ASK]]]]]
 *
 * PAIRS clients, each with a server process of its own (default 1). A connection
 * carries 128 bytes each way; the server closes first. Many destination addresses
 * within 127.0.0.0/8 (default 200) keep clients from running out of ports. SHORT 1:
 * each connection has a client process of its own. RATE: connections a second of all
 * pairs, 0 as fast as it goes (default). ASK: servers do not wait for a connection but
 * ask for one every so many microseconds. One JSON line.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
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

#define MESSAGE	  128
#define MAX_PAIRS 64

static long destinations = 200;
static int is_short;
/* Microseconds between two questions of a server; 0: it waits. */
static useconds_t ask_us;
/* Between two connections of one client, seconds; 0: none. */
static double pause_s;

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "churn: %s: %s\n", what, strerror(errno));
	_exit(1);
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void wait_until(double at_s)
{
	struct timespec at = {.tv_sec = (time_t)at_s};

	at.tv_nsec = (long)((at_s - (double)at.tv_sec) * 1e9);
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL))
		;
}

static void read_message(int fd)
{
	char data[MESSAGE];
	size_t have = 0;

	while (have < MESSAGE) {
		ssize_t n = recv(fd, data, MESSAGE - have, 0);

		if (n <= 0)
			fail("recv");
		have += (size_t)n;
	}
}

static void write_message(int fd)
{
	static const char data[MESSAGE];

	if (send(fd, data, MESSAGE, MSG_NOSIGNAL) != MESSAGE)
		fail("send");
}

static void serve(int listener, long connections)
{
	for (long i = 0; i < connections; i++) {
		int fd;

		while ((fd = accept(listener, NULL, NULL)) < 0 && ask_us && errno == EAGAIN)
			usleep(ask_us);
		if (fd < 0)
			fail("accept");
		read_message(fd);
		write_message(fd);
		close(fd);
	}
}

static void request_once(uint16_t port, long number)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = port};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char rest;

	address.sin_addr.s_addr = htonl(0x7f000001u + (uint32_t)(number % destinations));
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)))
		fail("connect");
	write_message(fd);
	read_message(fd);
	if (recv(fd, &rest, 1, 0) != 0)
		fail("the end of the stream");
	close(fd);
}

static void request(uint16_t port, long connections)
{
	double began = now_s();
	int status;

	for (long i = 0; i < connections; i++) {
		if (pause_s > 0)
			wait_until(began + (double)i * pause_s);
		pid_t child = is_short ? fork() : 0;

		if (child < 0)
			fail("fork");
		if (!child)
			request_once(port, i);
		if (!is_short)
			continue;
		if (!child)
			_exit(0);
		if (waitpid(child, &status, 0) != child || status)
			fail("a short process");
	}
}

static int start_listener(uint16_t *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | (ask_us ? SOCK_NONBLOCK : 0), 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 128) ||
	    getsockname(fd, (struct sockaddr *)&address, &size))
		fail("listen");
	*port = address.sin_port;
	return fd;
}

static pid_t start(int is_client, int listener, uint16_t port, long connections)
{
	pid_t child = fork();

	if (child < 0)
		fail("fork");
	if (child)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (is_client)
		request(port, connections);
	else
		serve(listener, connections);
	_exit(0);
}

int main(int argc, char **argv)
{
	long connections = argc > 1 ? atol(argv[1]) : 0;
	long pairs = argc > 2 ? atol(argv[2]) : 1;
	uint16_t ports[MAX_PAIRS];
	double began;
	int listener, status, bad = 0;

	if (argc > 3)
		destinations = atol(argv[3]);
	is_short = argc > 4 && atoi(argv[4]);
	if (argc > 5 && atol(argv[5]) > 0)
		pause_s = (double)pairs / (double)atol(argv[5]);
	ask_us = argc > 6 ? (useconds_t)atol(argv[6]) : 0;
	if (connections < 1 || pairs < 1 || pairs > MAX_PAIRS || destinations < 1 || argc > 7) {
		fprintf(stderr,
			"usage: %s CONNECTIONS [PAIRS [DESTINATIONS [SHORT [RATE [ASK]]]]]\n",
			argv[0]);
		return 2;
	}
	began = now_s();
	for (long i = 0; i < pairs; i++) {
		long share = connections / pairs + (i < connections % pairs);

		listener = start_listener(&ports[i]);
		start(0, listener, ports[i], share);
		close(listener);
		start(1, -1, ports[i], share);
	}
	while (wait(&status) > 0)
		bad |= status;
	printf("{\"connections\":%ld,\"pairs\":%ld,\"bytesEachWay\":%ld,\"seconds\":%.3f,\"ports\":"
	       "[",
	       connections, pairs, connections * MESSAGE, now_s() - began);
	for (long i = 0; i < pairs; i++)
		printf("%s%u", i ? "," : "", ntohs(ports[i]));
	printf("]}\n");
	return bad ? 1 : 0;
}
