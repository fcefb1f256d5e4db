// SPDX-License-Identifier: Apache-2.0
/*
 * Threads that connect, each within a trace context that it publishes (OTEP 4947), or within none:
 *
 *   thread-publisher LIBRARY SCHEMA PORT CLOSED-PORT THREADS ROUNDS
 *
 * Publishes by the library (see publish-context.c), connects once, says `ready`, waits for a line, and says of each connection
 * `PORT LOCAL-PORT CONTEXT`; of an attempt at the closed port as well. CONTEXT: trace id, span id and flags in
 * hexadecimal, or `-`. At last `done`.
 */
#define _GNU_SOURCE
#include "thread-context.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>

static publish_context *publish;
static int port, closed_port, rounds;

static int connect_from(const struct thread_context *context, int to)
{
	struct sockaddr_in local = {.sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in peer = local;
	socklen_t length = sizeof(local);
	char text[53] = "-";
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	peer.sin_port = htons(to);
	if (fd < 0 || bind(fd, (struct sockaddr *)&local, length) ||
	    getsockname(fd, (struct sockaddr *)&local, &length))
		exit(1);
	if (connect(fd, (struct sockaddr *)&peer, sizeof(peer)) == 0 &&
	    write(fd, "hello\n", 6) != 6)
		exit(1);
	for (int i = 0; context && i < 24; i++)
		sprintf(text + 2 * i, "%02x", ((const uint8_t *)context)[i]);
	if (context)
		sprintf(text + 48, "%02x", context->flags);
	printf("%d %d %s\n", to, ntohs(local.sin_port), text);
	return close(fd);
}

static void *work(void *unused)
{
	struct thread_context record = {};

	for (int round = 0; round < rounds; round++) {
		int kind = round % 4;

		publish(NULL);
		if (getrandom(&record, 24, 0) != 24)
			exit(1);
		record.valid = kind != 1;
		record.flags = kind != 3;
		publish(kind == 2 ? NULL : &record);
		connect_from(kind == 1 || kind == 2 ? NULL : &record,
			     round % 5 ? port : closed_port);
	}
	return unused;
}

int main(int argc, char **argv)
{
	int threads = argc == 7 ? atoi(argv[5]) : 0;
	pthread_t thread[64];
	char line[16];

	if (threads < 1 || threads > 64 || !(publish = find_publisher(argv[1])) ||
	    publish_process(argv[2]))
		return 1;
	port = atoi(argv[3]);
	closed_port = atoi(argv[4]);
	rounds = atoi(argv[6]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	connect_from(NULL, port);
	puts("ready");
	if (!fgets(line, sizeof(line), stdin))
		return 1;
	for (int i = 0; i < threads; i++)
		pthread_create(&thread[i], NULL, work, NULL);
	for (int i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	puts("done");
	return 0;
}
