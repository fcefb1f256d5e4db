// SPDX-License-Identifier: Apache-2.0
/*
 * next-connect-crowd THREADS PORT: that many threads announce their next connect() at once, of a span whose id is
 * the port that they then connect to: PORT and the thread's number. Prints how many announcements were taken.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define THREADS	    4096
#define STACK_BYTES (64 << 10)

static pthread_barrier_t begin, announced;
static atomic_int taken;

static void *run(void *given)
{
	unsigned int port = (unsigned int)(unsigned long)given;
	struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons(port)};
	unsigned char value[26] = {1, 1};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	memset(value + 2, 1, 16);
	value[24] = port >> 8;
	value[25] = port;
	inet_pton(AF_INET, "127.0.0.1", &peer.sin_addr);
	pthread_barrier_wait(&begin);
	if (!setsockopt(fd, 0x7773, 2, value, sizeof(value)))
		taken++;
	pthread_barrier_wait(&announced);
	if (!connect(fd, (struct sockaddr *)&peer, sizeof(peer)))
		exit(1);
	close(fd);
	return NULL;
}

int main(int argc, char **argv)
{
	static pthread_t threads[THREADS];
	int count = argc == 3 ? atoi(argv[1]) : 0, i;
	pthread_attr_t attributes;

	if (count < 1 || count > THREADS)
		return 2;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	pthread_barrier_init(&begin, NULL, count);
	pthread_barrier_init(&announced, NULL, count);
	for (i = 0; i < count; i++)
		if (pthread_create(&threads[i], &attributes, run,
				   (void *)(unsigned long)(atoi(argv[2]) + i)))
			return 1;
	for (i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	printf("%d\n", taken);
	return 0;
}
