// SPDX-License-Identifier: Apache-2.0
/* HTTP/1.1 requests as an instrumented client sends them: a head of some 300 bytes in one write. */
#define _GNU_SOURCE
#include "load.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static char request[] = "GET /api/v1/orders/48151623?expand=lines HTTP/1.1\r\n"
			"host: orders.shop.example:8080\r\n"
			"accept: application/json\r\n"
			"accept-language: *\r\n"
			"user-agent: node\r\n"
			"accept-encoding: gzip, deflate\r\n"
			"traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00\r\n"
			"connection: keep-alive\r\n"
			"\r\n";
static const char response[] = "HTTP/1.1 200 OK\r\n"
			       "content-type: application/json\r\n"
			       "content-length: 2\r\n"
			       "\r\n"
			       "{}";

/* The trace-flags, which are 00 as they stand. */
static void sample(void)
{
	char *end = strstr(request, "\r\nconnection:");

	end[-1] = '1';
}

static void serve(int listener, long count)
{
	char data[sizeof(request) - 1];
	int fd = accept(listener, NULL, NULL);

	for (long i = 0; i < count; i++) {
		receive(fd, data, sizeof(data));
		if (send(fd, response, sizeof(response) - 1, MSG_NOSIGNAL) < 0)
			fail("send");
	}
	_exit(0);
}

/* Processor time of this process and of those that it waited for, in microseconds. */
static double processor_us(void)
{
	double sum = 0;

	for (int who = RUSAGE_CHILDREN; who <= RUSAGE_SELF; who++) {
		struct rusage usage;

		if (getrusage(who, &usage))
			fail("getrusage");
		sum += (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
		       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
	}
	return sum;
}

void requests(long count)
{
	struct sockaddr_in address;
	int listener = start_listener(&address, 1, 0), fd;
	char data[sizeof(response) - 1];
	pid_t server = start_process();
	double began, seconds;

	if (server == 0)
		serve(listener, count);
	fd = connect_to(&address);
	began = now_s();
	for (long i = 0; i < count; i++) {
		if (send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) < 0)
			fail("send");
		receive(fd, data, sizeof(data));
	}
	seconds = now_s() - began;
	close(fd);
	finish(server);
	printf("{\"requests\":%ld,\"seconds\":%.3f,\"processorUs\":%.0f}\n", count, seconds,
	       processor_us());
}

void sampled_requests(long count)
{
	sample();
	requests(count);
}
